"""What a page says, wherever its template breaks lines."""

from typing import Any


def in_one_line(page: Any) -> str:
    """A response's HTML with one blank for any white space."""
    return " ".join(page.content.decode().split())
