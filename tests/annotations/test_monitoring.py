"""What a researcher sees of a campaign while it runs: counts, pace, raters and their answers; who wrote what only after
the close, or where it was asked for."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from annotations import models
from annotations.campaigns.monitoring.pace import answers_sent, pace_of, times_judged
from annotations.campaigns.monitoring.plot import answers_svg
from annotations.campaigns.monitoring.raters import SORTS, raters_shown, raters_sorted
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.checks import standing_of_rater
from annotations.campaigns.services.endings import rater_withdraw
from annotations.campaigns.services.raters import rater_exclude, trial_join
from storyblender_site.accounts import account_make
from tests.annotations.raters import Rater
from tests.annotations.test_named_items import rate_all
from tests.annotations.test_quality import answers_of, controlled
from tests.factories import make_campaign
from tests.pages import in_one_line

pytestmark = pytest.mark.django_db
LIST = "/campaigns/"
NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
SYSTEMS = ("gru-of-new", "human", "lstm-of-old")
TEXTS = {"lstm-of-old": lambda n: f"we had thing {n} .", "gru-of-new": lambda n: f"we saw thing {n}"}


def campaign_of(**spec: Any) -> models.Campaign:
    return make_campaign(texts=TEXTS, **spec).campaign


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def judged(campaign: models.Campaign) -> dict[str, int]:
    return times_judged(campaign, answers_sent(campaign))


def shown_times(campaign: models.Campaign) -> dict[str, int]:
    """Counted text by text, from the screens of whose answers count."""
    found = dict.fromkeys(SYSTEMS, 0)
    counting = models.Assignment.objects.filter(state="done", rater__excluded_at=None, rater__trial=False)
    for assignment in counting.filter(item__campaign=campaign, item__kind="regular"):
        shown = [candidate for candidate, _ in assignment.candidate_order]
        rows = models.CandidateOutput.objects.filter(candidate__in=shown)
        for name in rows.values_list("output__decoding__system__name", flat=True):
            found[name] += 1
    return found


@pytest.mark.parametrize("settled", [600, -1], ids=["counted anew", "kept"])
def test_each_system_is_counted_by_the_answers_that_stand(settled: int, monkeypatch: Any) -> None:
    """Two texts of three on a screen. An undo takes a screen away, of a skip none, and an exclusion a rater's."""
    monkeypatch.setattr("annotations.campaigns.monitoring.pace.SETTLED_SECONDS", settled)
    quality = {"degraded": 1, "degraded_needed": 1}
    spec = {"texts_per_screen": 2, "screens_per_rater": 4, "quality": quality}
    campaign = campaign_of(captions=8, items=6, overlap=2, **spec)

    def looked() -> int:
        found = judged(campaign)
        assert found == shown_times(campaign)
        assert judged(campaign) == found, "a second look counts nothing twice"
        return sum(found.values())

    assert looked() == 0
    rater, other = Rater(campaign), Rater(campaign)
    models.Rater.objects.update(rules_waived=True)
    last = rater.submit(rater.next()).json()["rating"]
    looked()
    assert rater.undo(last).status_code == 201
    assert looked() == 0
    rate_all(rater)
    skipped = other.skip(other.next()).json()["rating"]
    other.undo(skipped)
    rate_all(other, most=2)  # one of which may be a check
    before = looked()
    rater_exclude(rater=models.Rater.objects.order_by("pk")[0], reason="clicked at random")
    assert 0 < looked() < before


