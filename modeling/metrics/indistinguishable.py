"""Can a judge tell what a system wrote from what people wrote? 1 - AUC: 0.5 is not at all, 0 is every time.

Both sides are taken down to their words (`modeling.text.plain_words`), so that typography tells nothing, and a text
counts once a side, however often it was written. What people wrote are the references. Beside, the same judge is asked
to tell one half of people's sentences from the other: where that interval does not hold 0.5, the judge goes by
something else than who wrote, and its figures are refused. Torch is loaded when a judge is first asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from modeling.errors import ScoringError
from modeling.metrics import of_kind
from modeling.metrics.cross_fitting import REPEATS, Albums, Figure, Judge, albums_of, tell_apart
from modeling.metrics.judge_metric import JudgeMetric, JudgeSettings, SignedJudge
from modeling.metrics.metric import VERSION, Score, without_texts
from modeling.metrics.texts import Segment, album_of
from modeling.progress import OnProgress, Progress, no_progress
from modeling.text import plain_words
from texts.folding import SIGNATURE

HUMAN, BASELINES = "human", ("caption", "random_story")  # whose figures stand beside every system's


def score_indistinguishable(
    systems: Mapping[str, Sequence[Segment]],
    *,
    metrics: Iterable[str] | None = None,
    settings: JudgeSettings | None = None,
    of: int | None = None,
    resampled: bool = False,
    on_progress: OnProgress = no_progress,
) -> dict[str, dict[str, Score]]:
    """`{system: {metric: {"value", "ci", "signature", "beside"}}}` of systems that wrote for the same sources.

    `beside` has value and interval of people against people, `human`, and of the baselines among the systems: a random
    story always, captions where the sources are some. A figure that is refused, or that too few texts do not allow, has
    the value None and says why under `undefined`; with `resampled` one that is defined carries its resamples. `of` is
    how many sources there are to write for. Raises ScoringError for an unknown metric or without random stories.
    """
    wanted = of_kind(JudgeMetric, metrics)
    if not systems.get("random_story"):
        names = ", ".join(metric.name for metric in wanted)
        raise ScoringError(f"{names}: no random stories to compare with; give training stories to draw them from")
    settings = settings or JudgeSettings()
    human = _albums((text, each) for given in systems.values() for each in given for text in each.references)
    written = {name: _albums((each.output, each) for each in given) for name, given in systems.items()}
    everything = sorted({text for side in (human, *written.values()) for text in side})
    table: dict[str, dict[str, Score]] = {name: {} for name in systems}
    for turn, metric in enumerate(wanted):

        def report(share: float, name: str, turn: int = turn, metric: str = metric.name) -> None:
            on_progress(Progress(turn, len(wanted), (turn + share) / len(wanted), message=f"{metric} of {name}"))

        report(0, HUMAN)
        judge = metric.judge(everything, settings)
        for name, score in scores_by(judge, human, written, settings, report).items():
            part = {"sources": (len(systems[name]), of)} if len(systems[name]) < (of or 0) else {}
            score = score if resampled else without_texts(score)
            table[name][metric.name] = score | {"signature": f"{metric.name}|{score['signature']}"} | part
    return table


def judged_people(judged: Mapping[str, Mapping[str, Score]]) -> dict[str, Score]:
    """What people's own sentences score, from the scores of systems, to stand in a row of their own."""
    some = next(iter(judged.values()))
    kept = ("signature", "sources")
    return {
        metric: score["beside"][HUMAN] | {key: score[key] for key in kept if key in score}
        for metric, score in some.items()
    }


def scores_by(
    judge: SignedJudge,
    human: Albums,
    written: Mapping[str, Albums],
    settings: JudgeSettings,
    report: Callable[[float, str], None] = lambda share, name: None,
) -> dict[str, Score]:
    """Every system's score by one judge. `report` is told the share done and whose figure is next."""
    people = _figure(human, None, judge, settings)
    figures: dict[str, Figure | str] = {}
    for name, machine in written.items():
        report((1 + len(figures)) / (1 + len(written)), name)
        figures[name] = _figure(human, machine, judge, settings)
    beside = {HUMAN: people} | {name: figures[name] for name in BASELINES if name in figures}
    refused = refusal(people)
    return {name: _score(judge, refused or figure, beside, settings) for name, figure in figures.items()}


def refusal(people: Figure | str) -> str | None:
    """Why nothing that this judge says counts, if so: of people against people it must say 0.5."""
    if isinstance(people, str):
        return people
    low, high = people.ci
    if low <= 0.5 <= high:
        return None
    return (
        f"refused: this judge tells human sentences from other human sentences: {people.value:.3f} [{low:.3f}, "
        f"{high:.3f}], where the interval should contain 0.5"
    )


def _albums(written: Iterable[tuple[str, Segment]]) -> Albums:
    return albums_of((plain_words(text), album_of(each)) for text, each in written)


def _figure(human: Albums, machine: Albums | None, judge: Judge, settings: JudgeSettings) -> Figure | str:
    """The figure, or why there is none."""
    try:
        return tell_apart(human, machine, judge, seed=settings.seed, resamples=settings.resamples)
    except ScoringError as error:
        return str(error)


def _score(
    judge: SignedJudge, figure: Figure | str, beside: Mapping[str, Figure | str], settings: JudgeSettings
) -> Score:
    """The signature has what stands beside too, so that no figure goes without it."""
    parts = [
        judge.signature,
        f"case:lc|tok:words|{SIGNATURE}|folds:{REPEATS}x2|seed:{settings.seed}",
        f"texts:{figure.texts if isinstance(figure, Figure) else 0}",
        *(f"{name}:{each.value:.2f}" if isinstance(each, Figure) else f"{name}:none" for name, each in beside.items()),
        f"version:sb.{VERSION}",
    ]
    return {
        **_shown(figure),
        **({"resampled": figure.resampled} if isinstance(figure, Figure) else {}),
        "signature": "|".join(parts),
        "beside": {name: _shown(each) for name, each in beside.items()},
    }


def _shown(figure: Figure | str) -> Score:
    if isinstance(figure, str):
        return {"value": None, "ci": None, "undefined": figure}
    return {"value": figure.value, "ci": figure.ci}
