"""Which column is what: the study's names mapped onto ours, and the values of wide tables told apart."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from annotations.campaigns.readers.options import FILE_NAME, FOLDER_NAME, ROW_NUMBER, RatingOptions, Source
from annotations.campaigns.readers.patterns import check_pattern, expression, slots_of
from annotations.corpora.readers.content import ImportFileError
from annotations.corpora.readers.tables.table import Table
from annotations.corpora.readers.tables.values import Cell, text_of
from annotations.errors import InputError

Record = Sequence[Cell]  # a cell for each role of the form, in its order


class Form(NamedTuple):
    """What the rows of a table can be. `value` is the role that wide columns hold, `own` are those by which the form is
    known, `wanted` what there must be, `further` what there may be."""

    name: str
    value: str
    own: tuple[str, ...]
    wanted: tuple[str, ...]
    further: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[str, ...]:
        return (*self.wanted, *self.further)


PAIR = ("item", "system_a", "system_b", "rater", "criterion")
LONG = ("item", "system", "rater", "criterion")
FORMS = {
    form.name: form
    for form in (
        Form("scores", "score", ("system", "score"), (*LONG, "score"), ("album", "text", "submitted")),
        Form(
            "choices", "choice", ("system_a", "system_b", "choice"), (*PAIR, "choice"),
            ("album", "options", "winner", "loser", "rank_a", "rank_b", "submitted"),
        ),
        Form("ranks", "rank", ("rank",), (*LONG, "rank"), ("album", "submitted")),
        Form("rankings", "ranking", ("ranking",), ("item", "rater", "criterion", "ranking"), ("album", "submitted")),
        Form(
            "best-worst", "best", ("best", "worst"), ("item", "rater", "criterion", "best", "worst"),
            ("album", "options", "submitted"),
        ),
        Form(
            "spans", "severity", ("severity",), ("item", "system", "rater", "criterion", "severity"),
            ("category", "album", "text", "submitted"),
        ),
    )
}  # fmt: skip
SPREAD = {"criteria": "criterion", "raters": "rater", "systems": "system"}
CONSTANTS = {"spans": {"criterion": "mqm"}}  # where the file need not say it
OF_A_NAME = ("item", "system", "rater", "criterion")  # roles that a column's name can tell


class Variant(NamedTuple):
    """One value of a row: `get` takes its record out of the row's cells, constants behind; `labels` are what the file
    calls each role's column, `value` is the value's."""

    get: Callable[[Sequence[Cell]], Record]
    labels: Mapping[str, str]
    value: str


@dataclass
class Plan:
    """How the rows of a table become records of one form."""

    table: Table
    form: Form
    variants: list[Variant]
    sources: dict[str, tuple[Source, ...]]
    constants: tuple[str, ...]
    joins: list[tuple[tuple[int, ...], str]]
    taken: dict[str, str] = field(default_factory=dict)  # what each column that is used is taken as

    def extended(self, number: int | str, row: Sequence[Cell]) -> Sequence[Cell]:
        """The row with all constants, joined columns and its own number behind."""
        if self.joins:
            cells = (*row, *self.constants, str(number))
            joined = [join(role, [cells[at] for at in places]) for places, role in reversed(self.joins)]
            return (*row, *self.constants, *joined, str(number))
        return (*row, *self.constants, str(number))

    def left_aside(self) -> tuple[str, ...]:
        return tuple(name for name in self.table.names if name and name not in self.taken)


def plan_of(table: Table, options: RatingOptions) -> Plan:
    """Raises ImportFileError where a column that is named is not there, or one that is needed is not said."""
    return Planner(table, options).plan()


class Planner:
    def __init__(self, table: Table, options: RatingOptions) -> None:
        self.table, self.options = table, options
        self.places: dict[str, int] = {}
        for place, name in enumerate(table.names):
            self.places.setdefault(name, place)
        self.twice = {name for name, count in Counter(table.names).items() if name and count > 1}
        self.constants: list[str] = []
        self.joins: list[tuple[tuple[int, ...], str]] = []
        self.taken: dict[str, str] = {}

    def wrong(self, problem: str) -> ImportFileError:
        return ImportFileError(self.table.file, self.table.header, problem)

    def place(self, name: str, option: str) -> int:
        if name not in self.places:
            raise ImportFileError(
                self.table.file, "", f"{option}: there is no column '{name}'; available: {self.listed()}"
            )
        if name in self.twice:
            raise self.wrong(f"the column '{name}' appears twice")
        return self.places[name]

    def listed(self) -> str:
        return ", ".join(name for name in self.table.names if name)

    # ---- which form

    def plan(self) -> Plan:
        said = {role: given for role, given in self.options.columns.items() if any(map(filled, given))}
        silenced = set(self.options.columns) - set(said)
        wide, slots = self.wide_columns(said)
        form = self.form_of(said, silenced, wide=bool(wide))
        sources = dict(said)
        fixed = {*slots, *((form.value,) if wide else ())}
        for role in form.roles:
            if role not in sources and role not in silenced and role not in fixed and (name := self.named(role)):
                sources[role] = (Source(column=name),)
            if role not in sources and role not in fixed and role in CONSTANTS.get(form.name, {}):
                sources[role] = (Source(constant=CONSTANTS[form.name][role]),)
        self.check(form, sources, fixed)
        fitting = {role: given for role, given in sources.items() if role in form.roles}
        variants = [self.variant(form, fitting, names, column) for column, names in wide] or [
            self.variant(form, fitting, {}, "")
        ]
        return Plan(self.table, form, variants, fitting, tuple(self.constants), self.joins, self.taken)

    def named(self, role: str) -> str:
        """The column that is called like the role, upper or lower case."""
        if role in self.places:
            return role
        alike = [name for name in self.table.names if name.casefold() == role]
        return alike[0] if len(alike) == 1 else ""

    def form_of(self, said: Mapping[str, object], silenced: set[str], *, wide: bool) -> Form:
        if self.options.rows:
            return FORMS[self.options.rows]
        if {"winner", "loser"} <= set(said):
            return FORMS["choices"]
        if {"system_a", "system_b"} & set(said):
            return FORMS["choices"]
        for form in FORMS.values():
            if form.value in said and form.name not in ("scores", "choices"):
                return form
        if "choice" in said or ("options" in said and wide):
            return FORMS["choices"]
        if said.keys() & {"system", "score"}:
            return FORMS["scores"]
        there = {
            form.name: [role for role in form.own if self.named(role) and role not in silenced]
            for form in FORMS.values()
        }
        of_scores, of_choices = there["scores"], there["choices"]
        if of_scores and of_choices:
            raise self.wrong(
                f"the columns {', '.join(of_scores)} belong to a table of scores, but {', '.join(of_choices)} to a "
                "table of choices between two systems; choose one with --rows scores or --rows choices"
            )
        if of_choices or (wide and self.named("options") and not of_scores):
            return FORMS["choices"]
        for form in FORMS.values():
            if "score" not in of_scores and not wide and len(there[form.name]) == len(form.own):
                return form
        return FORMS["scores"]

    def check(self, form: Form, sources: Mapping[str, object], fixed: set[str]) -> None:
        has = {*sources, *fixed}
        wanted = [role for role in form.wanted if role not in has]
        if form.name == "choices":
            if {"winner", "loser"} <= has:
                wanted = [role for role in wanted if role not in ("system_a", "system_b", "choice")]
            elif {"rank_a", "rank_b"} <= has:
                wanted = [role for role in wanted if role != "choice"]
            elif "options" in has:
                wanted = [role for role in wanted if role not in ("system_a", "system_b")]
        if form.name in ("scores", "choices") and self.options.positions in wanted:
            wanted.remove(self.options.positions)  # it may be a place in a list, which is seen row by row
        if wanted:
            others = ", ".join(FORMS["scores"].wanted), ", ".join(FORMS["choices"].wanted)
            raise self.wrong(
                f"the column '{wanted[0]}' is missing; available: {self.listed()}; a table of scores has "
                f"{others[0]}, a table of choices {others[1]}; map a column with --column {wanted[0]}=NAME, or set "
                f"one value for all rows with --column {wanted[0]}==VALUE"
            )

    # ---- wide tables

    def wide_columns(self, said: Mapping[str, Sequence[Source]]) -> tuple[list[tuple[str, dict[str, str]]], set[str]]:
        """The columns that hold a value each, with what their names say, and which roles that is."""
        for option, role in SPREAD.items():
            names = getattr(self.options, option)
            if names and not self.options.wide:
                for name in names:
                    self.place(name, option)
                return [(name, {role: name}) for name in names], {role}
        used = {source.column for given in said.values() for source in given}
        found: dict[str, dict[str, str]] = {}
        slots: set[str] = set()
        for pattern in self.options.wide:
            check_pattern(pattern, "wide")
            roles = slots_of(pattern)
            fits = expression(pattern)
            matches = {
                name: match.groupdict()
                for name in self.table.names
                if name not in used and (match := fits.fullmatch(name)) and self.chosen(match)
            }
            if not matches:
                raise ImportFileError(
                    self.table.file, "", f"wide: no column name matches '{pattern}'; available: {self.listed()}"
                )
            found |= matches
            slots |= set(roles)
        if lacking := [name for name, names in found.items() if set(names) != slots]:
            raise InputError("wide", f"'{lacking[0]}' matches a pattern with fewer names than another")
        return list(found.items()), slots & set(OF_A_NAME)

    def chosen(self, match: re.Match[str]) -> bool:
        """Whether what a name says of a column is among the criteria, raters and systems that were named."""
        told = match.groupdict()
        return all(
            told.get(role) in names for option, role in SPREAD.items() if (names := getattr(self.options, option))
        )

    # ---- taking a record out of a row

    def variant(
        self, form: Form, sources: Mapping[str, Sequence[Source]], names: Mapping[str, str], column: str
    ) -> Variant:
        """`names` are what the value's column says of it."""
        places, labels = [], {}
        for role in form.roles:
            if role in names and role in OF_A_NAME:
                told = Source(constant=names[role])
                place, label = self.source(role, (*sources.get(role, ()), told), names)
                places.append(place)
                labels[role] = label if role in sources else role
            elif role == form.value and column:
                places.append(self.use(column, " ".join([role, *(f"of {k} {v}" for k, v in names.items())])))
                labels[role] = column
            elif role in sources:
                place, labels[role] = self.source(role, sources[role], names)
                places.append(place)
            else:
                places.append(self.constant(""))
                labels[role] = role
        return Variant(itemgetter(*places), labels, column or labels[form.value])

    def source(self, role: str, given: Sequence[Source], names: Mapping[str, str]) -> tuple[int, str]:
        if len(given) == 1:
            return self.one_source(role, given[0], names)
        parts = [self.one_source(role, one, names) for one in given]
        places, label = tuple(place for place, _ in parts), "/".join(label for _, label in parts)
        if (places, role) not in self.joins:
            self.joins.append((places, role))
        return -2 - self.joins.index((places, role)), label  # from the end, where the row's number is last

    def one_source(self, role: str, source: Source, names: Mapping[str, str]) -> tuple[int, str]:
        """Where a role's cell stands in the extended row, and what it is called."""
        if source.constant is not None:
            return self.constant(source.constant), role
        column = source.column
        if column not in self.places:
            if column == ROW_NUMBER:
                return -1, role
            if column in (FILE_NAME, FOLDER_NAME):
                file = self.table.file
                return self.constant(file.stem if column == FILE_NAME else file.absolute().parent.name), role
        for slot, name in names.items():
            column = column.replace(f"{{{slot}}}", name)
        return self.use(column, role), column

    def use(self, column: str, role: str) -> int:
        place = self.place(column, "column")
        before = self.taken.get(column, role)
        self.taken[column] = before if role in before.split(", ") else f"{before}, {role}"
        return place

    def constant(self, value: str) -> int:
        if value not in self.constants:
            self.constants.append(value)
        return len(self.table.names) + self.constants.index(value)


def join(role: str, cells: Sequence[Cell]) -> Cell:
    """Several columns as one: what was shown is a list, an id is its parts."""
    if role == "options":
        return tuple(text_of(cell) for cell in cells)
    lengths = {len(cell) for cell in cells if isinstance(cell, tuple)}
    if len(lengths) == 1 and max(lengths):  # of a list each element is an id, with what is not listed before it
        (length,) = lengths
        each = [cell if isinstance(cell, tuple) else (cell,) * length for cell in cells]
        return tuple(join(role, parts) for parts in zip(*each, strict=True))
    return "/".join(text_of(cell) for cell in cells)


def filled(source: Source) -> bool:
    return bool(source.column) or source.constant is not None
