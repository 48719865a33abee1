#!/usr/bin/env python
"""Story Blender's command line: `manage.py help` lists the commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError

from texts.disk import disk_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storyblender_site.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"error: {error}")
    except (OSError, DatabaseError) as error:
        if line := disk_line(error):
            sys.exit(f"error: {line} (VAR_DIR is {os.environ.get('VAR_DIR', 'var')})")
        from storyblender_site.preparation import is_behind

        if not isinstance(error, DatabaseError) or not is_behind():
            raise
        sys.exit("error: the database is not up to date; `manage.py migrate` brings it there, and so does a start")
