"""The texts that raters liked best and least, and those they disagreed on most."""

from collections.abc import Iterator

import numpy as np

from annotations.campaigns.models import Campaign
from annotations.documents.blocks import (
    Block,
    Column,
    Heading,
    Inline,
    Lines,
    Number,
    Paragraph,
    Run,
    Section,
    Soft,
    table,
)
from annotations.reports.inputs import Inputs
from annotations.reports.measures import measure_of
from annotations.reports.scales import places_of
from annotations.reports.schema.examples import Example, Examples, ExamplesPart, ScoreOfRater, Text
from annotations.reports.schema.report import Report
from annotations.reports.table import RatingTable
from annotations.reports.texts import texts_by_key
from annotations.reports.words import headed, spaced
from texts.stories import story_lines

EACH = 4  # texts of a kind
KEPT_TOGETHER = "\N{NO-BREAK SPACE}"


def compute(inputs: Inputs) -> ExamplesPart:
    campaign, table = inputs.campaign, inputs.table
    return ExamplesPart(examples={name: examples_of(campaign, table, name) for name in campaign.criteria})


def examples_of(campaign: Campaign, table: RatingTable, criterion: str) -> Examples:
    """Texts by criterion: `best` and `worst` by their mean, of equal means the one rated more often first, and
    `disputed` by the standard deviation of their ratings; a text stands in one of them only."""
    scores = table.scores[criterion]
    once = ~np.isnan(scores) & table.first
    if not once.any():
        return Examples(best=[], worst=[], disputed=[])
    given, raters = scores[once], np.broadcast_to(table.raters[:, None], scores.shape)[once]
    texts, index, counts = np.unique(table.shown[once], return_inverse=True, return_counts=True)
    means = np.bincount(index, given) / counts
    spread = np.sqrt(np.bincount(index, (given - means[index]) ** 2) / np.maximum(counts - 1, 1))
    best = np.lexsort((texts, -counts, -means))[:EACH]
    worst = np.lexsort((texts, -counts, means))[:EACH]
    chosen = {"best": best, "worst": worst[~np.isin(worst, best)]}
    disputed = np.lexsort((texts, -spread))[: 3 * EACH]
    disputed = disputed[(spread[disputed] > 0) & ~np.isin(disputed, [*best, *worst])]
    chosen["disputed"] = disputed[:EACH]
    keys = table.keys(texts)
    about = texts_by_key(campaign, np.concatenate([keys[places] for places in chosen.values()]))

    def example(place: int) -> Example:
        text = about[int(keys[place])]
        rated = sorted(zip(raters[index == place], given[index == place], strict=True))
        return Example(
            text=text.text,
            source=text.source,
            systems=text.systems,
            mean=float(means[place]),
            deviation=float(spread[place]) if counts[place] > 1 else None,
            n=int(counts[place]),
            ratings=[ScoreOfRater(rater=int(rater) + 1, score=float(score)) for rater, score in rated],
        )

    return Examples(**{kind: [example(int(place)) for place in places] for kind, places in chosen.items()})


def section(report: Report) -> Section:
    return Section("examples", "Best, worst, most disputed", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    if not report.campaign.ratings:
        yield Paragraph("No ratings yet.")
    else:
        yield from map(Paragraph, measure_of(report.campaign).no_examples)
    for name, found in report.examples.items():
        kinds = (("Rated best", found.best), ("Rated worst", found.worst), ("Most disputed", found.disputed))
        places = places_of(report)
        for title, examples in kinds:
            if examples:
                yield Heading(f"{title} for {spaced(name)}")
                titles = (
                    Column("Text", "text"), "Mean", "SD", Column("Ratings (by rater)", "given"),
                    Column("System", "names"),
                )  # fmt: skip
                label = f"{title.lower().replace(' ', '-')}-{name}"
                yield table(
                    label, f"{headed(name)}: {title.lower()}.", titles, [example_row(each, places) for each in examples]
                )


def example_row(example: Example, places: int) -> list[Inline]:
    given = [
        Run(
            [
                f"{round(rating.score, places):g}{KEPT_TOGETHER}".replace("-", "−"),
                Soft(f"({rating.rater})"),
                ", " * (rating is not example.ratings[-1]),
            ]
        )
        for rating in example.ratings
    ]
    return [
        shown(example),
        Number(example.mean, places),
        Number(example.deviation, places),
        Run(given),
        ", ".join(example.systems),
    ]


def shown(text: Text) -> Inline:
    """A text with its source below it; of a story that was shown photo by photo a sentence below another."""
    lines: list[Inline] = [*story_lines(text.text), *([Soft(f"of: {text.source}")] if text.source else [])]
    return Lines(lines) if len(lines) > 1 else text.text
