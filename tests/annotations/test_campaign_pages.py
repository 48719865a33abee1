"""The researcher's campaign pages: drafts, what is locked, dry runs that never count, results hidden to the close."""

import csv
import io
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import ProtectedError
from django.test import Client, RequestFactory

from annotations import models
from annotations.campaigns.services import campaigns
from annotations.campaigns.services import making as campaign_making
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml, read_campaign_file
from annotations.errors import ConflictError, InputError
from tests.annotations.raters import Rater, new_key
from tests.annotations.reports import report_build
from tests.factories import CampaignParts, make_campaign
from tests.pages import in_one_line

pytestmark = pytest.mark.django_db
LIST = "/campaigns/"


def form_of(parts: CampaignParts, **values: Any) -> dict[str, Any]:
    return {
        "name": "from-the-form", "purpose": "evaluation", "dataset": parts.dataset.name, "show": "caption",
        "protocol": "slider", "unit": "sentence", "family": "criterion",
        "looks": 1, "minimum_answers": "3",
        "spending": "obrien-fleming", "systems": ["human", "lstm", "gru"],
        "criteria": ["human_likeness"], "own_criteria": "warmth", "items": "4", "overlap": "2", "seed": "7",
        "instructions": "Read, then “rate”.", "consent": "", "primary": "gru, lstm, warmth",
        "equivalence_margin": "2.5",
    } | values  # fmt: skip


def act(staff: Client, campaign: models.Campaign, action: str, **data: Any) -> str:
    answer = staff.post(f"{LIST}{campaign.pk}/act/", {"action": action, "confirm": "yes", **data}, follow=True)
    campaign.refresh_from_db()
    return answer.content.decode()


def draft(staff: Client, parts: CampaignParts, **values: Any) -> models.Campaign:
    answer = staff.post(f"{LIST}new/", form_of(parts, **values), follow=True)
    assert "was created with" in answer.content.decode(), re.findall(
        r"errorlist.*?</ul>", answer.content.decode(), re.S
    )
    return models.Campaign.objects.get(name=values.get("name", "from-the-form"))


def test_the_form_makes_what_the_file_makes(staff: Client, tmp_path: Path) -> None:
    parts = make_campaign()
    made = draft(staff, parts)
    assert made.state == "draft"
    file = tmp_path / "campaign.toml"
    file.write_bytes(staff.get(f"{LIST}{made.pk}/campaign.toml").content)
    spec = read_campaign_file(file)
    assert spec == campaigns.spec_of(made)
    assert (spec.criteria, spec.split, spec.seed) == (("human_likeness", "warmth"), "test", 7)
    assert (spec.equivalence_margin, spec.minimum_answers) == (2.5, 3)
    texts = [set(item.candidates.values_list("text", flat=True)) for item in made.items.order_by("position")]
    campaign_making.draft_delete(draft=made)
    again = campaign_making.campaign_create(spec=spec)
    assert texts == [set(item.candidates.values_list("text", flat=True)) for item in again.items.order_by("position")]


def test_a_written_file_reads_back_whatever_its_texts() -> None:
    spec = CampaignSpec(
        name="a", purpose="evaluation", dataset="d", split="test", systems=("human",), criteria=("fluency",), items=1,
        instructions='quotes " and \\ and\nlines, 한국어, tab\there', consent="\x01\x7f",
    )  # fmt: skip
    assert CampaignSpec.from_mapping(tomllib.loads(campaign_toml(spec))).instructions == spec.instructions


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"items": "5000"}, "has 6 sources with a text from every system"),
        ({"systems": ["human", "caption"], "primary": ""}, "caption is not shown; show is 'caption'"),
        ({"name": "two, names"}, "It contains ','; a name has 1 to 100 characters"),
        ({"own_criteria": "human_likeness"}, "appears twice"),
        ({"criteria": [], "own_criteria": ""}, "a list of at least one name"),
        ({"show": "photo"}, "has a picture; attach_pictures gives"),
        ({"minimum_answers": "5"}, "5 must be at most the number of items, 4"),
        ({"equivalence_margin": "-1"}, "-1.0 must be a number above 0"),
    ],
)
def test_a_mistake_in_the_form_is_said_and_makes_nothing(staff: Client, values: dict[str, Any], says: str) -> None:
    parts = make_campaign()
    answer = staff.post(f"{LIST}new/", form_of(parts, **values))
    assert answer.status_code == 200
    page = answer.content.decode().replace("&#x27;", "'")
    assert says in page
    field = "criteria" if "own_criteria" in values else next(iter(values))
    assert f'id="id_{field}_error"' in page
    assert models.Campaign.objects.count() == 1


