"""Ratings of a study run elsewhere: a table with a row a score, or a row a choice between two systems."""

import csv
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from annotations.importing.campaign_file import SLUG
from annotations.importing.content import LONGEST_ID, ImportFileError, shown
from annotations.importing.rating_content import Given, Place, RatedScreen, RatingContent, RatingOptions, Where
from annotations.protocols.likert import MOST_STEPS
from annotations.protocols.pairwise import TIE

DELIMITERS = {".csv": ",", ".tsv": "\t"}
TIE_WORDS = (TIE, "same", "equal", "both", "neither")
ROWS_A_NOTE = 50_000
LARGEST_SCORE = 1_000_000_000


def read_ratings(file: Path, options: RatingOptions, note: Callable[[str], None] = lambda _: None) -> RatingContent:
    """The whole table, checked. Raises ImportFileError at the first defect, with file, line, column and value."""
    note(f"reading {file.name}")
    lines = table_lines(file)
    _, header = next(lines, (0, []))
    columns = columns_of(file, header)
    form: type[_Rows] = _ChoiceRows if set(columns) & set(_ChoiceRows.own) else _ScoreRows
    rows = form(file, columns, options)
    wanted = wanted_values(file, columns, options.where)
    any_line = False
    for number, (line, row) in enumerate(lines, start=1):
        any_line = True
        if number % ROWS_A_NOTE == 0:
            note(f"reading {file.name}, row {number:,}")
        if all(row[at].strip() in values for at, values in wanted.items()):
            rows.take(line, row)
    if not any_line:
        raise ImportFileError(file, "", "holds no ratings: there is a header, and no row below it")
    if not rows.screens:
        asked = " and ".join(f"{column}={value}" for column, value in options.where)
        raise ImportFileError(file, "", f"no row has {asked}")
    return rows.content()


def table_lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    """The number of the line on which each row begins, and its cells; blank lines are passed over."""
    if file.suffix.lower() not in DELIMITERS:
        raise ImportFileError(file, "", "its name must end with .csv (commas) or .tsv (tabs)")
    begins, width, reader = 1, 0, None
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, delimiter=DELIMITERS[file.suffix.lower()], strict=True)
            for row in reader:
                if row and any(row):
                    width = width or len(row)
                    if len(row) != width:
                        raise ImportFileError(file, f"line {begins}", f"has {len(row)} cells, and the header {width}")
                    if any("\0" in cell for cell in row):
                        raise ImportFileError(file, f"line {begins}", "holds a NUL character")
                    yield begins, row
                begins = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise ImportFileError(file, f"line {begins} or below", f"not UTF-8 ({error.reason})") from error
    except csv.Error as error:
        raise ImportFileError(file, f"line {begins}", f"not a table of quoted cells ({error})") from error
    except OSError as error:
        raise ImportFileError(file, "", f"cannot be read ({error.strerror})") from error


def columns_of(file: Path, header: Sequence[str]) -> dict[str, int]:
    """The place of each column. Raises ImportFileError unless they are those of one form."""
    names = [name.strip() for name in header]
    if not names:
        raise ImportFileError(file, "", "is empty: the first line must name the columns")
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise ImportFileError(file, "line 1", f"the column '{twice[0]}' stands there twice")
    columns = {name: at for at, name in enumerate(names)}
    of_scores, of_choices = ([name for name in form.own if name in columns] for form in (_ScoreRows, _ChoiceRows))
    if of_scores and of_choices:
        raise ImportFileError(
            file,
            "line 1",
            f"the columns {', '.join(of_scores)} are of a table of scores and {', '.join(of_choices)} of one of "
            "choices between two systems; it must be either",
        )
    wanted = (_ChoiceRows if of_choices else _ScoreRows).columns
    if missing := [name for name in wanted if name not in columns]:
        raise ImportFileError(
            file,
            "line 1",
            f"the column '{missing[0]}' is missing; there is: {', '.join(names)}; a table of scores has "
            f"{', '.join(_ScoreRows.columns)}, one of choices {', '.join(_ChoiceRows.columns)}",
        )
    return columns


def wanted_values(file: Path, columns: Mapping[str, int], where: Where) -> dict[int, set[str]]:
    wanted: dict[int, set[str]] = {}
    for column, value in where:
        if column not in columns:
            raise ImportFileError(file, "", f"where: there is no column '{column}'; there is: {', '.join(columns)}")
        wanted.setdefault(columns[column], set()).add(value.strip())
    return wanted


