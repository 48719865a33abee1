"""Names of datasets, systems, campaigns, criteria and feedback sets: one rule at every door.

Models are called `gpt-4.1`, `Llama 3.1 8B` or `meta-llama/Llama-3.1-8B-Instruct`, criteria by words of any language.
What a name does not hold has a meaning where names stand: a comma and a line end part lists, "=" parts NAME=FIELD on a
command line, "*" means all, a vertical bar parts a cell. It begins with a letter, a digit or "_", so that it is never
taken for an option of a command, for a formula or for a hidden file. What cannot be seen is in no name.
"""

import re
import unicodedata

from annotations.errors import InputError

MAX_NAME_LENGTH = 100
SIGNS = ".-_+:/()@"
RULE = (
    f"a name has 1 to {MAX_NAME_LENGTH} characters: letters and digits of any script, single spaces inside, and "
    f"{' '.join(SIGNS)}; it begins with a letter, a digit or _"
)
# Letters and marks by their category that nobody sees: joiners, fillers, variation selectors.
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
NOT_IN_FILE_NAMES = re.compile(r"[^\w.()@+-]+")


def composed(name: str) -> str:
    """The name with each accent and its letter as one character (Unicode NFC): typed either way, it is one name."""
    return unicodedata.normalize("NFC", name)


def name_problem(name: str) -> str:
    """Why it cannot be a name, to stand behind it; "" where it can."""
    if not name:
        return "is empty"
    if len(name) > MAX_NAME_LENGTH:
        return f"has {len(name):,} characters"
    if strange := next((sign for sign in name if not may_stand(sign)), ""):
        return f"contains {said(strange)}"
    if " ".join(name.split()) != name:
        return "begins or ends with a space, or has two in a row"
    if not may_begin(name[0]):
        return f"begins with {said(name[0])}"
    if composed(name) != name:
        return "has an accent as a separate character"
    return ""


def check_name(name: object, field: str) -> str:
    """The name, composed. Raises InputError, saying the field, what is wrong and what would be right."""
    if not isinstance(name, str):
        raise InputError(field, f"{quoted(name)} is not a text", RULE)
    if problem := name_problem(composed(name)):
        raise InputError(field, f"{quoted(name)} {problem}", RULE)
    return composed(name)


def may_stand(sign: str) -> bool:
    return sign == " " or sign in SIGNS or (unicodedata.category(sign)[0] in "LMN" and not UNSEEN.match(sign))


def may_begin(sign: str) -> bool:
    return sign == "_" or unicodedata.category(sign)[0] in "LN"


def said(sign: str) -> str:
    """A sign as a person can find it, and by its name in Unicode where it may not be seen."""
    named = unicodedata.name(sign, "")
    return ascii(sign) if not named else f"'{sign}'" if sign.isprintable() and not UNSEEN.match(sign) else named


def quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def fitted(text: str) -> str:
    """The nearest name to a text, which may be none (""): what no name holds becomes a hyphen, with the blanks beside
    it."""
    signs = "".join(sign if may_stand(sign) else " " if sign.isspace() else "\0" for sign in composed(text))
    name = re.sub(r" ?\0[ \0]*", "-", " ".join(signs.split()))
    start = next((at for at, sign in enumerate(name) if may_begin(sign)), len(name))
    return name[start : start + MAX_NAME_LENGTH].rstrip(" -")


def numbered(name: str, number: int) -> str:
    """The name with a number behind it, cut where it would be too long."""
    tail = f"-{number}"
    return f"{name[: MAX_NAME_LENGTH - len(tail)].rstrip()}{tail}"


def file_name(name: str) -> str:
    """The name as part of a file's: without blanks, and without signs that some system gives a meaning."""
    return NOT_IN_FILE_NAMES.sub("-", name)
