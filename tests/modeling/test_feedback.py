"""Learning from what was said of texts: what a row becomes, what its loss is, and a training over it."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from modeling import devices
from modeling.architectures import Model, build
from modeling.batching import Planner, make_batch, padded_tokens
from modeling.checkpoints import load_checkpoint
from modeling.config import FEEDBACK_OBJECTIVES, ConfigError, TrainingConfig, load_preset
from modeling.corpus import Example
from modeling.errors import CorpusError
from modeling.feedback import OBJECTIVES, JudgedPair, OfJudged, Unlikelihood, with_references
from modeling.feedback_rows import Label, Preference, Row, Score, Span, Spans, read_feedback
from modeling.gradients import Gradients
from modeling.judged_pairs import elsewhere, judged_pairs, labelled, token_marks
from modeling.objectives import Likelihood, Part
from modeling.processes import Processes
from modeling.tokenization import Normalisation, Tokenizer
from modeling.training import TrainingResult, train
from tests.modeling.corpora import NOUNS, PLACES
from tests.modeling.interruptions import Stop

CPU = torch.device("cpu")
SOURCES = [Example(f"{noun}-{place}", f"a {noun} is at the {place}") for noun in NOUNS for place in PLACES]
TEXTS = ("We loved the {noun} so much .", "The {place} was lovely .")


def texts_for(example: Example) -> tuple[str, ...]:
    noun, place = example.id.split("-")
    return tuple(text.format(noun=noun, place=place) for text in TEXTS)


PREFERENCES: list[Row] = [Preference(each, chosen=texts_for(each)[0], rejected=texts_for(each)[1]) for each in SOURCES]
LABELS: list[Row] = [
    Label(replace(each, id=f"{each.id}-{good}"), text=texts_for(each)[not good], desirable=good)
    for each in SOURCES
    for good in (True, False)
]
MARKED: list[Row] = [Spans(each, text=texts_for(each)[1], spans=(Span(0, 3, 1.0),)) for each in SOURCES]
ROWS: dict[str, list[Row]] = {"kto": LABELS, "unlikelihood": MARKED}


def line(row: Row) -> dict[str, Any]:
    kind = {Preference: "preference", Label: "label", Score: "score", Spans: "spans"}[type(row)]
    told = {key: value for key, value in vars(row).items() if key not in ("example", "raters")}
    if isinstance(row, Spans):
        told["spans"] = [vars(span) for span in row.spans]
    return {"id": row.example.id, "source": row.example.source, "kind": kind, **told}


def write_feedback(file: Path, rows: list[Row]) -> Path:
    file.write_text("".join(json.dumps(line(row)) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    said = [text for each in SOURCES for text in (each.source, *texts_for(each))]
    return Tokenizer.train(said, Normalisation(), vocabulary_size=120, seed=1)


def config(objective: str, *more: str) -> TrainingConfig:
    return load_preset("tiny", [f"objective={objective}", "init=somewhere", "dropout=0", *more])


def model_of(tokenizer: Tokenizer, seed: int = 5) -> Model:
    torch.manual_seed(seed)
    return build(config("dpo"), len(tokenizer))


def made(objective: str, tokenizer: Tokenizer, *more: str) -> tuple[OfJudged, list[JudgedPair]]:
    settings = config(objective, *more)
    pairs, left_out = judged_pairs(ROWS.get(objective, PREFERENCES), tokenizer, settings)
    assert not left_out
    return OBJECTIVES[objective](settings), pairs


def target_log_probs(model: Model, pair: JudgedPair) -> Tensor:
    """By hand, from the logits: of each token of the pair's target (T)."""
    batch = make_batch([pair], CPU)
    logits = model.logits(model.hidden(batch.inputs, model.encode(batch.source, batch.source_lengths)))
    return logits.log_softmax(-1)[0].gather(1, torch.tensor(pair.target, dtype=torch.int64)[:, None])[:, 0]


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows: list[Row] = [
        *PREFERENCES[:2], *LABELS[2:4], *MARKED[5:6],
        Score(SOURCES[9], 0.5, text="fine", score=-1.25),
        Preference(SOURCES[8], chosen="a", rejected="b", flip_rate=0.2),
    ]  # fmt: skip
    assert read_feedback(write_feedback(tmp_path / "rows.jsonl", rows)) == rows


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"kind": "praise"}, "kind='praise' must be one of score, preference, label, spans"),
        ({"rejected": None}, "rejected=None must be a string"),
        ({"flip_rate": 0.5}, "flip_rate=0.5 must be at least 0 and below 0.5"),
        ({"weight": 0}, "weight=0 must be above 0"),
        ({"weight": "much"}, "weight='much' must be a number"),
        ({"weight": math.nan}, "weight=nan must be a number"),
        ({"origin": "dream"}, "origin='dream' must be one of choice, ranking, scores, edit, reward"),
        ({"raters": [1]}, "raters=[1] must be an object"),
        ({"raters": {"r1": "good"}}, "raters: r1='good' must be a number"),
        ({"kind": "label", "text": "a", "desirable": 1}, "desirable=1 must be true or false"),
        ({"kind": "score", "text": "a"}, "score=None must be a number"),
        ({"kind": "spans", "text": "abc", "spans": {}}, "spans={} must be a list"),
        ({"kind": "spans", "text": "abc", "spans": [{"start": 1, "end": 4}]}, "start=1, end=4 must be places in the"),
        ({"kind": "spans", "text": "abc", "spans": [{"start": 2, "end": 2}]}, "start=2, end=2 must be places in the"),
        ({"kind": "spans", "text": "abc", "spans": [{"start": 0, "end": 1, "weight": 2}]}, "at most 1"),
    ],
)  # fmt: skip
def test_a_row_that_is_wrong_is_named(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in (line(PREFERENCES[0]), line(PREFERENCES[1]) | changed)))
    with pytest.raises(CorpusError) as caught:
        read_feedback(file)
    assert str(caught.value).startswith(f"{file}:2: ")
    assert why in str(caught.value)


