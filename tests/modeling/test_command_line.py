"""`python -m modeling` on files: the three commands one after the other, and what they say to bad input."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modeling.__main__ import main
from tests.site import ROOT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "modeling", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_train_decode_score(corpus: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train_file, valid_file = map(str, corpus)
    settings = ["--preset", "tiny", "--set", "vocabulary_size=60", "max_steps=40"]
    done = run("train", "--train", train_file, "--valid", valid_file, *settings, "--out", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    trained = json.loads(done.stdout.splitlines()[-1])
    assert trained["steps"] == 40

    def told(*arguments: str) -> dict[str, Any]:
        """In this process, which may have loaded the libraries of the metrics already: they take ten seconds."""
        assert main([*arguments, "--json"]) == 0
        last: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return last

    outputs = tmp_path / "outputs.jsonl"
    decoded = told("decode", "--checkpoint", trained["checkpoint"], "--input", valid_file, "--out", str(outputs))
    assert (decoded["outputs"], decoded["engine"], decoded["settings"]["temperature"]) == (40, "torch", 0.7)
    row = json.loads(outputs.read_text().splitlines()[0])
    assert set(row) == {"id", "rank", "text", "logprob"}
    score = ["score", "--input", valid_file, "--outputs", str(outputs), "--train", train_file]
    scores = told(*score, "--checkpoint", trained["checkpoint"])
    assert {"bleu", "chrf", "distinct_1", "distinct_2", "unique", "repetition", "copy_rate"} <= set(scores)
    assert {"bertscore_f1", "caption_recall", "bleu_loo", "chrf_loo"} <= set(scores)
    assert {"nll", "source_gain", "source_gain_within_album", "retrieval_accuracy"} <= set(scores)
    assert {"nonword_rate", "top_share"} <= set(scores) & set(scores["beside"]["human"])
    assert set(scores["beside"]) == {"caption", "random_story", "human"}
    assert scores["beside"]["human"]["bleu_loo"]["signature"] == scores["bleu_loo"]["signature"]
    assert "bleu" not in scores["beside"]["human"]
    assert scores["beside"]["random_story"]["copy_rate"]["value"] == 1
    assert all(scores[metric]["signature"] for metric in scores if metric != "beside")


def test_a_part_of_the_outputs_is_scored_beside_the_same_sources(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three of 24 sources have an output: all that stands side by side is of these three, and says so."""
    rows = [{"id": str(n), "source": f"a dog {n}", "references": [f"we saw dog {n}", "a dog"]} for n in range(24)]
    rows.append({"id": "bare", "source": "a cat", "references": [" "]})
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    written = [{"id": str(n), "text": f"we saw dog {n}"} for n in range(3)]
    (tmp_path / "out.jsonl").write_text("\n".join(map(json.dumps, written)))
    (tmp_path / "three.jsonl").write_text("\n".join(map(json.dumps, rows[:3])))
    metrics = [part for metric in ("bleu", "chrf", "distinct_1", "bleu_loo") for part in ("--metric", metric)]
    command = ["--outputs", str(tmp_path / "out.jsonl"), *metrics, "--json"]
    assert main(["score", "--input", str(tmp_path / "in.jsonl"), *command]) == 0
    told = capsys.readouterr()
    assert "1 of 25 sources have no reference with words and are not scored: bare" in told.err
    assert "21 of 24 sources have no output" in told.err
    scores = json.loads(told.out.splitlines()[-1])
    assert (scores["coverage"]["sources"], scores["coverage"]["of"]) == (3, 24)
    assert main(["score", "--input", str(tmp_path / "three.jsonl"), *command]) == 0
    alone = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "coverage" not in alone
    for side in ("caption", "human"):
        for metric, score in scores["beside"][side].items():
            assert score["value"] == alone["beside"][side][metric]["value"]
            assert score["signature"].endswith("|sources:3of24")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"id": "a", "source": "x", "references": ["y"]}', "nonsense"], r"in\.jsonl:2: not JSON"),
        (['{"id": "a", "source": "x", "references": []}'], r"in\.jsonl:1: references=\[\] must be a list"),
        (['{"id": "a", "source": 3, "references": ["y"]}'], r"in\.jsonl:1: source=3 must be a string"),
        ([], "contains no examples"),
    ],
)
def test_bad_input_is_one_line(
    lines: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(lines))
    assert main(["train", "--train", str(file), "--preset", "tiny", "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err
    import re

    assert re.search(message, told)
    assert len(told.strip().splitlines()) == 1


def test_the_package_root_and_the_metrics_of_texts_load_no_torch() -> None:
    code = "import sys, modeling.config, modeling.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
