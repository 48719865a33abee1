"""Settings of what is fitted to judge texts: a classifier of sentences, a reward model."""

from __future__ import annotations

from dataclasses import dataclass

from modeling.configs.settings import DEVICES, Config, setting

EMBEDDINGS = ("random", "static", "non-static", "two-channel")


@dataclass(frozen=True)
class SentenceCnnConfig(Config):
    """A sentence classifier and its training. Filters, dropout, norm and batch are those of Kim 2014, section 3.1."""

    embeddings: str = setting(
        "random", "how word embeddings are initialised and whether they are trained", choices=EMBEDDINGS
    )
    vectors: str = setting("", "word2vec or GloVe file to initialise embeddings from; not for random ones")
    embedding_size: int = setting(100, "size of randomly initialised embeddings", low=1)
    filters: int = setting(100, "feature maps of each filter width", low=1)
    dropout: float = setting(0.5, "dropout of the pooled features", low=0, high=0.95)
    max_norm: float = setting(3.0, "largest norm of the weights of an output", low=1e-6)
    epochs: int = setting(6, "passes over the texts", low=1)
    batch: int = setting(50, "texts per step", low=1)
    learning_rate: float = setting(0.002, "Adam's learning rate", low=0, high=1)
    min_count: int = setting(2, "rarer words without a vector become the unknown word", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.embeddings == "random" and self.vectors:
            others = ", ".join(EMBEDDINGS[1:])
            raise self.refusal("vectors", f"not used by random embeddings; set embeddings to {others}")
        if self.embeddings != "random" and not self.vectors:
            raise self.refusal("embeddings", "set vectors to a word2vec or GloVe file to initialise from")


@dataclass(frozen=True)
class RewardConfig(Config):
    """A reward model: what it sees of a text, and how its head is fitted. With the same settings, feedback and machine
    it is the same."""

    encoder: str = setting("", "folder of a sentence encoder; empty: the packaged MiniLM")
    states: str = setting("", "checkpoint whose decoder states are used in place of a sentence encoder's vectors")
    l2: float = setting(
        0.0, "half of it times the squared weights is the penalty; 0: chosen by cross-validation", low=0, high=1e9
    )
    folds: int = setting(5, "parts that sources are divided into, to fit on the others", low=2, high=50)
    seed: int = setting(1, "seed for the folds, the groups of raters and the intervals", low=0, high=2**31)
    device: str = setting("auto", "where to compute", choices=DEVICES)
    threads: int = setting(1, "CPU threads", low=1, high=256)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.encoder and self.states:
            raise self.refusal("states", "not used together with encoder; set one of them")
