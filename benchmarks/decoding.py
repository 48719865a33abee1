"""Captions a CPU-second of our search and of its peers, with the same weights, on one thread; and how many texts agree.

`transformer-small` and `gru-luong` are trained briefly on `caption_story`, once a folder, to restore sentences: that
teaches them sooner than stories would to write something else for every caption. Captions are sorted by length for
everybody. Ours decodes in its default batches, by torch and by `engine=auto`; for the `transformers` library and for
CTranslate2, called directly with tokens that are strings already, the best of some sizes is found first. All take
turns, and medians are compared.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import ctranslate2
import torch

from benchmarks.caption_story import example_file
from benchmarks.common import print_result, print_table
from benchmarks.peers import CPU, generate, pegasus
from modeling.architectures import Model
from modeling.architectures.transformer import Transformer
from modeling.batching import source_batch
from modeling.checkpoints import Checkpoint, load_checkpoint
from modeling.config import DecodingConfig, load_preset
from modeling.corpus import Tokens, read_examples
from modeling.ctranslate import engine_for
from modeling.ctranslate.engines import TransformerEngine
from modeling.decoding import decode_batch, encode_sources
from modeling.marks import BEGIN, END, NEVER_WRITTEN
from modeling.training import train

BEAM, GREEDY = DecodingConfig(method="beam"), DecodingConfig(method="greedy")
PEERS_WIDTHS = (16, 32, 64, 128)
Texts = list[list[int]]
Decode = Callable[[Sequence[Any]], Texts]  # of ids, or of strings for CTranslate2 called directly


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--captions", type=int, default=1000, help="whose texts are compared")
    options.add_argument("--timed", type=int, default=300, help="of them that rates are measured on")
    options.add_argument("--uncached", type=int, default=40, help="of them decoded one at a time without cache")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--budget", type=int, default=180, help="CPU seconds of training for each model")
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "storyblender-decoding")
    given = options.parse_args()
    torch.set_num_threads(1)
    given.folder.mkdir(exist_ok=True)
    files = {split: example_file(split, given.folder) for split in ("train", "valid", "test")}
    shared = ["denoising=1", f"budget={given.budget}"]
    small = trained("transformer-small", files, given.folder, ["token_budget=512", "learning_rate=0.002", *shared])
    luong = trained("gru-luong", files, given.folder, shared)
    examples = (read_examples(files["test"]) + read_examples(files["valid"]) + read_examples(files["train"]))[
        : given.captions
    ]
    sources = sorted(encode_sources(small, examples), key=len)
    others = sorted(encode_sources(luong, examples), key=len)
    transformer = small.model(CPU)
    if not isinstance(transformer, Transformer):
        raise TypeError(f"transformer-small is no Transformer but {type(transformer).__name__}")

    every = -(-len(sources) // given.timed)  # of all lengths
    timed, timed_others, few = sources[::every], others[::every], sources[:: len(sources) // given.uncached]
    library = pegasus(transformer)
    engines = {config: engine(transformer, small, config) for config in (BEAM, GREEDY)}
    peers: dict[str, Callable[[DecodingConfig], Decode]] = {
        "transformers": lambda config: lambda batch: [texts[0] for texts in generate(library, batch, config)],
        "CTranslate2": lambda config: partial(directly, engines[config].translator, config),
    }
    given_as = {"transformers": lambda captions: captions, "CTranslate2": as_strings}
    widths = {name: best_width(peer(BEAM), given_as[name](timed[::2])) for name, peer in peers.items()}
    bf16 = replace(BEAM, precision="bf16")
    runs: dict[str, tuple[Decode, list[Tokens]]] = {
        "ours, beam 5": (ours(transformer, BEAM), timed),
        **{
            f"{name}, beam 5, batches of {widths[name]}": (in_batches(peer(BEAM), widths[name]), given_as[name](timed))
            for name, peer in peers.items()
        },
        "ours by engine=auto, beam 5": (by_auto(engines[BEAM], BEAM), timed),
        "ours, beam 5, bf16": (ours(transformer, bf16), timed),
        "GRU+Luong, beam 5": (ours(luong.model(CPU), BEAM), timed_others),
        "ours, greedy": (ours(transformer, GREEDY), timed),
        "one at a time, no cache, greedy": (partial(without_cache, transformer), few),
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(given.rounds):
        for name, (decode, captions) in runs.items():
            rates[name].append(rate(decode, captions))
    mine, hf, ct2, auto, in_bf16, recurrent, greedy, uncached = (statistics.median(each) for each in rates.values())

    same: dict[str, float] = {}
    for config in (GREEDY, BEAM):
        texts = ours(transformer, config)(sources)
        same[f"{config.method}, different texts"] = len(set(map(tuple, texts)))
        for name, peer in peers.items():
            theirs = in_batches(peer(config), widths[name])(given_as[name](sources))
            equal = sum(a == b for a, b in zip(texts, theirs, strict=True))
            same[f"{config.method}, same as {name}"] = equal / len(texts)

    print_table(
        [["decoding", "captions per CPU-second"], *([name, f"{statistics.median(r):.1f}"] for name, r in rates.items())]
    )
    ratios = {
        "beam5_transformers": (mine / hf, "≥ 1.6"),
        "beam5_ctranslate2": (mine / ct2, "≥ 0.65, aim 0.8"),
        "beam5_auto_ctranslate2": (auto / ct2, "≥ 0.95"),
        "greedy_uncached": (greedy / uncached, "≥ 15"),
        "luong_transformer": (recurrent / mine, "≥ 1"),
        "bf16_fp32": (in_bf16 / mine, amx()),
    }
    print_table(
        [["ratio", "", "figure"], *([name, f"{value:.2f}", wanted] for name, (value, wanted) in ratios.items())]
    )
    print_table([["texts", f"of {len(sources)} captions"], *([name, value] for name, value in same.items())])
    print_result(
        rates={name: statistics.median(each) for name, each in rates.items()},
        ratios={name: value for name, (value, _) in ratios.items()},
        same=same,
        rounds=given.rounds,
        ctranslate2_computes_in=sorted(ctranslate2.get_supported_compute_types("cpu")),
    )


def trained(preset: str, files: dict[str, Path], folder: Path, settings: list[str]) -> Checkpoint:
    config = load_preset(preset, settings)
    directory = folder / "-".join([preset, *settings])
    return load_checkpoint(
        train(config, train_file=files["train"], valid_file=files["valid"], directory=directory).checkpoint
    )


def in_batches(decode: Decode, width: int) -> Decode:
    return lambda captions: [
        text for start in range(0, len(captions), width) for text in decode(captions[start : start + width])
    ]


def ours(model: Model, config: DecodingConfig) -> Decode:
    def decode(batch: Sequence[Tokens]) -> Texts:
        return [texts[0].tokens for texts in decode_batch(model, batch, [""] * len(batch), config)]

    return in_batches(decode, config.batch // config.texts)


def engine(model: Model, trained: Checkpoint, config: DecodingConfig) -> TransformerEngine:
    """What `engine=auto` decodes with."""
    found = engine_for(model, trained.config, config, CPU)
    if not isinstance(found, TransformerEngine):
        raise TypeError(f"engine=auto leaves {config} to torch")
    return found


def by_auto(engine: TransformerEngine, config: DecodingConfig) -> Decode:
    def decode(batch: Sequence[Tokens]) -> Texts:
        return [texts[0].tokens for texts in engine.texts(batch)]

    return in_batches(decode, config.batch // config.texts)


def as_strings(captions: Sequence[Iterable[int]]) -> list[list[str]]:
    return [[str(token) for token in caption] for caption in captions]


def directly(translator: Any, config: DecodingConfig, batch: Sequence[list[str]]) -> Texts:
    """The best texts of CTranslate2's own interface, with the settings that are ours."""
    results = translator.translate_batch(
        batch,
        beam_size=config.beam if config.method == "beam" else 1,
        max_decoding_length=config.max_length,
        suppress_sequences=as_strings([[token] for token in NEVER_WRITTEN]),
    )
    return [[int(token) for token in result.hypotheses[0]] for result in results]


@torch.inference_mode()
def without_cache(model: Model, captions: Sequence[Tokens]) -> Texts:
    """Greedy texts, each prefix run again from its first token."""
    texts = []
    for caption in captions:
        memory, text = model.encode(*source_batch([caption], CPU)), [BEGIN]
        while text[-1] != END and len(text) <= GREEDY.max_length:
            logits = model.logits(model.hidden(torch.tensor([text]), memory)[0, -1])
            logits[NEVER_WRITTEN if len(text) > 1 else [*NEVER_WRITTEN, END]] = float("-inf")
            text.append(int(logits.argmax()))
        texts.append([token for token in text[1:] if token != END])
    return texts


def rate(decode: Decode, captions: Sequence[Tokens]) -> float:
    start = time.process_time()
    decode(captions)
    return len(captions) / (time.process_time() - start)


def best_width(decode: Decode, captions: Sequence[Tokens]) -> int:
    return max(PEERS_WIDTHS, key=lambda width: rate(in_batches(decode, width), captions))


def amx() -> str:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    return "of CTranslate2 ≥ 1.0 where the CPU has AMX" if "amx_bf16" in flags else "no AMX"


if __name__ == "__main__":
    main()
