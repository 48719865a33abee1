"""What is written for a source depends on the source, the seed and the settings, and on nothing beside it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from modeling.config import DecodingConfig
from modeling.corpus import Example
from modeling.decoding import decode
from modeling.errors import DecodingError
from modeling.search import nucleus_pick
from modeling.training import TrainingResult
from tests.modeling.corpora import NOUNS, PLACES

SOURCES = [Example(f"{noun}-{place}", f"a {noun} is at the {place}") for noun in NOUNS for place in PLACES]
GREEDY = DecodingConfig(method="greedy")


def texts(trained: TrainingResult, config: DecodingConfig, sources: list[Example]) -> dict[tuple[str, int], str]:
    return {(each.id, each.rank): each.text for each in decode(trained.checkpoint, sources, config)}


def test_greedy_says_what_the_source_names(trained: TrainingResult) -> None:
    written = texts(trained, GREEDY, SOURCES)
    named = [
        noun in written[f"{noun}-{place}", 0] or place in written[f"{noun}-{place}", 0]
        for noun, place in (source.id.split("-") for source in SOURCES)
    ]
    assert np.mean(named) > 0.9


@pytest.mark.parametrize("config", [GREEDY, DecodingConfig(samples=3)])
def test_batches_and_neighbours_change_nothing(trained: TrainingResult, config: DecodingConfig) -> None:
    together = texts(trained, config, SOURCES)
    alone = texts(trained, replace(config, batch=1), list(reversed(SOURCES)))
    assert together == alone


def test_samples_come_likeliest_first_and_by_seed(trained: TrainingResult) -> None:
    config = DecodingConfig(samples=8, top_p=1.0, temperature=1.5)
    written = list(decode(trained.checkpoint, SOURCES[:4], config))
    for name in [source.id for source in SOURCES[:4]]:
        logprobs = [each.logprob for each in written if each.id == name]
        assert logprobs == sorted(logprobs, reverse=True)
        assert [each.rank for each in written if each.id == name] == list(range(8))
    assert len({each.text for each in written}) > 8
    assert written == list(decode(trained.checkpoint, SOURCES[:4], config))
    assert written != list(decode(trained.checkpoint, SOURCES[:4], replace(config, seed=2)))


def test_the_logprob_is_the_models_own(trained: TrainingResult) -> None:
    """A source's samples under their probabilities: the mass of all different ones stays below one."""
    config = DecodingConfig(samples=200, top_p=1.0, temperature=1.0, batch=200)
    written = {each.text: each.logprob for each in decode(trained.checkpoint, SOURCES[:1], config)}
    assert 0.3 < sum(np.exp(list(written.values()))) <= 1.0 + 1e-6
    sharp = next(decode(trained.checkpoint, SOURCES[:1], GREEDY))
    assert written[sharp.text] == pytest.approx(sharp.logprob, abs=1e-4)


def test_a_narrow_nucleus_is_greedy(trained: TrainingResult) -> None:
    assert texts(trained, DecodingConfig(top_p=1e-6), SOURCES) == texts(trained, GREEDY, SOURCES)


@pytest.mark.parametrize(
    ("name", "chosen", "expected"),
    [
        ("temperature", 0.0, (0.7, 1.0, 1.0)),
        ("temperature", 1.3, (1.3, 1.3, 1.3)),
        ("top_p", 0.0, (0.9, 0.95, 0.95)),
        ("top_p", 0.5, (0.5, 0.5, 0.5)),
    ],
)
def test_temperature_and_nucleus_are_the_familys_where_none_are_chosen(
    trained: TrainingResult, name: str, chosen: float, expected: tuple[float, ...]
) -> None:
    families = ("transformer", "hf", "lm")
    config = DecodingConfig.from_dict({name: chosen})
    assert tuple(getattr(config.for_family(each), name) for each in families) == expected
    as_said = replace(config, **{name: expected[0]})
    assert texts(trained, config, SOURCES[:12]) == texts(trained, as_said, SOURCES[:12])


def test_the_nucleus_is_the_smallest_set_that_reaches_its_mass() -> None:
    """Probabilities 0.5, 0.3, 0.15, 0.05 and p = 0.7: the first two, at 5/8 and 3/8."""
    count = 20_000
    logits = torch.tensor([0.15, 0.5, 0.05, 0.3]).log().expand(count, 4)
    draws = torch.from_numpy((np.arange(count) + 0.5) / count)
    picked = torch.bincount(nucleus_pick(logits, 0.7, draws), minlength=4) / count
    torch.testing.assert_close(picked, torch.tensor([0.0, 5 / 8, 0.0, 3 / 8]), atol=1e-3, rtol=0)


@pytest.mark.parametrize("top_p", [0.3, 0.9, 1.0])
@pytest.mark.parametrize("spread", [0.01, 1.0, 4.0, 12.0], ids="spread {}".format)
def test_the_nucleus_of_a_large_vocabulary_is_that_of_sorting_all_of_it(top_p: float, spread: float) -> None:
    """Flat and peaked rows, half of them in bfloat16 so that tokens tie; the sort is numpy's, in float64."""
    generator = torch.Generator().manual_seed(1)
    logits = spread * torch.randn(24, 9000, generator=generator)
    logits[::2] = logits[::2].bfloat16().float()
    logits[:, 5] = -torch.inf
    draws = torch.rand(24, dtype=torch.float64, generator=generator)
    expected = []
    for row, draw in zip(logits.numpy(), draws.tolist(), strict=True):
        order = np.argsort(-row, kind="stable")
        odds = np.exp(row[order].astype(float) - row.max())
        mass = np.cumsum(odds / odds.sum())
        size = int(np.searchsorted(mass, top_p - 1e-12)) + 1
        expected.append(int(order[np.searchsorted(mass, draw * mass[min(size, len(mass)) - 1], side="right")]))
    assert nucleus_pick(logits, top_p, draws).tolist() == expected


def test_odd_sources_are_written_for_or_left_out(trained: TrainingResult) -> None:
    odd = [
        Example("one", "dog"),
        Example("emoji", "a 🐶 dog"),
        Example("korean", "해변의 개"),
        Example("control", "a\x00dog\x07is"),
    ]
    assert {each.id for each in decode(trained.checkpoint, odd, GREEDY)} == {each.id for each in odd}
    with_empty = [*odd, Example("empty", " \n "), Example("long", "dog " * 10_000)]
    assert {each.id for each in decode(trained.checkpoint, with_empty, GREEDY)} == {*(each.id for each in odd), "long"}
    with pytest.raises(DecodingError, match="source of 'empty' is empty after normalisation"):
        list(decode(trained.checkpoint, [Example("empty", " \n ")], GREEDY))
