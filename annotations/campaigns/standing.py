"""How a rater stands who is watched by quality control: what is seen in their answers, and which rule they break. Plain
values in, plain values out."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from annotations.campaigns.quality import COUNTED, Quality, criteria_tested
from annotations.plurals import counted
from annotations.protocols import AnyProtocol

NONE: Mapping[str, int] = MappingProxyType({})


class Looked(NamedTuple):
    """What is seen in an answer; `check_passed` is none of an ordinary screen's."""

    check_passed: bool | None = None
    too_fast: bool = False
    same_answers: bool = False


class Standing(NamedTuple):
    """What a rater's answers have come to: screens answered; by kind of item how many were answered as they should be
    and how many were not; screens answered too fast and with the same answers."""

    answered: int = 0
    passed: Mapping[str, int] = NONE
    missed: Mapping[str, int] = NONE
    too_fast: int = 0
    same: int = 0

    def plus(self, looked: Looked, kind: str = "regular", count: int = 1, *, skipped: bool = False) -> "Standing":
        """With another screen of the kind, or so many in which the same was seen; a skipped one was not answered."""
        passed, missed = dict(self.passed), dict(self.missed)
        if looked.check_passed is not None:
            counts = passed if looked.check_passed else missed
            counts[kind] = counts.get(kind, 0) + count
        return Standing(
            self.answered + (0 if skipped else count),
            passed,
            missed,
            self.too_fast + count * looked.too_fast,
            self.same + count * looked.same_answers,
        )


def looked_at(
    quality: Quality,
    protocol: AnyProtocol,
    stored: Any,
    *,
    candidates: Mapping[str, int],
    criteria: Sequence[str],
    planted: Mapping[str, str] | None,
    pace: float | None,
    passed: bool | None = None,
) -> Looked:
    """`candidates` are the screen's by random id, `planted` is what the screen hides, if anything, and `pace` the
    seconds a word that it took, if known; `passed` is what is known of it already."""
    if planted:
        original = candidates.get(planted.get("original", ""))
        passed = protocol.finds_worse(
            stored,
            str(candidates[planted["degraded"]]),
            None if original is None else str(original),
            criteria_tested(planted["degradation"], criteria),
        )
    too_fast = quality.seconds_per_word is not None and pace is not None and pace < quality.seconds_per_word
    return Looked(passed, too_fast, quality.same_answers is not None and protocol.gives_the_same(stored))


def rule_broken(quality: Quality, standing: Standing) -> str:
    """The first rule that a rater breaks who stands so; empty where none."""
    return next(rules_broken(quality, standing), "")


def rules_broken(quality: Quality, standing: Standing) -> Iterator[str]:
    for rule, kind in COUNTED.items():
        needed = getattr(quality, f"{rule}_needed")
        if needed is not None and standing.missed.get(kind, 0) > getattr(quality, rule) - needed:
            yield rule
    if standing.answered < quality.after:
        return
    if quality.seconds_per_word is not None and standing.too_fast / standing.answered > quality.too_fast:
        yield "too_fast"
    if quality.same_answers is not None and standing.same / standing.answered > quality.same_answers:
        yield "same_answers"


def rules_in_words(quality: Quality, protocol: AnyProtocol, *, alone: bool) -> list[str]:
    """What a campaign declares, a sentence a rule; `alone`: a degraded text is shown without its original."""
    said = []
    ways = " or ".join(way.replace("_", " ") for way in quality.degrading)
    beside = "alone" if alone else "with its original"
    missed = "not bad" if alone else "no worse than the original"
    if quality.training:
        said.append(
            f"Each rater begins with {counted(quality.training, 'training screens')}: a degraded text ({ways}), shown "
            f"{beside}, and after the answer which text it was. They stop nobody."
        )
    if quality.qualification_needed is not None:
        limit = quality.qualification - quality.qualification_needed
        said.append(
            f"{counted(quality.qualification, 'qualification screens')} with a degraded text ({ways}), shown {beside}, "
            f"without feedback; a rater is stopped who judges {most(limit)} {missed}. Skipped ones count as missed."
        )
    if quality.degraded_needed is not None:
        limit = quality.degraded - quality.degraded_needed
        said.append(
            f"Hidden among a rater's screens: {counted(quality.degraded, 'degraded texts')} ({ways}), shown {beside}; "
            f"a rater is stopped who judges {most(limit)} {missed}. Skipped ones do not count."
        )
    if quality.attention_needed is not None:
        limit = quality.attention - quality.attention_needed
        said.append(
            f"Hidden among a rater's screens: {counted(quality.attention, 'attention items')}, in which a text asks "
            f"for the worst answer to itself; a rater is stopped who answers {most(limit)} otherwise. Skipped ones do "
            "not count."
        )
    if quality.repeats:
        said.append(
            f"{counted(quality.repeats, 'planned repeats')}: a rater's own screens come again later, with the texts in "
            "another order; the first answers alone enter the results." + repeats_rule(quality, protocol)
        )
    if quality.seconds_per_word is not None:
        said.append(
            f"A screen is too fast if it is answered in under {quality.seconds_per_word:g} seconds for each word of "
            f"its texts; from {quality.after} screens on, a rater is stopped who is too fast on more than "
            f"{100 * quality.too_fast:g} % of them."
        )
    if quality.same_answers is not None:
        said.append(
            f"From {quality.after} screens on, a rater is stopped who gives all texts of a screen the same answers on "
            f"more than {100 * quality.same_answers:g} % of the screens."
        )
    return said


def most(limit: int) -> str:
    return f"more than {limit} of them" if limit else "any of them"


def repeats_rule(quality: Quality, protocol: AnyProtocol) -> str:
    if quality.repeats_needed is None:
        return ""
    limit = quality.repeats - quality.repeats_needed
    return f" A rater is stopped who answers {most(limit)} otherwise than before: with {protocol.not_as_before}."


def reason_of(rule: str, quality: Quality, standing: Standing, *, alone: bool) -> str:
    """Why a rater was stopped, as the report says it; `alone` as in `rules_in_words`."""
    if rule in COUNTED:
        kind = COUNTED[rule]
        missed = standing.missed.get(kind, 0)
        of = f"{missed} of {standing.passed.get(kind, 0) + missed}"
        worse = "not bad" if alone else "no worse than their originals"
        return {
            "qualification": f"judged {of} degraded texts of the qualification {worse}, or skipped them",
            "degraded": f"judged {of} degraded texts {worse}",
            "attention": f"answered {of} attention items otherwise than they asked",
            "repeats": f"answered {of} repeated screens otherwise than before",
        }[rule]
    if rule == "too_fast":
        took = f"under {quality.seconds_per_word:g} seconds a word"
        return f"answered {standing.too_fast} of {standing.answered} screens in {took}"
    return f"gave all texts the same answer on {standing.same} of {standing.answered} screens"
