"""A story as one text: a line for each of its sentences."""

from collections.abc import Iterable


def story_text(sentences: Iterable[str]) -> str:
    """Whatever breaks a line within a sentence becomes a space."""
    return "\n".join(" ".join(sentence.split()) for sentence in sentences)


def story_lines(text: str) -> list[str]:
    """The sentences of a story's text; of a story that was written as one text, that text alone."""
    return text.split("\n")