def test_what_was_counted_is_kept_and_counted_anew_where_a_backup_was_restored(monkeypatch: Any) -> None:
    monkeypatch.setattr("annotations.campaigns.monitoring.pace.SETTLED_SECONDS", -1)
    campaign = campaign_of(captions=4, overlap=2)
    rate_all(Rater(campaign))
    first = answers_sent(campaign)
    key = f"sent:1:{campaign.pk}:{campaign.token}"
    kept = cache.get(key)
    assert kept
    rate_all(Rater(campaign))
    again = answers_sent(campaign)
    assert (first.hours.total(), again.hours.total()) == (4, 8)
    assert judged(campaign) == shown_times(campaign) == dict.fromkeys(SYSTEMS, 8)
    cache.set(key, kept.replace(kept.split('"')[1], "00000000-0000-0000-0000-000000000000"))
    assert answers_sent(campaign).hours.total() == 8, "of a rating that is not there, nothing is taken over"


def test_the_pace_of_the_last_day_says_when_the_rest_would_be_there() -> None:
    hours = {"2026-03-01 10": 50, "2026-03-09 11": 99, "2026-03-10 01": 10, "2026-03-10 12": 14}
    assert pace_of(hours, 12, NOW) == (24, NOW + timedelta(hours=12)), "24 a day, and 12 are missing"
    assert pace_of(hours, 0, NOW) == (24, None)
    assert pace_of({"2026-03-09 11": 99}, 12, NOW) == (0, None)
    assert pace_of({"2026-03-10 10": 30}, 24, NOW).end == NOW + timedelta(hours=2), "since two hours and a half"


def test_the_plot_has_a_bar_for_each_hour_or_day_with_answers() -> None:
    assert answers_svg({}, NOW) == ""
    by_hour = ElementTree.fromstring(answers_svg({"2026-03-10 10": 3, "2026-03-10 12": 12}, NOW))
    by_day = ElementTree.fromstring(answers_svg({"2026-03-01 10": 3, "2026-03-01 23": 4, "2026-03-10 00": 1200}, NOW))

    def bars(svg: ElementTree.Element) -> list[str | None]:
        return [bar[0].text for bar in svg if bar.tag.endswith("rect")]

    assert bars(by_hour) == ["10 Mar 10:00: 3 answers", "10 Mar 12:00: 12 answers"]
    assert bars(by_day) == ["1 Mar: 7 answers", "10 Mar: 1,200 answers"]
    assert by_hour[0].text == "Answers by hour, UTC, from 10 Mar 10:00 on: at most 12 in one hour"
    tall = [float(bar.attrib["height"]) for bar in by_hour if bar.tag.endswith("rect")]
    assert tall[1] == pytest.approx(4 * tall[0], abs=0.2)


def test_raters_are_listed_with_what_quality_control_saw_and_sorted_by_any_column() -> None:
    quality = {"seconds_per_word": 0.5, "after": 50}
    campaign = campaign_of(captions=6, overlap=4, quality=quality)
    done, left, idle = (Rater(campaign, name) for name in ("done", "left", "idle"))
    rate_all(done)
    rate_all(left, most=2)
    left.skip(left.next())
    models.Assignment.objects.filter(rater__outside_id="left", state="open").update(state="released")
    slow = models.Assignment.objects.filter(rater__outside_id="left", state="done")
    slow.update(seconds_spent=40, check_passed=True)
    models.Assignment.objects.filter(pk=slow[0].pk).update(too_fast=False, seconds_spent=60, check_passed=False)
    assert idle.next()
    trial, _ = trial_join(campaign=campaign)
    rows = {row.rater.outside_id: row for row in raters_shown(campaign, raters_sorted(campaign))}
    assert [(name, row.number, row.state) for name, row in rows.items()] == [
        ("done", 1, "done"), ("left", 2, "left"), ("idle", 3, "working"),
    ]  # fmt: skip
    assert (rows["done"].sent.answered, rows["done"].sent.fast_share, rows["done"].sent.checks) == (6, 1.0, 0)
    shown = rows["left"]
    assert shown.sent[:2] == (2, 1)
    assert (shown.seconds, shown.sent.passed, shown.sent.missed, shown.sent.fast_share) == (50.0, 1, 1, 0.5)
    assert rows["idle"].sent.fast_share is None
    assert rows["idle"].last is None
    assert shown.last == models.Rating.objects.order_by("-pk")[0].created_at
    names = dict(models.Rater.objects.values_list("pk", "outside_id"))

    def by(sort: str, state: str = "") -> list[str | None]:
        return [names[pk] for pk in raters_sorted(campaign, sort, state)]

    assert by("-number") == ["idle", "left", "done"]
    assert by("answered") == ["idle", "left", "done"]
    assert by("-seconds") == ["left", "done", "idle"], "who has no time comes last"
    assert by("seconds") == ["done", "left", "idle"]
    assert by("-last") == ["left", "done", "idle"]
    assert by("checks")[0] == "left"
    assert by("number", "working") == ["idle"]
    assert raters_sorted(campaign, "number", "trial") == [trial.pk]
    for sort in SORTS:
        assert sorted(by(sort), key=str) == ["done", "idle", "left"]
    rater_exclude(rater=models.Rater.objects.get(outside_id="done"), reason="clicked")
    assert by("number", "done") == ["done"]


