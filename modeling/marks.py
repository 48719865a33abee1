"""Tokens of sources that are of no text: what is to be written, and what ends a sentence of the story so far."""

CAPTION, STORY, THEN = MARKS = ("<caption>", "<story>", "<then>")
