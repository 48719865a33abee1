"""The tokenizer of a decoder-only model, and what a prompt looks like. What the library says of it goes with it.

Our ids are the library's in another order: those of PAD, UNKNOWN and our marks are taken from tokens that no text
holds, BEGIN is the line break that ends every prompt, and END the library's own. So the matrix of embeddings is put in
order once, when it is read, and nothing has to be translated while computing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from tokenizers import Tokenizer as LibraryTokenizer

from modeling.errors import ConfigError
from modeling.marks import END, MARKS
from modeling.pretrained import DescribedTokenizer
from modeling.tokenization import WORD

LINE = "\n"
ALBUM, STORY, PHOTO = "Album:", "So far:", "Photo:"


@dataclass(frozen=True)
class CausalTokenizer(DescribedTokenizer):
    """`description` holds `shape` and `base` of its model (see `modeling.llama`), `first`, the library's ids of our
    first ones, and `prefix`, those that begin every text."""

    def __post_init__(self) -> None:
        described = json.loads(self.description)
        library = LibraryTokenizer.from_buffer(self.model)
        library.encode_special_tokens = True  # "<|im_end|>" in a text is text
        library.no_truncation()
        library.no_padding()
        order = np.arange(described["shape"]["vocabulary"])
        first = np.array(described["first"])
        order = np.concatenate([first, np.setdiff1d(order, first)])
        ours = np.empty_like(order)
        ours[order] = np.arange(len(order))
        values = {"_pieces": library, "shape": described["shape"], "base": described["base"], "library_ids": order}
        for name, value in {**values, "_ours": ours, "_prefix": ours[described["prefix"]].tolist()}.items():
            object.__setattr__(self, name, value)

    shape: Any = None
    _ours: Any = None
    _prefix: Any = None

    def encode(self, text: str) -> list[int]:
        text = self.normalisation(text)
        return [*self._plain(text), END]

    def given(self, source: str, *, story: Sequence[str], others: Sequence[str], limit: int) -> list[int]:
        """The prompt but for the line break that ends it: the album's other captions on a line, the story so far on
        another one, and the source."""
        ids = self._plain(f"{PHOTO} {self.normalisation(source)}")
        lines: dict[str, list[list[int]]] = {}
        room = limit - len(ids) - len(self._prefix)
        for label, text in reversed([*((ALBUM, text) for text in others), *((STORY, text) for text in story)]):
            sentence = self._plain(f" {self.normalisation(text)}")
            line = [] if label in lines else [*self._plain(label), *self._plain(LINE)]
            room -= len(sentence) + len(line)
            if room < 0:
                break
            lines.setdefault(label, []).insert(0, sentence)
        before = list(self._prefix)
        for label in (ALBUM, STORY):
            if label in lines:
                before += [*self._plain(label), *chain.from_iterable(lines[label]), *self._plain(LINE)]
        return before + ids

    def pieces(self, ids: Iterable[int]) -> list[str]:
        texts = (self._pieces.decode([int(self.library_ids[each])], skip_special_tokens=False) for each in ids)
        return [WORD + text[1:] if text.startswith(" ") else text for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        return " ".join(self._pieces.decode(self.before_end(ids), skip_special_tokens=True).split())

    def _plain(self, text: str) -> list[int]:
        return self._ours[self._pieces.encode(text, add_special_tokens=False).ids].tolist() if text else []


def first_ids(library: LibraryTokenizer, *, end: int, prefix: Sequence[int], where: str) -> list[int]:
    """The library's ids for PAD, UNKNOWN, BEGIN, END and our marks. Raises ConfigError where there are too few."""
    line = library.encode(LINE, add_special_tokens=False).ids[-1:]
    special = [each for each, token in sorted(library.get_added_tokens_decoder().items()) if token.special]
    controls = [library.token_to_id(name) for byte in range(1, 9) for name in (chr(0x100 + byte), f"<0x{byte:02X}>")]
    free = [each for each in (*special, *controls) if each is not None and each not in (end, *line, *prefix)]
    needed = 2 + len(MARKS)
    if not line or len(free) < needed:
        raise ConfigError(
            f"{where}: its tokenizer needs a line break and {needed} tokens that no text contains, but has {len(free)}"
        )
    return [free[0], free[1], line[0], end, *free[2:needed]]
