"""Texts that are likely anyway give way to those that the source makes likely."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from modeling.batching import make_batch
from modeling.checkpoints import load_checkpoint
from modeling.config import DecodingConfig, TrainingConfig
from modeling.corpus import EncodedPair, encode_text, no_source, read_examples
from modeling.decoding import decode
from modeling.errors import DecodingError
from modeling.training import TrainingResult, train

BEAM = DecodingConfig(method="beam", beam=6, samples=6)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def withheld(
    corpus: tuple[Path, Path], tiny: TrainingConfig, tmp_path_factory: pytest.TempPathFactory
) -> TrainingResult:
    config = replace(tiny, source_dropout=0.2, max_steps=120)
    return train(config, train_file=corpus[0], valid_file=corpus[1], directory=tmp_path_factory.mktemp("withheld"))


def test_the_order_is_that_of_the_criterion(withheld: TrainingResult, corpus: tuple[Path, Path]) -> None:
    """log p(text | source) - 0.5 · log p(text), each text given to the model by itself."""
    sources, loaded = read_examples(corpus[1])[:8], load_checkpoint(withheld.checkpoint)
    model, nothing = loaded.model(CPU), no_source(loaded.tokenizer, loaded.config)
    plain = list(decode(withheld.checkpoint, sources, BEAM))
    written = list(decode(withheld.checkpoint, sources, replace(BEAM, rerank=0.5)))
    assert {(each.id, each.text, each.logprob) for each in plain} == {
        (each.id, each.text, each.logprob) for each in written
    }
    assert [each.text for each in plain] != [each.text for each in written]
    for source in sources:
        criteria = []
        for each in written:
            if each.id == source.id:
                target = encode_text(each.text, loaded.tokenizer, 99, "text")
                with torch.no_grad():
                    losses, _ = model.token_losses(make_batch([EncodedPair(nothing, target, 1.0, 0, 1)], CPU))
                criteria.append(each.logprob + 0.5 * float(losses.sum()))
        np.testing.assert_array_less(-1e-3, -np.diff(criteria))


def test_a_model_that_was_always_given_a_source_is_refused(trained: TrainingResult, corpus: tuple[Path, Path]) -> None:
    with pytest.raises(DecodingError, match="rerank: this model was trained with source_dropout=0"):
        next(decode(trained.checkpoint, read_examples(corpus[1])[:1], replace(BEAM, rerank=0.5)))
