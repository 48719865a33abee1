"""Preferences between texts that a model draws for itself, judged by a reward model.

Statistical rejection sampling (Liu et al. 2024, section 3.2 and algorithm 1): of the texts drawn for a source, some are
accepted, the better the likelier, as if they came from the model that the reward would make of it; of those accepted,
neighbours are compared by their reward.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modeling.config import DecodingConfig, TrainingConfig
from modeling.corpus import Example, with_others
from modeling.decoding import decode
from modeling.devices import pick_device
from modeling.errors import CheckpointError
from modeling.feedback_rows import Row, read_feedback
from modeling.progress import OnProgress, Progress
from modeling.sealed import read_sealed, sealed, verified
from texts.folding import fold

Rewards = NDArray[np.float64]
Judge = Callable[[Sequence[tuple[str, str]]], Rewards]  # how good each (source, text) is

FORMAT = 1
FILE, MANIFEST = "drawn.jsonl", "drawn.json"
DRAWN_BY = (  # settings that the rows depend on
    *("objective", "seed", "init", "reward", "draws", "draw_sources"),
    *("max_target_length", "context", "deduplicate"),
)
TEMPERATURE = 0.5  # of the acceptance, in standard deviations of a source's rewards


@dataclass(frozen=True)
class Drawn:
    """Rows, and the seconds in which they were drawn and judged: in this process or, where they were `kept`, in one
    before it."""

    rows: list[Row]
    seconds: float
    kept: bool


def drawn_texts(
    config: TrainingConfig,
    examples: Sequence[Example],
    directory: Path,
    *,
    data_sha256: str,
    now: Callable[[], float],
    on_progress: OnProgress,
) -> Drawn:
    """What the reward model says of texts that the model of `init` draws for the examples. It is kept in the directory,
    so that an interrupted training goes on with the same; `now` says which second of the training it is."""
    drawn_by = {name: getattr(config, name) for name in DRAWN_BY} | {"data": data_sha256}
    manifest = kept_manifest(directory)
    kept = manifest is not None and manifest["drawn_by"] == drawn_by
    if manifest is None or not kept:
        from modeling.reward import Reward  # loads an encoder

        start = now()
        reward = Reward.load(config.reward, pick_device(config.device), config.threads)
        drawn = list(draw(config, examples, reward.scores, on_progress))
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in drawn).encode()
        files = {FILE: hashlib.sha256(content).hexdigest()}
        manifest = {"format": FORMAT, "drawn_by": drawn_by, "seconds": now() - start, "files": files}
        keep(directory, {FILE: content, MANIFEST: sealed(manifest)})
    return Drawn(read_feedback(directory / FILE), manifest["seconds"], kept)


def kept_manifest(directory: Path) -> dict[str, Any] | None:
    """Of what is kept there; None where that is not whole."""
    try:
        manifest = read_sealed(directory / MANIFEST, FORMAT, "the manifest of drawn texts")
        verified(directory / FILE, manifest["files"][FILE])
    except CheckpointError:
        return None
    return manifest


def keep(directory: Path, files: Mapping[str, bytes]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        draft = directory / f"{name}.{secrets.token_hex(4)}.part"  # of this process alone
        draft.write_bytes(content)
        draft.rename(directory / name)


def adopt_drawn(directory: Path, others: Iterable[Path]) -> None:
    """Copy into `directory`, unless something is kept there, what is kept whole in one of `others`. Another process may
    be at work there: what goes away meanwhile is left."""
    whole = next((other for other in others if kept_manifest(other)), None)
    if whole and not kept_manifest(directory):
        with suppress(FileNotFoundError):
            keep(directory, {name: (whole / name).read_bytes() for name in (FILE, MANIFEST)})


def draw(
    config: TrainingConfig, examples: Sequence[Example], judge: Judge, on_progress: OnProgress
) -> Iterator[dict[str, object]]:
    """Lines of a feedback file: labels for the objective `distillation`, scores for `kto`, else preferences."""
    generator = np.random.default_rng([config.seed, config.draws])
    beside = with_others(list(examples)) if config.album_context else examples
    sources = drawn_sources(beside, config.draw_sources, generator)
    by_id: dict[str, list[str]] = {}
    settings = DecodingConfig(
        samples=config.draws,
        seed=config.seed,
        device=config.device,
        threads=config.threads,
        max_length=min(config.max_target_length, DecodingConfig.max_length),
    )

    def report(progress: Progress) -> None:
        on_progress(Progress(0, None, 0.0, message=f"drawing texts, {progress.fraction:.0%}"))

    for each in decode(Path(config.init), sources, settings, on_progress=report):
        if fold(each.text):
            by_id.setdefault(each.id, []).append(each.text)
    for source in sources:
        texts = list(dict.fromkeys(by_id.get(source.id, ())))
        if len(texts) > 1:
            rewards = judge([(source.source, text) for text in texts])
            yield from ROWS.get(config.objective, compared)(source, texts, rewards, generator)


def drawn_sources(examples: Sequence[Example], count: int, generator: np.random.Generator) -> list[Example]:
    """As many as asked for of what there is to write a text for, each once."""
    different = list({(each.source, each.context, each.others): each for each in examples}.values())
    places = sorted(generator.permutation(len(different))[:count].tolist())
    return [different[place] for place in places]


def best(
    source: Example, texts: Sequence[str], rewards: Rewards, generator: np.random.Generator
) -> Iterator[dict[str, object]]:
    yield line(source, 0) | {"kind": "label", "text": texts[int(rewards.argmax())], "desirable": True}


def scored(
    source: Example, texts: Sequence[str], rewards: Rewards, generator: np.random.Generator
) -> Iterator[dict[str, object]]:
    """In standard deviations around the source's mean."""
    if spread := float(rewards.std()):
        for place, (text, reward) in enumerate(zip(texts, (rewards - rewards.mean()) / spread, strict=True)):
            yield line(source, place) | {"kind": "score", "text": text, "score": float(reward)}


def compared(
    source: Example, texts: Sequence[str], rewards: Rewards, generator: np.random.Generator
) -> Iterator[dict[str, object]]:
    if not rewards.std():
        return
    taken = accepted(rewards / rewards.std(), max(2, len(texts) // 2 // 2 * 2), generator)
    for place, (one, other) in enumerate(zip(taken[::2], taken[1::2], strict=True)):
        if rewards[one] != rewards[other]:
            better, worse = (one, other) if rewards[one] > rewards[other] else (other, one)
            chosen = {"kind": "preference", "chosen": texts[better], "rejected": texts[worse], "origin": "reward"}
            yield line(source, place) | chosen


def accepted(rewards: Rewards, count: int, generator: np.random.Generator) -> list[int]:
    """Places of as many texts as asked for, each once, in the order in which they were accepted."""
    left, taken = list(range(len(rewards))), list[int]()
    while len(taken) < count:
        highest = max(rewards[place] for place in left)
        for place in generator.permutation(left).tolist():
            if len(taken) < count and generator.random() < np.exp((rewards[place] - highest) / TEMPERATURE):
                taken.append(place)
                left.remove(place)
    return taken


def line(source: Example, place: int) -> dict[str, object]:
    """What all rows of a source have in common, but for a number."""
    known = {"id": f"{source.id}:{place}", "source": source.source, "album": source.album, "photo": source.photo}
    lists = {"context": list(source.context), "others": list(source.others)}
    return {**known, **{name: texts for name, texts in lists.items() if texts}}


ROWS = {"distillation": best, "kto": scored}
