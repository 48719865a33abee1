import os

# numpy's own threads: the site works on many small matrices, over which they only wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from storyblender_site.celery import app as celery_app

__all__ = ["celery_app"]
