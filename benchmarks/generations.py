"""Does a model come nearer to people, generation after generation, where people are preferred to what it wrote?

`machine_human`: what the system `arel` wrote for a photo is the source, what people wrote are the references. The
training albums are dealt by the seed: half of them to the first training of `smollm2`, and a sixth to each of three
generations. The generation before samples a text for each source of the next sixth, a sentence that a person wrote for
the photo is preferred to it, and the model goes on from there. Its control goes on from the same first model by
likelihood, generation by generation, for as many CPU seconds on the same sentences.

On the test albums: how far two judges cannot tell texts sampled for each photo from people's (0.5 is not at all), how
many of them differ, and their words; NLL and source gain are of some of the photos. Intervals are over albums, those of
a difference over the same albums for both. What is in the folder is not done again, and trainings there are gone on
with; `--like` takes their steps from a folder of another machine, instead of the CPU seconds.

    python -m benchmarks.generations --folder generations --seeds 1 2 3 [--set objective=dpo]
"""

import argparse
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.common import print_result, print_table, write_jsonl
from benchmarks.machine_human import examples
from modeling.checkpoints import load_checkpoint
from modeling.config import DecodingConfig, load_preset
from modeling.corpus import Example, read_examples
from modeling.decoding import decode
from modeling.devices import pick_device
from modeling.metrics import of_kind
from modeling.metrics.cross_fitting import Figure, albums_of, tell_apart
from modeling.metrics.indistinguishable import refusal
from modeling.metrics.intervals import percentiles, ratio_interval
from modeling.metrics.judge_metric import JudgeMetric, JudgeSettings
from modeling.metrics.metric import RESAMPLES, SEED
from modeling.metrics.pairs import Pairs
from modeling.metrics.source_gain import SourceGain
from modeling.text import plain_words
from modeling.training import train
from modeling.validation import draw_examples
from texts.folding import fold

GENERATIONS = (1, 2, 3)
BEFORE = {
    f"{kind}-{k}": f"{kind}-{k - 1}" if k > 1 else "base" for kind in ("control", "generation") for k in GENERATIONS
}
FIRST, LAST, CONTROL = "base", f"generation-{GENERATIONS[-1]}", f"control-{GENERATIONS[-1]}"
RISING = [(name, before) for name, before in BEFORE.items() if name.startswith("generation")]
MEASURED = (FIRST, *(name for name, _ in RISING), CONTROL)
PREFERENCES, SCORED = 300, 100  # of a generation; test photos that NLL and source gain are of
JUDGES = {metric.name.removesuffix("_indistinguishable"): metric for metric in of_kind(JudgeMetric)}
NATS = ("nll", "source_gain")
DERANGEMENT = 1  # one of the five that source gain is otherwise the mean of

Interval = Sequence[float]  # value, and from where to where


@dataclass(frozen=True)
class Seed:
    """All that the parts of a seed share; `like` are the trainings to repeat by their steps."""

    number: int
    folder: Path
    budget: float
    settings: Sequence[str]
    photos: int
    like: dict[str, dict[str, int]]

    def final(self, name: str) -> Path:
        return self.folder / name / "final"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, required=True, help="where everything is kept, to go on from")
    options.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options.add_argument("--budget", type=float, default=300, help="CPU seconds of each training")
    options.add_argument("--set", nargs="+", default=["objective=dpo"], help="settings of the generations")
    options.add_argument("--photos", type=int, default=1000, help="of the test albums, or of a generation, at most")
    options.add_argument("--like", type=Path, help="folder of this benchmark whose steps are taken")
    given = options.parse_args()
    results = []
    for number in given.seeds:
        folder = given.folder.resolve() / f"seed-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        like = json.loads((given.like / folder.name / "result.json").read_text())["trainings"] if given.like else {}
        results.append(result_of(Seed(number, folder, given.budget, given.set, given.photos, like)))
    show(results)


