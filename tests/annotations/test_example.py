"""A worked example: raters read it with the instructions, as its answer would be read again; a wrong one is refused."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from annotations import models
from annotations.campaigns.forms import CampaignForm
from annotations.campaigns.services.campaigns import campaign_close, spec_of
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml, read_campaign_file
from annotations.errors import InputError
from annotations.protocols import shown_here
from annotations.protocols.criteria import BUILT_IN
from annotations.reports.sheet_words import answer_in_words
from tests.annotations.test_campaign_spec import GOOD
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign
from tests.pages import in_one_line

SOURCE, WHY = "two dogs <run> on a beach", "Text A is told as a person would & no word repeats."
TEXTS = ["The dogs raced to the water.", "The the dogs beach run.", "Dogs ran.", "Sand."]
# By protocol an answer about so many texts, and what raters read of it beside the texts.
EXAMPLES: dict[str, tuple[int, Any, list[str]]] = {
    "slider": (2, {"A": 91, "B": 8}, ["<strong>91</strong>", "<strong>8</strong>"]),
    "likert": (3, {"A": 5, "B": 1, "C": 4}, ["<strong>5</strong>", "<strong>1</strong>", "<strong>4</strong>"]),
    "pairwise": (2, "B", ["<strong>B</strong>"]),
    "best_worst": (3, {"best": "C", "worst": "B"}, ["Best <strong>C</strong>", "Worst <strong>B</strong>"]),
    "ranking": (3, ["C", ["A", "B"]], ["<strong>1</strong>", "<strong>2</strong>"]),
    "human_or_machine": (1, {"human": True, "confidence": 3}, ["<strong>definitely a person</strong>"]),
    "which_is_human": (2, {"human": "A", "confidence": 3}, ["<strong>definitely A</strong>"]),
    "edit": (
        2,
        {"A": TEXTS[0], "B": {"text": "The dogs run at the beach."}},
        ["Left as it is.", "You would have written: <q dir=\"auto\">The dogs run at the beach.</q>"],
    ),
    "error_spans": (
        2,
        {"A": [], "B": [{"start": 4, "end": 7, "category": "repeated", "severity": "minor"}]},
        ["I find nothing wrong in this text", "<q dir=\"auto\">“the”</q>"],
    ),
}  # fmt: skip


def example_of(name: str, criterion: str = "human_likeness") -> dict[str, Any]:
    count, answer, _ = EXAMPLES[name]
    return {"source": SOURCE, "texts": TEXTS[:count], "answers": {criterion: answer}, "why": WHY}


def campaign_with_example(name: str, **more: Any) -> models.Campaign:
    written = {f"s{number}": lambda n, number=number: f"system {number} saw {n}" for number in range(3)}
    return make_campaign(texts=written, protocol=name, example=example_of(name), **more).campaign


@pytest.mark.django_db
@pytest.mark.parametrize("name", shown_here())
def test_raters_read_it_before_the_first_screen_and_in_the_help(name: str) -> None:
    campaign = campaign_with_example(name)
    welcome = unescape(in_one_line(Client().get(f"/rate/{campaign.token}/")))
    visitor = Visitor(campaign, htmx=False)
    visitor.join()
    on_screen, _, in_help = " ".join(unescape(visitor.page).split()).partition('<dialog id="help"')
    assert "An example" not in on_screen
    for page in (welcome, in_help):
        assert page.count('aria-label="An example"') == 1
        card = page.partition('aria-label="An example"')[2].partition(WHY)[0]
        assert card, "why stands below"
        count, _, said = EXAMPLES[name]
        for words in (f"The picture shows:</span> {SOURCE}", *TEXTS[:count], *said):
            assert words in card
        assert "<input" not in card
        assert "<textarea" not in card
        assert TEXTS[3] not in card


@pytest.mark.django_db
def test_what_it_says_is_escaped_and_a_campaign_without_one_shows_none() -> None:
    page = Client().get(f"/rate/{campaign_with_example('slider').token}/").content.decode()
    assert "two dogs &lt;run&gt; on a beach" in page
    assert "would &amp; no word" in page
    plain = Visitor(make_campaign().campaign, htmx=False)
    assert "An example" not in plain.page
    plain.join()
    assert "An example" not in plain.page


@pytest.mark.django_db
@pytest.mark.parametrize("name", shown_here())
def test_a_program_reads_it_with_the_instructions_and_can_send_such_an_answer(name: str) -> None:
    campaign = campaign_with_example(name, instructions="Read all of it.")
    body = Client().post(f"/api/v1/rate/{campaign.token}/join", {}, content_type="application/json").json()
    told, count = body["campaign"], EXAMPLES[name][0]
    assert told["instructions"] == "Read all of it."
    assert [each["text"] for each in told["example"]["candidates"]] == TEXTS[:count]
    assert told["example"] | {"candidates": None} == {
        "source": SOURCE, "candidates": None, "answers": example_of(name)["answers"], "why": WHY,
    }  # fmt: skip
    plain = make_campaign(protocol=name, criteria=campaign.criteria, items=3).campaign
    without = Client().post(f"/api/v1/rate/{plain.token}/join", {}, content_type="application/json").json()["campaign"]
    assert (without["instructions"], without["example"]) == ("", None)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"A": 91, "B": 8.5}, "A 91, B 8.5"),
        ("tie", "tie"),
        (None, "cannot say"),
        ({"best": "C", "worst": "B"}, "best C, worst B"),
        (["C", ["A", "B"]], "C, (A, B)"),
        ({"human": True, "confidence": 3}, "human yes, confidence 3"),
        ({"A": "The dogs ran.", "B": {"text": "They ran."}}, "A The dogs ran., B (text They ran.)"),
        (
            {"A": [], "B": [{"start": 4, "end": 7, "category": "repeated", "severity": "minor"}]},
            "A nothing, B ((start 4, end 7, category repeated, severity minor))",
        ),
    ],
)
def test_sheets_say_its_answer_in_words(given: Any, said: str) -> None:
    assert answer_in_words(given) == said


@pytest.mark.django_db
def test_report_and_sheets_quote_it_where_the_instructions_are(tmp_path: Path) -> None:
    campaign = campaign_with_example("slider", instructions="Read all of it.")
    call_command("preregister", campaign.name, "--out", tmp_path / "sheet.md")
    campaign_close(campaign=campaign)
    for form in ("heds", "json", "latex"):
        call_command("report", campaign.name, "--format", form, "--out", tmp_path / form)
    for file in ("sheet.md", "heds", "latex"):
        text = unescape((tmp_path / file).read_text()).replace("\\_", "_").replace("\\&", "&")
        after = text.partition("Read all of it.")[2]
        assert "A worked example, which raters read with the instructions" in after
        for words in (TEXTS[0], TEXTS[1], "A 91, B 8", "no word repeats"):
            assert words in after, (file, words)
    kept = json.loads((tmp_path / "json").read_text())["campaign"]["example"]
    assert kept == example_of("slider")


@pytest.mark.django_db
def test_it_stands_beside_a_comprehension_check_and_in_korean() -> None:
    asked = {"id": "what", "text": "Which is better?", "options": ["A", "B"], "answer": "A"}
    campaign = campaign_with_example("slider", comprehension=[asked])
    visitor = Visitor(campaign, htmx=False)
    visitor.join()
    instructions = visitor.page.partition("Read the instructions again")[2].partition("</details>")[0]
    assert instructions.count('aria-label="An example"') == 1
    korean = Client().get(f"/rate/{campaign.token}/", headers={"Accept-Language": "ko"}).content.decode()
    assert '<section class="card answered" aria-label="예시">' in korean
    assert "<strong>이유:</strong>" in korean


@pytest.mark.django_db
def test_a_criterion_can_be_declined_where_raters_can() -> None:
    criteria = ["human_likeness", "grounding"]
    example = example_of("slider") | {"answers": {"human_likeness": {"A": 91, "B": 8}, "grounding": None}}
    with pytest.raises(InputError, match=r"^example\.answers\.grounding: must be an object with the candidates A, B"):
        CampaignSpec.from_mapping(GOOD | {"criteria": criteria, "example": example})
    campaign = make_campaign(criteria=criteria, cannot_say=["grounding"], example=example).campaign
    card = Visitor(campaign).page.partition('aria-label="An example"')[2].partition("</form>")[0]
    assert re.findall(r"I cannot say:\s*<strong>([^<]*)</strong>", card) == [BUILT_IN["grounding"].label.title]


@pytest.mark.pure
@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("slider", 5, "example: 5 must be a table with the keys source, texts, answers, why"),
        ("slider", {"x": 1}, "example.x: no such key; the keys are source, texts, answers, why"),
        ("slider", {"why": None}, "example.why: None must be a text of 1 to 2000 characters"),
        ("slider", {"why": " "}, "example.why: must be a text, and has only white space"),
        ("slider", {"source": 3}, "example.source: 3 must be a text of at most 2000 characters"),
        ("slider", {"texts": []}, "example.texts: [] must be a list of at most 6, each a text of 1 to 2000 char"),
        ("slider", {"texts": ["a"] * 7}, "example.texts: "),
        ("slider", {"texts": ["a", "a "]}, "example.texts: must be texts that differ"),
        ("slider", {"texts": ["a", ""]}, "example.texts.1: '' must be a text of 1 to 2000 characters"),
        ("slider", {"answers": [1]}, "example.answers: [1] must be a table"),
        ("slider", {"answers": {}}, "example.answers.x: not answered; the criteria are x"),
        ("slider", {"answers": {"y": {}, "x": {}}}, "example.answers.y: is not one of the criteria, which are x"),
        ("slider", {"answers": {"x": {"A": 101, "B": 2}}}, "example.answers.x.A: 101 must be a number from 0 to 100"),
        ("slider", {"texts": ["a", "b", "c"]}, "example.answers.x.C: not answered; the candidates are A, B, C"),
        (
            "likert",
            {"answers": {"x": {"A": 6, "B": 1, "C": 2}}},
            "example.answers.x.A: 6 must be a whole number from 1",
        ),
        ("pairwise", {"texts": TEXTS[:3]}, "example.texts: 3 must be 2; the protocol is 'pairwise'"),
        ("pairwise", {"answers": {"x": "C"}}, "example.answers.x: 'C' must be one of A, B, tie"),
        ("best_worst", {"texts": TEXTS[:2]}, "example.texts: 2 must be from 3 to 6; the protocol is 'best_worst'"),
        ("best_worst", {"answers": {"x": {"best": "A", "worst": "A"}}}, "example.answers.x.worst: "),
        ("human_or_machine", {"texts": TEXTS[:2]}, "example.texts: 2 must be 1; the protocol is 'human_or_machine'"),
        ("edit", {"answers": {"x": {"A": "a\x00b", "B": "b"}}}, "example.answers.x.A: "),
        (
            "error_spans",
            {"answers": {"x": {"A": [], "B": [{"start": 0, "end": 99, "category": "other", "severity": "minor"}]}}},
            "example.answers.x.B[0].end: 99 must be a whole number from 0 to 23",
        ),
    ],
)
def test_one_that_is_wrong_is_refused_at_its_place(name: str, change: Any, said: str) -> None:
    good = GOOD | {"systems": ["human", "gru", "lstm"], "protocol": name}
    words = {} if name in ("human_or_machine", "edit", "error_spans") else {"criterion": {"x": {"question": "Good?"}}}
    right = example_of(name, "x")
    assert CampaignSpec.from_mapping(good | words | {"example": right}).example
    changed = right | change if isinstance(change, dict) else change
    with pytest.raises(InputError) as caught:
        CampaignSpec.from_mapping(good | words | {"example": changed})
    assert str(caught.value).startswith(said)


@pytest.mark.pure
def test_its_answer_is_held_against_the_campaigns_own_scale_and_ties() -> None:
    likert = GOOD | {"protocol": "likert", "points": 7}
    seven = example_of("pairwise", "x") | {"answers": {"x": {"A": 7, "B": 1}}}
    assert CampaignSpec.from_mapping(likert | {"example": seven}).example
    with pytest.raises(InputError, match=r"^example\.answers\.x\.A: 7 must be "):
        CampaignSpec.from_mapping(likert | {"points": 5, "example": seven})
    tie = example_of("pairwise", "x") | {"answers": {"x": "tie"}}
    assert CampaignSpec.from_mapping(GOOD | {"protocol": "pairwise", "example": tie}).example
    with pytest.raises(InputError, match=r"^example\.answers\.x: 'tie' must be one of A, B$"):
        CampaignSpec.from_mapping(GOOD | {"protocol": "pairwise", "ties": False, "example": tie})


@pytest.mark.django_db
@pytest.mark.parametrize("name", shown_here())
def test_file_form_and_copy_agree(name: str, tmp_path: Path) -> None:
    spec, file = spec_of(campaign_with_example(name)), tmp_path / "campaign.toml"
    file.write_text(campaign_toml(spec))
    assert read_campaign_file(file).model_dump() == spec.model_dump()
    assert spec.example
    assert spec.example.stored() == example_of(name)
    form = CampaignForm(initial=CampaignForm.initial_of(spec))
    data = {field.html_name: field.value() for field in form if field.value() is not None} | {"name": "again"}
    again = CampaignForm(data)
    assert again.is_valid(), again.errors
    assert again.cleaned_data["spec"].example == spec.example
    data["example"] = str(data["example"]).replace('"human_likeness"', '"fluency"')
    assert "answers.human_likeness: not answered" in str(CampaignForm(data).errors["example"])