class _Rows(ABC):
    """Takes rows in, and gives what they say together."""

    own: ClassVar[tuple[str, ...]]  # the columns by which the form is known
    columns: ClassVar[tuple[str, ...]]
    further: ClassVar[tuple[str, ...]]  # that there may be

    def __init__(self, file: Path, columns: Mapping[str, int], options: RatingOptions) -> None:
        self.file, self.at, self.options = file, columns, options
        self.ids: dict[str, str] = {}  # each once, however often it stands in the table
        self.names: dict[str, str] = {}
        self.criteria: dict[str, None] = {}
        self.systems: dict[str, None] = {}
        self.screens: dict[tuple[Place, str], RatedScreen] = {}
        self.answers = 0

    @abstractmethod
    def take(self, line: int, row: Sequence[str]) -> None: ...

    @abstractmethod
    def content(self) -> RatingContent: ...

    def wrong(self, line: int, problem: str) -> ImportFileError:
        return ImportFileError(self.file, f"line {line}", problem)

    def cell(self, row: Sequence[str], column: str) -> str:
        return row[self.at[column]].strip() if column in self.at else ""

    def identifier(self, line: int, row: Sequence[str], column: str) -> str:
        value = self.cell(row, column)
        if value not in self.ids:
            if not 0 < len(value) <= LONGEST_ID:
                raise self.wrong(line, f"{column}={shown(value)} must be an id of 1 to {LONGEST_ID} characters")
            self.ids[value] = value
        return self.ids[value]

    def name(self, line: int, row: Sequence[str], column: str) -> str:
        value = self.cell(row, column)
        if value not in self.names:
            if not SLUG.fullmatch(value):
                raise self.wrong(line, f"{column}={shown(value)} must be letters, digits, '-' and '_', at most 100")
            self.names[value] = value
        return self.names[value]

    def criterion(self, line: int, row: Sequence[str]) -> str:
        criterion = self.name(line, row, "criterion")
        self.criteria.setdefault(criterion)
        return criterion

    def screen(self, line: int, row: Sequence[str], place: Place, rater: str) -> RatedScreen:
        screen = self.screens.get((place, rater))
        if screen is None:
            screen = self.screens[place, rater] = RatedScreen(place, rater)
        when = self.submitted(line, row)
        if when and (screen.submitted is None or screen.submitted < when):
            screen.submitted = when
        return screen

    def submitted(self, line: int, row: Sequence[str]) -> datetime | None:
        value = self.cell(row, "submitted")
        if not value:
            return None
        try:
            when = datetime.fromisoformat(value)
            return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self.wrong(
                line, f"submitted={shown(value)} must be a time as in ISO 8601, such as 2022-03-10T02:35:58Z, or empty"
            ) from error

    def left_aside(self) -> tuple[str, ...]:
        return tuple(name for name in self.at if name and name not in (*self.columns, *self.further))


class _ScoreRows(_Rows):
    own = ("system", "score")
    columns = ("item", "system", "rater", "criterion", "score")
    further = ("text", "submitted")

    def __init__(self, file: Path, columns: Mapping[str, int], options: RatingOptions) -> None:
        super().__init__(file, columns, options)
        self.texts: dict[Place, dict[str, Given]] = {}

    def take(self, line: int, row: Sequence[str]) -> None:
        item, rater = (self.identifier(line, row, column) for column in ("item", "rater"))
        system, criterion = self.name(line, row, "system"), self.criterion(line, row)
        self.systems.setdefault(system)
        self.take_text(line, row, (item, item), system)
        screen = self.screen(line, row, (item, item), rater)
        given = screen.scores.setdefault(criterion, {})
        if system in given:
            raise self.wrong(
                line,
                f"rater={shown(rater)} has scored system={shown(system)} of item={shown(item)} by "
                f"criterion={shown(criterion)} on line {given[system].line} already; one score is right, or a part of "
                "the table chosen by where",
            )
        given[system] = Given(self.score(line, row), line)
        if system not in screen.systems:
            screen.systems.append(system)
        self.answers += 1

    def take_text(self, line: int, row: Sequence[str], place: Place, system: str) -> None:
        """Keep what the system wrote, as it was given; an empty cell says that it is not known."""
        text = row[self.at["text"]] if "text" in self.at else ""
        text = text if text.strip() else ""
        texts = self.texts.setdefault(place, {})
        before = texts.get(system)
        if before is None or (text and not before.value):
            texts[system] = Given(text, line)
        elif text and text != before.value:
            raise self.wrong(
                line,
                f"text={shown(text)} of system={shown(system)} and item={shown(place[0])} is another than on line "
                f"{before.line}; a system has one text an item: give the items different names, or choose a part of "
                "the table by where",
            )

    def score(self, line: int, row: Sequence[str]) -> float:
        value = self.cell(row, "score")
        try:
            score = math.nan if "_" in value else float(value)
        except ValueError:
            score = math.nan
        if not math.isfinite(score) or abs(score) > LARGEST_SCORE:
            raise self.wrong(
                line, f"score={shown(value)} must be a number, such as 4 or 3.5, of at most {LARGEST_SCORE:,}"
            )
        if self.options.scale and not self.options.scale[0] <= score <= self.options.scale[1]:
            low, high = self.options.scale
            raise self.wrong(line, f"score={shown(value)} is outside of the scale from {low:g} to {high:g}")
        return score

    def content(self) -> RatingContent:
        if not self.options.keep_apart:
            self.check_same_texts()
        scores = {
            float(given.value)
            for screen in self.screens.values()
            for by_system in screen.scores.values()
            for given in by_system.values()
        }
        low, high = self.options.scale or (min(scores), max(scores))
        if low == high:
            raise ImportFileError(
                self.file, "", f"every score is {low:g}, which does not tell the scale; give its ends with scale"
            )
        whole = all(number.is_integer() for number in (*scores, low, high))
        return RatingContent(
            protocol="likert" if whole and high - low < MOST_STEPS else "slider",
            scale=(low, high),
            criteria=tuple(self.criteria),
            systems=tuple(self.systems),
            texts={
                place: {system: str(text.value) for system, text in by_system.items()}
                for place, by_system in self.texts.items()
            },
            screens=list(self.screens.values()),
            answers=self.answers,
            left_aside=self.left_aside(),
            keep_apart=self.options.keep_apart,
        )

    def check_same_texts(self) -> None:
        """Raises ImportFileError where a rater gave the same text of two systems two scores."""
        shared: dict[Place, dict[str, str]] = {}  # the first system with the same text, by system
        for place, texts in self.texts.items():
            if len({text.value for text in texts.values()}) < len(texts):
                first: dict[float | str, str] = {}
                shared[place] = {
                    system: first.setdefault(text.value, system) for system, text in texts.items() if text.value
                }
        for screen in self.screens.values():
            same = shared.get(screen.place)
            for criterion, given in screen.scores.items() if same else ():
                seen: dict[str, Given] = {}
                for system, score in given.items():
                    before = seen.setdefault((same or {}).get(system, system), score)
                    if before.value != score.value:
                        raise self.wrong(
                            max(before.line, score.line),
                            f"rater={shown(screen.rater)} has scored the same text of item={shown(screen.place[0])} "
                            f"differently by criterion={shown(criterion)} on line {min(before.line, score.line)}: a "
                            "text that several systems wrote is one text with one score, unless it is kept apart",
                        )


