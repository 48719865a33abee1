"""What a folder of the transformers library says of its encoder-decoder and its tokenizer. Nothing is downloaded,
unpickled or run from such a folder.

Our ids are the library's in another order: PAD, UNKNOWN, BEGIN and END first, then our marks, which it lacks. BEGIN is
what the decoder starts from, which for some models is also the padding or the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, ClassVar, Self

from tokenizers import Tokenizer as LibraryTokenizer

from modeling.bases import weights_bytes, weights_sha256
from modeling.errors import ConfigError
from modeling.marks import END, MARKS, PAD
from modeling.model_files import check_model_files, check_shape
from modeling.tokenization import Normalisation, Tokenizer

TOKENIZER, DESCRIPTION = "tokenizer.json", "pretrained.json"


@dataclass(frozen=True)
class DescribedTokenizer(Tokenizer):
    """A tokenizer of the library: `model` is its tokenizer.json, `description` JSON about the model it belongs to."""

    FILES: ClassVar[tuple[str, ...]] = (TOKENIZER, DESCRIPTION)
    description: bytes = b""
    base: Any = None  # SHA-256 of the weights that it comes with
    library_ids: Any = None  # the library's id of each of ours

    @classmethod
    def from_files(cls, contents: Mapping[str, bytes], normalisation: Normalisation) -> Self:
        return cls(contents[TOKENIZER], normalisation, description=contents[DESCRIPTION])

    def files(self) -> dict[str, bytes]:
        return {TOKENIZER: self.model, DESCRIPTION: self.description}

    def __len__(self) -> int:
        return len(self.library_ids)

    def mark(self, name: str) -> int:
        raise ConfigError(f"a transformers model has no token {name!r}")

    def before_end(self, ids: Iterable[int]) -> list[int]:
        """The library's ids of those before the first end token."""
        return [int(self.library_ids[each]) for each in takewhile(lambda token: token != END, ids)]


@dataclass(frozen=True)
class PretrainedTokenizer(DescribedTokenizer):
    """`description` holds its model's config, and which of its ids are our PAD, UNKNOWN, BEGIN and END."""

    def __post_init__(self) -> None:
        described = json.loads(self.description)
        special: list[int] = described["special"]
        rest = [each for each in range(described["vocabulary"]) if each not in special]
        library = LibraryTokenizer.from_buffer(self.model)
        object.__setattr__(self, "_pieces", library)
        object.__setattr__(self, "library_config", described["config"])
        object.__setattr__(self, "base", described["base"])
        ids = [*special, *[special[PAD]] * len(MARKS), *rest]
        ours: dict[int, int] = {}
        for each in (END, *range(len(ids))):
            ours.setdefault(ids[each], each)
        object.__setattr__(self, "library_ids", ids)
        object.__setattr__(self, "silent", [each for each, library in enumerate(ids) if ours[library] != each])
        object.__setattr__(self, "_ours", ours)

    library_config: Any = None
    silent: Any = None  # ours that share one with another, which has all of its probability
    _ours: Any = None

    @classmethod
    def read(cls, folder: Path, normalisation: Normalisation) -> Self:
        """Raises ConfigError where the folder holds no encoder-decoder with a tokenizer."""
        from transformers import AutoConfig, AutoTokenizer
        from transformers.models.auto.modeling_auto import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES as KNOWN

        where = f"model_path={folder}"
        if not (folder / "config.json").is_file():
            raise ConfigError(f"{where}: must be a folder with the config.json of a transformers model")
        try:
            check_model_files(folder)
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            check_shape(config, weights_bytes(folder))
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(f"{where}: cannot be read ({str(error).splitlines()[0]})") from error
        if config.model_type not in KNOWN:
            raise ConfigError(f"{where}: is a model of type {config.model_type}, not a text encoder-decoder")
        pad, end, begin = tokenizer.pad_token_id, tokenizer.eos_token_id, config.decoder_start_token_id
        if pad is None or end is None or begin is None or not tokenizer.is_fast:
            raise ConfigError(
                f"{where}: needs a tokenizer.json with padding and end tokens, and a decoder_start_token_id; found "
                f"pad {pad}, end {end}, start {begin}"
            )
        unknown = pad if tokenizer.unk_token_id is None else tokenizer.unk_token_id
        description = {
            "config": config.to_dict(),
            "base": weights_sha256(folder),
            "vocabulary": config.vocab_size,
            "special": [pad, unknown, begin, end],
        }
        return cls(
            tokenizer.backend_tokenizer.to_str().encode(), normalisation, description=json.dumps(description).encode()
        )

    def encode(self, text: str) -> list[int]:
        """Ids of the normalised text with what the library puts before it, the end token last."""
        text = self.normalisation(text)
        if not text:
            return [END]
        found = [self._ours[each] for each in self._pieces.encode(text).ids]
        return [*found[:-1], END] if found[-1:] == [END] else [*found, END]

    def pieces(self, ids: Iterable[int]) -> list[str]:
        return [str(self._pieces.id_to_token(self.library_ids[each])) for each in ids]

    def decode(self, ids: Iterable[int]) -> str:
        return str(self._pieces.decode(self.before_end(ids))).strip()
