"""Of several texts, those come first that the source makes likely, or that are near it in meaning."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from modeling.batching import source_batch
from modeling.checkpoints import load_checkpoint
from modeling.config import ConfigError, DecodingConfig
from modeling.corpus import Example, encode_source, encode_text, read_examples
from modeling.decoding import Decoded, decode
from modeling.errors import DecodingError
from modeling.marks import BEGIN
from modeling.reranking import OTHER_SOURCES, sources_of_other_albums
from modeling.training import TrainingResult

SAMPLED = DecodingConfig(samples=6, temperature=1.6)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def sources(corpus: tuple[Path, Path]) -> list[Example]:
    return read_examples(corpus[1])[:10]


def by_source(written: list[Decoded]) -> dict[str, list[Decoded]]:
    return {name: [each for each in written if each.id == name] for name in dict.fromkeys(each.id for each in written)}


def test_the_order_by_pmi_is_that_of_the_criterion(trained: TrainingResult, sources: list[Example]) -> None:
    """log p(text | source) - 0.7 · log of the mean of p over sources of other albums, token by token, each text given
    to the model by itself and its distributions computed from the logits."""
    loaded = load_checkpoint(trained.checkpoint)
    model, others = loaded.model(CPU), sources_of_other_albums(sources)
    plain = list(decode(trained.checkpoint, sources, SAMPLED))
    written = list(decode(trained.checkpoint, sources, replace(SAMPLED, rerank="pmi", rerank_weight=0.7)))
    assert {(each.id, each.text, each.logprob) for each in plain} == {
        (each.id, each.text, each.logprob) for each in written
    }
    assert [each.text for each in plain] != [each.text for each in written]

    @torch.no_grad()
    def probabilities(source: Example, text: str) -> np.ndarray:
        target = torch.from_numpy(encode_text(text, loaded.tokenizer, 99, "text").astype(np.int64))
        memory = model.encode(*source_batch([encode_source(source, loaded.tokenizer, loaded.config)], CPU))
        inputs = torch.cat([torch.tensor([BEGIN]), target[:-1]])[None]
        odds = model.logits(model.hidden(inputs, memory))[0].double().softmax(dim=-1)
        return odds[torch.arange(len(target)), target].numpy()

    compared = 0
    for source in sources:
        criteria = []
        for each in by_source(written)[source.id]:
            mine = probabilities(source, each.text)
            if abs(np.log(mine).sum() - each.logprob) > 1e-3:
                continue  # drawn in other pieces than those its text is split into, which the criterion is of
            compared += 1
            anyway = np.mean(
                [probabilities(replace(source, source=other), each.text) for other in others[source.id]], axis=0
            )
            criteria.append(np.mean(np.log(mine) - 0.7 * np.log(anyway)))
        assert all(first > second - 1e-4 for first, second in pairwise(criteria))
    assert compared > 0.8 * len(written)


def test_other_sources_are_of_other_albums_and_the_same_each_time() -> None:
    sources = [Example(f"{n}", f"text {n}", album=f"album {n // 3}") for n in range(12)]
    others = sources_of_other_albums(sources)
    assert others == sources_of_other_albums(sources)
    for source in sources:
        albums = {int(text.split()[1]) // 3 for text in others[source.id]}
        assert len(others[source.id]) == len(OTHER_SOURCES) > 1
        assert int(source.id) // 3 not in albums
    with pytest.raises(DecodingError, match="compares 12 sources with those of other albums, but one album"):
        sources_of_other_albums([replace(source, album="one") for source in sources])


def test_the_nearest_in_meaning_comes_first_whatever_stands_beside(
    trained: TrainingResult, sources: list[Example]
) -> None:
    config = replace(SAMPLED, rerank="source")
    written = list(decode(trained.checkpoint, sources, config))
    for source, texts in zip(sources, by_source(written).values(), strict=True):
        noun, place = source.source.split()[1], source.source.split()[-1]
        assert noun in texts[0].text or place in texts[0].text
    (alone,) = by_source(list(decode(trained.checkpoint, sources[3:4], replace(config, batch=1)))).values()
    assert [each.text for each in by_source(written)[sources[3].id]] == [each.text for each in alone]
    kept = list(decode(trained.checkpoint, sources, replace(config, keep=2)))
    assert kept == [each for each in written if each.rank < 2]


def test_a_single_text_has_no_order_and_no_more_are_kept_than_there_are() -> None:
    with pytest.raises(ConfigError, match="rerank=pmi: a single text cannot be reordered; set samples to 2 or more"):
        DecodingConfig(rerank="pmi")
    with pytest.raises(ConfigError, match="keep=3: cannot exceed samples=2"):
        DecodingConfig(samples=2, keep=3)
