"""How well two judges tell real systems from people: 1 - AUC on unseen albums, 0.5 being indistinguishable.

On `machine_human` each sentence that a system wrote for a photo is an output; photos have no captions. On
`caption_story` the reference implementation's LSTM stands beside the captions it was given, each row alone.
"""

import argparse
import time

from benchmarks.common import print_result, print_table, read_jsonl, shared
from modeling.metrics import of_kind
from modeling.metrics.baselines import random_stories
from modeling.metrics.indistinguishable import HUMAN, score_indistinguishable
from modeling.metrics.judge_metric import JudgeMetric
from modeling.metrics.metric import Score
from modeling.metrics.texts import Segment

Systems = dict[str, list[Segment]]
JUDGES = [metric.name for metric in of_kind(JudgeMetric)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--split", default="test", choices=["valid", "test"])
    split = options.parse_args().split
    result: dict[str, dict[str, dict[str, float | None]]] = {}
    for data, systems in {"machine_human": machine_human(split), "caption_story": caption_story(split)}.items():
        columns = {}
        for judge in JUDGES:
            started = time.process_time()
            columns[judge] = judged(systems, judge)
            print(f"{data}, {judge}: {time.process_time() - started:.0f} CPU s for {len(columns[judge])} figures")
        names = list(columns[JUDGES[0]])
        print_table([[data, *JUDGES], *([name, *(cell(columns[judge][name]) for judge in JUDGES)] for name in names)])
        result[data] = {
            judge: {name: score["value"] for name, score in scores.items()} for judge, scores in columns.items()
        }
    print_result(**result)


def judged(systems: Systems, judge: str) -> dict[str, Score]:
    scores = {name: found[judge] for name, found in score_indistinguishable(systems, metrics=[judge]).items()}
    return {HUMAN: scores["random_story"]["beside"][HUMAN], **scores}


def cell(score: Score) -> str:
    if score["value"] is None:
        return str(score["undefined"])
    low, high = score["ci"]
    return f"{score['value']:.3f} [{low:.3f}, {high:.3f}]"


def machine_human(split: str) -> Systems:
    rows = list(read_jsonl(shared("machine_human", f"{split}.jsonl")))
    stories = [text for row in read_jsonl(shared("machine_human", "train.jsonl")) for text in row["human"]]
    drawn = random_stories([row["photo"] for row in rows], stories, seed=1)
    systems: Systems = {}
    for row in rows:
        for name, texts in {**row["machine"], "random_story": [drawn[row["photo"]]]}.items():
            systems.setdefault(name, []).extend(
                Segment(f"{row['photo']}-{number}", text, tuple(row["human"]), row["album"])
                for number, text in enumerate(texts)
            )
    return systems


def caption_story(split: str) -> Systems:
    rows = list(read_jsonl(shared("caption_story", f"{split}.jsonl")))
    stories = [row["story"] for row in read_jsonl(shared("caption_story", "train.jsonl"))]
    drawn = random_stories([str(row["id"]) for row in rows], stories, seed=1)
    texts = {
        "seed_lstm": [row["seed_lstm"] for row in rows],
        "caption": [row["caption"] for row in rows],
        "random_story": [drawn[str(row["id"])] for row in rows],
    }
    return {
        name: [Segment(str(row["id"]), text, (row["story"],)) for row, text in zip(rows, given, strict=True)]
        for name, given in texts.items()
    }


if __name__ == "__main__":
    main()
