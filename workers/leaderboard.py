"""The systems on one split, side by side in figures: what people said of them, metrics, and how varied their texts are.

Queries do not grow with the rows: decodings, scores and the texts' tallies are each read at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from annotations.documents.numbers import figure, interval, percent
from annotations.models import Dataset, Decoding, Metric, Score, Split, System
from annotations.reports.people import Reading, last_reading
from annotations.systems.selectors import Variety, varieties
from modeling.metrics import METRICS
from modeling.metrics.indistinguishable import HUMAN
from workers.models import Run
from workers.scores import is_learned, of_metric

RUNS = 10  # the newest scorings, that are looked through for people's scores and for why a value is undefined
FEWEST = 4  # metrics that are shown where none of the leading ones was scored
PEOPLE, DIFFERENT, NAME = "people", "different", "system"
Key = str


class Cell(NamedTuple):
    """A figure with its interval; `note` says what it is of, or why there is none."""

    value: float | None = None
    ci: Sequence[float] | None = None
    note: str = ""
    places: int = 0
    is_share: bool = False

    @property
    def shown(self) -> str:
        return percent(self.value) if self.is_share else figure(self.value, self.places)

    @property
    def interval(self) -> str:
        return interval(self.ci, self.places) if self.ci else ""


class Column(NamedTuple):
    """`description` is its line of words."""

    key: Key
    label: str
    description: str
    less_is_better: bool = False
    learned: bool = False

    @property
    def direction(self) -> str:
        return "lower is better" if self.less_is_better else "higher is better"


class Row(NamedTuple):
    """A decoding, or people themselves, whose texts are the references. `variety` is of its texts."""

    name: str
    system: System | None
    decoding: Decoding | None
    variety: Variety | None
    cells: Mapping[Key, Cell]

    def having(self, key: Key, cell: Cell) -> "Row":
        return self._replace(cells={**self.cells, key: cell})


class Board(NamedTuple):
    """`all_columns` are those of all metrics scored there, of which `columns` has what was asked for."""

    columns: list[Column]
    all_columns: list[Column]
    rows: list[Row]
    reading: Reading | None


def split_to_show() -> tuple[Dataset | None, str]:
    """The newest dataset with scores, on its test albums where these have any; else the newest with texts of systems;
    else the newest."""
    scored = Score.objects.filter(campaign=None, decoding__dataset__removed_at=None).order_by("-decoding__dataset")
    written = Decoding.objects.complete().own().filter(dataset__removed_at=None).order_by("-dataset")
    for rows, prefix in ((scored, "decoding__"), (written, "")):
        if (newest := rows.values_list(f"{prefix}dataset", flat=True).first()) is not None:
            splits = set(rows.filter(**{f"{prefix}dataset": newest}).values_list(f"{prefix}split", flat=True))
            split = Split.TEST if Split.TEST in splits else min(splits)
            return Dataset.objects.filter(pk=newest).first(), str(split)
    return Dataset.objects.order_by("-pk").first(), str(Split.TEST)


def leaderboard(dataset: Dataset, split: str, *, asked: Sequence[Key] | None = (), people: bool = True) -> Board:
    """All that is known of the split's systems. `asked` are the metrics to show: few where it is empty, all where it is
    None. Without `people` nothing that raters said is read."""
    decodings = Decoding.objects.latest_on(dataset, split)
    scores = newest_scores(decodings)
    tables = scoring_tables(dataset, split)
    metrics = metric_columns(scores, tables)
    reading = last_reading(dataset, split) if people else None
    texts = varieties(decodings)
    rows = [
        Row(
            each.row_name,
            each.system,
            each,
            texts[each.pk],
            (people_cells(tables) if each.system.name == HUMAN else {}) | own_cells(each, scores[each.pk], tables),
        )
        for each in decodings
    ]
    if all(row.name != HUMAN for row in rows) and (theirs := people_cells(tables)):
        rows.append(Row(HUMAN, System.objects.filter(name=HUMAN).first(), None, None, theirs))
    if reading:
        rows = with_reading(rows, reading)
    rows = [row.having(DIFFERENT, variety_cell(row.variety)) for row in rows]
    chosen = columns_asked(metrics, asked)
    columns = [*people_column(reading), *chosen, DIFFERENT_COLUMN]
    return Board(columns, metrics, to_the_same_places(rows, metrics), reading)


DIFFERENT_COLUMN = Column(DIFFERENT, "different texts", "different texts as a share of the sources written for")


def people_column(reading: Reading | None) -> list[Column]:
    if reading is None:
        return []
    said = f"{reading.axis}: {reading.criterion}, in campaign {reading.campaign}, with 95 % intervals"
    return [Column(PEOPLE, "people", said, less_is_better=not reading.more_is_better)]


def newest_scores(decodings: Sequence[Decoding]) -> dict[int, dict[Key, Score]]:
    """Of each decoding on its split, by metric the newest."""
    rows = Score.objects.filter(decoding__in=decodings, campaign=None).defer("by_item").order_by("pk")
    found: dict[int, dict[Key, Score]] = defaultdict(dict)
    for score in rows:
        found[score.decoding_id][column_key(score.metric_id, score.signature)] = score
    return found


def column_key(metric: str, signature: str) -> Key:
    """Of a learned metric each model has a column of its own."""
    return ":".join(of_metric(metric, signature))


def scoring_tables(dataset: Dataset, split: str) -> list[dict[str, dict[str, Any]]]:
    """By system and metric what each of the newest scorings of the split found, the newest first."""
    runs = Run.objects.filter(kind=Run.Kind.SCORE, state=Run.State.DONE, campaign=None, dataset=dataset)
    rows = runs.filter(config__split=split).order_by("-pk").values_list("result__scores", flat=True)
    return [table for table in rows[:RUNS] if table]


def metric_columns(
    scores: Mapping[int, Mapping[Key, Score]], tables: Iterable[Mapping[str, Mapping[str, Any]]]
) -> list[Column]:
    """Of all metrics that were scored or tried there, in their order."""
    keys = {key for theirs in scores.values() for key in theirs}
    for table in tables:
        keys |= {column_key(name, cell.get("signature") or "") for row in table.values() for name, cell in row.items()}
    known = {metric.name: metric for metric in Metric.objects.order_by("order")}
    order = list(known)
    found = sorted((key for key in keys if metric_of(key) in known), key=lambda key: (order.index(metric_of(key)), key))
    return [column_of(key, known[metric_of(key)]) for key in found]


def is_leading(key: Key) -> bool:
    return metric_of(key) in METRICS and METRICS[metric_of(key)].leading


def metric_of(key: Key) -> str:
    return key.partition(":")[0]


def column_of(key: Key, metric: Metric) -> Column:
    return Column(key, metric.name, metric.description, metric.less_is_better, is_learned(metric))


def columns_asked(columns: Sequence[Column], asked: Sequence[Key] | None) -> list[Column]:
    if asked is None:
        return list(columns)
    wanted = [each for each in columns if (each.key in asked if asked else is_leading(each.key))]
    return wanted or list(columns[:FEWEST])


def own_cells(
    decoding: Decoding, scores: Mapping[Key, Score], tables: Iterable[Mapping[str, Mapping[str, Any]]]
) -> dict[Key, Cell]:
    """Its scores, and why one that was tried is undefined."""
    found = {key: cell for key, cell in cells_in(tables, decoding.row_name).items() if cell.value is None}
    for key, score in scores.items():
        ci = None if score.ci_low is None or score.ci_high is None else (score.ci_low, score.ci_high)
        part = f"on {score.sources:,} of {score.of_sources:,} sources" if score.part else ""
        found[key] = Cell(score.value, ci, part)
    return found


def people_cells(tables: Iterable[Mapping[str, Mapping[str, Any]]]) -> dict[Key, Cell]:
    """What people's own texts scored."""
    return cells_in(tables, HUMAN)


