"""How far a reward model agrees with raters on texts that it has not seen, beside their own ceiling and trivial scores.

On `scratchplot_likert` (stories without a source; three raters each): rank correlation within systems, the mean over
the six, so that nothing is won by telling good systems from bad ones. Ratings are standardised by rater and criterion.
There are no references: BLEU is against the item's other stories. On `machine_human`: a sentence that a person wrote is
preferred to a system's for the same photo, with whole albums held out.
"""

import csv
import random
import time
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU

from benchmarks.common import print_result, print_table, read_jsonl, shared
from modeling.config import RewardConfig
from modeling.corpus import Example
from modeling.devices import cpu_threads
from modeling.feedback_rows import Preference, Row, Score
from modeling.metrics.intervals import percentiles
from modeling.reward_agreement import correlation, held_out_rewards
from modeling.reward_features import EmbeddingFeatures, no_report
from modeling.reward_fitting import CrossFits, Judged, Space, deal
from modeling.reward_training import reward_of, with_interval

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Story = tuple[str, str, str]  # batch, item, system
FOLDS, SEED, RESAMPLES, PHOTOS = 10, 1, 1000, 400
LEAST_SPREAD = 0.5  # of a rater's scores, who may have given one score alone


def main() -> None:
    started = time.process_time()
    with cpu_threads(1):
        result: dict[str, object] = {"scratchplot": scratchplot(), "machine_human": machine_human()}
    print_result(**result, cpu_seconds=round(time.process_time() - started))


