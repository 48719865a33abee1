"""What models are given of a feedback set: the file of all it holds, and the weighted texts."""

import html
import json
import re

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from annotations import models
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.errors import InputError
from tests.annotations.feedback import beside, built, choosing, feedback_campaign, rate, scoring
from workers.jobs import corpus, training
from workers.lineage import lineage
from workers.models import Checkpoint, Run

pytestmark = pytest.mark.django_db
TEXTS = {"gru": lambda n: f"we saw thing {n}"}
COMMON = {"id", "source", "album", "photo", "kind", "weight", "raters"}
KEYS = {
    "score": {"text", "score"},
    "preference": {"chosen", "rejected", "flip_rate", "origin"},
    "label": {"text", "desirable", "flip_rate"},
    "spans": {"text", "spans"},
}


def rated_by_all_kinds(captions: int = 2) -> models.FeedbackSet:
    scores = feedback_campaign(captions=captions, texts=TEXTS, name="scores")
    texts = {str(each.public_id): each.text for each in models.Candidate.objects.all()}
    rate(scores, scoring(human=90, gru=20))
    edit, who, errors = (
        beside(scores, name=name, protocol=name) for name in ("edit", "human_or_machine", "error_spans")
    )
    changing = lambda by, caption: {n: "Changed it." if s == "gru" else texts.get(n, "x") for s, n in by.items()}  # noqa: E731
    rate(edit, *[changing] * 2)
    rate(who, *[lambda by, caption: {"human": "human" in by, "confidence": 1}] * 2)
    wrong = {"start": 0, "end": 2, "category": "grammar", "severity": "minor"}
    rate(errors, lambda by, caption: {name: [wrong] if system == "gru" else [] for system, name in by.items()})
    return built(scores, edit, who, errors)


def test_the_file_of_a_set_holds_all_kinds_in_the_form_that_models_read() -> None:
    row = rated_by_all_kinds()
    rows = json.loads(json.dumps(list(corpus.feedback_rows(row))))
    assert len(rows) == row.examples.count() == row.counts["examples"]
    assert {each["kind"] for each in rows} == set(KEYS)
    assert len({each["id"] for each in rows}) == len(rows)
    for each in rows:
        assert set(each) == COMMON | KEYS[each["kind"]]
        assert each["weight"] > 0
        assert all(name.startswith("r") for name in each["raters"])
        assert 0 <= each.get("flip_rate", 0) < 0.5
        assert each["source"].startswith("a picture of thing")
        source = models.Source.objects.get(text=each["source"])
        assert (each["album"], each["photo"]) == (source.album.external_id, source.photo and source.photo.external_id)
        for span in each.get("spans", ()):
            assert 0 <= span["start"] < span["end"] <= len(each["text"])
            assert 0 < span["weight"] <= 1
    edited = {(each["chosen"], each["rejected"][:6]) for each in rows if each.get("origin") == "edit"}
    assert ("Changed it.", "We saw") in edited
    assert edited <= {("Changed it.", "We saw"), ("x", "People")}


def test_no_model_is_given_a_source_whose_album_is_a_test_album_by_now() -> None:
    campaign = feedback_campaign(captions=2, texts=TEXTS)
    rate(campaign, scoring(human=90, gru=20))
    row = built(campaign)
    models.Album.objects.order_by("pk").update(split="test")
    for given in (corpus.feedback_rows(row), corpus.feedback_records(row, source="caption", seed=1)):
        with pytest.raises(InputError, match="of feedback set 'set' is in a test album: nothing"):
            list(given)


def test_what_is_scored_is_weighted_by_its_score() -> None:
    campaign = feedback_campaign(captions=3, texts=TEXTS)
    rate(campaign, scoring(human=90, gru=20), scoring(human=70, gru=60))
    row = built(campaign, beta=0.7)
    records = list(corpus.feedback_records(row, source="caption", seed=1))
    scores = list(row.examples.filter(kind="score").order_by("number"))
    assert [each["references"] for each in records] == [[each.text] for each in scores]
    assert [each["weight"] for each in records] == pytest.approx(
        [np.clip(np.exp(0.7 * (each.score or 0)), 0.1, 3) for each in scores]
    )
    assert all(set(each) == {"id", "source", "references", "album", "photo", "weight"} for each in records)