def test_screens_are_counted_while_the_form_is_filled(staff: Client) -> None:
    assert staff.post(f"{LIST}count/", {"items": "1200", "overlap": "3"}).content.decode() == (
        "3,600 screens: 1,200 items × 3 raters each."
    )
    assert staff.post(f"{LIST}count/", {"items": "x"}).content == b""


def test_a_draft_can_be_changed_and_an_opened_campaign_cannot(staff: Client) -> None:
    parts = make_campaign()
    made = draft(staff, parts)
    token = made.token
    staff.post(f"{LIST}{made.pk}/edit/", form_of(parts, items="2", minimum_answers="2"))
    made = models.Campaign.objects.get(name="from-the-form")
    assert (made.item_count, made.token, made.state) == (2, token, "draft")

    visitor = Client()
    assert "has not begun yet" in visitor.get(f"/rate/{token}/").content.decode()
    act(staff, made, "open")
    assert made.state == "open"
    assert "I agree, begin" in visitor.get(f"/rate/{token}/").content.decode()
    answer = staff.post(f"{LIST}{made.pk}/edit/", form_of(parts, items="3"))
    assert "its content is locked" in answer.content.decode()
    assert models.Campaign.objects.get(name="from-the-form").item_count == 2
    with pytest.raises(ConflictError, match="locked"):
        campaign_making.draft_delete(draft=made)


def test_pause_extend_close_archive(staff: Client) -> None:
    campaign = make_campaign(overlap=1, captions=2).campaign
    rater = Rater(campaign)
    first = rater.next()
    act(staff, campaign, "pause")
    assert rater.submit(first).status_code == 409
    act(staff, campaign, "open")
    assert rater.submit(first).status_code == 201
    assert rater.submit(rater.next()).status_code == 201
    other = Rater(campaign)
    assert other.next() is None
    assert "must be a number from 2" in act(staff, campaign, "extend", overlap="1")
    act(staff, campaign, "extend", overlap="2")
    assert (campaign.overlap, campaign.screens) == (2, 4)
    assert other.submit(other.next()).status_code == 201
    assert "close it before archiving it" in act(staff, campaign, "archive")
    act(staff, campaign, "close")
    act(staff, campaign, "archive")
    assert campaign.name not in staff.get(LIST).content.decode()
    assert campaign.name in staff.get(f"{LIST}?archived=yes").content.decode()
    act(staff, campaign, "restore")
    assert "cannot be opened" in act(staff, campaign, "open")
    said = models.AuditEntry.objects.order_by("pk").values_list("kind", "detail")
    changed = ["paused", "opened", "2 raters per item", "archived", "taken out of the archive"]
    assert [detail for kind, detail in said if kind == "campaign_change"] == changed
    assert [kind for kind, _ in said if kind != "campaign_change"] == ["login", "campaign_close"]


def test_closing_and_deleting_ask_first_and_say_what_ends(staff: Client) -> None:
    """Without `confirm` whatever is sent gives the question, and nothing is done; the link is one for any browser."""
    parts = make_campaign(captions=3, overlap=2)
    campaign, made = parts.campaign, draft(staff, parts, items="3")
    rater = Rater(campaign)
    rater.submit(rater.next())  # and the next screen is open
    page = staff.get(f"{LIST}{campaign.pk}/").content.decode()
    assert f'href="{LIST}{campaign.pk}/act/?action=close"' in page
    ends = {
        "close": (campaign, "5 screens are still open, 1 rater is at work. No more answers are taken."),
        "delete": (made, "with its 3 items will be deleted, and its link will stop working."),
    }
    for action, (asked, says) in ends.items():
        address = f"{LIST}{asked.pk}/act/"
        for answer in (staff.get(address, {"action": action}), staff.post(address, {"action": action})):
            page = answer.content.decode()
            assert says in page
            assert "This cannot be undone." in page
            assert '<input type="hidden" name="confirm" value="yes">' in page
        assert staff.get(address, {"action": action, "confirm": "yes"}).status_code == 200, "a link alone does nothing"
        asked.refresh_from_db()
        assert asked.state in ("open", "draft")
    assert staff.get(f"{LIST}{campaign.pk}/act/", {"action": "pause"}).status_code == 302
    assert "locked" in staff.get(f"{LIST}{campaign.pk}/act/", {"action": "delete"}, follow=True).content.decode()
    assert "is closed" in act(staff, campaign, "close")
    assert (
        "is already closed" in staff.get(f"{LIST}{campaign.pk}/act/", {"action": "close"}, follow=True).content.decode()
    )
    assert (
        "was deleted"
        in staff.post(f"{LIST}{made.pk}/act/", {"action": "delete", "confirm": "yes"}, follow=True).content.decode()
    )
    assert not models.Campaign.objects.filter(pk=made.pk).exists()