def test_an_id_stands_for_one_row(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is already used in line 1"):
        read_feedback(write_feedback(tmp_path / "rows.jsonl", [PREFERENCES[0], PREFERENCES[0]]))


@pytest.mark.parametrize("beta", [0.1, 2.0])
@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ("dpo", lambda beta: math.log(2)),
        ("ipo", lambda beta: (1 / (2 * beta)) ** 2),
        ("kto", lambda beta: 0.5),
    ],
)
def test_a_model_that_is_its_own_reference_has_the_loss_of_no_difference(
    objective: str, expected: Callable[[float], float], beta: float, tokenizer: Tokenizer
) -> None:
    model = model_of(tokenizer)
    learned, pairs = made(objective, tokenizer, f"beta={beta}")
    pairs = with_references(model, pairs, 500, CPU)
    loss = learned.loss(model, pairs, CPU).item() / learned.amount(pairs)
    assert loss == pytest.approx(expected(beta), rel=1e-4)


def test_references_are_the_log_probabilities_of_whole_texts(tokenizer: Tokenizer) -> None:
    model = model_of(tokenizer)
    _, pairs = made("dpo", tokenizer)
    for pair in with_references(model, pairs, 200, CPU)[:6]:
        assert pair.reference == pytest.approx(target_log_probs(model, pair).sum().item(), rel=1e-5)


def test_unlikelihood_is_of_the_marked_tokens_alone(tokenizer: Tokenizer) -> None:
    model = model_of(tokenizer)
    learned, pairs = made("unlikelihood", tokenizer)
    heavy = replace(pairs[0], weight=3.0, marked=np.linspace(0, 1, len(pairs[0].target), dtype=np.float32))
    expected = sum(
        (-(1 - target_log_probs(model, pair).exp()).log() * torch.from_numpy(pair.marked) * pair.weight).sum().item()
        for pair in (heavy, pairs[1])
    )
    assert learned.loss(model, [heavy, pairs[1]], CPU).item() == pytest.approx(expected, rel=1e-4)
    assert learned.amount([heavy]) == pytest.approx(3 * heavy.marked.sum())


