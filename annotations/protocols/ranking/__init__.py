"""A screen's texts in their order, the best first, by each criterion; some may share a rank, if a campaign says so."""

from collections import Counter
from collections.abc import Mapping, Sequence

from annotations.errors import AnswerError
from annotations.protocols.base import NO_TEXTS, SEEMS_EQUAL, Allowed, Instrument, Numbers, Rules, check_keys
from annotations.protocols.criteria import Criterion
from annotations.protocols.labels import Label
from annotations.protocols.labels import translatable as _
from annotations.protocols.lessons import Lesson, Lessons, preferences_between
from annotations.protocols.scored import Scored
from texts.limits import shown

RANK = "a whole number from 1, which is the best"


class Ranking(Scored):
    """Stored are ranks from 1, of equal texts the same and the best that they could have. A score is the share of the
    other texts on the screen that a text was ranked above, an equal one counting half. One text more adds as much
    anywhere in the order, so that scores are of the interval level."""

    name = "ranking"
    measure = "share_ranked_above"
    level = "interval"
    scale = (0.0, 1.0)
    instrument = Instrument("A rank for every text.", "Relative estimation of quality.")
    asked = "to rank the texts on a screen, the best first"
    shown_here = True
    may_tie = True
    least_texts = 2
    varies = {"item_sd": 0.3, "rater_sd": 0.15, "residual_sd": 0.5, "severity_sd": 0.0}
    heading = _("Put short texts in order")
    attention = "This is no text but a check that you are reading: please put it last."
    missing = _("Rank every text first")

    def question(self, label: Label) -> str:
        return label.best

    def question_in_full(self, label: Label) -> str:
        return f"“{self.question(label)}”, from “1 · best” to “worst”, which is the number of texts"

    def asked_for(self, rules: Rules) -> str:
        return f"{self.asked}, equal ranks allowed" if rules.ties else self.asked

    def allowed(self, rules: Rules) -> Allowed:
        values = "Ranks from 1, the best, to the number of texts"
        if rules.ties:
            return Allowed("Every order of a screen's texts, with equal ranks.", f"{values}; texts may share one.")
        return Allowed("n! for a screen of n texts: 24 for four.", f"{values}, each given once.")

    def screen(
        self, texts: Sequence[tuple[str, str]], draft: Mapping[str, str], *, criteria: Sequence[Criterion], rules: Rules
    ) -> dict[str, object]:
        """As for scores, a field's value being a rank. Where two windows have given one rank twice, only the first is
        shown unless ranks may be equal."""
        if not rules.ties:
            draft = ranked_apart(draft)
        ranks = [str(rank) for rank in range(1, len(texts) + 1)]
        return super().screen(texts, draft, criteria=criteria, rules=rules) | {"ranks": ranks, "ties": rules.ties}

    def answers(self, fields: Mapping[str, str]) -> Mapping[str, object]:
        """Lists of the candidates, the best first; of equal ones, lists within."""
        ranked: dict[str, dict[int, list[str]]] = {}
        for field, value in fields.items():
            criterion, _, candidate = field.rpartition(":")  # a criterion's name may hold a colon
            if not (value.isascii() and value.isdigit() and int(value)):
                raise AnswerError(f"answers.{criterion}.{candidate}", f"{shown(value)} must be {RANK}", code="value")
            ranked.setdefault(criterion, {}).setdefault(int(value), []).append(candidate)
        return {
            criterion: [
                candidates if len(candidates) > 1 else candidates[0] for _, candidates in sorted(by_rank.items())
            ]
            for criterion, by_rank in ranked.items()
        }

    def simulated(
        self, perceived: Mapping[str, Mapping[str, float]], *, rules: Rules, texts: Mapping[str, str] = NO_TEXTS
    ) -> Mapping[str, object]:
        """By how good they seem; where ranks may be equal, those that seem within `SEEMS_EQUAL` of the best of them."""
        answers = {}
        for criterion, seem in perceived.items():
            order: list[list[str]] = []
            for name in sorted(seem, key=seem.__getitem__, reverse=True):
                if order and rules.ties and seem[order[-1][0]] - seem[name] < SEEMS_EQUAL:
                    order[-1].append(name)
                else:
                    order.append([name])
            answers[criterion] = [names if len(names) > 1 else names[0] for names in order]
        return answers

    def read(
        self,
        answers: object,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        rules: Rules,
        texts: Mapping[int, str] = NO_TEXTS,
    ) -> Numbers:
        stored = {}
        for criterion, order in check_keys(answers, criteria, "answers", "criteria").items():
            ranks = ranks_in(order, candidates, f"answers.{criterion}", ties=rules.ties)
            stored[criterion] = {str(candidates[name]): float(rank) for name, rank in ranks.items()}
        return stored

    def scores(self, stored: Numbers) -> Numbers:
        return {criterion: shares_ranked_above(ranks) for criterion, ranks in stored.items()}

    def lessons(self, stored: Numbers, shown: Sequence[str]) -> Lessons:
        """Of every two texts the one that was ranked above, texts of an equal rank being a tie."""
        return {
            criterion: Lesson("ranking", preferences=preferences_between({each: -rank for each, rank in ranks.items()}))
            for criterion, ranks in stored.items()
        }


def ranks_in(order: object, candidates: Mapping[str, int], place: str, *, ties: bool) -> dict[str, int]:
    """Of every candidate its rank in a list of them, the best first; of several in a list within, the same. In the
    order of the candidates. Raises AnswerError."""
    names = ", ".join(candidates)
    if not isinstance(order, list):
        raise AnswerError(place, f"must be a list of the candidates {names}, the best first", code="value")
    ranks: dict[str, int] = {}
    for number, part in enumerate(order):
        if isinstance(part, list) and not ties:
            raise AnswerError(f"{place}.{number}", "must be one candidate", "ranks cannot be equal here", code="value")
        if part == []:
            raise AnswerError(f"{place}.{number}", "is an empty list", "leave it out", code="value")
        rank = len(ranks) + 1
        for name in part if isinstance(part, list) else [part]:
            if not isinstance(name, str) or name not in candidates:
                raise AnswerError(f"{place}.{number}", f"{shown(name)} must be one of {names}", code="value")
            if name in ranks:
                raise AnswerError(f"{place}.{number}", f"{shown(name)} is there twice", "rank it once", code="value")
            ranks[name] = rank
    if missing := [name for name in candidates if name not in ranks]:
        raise AnswerError(f"{place}.{missing[0]}", "not ranked", f"the candidates are {names}", code="missing")
    return {name: ranks[name] for name in candidates}


def shares_ranked_above(ranks: Mapping[str, float]) -> dict[str, float]:
    """Of the others the share that each was ranked above, equal ones counting half."""
    times, others = Counter(ranks.values()), len(ranks) - 1
    return {
        candidate: (sum(count for other, count in times.items() if other > rank) + (times[rank] - 1) / 2) / others
        for candidate, rank in ranks.items()
    }


def ranked_apart(draft: Mapping[str, str]) -> dict[str, str]:
    """Without the ranks that another text has by the same criterion."""
    kept, given = {}, set()
    for field, rank in draft.items():
        if (key := (field.rpartition(":")[0], rank)) not in given:
            kept[field] = rank
            given.add(key)
    return kept
