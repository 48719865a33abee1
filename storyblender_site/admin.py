"""Django's own pages of accounts, which note what is done there."""

from storyblender_site import audited  # noqa: F401  registers them
