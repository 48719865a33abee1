"""What a person can put right: bad files, names and requests. Everything else is a bug and stays a traceback."""

from texts.storable import escaped

MAX_LENGTH, TAIL_LENGTH = 1_500, 300  # characters of a message, and of its end, which says what would be right


class InputError(ValueError):
    """Says in one line, which can be stored and printed whatever it quotes, `where: field: message; hint`.

    `where` is a file and the position in it, `field` the key, option or form field that is wrong, `message` what is
    wrong with it, `hint` what would be right; each may be empty but the message. `code` names the case where a page has
    words of its own for it, in the reader's language.
    """

    def __init__(self, field: str, message: str, hint: str = "", *, where: object = "", code: str = "") -> None:
        super().__init__(field, message, hint)
        self.field, self.message, self.hint, self.where = (escaped(str(part)) for part in (field, message, hint, where))
        self.code = code

    def __str__(self) -> str:
        return shortened(": ".join(part for part in (self.where, self.field, self.problem) if part))

    @property
    def problem(self) -> str:
        """What is wrong and what would be right, to stand at the field."""
        return shortened("; ".join(part for part in (self.message, self.hint) if part))


def shortened(line: str) -> str:
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - TAIL_LENGTH]} … {line[-TAIL_LENGTH:]}"


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
        super().__init__("", message, code="often")
        self.seconds = seconds


class GoneError(InputError):
    """Others have taken an assignment's place after its lease expired."""
