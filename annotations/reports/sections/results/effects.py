"""Beside the differences: effect sizes, what could have been shown, equivalence, and what each system lacks."""

from collections.abc import Iterator, Sequence

from annotations.documents.blocks import (
    Block,
    Ends,
    Heading,
    Inline,
    Number,
    Paragraph,
    PValue,
    Row,
    Run,
    Soft,
    Strong,
    table,
    undefined,
    undefined_row,
)
from annotations.reports.effect_words import (
    detectable_sentence,
    equivalences_sentence,
    missing_sentence,
    undetectable,
)
from annotations.reports.measures import measure_of
from annotations.reports.scales import places_of_difference
from annotations.reports.schema.base import Estimate
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import Equivalence, PairResult
from annotations.reports.words import headed, spaced

SUPERIORITY = (
    "Superiority: the probability that the first system's score of an item is above the second's, a tie counting as "
    "half; 0.5 means no difference. d_z: the difference in standard deviations of the items' mean differences."
)
DETECTABLE = (
    "Minimum detectable effect: if no difference was shown, the true difference that a study of this design would "
    "show with 80 % power."
)
TWO_TESTS = (
    "Two one-sided tests at 0.05, p being the larger of the two. If equivalence was not shown, that does not mean "
    "that the systems differ."
)
WINS = (
    "Expected wins: how often a rater ranked the system above another on a screen, ties excluded, averaged over the "
    "others it met."
)
NO_WINS = "Expected wins are undefined: no rater ranked one system above another on any screen."
WITHOUT = (
    "Without it: rated screens without a score for the system, and rated items without a rating of it. A study that "
    "shows only some of the systems at a time has such gaps by design."
)


def blocks(report: Report, name: str, pairs: Sequence[PairResult]) -> Iterator[Block]:
    yield from sizes(report, name, pairs)
    yield from equivalences(report, name, pairs)


def sizes(report: Report, name: str, pairs: Sequence[PairResult]) -> Iterator[Block]:
    told = [pair for pair in pairs if pair.effects or (pair.detectable and not pair.shown)]
    if not told:
        return
    sized = any(pair.effects for pair in pairs)
    yield Heading(f"{'Effect sizes' if sized else 'Minimum detectable effects'} for {spaced(name)}", 2)
    unit = measure_of(report.campaign).unit_after
    titles = ["Superiority", "95 % interval", "d_z", "95 % interval"] if sized else []
    rows: list[Row] = []
    for pair in told:
        effects = [(pair.effects.superiority, 3), (pair.effects.d_z, 2)] if pair.effects else []
        cells = [cell for effect, places in effects for cell in effect_cells(effect, places)]
        rows.append([f"{pair.system_a} − {pair.system_b}", *cells, detectable(report, pair)])
    caption = " ".join(filter(None, [SUPERIORITY if sized else "", DETECTABLE, detectable_sentence(pairs)]))
    columns = ["Systems", *titles, f"Minimum detectable effect{unit.replace(' in ', ', ')}"]
    yield table(f"effects-{name}", sizes_about(name, sized=sized, unit=unit), columns, rows, caption=caption)


def sizes_about(name: str, *, sized: bool, unit: str) -> str:
    effects = "probability of superiority (0.5 means no difference) and d_z, each with its 95 % interval; and "
    return (
        f"{headed(name)}: {effects if sized else ''}if no difference was shown, the true difference"
        f"{unit} that a study of this design would show with 80 % power."
    )


def effect_cells(effect: Estimate, places: int) -> list[Inline]:
    return [Number(effect.value, places), undefined(effect.undefined) if effect.undefined else Ends(effect.ci, places)]


def detectable(report: Report, pair: PairResult) -> Inline:
    if pair.shown:
        return Soft("shown")
    if not pair.detectable:
        return undefined(undetectable(pair))
    return Number(pair.detectable.difference, places_of_difference(report))


def equivalences(report: Report, name: str, pairs: Sequence[PairResult]) -> Iterator[Block]:
    tested = [(pair, pair.equivalence) for pair in pairs if pair.equivalence]
    if not tested:
        return
    yield Heading(f"Equivalence for {spaced(name)}", 2)
    yield Paragraph(equivalences_sentence(report, pairs))
    titles = ("Systems", "Margin", "90 % interval", "p", "p (Holm)", "Equivalent")
    rows = [equivalence_row(report, pair, found) for pair, found in tested]
    about = f"{headed(name)}: equivalence within the margin by two one-sided tests at 0.05."
    yield table(f"equivalence-{name}", about, titles, rows, caption=TWO_TESTS)


def equivalence_row(report: Report, pair: PairResult, found: Equivalence) -> Row:
    places = places_of_difference(report)
    about: list[Inline] = [f"{pair.system_a} − {pair.system_b}", Run(["±", Number(found.margin, places)])]
    if found.p is None:
        return [*about, undefined_row(found.undefined, 4)]
    by_holm = Soft("primary") if pair.primary else PValue(found.p_holm)
    verdict = Strong("shown") if found.shown else "not shown"
    return [*about, Ends(found.ci, places), PValue(found.p), by_holm, verdict]


def missing(report: Report, name: str, pairs: Sequence[PairResult]) -> Iterator[Block]:
    """How much was rated, where other tables have each system's wins and ratings."""
    if said := missing_sentence(report, name):
        yield Paragraph(said, "soft")


def by_system(report: Report, name: str, pairs: Sequence[PairResult]) -> Iterator[Block]:
    """Expected wins and missing ratings."""
    result = report.criteria[name]
    if not result.missing:
        return
    wins = {row.system: row for row in result.expected_wins}
    lacking = {row.system: row for row in result.missing.systems}
    won = any(row.value is not None for row in wins.values())
    lacks = any(row.missing or row.missing_items for row in lacking.values())
    ranked = [row.system for row in result.systems]
    if won or lacks:
        titles = ["Expected wins"] * won + ["missing ratings" if won else "ratings"] * lacks
        yield Heading(f"{' and '.join(titles).capitalize()} for {spaced(name)}", 2)
        columns = ["Expected wins", "Against"] * won + ["Ratings", "Screens without it", "Items without it"] * lacks
        rows: list[Row] = []
        for system in [*ranked, *sorted(set(lacking) - set(ranked))]:
            row: list[Inline] = [system]
            row += [Number(wins[system].value, 3), wins[system].opponents] * won
            missing = lacking[system]
            row += [missing.ratings, missing.missing, missing.missing_items] * lacks
            rows.append(row)
        about = f"{headed(name)}: {' and '.join(titles).lower()} of each system."
        yield table(f"by-system-{name}", about, ["System", *columns], rows)
    said = [WINS if won else NO_WINS, missing_sentence(report, name), WITHOUT if lacks else ""]
    yield Paragraph(" ".join(filter(None, said)), "soft")