def test_a_certain_token_that_should_not_be_has_a_gradient_that_is_a_number(tokenizer: Tokenizer) -> None:
    pair = judged_pairs(MARKED[:1], tokenizer, config("unlikelihood"))[0][0]

    class Certain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.loss = torch.nn.Parameter(torch.zeros(len(pair.target)))

        def token_losses(self, batch: Any, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
            return self.loss + 0, batch.rows

    certain = Certain()
    loss = Unlikelihood().loss(certain, [pair], CPU)  # type: ignore[arg-type]
    loss.backward()
    assert math.isfinite(loss.item())
    assert certain.loss.grad is not None
    assert certain.loss.grad.isfinite().all()


@pytest.mark.parametrize("tokens", ["subword", "word"])
@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("It was n't  FUN at the dog .", "n't  FUN"),
        ("We loved the Dog so much.", "Dog"),
        ("The beach was lovely .", "."),
    ],
)
def test_marks_are_of_the_tokens_that_hold_what_was_marked(tokens: str, text: str, wrong: str) -> None:
    normalisation = Normalisation(tokens=tokens)
    said = [text, *(text for each in SOURCES for text in texts_for(each))]
    tokenizer = Tokenizer.train(said, normalisation, vocabulary_size=90, seed=1)
    start = text.index(wrong)
    ids = np.array(tokenizer.encode(text), dtype=np.int32)
    marks = token_marks(text, ids, [Span(start, start + len(wrong), 0.5)], tokenizer)
    assert set(marks.tolist()) == {0.0, 0.5}
    pieces = tokenizer.pieces(ids[:-1])
    squeezed = "".join("".join(wrong.lower().split()))
    found = "".join(piece.strip("\u2581") for piece, mark in zip(pieces, marks[:-1], strict=True) if mark)
    assert squeezed in found, "a token that begins before it or ends behind it is marked too"
    assert len(found) <= len(squeezed) + 8
    assert marks[-1] == 0


def test_good_and_bad_texts_count_the_same_together() -> None:
    rows = [*LABELS[:6:2], *LABELS[1:20:2]]
    units = list(labelled(rows, config("kto")))
    good, bad = (sum(text.weight for text, _ in units if text.desirable is kind) for kind in (True, False))
    assert good == pytest.approx(bad)
    assert good + bad == pytest.approx(len(rows))


def test_scores_say_of_a_text_whether_it_is_as_it_should_be() -> None:
    rows: list[Row] = [
        Score(SOURCES[0], text="good", score=2.0), Score(SOURCES[1], text="poor", score=-0.5),
        Score(SOURCES[2], text="so so", score=0.0),
    ]  # fmt: skip
    units = list(labelled(rows, config("kto")))
    assert [(text.text, text.desirable, text.weight) for text, _ in units] == [
        ("good", True, pytest.approx(0.75)), ("poor", False, pytest.approx(0.75)),
    ]  # fmt: skip
    assert [other.text for _, other in units] == ["poor", "good"]


def test_preferences_say_so_where_labels_do_not_tell_of_both_kinds() -> None:
    assert [unit[0].desirable for unit in labelled(PREFERENCES[:2], config("kto"))] == [True, False, True, False]
    kept = LABELS[:6:2]  # texts that raters left as they were, beside rewrites that they preferred
    assert {unit[0].desirable for unit in labelled([*PREFERENCES[3:5], *kept], config("kto"))} == {True, False}
    both = [*PREFERENCES[:2], LABELS[0], LABELS[3]]
    assert len(list(labelled(both, config("kto")))) == 2


