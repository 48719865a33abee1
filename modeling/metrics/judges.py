"""Judges of two families: a convolutional classifier over words, and a linear one over a frozen sentence embedding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from modeling.architectures.sentence_cnn import PAD, UNKNOWN, SentenceCnn
from modeling.config import SentenceCnnConfig
from modeling.devices import cpu_threads
from modeling.metrics.cross_fitting import Flags, Values
from modeling.sentence_encoder import sentence_encoder
from modeling.word_vectors import initial_vectors, read_word_vectors

POOL = 8  # batches whose texts may change places for the sake of like lengths
ASKED = 256  # texts scored side by side
REGULARISATION = 10.0  # inverse strength, of features of length one


class CnnJudge:
    """A sentence CNN fitted anew for every question. Its words are those of the texts it learns from."""

    def __init__(self, texts: Sequence[str], config: SentenceCnnConfig, threads: int = 1) -> None:
        """`texts` are all that will be learned or asked: the words to look for in the file of vectors."""
        self.config, self.threads = config, threads
        start = f"{config.embeddings}.{Path(config.vectors).name[:40] or config.embedding_size}"
        learned = f"epochs:{config.epochs}|batch:{config.batch}|lr:{config.learning_rate:g}|min:{config.min_count}"
        size = f"filters:{config.filters}|dropout:{config.dropout:g}|norm:{config.max_norm:g}"
        self.signature = f"emb:{start}|{size}|{learned}|torch:{torch.__version__}"
        words = {word for text in texts for word in text.split()}
        self.found = read_word_vectors(Path(config.vectors), sorted(words)) if config.vectors else {}

    def __call__(self, texts: Sequence[str], human: Flags, held: Sequence[str], seed: int) -> Values:
        with cpu_threads(self.threads), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            words = self._vocabulary(texts)
            vectors = initial_vectors(words, self.found, size=self.config.embedding_size, seed=seed)
            model = SentenceCnn(self.config, torch.from_numpy(vectors))
            ids = {word: number for number, word in enumerate(words)}
            fit(model, [_numbers(text, ids) for text in texts], torch.from_numpy(human).long(), self.config)
            return ask(model, [_numbers(text, ids) for text in held])

    def _vocabulary(self, texts: Sequence[str]) -> list[str]:
        """Padding, the unknown word, and the words that have a vector or are seen often enough."""
        counts = Counter(word for text in texts for word in text.split())
        often = {word for word, count in counts.items() if count >= self.config.min_count}
        return ["", "<unknown>", *sorted(often | set(self.found))]


def fit(model: SentenceCnn, texts: Sequence[Sequence[int]], classes: torch.Tensor, config: SentenceCnnConfig) -> None:
    """Train on texts as word numbers, classes (N), by Adam. Batches and dropout come from torch's generator.

    Texts are shuffled and cut into pools of a few batches; within a pool those of like lengths make a batch.
    """
    optimizer = torch.optim.Adam(
        [each for each in model.parameters() if each.requires_grad], lr=config.learning_rate, fused=True
    )
    lengths = torch.tensor([len(text) for text in texts])
    model.train()
    for _ in range(config.epochs):
        pools = torch.randperm(len(texts)).split(POOL * config.batch)
        batches = [batch for pool in pools for batch in pool[lengths[pool].argsort(stable=True)].split(config.batch)]
        for number in torch.randperm(len(batches)).tolist():
            rows = batches[number]
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(model(_padded([texts[row] for row in rows])), classes[rows]).backward()
            optimizer.step()
            model.constrain()


@torch.no_grad()
def ask(model: SentenceCnn, texts: Sequence[Sequence[int]]) -> Values:
    """How much likelier class 1 is than class 0, in nats of odds, for each text."""
    model.eval()
    scores = np.zeros(len(texts))
    order = sorted(range(len(texts)), key=lambda each: len(texts[each]))
    for start in range(0, len(order), ASKED):
        rows = order[start : start + ASKED]
        logits = model(_padded([texts[row] for row in rows]))
        scores[rows] = (logits[:, 1] - logits[:, 0]).double().numpy()
    return scores


def _numbers(text: str, ids: dict[str, int]) -> list[int]:
    return [ids.get(word, UNKNOWN) for word in text.split()]


def _padded(texts: Sequence[Sequence[int]]) -> torch.Tensor:
    """(texts, words of the longest), at least one word wide."""
    padded = np.full((len(texts), max(1, *map(len, texts))), PAD, dtype=np.int64)
    for row, text in zip(padded, texts, strict=True):
        row[: len(text)] = text
    return torch.from_numpy(padded)


class EmbeddingJudge:
    """Logistic regression over a frozen sentence encoder.

    The vector of a text is the mean of its tokens' (Reimers and Gurevych 2019, section 3), brought to length one.
    """

    def __init__(self, texts: Sequence[str], folder: Path | None = None, threads: int = 1) -> None:
        """Embeds all texts that will be learned or asked; without a folder by the packaged MiniLM."""
        name = folder.name[:40] if folder else "all-minilm-l6-v2"
        self.signature = f"encoder:{name}|C:{REGULARISATION:g}|sklearn:{sklearn.__version__}"
        with cpu_threads(threads):
            vectors = sentence_encoder(folder).embed(texts)
        self.vectors = dict(zip(texts, vectors, strict=True))

    def __call__(self, texts: Sequence[str], human: Flags, held: Sequence[str], seed: int) -> Values:
        model = LogisticRegression(C=REGULARISATION, max_iter=1000, random_state=seed)
        model.fit(np.stack([self.vectors[text] for text in texts]), human)
        return model.decision_function(np.stack([self.vectors[text] for text in held]))