def kept(file: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the file holds, made unless it is there."""
    if not file.exists():
        file.write_text(json.dumps(make()), encoding="utf-8")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def result_of(seed: Seed) -> dict[str, Any]:
    files = example_files(seed)
    trainings = {FIRST: trained(seed, FIRST, files["pairs"], files["valid"])}
    for name, before in BEFORE.items():
        (kind, k), init = name.split("-"), f"init={seed.final(before)}"
        if kind == "control":
            trainings[name] = trained(seed, name, files[f"both-{k}"], files["valid"], init)
        else:
            liked = preferences(seed, before, files[f"part-{k}"], int(k))
            trainings[name] = trained(seed, name, files["pairs"], None, init, *seed.settings, feedback=liked)
    photos = one_a_photo(read_examples(files["test"]))[: seed.photos]
    measured = {name: kept(seed.folder / f"{name}.json", partial(measure, seed, name, photos)) for name in MEASURED}
    file = seed.folder / "result.json"
    return kept(file, lambda: {"seed": seed.number, "trainings": trainings, **compared(measured, photos)})


def example_files(seed: Seed) -> dict[str, Path]:
    """`pairs` are for the first training, `part-K` for a generation, `both-K` for its control; whole albums."""
    rows = list(examples("train", every_system=False))
    albums = sorted({row["album"] for row in rows})
    random.Random(seed.number).shuffle(albums)
    half, sixth = len(albums) // 2, len(albums) // 6
    of = {"pairs": set(albums[:half])}
    for k in GENERATIONS:
        of[f"part-{k}"] = set(albums[half + (k - 1) * sixth :][:sixth])
        of[f"both-{k}"] = of["pairs"] | of[f"part-{k}"]
    parts = {name: [row for row in rows if row["album"] in its] for name, its in of.items()}
    parts |= {split: list(examples(split, every_system=False)) for split in ("valid", "test")}
    return {name: write_jsonl(seed.folder / f"{name}.jsonl", iter(part)) for name, part in parts.items()}


def trained(
    seed: Seed, name: str, train_file: Path, valid_file: Path | None, *settings: str, feedback: Path | None = None
) -> dict[str, Any]:
    """How it went. Validation pairs are for what is chosen by likelihood."""
    limit = [f"budget={seed.budget}"]
    if like := seed.like.get(name):
        limit = [f"max_steps={like['planned_steps']}", f"valid_pairs={like['valid_pairs']}"]
    config, directory = load_preset("smollm2", [*limit, f"seed={seed.number}", *settings]), seed.folder / name
    return train(
        config, train_file=train_file, valid_file=valid_file, directory=directory, feedback_file=feedback
    ).figures()


def one_a_photo(sources: Sequence[Example]) -> list[Example]:
    """The first source of each photo."""
    return list({(each.album, each.photo): each for each in reversed(sources)}.values())[::-1]


def preferences(seed: Seed, before: str, part: Path, k: int) -> Path:
    """A person's sentence over the text that the generation before writes, for photos of the part."""
    file = seed.folder / f"preferences-{k}.jsonl"
    if not file.exists():
        count = min(PREFERENCES, seed.photos)
        photos = draw_examples(one_a_photo(read_examples(part)), count, seed=seed.number)
        texts = sampled(seed, before, photos, draw=100 * k + seed.number)
        write_jsonl(file, preferred(photos, texts, random.Random(seed.number)))
    return file


def preferred(photos: Sequence[Example], texts: dict[str, str], draw: random.Random) -> Iterator[dict[str, Any]]:
    for photo in photos:
        chosen, rejected = draw.choice(photo.references), texts[photo.id]
        if rejected.strip() and fold(chosen) != fold(rejected):
            said = {"kind": "preference", "origin": "choice", "chosen": chosen, "rejected": rejected}
            yield {"id": photo.id, "source": photo.source, "album": photo.album, "photo": photo.photo, **said}


def sampled(seed: Seed, name: str, photos: Sequence[Example], *, draw: int) -> dict[str, str]:
    return {each.id: each.text for each in decode(seed.final(name), photos, DecodingConfig(seed=draw))}


def measure(seed: Seed, name: str, photos: Sequence[Example]) -> dict[str, Any]:
    """A text a photo; and for each reference of some photos its nats, those that another source costs more, its words
    and its album."""
    scored = draw_examples(photos, SCORED, seed=SEED)
    pairs = Pairs(load_checkpoint(seed.final(name)), scored, pick_device("cpu"))
    swapped = pairs.losses(SourceGain().deranged(pairs, DERANGEMENT) or {})
    return {
        "texts": sampled(seed, name, photos, draw=1000 + seed.number),
        "nll": pairs.true.tolist(),
        "source_gain": (swapped - pairs.true).tolist(),
        "words": pairs.words.tolist(),
        "albums": [pairs.photos[pair.example][0] for pair in pairs.pairs],
    }


def figures(of: dict[str, Any]) -> dict[str, Any]:
    texts = list(of["texts"].values())
    of_texts = {
        "different": len({fold(text) for text in texts}) / len(texts),
        "words": fmean(len(text.split()) for text in texts),
    }
    return {name: a_word(of[name], of) for name in NATS} | of_texts


def a_word(nats: Sequence[float], of: dict[str, Any]) -> Interval:
    low, high = ratio_interval(nats, of["words"], of["albums"], resamples=RESAMPLES, seed=SEED) or (0.0, 0.0)
    return sum(nats) / sum(of["words"]), low, high


def compared(measured: dict[str, dict[str, Any]], photos: Sequence[Example]) -> dict[str, Any]:
    """The figures of each model, and its differences to the one before it, to the first one and to the control."""
    judged = judged_by_album(measured, photos)
    differences = {}
    for name, other in dict.fromkeys([*RISING, (LAST, FIRST), (CONTROL, FIRST), (LAST, CONTROL)]):
        one, two = measured[name], measured[other]
        differences[f"{name} - {other}"] = {
            **{judge: difference(of[name], of[other]) for judge, of in judged.items()},
            **{of: a_word(np.subtract(one[of], two[of]).tolist(), one) for of in NATS},
        }
    values = {judge: {name: (each.value, *each.ci) for name, each in of.items()} for judge, of in judged.items()}
    models = {name: figures(each) for name, each in measured.items()}
    return {"models": models, "judged": values, "differences": differences}


def judged_by_album(measured: dict[str, dict[str, Any]], photos: Sequence[Example]) -> dict[str, dict[str, Figure]]:
    """By judge, people and each model. Raises SystemExit where a judge tells people from people."""
    albums = {photo.id: str(photo.album) for photo in photos}
    human = albums_of((plain_words(text), str(photo.album)) for photo in photos for text in photo.references)
    written = {
        name: albums_of((plain_words(text), albums[photo]) for photo, text in of["texts"].items())
        for name, of in measured.items()
    }
    everything = sorted({text for side in (human, *written.values()) for text in side})
    settings, found = JudgeSettings(), dict[str, dict[str, Figure]]()
    for name, metric in JUDGES.items():
        judge = metric.judge(everything, settings)
        found[name] = {
            who: tell_apart(human, texts, judge, seed=settings.seed, resamples=settings.resamples)
            for who, texts in {"human": None, **written}.items()
        }
        if refused := refusal(found[name]["human"]):
            raise SystemExit(f"{name}: {refused}")
    return found


def difference(one: Figure, other: Figure) -> Interval:
    return one.value - other.value, *percentiles(one.resampled.values - other.resampled.values)


def show(results: Sequence[dict[str, Any]]) -> None:
    rows: list[list[object]] = [["seed", "", "steps", "CPU-s", *JUDGES, *NATS, "different", "words"]]
    differences: list[list[object]] = [["seed", "difference", *JUDGES, *NATS]]
    for result in results:
        for name, of in result["models"].items():
            training, judged = result["trainings"][name], [cell(result["judged"][judge][name]) for judge in JUDGES]
            cells = [*judged, *(cell(of[each]) for each in NATS), f"{of['different']:.1%}", f"{of['words']:.1f}"]
            rows.append([result["seed"], name, training["steps"], f"{training['seconds']:.0f}", *cells])
        differences += [[result["seed"], name, *map(cell, of.values())] for name, of in result["differences"].items()]
    print_table(rows)
    print_table(differences)
    print_result(seeds=[{"seed": result["seed"], **met(result["differences"])} for result in results])


def cell(value: Interval) -> str:
    return f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"


def met(differences: dict[str, dict[str, Interval]]) -> dict[str, bool]:
    control = differences[f"{LAST} - {CONTROL}"]
    return {
        "rises": all(differences[f"{name} - {before}"][judge][0] > 0 for name, before in RISING for judge in JUDGES),
        "above_control": all(control[judge][1] > 0 for judge in JUDGES),
        "gain_of_base": differences[f"{LAST} - {FIRST}"]["source_gain"][0] >= 0,
        "gain_of_control": control["source_gain"][0] >= 0,
    }


if __name__ == "__main__":
    main()