@dataclass(frozen=True)
class Rated:
    """N stories with their texts; of each what raters said, standardised, by rater and criterion."""

    stories: list[Story]
    texts: list[str]
    said: list[dict[tuple[str, str], float]]
    items: Integers
    systems: Integers

    @classmethod
    def read(cls, *criteria: str) -> "Rated":
        with shared("ratings", "scratchplot_likert.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["criterion"] in criteria]
        given = defaultdict(list)
        for row in rows:
            given[row["rater"], row["criterion"]].append(float(row["score"]))
        said: dict[Story, dict[tuple[str, str], float]] = defaultdict(dict)
        texts: dict[Story, str] = {}
        for row in rows:
            story, rater = (row["batch"], row["item"], row["system"]), (row["rater"], row["criterion"])
            spread = max(float(np.std(given[rater])), LEAST_SPREAD)
            said[story][rater] = (float(row["score"]) - float(np.mean(given[rater]))) / spread
            texts[story] = row["text"]
        items, systems = (
            np.unique(["/".join(part) for part in parts], return_inverse=True)[1]
            for parts in ([story[:2] for story in texts], [story[::2] for story in texts])
        )
        return cls(list(texts), list(texts.values()), [said[story] for story in texts], items, systems)

    def rows(self) -> list[Row]:
        return [
            Score(
                Example("/".join(story), "", album="/".join(story[:2])),
                raters={"/".join(rater): value for rater, value in said.items()},
                text=text,
                score=float(np.mean(list(said.values()))),
            )
            for story, text, said in zip(self.stories, self.texts, self.said, strict=True)
        ]


def scratchplot() -> dict[str, dict[str, dict[str, tuple[float, float, float]]]]:
    result = {}
    for name, criteria in {
        "coherence": ("coherence",),
        "naturalness": ("naturalness",),
        "both": ("coherence", "naturalness"),
    }.items():
        rated = Rated.read(*criteria)
        result[name] = correlations(rated)
        table = [[f"{name}: Spearman within systems", "with the stories' means", "with each single rating"]]
        for what, cells in result[name].items():
            columns = (cells.get(target) for target in ("mean", "single"))
            table.append([what, *(with_interval(cell[0], cell[1:]) if cell else "" for cell in columns)])
        print_table(table)
    return result


def correlations(rated: Rated) -> dict[str, dict[str, tuple[float, float, float]]]:
    judged, features = Judged.of(rated.rows()), EmbeddingFeatures()
    space = Space(features(judged.texts), features.blocks)
    place = np.array([its[0] for its in judged.places])
    systems = np.empty(len(place), dtype=np.int64)
    systems[place] = rated.systems
    by_item = held_out(space, judged, deal(judged.groups, FOLDS, SEED))[place]
    by_system = held_out(space, judged, systems)[place]
    words = np.array([len(text.split()) for text in rated.texts], dtype=float)
    bleu = bleu_to_others(rated)
    single = [(number, rater, value) for number, said in enumerate(rated.said) for rater, value in said.items()]
    at = np.array([number for number, _, _ in single])
    values = np.array([value for _, _, value in single])
    rest = np.array(
        [
            np.mean([other for name, other in rated.said[number].items() if name != rater and name[1] == rater[1]])
            for number, rater, _ in single
        ]
    )
    means = np.array([np.mean(list(said.values())) for said in rated.said])
    against: dict[str, dict[str, Floats]] = {
        "raters' ceiling: the other raters": {"single": rest},
        "reward, items held out": {"mean": by_item, "single": by_item[at]},
        "reward, systems held out": {"mean": by_system, "single": by_system[at]},
        "number of words": {"mean": words, "single": words[at]},
        "BLEU to the item's other stories": {"mean": bleu, "single": bleu[at]},
    }
    if len({criterion for said in rated.said for _, criterion in said}) == 1:  # a rater of two would be held out in one
        unheard, groups = held_out_rewards(space, judged, folds=FOLDS, seed=SEED, l2=0.0, report=no_report)
        group_of = dict(zip(judged.raters, groups, strict=True))
        held = np.array([unheard[group_of["/".join(rater)], place[number]] for number, rater, _ in single])
        against["reward, items and raters held out"] = {"single": held}
    targets = {"mean": (means, rated.items, rated.systems), "single": (values, rated.items[at], rated.systems[at])}
    return {
        name: {target: within(scores, *targets[target]) for target, scores in each.items()}
        for name, each in against.items()
    }


def held_out(space: Space, judged: Judged, folds: Integers) -> Floats:
    """(texts): rewards by fits that did not see a text's fold, nor chose their penalty by it."""
    fits, rewards = CrossFits(space, judged.judgements(), folds), np.zeros(len(judged.texts))
    for fold in np.unique(folds).tolist():
        held, out = folds == fold, frozenset({fold})
        rewards[held] = space.rewards(fits.without(out, fits.l2(out)).coefficients)[held]
    return rewards


def bleu_to_others(rated: Rated) -> Floats:
    scorer, of_item = BLEU(lowercase=True, effective_order=True), defaultdict(list)
    for text, item in zip(rated.texts, rated.items, strict=True):
        of_item[item].append(text)
    return np.array(
        [
            scorer.sentence_score(text, [other for other in of_item[item] if other != text]).score
            for text, item in zip(rated.texts, rated.items, strict=True)
        ]
    )


def within(scores: Floats, target: Floats, items: Integers, systems: Integers) -> tuple[float, float, float]:
    """The mean over systems of the rank correlation, and its percentile interval over items."""

    def mean(places: Integers) -> float:
        parts = [places[systems[places] == system] for system in np.unique(systems)]
        found = [correlation(scores[part], target[part]) for part in parts if len(part)]
        return float(np.mean([value for value in found if value is not None]))

    generator, count = np.random.default_rng(SEED), int(items.max()) + 1
    members = [np.flatnonzero(items == item) for item in range(count)]
    drawn = [
        mean(np.concatenate([members[item] for item in generator.integers(count, size=count)]))
        for _ in range(RESAMPLES)
    ]
    return mean(np.arange(len(scores))), *percentiles(np.array(drawn))


def machine_human() -> dict[str, object]:
    photos = list(read_jsonl(shared("machine_human", "test.jsonl")))[:PHOTOS]
    rows: list[Row] = []
    for photo in photos:
        drawn = random.Random(f"{SEED}:{photo['photo']}")
        for system, texts in photo["machine"].items():
            example = Example(f"{photo['photo']}/{system}", "", album=photo["album"], photo=photo["photo"])
            rows.append(Preference(example, chosen=drawn.choice(photo["human"]), rejected=drawn.choice(texts)))
    pairs = [row for row in rows if isinstance(row, Preference)]
    longer = [np.sign(len(row.chosen.split()) - len(row.rejected.split())) / 2 + 0.5 for row in pairs]
    reward, found = reward_of(rows, RewardConfig(), "")
    accuracy = found.pairwise_accuracy
    print_table(
        [
            [f"a person's sentence before a system's, {accuracy.count:,} pairs of {found.groups} albums", "accuracy"],
            ["reward, albums held out", with_interval(accuracy.value, accuracy.ci)],
            ["the longer one", f"{np.mean(longer):.3f}"],
        ]
    )
    return {
        "pairs": accuracy.count,
        "accuracy": accuracy.value,
        "ci": accuracy.ci,
        "longer": float(np.mean(longer)),
        "l2": reward.about["l2"],
    }


if __name__ == "__main__":
    main()
