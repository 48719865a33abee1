"""A row a score, and a row an error span, whose weights make a score."""

import re
from collections.abc import Mapping
from typing import Any

from annotations.campaigns.readers.columns import Plan, Record, Variant
from annotations.campaigns.readers.content import Given, Place, RatedScreen, RatingContent
from annotations.campaigns.readers.options import RatingOptions
from annotations.campaigns.readers.shapes import Shape, later
from annotations.corpora.readers.content import shown
from annotations.corpora.readers.tables.defects import Defects, RowDefectError
from annotations.corpora.readers.tables.values import Cell, is_missing, number_of
from annotations.errors import InputError
from annotations.protocols import protocol_of_scores

# Freitag et al. (2021), "Experts, errors, and context", table 4.
MQM_WEIGHTS = {
    "major": 5.0,
    "minor": 1.0,
    "minor/fluency/punctuation": 0.1,
    "/non-translation": 25.0,
    "neutral": 0.0,
    "no-error": 0.0,
}
MARKS = re.compile(r"</?v>")  # around the span in the text, in files of error spans


class Scores(Shape):
    form = "scores"

    def __init__(self, plan: Plan, options: RatingOptions, defects: Defects) -> None:
        super().__init__(plan, options, defects)
        self.texts: dict[Place, dict[str, Given]] = {}
        self.several = bool(options.lists or options.shared)
        self.comma = True if options.decimal == "comma" else False if plan.table.comma and not options.decimal else None
        self.numbers: dict[str, float] = {}  # each different cell once

    def take(self, line: int, record: Record, variant: Variant) -> None:
        value = record[4]
        if type(value) is not str or self.several or "|" in value or "," in value or value[:1] == "[":
            for each in self.one_each(record, variant):
                for one in self.one_system_each(each):
                    self.take_one(line, one, variant)
        else:
            self.take_one(line, record, variant)

    def take_one(self, line: int, record: Record, variant: Variant) -> None:
        place, rater, system, criterion = self.rated(line, record, variant)
        value = record[4]
        score = self.numbers.get(value) if isinstance(value, str) else None
        if score is None:
            word = self.word(value)
            if self.is_missing(word, variant):
                return
            score = self.score(word, variant)
            if isinstance(value, str) and len(self.numbers) < 10_000:
                self.numbers[value] = score
        given = Given(score, line, self.submitted(record, variant))
        self.add(place, rater, system, criterion, given)

    def one_system_each(self, record: Record) -> list[Record]:
        """The record for each of the systems that wrote the text, where a cell names several."""
        sign = self.options.shared
        if not sign or not isinstance(record[1], str):
            return [record]
        names = record[1].split() if sign.isspace() else record[1].split(sign)
        return [[record[0], name.strip(), *record[2:]] for name in names] or [record]

    def rated(self, line: int, record: Record, variant: Variant) -> tuple[Place, str, str, str]:
        """Of what, by whom, of which system, by which criterion; what the system wrote is kept."""
        place = self.place(record, variant)
        rater = self.identifier(record[2], "rater", variant)
        system = self.name(self.systems, record[1], "system", variant)
        criterion = self.name(self.criteria, record[3], "criterion", variant)
        self.take_text(line, record[self.at["text"]], place, system, variant)
        return place, rater, system, criterion

    def add(self, place: Place, rater: str, system: str, criterion: str, given: Given) -> None:
        """Keep a score: the rater's first of the text by the criterion, or else a repeat of it."""
        repeat = 0
        while True:
            screen = self.screen(place, rater, given.at, repeat)
            scores = screen.scores.setdefault(criterion, {})
            before = scores.get(system)
            if before is None:
                break
            if later(before.at, given.at):
                scores[system], given = given, before
            repeat += 1
        scores[system] = given
        if system not in screen.systems:
            screen.systems.append(system)
        self.answers += not repeat
        self.repeats += bool(repeat)

    def take_text(self, line: int, cell: Cell, place: Place, system: str, variant: Variant) -> None:
        """Keep what the system wrote, as it was given; an empty cell says that it is not known."""
        text = self.written(cell)
        texts = self.texts.get(place)
        if texts is None:
            texts = self.texts[place] = {}
        before = texts.get(system)
        if before is None or (text and not before.value):
            texts[system] = Given(text, line)
        elif text and text != before.value:
            raise RowDefectError(
                f"{variant.labels['text']}={shown(text)} of system={shown(system)} and item={shown(place[1])} "
                f"differs from the text on {self.called(before.line)}; a system has one text per item: give the "
                "items different names (--column item=… given twice joins two columns), select rows with --where, "
                "or leave the texts out with --column text="
            )

    def written(self, cell: Cell) -> str:
        text = cell if isinstance(cell, str) else "\n".join(cell)
        return text if text and not text.isspace() else ""

    def score(self, word: str, variant: Variant) -> float:
        score = number_of(word, variant.value, comma=self.comma)
        self.check_scale(score, word, variant)
        return score

    def check_scale(self, score: float, word: str, variant: Variant) -> None:
        if self.options.scale and not self.options.scale[0] <= score <= self.options.scale[1]:
            low, high = self.options.scale
            raise RowDefectError(f"{variant.value}={shown(word)} is outside the scale from {low:g} to {high:g}")

    def content(self) -> RatingContent:
        screens = self.all_screens()
        if not self.options.keep_apart:
            self.check_same_texts(screens)
        rated = {screen.place for screen in screens}
        scores = {
            float(given.value)
            for screen in screens
            for by_system in screen.scores.values()
            for given in by_system.values()
        }
        low, high = self.ends(scores)
        if low == high:
            self.defects.add(
                "",
                f"every score is {low:g}, which does not show the scale; give its ends with --scale LOW HIGH",
            )
        self.check_margin(high - low, f"the width of the scale from {low:g} to {high:g}")
        whole = all(number.is_integer() for number in (*scores, low, high))
        return RatingContent(
            protocol=protocol_of_scores(whole=whole, low=low, high=high).name,
            scale=(low, high),
            scale_found=self.options.scale is None,
            criteria=tuple(self.criteria.origin),
            systems=tuple(self.systems.origin),
            texts={
                place: {system: str(text.value) for system, text in by_system.items()}
                for place, by_system in self.texts.items()
                if place in rated
            },
            items={},
            screens=screens,
            answers=self.answers,
            left_aside=self.plan.left_aside(),
            facts=self.facts(),
            keep_apart=self.options.keep_apart,
            primary=self.primary(),
        )

    def ends(self, scores: set[float]) -> tuple[float, float]:
        return self.options.scale or (min(scores), max(scores))

    def check_same_texts(self, screens: list[RatedScreen]) -> None:
        """A defect where a rater gave the same text of two systems two scores."""
        shared: dict[Place, dict[str, str]] = {}  # the first system with the same text, by system
        for place, texts in self.texts.items():
            if len(texts) > 1 and len({text.value for text in texts.values()}) < len(texts):
                first: dict[float | str, str] = {}
                shared[place] = {
                    system: first.setdefault(text.value, system) for system, text in texts.items() if text.value
                }
        for screen in screens if shared else ():
            same = shared.get(screen.place)
            for criterion, given in screen.scores.items() if same else ():
                seen: dict[str, Given] = {}
                for system, score in given.items():
                    before = seen.setdefault((same or {}).get(system, system), score)
                    if before.value != score.value:
                        self.wrong(
                            max(before.line, score.line),
                            f"rater={shown(screen.rater)} has scored the same text of item={shown(screen.place[1])} "
                            f"differently by criterion={shown(criterion)} on "
                            f"{self.called(min(before.line, score.line))}: a text that several systems wrote counts "
                            "as one text with one score, unless it is kept apart (--keep-apart)",
                        )


