"""Records taken in, and what they say together. One subclass a form."""

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from annotations.campaigns.readers.columns import Plan, Record, Variant
from annotations.campaigns.readers.content import ImportFacts, Place, RatedScreen, RatingContent
from annotations.campaigns.readers.names import Names
from annotations.campaigns.readers.options import RatingOptions
from annotations.corpora.readers.content import MAX_ID_LENGTH, shown
from annotations.corpora.readers.tables.defects import Defects, RowDefectError
from annotations.corpora.readers.tables.table import Table
from annotations.corpora.readers.tables.values import (
    Cell,
    clock_of,
    is_list,
    is_missing,
    list_of,
    mapped,
    text_of,
    time_of,
)

LINES_PER_TABLE = 1 << 40  # so that a line's number tells its table
ScreenKey = tuple[Place, str, int]


class Shape(ABC):
    """Takes records in, and gives what they say together."""

    form: ClassVar[str]
    order_known: bool = True

    def __init__(self, plan: Plan, options: RatingOptions, defects: Defects) -> None:
        self.plan, self.options, self.defects = plan, options, defects
        self.at = {role: place for place, role in enumerate(plan.form.roles)}
        self.value_at = self.at[plan.form.value]
        self.tables: list[Table] = []
        self.ids: dict[str, str] = {}  # each once, however often it stands in the table
        self.criteria, self.systems = Names("criterion"), Names("system")
        self.screens: dict[tuple[Place, str], RatedScreen] = {}
        self.repeated: dict[ScreenKey, RatedScreen] = {}
        self.missing: Counter[str] = Counter()
        self.rows = self.answers = self.repeats = 0
        self.positions = False
        self.clock = clock_of(options.dates)
        self.times: dict[str, datetime | None] = {}  # the last one read: rows of a screen often share it

    @abstractmethod
    def take(self, line: int, record: Record, variant: Variant) -> None:
        """One record. Raises RowDefectError."""

    @abstractmethod
    def content(self) -> RatingContent:
        """All of it. What is wrong with the table as a whole goes to the defects."""

    def anything(self) -> bool:
        """Whether there is anything to make content of."""
        return bool(self.screens)

    def wrong(self, line: int, problem: str) -> None:
        self.defects.add(self.called(line), problem)

    def begin(self, plan: Plan) -> int:
        """Go on with another table of the same form. Returns what its line numbers are counted from."""
        self.plan = plan
        self.tables.append(plan.table)
        return (len(self.tables) - 1) * LINES_PER_TABLE

    def called(self, line: int) -> str:
        """A line as a person finds it, of several files with the file's name."""
        number, line = divmod(line, LINES_PER_TABLE)
        table = self.tables[number]
        return f"{table.file.name}, {table.unit} {line}" if len(self.tables) > 1 else f"{table.unit} {line}"

    # ---- cells

    def identifier(self, value: Cell, role: str, variant: Variant) -> str:
        known = self.ids.get(value) if isinstance(value, str) else None
        if known is not None:
            return known
        label = variant.labels[role]
        if not isinstance(value, str):
            raise RowDefectError(f"{label}={shown(list(value))} lists several values where one is expected")
        name = value.strip()
        if not name and label not in self.plan.table.names:
            raise RowDefectError(
                f"there is no {role}, and no list whose positions could stand for one; name its column with --column "
                f"{role}=NAME, or set one value for all rows with --column {role}==VALUE"
            )
        if role in ("item", "album"):
            name = shortened(name)
        if not 0 < len(name) <= MAX_ID_LENGTH:
            blank = is_missing(name)
            remedy = "; leave such rows out with --where, or name a column that distinguishes them" if blank else ""
            raise RowDefectError(f"{label}={shown(name)} must be an id of 1 to {MAX_ID_LENGTH} characters{remedy}")
        self.ids[value] = self.ids.setdefault(name, name)
        return self.ids[value]

    def name(self, names: Names, value: Cell, role: str, variant: Variant) -> str:
        known = names.known.get(value) if isinstance(value, str) else None
        if known is not None:
            return known
        label = variant.labels[role]
        if not isinstance(value, str):
            raise RowDefectError(f"{label}={shown(list(value))} lists several values where one is expected")
        name = value.strip()
        if is_missing(name) and not mapped_name(name):
            raise RowDefectError(f"{label}={shown(value)} must be the name of a {names.kind}")
        if len(name) > MAX_ID_LENGTH:
            raise RowDefectError(f"{label}={shown(value)} must be a name of at most {MAX_ID_LENGTH} characters")
        return names.take(name)

    def word(self, value: Cell) -> str:
        """What stands in a value's cell, or what it was said to stand for."""
        text = text_of(value)
        return mapped(text, self.options.values) if self.options.values else text

    def place(self, record: Record, variant: Variant) -> Place:
        item = self.identifier(record[0], "item", variant)
        album = record[self.at["album"]]
        return (item if not album else self.identifier(album, "album", variant)), item

    def submitted(self, record: Record, variant: Variant) -> datetime | None:
        cell = record[self.at["submitted"]]
        value = text_of(cell)
        if value == "":
            return None
        if value not in self.times:
            label = variant.labels["submitted"]
            self.times.clear()
            self.times[value] = None if is_missing(value) else time_of(value, label, self.clock, self.options.dates)
        return self.times[value]

    def is_missing(self, value: str, variant: Variant) -> bool:
        if is_missing(value):
            self.missing[variant.value] += 1
            return True
        return False

    def one_each(self, record: Record, variant: Variant) -> list[Record]:
        """The records of a row that lists several ratings in a cell: one each. What is listed beside them goes with
        them. Otherwise a position in the list is a rater, or what `positions` says; of lists of lists the outer ones
        are of items."""
        cell = record[self.value_at]
        values = list_of(cell if isinstance(cell, tuple) else cell.strip(), self.options.lists)
        if values is None:
            return [record]
        lists = {place: each for place, each in enumerate(record) if isinstance(each, tuple) and place != self.value_at}
        for place, each in lists.items():
            if len(each) != len(values):
                role = self.plan.form.roles[place]
                raise RowDefectError(
                    f"{variant.labels[role]} lists {len(each)} entries but {variant.value} lists {len(values)}; they "
                    "must match one to one"
                )
        deep = any(is_list(value) for value in values)
        who = "item" if deep else self.options.positions
        told = {self.at[role] for role in (("item", "system", "criterion") if deep else (who,)) if role in self.at}
        numbered, found = self.at[who], list[Record]()
        for number, value in enumerate(values):
            one: list[Cell] = [lists[place][number] if place in lists else each for place, each in enumerate(record)]
            one[self.value_at] = value
            if not told & lists.keys():
                self.positions = self.positions or who == "rater"
                before = text_of(one[numbered]) or ("position" if who == "rater" else "")
                one[numbered] = f"{before} {number + 1}".strip()
            found += self.one_each(one, variant) if deep else [one]
        return found

    # ---- screens

    def screen(self, place: Place, rater: str, when: datetime | None, repeat: int = 0) -> RatedScreen:
        if not repeat:
            screen = self.screens.get((place, rater))
            if screen is None:
                screen = self.screens[place, rater] = RatedScreen(place, rater)
        else:
            key = (place, rater, repeat)
            screen = self.repeated.get(key) or self.repeated.setdefault(key, RatedScreen(place, rater, repeat))
        if when and (screen.submitted is None or screen.submitted < when):
            screen.submitted = when
        return screen

    def all_screens(self) -> list[RatedScreen]:
        return [*self.screens.values(), *self.repeated.values()]

    # ---- together

    def facts(self) -> ImportFacts:
        return ImportFacts(
            form=self.form,
            order_known=self.order_known,
            positions=self.positions,
            rows=self.rows,
            repeats=self.repeats,
            missing=dict(self.missing),
            names=self.systems.changed() | self.criteria.changed(),
            weights=self.weights(),
        )

    def weights(self) -> Mapping[str, float]:
        return {}

    def check_margin(self, most: float, unit: str) -> None:
        margin = self.options.equivalence_margin
        if margin is not None and margin >= most:
            self.defects.add("", f"equivalence_margin: {margin:g} must be below {most:g}, {unit}")

    def primary(self) -> tuple[str, ...]:
        """The primary comparison by the names that there are; those of the file are known as well."""
        if not self.options.primary:
            return ()
        found = []
        for name, names in zip(self.options.primary, (self.systems, self.systems, self.criteria), strict=True):
            became = names.known.get(name) or (name if name in names.origin else None)
            if became is None:
                self.defects.add(
                    "", f"primary: there is no {names.kind} '{name}'; available: {', '.join(names.origin)}"
                )
                return ()
            found.append(became)
        if found[0] == found[1]:
            self.defects.add("", f"primary: '{found[0]}' is named twice; name two different systems")
        return tuple(found)


def mapped_name(name: str) -> bool:
    """Whether a name that could mean that nothing was given is one all the same: "none" may be a system."""
    return name.casefold() in ("none", "nil")


def shortened(name: str) -> str:
    """An id for a text that is too long to be one: its beginning, and a mark that tells it from others."""
    if len(name) <= MAX_ID_LENGTH:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{' '.join(name.split())[: MAX_ID_LENGTH - 15]} … {mark}"


def later(one: datetime | None, other: datetime | None) -> bool:
    """Whether the one is known to be later than the other."""
    return one is not None and other is not None and one > other