def page(staff: Client, campaign: models.Campaign, path: str, **data: Any) -> str:
    answer = staff.get(f"{LIST}{campaign.pk}/{path}", data)
    assert answer.status_code == 200, path
    return in_one_line(answer)


def rated(**spec: Any) -> models.Campaign:
    campaign = campaign_of(captions=3, overlap=2, comments=True, **spec)
    rate_all(Rater(campaign, "p1"))
    other = Rater(campaign)
    other.skip(other.next())
    other.submit(other.next())
    return campaign


def test_a_rater_and_an_item_show_every_answer_and_never_who_wrote_a_text(staff: Client) -> None:
    campaign = rated()
    first, second = models.Rater.objects.order_by("pk")
    assert second
    models.Remark.objects.create(rating=models.Rating.objects.filter(assignment__rater=first)[0], comment="a <b> boat")
    shown = page(staff, campaign, f"raters/{first.public_id}/")
    order = (
        models.Assignment.objects.filter(rater=first).order_by("ratings__pk").values_list("item__position", flat=True)
    )
    links = [f"{LIST}{campaign.pk}/items/{position + 1}/" for position in order]
    assert [shown.index(link) for link in links] == sorted(shown.index(link) for link in links), "in their order"
    for text in models.Candidate.objects.filter(item__campaign=campaign).values_list("text", flat=True):
        assert text in shown
    assert shown.count("Human-likeness: <strong>5") == 9
    assert "3.5 seconds" in shown
    assert "a &lt;b&gt; boat" in shown
    skipped = models.Assignment.objects.get(state="skipped")
    of_item = page(staff, campaign, f"items/{skipped.item.position + 1}/")
    assert "Rater 1 p1" in of_item
    assert "Rater 2" in of_item
    assert "skipped" in of_item
    listed = page(staff, campaign, "items/", sort="-free")
    assert listed.count(f'href="{LIST}{campaign.pk}/items/') == 3
    for text in (shown, of_item, listed, page(staff, campaign, "raters/"), page(staff, campaign, "progress/")):
        for system in SYSTEMS[::2]:
            assert system not in text.replace(f"<td>{system}</td>", ""), "only its name beside how often it was judged"


def test_who_wrote_what_is_shown_after_the_close_or_on_request_which_is_logged(staff: Client) -> None:
    campaign = rated()
    address = f"{LIST}{campaign.pk}/raters/{models.Rater.objects.order_by('pk')[0].public_id}/"
    looked = models.AuditEntry.objects.filter(kind="unblind")
    assert "Show who wrote the texts; this is logged" in staff.get(address).content.decode()
    assert not looked.exists()
    named = in_one_line(staff.post(address))
    for assignment in models.Assignment.objects.filter(rater__outside_id="p1"):
        wrote = [
            models.System.objects.get(decodings__outputs__candidates=candidate).name
            for candidate, _ in assignment.candidate_order
        ]
        said = ", ".join(f"<b>{letter}</b> {system}" for letter, system in zip("ABC", wrote, strict=True))
        assert said in named
    entry = looked.get()
    assert (entry.person, entry.about) == ("admin", f"campaign '{campaign.name}'")
    assert SYSTEMS[0] not in staff.get(address).content.decode(), "one look does not open the page for good"
    campaign_close(campaign=campaign)
    after = staff.get(address).content.decode()
    assert SYSTEMS[0] in after
    assert "this is logged" not in after
    assert looked.count() == 1


