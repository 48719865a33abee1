"""Judges that tell people from machines: what they are asked, what they may go by, and when nothing they say counts."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from modeling.__main__ import main
from modeling.config import SentenceCnnConfig
from modeling.errors import ScoringError
from modeling.metrics import of_kind
from modeling.metrics.cross_fitting import Albums, Flags, Values, albums_of, tell_apart
from modeling.metrics.indistinguishable import score_indistinguishable, scores_by
from modeling.metrics.intervals import difference_interval
from modeling.metrics.judge_metric import JudgeMetric, JudgeSettings
from modeling.metrics.texts import Segment
from modeling.text import plain_words
from tests.modeling.corpora import NOUNS, PLACES

QUICK = JudgeSettings(cnn=SentenceCnnConfig(filters=20, embedding_size=20), resamples=200)


class Watching:
    """Scores by a rule, and keeps what it was asked."""

    signature = "rule"

    def __init__(self, rule: dict[str, float]) -> None:
        self.rule, self.asked = rule, []

    def __call__(self, texts: Sequence[str], human: Flags, held: Sequence[str], seed: int) -> Values:
        self.asked.append((list(texts), human.tolist(), list(held), seed))
        return np.array([self.rule.get(text, 0.0) for text in held])


class ByPlace:
    """Looks at no text: people's are dealt in turn, so that the place in the list gives half of them away."""

    signature = "place"

    def __call__(self, texts: Sequence[str], human: Flags, held: Sequence[str], seed: int) -> Values:
        return np.arange(len(held)) % 2


def sides(seed: int = 1, albums: int = 12, each: int = 5) -> tuple[Albums, Albums]:
    """Different texts whose names say who wrote them and in which album."""
    made = [
        albums_of((f"{name} {album} {number}", f"a{album}") for album in range(albums) for number in range(each))
        for name in ("human", "machine")
    ]
    return made[0], made[1]


def told(human: Albums, machine: Albums | None, judge: Watching, **options: int) -> float:
    return tell_apart(human, machine, judge, **{"seed": 1, "resamples": 50, **options}).value


def test_no_album_is_both_learned_and_asked() -> None:
    judge = Watching({})
    human, machine = sides()
    for who in (machine, None):
        told(human, who, judge)
    assert len(judge.asked) == 20
    for learned, _, held, _ in judge.asked:
        albums = [{text.split()[1] for text in part} for part in (learned, held)]
        assert not albums[0] & albums[1]
        assert len(albums[0]) == len(albums[1]) == 6
    for (learned, *_), (_, _, held, _) in zip(judge.asked[::2], judge.asked[1::2], strict=True):
        assert sorted(learned) == sorted(held)  # the two folds of a repeat


def test_both_sides_are_balanced_and_drawn_anew() -> None:
    """60 of people's, 30 of a machine's: 30 of each a repeat, and over five repeats nearly all of people's."""
    judge = Watching({})
    human, machine = sides()
    few = dict(list(machine.items())[:30])
    told(human, few, judge)
    seen: set[str] = set()
    for first, second in zip(judge.asked[::2], judge.asked[1::2], strict=True):
        texts = first[0] + second[0]
        assert sum(text.startswith("human") for text in texts) == 30
        assert sorted(text for text in texts if text.startswith("machine")) == sorted(few)
        seen |= set(texts)
    assert 54 < len(seen & set(human)) <= 60


def test_the_figure_is_one_minus_the_auc_within_folds() -> None:
    """By scikit-learn; the scores of each fit are moved as a whole, which only an AUC over all folds would feel."""
    human, machine = sides()
    draw = random.Random(3)
    rule = {text: draw.gauss(0.7 * text.startswith("human"), 1) for text in (*human, *machine)}

    class Moving(Watching):
        def __call__(self, texts: Sequence[str], human: Flags, held: Sequence[str], seed: int) -> Values:
            return super().__call__(texts, human, held, seed) + 100 * len(self.asked)

    judge = Moving(rule)
    value = told(human, machine, judge)
    expected = [
        roc_auc_score([text.startswith("human") for text in held], [rule[text] for text in held])
        for _, _, held, _ in judge.asked
    ]
    assert value == pytest.approx(1 - np.mean(expected))


def test_the_interval_is_that_of_a_mean_over_albums() -> None:
    """A rule that gets whole albums right or wrong: of A independent albums the share has sd near sqrt(p(1-p)/A)."""
    human, machine = sides(albums=100, each=2)
    wrong = {str(number) for number in random.Random(1).sample(range(100), 30)}
    rule = {text: 1.0 if text.split()[1] in wrong else 0.0 for text in machine}
    rule |= dict.fromkeys(human, 0.5)
    figure = tell_apart(human, machine, Watching(rule), seed=1, resamples=1000)
    assert figure.value == pytest.approx(0.3, abs=0.01)
    half = 1.96 * (0.3 * 0.7 / 100) ** 0.5
    assert figure.ci == pytest.approx((0.3 - half, 0.3 + half), abs=0.02)