def test_every_text_is_beside_one_for_another_source() -> None:
    rows = [*LABELS, *(replace(row, example=replace(row.example, id=f"{row.example.id}-again")) for row in LABELS[:20])]
    sources = [row.example.source for row in rows]
    judged = [unit[0] for unit in labelled(rows, config("kto"))]
    taken = elsewhere(judged, sources, seed=4)
    assert sorted(map(id, taken)) == sorted(map(id, judged)), "each is taken once"
    for each, other in zip(judged, taken, strict=True):
        assert rows[each.example].example.source != rows[other.example].example.source
    most = [SOURCES[0].source] * 8 + [SOURCES[1].source] * 2
    beside = elsewhere(judged[:10], most, seed=1)
    assert set(map(id, beside[:8])) <= set(map(id, judged[8:10])), "those for the other source, though not once each"
    with pytest.raises(CorpusError, match="all judged texts are for one"):
        elsewhere(judged[:3], [SOURCES[0].source] * 3, seed=1)


def test_a_text_that_cannot_be_read_changes_neither_balance_nor_partners(tokenizer: Tokenizer) -> None:
    rows = [*LABELS[:8], Label(SOURCES[9], text="so " * 400, desirable=True)]
    pairs, left_out = judged_pairs(rows, tokenizer, config("kto"))
    assert len(pairs) == 2 * 8
    assert len(left_out) == 1
    good, bad = (sum(pair.weight for pair in pairs[::2] if pair.desirable is kind) for kind in (True, False))
    assert good == pytest.approx(bad)


def test_what_is_trusted_less_does_not_weigh_more(tokenizer: Tokenizer) -> None:
    """At no difference the corrected loss pulls by 1 / (1 - 2 ε) more, which its weight takes back."""
    rows: list[Row] = [replace(PREFERENCES[0], flip_rate=rate) for rate in (0.0, 0.2, 0.45)]  # type: ignore[call-arg]
    for robust, expected in (("true", [1.0, 0.6, 0.1]), ("false", [1.0, 1.0, 1.0])):
        pairs, _ = judged_pairs(rows, tokenizer, config("dpo", f"robust={robust}"))
        assert [pair.weight for pair in pairs[::2]] == pytest.approx(expected)
    plain, _ = judged_pairs(rows, tokenizer, config("ipo"))
    assert [pair.weight for pair in plain[::2]] == [1.0] * 3


def test_the_padding_of_a_packed_batch_stays_within_the_budget(tokenizer: Tokenizer) -> None:
    """With many preferences of one source, which become one row where they stand beside each other."""
    rows = [
        replace(row, example=replace(row.example, id=f"{row.example.id}-{n}")) for row in PREFERENCES for n in range(6)
    ]
    pairs, _ = judged_pairs(rows, tokenizer, config("dpo"))
    for batch in Planner(pairs, token_budget=200, seed=1, packs=True, texts=2).plan(0):
        assert padded_tokens([pairs[index] for index in batch], packs=True) <= 200


def test_what_an_objective_does_not_learn_from_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(CorpusError, match="objective=dpo learns from preferences, and the feedback has none"):
        judged_pairs(LABELS, tokenizer, config("dpo"))
    with pytest.raises(CorpusError, match="objective=unlikelihood learns from marked errors"):
        judged_pairs(PREFERENCES, tokenizer, config("unlikelihood"))


def test_a_preference_is_left_out_whole(tokenizer: Tokenizer) -> None:
    rows = [PREFERENCES[0], replace(PREFERENCES[1], rejected="so " * 400), replace(PREFERENCES[2], chosen=" ")]  # type: ignore[call-arg]
    pairs, left_out = judged_pairs(rows, tokenizer, config("dpo"), first_example=7)
    assert [pair.example for pair in pairs] == [7, 7]
    assert len(left_out) == 2
    assert "400" in left_out[0] or "limit" in left_out[0]


@pytest.mark.parametrize("packs", [False, True])
def test_texts_of_one_loss_stay_in_one_batch(packs: bool, tokenizer: Tokenizer) -> None:
    _, pairs = made("dpo", tokenizer)
    planner = Planner(pairs, token_budget=200, seed=1, packs=packs, texts=2)
    for epoch in (0, 1):
        plan = planner.plan(epoch)
        assert sorted(np.concatenate(plan).tolist()) == list(range(len(pairs)))
        assert len(plan) > 2
        for batch in plan:
            assert batch[1::2].tolist() == (batch[::2] + 1).tolist()
            assert (batch[::2] % 2 == 0).all()


