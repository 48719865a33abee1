"""Search finds what independent implementations find with the same weights: the `transformers` library, CTranslate2,
and a plain search written out below, which keeps no cache."""

import math
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from benchmarks.peers import generate, pegasus
from modeling.architectures import FAMILIES, Model, build
from modeling.architectures.transformer import Transformer
from modeling.batching import make_batch, source_batch
from modeling.config import ConfigError, DecodingConfig, TrainingConfig
from modeling.corpus import EncodedPair, Example, Tokens
from modeling.ctranslate import engine_for
from modeling.decoding import decode, decode_batch
from modeling.errors import DecodingError
from modeling.marks import NEVER_WRITTEN
from modeling.search import Text
from modeling.tokenization import BEGIN, END
from modeling.training import TrainingResult, train
from tests.modeling.corpora import NOUNS, PLACES

VOCABULARY = 60
CPU = torch.device("cpu")
TRAINED = TrainingConfig(max_steps=1)
GREEDY, BEAM = DecodingConfig(method="greedy", max_length=24), DecodingConfig(method="beam", max_length=24)
BEAMS = [
    BEAM,
    replace(BEAM, samples=5),
    replace(BEAM, beam=2, length_penalty=0.0),
    replace(BEAM, beam=8, samples=3, length_penalty=2.0),
    replace(BEAM, min_length=6, max_length=9),
]
FEATURES = {"embedding_size": 32, "hidden_size": 32, "heads": 4, "feedforward_size": 48, "dropout": 0.0}
STEPS = 150  # of 32 pairs


def some_sources(count: int, seed: int) -> list[Tokens]:
    draw = np.random.default_rng(seed)
    return [np.append(draw.integers(4, VOCABULARY, draw.integers(1, 12)), END).astype(np.int32) for _ in range(count)]


def noisy_copies(sources: list[Tokens]) -> list[EncodedPair]:
    """Targets that repeat their source, with some tokens left out and some replaced."""
    draw = np.random.default_rng(2)
    pairs = []
    for source in sources:
        kept = source[:-1][draw.random(len(source) - 1) > 0.15]
        other = draw.integers(4, VOCABULARY, len(kept))
        target = np.append(np.where(draw.random(len(kept)) < 0.2, other, kept), END).astype(np.int32)
        pairs.append(EncodedPair(source, target, 1.0, 0, len(target)))
    return pairs


@cache
def taught(family: str) -> Model:
    """A model that has half learned to copy, so that its texts vary, end, and are neither sure nor arbitrary."""
    torch.manual_seed(5)
    layers = 1 if family == "gru-attention" else 2
    config = TrainingConfig(architecture=family, layers=layers, max_steps=1, **FEATURES)  # type: ignore[arg-type]
    model = build(config, VOCABULARY)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    pairs = noisy_copies(some_sources(32 * STEPS, seed=3))
    for start in range(0, len(pairs), 32):
        optimizer.zero_grad()
        (model(make_batch(pairs[start : start + 32], CPU)) / 200).backward()
        optimizer.step()
    bias = model.get_parameter("bias" if family == "transformer" else "vocabulary.bias")
    with torch.no_grad():
        bias[NEVER_WRITTEN] -= 10.0  # as a longer training would leave it
    return model.eval()


@pytest.fixture(scope="module")
def transformer() -> Transformer:
    model = taught("transformer")
    assert isinstance(model, Transformer)
    return model


@pytest.fixture(scope="module")
def sources() -> list[Tokens]:
    return some_sources(120, seed=1)


def ours(model: Model, sources: list[Tokens], config: DecodingConfig) -> list[list[Text]]:
    return decode_batch(model, sources, [str(number) for number in range(len(sources))], config)


def written(found: list[list[Text]]) -> list[list[list[int]]]:
    return [[text.tokens for text in texts] for texts in found]


def share_equal(one: list[list[list[int]]], other: list[list[list[int]]]) -> float:
    return float(np.mean([a == b for a, b in zip(one, other, strict=True)]))


