"""`python -m modeling score`: outputs, a checkpoint or both, on JSONL files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modeling.config import SentenceCnnConfig
from modeling.corpus import Example, read_examples, read_rows, text_of
from modeling.errors import ScoringError
from modeling.metrics import METRICS
from modeling.metrics.baselines import random_stories
from modeling.metrics.indistinguishable import HUMAN, judged_people, score_indistinguishable
from modeling.metrics.judge_metric import JudgeMetric, JudgeSettings
from modeling.metrics.metric import printed
from modeling.metrics.outputs import score_human, score_outputs
from modeling.metrics.texts import Segment, TextMetric, with_words
from modeling.terminal import bar, say

Scores = dict[str, dict[str, Any]]


def score_command(options: argparse.Namespace) -> Scores:
    """The scores asked for. The table on the terminal has `caption`, `random_story` and `human` beside: all are of the
    sources that have an output, and where these are a part, every signature says so."""
    if not (options.outputs or options.checkpoint):
        raise ScoringError("nothing to score: give --outputs, or --checkpoint, or both")
    if options.by_length and not options.outputs:
        raise ScoringError("--by-length applies to texts; give --outputs")
    if options.by_length and not options.by_length.absolute().parent.is_dir():
        raise ScoringError(f"--by-length: {options.by_length.parent} is not a folder")
    examples, outputs, coverage = what_is_scored(options)
    scored = [example for example in examples if example.id in outputs] if options.outputs else examples
    training = read_examples(options.train) if options.train else []
    stories = list(with_words(text for example in training for text in example.references))
    systems = {"caption": {example.id: example.source for example in scored}}
    if stories:
        systems["random_story"] = random_stories([example.id for example in scored], stories, seed=1)
    if options.outputs:
        systems["outputs"] = outputs
    of_texts = options.metric and [name for name in options.metric if isinstance(METRICS[name], TextMetric)]
    texts: dict[str, Any] = {"metrics": of_texts, "training_stories": stories, "of": len(examples)}
    texts["reward"] = options.reward
    table: dict[str, Scores] = {
        name: score_outputs(segments(scored, written), bertscore_model=options.bertscore_model, **texts)
        for name, written in systems.items()
    }
    table[HUMAN] = score_human(segments(scored, systems["caption"]), **texts)
    if judges := [name for name in options.metric or () if isinstance(METRICS[name], JudgeMetric)]:
        settings = JudgeSettings(cnn=SentenceCnnConfig.from_overrides(options.settings), encoder=options.encoder)
        judged_texts = {name: segments(scored, written) for name, written in systems.items()}
        with bar() as on_progress:
            judged = score_indistinguishable(
                judged_texts, metrics=judges, settings=settings, of=len(examples), on_progress=on_progress
            )
        judged[HUMAN] = judged_people(judged)
        table = {name: table.get(name, {}) | judged.get(name, {}) for name in dict.fromkeys((*table, *judged))}
    if options.checkpoint:
        from modeling.metrics.checkpoint import score_checkpoint  # loads torch

        try:
            with bar() as on_progress:
                of_checkpoint = score_checkpoint(options.checkpoint, examples, on_progress=on_progress)
        except ScoringError as error:
            if not options.outputs:
                raise
            print(f"{options.checkpoint}: {error}", file=sys.stderr)
            of_checkpoint = {}
        table["outputs"] = table.get("outputs", {}) | of_checkpoint
    table = {name: {metric: printed(score) for metric, score in scores.items()} for name, scores in table.items()}
    show(table)
    if options.by_length:
        draw_by_length(options.by_length, segments(scored, outputs), options.bertscore_model)
    result = {**table["outputs"], "beside": {name: scores for name, scores in table.items() if name != "outputs"}}
    return result | ({"coverage": coverage} if coverage else {})


def draw_by_length(file: Path, written: Sequence[Segment], bertscore_model: Path | None) -> None:
    from modeling.metrics.by_length import length_profile, length_svg, plotted

    options: dict[str, Any] = {"metrics": plotted(), "by_segment": True, "bertscore_model": bertscore_model}
    profile = length_profile(written, score_outputs(written, **options))
    if not profile:
        raise ScoringError("--by-length needs sources of at least two lengths")
    file.write_text(length_svg(profile), encoding="utf-8")


def what_is_scored(options: argparse.Namespace) -> tuple[list[Example], dict[str, str], dict[str, Any]]:
    """The examples with references, the outputs by id, and what has no part in the scores, if anything has none."""
    given = read_examples(options.input)
    outputs = read_outputs(options.outputs, [example.id for example in given]) if options.outputs else {}
    examples = [example for example in given if with_words(example.references)]
    bare = [example.id for example in given if not with_words(example.references)]
    missing = [example.id for example in examples if example.id not in outputs] if options.outputs else []
    if len(missing) == len(examples):
        raise ScoringError(f"{options.outputs or options.input}: has no text for any source with references")
    say(f"of {len(given)} sources have no reference with words and are not scored", bare)
    say(f"of {len(examples)} sources have no output and are not scored", missing)
    coverage = {"sources": len(examples) - len(missing), "of": len(examples), "missing": missing, "bare": bare}
    return examples, outputs, coverage if missing or bare else {}


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
        shown_name = f"{name} (learned)" if METRICS[name].learned else name
        print(f"{shown_name:26}" + "".join(f"{cell:>16}" for cell in cells), file=sys.stderr)
    for system, scores in table.items():
        for name, score in scores.items():
            if why := score.get("undefined", score.get("note")):
                print(f"{name} of {system}: {why}", file=sys.stderr)


def shown(score: dict[str, Any] | None) -> str:
    return "" if score is None else "undefined" if score["value"] is None else f"{score['value']:.4f}"
