"""What a person can put right: bad files, names and requests. Everything else is a bug and stays a traceback."""

from texts.storable import escaped

LONGEST, TAIL = 1_500, 300  # characters of a message, and of its end, which says what would be right


class InputError(ValueError):
    """Says what was wrong, where (file, line, key, value) and what would be right, in one line that can be stored and
    printed whatever it quotes.

    `code` names the case where a page has words of its own for it, in the reader's language.
    """

    def __init__(self, message: str, code: str = "") -> None:
        line = escaped(message)
        super().__init__(line if len(line) <= LONGEST else f"{line[: LONGEST - TAIL]} … {line[-TAIL:]}")
        self.code = code


class NotFoundError(InputError):
    """A name that nothing has; the message lists what there is."""


class ConflictError(InputError):
    """The request contradicts what is stored already."""


class AnswerError(InputError):
    """A rater's answer that the protocol does not take, or a key that came with another answer before."""


class ForbiddenError(InputError):
    """The request needs a session or a signed link that it does not have."""


class TooOftenError(InputError):
    """One client asks more often than a person would; `seconds` is how long to wait."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message, "often")
        self.seconds = seconds


class GoneError(InputError):
    """Others have taken an assignment's place after its lease expired."""
