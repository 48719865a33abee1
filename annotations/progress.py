"""What long work tells of its progress: the share done, from 0 to 1, and what is being done."""

from collections.abc import Callable

OnShare = Callable[[float], None]
OnProgress = Callable[[float, str], None]
