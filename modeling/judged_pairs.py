"""What an objective learns from: rows of feedback as pairs of token ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from modeling.config import LEARNS_FROM, TrainingConfig
from modeling.corpus import Example, Tokens, encode_source, encode_text, with_others
from modeling.errors import CorpusError
from modeling.feedback import NO_MARKS, JudgedPair
from modeling.feedback_rows import Label, Preference, Row, Score, Span, Spans
from modeling.metrics.derangements import derangement
from modeling.tokenization import Tokenizer


@dataclass(frozen=True)
class Judged:
    """A text and what an objective needs to know of the judgement on it."""

    example: int
    text: str
    weight: float
    flip_rate: float = 0.0
    desirable: bool = True
    spans: tuple[Span, ...] = ()


KINDS_IN_WORDS = {
    "score": "scores", "preference": "preferences", "label": "labels", "spans": "marked errors"
}  # fmt: skip
Encodable = Callable[[Judged], bool]  # whether a text and its source can be read
Unit = list[Judged]  # texts that one loss is of


def judged_pairs(
    rows: Sequence[Row], tokenizer: Tokenizer, config: TrainingConfig, *, first_example: int = 0
) -> tuple[list[JudgedPair], list[str]]:
    """The pairs of what the configured objective learns from, those of one loss beside each other, and why each that
    was left out is: empty or too long.

    A pair's `example` is the place of its row behind `first_example`. Raises CorpusError where the rows hold nothing
    that the objective learns from.
    """
    examples = [row.example for row in rows]
    encoder = _Encoder(with_others(examples) if config.album_context else examples, tokenizer, config)
    units = list(UNITS[config.objective](rows, config, encoder.can_read))
    if not units and not encoder.left_out:
        needed = " or ".join(KINDS_IN_WORDS[kind] for kind in LEARNS_FROM[config.objective])
        raise CorpusError(f"objective={config.objective} learns from {needed}, and the feedback has none")
    pairs: list[JudgedPair] = []
    for unit in units:
        made = [encoder.pair(each, first_example) for each in unit]
        if None not in made:
            pairs += [pair for pair in made if pair]
    if not pairs:
        raise CorpusError(f"no feedback is left to learn from; the first: {encoder.left_out[0]}")
    return pairs, encoder.left_out


def chosen_texts(rows: Sequence[Row], config: TrainingConfig, encodable: Encodable) -> Iterator[Unit]:
    for index, row in enumerate(rows):
        if isinstance(row, Preference):
            yield [Judged(index, row.chosen, row.weight)]
        elif isinstance(row, Label) and row.desirable:
            yield [Judged(index, row.text, row.weight)]


def preferences(rows: Sequence[Row], config: TrainingConfig, encodable: Encodable) -> Iterator[Unit]:
    for index, row in enumerate(rows):
        if isinstance(row, Preference):
            flip_rate = row.flip_rate if config.robust and config.objective == "dpo" else 0.0
            # The corrected loss pulls by 1 / (1 - 2 ε) more: what is trusted less is not to weigh more.
            weight = row.weight * (1 - 2 * flip_rate)
            yield [Judged(index, text, weight, flip_rate) for text in (row.chosen, row.rejected)]


def labelled(rows: Sequence[Row], config: TrainingConfig, encodable: Encodable = lambda judged: True) -> Iterator[Unit]:
    """Each text that is as it should be or is not, with one written for another source behind it; weighted so that both
    kinds count the same (Ethayarajh et al. 2024, section 4.2). Preferences say so of both their texts where labels and
    scores do not tell of both kinds. Raises CorpusError where all texts are for one source."""
    of_texts = [
        Judged(index, row.text, weight, desirable=good)
        for index, row in enumerate(rows)
        if isinstance(row, Label | Score) and (weight := row.weight * _strength(row))
        for good in [row.desirable if isinstance(row, Label) else row.score > 0]
    ]
    if len({each.desirable for each in of_texts}) < 2:
        of_texts += [
            Judged(index, text, row.weight, desirable=good)
            for index, row in enumerate(rows)
            if isinstance(row, Preference)
            for text, good in ((row.chosen, True), (row.rejected, False))
        ]
    of_texts = [each for each in of_texts if encodable(each)]
    total = {good: sum(each.weight for each in of_texts if each.desirable is good) for good in (True, False)}
    others = elsewhere(of_texts, [rows[each.example].example.source for each in of_texts], config.seed)
    for each, other in zip(of_texts, others, strict=True):
        share = sum(total.values()) / 2 / total[each.desirable]
        yield [
            Judged(each.example, each.text, each.weight * share, desirable=each.desirable),
            Judged(each.example, other.text, 1.0),
        ]


def _strength(row: Label | Score) -> float:
    """How much a text is as it should be, or is not: 1 from a standard deviation on."""
    return 1.0 if isinstance(row, Label) else min(abs(row.score), 1.0)


def elsewhere(judged: Sequence[Judged], sources: Sequence[str], seed: int) -> list[Judged]:
    """For each text one that was written for another source, drawn by the seed; each is taken once, unless most texts
    are for one source. Raises CorpusError where all are."""
    if judged and len(set(sources)) < 2:
        raise CorpusError("objective=kto compares with texts for other sources, and all judged texts are for one")
    taken = derangement(sources, seed) if judged else None
    if taken is not None:
        return [judged[place] for place in taken.tolist()]
    draw = np.random.default_rng(seed)
    apart = {source: [place for place, each in enumerate(sources) if each != source] for source in set(sources)}
    return [judged[int(draw.choice(apart[source]))] for source in sources]


def marked(rows: Sequence[Row], config: TrainingConfig, encodable: Encodable) -> Iterator[Unit]:
    for index, row in enumerate(rows):
        if isinstance(row, Spans) and row.spans:
            yield [Judged(index, row.text, row.weight, spans=row.spans)]


UNITS: Mapping[str, Callable[[Sequence[Row], TrainingConfig, Encodable], Iterator[Unit]]] = {
    "distillation": chosen_texts,
    "dpo": preferences,
    "ipo": preferences,
    "simpo": preferences,
    "kto": labelled,
    "unlikelihood": marked,
}


class _Encoder:
    """Token ids of sources and texts, each made once, and why some have none."""

    def __init__(self, examples: Sequence[Example], tokenizer: Tokenizer, config: TrainingConfig) -> None:
        self.examples, self.tokenizer, self.config = examples, tokenizer, config
        self.left_out: list[str] = []
        self._sources: dict[int, Tokens | None] = {}

    def can_read(self, judged: Judged) -> bool:
        return self.pair(judged, 0) is not None

    def pair(self, judged: Judged, first_example: int) -> JudgedPair | None:
        example, limit = self.examples[judged.example], self.config.max_target_length
        if judged.example not in self._sources:
            self._sources[judged.example] = self._made(lambda: encode_source(example, self.tokenizer, self.config))
        source = self._sources[judged.example]
        target = self._made(lambda: encode_text(judged.text, self.tokenizer, limit, f"text of {example.id!r}"))
        if source is None or target is None:
            return None
        return JudgedPair(
            source, target, judged.weight, first_example + judged.example, len(judged.text.split()),
            flip_rate=judged.flip_rate, desirable=judged.desirable,
            marked=token_marks(judged.text, target, judged.spans, self.tokenizer) if judged.spans else NO_MARKS,
        )  # fmt: skip

    def _made(self, make: Callable[[], Tokens]) -> Tokens | None:
        try:
            return make()
        except CorpusError as error:
            self.left_out.append(str(error))
            return None


def token_marks(text: str, tokens: Tokens, spans: Iterable[Span], tokenizer: Tokenizer) -> NDArray[np.float32]:
    """How bad each token (T) is: the most of the spans that any of its characters stands in; 0 for the end.

    What a tokenizer makes of a text may be written otherwise than the text is: the two are aligned by their characters,
    without regard to case and white space.
    """
    bad = np.zeros(len(text), dtype=np.float32)
    for span in spans:
        bad[span.start : span.end] = np.maximum(bad[span.start : span.end], span.weight)
    ends = [len(tokenizer.decode(tokens[:count])) for count in range(len(tokens))]
    written = tokenizer.decode(tokens)
    carried = np.zeros(len(written), dtype=np.float32)
    theirs, ours = (
        [(place, sign) for place, each in enumerate(whole) if not each.isspace() for sign in [each.casefold()]]
        for whole in (text, written)
    )
    matcher = SequenceMatcher(None, [sign for _, sign in theirs], [sign for _, sign in ours], autojunk=False)
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            carried[ours[block.b + step][0]] = bad[theirs[block.a + step][0]]
    marks = [float(carried[start:end].max(initial=0.0)) for start, end in pairwise(ends)]
    return np.array([*marks, 0.0], dtype=np.float32)