def test_the_admin_deletes_nothing_of_the_store(staff: Client) -> None:
    """Neither a row's own delete page nor an action on many, for any table of ours, whoever asks."""
    campaign = make_campaign(captions=1).campaign
    rater = Rater(campaign)
    rater.submit(rater.next())
    request = RequestFactory().get("/")
    request.user = User.objects.get()
    ours = {
        model: page
        for model, page in admin.site._registry.items()
        if model.__module__.startswith(("annotations", "workers"))
    }
    assert len(ours) >= 6
    for model, page in ours.items():
        assert not page.has_delete_permission(request)
        assert not page.get_actions(request)
        listed = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for row in model._default_manager.all():
            assert staff.post(f"{listed}{row.pk}/delete/", {"post": "yes"}).status_code == 403
            staff.post(listed, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert models.Rating.objects.count() == 1
    assert models.Campaign.objects.count() == 1
    with pytest.raises(ProtectedError):
        campaign.delete()


def test_a_dry_run_is_marked_takes_nobodys_place_and_never_counts(staff: Client) -> None:
    parts = make_campaign(captions=2, overlap=1, purpose="feedback")
    campaign = parts.campaign
    models.Campaign.objects.filter(pk=campaign.pk).update(state="draft")
    dry_run = staff.post(f"{LIST}{campaign.pk}/try/").headers["Location"]
    address, _, whose = dry_run.partition("?whose=")
    for _ in range(2):
        page = staff.get(dry_run).content.decode()
        assert "Dry run" in page
        [assignment] = set(re.findall(r"answer/([0-9a-f-]{36})/", page))
        fields = re.findall(r'type="hidden" name="(\w+:[0-9a-f-]{36})"', page)
        staff.post(f"{address}answer/{assignment}/", dict.fromkeys(fields, "99") | {"key": new_key(), "whose": whose})
    assert "Thank you" in staff.get(dry_run).content.decode()
    assert models.Rating.objects.filter(assignment__rater__trial=True).count() == 2
    assert set(campaign.items.values_list("taken", flat=True)) == {0}

    campaigns.campaign_open(campaign=campaign)
    campaign.refresh_from_db()
    rater = Rater(campaign)
    while screen := rater.next():
        rater.submit(screen, answers=rater.answers(screen, 10))
    report = report_build(campaign)
    assert (report["campaign"]["ratings"], report["campaign"]["raters"]) == (2, 1)
    assert all(system["mean"] < 20 for system in report["criteria"]["human_likeness"]["systems"])
    assert models.Rating.objects.counting(campaign).count() == 2
    page = in_one_line(staff.get(f"{LIST}{campaign.pk}/"))
    assert '?state=trial">1</a>, with 2 answers.' in page
    with pytest.raises(InputError):
        campaign_making.draft_replace(draft=campaign, spec=campaigns.spec_of(campaign))


def test_a_draft_that_was_tried_out_is_kept(staff: Client) -> None:
    parts = make_campaign(captions=1)
    made = draft(staff, parts, items="1", minimum_answers="1")
    dry_run = staff.post(f"{LIST}{made.pk}/try/").headers["Location"]
    page, whose = staff.get(dry_run).content.decode(), dry_run.partition("?whose=")[2]
    [assignment] = set(re.findall(r"answer/([0-9a-f-]{36})/", page))
    staff.post(f"/rate/{made.token}/skip/{assignment}/", {"key": new_key(), "whose": whose})
    assert "answers are never deleted" in act(staff, made, "delete")
    assert models.Rating.objects.count() == 1


def test_the_preview_is_the_raters_screen_without_its_buttons(staff: Client) -> None:
    campaign = make_campaign().campaign
    assert "I agree, begin" in staff.get(f"{LIST}{campaign.pk}/preview/0/").content.decode()
    item = campaign.items.get(position=2)
    page = staff.get(f"{LIST}{campaign.pk}/preview/3/").content.decode()
    for text in [item.source.text, *item.candidates.values_list("text", flat=True)]:
        assert text in page
    assert 'type="submit"' not in page
    assert page.count("<fieldset disabled") == item.candidates.count()
    assert staff.get(f"{LIST}{campaign.pk}/preview/7/").status_code == 404
    assert not models.Assignment.objects.exists()


def test_links_are_signed_for_each_rater(staff: Client) -> None:
    campaign = make_campaign().campaign
    page = staff.post(f"{LIST}{campaign.pk}/links/", {"raters": "p1\n p2 \n\np1"}).content.decode()
    links = re.findall(r"(/rate/[^<]+)</code>", page)
    assert len(links) == 2
    [again] = re.findall(r'name="raters" value="([^"]+)"', page)
    file = staff.post(f"{LIST}{campaign.pk}/links/", {"raters": again, "as": "csv"}).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(file)))
    assert [row["rater"] for row in rows] == ["p1", "p2"]
    assert [row["link"].partition("/rate/")[2] for row in rows] == [
        link.replace("&amp;", "&").removeprefix("/rate/") for link in links
    ]
    for link in links:
        phone, laptop = Client(), Client()
        for device in (phone, laptop):
            address = link.replace("&amp;", "&")
            welcome = device.get(address).content.decode()
            values = dict(re.findall(r'name="(rater|signature)" value="([^"]*)"', welcome))
            device.post(f"/rate/{campaign.token}/join/", values)
    assert models.Rater.objects.filter(campaign=campaign).count() == 2