def test_what_is_only_compared_or_labelled_counts_if_it_is_preferred() -> None:
    ranked = feedback_campaign(captions=2, protocol="ranking")
    rate(ranked, lambda by, caption: [by["human"], by["gru"], by["lstm"]])
    # a weight of 1/3 each: of the best two for, of the middle one one for and one against, of the worst two against
    records = list(corpus.feedback_records(built(ranked, name="ranked"), source="caption", seed=1))
    assert [each["references"][0][:11] for each in records] == ["People told"] * 2
    assert [each["weight"] for each in records] == pytest.approx([np.exp(1 / 3)] * 2)
    pairs = beside(ranked, name="pairs", protocol="pairwise")
    rate(pairs, choosing("human", "gru"))
    for record in corpus.feedback_records(built(pairs, name="chosen"), source="caption", seed=1):
        assert record["weight"] > 1
    who = beside(ranked, name="who", protocol="human_or_machine", overlap=3)
    rate(who, *[lambda by, caption: {"human": "human" in by, "confidence": 3}] * 3)
    labelled = list(corpus.feedback_records(built(who, name="labelled"), source="caption", seed=1))
    assert {each["references"][0][:11] for each in labelled} == {"People told"}


def test_a_set_of_simulated_raters_says_so_wherever_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    campaign = feedback_campaign(captions=4, texts={"p": lambda n: f"p {n}"}, name="rehearsed")
    simulation = simulation_of(raters={"honest": 2}, truth={}, systems=["human", "p"], seed=1)
    raters_simulate(campaign=campaign, simulation=simulation)
    call_command("build_feedback", "rehearsal", "--campaign", "rehearsed", "--simulated", "--wait", "--json")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["simulated"] is True
    row = models.FeedbackSet.objects.get(name="rehearsal")
    assert row.simulated
    assert Run.objects.get(kind="feedback").message.endswith(", of simulated raters")
    assert all(each["id"].startswith("simulated-") for each in corpus.feedback_rows(row))
    album = models.Album.objects.order_by("pk").first()
    assert album
    train = models.Album.objects.create(
        dataset=row.dataset, imported_by=album.imported_by, external_id="t", split="train"
    )
    photo = models.Photo.objects.create(album=train, imported_by=album.imported_by, external_id="t")
    models.Source.objects.create(
        album=train, photo=photo, imported_by=album.imported_by, kind="caption", key="t#1", text="a dog"
    )
    story = models.Story.objects.create(album=train, imported_by=album.imported_by, external_id="t")
    models.StorySentence.objects.create(story=story, photo=photo, position=0, text="We met a dog.")
    run = training.launch(dataset=row.dataset.name, preset="tiny", feedback="rehearsal", name="rehearsed-model")
    assert run.config["feedback_simulated"] is True
    Checkpoint.objects.create(run=run, system=run.system, directory="x", sha256="0" * 64, size_bytes=1)
    assert run.system
    assert lineage(run.system)["feedback_set"]["simulated"] is True


def test_settings_reach_the_set_from_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    campaign = feedback_campaign(captions=2, texts=TEXTS, criteria=["fluency", "human_likeness"], name="two")
    rate(campaign, scoring(human=90, gru=20))
    call_command(
        "build_feedback", "fluent", "--campaign", "two", "--criterion", "fluency", "--admit-pasted", "--beta", "2",
        "--wait", "--json",
    )  # fmt: skip
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["score"], told["preference"], told["raters"]) == (4, 2, 1)
    assert models.FeedbackSet.objects.get(name="fluent").settings == {
        "beta": 2, "criteria": ["fluency"], "admit_pasted": True, "simulated": False,
    }  # fmt: skip


def page_of(row: models.FeedbackSet, asked: str = "") -> str:
    return f"/data/feedback/{row.pk}/{asked}"


def rows_on(page: str) -> list[str]:
    table = page[page.index('id="examples"') :]
    cells = (strip_tags(each.replace("<", " <")) for each in re.findall("<tr>.*?</tr>", table, re.DOTALL)[1:])
    return [" ".join(html.unescape(each).replace("\xa0", " ").split()) for each in cells]