class Spans(Scores):
    """A row an error that a rater marked: the weights of a text's errors are summed, and the sum is its score, below
    zero. A row that says that there is no error gives 0 if it is the only one."""

    form = "spans"

    def __init__(self, plan: Plan, options: RatingOptions, defects: Defects) -> None:
        super().__init__(plan, options, defects)
        self.table = MQM_WEIGHTS | dict(options.weights)
        self.by_kind: dict[tuple[str, str], float] = {}
        self.sums: dict[tuple[Place, str, str, str], list[Any]] = {}

    def take(self, line: int, record: Record, variant: Variant) -> None:
        place, rater, system, criterion = self.rated(line, record, variant)
        kind = self.word(record[4]), self.word(record[self.at["category"]])
        weight = self.by_kind.get(kind)
        if weight is None:
            weight = self.by_kind[kind] = self.weight(kind, variant)
        when = self.submitted(record, variant)
        found = self.sums.setdefault((place, rater, system, criterion), [0.0, line, when])
        found[0] -= weight
        if when and (found[2] is None or later(when, found[2])):
            found[2] = when

    def anything(self) -> bool:
        return bool(self.sums)

    def weight(self, kind: tuple[str, str], variant: Variant) -> float:
        """By severity and category, then by ever wider categories, then by category, then by severity."""
        severity, category = (part.casefold().strip().rstrip("!") for part in kind)
        parts = [part.strip() for part in category.split("/")]
        wider = ["/".join(parts[:length]) for length in range(len(parts), 0, -1) if category]
        keys = [*(f"{severity}/{each}" for each in wider), *(f"/{each}" for each in wider), severity]
        for key in keys:
            if key in self.table:
                return self.table[key]
        if is_missing(severity) and "no-error" in (category, category.replace(" ", "-")):
            return 0.0
        raise RowDefectError(
            f"{variant.value}={shown(kind[0])} must be one of "
            f"{', '.join(key for key in self.table if '/' not in key)}; set its weight with --weight "
            f'"{kind[0] or ""}=1"'
        )

    def written(self, cell: Cell) -> str:
        return MARKS.sub("", super().written(cell))

    def content(self) -> RatingContent:
        for (place, rater, system, criterion), (total, line, when) in self.sums.items():
            score = round(total, 9) + 0.0  # sums of tenths, and no zero below zero
            low, high = self.options.scale or (score, score)
            if not low <= score <= high:
                self.wrong(line, f"the errors add up to {score:g}, outside the scale from {low:g} to {high:g}")
            self.add(place, rater, system, criterion, Given(score, line, when))
        return super().content()

    def ends(self, scores: set[float]) -> tuple[float, float]:
        return self.options.scale or (min(scores), 0.0)

    def weights(self) -> Mapping[str, float]:
        return self.table


def check_weights(options: RatingOptions, form: str) -> None:
    if options.weights and form != "spans":
        raise InputError("weights", "only error spans have weights", "name the column that holds the severity")