@torch.no_grad()
def test_logits_are_those_of_the_transformers_library(transformer: Transformer, sources: list[Tokens]) -> None:
    pairs = [EncodedPair(one, other, 1.0, 0, 1) for one, other in zip(sources, reversed(sources), strict=True)]
    batch = make_batch(pairs, CPU)
    mine = transformer.logits(transformer.hidden(batch.inputs, transformer.encode(batch.source, batch.source_lengths)))
    theirs = pegasus(transformer)(
        input_ids=batch.source, attention_mask=(batch.source != 0).long(), decoder_input_ids=batch.inputs
    ).logits
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", [GREEDY, *BEAMS], ids=str)
def test_texts_are_those_of_the_transformers_library(
    transformer: Transformer, sources: list[Tokens], config: DecodingConfig
) -> None:
    mine = written(ours(transformer, sources, config))
    assert len({tuple(texts[0]) for texts in mine}) > 60
    assert share_equal(mine, generate(pegasus(transformer), sources, config)) >= 0.995


@pytest.mark.parametrize("config", [GREEDY, *BEAMS[:-1]], ids=str)
def test_texts_are_those_of_ctranslate2(
    transformer: Transformer, sources: list[Tokens], config: DecodingConfig
) -> None:
    """But for close ranks, since CTranslate2 normalises without what is forbidden, here an end before the first token:
    that lifts the log-probabilities of all of a source's texts alike."""
    mine = ours(transformer, sources, config)
    theirs = of_ctranslate2(transformer, sources, config)
    assert share_equal(written(mine), written(theirs)) >= 0.95
    for one, other in zip(mine, theirs, strict=True):
        if [text.tokens for text in one] == [text.tokens for text in other]:
            lifts = [text.logprob - mine.logprob for mine, text in zip(one, other, strict=True)]
            assert min(lifts) > -1e-3
            assert max(lifts) - min(lifts) < 1e-3


def of_ctranslate2(model: Model, sources: list[Tokens], config: DecodingConfig) -> list[list[Text]]:
    engine = engine_for(model, TRAINED, replace(config, engine="ct2"), CPU)
    assert engine
    return engine.texts(sources)


@torch.no_grad()
def nucleus_of_pairs(model: Transformer, source: Tokens, config: DecodingConfig) -> dict[tuple[int, ...], float]:
    """What a text of at most two tokens and its end is, with its probability: the product of its tokens' within the
    smallest sets that reach top_p."""
    memory = model.encode(*source_batch([source], CPU))

    def next_tokens(text: tuple[int, ...]) -> dict[int, float]:
        logits = model.logits(model.hidden(torch.tensor([[BEGIN, *text]]), memory)[0, -1]).double()
        logits[NEVER_WRITTEN if text else [*NEVER_WRITTEN, END]] = -math.inf
        likeliest = sorted(enumerate((logits / config.temperature).softmax(dim=0).tolist()), key=lambda pair: -pair[1])
        kept, mass = {}, 0.0
        while likeliest and mass < config.top_p:
            token, probability = likeliest.pop(0)
            kept[token], mass = probability, mass + probability
        return {token: probability / mass for token, probability in kept.items()}

    pairs: dict[tuple[int, ...], float] = {}
    for first, probability in next_tokens(()).items():
        for second, then in next_tokens((first,)).items():
            pairs[(first,) if second == END else (first, second)] = probability * then
    return pairs


def chi_square_p(counts: Counter[tuple[int, ...]], expected: dict[tuple[int, ...], float]) -> float:
    """That of Pearson's test, texts expected less than ten times taken together."""
    total = counts.total()
    often = [text for text, probability in expected.items() if total * probability >= 10]
    observed, wanted = [counts[text] for text in often], [total * expected[text] for text in often]
    return float(chisquare([*observed, total - sum(observed)], [*wanted, total - sum(wanted)]).pvalue)


