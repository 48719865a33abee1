"""Names of systems and criteria as the site can hold them: those of a file may have dots, blanks, brackets."""

import re
import unicodedata

from annotations.importing.campaign_file import SLUG

LONGEST = 100
OTHERS = re.compile(r"[^A-Za-z0-9_]+")


class Names:
    """Gives each name of a file one of letters, digits, `-` and `_`; two different names never the same."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.known: dict[str, str] = {}  # by the name in the file
        self.origin: dict[str, str] = {}  # the name in the file, by the one it became

    def take(self, name: str) -> str:
        found = self.known.get(name)
        if found is None:
            found = self.known[name] = self.free(name)
            self.origin[found] = name
        return found

    def free(self, name: str) -> str:
        if SLUG.fullmatch(name) and name not in self.origin:
            return name
        wanted = slug(name) or self.kind
        found, number = wanted, 1
        while found in self.origin:
            number += 1
            tail = f"-{number}"
            found = wanted[: LONGEST - len(tail)] + tail
        return found

    def changed(self) -> dict[str, str]:
        return {name: became for name, became in self.known.items() if name != became}


def slug(name: str) -> str:
    """ASCII letters, digits, `-` and `_`: accents go, and every run of other characters is a hyphen."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return OTHERS.sub("-", plain).strip("-")[:LONGEST].strip("-")
