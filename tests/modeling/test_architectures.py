"""What holds of every model family: steps equal a run at once, padding changes nothing, nobody sees what is to come."""

import numpy as np
import pytest
import torch

from modeling.architectures import FAMILIES, Model, build
from modeling.batching import Batch, make_batch
from modeling.config import TrainingConfig
from modeling.corpus import EncodedPair
from modeling.tokenization import END

VOCABULARY = 40
CPU = torch.device("cpu")
ATTENTIVE = ["gru-attention", "gru-luong", "transformer"]


def untrained(family: str, **settings: object) -> Model:
    torch.manual_seed(0)
    sizes = {"embedding_size": 12, "hidden_size": 16, "heads": 3, "feedforward_size": 20, "dropout": 0.5}
    layers = 1 if family == "gru-attention" else 2
    config = TrainingConfig(architecture=family, layers=layers, max_steps=1, **{**sizes, **settings})  # type: ignore[arg-type]
    return build(config, VOCABULARY).eval()


@pytest.fixture(params=[(family, tied) for family in sorted(FAMILIES) for tied in (True, False)], ids=str)
def model(request: pytest.FixtureRequest) -> Model:
    family, tied = request.param
    return untrained(family, tied=tied, reverse_source=not tied)


def pairs(count: int = 5) -> list[EncodedPair]:
    draw = np.random.default_rng(1)
    made = []
    for _ in range(count):
        source, target = (np.append(draw.integers(4, VOCABULARY, draw.integers(1, 9)), END) for _ in range(2))
        made.append(EncodedPair(source.astype(np.int32), target.astype(np.int32), 1.0, 0, len(target)))
    return made


def batch_of(count: int = 5) -> Batch:
    return make_batch(pairs(count), CPU)


@torch.no_grad()
def test_steps_give_what_running_at_once_gives(model: Model) -> None:
    batch = batch_of()
    memory = model.encode(batch.source, batch.source_lengths)
    at_once = model.hidden(batch.inputs, memory)
    state = model.start(memory, 1)
    for position in range(batch.inputs.shape[1]):
        features = model.step(batch.inputs[:, position : position + 1], state, memory)
        torch.testing.assert_close(features[:, 0], at_once[:, position])


@torch.no_grad()
def test_texts_that_change_places_and_sources_that_leave_take_their_past_along(model: Model) -> None:
    """Three texts per source, reordered at every step, half of the sources dropped on the way: a text's features are
    those of its own history run at once. Long enough for every cache to grow."""
    batch, draw, steps = batch_of(6), torch.Generator().manual_seed(1), 40
    memory = model.encode(batch.source, batch.source_lengths)
    state, history = model.start(memory, 3), torch.zeros(6, 3, 0, dtype=torch.long)
    for position in range(steps):
        tokens = torch.randint(4, VOCABULARY, (len(history), 3, 1), generator=draw)
        history = torch.cat([history, tokens], dim=2)
        features = model.step(tokens[..., 0], state, memory)
        for text in range(3):
            at_once = model.hidden(history[:, text], memory)[:, -1]
            torch.testing.assert_close(features[:, text], at_once, rtol=1e-4, atol=1e-5)
        parents = torch.randint(3, (len(history), 3), generator=draw)
        history = history.gather(1, parents[..., None].expand_as(history))
        state.reorder(parents)
        if position == 20:
            kept = torch.tensor([1, 2, 5])
            history, memory = history[kept], memory.map(lambda tensor, rows=kept: tensor[rows])  # type: ignore[misc]
            state.keep(kept)


@torch.no_grad()
def test_padding_and_neighbours_change_no_loss(model: Model) -> None:
    made = pairs()
    losses, rows = model.token_losses(make_batch(made, CPU))
    assert len(losses) == sum(len(pair.target) for pair in made)
    for number, pair in enumerate(made):
        alone, _ = model.token_losses(make_batch([pair], CPU))
        torch.testing.assert_close(losses[rows == number], alone)


@torch.no_grad()
def test_no_position_sees_a_later_token(model: Model) -> None:
    batch = batch_of()
    memory = model.encode(batch.source, batch.source_lengths)
    before = model.hidden(batch.inputs, memory)
    changed = batch.inputs.clone()
    changed[:, 4:] = 7
    after = model.hidden(changed, memory)
    torch.testing.assert_close(after[:, :4], before[:, :4])
    assert not torch.allclose(after[:, 4:], before[:, 4:])


@torch.no_grad()
def test_every_source_token_counts(model: Model) -> None:
    """Another token anywhere in a source changes what is expected of the target."""
    pair = pairs()[0]
    for place in range(len(pair.source)):
        source = pair.source.copy()
        source[place] = 39 if source[place] != 39 else 38
        both = [make_batch([EncodedPair(each, pair.target, 1.0, 0, 1)], CPU) for each in (pair.source, source)]
        one, other = (model.token_losses(batch)[0] for batch in both)
        assert not torch.equal(one, other)


@pytest.mark.parametrize("family", sorted(FAMILIES))
@torch.no_grad()
def test_attention_is_a_distribution_over_real_source_tokens(family: str) -> None:
    model, batch = untrained(family), batch_of()
    memory = model.encode(batch.source, batch.source_lengths)
    weights = model.attention(batch.inputs, memory)
    if family not in ATTENTIVE:
        assert weights is None
        return
    assert weights is not None
    assert weights.shape[0] == 5
    assert weights.shape[2:] == (batch.inputs.shape[1], batch.source.shape[1])
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(weights.shape[:-1]))
    assert not weights.masked_select(~memory.mask[:, None, None].expand_as(weights)).any()


@torch.no_grad()
def test_an_untrained_model_knows_nothing(model: Model) -> None:
    """A tied Transformer's logits begin with a variance of one, which costs half a nat."""
    losses, _ = model.token_losses(batch_of(40))
    assert float(losses.mean()) == pytest.approx(np.log(VOCABULARY), abs=0.75)


def test_a_weight_scales_the_loss_of_its_pair(model: Model) -> None:
    one, other = pairs(2)
    heavy = EncodedPair(one.source, one.target, 3.0, 0, 1)
    losses, rows = model.token_losses(make_batch([one, other], CPU))
    expected = 3 * losses[rows == 0].sum() + losses[rows == 1].sum()
    torch.testing.assert_close(model(make_batch([heavy, other], CPU)), expected)


def test_a_bias_of_the_output_is_learned_and_padding_is_not(model: Model) -> None:
    """Every parameter gets a gradient, the embedding of padding none."""
    model(batch_of(40)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