def cells_in(tables: Iterable[Mapping[str, Mapping[str, Any]]], name: str) -> dict[Key, Cell]:
    """A system's, each metric by the newest scoring that has it."""
    found: dict[Key, Cell] = {}
    for table in tables:
        for metric, cell in table.get(name, {}).items():
            why = "" if cell.get("value") is not None else cell.get("undefined") or cell.get("note") or "undefined"
            key = column_key(metric, cell.get("signature") or "")
            found.setdefault(key, Cell(cell.get("value"), cell.get("ci"), why))
    return found


def with_reading(rows: Sequence[Row], reading: Reading) -> list[Row]:
    """Each with people's rating: of the decoding that was rated, or, where a later one took its place, of its system
    with a note."""
    rated = {each.system: each for each in reading.systems}
    shown = {row.decoding.pk for row in rows if row.decoding}
    found, done = [], set[str]()
    for row in rows:
        name = row.system.name if row.system else row.name
        own = row.decoding is not None and reading.decodings.get(name) == row.decoding.pk
        stands_in = name not in done and reading.decodings.get(name) not in shown
        if name in rated and (own or stands_in):
            done.add(name)
            note = "" if own or row.decoding is None else "of an earlier decoding"
            row = row.having(PEOPLE, Cell(rated[name].mean, rated[name].ci, note, reading.places))
        found.append(row)
    return found


def variety_cell(variety: Variety | None) -> Cell:
    if variety is None:
        return Cell()
    return Cell(variety.share, note=f"{variety.different:,} of {variety.written:,}", is_share=True)


def to_the_same_places(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """The numbers of a metric to as many decimals as fit all of them."""
    places = {each.key: places_for([value_in(row, each.key) for row in rows]) for each in columns}
    return [
        row._replace(cells={key: cell._replace(places=places.get(key, cell.places)) for key, cell in row.cells.items()})
        for row in rows
    ]


def places_for(values: Iterable[float | None]) -> int:
    there = [value for value in values if value is not None]
    if all(value == int(value) for value in there):
        return 0
    largest = max(map(abs, there))
    return 3 if largest < 10 else 2 if largest < 100 else 1


def sorted_rows(board: Board, sort: str) -> list[Row]:
    """By a column, the best first, with a minus before its key the worst; those without a value come last."""
    key, backwards = sort.removeprefix("-"), sort.startswith("-")
    if key == NAME:
        return sorted(board.rows, key=lambda row: row.name, reverse=backwards)
    column = next((each for each in board.columns if each.key == key), None)
    if column is None:
        return board.rows
    there = [row for row in board.rows if value_in(row, key) is not None]
    there.sort(key=lambda row: value_in(row, key) or 0.0, reverse=column.less_is_better == backwards)
    return there + [row for row in board.rows if value_in(row, key) is None]


def value_in(row: Row, key: Key) -> float | None:
    return row.cells[key].value if key in row.cells else None


def first_sort(board: Board) -> str:
    """By people's ratings where there are any, then by the first metric that there are values of."""
    keys = [column.key for column in board.columns if any(value_in(row, column.key) is not None for row in board.rows)]
    return keys[0] if keys else NAME
