"""What the ratings say of each rater. It excludes nobody: who is left out, and why, is for the researcher to say."""

from collections.abc import Mapping

import numpy as np
from django.db.models import Sum, Value
from django.db.models.functions import Length, Replace

from annotations.campaigns.models import Campaign, Candidate, Rater
from annotations.reports.models import Report
from annotations.reports.reading import answers_in_batches
from annotations.reports.schema.raters import Consistency, Exclusion, RaterResult
from annotations.reports.table import RatingTable
from annotations.statistics.raters import Answers, Pace, RaterScores, agreements, paces, severities


def raters_of(table: RatingTable, *, consistencies: Mapping[int, Consistency] | None = None) -> list[RaterResult]:
    """Of each rater who answered: screens and pace, and over all criteria mean score, severity and agreement with the
    others; with `consistencies`, by primary key, how far they agree with themselves. `number` counts the raters as they
    joined."""
    given = np.stack([np.where(table.first, scores, np.nan) for scores in table.scores.values()])
    scored = ~np.isnan(given)
    criterion, screen, _ = np.nonzero(scored)
    scores, raters = given[scored], table.raters[screen]
    texts = np.broadcast_to(table.shown, given.shape)[scored] * len(table.criteria) + criterion
    count = len(table.rater_names)
    timed = ~np.isnan(table.seconds)
    answers = Answers(table.raters[timed], table.seconds[timed], table.words[timed])
    ratings = RaterScores(raters, texts, scores)
    screens, numbers = np.bincount(table.raters, minlength=count), np.bincount(raters, minlength=count)
    means = np.bincount(raters, scores, minlength=count) / np.maximum(numbers, 1)
    found = paces(count, answers), severities(count, ratings), agreements(count, ratings)
    return [
        RaterResult(
            rater=name,
            number=code + 1,
            screens=int(screens[code]),
            seconds=pace.median,
            under_floor=pace.under_floor,
            floor=pace.floor,
            mean=float(means[code]) if numbers[code] else None,
            severity=None if table.no_severity else severity.value,
            severity_ci=None if table.no_severity else severity.interval,
            agreement=agreement.value,
            undefined=table.no_scores or (None if table.no_severity else severity.undefined) or agreement.undefined,
            excluded=table.exclusions[code] or None,
            consistency=(consistencies or {}).get(table.rater_keys[code]),
        )
        for code, (name, pace, severity, agreement) in enumerate(zip(table.rater_names, *found, strict=True))
        if screens[code]
    ]


def rater_paces(campaign: Campaign) -> dict[int, Pace]:
    """Each rater's pace by primary key, from who answered which item in how long alone: no answer is looked at."""
    spaces = Length("text") - Length(Replace("text", Value(" "), Value("")))
    texts = Candidate.objects.filter(item__campaign=campaign).order_by().values_list("item__position")
    words = dict(texts.annotate(words=Sum(spaces + 1)))
    columns = "assignment__rater_id", "seconds", "assignment__item__position"
    rows = [row for batch in answers_in_batches(campaign, *columns) for row in batch if row[1] is not None]
    raters: dict[int, int] = {}
    codes = np.array([raters.setdefault(rater, len(raters)) for rater, _, _ in rows], dtype=np.int64)
    seconds = np.array([taken for _, taken, _ in rows], dtype=np.float64)
    shown = np.array([words.get(position, 0) for _, _, position in rows], dtype=np.float64)
    return dict(zip(raters, paces(len(raters), Answers(codes, seconds, shown)), strict=True))


def withdrew(campaign: Campaign) -> int:
    """How many raters withdrew all of their answers."""
    return Rater.objects.filter(campaign=campaign, trial=False, ended_by=Rater.EndedBy.WITHDRAWN).count()


def exclusions_of(campaign: Campaign) -> list[Exclusion]:
    """The raters who are left out, but for those who withdrew: by their number, why, when, and whether results had been
    looked at by then."""
    first_look = Report.objects.filter(campaign=campaign).order_by("pk").values_list("created_at", flat=True).first()
    joined = Rater.objects.filter(campaign=campaign, trial=False).order_by("pk")
    return [
        Exclusion(
            rater=number,
            reason=rater.exclusion,
            at=rater.excluded_at.isoformat(),
            after_results=first_look is not None and first_look < rater.excluded_at,
        )
        for number, rater in enumerate(joined, start=1)
        if rater.excluded_at and rater.ended_by != Rater.EndedBy.WITHDRAWN
    ]
