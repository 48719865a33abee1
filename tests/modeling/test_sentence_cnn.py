"""What must hold of Kim's sentence classifier, whatever its embeddings begin from."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from modeling.architectures.sentence_cnn import PAD, WIDTHS, SentenceCnn
from modeling.config import EMBEDDINGS, SentenceCnnConfig
from modeling.errors import ConfigError

SENTENCES = [[2, 3, 4, 5, 6, 7, 8], [9], [3, 3], [], [4, 8, 2, 5]]  # the shorter ones below the widest filter


def model(embeddings: str = "random", **settings: float) -> SentenceCnn:
    torch.manual_seed(0)
    vectors = "" if embeddings == "random" else "some file"
    config = SentenceCnnConfig(embeddings=embeddings, vectors=vectors, filters=6, **settings)
    return SentenceCnn(config, torch.randn(10, 5))


def batch(sentences: list[list[int]], width: int = 0) -> torch.Tensor:
    width = max(width, 1, *map(len, sentences))
    return torch.tensor([sentence + [PAD] * (width - len(sentence)) for sentence in sentences])


@pytest.mark.parametrize("embeddings", EMBEDDINGS)
@torch.no_grad()
def test_padding_and_neighbours_change_nothing(embeddings: str) -> None:
    judge = model(embeddings).eval()
    together = judge(batch(SENTENCES, width=30))
    for sentence, expected in zip(SENTENCES, together, strict=True):
        torch.testing.assert_close(judge(batch([sentence]))[0], expected)


@torch.no_grad()
def test_features_are_those_of_the_formula() -> None:
    """c = max over windows of relu(w · x + b), a window written out word by word, zeros where it reaches beyond."""
    judge = model().eval()
    embedding = judge.channels[0].weight.numpy()
    for sentence, found in zip(SENTENCES, judge.features(batch(SENTENCES)), strict=True):
        expected = []
        for width, convolution in zip(WIDTHS, judge.filters, strict=True):
            weight, bias = convolution.weight.numpy(), convolution.bias.numpy()
            words = [np.zeros(5)] * (width - 1) + [embedding[word] for word in sentence] + [np.zeros(5)] * (width - 1)
            windows = [np.stack(words[start : start + width], axis=1) for start in range(len(words) - width + 1)]
            for kernel, shift in zip(weight, bias, strict=True):
                values = [max(0.0, float((kernel * window).sum() + shift)) for window in windows if sentence]
                expected.append(max(values, default=0.0))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("embeddings", "moves"),
    [("random", [True]), ("static", [False]), ("non-static", [True]), ("two-channel", [False, True])],
)
def test_only_what_is_to_learn_moves(embeddings: str, moves: list[bool]) -> None:
    judge = model(embeddings)
    before = [channel.weight.detach().clone() for channel in judge.channels]
    learning = [each for each in judge.parameters() if each.requires_grad]
    F.cross_entropy(judge(batch(SENTENCES)), torch.tensor([0, 1, 0, 1, 0])).backward()
    torch.optim.Adam(learning, lr=0.1).step()
    after = [channel.weight.detach() for channel in judge.channels]
    assert [not torch.equal(one, other) for one, other in zip(before, after, strict=True)] == moves
    assert all(not weight[PAD].any() for weight in after)
    assert all(torch.equal(one, before[0]) for one in before)


@torch.no_grad()
def test_two_channels_add_up() -> None:
    """While both channels are alike a filter sees each word twice over."""
    two, doubled = model("two-channel").eval(), model("static").eval()
    doubled.channels[0].weight.mul_(2)
    torch.testing.assert_close(two(batch(SENTENCES)), doubled(batch(SENTENCES)))


def test_weight_vectors_of_the_output_stay_within_the_norm() -> None:
    judge = model(max_norm=0.5)
    optimizer = torch.optim.Adam(judge.parameters(), lr=0.3)
    for _ in range(3):
        F.cross_entropy(judge(batch(SENTENCES)), torch.tensor([0, 1, 0, 1, 0])).backward()
        optimizer.step()
        grown = judge.output.weight.detach().clone()
        judge.constrain()
        norms = judge.output.weight.detach().norm(dim=1)
        assert grown.norm(dim=1).max() > 0.5
        assert norms.max() <= 0.5 + 1e-5
        directions = F.cosine_similarity(judge.output.weight.detach(), grown)
        torch.testing.assert_close(directions, torch.ones(2))


@torch.no_grad()
def test_a_short_weight_vector_is_left_as_it_is() -> None:
    judge = model(max_norm=3)
    judge.output.weight.fill_(0.1)
    judge.constrain()
    assert torch.equal(judge.output.weight, torch.full_like(judge.output.weight, 0.1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"embeddings": "static"}, "embeddings=static: set vectors to a word2vec or GloVe file"),
        ({"vectors": "glove.txt"}, "vectors=glove.txt: not used by random embeddings; set embeddings to static"),
        ({"embeddings": "frozen"}, "embeddings=frozen: must be random or static or non-static or two-channel"),
        ({"max_norm": 0}, "max_norm=0: must be a number from 1e-06"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SentenceCnnConfig(**settings)