def test_two_machines_are_compared_on_the_same_albums() -> None:
    """One machine passes for a person in 30 of A albums, another in 20 of these: the difference of -0.1 has the sd of a
    mean of paired values, sqrt((0.1 - 0.1²) / A), less than half of that of independent ones."""
    human, machine = sides(albums=100, each=2)
    wrong = random.Random(1).sample(range(100), 30)
    found = []
    for fooled in (wrong, wrong[:20]):
        rule = {text: 1.0 if int(text.split()[1]) in fooled else 0.0 for text in machine} | dict.fromkeys(human, 0.5)
        found.append(tell_apart(human, machine, Watching(rule), seed=1, resamples=1000))
    half = 1.96 * ((0.1 - 0.1**2) / 100) ** 0.5
    interval = difference_interval(found[0].resampled, found[1].resampled)
    assert interval == pytest.approx((-0.1 - half, -0.1 + half), abs=0.02)
    elsewhere = tell_apart(*sides(albums=99, each=2), Watching({}), seed=1, resamples=1000)
    assert difference_interval(found[0].resampled, elsewhere.resampled) is None


def test_a_text_counts_once_a_side_and_keeps_its_copies_together() -> None:
    human, machine = sides()
    shared = {"we had fun": [f"a{n}" for n in range(12)]}
    judge = Watching({})
    told(human | shared, machine | shared, judge)
    for learned, wrote, held, _ in judge.asked:
        assert (learned.count("we had fun"), held.count("we had fun")) in [(2, 0), (0, 2)]
        if "we had fun" in learned:
            assert {wrote[n] for n, text in enumerate(learned) if text == "we had fun"} == {True, False}
    often = [("we had fun", f"a{n}") for n in range(12)] * 7
    assert len(albums_of(often)) == 1


def world(seed: int, count: int, endings: Sequence[str]) -> list[str]:
    draw = random.Random(seed)
    return [
        f"we saw the {draw.choice(NOUNS)} {n} {draw.choice(endings)} the {draw.choice(PLACES)}" for n in range(count)
    ]


def segments(texts: Sequence[str], references: Sequence[str]) -> list[Segment]:
    return [
        Segment(str(n), text, (reference,), f"a{n // 4}")
        for n, (text, reference) in enumerate(zip(texts, references, strict=True))
    ]


@pytest.fixture(scope="module")
def scores() -> dict[str, dict[str, dict[str, object]]]:
    people = world(1, 100, ["near", "behind"])
    systems = {
        "caption": world(2, 100, ["is at", "is near"]),
        "random_story": world(3, 100, ["near", "behind"]),
        "few": ["We had fun ."] * 100,
        "typographer": [text.capitalize().replace("the", "the ,") + " !" for text in world(4, 100, ["near", "behind"])],
    }
    return score_indistinguishable({name: segments(texts, people) for name, texts in systems.items()}, settings=QUICK)


@pytest.mark.parametrize("metric", [judge.name for judge in of_kind(JudgeMetric)])
def test_judges_tell_other_words_and_not_the_same(metric: str, scores: dict[str, dict[str, dict[str, object]]]) -> None:
    assert scores["caption"][metric]["value"] < 0.1
    for name in ("random_story", "typographer"):
        assert scores[name][metric]["value"] == pytest.approx(0.5, abs=0.1)
    for name in ("caption", "random_story", "typographer"):
        beside = scores[name][metric]["beside"]
        assert list(beside) == ["human", "caption", "random_story"]
        assert beside["human"]["ci"][0] <= 0.5 <= beside["human"]["ci"][1]
        assert beside["caption"]["value"] == scores["caption"][metric]["value"]
        assert f"|human:{beside['human']['value']:.2f}|caption:" in scores[name][metric]["signature"]
        assert scores[name][metric]["signature"].startswith(f"{metric}|")
        assert len(scores[name][metric]["signature"]) <= 300


@pytest.mark.parametrize("metric", [judge.name for judge in of_kind(JudgeMetric)])
def test_a_system_with_too_few_texts_has_no_figure(
    metric: str, scores: dict[str, dict[str, dict[str, object]]]
) -> None:
    assert scores["few"][metric]["value"] is None
    assert (
        scores["few"][metric]["undefined"]
        == "1 different texts are too few for a judge to learn from; at least 20 are needed"
    )


def test_a_judge_that_tells_people_from_people_is_refused() -> None:
    human, machine = sides(each=6)
    score = scores_by(ByPlace(), human, {"gru": machine}, QUICK)["gru"]
    assert score["value"] is None
    assert score["undefined"].startswith("refused: this judge tells human sentences from other human sentences: ")
    low, high = score["beside"]["human"]["ci"]
    assert not low <= 0.5 <= high


