"""The text as the rater would have written it: what is stored of it and where, and what the report makes of it."""

import csv
import io
import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.errors import AnswerError
from annotations.feedback.services import FeedbackSettings, feedback_set_build
from annotations.protocols import protocol_named
from annotations.protocols.base import Rules
from annotations.removal.erasing import identities, person_erase
from annotations.reports.preregistration import preregistration
from tests.annotations.erasable import places_of
from tests.annotations.raters import Rater, handed_out_earlier
from tests.annotations.reports import report_build, report_heds, report_html, report_latex
from tests.annotations.test_report_pages import said
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

EDIT = "edit"
PROTOCOL = protocol_named(EDIT)
TEXTS = {"gru": lambda n: f"we saw thing {n}", "lstm": lambda n: f"thing {n} was what we had"}
WORDS = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1), min_size=1)


def read(text: str, given: object) -> Any:
    return PROTOCOL.read({"c": {"id": given}}, criteria=["c"], candidates={"id": 7}, rules=Rules(), texts={7: text})


def edits_by_table(one: list[str], other: list[str]) -> int:
    """The textbook's table (Wagner and Fischer 1974)."""
    row = list(range(len(other) + 1))
    for place, word in enumerate(one, start=1):
        above, row = row, [place]
        for column, another in enumerate(other, start=1):
            row.append(min(above[column] + 1, row[-1] + 1, above[column - 1] + (word != another)))
    return row[-1]


@given(before=WORDS, after=WORDS)
def test_edits_are_counted_in_words(before: list[str], after: list[str]) -> None:
    stored, rewrites = PROTOCOL.apart(read(" ".join(before), " \n ".join(after)))
    expected = edits_by_table(" ".join(before).split(), " ".join(after).split())
    edit = stored["c"]["7"]
    assert edit["edits"] == expected
    assert rewrites == {7: " ".join(" ".join(after).split())}
    assert "text" not in edit
    assert PROTOCOL.scores(stored)["c"]["7"] == pytest.approx(1 - expected / max(edit["words"]))
    fields = PROTOCOL.fields(PROTOCOL.together(stored, rewrites), names={7: "id"})
    assert read(" ".join(before), PROTOCOL.answers(fields)["c"]["id"]) == {  # type: ignore[index]
        "c": {"7": {**edit, "text": rewrites[7], "pasted": 0, "typing_seconds": 0}}
    }


@pytest.mark.parametrize(
    ("text", "rewrite", "edits", "kept"),
    [
        ("the fireworks are shooting off", "the fireworks were beautiful", 3, 0.4),  # by hand
        ("we had fun", "we had fun", 0, 1.0),
        ("we had fun", "a b c d", 4, 0.0),
    ],
)
def test_the_share_kept(text: str, rewrite: str, edits: int, kept: float) -> None:
    stored = read(text, rewrite)
    assert stored["c"]["7"]["edits"] == edits
    assert PROTOCOL.scores(stored)["c"]["7"] == pytest.approx(kept)


