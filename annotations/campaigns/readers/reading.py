"""A file of ratings from beginning to end: into content, or looked at and told of."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from annotations.campaigns.readers.choices import BestWorst, Choices, Rankings, Ranks
from annotations.campaigns.readers.columns import Plan, plan_of
from annotations.campaigns.readers.content import RatingContent
from annotations.campaigns.readers.options import RatingOptions, Where
from annotations.campaigns.readers.patterns import split_columns
from annotations.campaigns.readers.scores import Scores, Spans, check_weights
from annotations.campaigns.readers.shapes import Shape
from annotations.corpora.readers.content import ImportFileError
from annotations.corpora.readers.tables.defects import Defects, RowDefectError
from annotations.corpora.readers.tables.reading import open_table
from annotations.corpora.readers.tables.table import Table, check_names, example_of
from annotations.corpora.readers.tables.values import Cell, text_of

SHAPES: dict[str, type[Shape]] = {shape.form: shape for shape in (Scores, Choices, Ranks, Rankings, BestWorst, Spans)}
ROWS_PER_NOTE = 50_000
EXAMPLES = 3
Note = Callable[[str], None]


def read_ratings(files: Sequence[Path], options: RatingOptions, note: Note = lambda _: None) -> RatingContent:
    """The whole table, or several of the same form as one, checked.

    Raises ImportFileError at the first defect, with file, line, column and value.
    """
    reading = Reading(files, options, Defects(files[0]), note)
    content = reading.content()
    if content is None:
        raise ImportFileError(files[0], "", "contains no ratings")
    return content


class Reading:
    """Files on their way into one shape."""

    def __init__(self, files: Sequence[Path], options: RatingOptions, defects: Defects, note: Note) -> None:
        self.options, self.defects, self.note = options, defects, note
        self.plans: list[Plan] = []
        for file in files:
            note(f"reading {file.name}")
            table = open_table(file, sheet=options.sheet, encoding=options.encoding, headed=options.headed)
            check_names(table)
            self.plans.append(plan_of(split_columns(table, options.split), options))
        forms = [plan.form.name for plan in self.plans]
        if other := next((number for number, form in enumerate(forms) if form != forms[0]), 0):
            raise ImportFileError(
                files[other], "", f"is a table of {forms[other]}, but {files[0].name} is a table of {forms[0]}"
            )
        check_weights(options, forms[0])
        self.shape = SHAPES[forms[0]](self.plans[0], options, defects)
        self.examples: dict[str, dict[str, None]] = {}

    def content(self) -> RatingContent | None:
        rows = sum(self.take(plan) for plan in self.plans)
        shape = self.shape
        self.defects.file = self.plans[0].table.file
        if not rows:
            self.defects.add("", "contains no ratings: it has a header but no rows")
        elif not shape.rows:
            asked = " and ".join(f"{column}={value}" for column, value in self.options.where)
            self.defects.add("", f"no row has {asked}")
        elif not self.defects.count and not shape.anything():
            blank = ", ".join(f"{column} {count:,}" for column, count in shape.missing.items())
            where = f" ({blank})" if blank else ""
            self.defects.add("", f"contains no ratings: every possible rating is blank{where}")
        return shape.content() if shape.anything() else None

    def take(self, plan: Plan) -> int:
        """The rows of one table. Returns how many there are, wanted or not."""
        table, shape, gather = plan.table, self.shape, self.defects.gather
        before, self.defects.file = shape.begin(plan), table.file
        mark = f"{table.file.stem} " if before else ""  # a row of another file is another row
        wanted = row_filter(table, self.options.where)
        number = 0
        for number, (line, row) in enumerate(table.rows(self.defects), start=1):
            if number % ROWS_PER_NOTE == 0:
                self.note(f"reading {table.file.name}, row {number:,}")
            if gather and number <= ROWS_PER_NOTE:
                self.keep_examples(table, row)
            if wanted and not wanted(row):
                continue
            shape.rows += 1
            cells = plan.extended(f"{mark}{line}", row)
            for variant in plan.variants:
                try:
                    shape.take(before + line, variant.get(cells), variant)
                except RowDefectError as defect:
                    self.defects.add(f"{table.unit} {line}", str(defect))
        return number

    def keep_examples(self, table: Table, row: Sequence[Cell]) -> None:
        for at, name in enumerate(table.names):
            if name and len(found := self.examples.setdefault(name, {})) < EXAMPLES and (text := example_of(row, at)):
                found.setdefault(text)

    def left_aside(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for plan in self.plans for name in plan.left_aside()))


def row_filter(table: Table, where: Where) -> Callable[[Sequence[Cell]], bool] | None:
    """Which rows are wanted: with one of the values of each column that was named, and none of those after `!=`."""
    wanted: dict[int, set[str]] = {}
    unwanted: dict[int, set[str]] = {}
    for column, value in where:
        name, into = column, wanted
        if name not in table.names and name.endswith("!"):
            name, into = name[:-1], unwanted
        if name not in table.names:
            listed = ", ".join(name for name in table.names if name)
            raise ImportFileError(table.file, "", f"where: there is no column '{name}'; available: {listed}")
        into.setdefault(table.names.index(name), set()).add(value.strip())
    if not where:
        return None

    def fits(row: Sequence[Cell]) -> bool:
        return all(text_of(row[at]) in values for at, values in wanted.items()) and not any(
            text_of(row[at]) in values for at, values in unwanted.items()
        )

    return fits


def preview_ratings(files: Sequence[Path], options: RatingOptions, note: Note = lambda _: None) -> dict[str, Any]:
    """What would be imported: the columns as they are understood, what there is of each kind, and every bad row.

    Raises ImportFileError where a file is no table or its columns are not those of any form.
    """
    defects = Defects(files[0], gather=True)
    reading = Reading(files, options, defects, note)
    content = reading.content()
    facts = reading.shape.facts()
    taken = {name: role for plan in reading.plans for name, role in plan.taken.items()}
    fixed = reading.plans[0].sources.items()
    return {
        "files": [plan.table.file.name for plan in reading.plans],
        "read_as": reading.plans[0].table.how,
        "form": facts.form,
        "columns": [
            {"column": name, "taken_as": taken.get(name, ""), "examples": list(examples)}
            for name, examples in reading.examples.items()
        ],
        "fixed": {role: given[0].constant for role, given in fixed if given[0].constant is not None},
        "rows": facts.rows,
        **(content_facts(content) if content else {}),
        "missing": dict(facts.missing),
        "repeats": facts.repeats,
        "names": dict(facts.names),
        "notes": notes_of(content) if content else [],
        "defects": [defect._asdict() for defect in defects.kept],
        "defect_count": defects.count,
    }


def content_facts(content: RatingContent) -> dict[str, Any]:
    return {
        "protocol": content.protocol,
        **({"scale": content.scale, "scale_found": content.scale_found} if content.scale else {}),
        "criteria": content.criteria,
        "systems": content.systems,
        "items": len(set(content.items.values())) if content.items else len(content.texts),
        "albums": len({album for album, _ in content.texts}),
        "raters": len({screen.rater for screen in content.screens}),
        "ratings": content.answers,
    }


def notes_of(content: RatingContent) -> list[str]:
    """What was made of the file beyond what stands in it, in sentences."""
    facts = content.facts
    notes = []
    if facts.form in MADE_CHOICES:
        notes.append(MADE_CHOICES[facts.form])
    if facts.form == "spans":
        weights = ", ".join(f"{key} {value:g}" for key, value in facts.weights.items())
        notes.append(f"A text's score is the sum of its errors' weights, below zero ({weights}).")
    if facts.missing:
        blank = ", ".join(f"{column} {count:,}" for column, count in facts.missing.items())
        notes.append(f"Blank ratings were skipped: {blank}.")
    if facts.repeats:
        notes.append(
            f"{facts.repeats:,} ratings repeat one that the same rater gave to the same text by the same criterion. "
            "The first one counts; the others are kept as repeats and show how far raters agree with themselves. If "
            "they come from different people, name the column that distinguishes them."
        )
    if facts.positions:
        notes.append(
            "Raters are identified by their position in a list. Whether the same position is the same person on every "
            "item is unknown."
        )
    if facts.names:
        changed = ", ".join(f"'{name}' became {became}" for name, became in facts.names.items())
        notes.append(f"Names were changed to use only valid characters: {changed}.")
    if content.scale and content.scale_found:
        low, high = content.scale
        notes.append(f"The scale was not given; it is taken from the scores, {low:g} to {high:g}.")
    return notes


MADE_CHOICES: Mapping[str, str] = {
    "ranks": "Each ranking was turned into choices between every two of its systems; equal ranks are ties.",
    "rankings": "Each ranking was turned into choices between every two of its systems; equal ranks are ties.",
    "best-worst": "Of the texts shown, the best counts as chosen over every other, and every other as chosen over the "
    "worst.",
}