class _ChoiceRows(_Rows):
    own = ("system_a", "system_b", "choice")
    columns = ("item", "system_a", "system_b", "rater", "criterion", "choice")
    further = ("submitted",)

    def __init__(self, file: Path, columns: Mapping[str, int], options: RatingOptions) -> None:
        super().__init__(file, columns, options)
        if options.scale:
            raise ImportFileError(file, "", "scale: choices between two systems have none")
        self.pairs: dict[Place, tuple[str, str]] = {}
        self.begun: dict[tuple[Place, str], int] = {}  # the line of each screen's first row

    def take(self, line: int, row: Sequence[str]) -> None:
        item, rater = (self.identifier(line, row, column) for column in ("item", "rater"))
        one, other = (self.name(line, row, column) for column in ("system_a", "system_b"))
        criterion = self.criterion(line, row)
        if one == other:
            raise self.wrong(line, f"system_a={shown(one)} and system_b={shown(other)} must be two different systems")
        for system in (one, other):
            if system.lower() in TIE_WORDS:
                raise self.wrong(line, f"system={shown(system)}: as a choice the word means a tie; use another name")
            self.systems.setdefault(system)
        place = self.place(line, item, one, other)
        screen = self.screen(line, row, place, rater)
        first = self.begun.setdefault((place, rater), line)
        if screen.systems and screen.systems != [one, other]:
            raise self.wrong(
                line,
                f"rater={shown(rater)} was shown {other} before {one} of item={shown(item)} on line {first}, and here "
                "the other way round; a rater sees a pair once, in one order",
            )
        screen.systems = screen.systems or [one, other]
        if criterion in screen.choices:
            raise self.wrong(
                line,
                f"rater={shown(rater)} has chosen between {one} and {other} of item={shown(item)} by "
                f"criterion={shown(criterion)} on line {screen.choices[criterion].line} already",
            )
        screen.choices[criterion] = Given(self.choice(line, row, one, other), line)
        self.answers += 1

    def place(self, line: int, item: str, one: str, other: str) -> Place:
        """Where the pair of the item was shown, called by the order in which it was met first."""
        photo, turned = f"{item}:{one}:{other}", f"{item}:{other}:{one}"
        if (item, turned) in self.pairs:
            return item, turned
        if len(photo) > LONGEST_ID:
            raise self.wrong(line, f"item={shown(item)} and the systems' names have over {LONGEST_ID} characters")
        self.pairs.setdefault((item, photo), (one, other))
        return item, photo

    def choice(self, line: int, row: Sequence[str], one: str, other: str) -> str:
        value = self.cell(row, "choice")
        if value.lower() in TIE_WORDS:
            return TIE
        if value not in (one, other):
            raise self.wrong(
                line, f"choice={shown(value)} must be '{one}', '{other}' or, for a tie, one of {', '.join(TIE_WORDS)}"
            )
        return self.names[value]

    def content(self) -> RatingContent:
        return RatingContent(
            protocol="pairwise",
            scale=None,
            criteria=tuple(self.criteria),
            systems=tuple(self.systems),
            texts={place: dict.fromkeys(pair, "") for place, pair in self.pairs.items()},
            screens=list(self.screens.values()),
            answers=self.answers,
            left_aside=self.left_aside(),
        )