@pytest.mark.parametrize("objective", [name for name in FEEDBACK_OBJECTIVES if name != "kto"])
def test_the_gradient_of_a_step_does_not_depend_on_its_batches(objective: str, tokenizer: Tokenizer) -> None:
    """The objective and the anchor each in the mean over all that a step has of it."""
    model = model_of(tokenizer)
    learned, pairs = made(objective, tokenizer)
    pairs = with_references(model_of(tokenizer, seed=6), pairs, 500, CPU)
    pairs = [replace(pair, weight=1.0 + place // learned.texts % 3) for place, pair in enumerate(pairs)]
    cut = len(pairs) // 3 // 2 * 2

    def computed(batches: list[list[JudgedPair]], parts: int) -> tuple[float, Tensor]:
        amounts = {each: sum(map(each.amount, batches)) for each in (learned, Likelihood())}
        step = [Part(learned, batches, amounts[learned]), Part(Likelihood(), batches, amounts[Likelihood()], 0.2)]
        loss = Gradients(model, config(objective), Processes(), CPU, parts).compute(step, 1).item()
        return loss, torch.cat([each.grad.flatten() for each in model.parameters() if each.grad is not None])

    whole, in_pieces = computed([pairs], 1), computed([pairs[:cut], pairs[cut:]], 3)
    assert in_pieces[0] == pytest.approx(whole[0], rel=1e-5)
    torch.testing.assert_close(in_pieces[1], whole[1], rtol=1e-3, atol=1e-6)
    judged_mean = learned.loss(model, pairs, CPU).item() / learned.amount(pairs)
    anchored = Likelihood().loss(model, pairs, CPU).item() / Likelihood().amount(pairs)
    assert whole[0] == pytest.approx(judged_mean + 0.2 * anchored, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (["objective=dpo"], "set init to the one to be improved"),
        (["objective=dpo", "init=a", "denoising=0.5"], "denoising"),
        (["objective=dpo", "init=a", "draws=4"], "set reward as well"),
        (["objective=dpo", "init=a", "draws=1", "reward=r"], "2 or more of them a source"),
        (["objective=unlikelihood", "init=a", "draws=8", "reward=r"], "an objective that compares texts"),
        (["draws=8", "reward=r"], "an objective that compares texts"),
        (["objective=praise"], "must be likelihood or distillation or dpo or ipo or simpo or kto or unlikelihood"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: list[str], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        load_preset("tiny", settings)


def test_feedback_without_its_use_and_a_use_without_feedback_are_refused(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult, tmp_path: Path
) -> None:
    files: dict[str, Any] = {"train_file": corpus[0], "valid_file": corpus[1], "directory": tmp_path}
    learns = replace(tiny, objective="dpo", init=str(trained.checkpoint))
    with pytest.raises(ConfigError, match="objective=dpo learns from feedback"):
        train(learns, **files)
    with pytest.raises(ConfigError, match="objective=likelihood reads no feedback"):
        train(tiny, **files, feedback_file=corpus[0])
    with pytest.raises(ConfigError, match="leave out the feedback file"):
        train(replace(learns, draws=4, reward="r"), **files, feedback_file=corpus[0])


@pytest.fixture
def learn(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult, tmp_path: Path
) -> Callable[..., TrainingResult]:
    """A training that goes on from the trained model, over rows that the objective learns from."""

    def learn(objective: str, folder: str = "out", rows: list[Row] | None = None, **more: Any) -> TrainingResult:
        settings: dict[str, Any] = {"max_steps": 30, "learning_rate": 0.002, "init": str(trained.checkpoint)}
        given = {key: value for key, value in more.items() if key != "on_progress"}
        told = rows or ROWS.get(objective, PREFERENCES)
        return train(
            replace(tiny, objective=objective, **settings | given),
            train_file=corpus[0], valid_file=corpus[1], directory=tmp_path / folder,
            feedback_file=write_feedback(tmp_path / f"{objective}.jsonl", told),
            **{key: value for key, value in more.items() if key == "on_progress"},
        )  # fmt: skip

    return learn


def gained(result: TrainingResult, before: TrainingResult) -> tuple[float, float]:
    """By how much the log-probability of liked texts and of the others rose, in the mean, nats."""
    pairs: list[JudgedPair] = []
    found = []
    for each in (before, result):
        loaded = load_checkpoint(each.checkpoint)
        model = build(loaded.config, len(loaded.tokenizer))
        model.load_state_dict(loaded.weights)
        pairs = judged_pairs(PREFERENCES, loaded.tokenizer, config("dpo"))[0]
        found.append(np.array([pair.reference for pair in with_references(model, pairs, 1000, CPU)]))
    rose = found[1] - found[0]
    return float(rose[::2].mean()), float(rose[1::2].mean())


@pytest.mark.parametrize("objective", [name for name in FEEDBACK_OBJECTIVES if name != "unlikelihood"])
def test_liked_texts_become_likelier_than_others(
    objective: str, learn: Callable[..., TrainingResult], trained: TrainingResult
) -> None:
    liked, others = gained(learn(objective), trained)
    assert liked - others > 0.3


def test_marked_texts_become_less_likely(learn: Callable[..., TrainingResult], trained: TrainingResult) -> None:
    """The marked word begins every second text of the corpus, which the anchor holds on to; without it it goes."""
    liked, marked = gained(learn("unlikelihood", anchor=0.0), trained)
    assert marked < -0.5
    assert liked > marked


def test_the_anchor_holds_the_likelihood_of_what_people_wrote(learn: Callable[..., TrainingResult]) -> None:
    results = {anchor: learn("dpo", f"anchor-{anchor}", anchor=anchor, max_steps=40) for anchor in (0.0, 1.0)}
    losses = {
        anchor: result.history[-1]["valid_nll"] - result.history[0]["valid_nll"] for anchor, result in results.items()
    }
    assert losses[1.0] < losses[0.0]


def test_the_last_weights_are_kept_and_the_first_look_is_of_the_model_begun_with(
    learn: Callable[..., TrainingResult], trained: TrainingResult
) -> None:
    result = learn("dpo", patience=1, validate_every=10, anchor=0.0, beta=0.01)
    assert [look["step"] for look in result.history] == [0, 10, 20, 30]
    assert result.history[0]["valid_nll"] == pytest.approx(trained.valid_nll, rel=1e-5)
    assert result.valid_nll == result.history[-1]["valid_nll"] > result.history[0]["valid_nll"]
    assert load_checkpoint(result.checkpoint).last is None


def test_no_precision_chosen_is_fp32_however_fast_bfloat16_is(
    learn: Callable[..., TrainingResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setattr(devices, "product_seconds", {torch.float32: 2.0, torch.bfloat16: 1.0}.__getitem__)
    assert learn("dpo", "auto", precision="auto", max_steps=1).precision == "fp32"
    assert learn("dpo", "asked", precision="bf16", max_steps=1).precision == "bf16"


@pytest.mark.parametrize("objective", ["dpo", "kto"])
def test_interruptions_change_nothing(objective: str, learn: Callable[..., TrainingResult]) -> None:
    expected = learn(objective, "whole")
    stops = {3, 11, 12, 25}

    def stop(progress: Any) -> None:
        if progress.step in stops:
            stops.remove(progress.step)
            raise Stop

    while True:
        try:
            result = learn(objective, "broken", save_every=0.0, on_progress=stop)
        except Stop:
            continue
        break
    assert not stops
    assert (result.sha256, result.steps) == (expected.sha256, expected.steps)
    assert result.history == expected.history
    assert result.left_out == expected.left_out
