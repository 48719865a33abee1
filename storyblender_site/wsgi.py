import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from storyblender_site.addresses import below_path
from storyblender_site.content_types import in_utf8

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")

application = in_utf8(below_path(get_wsgi_application(), settings.SITE.path))
