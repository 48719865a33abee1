"""Ratings of a study run elsewhere, read as it was published.

A file becomes a table (`tables`, `workbooks`, `json_tables`), its columns are given their roles (`columns`), and what
the rows are (`scores`, `choices`) turns their records into content.
"""

from annotations.campaigns.readers.content import RatingContent
from annotations.campaigns.readers.options import RatingOptions, rating_options
from annotations.campaigns.readers.reading import preview_ratings, read_ratings

__all__ = ["RatingContent", "RatingOptions", "preview_ratings", "rating_options", "read_ratings"]
