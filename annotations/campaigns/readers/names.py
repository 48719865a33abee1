"""Names of systems and criteria as the site can hold them: a file may call them anything."""

from annotations.corpora.readers.tables.defects import RowDefectError
from annotations.names import composed, fitted, name_problem, numbered
from texts.limits import MAX_NAMES, shown


class Names:
    """Gives each name of a file one that the rule of names allows: its own where it can be; two different names never
    the same. Names that differ in how accents or blanks are written are one."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.known: dict[str, str] = {}  # by the name in the file
        self.plain: dict[str, str] = {}  # by the name with accents and blanks written one way
        self.origin: dict[str, str] = {}  # the name in the file, by the one it became

    def take(self, name: str) -> str:
        found = self.known.get(name)
        if found is None:
            plain = " ".join(composed(name).split())
            if plain not in self.plain:
                if len(self.plain) >= MAX_NAMES:
                    raise RowDefectError(
                        f"{shown(name)} is one {self.kind} too many; the limit is {MAX_NAMES:,} per file"
                    )
                self.plain[plain] = self.free(plain)
                self.origin[self.plain[plain]] = name
            found = self.known[name] = self.plain[plain]
        return found

    def free(self, name: str) -> str:
        wanted = fitted(name) if name_problem(name) else name
        found, number = wanted or self.kind, 1
        while found in self.origin:
            number += 1
            found = numbered(wanted or self.kind, number)
        return found

    def changed(self) -> dict[str, str]:
        return {name: became for name, became in self.known.items() if name != became}
