"""What the answers of a campaign say together: scores, preferences, labels and marked spans, each with its weight and
the judgement of every rater. Plain values in, plain values out, in an order that depends on nothing else."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import fmean
from typing import Any, Literal, NamedTuple

import numpy as np

from annotations.feedback.answers import Answer, Answers
from annotations.statistics.feedback import (
    MIN_JUDGED_TWICE,
    TIE,
    USUAL_AGREEMENT,
    Agreement,
    agreement_of,
    flip_rate,
    majority_weight,
    single_flip_rate,
    text_means,
)
from annotations.statistics.scores import shrunk_z
from annotations.statistics.uncertainty import Floats

Kind = Literal["score", "preference", "label", "spans"]
Votes = Mapping[int, float]  # by rater: 1 for, 0 against, 0.5 a tie


@dataclass(frozen=True)
class Evidence:
    """An example-to-be: of a text, by its number; of a preference that of the chosen one, or of the one that was
    rewritten as `rewrite`. `raters` has each one's own judgement, `ratings` the primary keys of the answers behind."""

    kind: Kind
    text: int
    weight: float
    raters: Votes
    ratings: Sequence[int]
    score: float | None = None
    rejected: int | None = None
    rewrite: str = ""
    desirable: bool | None = None
    flip_rate: float | None = None
    origin: str = ""
    spans: Sequence[Mapping[str, Any]] | None = None


@dataclass
class Tally:
    """What was judged, and by whom: by rater the judgements by each criterion, and the answers they are in."""

    by_rater: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    ratings: set[int] = field(default_factory=set)
    origin: str = ""

    def add(self, answer: Answer, vote: float) -> None:
        self.by_rater[answer.rater].append(vote)
        self.ratings.add(answer.rating)

    @property
    def votes(self) -> dict[int, float]:
        """Each rater's over the criteria: what more of them say."""
        return {rater: vote_of(fmean(given)) for rater, given in sorted(self.by_rater.items())}


class FlipRate(NamedTuple):
    """Of a single judgement; `usual`: too few things were judged twice, so that it is not the campaign's own."""

    kind: Kind
    rate: float
    agreement: float | None
    judged_twice: int
    usual: bool


@dataclass
class Found:
    examples: list[Evidence] = field(default_factory=list)
    flip_rates: list[FlipRate] = field(default_factory=list)
    undecided: int = 0  # things that as many raters were for as against
    pasted: int = 0  # rewrites left out


def vote_of(mean: float) -> float:
    return TIE if mean == TIE else float(mean > TIE)


def evidence_of(answers: Answers, *, admit_pasted: bool) -> Found:
    """In the order of the kinds, and within each of the texts."""
    found = Found()
    found.examples += scores(answers.given)
    preferences(answers.given, found)
    labels_and_rewrites(answers.given, found, admit_pasted=admit_pasted)
    marked(answers, found)
    return found


def scores(given: Sequence[Answer]) -> Iterator[Evidence]:
    """Of each text the mean over its raters, standardised by rater within each criterion, and shrunk: see
    `text_means`."""
    by_criterion: dict[str, list[tuple[int, Answer, float]]] = defaultdict(list)
    for answer in given:
        for criterion, lesson in answer.lessons.items():
            by_criterion[criterion] += [(int(text), answer, score) for text, score in lesson.scores.items()]
    tallies: dict[int, Tally] = defaultdict(Tally)
    for _, rows in sorted(by_criterion.items()):
        values = shrunk_z(np.array([score for _, _, score in rows]), np.array([each.rater for _, each, _ in rows]))
        for (text, answer, _), value in zip(rows, values.tolist(), strict=True):
            tallies[text].add(answer, value)
    if not tallies:
        return
    texts = sorted(tallies)
    means = {text: {r: fmean(own) for r, own in sorted(tallies[text].by_rater.items())} for text in texts}
    flat = [(place, value) for place, text in enumerate(texts) for value in means[text].values()]
    places, own = np.array([place for place, _ in flat]), np.array([value for _, value in flat])
    posterior = text_means(own, places, len(texts))
    for text, score, weight in zip(texts, posterior.means.tolist(), posterior.weights.tolist(), strict=True):
        yield Evidence("score", text, weight, means[text], sorted(tallies[text].ratings), score=score)


def preferences(given: Sequence[Answer], found: Found) -> None:
    """Of every two texts of a screen the one that more raters prefer."""
    tallies: dict[tuple[int, int], Tally] = defaultdict(Tally)
    for answer in given:
        for lesson in answer.lessons.values():
            for each in lesson.preferences:
                chosen, rejected = int(each.chosen), int(each.rejected)
                pair = min(chosen, rejected), max(chosen, rejected)
                tallies[pair].add(answer, TIE if each.tie else float(chosen == pair[0]))
                tallies[pair].origin = lesson.origin
    for (one, other), tally, votes, rate in decided(tallies, "preference", found):
        chosen, rejected = (one, other) if sum(votes.values()) * 2 > len(votes) else (other, one)
        found.examples.append(
            Evidence(
                "preference",
                chosen,
                majority_weight(list(votes.values())),
                votes if chosen == one else {rater: 1 - vote for rater, vote in votes.items()},
                sorted(tally.ratings),
                rejected=rejected,
                flip_rate=flip_rate(rate, supporting(votes)),
                origin=tally.origin,
            )
        )


