"""Tokens that are of no text, and the ids that are the same in every vocabulary."""

PAD, UNKNOWN, BEGIN, END = 0, 1, 2, 3
# In sources: what is to be written, and what ends a sentence of the story so far.
CAPTION, STORY, THEN = MARKS = ("<caption>", "<story>", "<then>")
NEVER_WRITTEN = [PAD, UNKNOWN, BEGIN, 4, 5, 6]  # the marks have the ids behind the four above