@pytest.mark.parametrize(
    "settings",
    [{"temperature": 1.0, "top_p": 0.9}, {"temperature": 0.7, "top_p": 0.8}, {"top_p": 1.0, "temperature": 1.3}],
    ids=str,
)
def test_draws_of_ctranslate2_have_the_distribution_of_the_nucleus(
    transformer: Transformer, sources: list[Tokens], settings: dict[str, float]
) -> None:
    config = DecodingConfig(max_length=2, samples=1000, seed=4, **settings)  # type: ignore[arg-type]
    texts = [text for texts in of_ctranslate2(transformer, sources[:1] * 4, config) for text in texts]
    expected = nucleus_of_pairs(transformer, sources[0], config)
    assert sum(expected.values()) == pytest.approx(1)
    counts = Counter(tuple(text.tokens) for text in texts)
    assert set(counts) <= set(expected)
    assert chi_square_p(counts, expected) > 0.01
    wrong = replace(config, temperature=config.temperature * 1.1)
    assert chi_square_p(counts, nucleus_of_pairs(transformer, sources[0], wrong)) < 1e-4


@torch.no_grad()
def test_draws_of_ctranslate2_are_a_function_of_the_seed_and_logprobs_the_models_own(
    transformer: Transformer, sources: list[Tokens]
) -> None:
    config = DecodingConfig(samples=3, temperature=0.8, top_p=0.95, max_length=24)
    texts = of_ctranslate2(transformer, sources, config)
    assert texts == of_ctranslate2(transformer, sources, config)
    assert share_equal(written(texts), written(of_ctranslate2(transformer, sources, replace(config, seed=2)))) < 0.2
    ended = [
        (source, text) for source, each in zip(sources, texts, strict=True) for text in each if len(text.tokens) < 24
    ]
    pairs = [EncodedPair(source, np.array([*text.tokens, END], np.int32), 1.0, 0, 1) for source, text in ended]
    batch = make_batch(pairs, CPU)
    losses, rows = transformer.token_losses(batch)
    logprobs = -torch.zeros(len(pairs)).index_add(0, rows, losses)
    first = transformer.hidden(batch.inputs[:, :1], transformer.encode(batch.source, batch.source_lengths))[:, 0]
    forbidden = transformer.logits(first).softmax(dim=1)[:, [*NEVER_WRITTEN, END]].sum(dim=1)
    lifted = logprobs - (1 - forbidden).log()
    assert [text.logprob for _, text in ended] == pytest.approx(lifted.tolist(), abs=5e-3)


def test_a_checkpoint_decodes_with_either_engine(
    corpus: tuple[Path, Path], tiny: TrainingConfig, tmp_path: Path
) -> None:
    config = replace(tiny, architecture="transformer", max_steps=60, feedforward_size=64)
    checkpoint = train(config, train_file=corpus[0], valid_file=None, directory=tmp_path).checkpoint
    examples = [Example(f"{noun}-{place}", f"a {noun} at the {place}") for noun in NOUNS for place in PLACES]
    beam, used = DecodingConfig(method="beam", samples=2, batch=40), list[str]()
    mine, theirs = (
        list(decode(checkpoint, examples, replace(beam, engine=engine), on_engine=used.append))
        for engine in ("torch", "auto")
    )
    assert used == ["torch", "ct2"]
    assert [(each.id, each.rank, each.text) for each in mine] == [(each.id, each.rank, each.text) for each in theirs]
    assert [each.logprob for each in mine] == pytest.approx([each.logprob for each in theirs], abs=1e-2)
    rough = list(decode(checkpoint, examples, replace(beam, precision="int8")))
    assert np.mean([one.text == other.text for one, other in zip(mine, rough, strict=True)]) > 0.8


