"""Pictures of attention: what is in them, in which order, and what cannot be drawn."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from modeling.__main__ import main
from modeling.architectures import FAMILIES
from modeling.architectures.interface import EncoderDecoder
from modeling.attention import attention_maps, readable
from modeling.checkpoints import load_checkpoint
from modeling.config import WITHOUT_ATTENTION, load_preset
from modeling.corpus import Example
from modeling.heatmap import CELL, AttentionMap, heatmap_svg
from modeling.training import TrainingResult, train
from tests.site import ROOT

SVG = "{http://www.w3.org/2000/svg}"
SIZES = ["vocabulary_size=64", "embedding_size=16", "hidden_size=16", "feedforward_size=32", "max_steps=8"]


def cells(svg: str) -> list[ElementTree.Element]:
    (group,) = ElementTree.fromstring(svg).findall(f"{SVG}g[@class='cells']")
    return group.findall(f"{SVG}rect")


def test_a_cell_for_each_two_pieces_as_full_as_its_weight() -> None:
    source, target = ["a", "<b>&\"'", "장면"], ["was", "\x07", "an", "extraordinarily_long_piece"]
    weights = [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.1, 0.2, 0.7], [0.0, 0.0, 1.0]]
    svg = heatmap_svg(AttentionMap(source, target, weights))
    drawn = cells(svg)
    assert [float(cell.attrib["fill-opacity"]) for cell in drawn] == [weight for row in weights for weight in row]
    places = [(float(cell.attrib["x"]), float(cell.attrib["y"])) for cell in drawn]
    left, top = places[0]
    assert places == [(left + CELL * s, pytest.approx(top + CELL * t, abs=0.1)) for t in range(4) for s in range(3)]
    root = ElementTree.fromstring(svg)
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    assert max(x for x, _ in places) + CELL <= width
    assert max(y for _, y in places) + CELL <= height
    assert "was: a 0.50" in root.findtext(f"{SVG}desc", "")
    labels = [text.text for text in root.findall(f"{SVG}g[@class='label']/{SVG}text")]
    assert labels == ["a", "<b>&\"'", "장면", "was", "\ufffd", "an", "extraordinarily_l…"]
    assert "style" not in svg, "the pages' content security policy allows no inline style"


def test_a_long_sentence_keeps_its_cells_apart() -> None:
    source, target = [f"word{n}" for n in range(120)], ["one", "two"]
    svg = heatmap_svg(AttentionMap(source, target, [[1 / 120] * 120] * 2))
    assert len(cells(svg)) == 240
    assert float(ElementTree.fromstring(svg).attrib["width"]) > 120 * CELL


@pytest.fixture(scope="module")
def models(corpus: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for family in FAMILIES:
        layers = 1 if family == "gru-attention" else 2
        config = load_preset("tiny", [*SIZES, f"architecture={family}", f"layers={layers}"])
        directory = tmp_path_factory.mktemp(family)
        found[family] = train(config, train_file=corpus[0], valid_file=None, directory=directory).checkpoint
    return found


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - set(WITHOUT_ATTENTION)))
def test_every_row_sums_to_one_and_stands_for_what_was_written(models: dict[str, Path], family: str) -> None:
    example, text = Example("e", "a dog is at the beach"), "we loved the dog so much."
    given, own = attention_maps(models[family], [(example, text), (example, None)])
    tokenizer = load_checkpoint(models[family]).tokenizer
    assert given.target == readable(tokenizer.encode(text), tokenizer)
    assert (given.source[-1], given.target[-1], own.target[-1]) == ("(end)", "(end)", "(end)")
    for drawn in (given, own):
        assert len(drawn.weights) == len(drawn.target)
        assert all(len(row) == len(drawn.source) for row in drawn.weights)
        assert all(sum(row) == pytest.approx(1, abs=1e-4) for row in drawn.weights)


def test_without_a_head_it_is_the_mean_of_the_last_layers_heads(models: dict[str, Path]) -> None:
    texts = [(Example("e", "a dog is at the beach"), "we loved the dog")]
    (mean,) = attention_maps(models["transformer"], texts)
    last = [attention_maps(models["transformer"], texts, head=head)[0].weights for head in (5, 6, 7, 8)]
    for row, rows in zip(mean.weights, zip(*last, strict=True), strict=True):
        assert row == pytest.approx([sum(weights) / 4 for weights in zip(*rows, strict=True)], abs=1e-5)


def test_families_without_attention_are_those_that_say_so() -> None:
    silent = {name for name, family in FAMILIES.items() if family.attention is EncoderDecoder.attention}
    assert silent == set(WITHOUT_ATTENTION)


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("lstm", [], "architecture=lstm: has no attention to draw"),
        ("bilstm", [], "architectures with attention: gru-attention, gru-luong, transformer"),
        ("transformer", ["--head", "9"], "head=9: must be a whole number from 1 to 8"),
        ("gru-luong", ["--head", "0"], "head=0: must be a whole number from 1 to 1"),
        ("transformer", ["--source", " "], "source of '--source' is empty"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_line(
    models: dict[str, Path], family: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["attention", "--checkpoint", str(models[family]), "--source", "a dog", *options]) == 1
    told = capsys.readouterr().err
    assert message in told
    assert len(told.strip().splitlines()) == 1


def test_the_command_writes_the_picture_and_prints_the_numbers(
    trained: TrainingResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "picture.svg"
    command = ["attention", "--checkpoint", str(trained.checkpoint), "--source", "a dog is at the beach"]
    assert main([*command, "--out", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"source", "target", "weights"}
    assert len(cells(file.read_text())) == len(told["source"]) * len(told["target"])
    assert main(command) == 0
    assert capsys.readouterr().out == file.read_text(), "without --out and --json it is printed"


def test_drawing_loads_no_torch() -> None:
    code = "import sys, modeling.heatmap; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
