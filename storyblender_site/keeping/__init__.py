"""Keeping a site: a backup is a folder with the rows of the database, table by table, and the files under `VAR_DIR`.

The rows are written in one form on every database, so that a site can be restored on another one than it was on.
"""