def test_who_leads_is_hidden_until_the_close_and_an_early_look_is_kept(staff: Client) -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    rater = Rater(campaign)
    rater.submit(rater.next())
    report = f"/reports/{campaign.pk}/"
    hidden = [staff.get(report), staff.get(f"{LIST}{campaign.pk}/")]
    for form in ("report.html", "report.json", "report.csv", "ratings.csv", "ratings.jsonl"):
        hidden.append(staff.get(f"{LIST}{campaign.pk}/{form}", follow=True))
    for page in hidden:
        assert "95 % interval" not in page.content.decode()
        assert "human_likeness" not in page.content.decode().partition("Design")[0]
    assert not models.Report.objects.exists()

    page = staff.post(f"/reports/{campaign.pk}/unblind/", follow=True).content.decode()
    assert "interim results" in page
    early = models.AuditEntry.objects.filter(kind="unblind")
    assert early.get().about == f"campaign '{campaign.name}'"

    kept = staff.get(f"/reports/{campaign.pk}/report.json").content
    rater.submit(rater.next())
    assert staff.get(f"/reports/{campaign.pk}/report.json").content == kept, "what has come since is another look"
    assert "close it first" in staff.get(f"/reports/{campaign.pk}/ratings.csv", follow=True).content.decode()
    staff.post(f"/reports/{campaign.pk}/unblind/")
    assert staff.get(f"/reports/{campaign.pk}/report.json").content != kept
    assert early.count() == 2


@pytest.mark.parametrize("model", ["campaigns", "data", "models", "runs"])
@pytest.mark.parametrize("name", ["0", "abc"])
def test_an_address_that_names_nothing_leads_back(staff: Client, model: str, name: str) -> None:
    answer = staff.get(f"/{model}/{name}/")
    assert answer.status_code == 404
    assert '<a href="/">' in answer.content.decode()


