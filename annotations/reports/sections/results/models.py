"""The same differences by models and by a bootstrap."""

from collections.abc import Iterator, Sequence

from annotations.documents.blocks import (
    Block,
    Column,
    Ends,
    Fold,
    Inline,
    Number,
    Paragraph,
    PValue,
    Row,
    Soft,
    Span,
    table,
)
from annotations.reasons import worded
from annotations.reports.scales import is_adjusted, places_of
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import CumulativeLinkModel, MixedModel, PairResult
from annotations.reports.scope import bootstrap_sentence
from annotations.reports.words import counted, headed

DEVIATIONS = (
    "By album, by item and by rater: the standard deviation of the difference between albums, between items within an "
    "album, and between raters."
)
LOG_ODDS = (
    "Log odds: how much higher the first system's log odds of a score above any point of the scale are; above zero "
    "the first is rated higher. This uses only the order of the points, while a difference of means assumes that they "
    "are equally far apart. p is not adjusted for multiple comparisons."
)
PARTS = ("By album", "By item", "By rater", Column("Of", "text"))


def blocks(report: Report, name: str, pairs: Sequence[PairResult]) -> Iterator[Block]:
    together = any(is_adjusted(report, pair) for pair in pairs)
    rows = [mixed_row(pair, places_of(report)) for pair in pairs]
    about = f"{headed(name)}: differences estimated by a mixed model, and by a bootstrap over albums and raters."
    titles = ("Systems", "Model", "95 % interval", "p", *PARTS, "Bootstrap")
    made: list[Block] = [table(f"mixed-{name}", about, titles, rows)]
    if fewer := fewer_screens_sentence(pairs):
        made.append(Paragraph(fewer, "soft"))
    neither = " Neither is adjusted for the number of pairs." if together else ""
    made.append(Paragraph(f"{DEVIATIONS} {bootstrap_sentence(report, name)}{neither}", "soft"))
    yield Fold("Estimates by a mixed model, and by a bootstrap over albums and raters", made)
    ordinal = [(pair, pair.cumulative_link_model) for pair in pairs if pair.cumulative_link_model]
    if ordinal:
        by_odds = ("Systems", "Log odds", "95 % interval", "p", *PARTS)
        found = [ordinal_row(pair, model) for pair, model in ordinal]
        about = f"{headed(name)}: ordinal differences, estimated by a cumulative link mixed model."
        title = "Ordinal estimates by a cumulative link mixed model"
        yield Fold(title, [table(f"ordinal-{name}", about, by_odds, found, caption=LOG_ODDS)])


def mixed_row(pair: PairResult, places: int) -> Row:
    systems, bootstrap = f"{pair.system_a} − {pair.system_b}", Ends(pair.bootstrap_ci, places)
    model = pair.mixed_model
    if not model or model.undefined:
        return [systems, not_fitted(model), bootstrap]
    return [systems, Number(model.difference, places), *model_cells(model, places, "screen"), bootstrap]


def ordinal_row(pair: PairResult, model: CumulativeLinkModel) -> Row:
    systems = f"{pair.system_a} − {pair.system_b}"
    if model.undefined:
        return [systems, not_fitted(model)]
    return [systems, Number(model.log_odds, 2), *model_cells(model, 2, "score")]


def not_fitted(model: MixedModel | CumulativeLinkModel | None) -> Span:
    return Span(f"not fitted: {worded(model.undefined)}" if model else "not fitted", 7)


def model_cells(model: MixedModel | CumulativeLinkModel, places: int, unit: str) -> list[Inline]:
    deviations = (model.album_deviation, model.item_deviation, model.rater_deviation)
    parts = [Number(each, places) for each in deviations]
    return [Ends(model.ci, places), PValue(model.p), *parts, Soft(stands_on(model, unit))]


def stands_on(model: MixedModel | CumulativeLinkModel, unit: str) -> str:
    """Of how many screens or scores, items, albums and raters a model is."""
    grouped = f" in {counted(model.albums, 'album')}" if model.albums and model.albums != model.items else ""
    items, raters = counted(model.items, "item"), counted(model.raters, "rater")
    return f"{counted(model.n, unit)}, {items}{grouped}, {raters}"


def fewer_screens_sentence(pairs: Sequence[PairResult]) -> str:
    """Where models are not of the same screens as the differences that they stand beside."""
    models = [(pair, pair.mixed_model) for pair in pairs if pair.mixed_model]
    fitted = [(pair, model) for pair, model in models if model.difference is not None and model.n]
    fewer = [(pair, model) for pair, model in fitted if model.n != pair.n]
    if not fewer:
        return ""
    if len(fitted) == 1:
        pair, model = fewer[0]
        whose = f"The model is based on {counted(model.n, 'screen')}, the difference above on {pair.n}"
    else:
        whose = f"For {len(fewer)} of {len(fitted)} pairs the model is based on fewer screens than the difference above"
    return f"{whose}: only on those on which one rater scored both systems. The two may differ for that reason alone."