def test_what_ctranslate2_cannot_do_is_refused_by_name_and_left_to_torch_by_auto(
    transformer: Transformer, trained: TrainingResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    def picked(config: DecodingConfig, **settings: object) -> bool:
        return engine_for(transformer, TRAINED, replace(config, **settings), CPU) is not None  # type: ignore[arg-type]

    def refusal(model: Model, **settings: object) -> str:
        with pytest.raises(DecodingError) as raised:
            engine_for(model, TRAINED, replace(GREEDY, **settings), CPU)  # type: ignore[arg-type]
        return str(raised.value)

    used: list[str] = []
    for engine in ("auto", "torch"):
        list(decode(trained.checkpoint, [Example("a", "dog")], replace(GREEDY, engine=engine), on_engine=used.append))
    assert used == ["torch", "torch"]
    gru = build(TrainingConfig(architecture="gru-luong", max_steps=1, **FEATURES), VOCABULARY)  # type: ignore[arg-type]
    assert refusal(gru, engine="ct2") == (
        "engine=ct2: CTranslate2 supports Transformer and CausalLm, not GruLuong; use engine=torch"
    )
    assert refusal(gru, precision="int8").startswith("precision=int8: CTranslate2 supports Transformer")
    assert "method=diverse_beam needs engine=torch" in refusal(transformer, engine="ct2", method="diverse_beam")
    with pytest.raises(ConfigError, match=r"precision=int8: needs CTranslate2"):
        replace(GREEDY, engine="torch", precision="int8")

    nucleus = replace(GREEDY, method="nucleus")
    for config in (GREEDY, BEAM, nucleus, replace(BEAM, samples=5), replace(GREEDY, precision="int8")):
        assert picked(config)
    for config in (GREEDY, BEAM, nucleus):
        for settings in ({"min_length": 2}, {"no_repeat_ngram": 3}):
            assert not picked(config, **settings)
            assert picked(config, **settings, engine="ct2")
    assert not picked(BEAM, method="diverse_beam")
    assert not picked(BEAM, length_penalty=0.0, samples=2)
    assert not picked(BEAM, patience=1.5)
    assert engine_for(transformer, replace(TRAINED, tokens="word"), BEAM, CPU) is None
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    assert not picked(GREEDY)
    assert "pip install 'story-blender[ct2]'" in refusal(transformer, engine="ct2")


class Plain:
    """Beam search over lists, one source at a time, every prefix run at once from its first token."""

    def __init__(self, model: Model, config: DecodingConfig) -> None:
        self.model, self.config = model, config

    @torch.no_grad()
    def log_probs(self, source: Tokens, prefix: list[int]) -> list[float]:
        memory = self.model.encode(*source_batch([source], CPU))
        features = self.model.hidden(torch.tensor([[BEGIN, *prefix]]), memory)[0, -1]
        values = self.model.logits(features).log_softmax(dim=-1)
        values[NEVER_WRITTEN] = -math.inf
        if len(prefix) < self.config.min_length:
            values[END] = -math.inf
        size = self.config.no_repeat_ngram
        grams = [tuple(prefix[start : start + size]) for start in range(len(prefix) - size + 1)] if size else []
        for gram in grams:
            if gram[:-1] == tuple(prefix[len(prefix) - size + 1 :]):
                values[gram[-1]] = -math.inf
        return [float(value) for value in values]

    def search(self, source: Tokens) -> list[list[int]]:
        width, going, finished = self.config.beam, [(0.0, [])], []
        for position in range(self.config.max_length):
            every = [
                (total + value, [*prefix, token])
                for total, prefix in going
                for token, value in enumerate(self.log_probs(source, prefix))
                if value > -math.inf
            ]
            best = sorted(every, key=lambda each: -each[0])[: 2 * width]
            last = position + 1 == self.config.max_length
            for total, text in best[:width]:
                if last or text[-1] == END:
                    finished.append((total / len(text) ** self.config.length_penalty, text))
            going = [each for each in best if each[1][-1] != END][:width]
            if len(finished) >= width:
                break
        ranked = sorted(finished, key=lambda each: -each[0])[: self.config.samples]
        return [[token for token in text if token != END] for _, text in ranked]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_beam_search_is_that_of_a_plain_search_without_cache(family: str, sources: list[Tokens]) -> None:
    for config in (
        DecodingConfig(method="beam", beam=3, samples=3, max_length=8),
        DecodingConfig(method="beam", beam=3, no_repeat_ngram=2, min_length=4, max_length=8),
    ):
        model, some = taught(family), sources[:12]
        plain = Plain(model, config)
        assert written(ours(model, some, config)) == [plain.search(source) for source in some]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_beam_of_one_is_greedy_and_batches_change_nothing(family: str, sources: list[Tokens]) -> None:
    model = taught(family)
    greedy = written(ours(model, sources, GREEDY))
    assert written(ours(model, sources, replace(BEAM, beam=1))) == greedy
    config = replace(BEAM, samples=5)
    together = written(ours(model, sources, config))
    alone = [written(ours(model, [source], config))[0] for source in sources[:20]]
    assert together[:20] == alone


def test_n_best_come_by_score_and_their_logprobs_are_the_models_own(
    transformer: Transformer, sources: list[Tokens]
) -> None:
    found = ours(transformer, sources, replace(BEAM, samples=5, length_penalty=0.5))
    for source, texts in zip(sources, found, strict=True):
        assert len({tuple(text.tokens) for text in texts}) == 5
        assert [text.score for text in texts] == sorted((text.score for text in texts), reverse=True)
        ended = [text for text in texts if len(text.tokens) < BEAM.max_length]
        pairs = [EncodedPair(source, np.array([*each.tokens, END], np.int32), 1.0, 0, 1) for each in ended]
        losses, rows = transformer.token_losses(make_batch(pairs, CPU))
        logprobs = -torch.zeros(len(pairs)).index_add(0, rows, losses)
        assert [text.logprob for text in ended] == pytest.approx(logprobs.tolist(), abs=1e-3)
        assert [text.score for text in ended] == pytest.approx(
            [text.logprob / (len(text.tokens) + 1) ** 0.5 for text in ended]
        )


@pytest.mark.parametrize("method", ["greedy", "nucleus", "beam", "diverse_beam"])
@pytest.mark.parametrize("engine", ["torch", "ct2"])
def test_no_text_repeats_an_n_gram_or_leaves_the_limits(
    transformer: Transformer, sources: list[Tokens], method: str, engine: str
) -> None:
    if engine == "ct2" and method == "diverse_beam":
        return
    groups = 5 if method == "diverse_beam" else 1
    config = DecodingConfig(
        method=method,
        temperature=1.0,
        top_p=0.9,
        groups=groups,
        no_repeat_ngram=2,
        min_length=6,
        max_length=14,
        engine=engine,
    )
    found = of_ctranslate2(transformer, sources, config) if engine == "ct2" else ours(transformer, sources, config)
    for text in (text for texts in found for text in texts):
        assert 6 <= len(text.tokens) <= 14
        assert max(Counter(zip(text.tokens, text.tokens[1:], strict=False)).values()) == 1


@pytest.mark.parametrize(
    "config",
    [GREEDY, replace(BEAM, samples=5), replace(GREEDY, method="nucleus", samples=3, temperature=1.0, top_p=0.9)],
    ids=str,
)
def test_a_device_that_is_rarely_looked_at_writes_the_same(
    transformer: Transformer, sources: list[Tokens], config: DecodingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: finished texts stay in the batch until the next look, and a nucleus is found by sorting all."""
    looked_at = written(ours(transformer, sources, config))
    monkeypatch.setattr("modeling.search._at_hand", lambda device: False)
    assert written(ours(transformer, sources, config)) == looked_at


def test_groups_of_a_beam_differ_by_their_diversity(transformer: Transformer, sources: list[Tokens]) -> None:
    one_group = DecodingConfig(method="diverse_beam", diversity=0.0, samples=5, max_length=24)
    assert written(ours(transformer, sources, one_group)) == written(
        ours(transformer, sources, replace(BEAM, samples=5))
    )
    groups = replace(one_group, beam=6, groups=3, samples=6)
    different = [
        np.mean([len({tuple(text.tokens[:2]) for text in texts}) for texts in ours(transformer, sources, config)])
        for config in (groups, replace(groups, diversity=1.0), replace(groups, diversity=5.0))
    ]
    assert different[0] < different[1] < different[2]
