"""What holds of every model family: stepping equals running at once, and padding changes nothing."""

import numpy as np
import pytest
import torch

from modeling.architectures import FAMILIES, EncoderDecoder, build
from modeling.batching import make_batch
from modeling.config import TrainingConfig
from modeling.corpus import EncodedPair
from modeling.tokenization import END

VOCABULARY = 40


@pytest.fixture(params=sorted(FAMILIES))
def model(request: pytest.FixtureRequest) -> EncoderDecoder:
    torch.manual_seed(0)
    config = TrainingConfig(
        architecture=request.param, embedding_size=12, hidden_size=16, layers=2, dropout=0.5, max_steps=1
    )
    return build(config, VOCABULARY).eval()


def pairs(count: int = 5) -> list[EncodedPair]:
    draw = np.random.default_rng(1)
    made = []
    for _ in range(count):
        source, target = (np.append(draw.integers(4, VOCABULARY, draw.integers(1, 9)), END) for _ in range(2))
        made.append(EncodedPair(source.astype(np.int32), target.astype(np.int32), 1.0, 0, len(target)))
    return made


@torch.no_grad()
def test_steps_give_what_running_at_once_gives(model: EncoderDecoder) -> None:
    batch = make_batch(pairs(), torch.device("cpu"))
    memory = model.encode(batch.source, batch.source_lengths)
    at_once = model.hidden(batch.inputs, memory)
    state = memory.start
    for position in range(batch.inputs.shape[1]):
        features, state = model.step(batch.inputs[:, position], state, memory)
        torch.testing.assert_close(features, at_once[:, position])


@torch.no_grad()
def test_padding_and_neighbours_change_no_loss(model: EncoderDecoder) -> None:
    made = pairs()
    losses, rows = model.token_losses(make_batch(made, torch.device("cpu")))
    assert len(losses) == sum(len(pair.target) for pair in made)
    for number, pair in enumerate(made):
        alone, _ = model.token_losses(make_batch([pair], torch.device("cpu")))
        torch.testing.assert_close(losses[rows == number], alone)


@torch.no_grad()
def test_an_untrained_model_knows_nothing(model: EncoderDecoder) -> None:
    losses, _ = model.token_losses(make_batch(pairs(40), torch.device("cpu")))
    assert float(losses.mean()) == pytest.approx(np.log(VOCABULARY), rel=0.1)


def test_a_weight_scales_the_loss_of_its_pair(model: EncoderDecoder) -> None:
    one, other = pairs(2)
    heavy = EncodedPair(one.source, one.target, 3.0, 0, 1)
    losses, rows = model.token_losses(make_batch([one, other], torch.device("cpu")))
    expected = (3 * losses[rows == 0].sum() + losses[rows == 1].sum()) / len(losses)
    torch.testing.assert_close(model.loss(make_batch([heavy, other], torch.device("cpu"))), expected)
