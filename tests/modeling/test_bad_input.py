"""Odd captions are written for, left out or cut by name, by every family; none takes the rest down."""

import json
import re
from pathlib import Path

import pytest

from modeling.checkpoints import FINAL
from modeling.config import ARCHITECTURES, DecodingConfig, load_preset
from modeling.corpus import Example, read_examples
from modeling.decoding import Note, decode
from modeling.errors import CorpusError, DecodingError, TrainingError
from modeling.marks import MARKS
from modeling.training import train
from tests.modeling.corpora import write_examples

ODD = {
    "one word": "dog",
    "one letter": "d",
    "emoji": "a 🐶 dog 👨‍👩‍👧‍👦",
    "korean": "해변의 개",
    "control": "a\x00dog\x07is\x1b[31m at\u202e the beach",
    "mark": "<story> a dog </s> <pad>",
    "right to left": "كلب على الشاطئ",
}
WITHOUT_WORDS = {
    "empty": ("", r"source of 'empty' is empty after normalisation: ''"),
    "controls": ("\x01\x02", r"source of 'controls' is empty after normalisation: '\\x01\\x02'"),
    "blank": (" \n\t\u200b", r"source of 'blank' is empty after normalisation"),
    "half": ("a \ud83d dog", r"source of 'half' has an unpaired surrogate, '\\ud83d'"),
}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    config = load_preset("tiny", [f"architecture={request.param}", "vocabulary_size=60", "max_steps=2", "device=cpu"])
    train(config, train_file=write_examples(folder / "train.jsonl", 20), valid_file=None, directory=folder)
    return folder / FINAL


@pytest.mark.parametrize("method", ["nucleus", "greedy", "beam"])
def test_odd_captions_are_written_for(checkpoint: Path, method: str) -> None:
    config = DecodingConfig(method=method, max_length=12, temperature=5, device="cpu")
    found = list(decode(checkpoint, [Example(name, text) for name, text in ODD.items()], config))
    assert [each.id for each in found] == list(ODD)
    assert not [each.text for each in found if any(mark in each.text for mark in (*MARKS, "<unk>", "</s>", "⁇"))]


def test_a_caption_without_words_is_left_out_and_a_long_one_cut_by_name(checkpoint: Path) -> None:
    """The rest is written as if they were not there, and two that begin alike have one text."""
    config, notes = DecodingConfig(device="cpu", method="greedy", max_length=12), list[Note]()
    fine = [Example("fine", "a dog"), Example("other", "a cat")]
    bad = [Example(name, text) for name, (text, _) in WITHOUT_WORDS.items()]
    given = [bad[0], fine[0], *bad[1:], fine[1], Example("long", "dog " * 10_000), Example("longer", "dog " * 20_000)]
    found = {each.id: each for each in decode(checkpoint, given, config, on_note=notes.append)}
    assert list(found) == ["fine", "other", "long", "longer"]
    assert found["long"].text == found["longer"].text
    alone = {each.id: each.text for each in decode(checkpoint, fine, config)}
    assert {name: found[name].text for name in alone} == alone
    said = {note.id: note for note in notes}
    assert set(said) == {*WITHOUT_WORDS, "long", "longer"}
    for name, (_, message) in WITHOUT_WORDS.items():
        assert said[name].left_out
        assert re.search(message, said[name].why)
    assert not said["long"].left_out
    assert re.search(r"source of 'long' has \d{5} tokens, more than the limit of 256", said["long"].why)
    with pytest.raises(DecodingError, match=r"none of the 4 sources can be decoded; the first: source of 'empty'"):
        list(decode(checkpoint, bad, config))


def test_a_row_without_words_takes_no_training_down(tmp_path: Path) -> None:
    file = write_examples(tmp_path / "train.jsonl", 12)
    rows = [
        {"id": "blank", "source": " ", "references": ["we saw it"]},
        {"id": "silent", "source": "a dog", "references": ["", "\u200b", "we saw a dog"]},
    ]
    with file.open("a") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    config = load_preset("tiny", ["vocabulary_size=60", "max_steps=2", "device=cpu"])
    result = train(config, train_file=file, valid_file=file, directory=tmp_path / "out")
    assert result.left_out == 3
    assert "source of 'blank' is empty" in result.why_left_out[0]
    assert "reference of 'silent' is empty" in result.why_left_out[1]


def test_half_a_character_in_a_file_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    rows = [
        {"id": "a", "source": "\U0001f436", "references": ["x"]},
        {"id": "b", "source": "\ud83d", "references": ["x"]},
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(CorpusError, match=r"in\.jsonl:2: an unpaired surrogate, '\\ud83d'"):
        read_examples(file)


@pytest.mark.parametrize("family", ["gru-luong", "transformer"])
def test_an_exploding_learning_rate_stops_with_step_and_batch(family: str, tmp_path: Path) -> None:
    """Weights of 1e38 and a huge rate both end in a loss that is no number."""
    file = tmp_path / "train.jsonl"
    rows = [{"id": f"x{n}", "source": "a dog", "references": ["we saw a dog"], "weight": 1e38} for n in range(8)]
    file.write_text("\n".join(map(json.dumps, rows)))
    config = load_preset("tiny", [f"architecture={family}", "vocabulary_size=30", "max_steps=3", "device=cpu"])
    with pytest.raises(TrainingError, match=r"step 0: the loss is (inf|nan) .* on a batch of \d pairs with x0, x1"):
        train(config, train_file=file, valid_file=None, directory=tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))