def test_what_may_be_seen_takes_its_permission() -> None:
    campaign = rated()
    rater = models.Rater.objects.order_by("pk")[0]
    rater.completion_code = "ABCDEFGH23"
    rater.save()
    paths = ["progress/", "raters/", f"raters/{rater.public_id}/", "items/", "items/1/"]
    looker, nobody = (account_make(name=name, role="researcher") for name in ("looker", "nobody"))
    for user in (looker, nobody):
        user.groups.clear()
    looker.user_permissions.add(Permission.objects.get(codename="view_campaign"))
    ada = account_make(name="ada", role="researcher")
    statuses = {}
    for user in (looker, nobody, ada):
        browser = Client()
        browser.force_login(user)
        statuses[user.username] = {browser.get(f"{LIST}{campaign.pk}/{path}").status_code for path in paths}
        answer = browser.get(f"{LIST}{campaign.pk}/{paths[2]}").content.decode()
        assert (rater.completion_code in answer) == (user is ada)
        assert ("this is logged" in answer) == (user is ada)
    assert statuses == {"looker": {200}, "nobody": {403}, "ada": {200}}
    browser.force_login(looker)
    sent = browser.post(f"{LIST}{campaign.pk}/{paths[2]}").content.decode()
    assert SYSTEMS[0] not in sent
    assert not models.AuditEntry.objects.filter(kind="unblind").exists()
    assert {Client().get(f"{LIST}{campaign.pk}/{path}").status_code for path in paths} == {302}


@pytest.mark.parametrize(
    "path", ["raters/?sort=pk", "raters/?state=x", "items/?sort=text", "items/99/", "raters/?sort="]
)
def test_an_address_of_nothing_is_not_found(staff: Client, path: str) -> None:
    campaign = campaign_of(captions=2)
    assert staff.get(f"{LIST}{campaign.pk}/{path}").status_code == 404


@pytest.mark.parametrize("sent", ["skipped skipped", "skipped found", "missed skipped", "found found"])
def test_checks_are_counted_as_the_rules_count_them(staff: Client, sent: str) -> None:
    """A skipped qualification screen is missed, unless the skip is taken back; training counts for nothing."""
    quality = {"training": 1, "qualification": 2, "qualification_needed": 1, "degraded": 1, "degraded_needed": 1}
    campaign = controlled(captions=40, quality=quality)
    rater = Rater(campaign)
    training = rater.next()
    rater.submit(training, answers=answers_of(training, finds=True))
    taken_back = rater.skip(rater.next()).json()
    rater.undo(taken_back["rating"])
    for how in sent.split():
        screen = rater.next()
        if how == "skipped":
            rater.skip(screen)
        else:
            rater.submit(screen, answers=answers_of(screen, finds=how == "found"))
    [row] = raters_shown(campaign, [models.Rater.objects.get().pk])
    passed = sent.count("found")
    assert (row.sent.passed, row.sent.missed) == (passed, 2 - passed)
    standing = standing_of_rater(row.rater)
    assert (standing.passed.get("qualification", 0), standing.missed.get("qualification", 0)) == (passed, 2 - passed)
    for page in (f"{LIST}{campaign.pk}/raters/", f"{LIST}{campaign.pk}/raters/{row.rater.public_id}/"):
        assert f"{passed} of 2" in staff.get(page).content.decode()