def labels_and_rewrites(given: Sequence[Answer], found: Found, *, admit_pasted: bool) -> None:
    """Whether more raters find a text as it should be, or not; and of each rewrite that it is preferred to the text. A
    text that has rewrites is not said to be bad besides: a better one says more. What was pasted counts for neither."""
    labels: dict[int, Tally] = defaultdict(Tally)
    rewrites: dict[tuple[int, str], Tally] = defaultdict(Tally)
    for answer in given:
        for lesson in answer.lessons.values():
            kept = {text: each for text, each in lesson.rewrites.items() if admit_pasted or not each.pasted}
            found.pasted += len(lesson.rewrites) - len(kept)
            for text, desirable in lesson.labels.items():
                if text in kept or text not in lesson.rewrites:
                    labels[int(text)].add(answer, float(desirable))
            for text, rewritten in kept.items():
                rewrites[int(text), rewritten.text].add(answer, 1.0)
                rewrites[int(text), rewritten.text].origin = lesson.origin
    rewritten_texts = {text for text, _ in rewrites}
    usual = single_flip_rate(USUAL_AGREEMENT)
    if rewrites:
        found.flip_rates.append(FlipRate("preference", usual, None, 0, True))  # nobody else judged the same two
    for (shown, words), tally in sorted(rewrites.items()):
        votes = list(tally.votes.values())
        found.examples.append(
            Evidence(
                "preference",
                shown,
                majority_weight(votes),
                tally.votes,
                sorted(tally.ratings),
                rejected=shown,
                rewrite=words,
                flip_rate=flip_rate(usual, votes),
                origin=tally.origin,
            )
        )
    for text, tally, label_votes, rate in decided(labels, "label", found):
        good = sum(label_votes.values()) * 2 > len(label_votes)
        if good or text not in rewritten_texts:
            found.examples.append(
                Evidence(
                    "label",
                    text,
                    majority_weight(list(label_votes.values())),
                    label_votes,
                    sorted(tally.ratings),
                    desirable=good,
                    flip_rate=flip_rate(rate, supporting(label_votes)),
                )
            )


def decided(tallies: Mapping[Any, Tally], kind: Kind, found: Found) -> Iterator[tuple[Any, Tally, Votes, float]]:
    """What raters judged, in order, with their votes and the flip rate of a single one; not what as many are for as
    against, which is counted."""
    if not tallies:
        return
    votes = {key: tally.votes for key, tally in sorted(tallies.items())}
    measured = measured_flip_rate(kind, agreement_of(list(each.values()) for each in votes.values()))
    found.flip_rates.append(measured)
    for key, given in votes.items():
        if sum(given.values()) * 2 == len(given):
            found.undecided += 1
        else:
            yield key, tallies[key], given, measured.rate


def measured_flip_rate(kind: Kind, agreement: Agreement) -> FlipRate:
    usual = agreement.share is None or agreement.judged_twice < MIN_JUDGED_TWICE
    rate = single_flip_rate(USUAL_AGREEMENT if usual or agreement.share is None else agreement.share)
    return FlipRate(kind, rate, agreement.share, agreement.judged_twice, usual)


def supporting(votes: Votes) -> list[float]:
    """The votes for what the majority says."""
    given = list(votes.values())
    return given if sum(given) * 2 > len(given) else [1 - vote for vote in given]


def marked(answers: Answers, found: Found) -> None:
    """Where raters found errors: at each code point the mean over the raters of how severe it is to them. The weight is
    the mean over the code points of how far raters agree that there is an error, as with votes. A rater's judgement is
    minus the sum of their errors' severities."""
    by_text: dict[int, dict[int, list[Floats]]] = defaultdict(lambda: defaultdict(list))
    tallies: dict[int, Tally] = defaultdict(Tally)
    for answer in answers.given:
        for lesson in answer.lessons.values():
            for name, parts in lesson.spans.items():
                severity = np.zeros(len(answers.texts[int(name)].text))
                for part in parts:
                    severity[part.start : part.end] = part.weight
                by_text[int(name)][answer.rater].append(severity)
                tallies[int(name)].add(answer, 0.0 - sum(part.weight for part in parts))
    for text, tally in sorted(tallies.items()):
        severities = np.stack([np.mean(own, axis=0) for _, own in sorted(by_text[text].items())])
        votes = (severities > 0).astype(float)
        weight = fmean(majority_weight(column) for column in votes.T.tolist()) if votes.size else 0.0
        if weight > 0:
            raters = {rater: fmean(own) for rater, own in sorted(tally.by_rater.items())}
            spans = spans_of(severities.mean(axis=0).tolist())
            found.examples.append(Evidence("spans", text, weight, raters, sorted(tally.ratings), spans=spans))
        else:
            found.undecided += 1


def spans_of(severities: Sequence[float]) -> list[dict[str, Any]]:
    """Runs of the same severity above 0."""
    spans, start = [], 0
    for severity, run in groupby(severities):
        end = start + len(list(run))
        if severity > 0:
            spans.append({"start": start, "end": end, "weight": severity})
        start = end
    return spans
