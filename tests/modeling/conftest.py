"""One small trained model for the tests that only read it."""

from pathlib import Path

import pytest

from modeling.config import TrainingConfig, load_preset
from modeling.training import TrainingResult, train
from tests.modeling.corpora import write_examples

TINY = [
    "vocabulary_size=64",
    "hidden_size=64",
    "embedding_size=64",
    "token_budget=512",
    "learning_rate=0.02",
    "warmup=0.2",
    "max_steps=240",
    "patience=0",
    "seed=3",
]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("corpus")
    return write_examples(folder / "train.jsonl", 240), write_examples(folder / "valid.jsonl", 40, seed=2)


@pytest.fixture(scope="session")
def tiny() -> TrainingConfig:
    return load_preset("tiny", [*TINY, "dropout=0", "save_every=1000"])


@pytest.fixture(scope="session")
def trained(
    corpus: tuple[Path, Path], tiny: TrainingConfig, tmp_path_factory: pytest.TempPathFactory
) -> TrainingResult:
    return train(tiny, train_file=corpus[0], valid_file=corpus[1], directory=tmp_path_factory.mktemp("trained"))