def test_checks_and_dry_runs_say_what_they_are(staff: Client) -> None:
    quality = {"degraded": 1, "degraded_needed": 1}
    campaign = campaign_of(captions=8, items=4, overlap=1, screens_per_rater=3, quality=quality)
    person = Rater(campaign)
    models.Rater.objects.update(rules_waived=True)
    rate_all(person)
    rater = models.Rater.objects.get()
    [check] = models.Assignment.objects.filter(item__kind="control")
    planted = dict(zip((public_id for _, public_id in check.candidate_order), "ABCD", strict=False))
    shown = page(staff, campaign, f"raters/{rater.public_id}/")
    degraded, original = (planted[check.item.planted[key]] for key in ("degraded", "original"))  # type: ignore[index]
    assert f"{degraded} is degraded (word order), {original} its original." in shown
    assert ("check passed" if check.check_passed else "check missed") in shown
    trial, session = trial_join(campaign=campaign)
    rate_all(Rater(campaign, session=session), most=2)
    text = page(staff, campaign, "progress/")
    assert f'?state=trial">1</a>, with {trial.assignments.filter(state="done").count()} answers.' in text
    assert "Dry run, which never counts" in page(staff, campaign, f"raters/{trial.public_id}/")
    assert "dry run" in page(staff, campaign, "raters/", state="trial")


def test_a_dry_run_leads_back_to_its_campaign(staff: Client) -> None:
    campaign = campaign_of(captions=2)
    dry_run = staff.post(f"{LIST}{campaign.pk}/try/").headers["Location"]
    back = f'href="{LIST}{campaign.pk}/">back to the campaign</a>'
    assert back in in_one_line(staff.get(dry_run))
    visitor = Client()
    visitor.post(f"/rate/{campaign.token}/join/", {"rater": ""})
    screen = visitor.get(f"/rate/{campaign.token}/").content.decode()
    assert 'id="answer"' in screen
    assert "admin" not in screen, "no rater is shown the way to it"


def test_an_erased_rater_is_nobody_on_any_page(staff: Client) -> None:
    from annotations.removal.erasing import identities, person_erase

    campaign = rated()
    rater = models.Rater.objects.get(outside_id="p1")
    person_erase(identities("p1", [campaign]))
    for path in ("raters/", f"raters/{rater.public_id}/", "items/1/"):
        shown = page(staff, campaign, path)
        assert not re.search(r"\bp1\b", shown), "as a word: a token may hold it by chance"
        assert str(rater.completion_code) not in shown
    assert timezone.now() > rater.created_at


def test_whose_part_has_ended_is_said_to_and_training_is_no_check() -> None:
    quality = {"training": 1, "qualification": 1, "qualification_needed": 1}
    texts = {name: (lambda n, name=name: f"{name} wrote so many words of thing {n}") for name in TEXTS}
    campaign = make_campaign(texts=texts, captions=20, items=6, screens_per_rater=6, quality=quality).campaign
    gone, here = Rater(campaign, "gone"), Rater(campaign, "here")
    for rater in (gone, here):
        for _ in range(2):  # in training nothing is found, in the qualification it is
            screen = rater.next()
            item = models.Assignment.objects.get(public_id=screen["assignment"]).item
            scores = {each["id"]: 60 for each in screen["item"]["candidates"]}
            if item.kind == "qualification":
                scores[item.planted["degraded"]] = 10
            rater.submit(screen, answers=dict.fromkeys(screen["criteria"], scores))
    rater_withdraw(rater=models.Rater.objects.select_related("campaign").get(outside_id="gone"))
    rows = {row.rater.outside_id: row for row in raters_shown(campaign, raters_sorted(campaign))}
    assert (rows["gone"].state, rows["here"].state) == ("ended", "working")
    assert (rows["here"].sent.passed, rows["here"].sent.missed) == (1, 0)
    assert raters_sorted(campaign, state="ended") == [rows["gone"].rater.pk]