def test_the_report_page_and_its_files(staff: Client) -> None:
    campaign = make_campaign(captions=3, overlap=1).campaign
    rater = Rater(campaign)
    while screen := rater.next():
        rater.submit(screen)
    campaigns.campaign_close(campaign=campaign)
    page = staff.get(f"/reports/{campaign.pk}/").content.decode()
    assert "<svg" in page
    assert "Rated best" in page
    assert "<style" not in page
    assert "style=" not in page
    kept = staff.get(f"/reports/{campaign.pk}/report.json").content
    assert kept == bytes(models.Report.objects.get().content)
    means = {row["system"]: row["mean"] for row in json.loads(kept)["criteria"]["human_likeness"]["systems"]}
    table = list(
        csv.DictReader(io.StringIO(staff.get(f"/reports/{campaign.pk}/report.csv").content.decode("utf-8-sig")))
    )
    assert {row["system"]: float(row["value"]) for row in table if row["kind"] == "rating"} == means
    alone = staff.get(f"/reports/{campaign.pk}/report.html").content.decode()
    assert ".report" in alone.partition("</style>")[0]
    rows = staff.get(f"/reports/{campaign.pk}/ratings.jsonl").getvalue().decode().splitlines()
    assert len(rows) == 3 * 3
    assert staff.get(f"/reports/{campaign.pk}/ratings.xml").status_code == 404


def test_best_and_worst_are_the_means_of_what_was_rated() -> None:
    campaign = make_campaign(captions=6, overlap=2).campaign
    for severity in (0, 10):
        rater = Rater(campaign)
        while screen := rater.next():
            names = [each["id"] for each in screen["item"]["candidates"]]
            number = int(re.findall(r"\d+", screen["item"]["source"])[0])
            rater.submit(
                screen, answers={"human_likeness": {n: 10 * number + severity + p for p, n in enumerate(names)}}
            )
    examples = report_build(campaign)["examples"]["human_likeness"]
    best, worst = examples["best"], examples["worst"]
    assert [row["mean"] for row in best] == sorted((row["mean"] for row in best), reverse=True)
    assert [row["mean"] for row in worst] == sorted(row["mean"] for row in worst)
    assert "thing 5" in best[0]["source"]
    assert "thing 0" in worst[0]["source"]
    for row in [*best, *worst, *examples["disputed"]]:
        scores = [rating["score"] for rating in row["ratings"]]
        assert [rating["rater"] for rating in row["ratings"]] == [1, 2]
        assert (row["n"], row["mean"]) == (2, np.mean(scores))
        assert row["deviation"] == pytest.approx(np.std(scores, ddof=1))
    spread = [row["deviation"] for row in examples["disputed"]]
    assert spread == sorted(spread, reverse=True)


def test_the_form_names_items_for_raters(staff: Client) -> None:
    parts = make_campaign()
    keys = list(parts.campaign.items.order_by("pk").values_list("source__key", flat=True))
    wrong = staff.post(f"{LIST}new/", form_of(parts, named_items=f"ann, {keys[0]}\n\nbo, nothing\n"))
    assert "line 3: source: &#x27;nothing&#x27; is the key of no source" in wrong.content.decode()
    assert (
        "line 1: rater: &#x27;&#x27; must have 1 to 200 characters"
        in staff.post(f"{LIST}new/", form_of(parts, named_items=keys[0])).content.decode()
    )
    made = draft(staff, parts, named_items=f"ann, {keys[0]}\r\nwho, me,{keys[0]}\r\n")
    named = made.named_items.values_list("outside_id", "item__source__key")
    assert sorted(named) == [("ann", keys[0]), ("who, me", keys[0])]
    links = staff.post(f"{LIST}{made.pk}/links/", {"raters": "ann"}).content.decode()
    assert "signature=" in links
    for page, there in (("new/", True), (f"{made.pk}/copy/", True), (f"{made.pk}/edit/", False)):
        assert ('name="named_items"' in staff.get(f"{LIST}{page}").content.decode()) == there
    refused = staff.post(f"{LIST}{made.pk}/edit/", form_of(parts)).content.decode()
    assert "has named items, which would be lost" in refused


@pytest.mark.parametrize("asked", ["archived=no", "archived=yes", "state=none", "dataset=x", f"name={'a' * 60000}"])
def test_a_filter_that_means_nothing_leaves_the_list_readable(staff: Client, asked: str) -> None:
    campaign = make_campaign().campaign
    page = staff.get(f"{LIST}?{asked}")
    assert page.status_code == 200
    assert (f">{campaign}</a>" in page.content.decode()) == (asked != "archived=yes")