def test_the_page_of_a_set_shows_each_example_with_the_ratings_behind_it(staff: Client) -> None:
    row = rated_by_all_kinds()
    page = staff.get(page_of(row)).content.decode()
    assert all(f"{campaign}</a>" in page for campaign in ("scores", "edit", "human_or_machine", "error_spans"))
    assert row.sha256 in page
    assert "a usual value: too few were judged twice" in page
    shown = {kind: rows_on(staff.get(page_of(row, f"?kind={kind}")).content.decode()) for kind in KEYS}
    assert {kind: len(rows) for kind, rows in shown.items()} == row.counts["kinds"]
    assert sum("Rater 1 : 90" in each for each in shown["score"]) == 2
    assert sum("Rater 1 : 20" in each for each in shown["score"]) == 2
    of_scores = [each for each in shown["preference"] if "scored above" in each and "error_spans" not in each]
    assert len(of_scores) == 2
    for each in of_scores:
        assert re.search(r"People told .* rather than We saw .* 0\.33 16 % Rater 1 : prefers it$", each)
    assert any(
        re.search("Changed it. rather than We saw .* rewritten .* : wrote it", each) for each in shown["preference"]
    )
    assert any(re.search(": as it should be$", each) for each in shown["label"])
    assert any("1 marked part" in each and "Rater 1 : 1 error" in each for each in shown["spans"])
    assert '<mark\n    title="severity 0.20">We</mark>' in staff.get(page_of(row, "?kind=spans")).content.decode()
    assert staff.get(page_of(row, "?kind=thoughts")).status_code == 404


def test_the_page_is_read_in_as_many_queries_however_many_examples_it_shows(staff: Client) -> None:
    counts = []
    for captions in (2, 5):
        campaign = feedback_campaign(captions=captions, texts={f"s{captions}": lambda n: f"we saw thing {n}"})
        says = scoring(**{"human": 90, f"s{captions}": 20})
        rate(campaign, says, says)
        row = built(campaign, name=f"set {captions}")
        staff.get(page_of(row))
        with CaptureQueriesContext(connection) as queries:
            assert len(rows_on(staff.get(page_of(row)).content.decode())) == 3 * captions
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_set_has_pages(staff: Client) -> None:
    campaign = feedback_campaign(captions=8, texts=TEXTS)
    rate(campaign, scoring(human=90, gru=20))
    row = built(campaign)
    pages = [staff.get(page_of(row, f"?page={number}")).content.decode() for number in (1, 2)]
    assert [len(rows_on(page)) for page in pages] == [20, 4]
    assert "1 to 20 of 24" in pages[0]
    assert "Earlier examples" in pages[1]


def test_the_export_is_the_file_and_is_logged(staff: Client) -> None:
    row = rated_by_all_kinds()
    address = f"/data/feedback/{row.pk}/export.jsonl"
    assert address in staff.get(page_of(row)).content.decode()
    answer = staff.get(address)
    assert answer["Content-Disposition"] == 'attachment; filename="set.jsonl"'
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert [json.loads(line) for line in lines] == json.loads(json.dumps(list(corpus.feedback_rows(row))))
    assert models.AuditEntry.objects.filter(kind="export", about="feedback set 'set'").exists()
    models.FeedbackSet.objects.update(valid=False)
    page = staff.get(address, follow=True).content.decode()
    assert "is invalid: some of its texts were erased" in page
    assert address not in page


def test_simulated_is_on_the_page_and_in_the_name_of_the_file(staff: Client) -> None:
    campaign = feedback_campaign(captions=4, texts={"p": lambda n: f"p {n}"})
    simulation = simulation_of(raters={"honest": 2}, truth={}, systems=["human", "p"], seed=1)
    raters_simulate(campaign=campaign, simulation=simulation)
    row = built(campaign, simulated=True)
    assert "Its raters are simulated:" in staff.get(page_of(row)).content.decode()
    assert ">simulated</td>" in staff.get("/data/feedback/").content.decode()
    answer = staff.get(f"/data/feedback/{row.pk}/export.jsonl")
    assert "set-simulated.jsonl" in answer["Content-Disposition"]


def test_a_set_is_asked_for_by_the_form(staff: Client) -> None:
    campaign = feedback_campaign(captions=2, texts=TEXTS, criteria=["fluency", "human_likeness"])
    rate(campaign, scoring(human=90, gru=20))
    values = {"name": "fluent", "campaigns": [campaign.name], "criteria": "fluency , human_likeness", "beta": "2"}
    staff.post("/runs/launch/feedback/", values | {"admit_pasted": "on"})
    assert Run.objects.get().config["settings"] == {
        "beta": 2, "criteria": ["fluency", "human_likeness"], "admit_pasted": True, "simulated": False,
    }  # fmt: skip
    unknown = staff.post("/runs/launch/feedback/", values | {"criteria": "sound"}).content.decode()
    assert "has none of sound" in unknown