def test_the_same_seed_gives_the_same_figures() -> None:
    people, outputs = world(1, 40, ["near"]), world(5, 40, ["near", "at"])
    systems = {"random_story": segments(outputs, people)}
    found = [score_indistinguishable(systems, metrics=["cnn_indistinguishable"], settings=QUICK) for _ in range(2)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It was n't the dogs ' fun , [male] said .", "it wasn’t the dogs' fun — [ MALE ] said!"),
        ("The ice-cream ( 3,000 ) ...", "the ice - cream 3 , 000"),
        ("``Ｗｅ'' saw  Café_2", "we saw cafe\u0301 2"),
    ],
)
def test_typography_leaves_no_trace(one: str, other: str) -> None:
    assert plain_words(one) == plain_words(other)
    assert plain_words("[female] was n't at [location].") == "someone wasnt at that place"
    assert plain_words("!? ...") == ""


def test_what_cannot_be_judged_is_refused() -> None:
    people = world(1, 30, ["near"])
    systems = {"random_story": segments(people, people)}
    with pytest.raises(ScoringError, match="no random stories to compare with"):
        score_indistinguishable({"gru": systems["random_story"]})
    with pytest.raises(ScoringError, match="unknown metric 'bleu'; valid metrics: cnn_indistinguishable"):
        score_indistinguishable(systems, metrics=["bleu"])
    with pytest.raises(ScoringError, match="nowhere: not a sentence encoder of the transformers library"):
        score_indistinguishable(
            systems, metrics=["embedding_indistinguishable"], settings=JudgeSettings(encoder=Path("nowhere"))
        )
    score = score_indistinguishable(systems, metrics=["cnn_indistinguishable"], settings=QUICK)["random_story"]
    assert (
        score["cnn_indistinguishable"]["undefined"]
        == "30 different human texts are too few for a judge; at least 40 are needed"
    )


def test_the_command_asks_a_judge_with_word_vectors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people, outputs = world(1, 60, ["near"]), world(2, 60, ["is at"])
    files = {name: tmp_path / name for name in ("in.jsonl", "out.jsonl", "train.jsonl", "glove.txt")}
    rows = [
        {"id": str(n), "source": text, "references": [text], "album": f"a{n // 3}"} for n, text in enumerate(people)
    ]
    files["in.jsonl"].write_text("\n".join(map(json.dumps, rows)))
    files["train.jsonl"].write_text("\n".join(map(json.dumps, rows)))
    files["out.jsonl"].write_text("\n".join(json.dumps({"id": str(n), "text": t}) for n, t in enumerate(outputs)))
    words = sorted({word for text in (*people, *outputs) for word in text.split()})
    draw = random.Random(1)
    files["glove.txt"].write_text("\n".join(f"{word} {draw.gauss(0, 1)} {draw.gauss(0, 1)}" for word in words))
    command = ["score", "--input", str(files["in.jsonl"]), "--outputs", str(files["out.jsonl"]), "--json"]
    command += ["--metric", "cnn_indistinguishable"]
    settings = ["--set", "embeddings=two-channel", f"vectors={files['glove.txt']}", "filters=20"]
    assert main([*command, "--train", str(files["train.jsonl"]), *settings]) == 0
    found = json.loads(capsys.readouterr().out)
    score = found["cnn_indistinguishable"]
    assert score["value"] < 0.2
    assert found["beside"]["human"]["cnn_indistinguishable"]["value"] == score["beside"]["human"]["value"]
    assert "|emb:two-channel.glove.txt|" in score["signature"]
    assert main(command) == 1
    assert "no random stories to compare with; give training stories to draw them from" in capsys.readouterr().err


def test_a_real_system_is_told_from_people_and_people_are_not(shared_data: Path) -> None:
    """Fifteen test albums, the system `xe`, by the linear judge."""
    rows = [json.loads(line) for line in (shared_data / "machine_human" / "test.jsonl").open(encoding="utf-8")]
    kept = set(sorted({row["album"] for row in rows})[:15])
    rows = [row for row in rows if row["album"] in kept and row["machine"].get("xe")]
    stories = [text for row in rows[::-1] for text in row["human"]][: len(rows)]
    systems = {
        "xe": [Segment(row["photo"], row["machine"]["xe"][0], tuple(row["human"]), row["album"]) for row in rows],
        "random_story": [
            Segment(row["photo"], story, tuple(row["human"]), row["album"])
            for row, story in zip(rows, stories, strict=True)
        ],
    }
    score = score_indistinguishable(systems, metrics=["embedding_indistinguishable"])["xe"]
    assert score["embedding_indistinguishable"]["value"] < 0.3
    low, high = score["embedding_indistinguishable"]["beside"]["human"]["ci"]
    assert low <= 0.5 <= high
