import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from storyblender_site.addresses import below_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")

application = below_path(get_wsgi_application(), settings.SITE.path)