@pytest.mark.parametrize(
    ("given", "place", "words"),
    [
        ("", "answers.c.id", "must be a text, and not an empty one"),
        (" \n", "answers.c.id", "must be a text, and not an empty one"),
        (3, "answers.c.id", "3 must be a text"),
        (None, "answers.c.id", "must be a text"),
        ({"pasted": 1}, "answers.c.id", "must be a text"),
        ("a " * 2501, "answers.c.id", "5,002 characters are more than 5,000"),
        ({"text": "a", "keys": "abc"}, "answers.c.id.keys", "is not one of text, pasted, typing_seconds"),
        ({"text": "a", "pasted": -1}, "answers.c.id.pasted", "must be a number from 0"),
        ({"text": "a", "typing_seconds": True}, "answers.c.id.typing_seconds", "must be a number from 0"),
        ({"text": "a", "typing_seconds": float("nan")}, "answers.c.id.typing_seconds", "must be a number from 0"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_place(given: object, place: str, words: str) -> None:
    with pytest.raises(AnswerError) as raised:
        read("one text", given)
    assert raised.value.field == place
    assert words in raised.value.message


def rate(campaign: models.Campaign, raters: int) -> list[tuple[str, str, str]]:
    """By the API. People's texts are left as they are, gru's get a word more, lstm's are written anew and pasted."""
    done = []
    for _ in range(raters):
        program = Rater(campaign)
        screen = program.next()
        while screen:
            [candidate] = screen["item"]["candidates"]
            shown = models.CandidateOutput.objects.get(candidate__public_id=candidate["id"])
            system, text = shown.output.decoding.system.name, candidate["text"]
            rewrite = {"human": text, "gru": f"{text} indeed", "lstm": "It was fun ."}[system]
            given: Any = {"text": rewrite, "pasted": 12, "typing_seconds": 2.5} if system == "lstm" else rewrite
            sent = program.submit(screen, answers={"human_likeness": {candidate["id"]: given}})
            assert sent.status_code == 201, sent.content
            done.append((system, text, rewrite))
            screen = sent.json()["next"]
    return done


@pytest.mark.django_db
def test_from_a_campaign_to_its_report(tmp_path: Path) -> None:
    campaign = make_campaign(captions=18, protocol=EDIT, overlap=3, texts=TEXTS).campaign
    assert campaign.texts_per_screen == 1
    sheet = preregistration(campaign, at=timezone.now())
    assert "How would you have written this text?" in sheet
    assert "Any text of at most 5,000 characters." in sheet
    done = rate(campaign, 4)
    campaign_close(campaign=campaign)
    report = report_build(campaign)

    means = {row["system"]: (row["n"], row["mean"]) for row in report["criteria"]["human_likeness"]["systems"]}
    table = {row["system"]: row for row in report["rewrites"]["human_likeness"]}
    for system in ("human", "gru", "lstm"):
        mine = [(text.split(), rewrite.split()) for name, text, rewrite in done if name == system]
        edits = [edits_by_table(text, rewrite) for text, rewrite in mine]
        kept = [1 - n / max(len(a), len(b)) for n, (a, b) in zip(edits, mine, strict=True)]
        assert means[system] == (len(mine), pytest.approx(sum(kept) / len(mine)))
        row = table[system]
        assert row["n"] == len(mine)
        assert row["unchanged"] == (system == "human")
        assert row["edits"] == pytest.approx(sum(edits) / len(mine))
        assert row["edit_rate"] == pytest.approx(sum(edits) / sum(len(rewrite) for _, rewrite in mine))
    assert (table["lstm"]["pasted"], table["lstm"]["typing_seconds"]) == (1.0, 2.5)
    assert (table["gru"]["pasted"], table["gru"]["typing_seconds"]) == (None, None)

    page = said(report_html(report))
    for words in ("asked to rewrite every text", "Share kept", "Edit rate", "human has the highest share kept"):
        assert words in page, words
    assert "It was fun" not in json.dumps(report), "what raters typed can be erased, and a kept report cannot"
    assert "Levenshtein" in report_latex(report)
    for words in ("(Post-)editing.", "Any text of at most 5,000 characters."):
        assert words in report_heds(report)

    out = tmp_path / "ratings.csv"
    call_command("export_ratings", campaign.name, format="csv", out=out)
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [(row["system"], row["text"], row["rewrite"]) for row in rows] == done
    for form in ("jsonl", "parquet"):
        call_command("export_ratings", campaign.name, format=form, out=tmp_path / f"ratings.{form}")


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "ko"])
def test_on_the_page_with_undo_and_a_reload(language: str) -> None:
    campaign = make_campaign(captions=3, protocol=EDIT, overlap=1).campaign
    visitor = Visitor(campaign)
    visitor.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    visitor.reload()
    told = "how many characters you pasted" if language == "en" else "붙여 넣은 글자 수"
    assert told in said(visitor.page), "said before they begin"
    visitor.join()
    [field] = visitor.fields()
    handed_out_earlier(visitor.assignment)
    typed = "Das Feuerwerk war schön 🎆 <b>"
    half = visitor.whose() | {field: "half of", f"{field}.pasted": "3"}
    assert visitor.client.post(f"{visitor.address}draft/{visitor.assignment}/", half).status_code == 204
    visitor.reload()
    assert ">half of</textarea>" in visitor.page
    for wrong in ("", " ", "a" * 5001):
        visitor.send(f"answer/{visitor.assignment}/", {field: wrong, "key": visitor.key("answer")})
        assert not models.Rating.objects.exists()
    form = {field: typed, f"{field}.pasted": "4", f"{field}.typing": "2.5", "key": visitor.key("answer")}
    visitor.send(f"answer/{visitor.assignment}/", form)
    rating = models.Rating.objects.get()
    [edit] = rating.answers["human_likeness"].values()
    assert (edit["pasted"], edit["typing_seconds"]) == (4, 2.5)
    assert rating.rewrites.get().text == typed
    assert "Feuerwerk" not in json.dumps(rating.answers)
    visitor.undo()
    assert "Das Feuerwerk war schön 🎆 &lt;b&gt;</textarea>" in visitor.page
    assert re.search(rf'name="{field}\.pasted"\s+value="4"', visitor.page)
    assert re.search(rf'name="{field}\.typing"\s+value="2.5"', visitor.page)


@pytest.mark.django_db
def test_a_replayed_answer_is_told_from_another_and_what_was_typed_can_be_erased() -> None:
    campaign = make_campaign(captions=3, protocol=EDIT, overlap=1).campaign
    rater = Rater(campaign, "jin-4711")
    screen, key, typed = rater.next(), str(uuid.uuid4()), "Typed by Jin alone"
    [candidate] = screen["item"]["candidates"]
    first = rater.submit(screen, key, {"human_likeness": {candidate["id"]: typed}})
    again = rater.submit(screen, key, {"human_likeness": {candidate["id"]: typed}})
    other = rater.submit(screen, key, {"human_likeness": {candidate["id"]: f"{typed} !"}})
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    rewrite = models.Rewrite.objects.get()
    for change in ({"text": "other"}, {"text": ""}):
        with pytest.raises(IntegrityError, match="what raters rewrote is never changed"), transaction.atomic():
            models.Rewrite.objects.update(**change)
    before = rewrite.rating.answers
    person_erase(identities("jin-4711"))
    assert models.Rewrite.objects.get().text == ""
    assert models.Rating.objects.get().answers == before
    assert not places_of([typed])


@pytest.mark.django_db
def test_a_rewrite_teaches_unless_it_was_pasted() -> None:
    campaign = make_campaign(captions=8, protocol=EDIT, overlap=2, purpose="feedback", texts=TEXTS).campaign
    rate(campaign, 2)
    campaign_close(campaign=campaign)
    made = feedback_set_build(name="kept", campaigns=[campaign], settings=FeedbackSettings())
    for rewrite, text in made.examples.filter(kind="preference").values_list("text", "rejected"):
        assert rewrite == f"{text} indeed"
    kept = made.examples.filter(kind="label", desirable=True).values_list("text", flat=True)
    assert kept
    assert not any(text.startswith(("We saw", "Thing")) for text in kept)


@pytest.mark.django_db
def test_simulated_raters_change_what_seems_worse_more() -> None:
    perceived = {"c": {"good": 1.0, "middling": 0.0, "bad": -1.0}}
    texts = dict.fromkeys(perceived["c"], "one two three four")
    answers = PROTOCOL.simulated(perceived, rules=Rules(), texts=texts)
    assert answers == {"c": {"good": "one two three four", "middling": "one two * *", "bad": "* * * *"}}
