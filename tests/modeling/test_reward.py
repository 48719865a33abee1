"""A reward model on disk: whole or refused, the same each time, and what it is used for."""

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from modeling import reward_features, sealed
from modeling.__main__ import main
from modeling.checkpoints import load_checkpoint
from modeling.config import ConfigError, DecodingConfig, RewardConfig, TrainingConfig
from modeling.corpus import Example, encode_source, encode_text, read_examples
from modeling.decoding import decode
from modeling.errors import CheckpointError, CorpusError, ScoringError
from modeling.marks import BEGIN
from modeling.metrics.outputs import score_human, score_outputs
from modeling.metrics.texts import Segment
from modeling.reward import HEAD, MANIFEST, Reward
from modeling.reward_features import SURFACE, StateFeatures, surface
from modeling.reward_training import train_reward
from modeling.training import TrainingResult, train
from tests.modeling.conftest import TINY

WEATHER = ("sunny", "warm and bright", "lovely", "wonderful"), ("rainy", "cold and dark", "awful", "terrible")
PLACES = ("at the beach", "in the park", "by the lake", "in the city", "on the hill", "at the fair")


def feedback_file(file: Path, *, flipped: float = 0.2, sources: int = 60, seed: int = 1) -> Path:
    """Raters like good weather, but for a fifth of what they say: scores, preferences and labels of two raters."""
    drawn = random.Random(seed)
    rows = []
    for number in range(sources):
        place = drawn.choice(PLACES)
        good, bad = (f"the day {place} was {drawn.choice(words)} ." for words in WEATHER)
        common = {"source": f"people {place} {number}", "album": f"album {number // 2}"}

        def side(drawn: random.Random = drawn) -> bool:
            return drawn.random() >= flipped

        chosen, rejected = (good, bad) if side() else (bad, good)
        rows.append(
            {"kind": "preference", "chosen": chosen, "rejected": rejected, "flip_rate": 0.2, "raters": {"r1": 1}}
        )
        for text, sign in ((good, 1), (bad, -1)):
            said = {name: (sign if side() else -sign) + drawn.gauss(0, 0.3) for name in ("r2", "r3")}
            rows.append({"kind": "score", "text": text, "score": sum(said.values()) / 2, "raters": said})
        likes = side()
        rows.append({"kind": "label", "text": good, "desirable": likes, "flip_rate": 0.2, "raters": {"r1": int(likes)}})
        for row in rows[-4:]:
            row |= common
    lines = (json.dumps({"id": str(number), **row}) for number, row in enumerate(rows))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def feedback(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return feedback_file(tmp_path_factory.mktemp("feedback") / "feedback.jsonl")


@pytest.fixture(scope="module")
def folder(feedback: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_reward(
        RewardConfig(folds=3), feedback=feedback, folder=tmp_path_factory.mktemp("rewards") / "weather"
    ).folder


def test_the_command_fits_says_how_far_it_agrees_and_is_the_same_each_time(
    feedback: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["reward", "--feedback", str(feedback), "--out", str(tmp_path / "again"), "--set", "folds=3", "--json"]
    assert main(command) == 0
    told = capsys.readouterr()
    result = json.loads(told.out.splitlines()[-1])
    accuracy = result["agreement"]["pairwise_accuracy"]
    # A fifth of all was said the wrong way round; nothing can agree with more than four fifths, but by luck.
    assert 0.66 < accuracy["value"] < 0.93
    assert accuracy["ci"][0] < accuracy["value"] < accuracy["ci"][1]
    assert 0.5 < accuracy["ceiling"] < 0.9
    assert "raters' ceiling" in told.err
    assert "60 preference rows, 120 score rows, 60 label rows" in told.err
    assert result["learned_from"]["judgements"] == {"score": 240, "preference": 60, "label": 60}
    for name in (MANIFEST, HEAD):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    assert main(command) == 1
    assert "again: already exists" in capsys.readouterr().err


def test_what_is_loaded_is_what_was_saved_and_likes_what_raters_liked(folder: Path) -> None:
    reward = Reward.load(folder)
    pairs = [("people by the sea", f"it was {word} by the sea .") for words in WEATHER for word in words]
    scores = reward.scores(pairs)
    assert min(scores[:4]) > max(scores[4:])
    assert Reward.load(folder).scores(pairs).tolist() == scores.tolist()
    assert reward.scores(pairs[2:3])[0] == pytest.approx(scores[2], abs=1e-5), "alone as in a batch"
    assert reward.scores([(pairs[0][0], "It was  sunny by the sea.")])[0] == pytest.approx(scores[0], abs=1e-5)
    assert reward.scores([]).tolist() == []
    assert np.isfinite(reward.scores([("", ""), ("a", ""), ("", "a")])).all()


def altered(name: str) -> Callable[[Path], None]:
    def alter(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(bytes(content))

    return alter


def another_encoder(folder: Path) -> None:
    about = json.loads((folder / MANIFEST).read_text())
    about["features"]["sha256"] = "0" * 64
    del about["sha256"]
    (folder / MANIFEST).write_bytes(sealed.sealed(about))


def other_shape(folder: Path) -> None:
    tensors = load_file(folder / HEAD)
    save_file({name: tensor[:-1] for name, tensor in tensors.items()}, folder / HEAD)
    about = json.loads((folder / MANIFEST).read_text())
    about["files"][HEAD] = reward_features.weights_sha256(folder)
    del about["sha256"]
    (folder / MANIFEST).write_bytes(sealed.sealed(about))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (altered(HEAD), "head.safetensors: altered"),
        (altered(MANIFEST), "reward.json: altered|reward.json: not written|has format"),
        (lambda folder: (folder / HEAD).unlink(), "head.safetensors: missing"),
        (lambda folder: (folder / MANIFEST).unlink(), "reward.json: missing, so this is not a reward model"),
        (lambda folder: (folder / "code.pkl").write_bytes(b""), "code.pkl: not part of this reward model"),
        (another_encoder, "but the reward model was fitted on 000000000000"),
        (other_shape, "head.safetensors: does not fit its features"),
        (shutil.rmtree, "no such reward model"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(
    change: Callable[[Path], None], message: str, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    change(tmp_path / "copy")
    with pytest.raises(CheckpointError, match=message):
        Reward.load(tmp_path / "copy")


def test_feedback_that_teaches_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = feedback_file(tmp_path / "few.jsonl", sources=4)
    assert main(["reward", "--feedback", str(few), "--out", str(tmp_path / "out")]) == 1
    assert "the feedback is of 2 albums or sources, too few to hold out one in 5" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(CorpusError, match=r"nowhere\.jsonl: cannot be read"):
        train_reward(RewardConfig(), feedback=tmp_path / "nowhere.jsonl", folder=tmp_path / "out")
    with pytest.raises(ConfigError, match="states=b: not used together with encoder"):
        RewardConfig(encoder="a", states="b")
    with pytest.raises(ConfigError, match="the encoder has no weights in safetensors"):
        train_reward(RewardConfig(encoder=str(tmp_path), folds=2), feedback=few, folder=tmp_path / "out")


def test_the_text_that_raters_would_like_best_comes_first(
    trained: TrainingResult, corpus: tuple[Path, Path], folder: Path
) -> None:
    sources = read_examples(corpus[1])[:6]
    config = DecodingConfig(samples=6, temperature=1.6, rerank=f"reward:{folder}")
    written = list(decode(trained.checkpoint, sources, config))
    plain = list(decode(trained.checkpoint, sources, replace(config, rerank="none")))
    assert sorted((each.id, each.text) for each in written) == sorted((each.id, each.text) for each in plain)
    assert [each.text for each in written] != [each.text for each in plain]
    reward = Reward.load(folder)
    for source in sources:
        texts = [each.text for each in written if each.id == source.id]
        scores = reward.scores([(source.source, text) for text in texts])
        assert all(np.diff(scores) < 1e-5)
    best = list(decode(trained.checkpoint, sources, replace(config, keep=1)))
    assert best == [each for each in written if each.rank == 0]


def test_it_ranks_what_either_engine_writes(
    corpus: tuple[Path, Path], tiny: TrainingConfig, folder: Path, tmp_path: Path
) -> None:
    config = replace(tiny, architecture="transformer", max_steps=30, feedforward_size=64)
    checkpoint = train(config, train_file=corpus[0], valid_file=None, directory=tmp_path).checkpoint
    sources, reward = read_examples(corpus[1])[:4], Reward.load(folder)
    for engine in ("torch", "ct2"):
        drawn = DecodingConfig(samples=5, temperature=1.5, engine=engine, rerank=f"reward:{folder}")
        used: list[str] = []
        written = list(decode(checkpoint, sources, drawn, on_engine=used.append))
        assert used == [engine]
        for source in sources:
            texts = [each.text for each in written if each.id == source.id]
            assert len(texts) == 5
            assert all(np.diff(reward.scores([(source.source, text) for text in texts])) < 1e-5)


def test_what_is_no_reward_model_ranks_nothing(trained: TrainingResult, tmp_path: Path) -> None:
    config = DecodingConfig(samples=2, rerank=f"reward:{tmp_path}")
    with pytest.raises(CheckpointError, match=r"reward\.json: missing, so this is not a reward model"):
        list(decode(trained.checkpoint, [Example("1", "a dog")], config))
    for value in ("reward:", "reward", "rewards:a"):
        with pytest.raises(ConfigError, match="must be none or source or pmi or reward:FOLDER"):
            DecodingConfig(samples=2, rerank=value)
    with pytest.raises(ConfigError, match="a single text cannot be reordered"):
        DecodingConfig(rerank="reward:somewhere")


def test_as_a_metric_it_says_that_it_was_learned_and_from_what(folder: Path) -> None:
    texts = [word for words in WEATHER for word in words]
    segments = [
        Segment(str(n), f"It was {text}.", ("it was awful",), None, "the beach") for n, text in enumerate(texts)
    ]
    found = score_outputs(segments, metrics=["reward"], reward=folder, resamples=20, by_segment=True)["reward"]
    expected = Reward.load(folder).scores([("the beach", segment.output) for segment in segments])
    assert found["by_segment"] == pytest.approx(expected.tolist())
    assert found["value"] == pytest.approx(expected.mean())
    data = json.loads((folder / MANIFEST).read_text())["data_sha256"]
    assert f"|learned:linear|head:{reward_features.weights_sha256(folder)[:12]}|data:{data[:12]}|" in found["signature"]
    human = score_human(segments, metrics=["reward"], reward=folder, resamples=20)["reward"]
    assert human["value"] < min(found["by_segment"][:4])
    assert "reward" not in score_outputs(segments, resamples=0)
    with pytest.raises(ScoringError, match="reward: needs the folder of a reward model"):
        score_outputs(segments, metrics=["reward"])


def test_the_score_command_marks_it_as_learned(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, written = tmp_path / "given.jsonl", tmp_path / "written.jsonl"
    given.write_text('{"id": "1", "source": "the beach", "references": ["it was fun", "a sunny day"]}\n')
    written.write_text('{"id": "1", "text": "it was sunny"}\n')
    command = ["score", "--input", str(given), "--outputs", str(written), "--metric", "bleu", "--json"]
    assert main([*command, "--metric", "reward", "--reward", str(folder)]) == 0
    told = capsys.readouterr()
    assert "reward (learned)" in told.err
    result = json.loads(told.out)
    assert result["reward"]["value"] == pytest.approx(Reward.load(folder).scores([("the beach", "it was sunny")])[0])
    assert set(result["beside"]) >= {"caption", "human"}
    assert "reward" in result["beside"]["human"]
    assert main(command) == 0
    assert "reward" not in json.loads(capsys.readouterr().out)


def test_surface_features_by_hand() -> None:
    found = dict(zip(SURFACE, surface("a big dog", "a dog and a dog ran"), strict=True))
    assert found == pytest.approx(
        {
            "words": np.log(7),
            "word_length": (1 + 3 + 3 + 1 + 3 + 3) / 6,
            "source_in_text": 2 / 3,
            "text_in_source": 4 / 6,
            "repeated_bigrams": 1 - 4 / 5,
        }
    )
    assert surface("", "") == (0, 0, 0, 0, 0)


def test_a_checkpoints_states_are_the_mean_of_what_it_decodes_from(
    trained: TrainingResult, feedback: Path, tmp_path: Path
) -> None:
    """Each text by itself, given to the model without padding."""
    loaded = load_checkpoint(trained.checkpoint)
    model = loaded.model(torch.device("cpu"))
    pairs = [("a dog in the park", "the dog ran"), ("", "we saw a cat and it was a long day"), ("a cat", "fun")]
    found = StateFeatures(trained.checkpoint)(pairs)
    for row, (source, text) in zip(found, pairs, strict=True):
        if not source:
            continue
        given = torch.from_numpy(encode_source(Example("", source), loaded.tokenizer, loaded.config).astype(np.int64))
        target = torch.from_numpy(encode_text(text, loaded.tokenizer, 99, "text").astype(np.int64))
        inputs = torch.cat([torch.tensor([BEGIN]), target[:-1]])
        with torch.no_grad():
            hidden = model.hidden(inputs[None], model.encode(given[None], torch.tensor([len(given)])))[0]
        assert row[: -len(SURFACE)] == pytest.approx(hidden.mean(dim=0).numpy(), abs=1e-5)
    config = RewardConfig(states=str(trained.checkpoint), folds=2, l2=1.0)
    result = train_reward(config, feedback=feedback, folder=tmp_path / "of states")
    assert result.reward.about["l2"] == 1
    again = Reward.load(tmp_path / "of states")
    assert again.scores(pairs).tolist() == result.reward.scores(pairs).tolist()
    assert again.features.identity["states"] == str(trained.checkpoint)


def test_a_training_that_draws_is_measured_by_the_reward_model_it_names(
    folder: Path,
    corpus: tuple[Path, Path],
    trained: TrainingResult,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = ["--train", str(corpus[0]), "--valid", str(corpus[1]), "--out", str(tmp_path / "out")]
    learning = ["objective=dpo", f"init={trained.checkpoint}", "draws=4", "draw_sources=6", f"reward={folder}"]
    assert main(["train", *files, "--preset", "tiny", "--json", "--set", *TINY, *learning, "max_steps=2"]) == 0
    said = capsys.readouterr()
    figures = {each["name"]: each for each in json.loads(said.out)["guarding"]["figures"]}
    reward, texts = Reward.load(folder), {each.id: each for each in read_examples(corpus[1])}
    written = decode(trained.checkpoint, list(texts.values()), DecodingConfig())
    before = reward.scores([(texts[each.id].source, each.text) for each in written])
    assert figures["reward"]["before"] == pytest.approx(before.mean())
    low, high = figures["reward"]["before_ci"]
    assert f"reward: {before.mean():.3f} [{low:.3f}, {high:.3f}] before, " in said.err
