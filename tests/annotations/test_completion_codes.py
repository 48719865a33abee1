"""A completion code proves answers: none before it is earned, each can be checked. Who is left out frees places."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from annotations import models
from annotations.campaigns.monitoring.places import places_of
from annotations.campaigns.services import campaigns
from annotations.campaigns.services import making as campaign_making
from annotations.campaigns.services.leases import leases_release_expired
from annotations.campaigns.services.raters import rater_exclude, rater_join, rater_readmit
from annotations.campaigns.services.ratings import rating_skip
from annotations.campaigns.services.screens import Screen, Wait, assignment_next
from annotations.errors import ConflictError
from tests.annotations.raters import Rater, new_key
from tests.annotations.test_orders import rate
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db
CODE = re.compile(r"<output>([2-9A-HJ-NP-Z]{10})</output>")
LIST = "/campaigns/"


def skip(visitor: Visitor) -> None:
    visitor.send(f"skip/{visitor.assignment}/", {"key": visitor.key("skip")})


def code_in(visitor: Visitor) -> str | None:
    found = CODE.search(visitor.client.get(visitor.address).content.decode())
    return found and found[1]


def test_thirty_skips_and_a_full_campaign_give_no_code() -> None:
    campaign = make_campaign(captions=30, overlap=1).campaign
    visitor = Visitor(campaign)
    visitor.join()
    assert "After 1 answered screen you get a completion code" in Visitor(campaign).page
    for _ in range(30):
        skip(visitor)
    assert "Thank you!" in visitor.page
    assert "1 answered screen; you have answered 0" in visitor.page
    assert "You skipped 30 screens, which do not count" in visitor.page
    assert code_in(visitor) is None

    other = Visitor(campaign)
    other.join()
    for _ in range(30):
        other.answer()
    full = Visitor(campaign)
    full.join()
    assert "nothing left for you to rate" in full.page
    assert (code_in(full), bool(code_in(other))) == (None, True)
    assert models.Rater.objects.filter(completion_code__isnull=False).count() == 1


def test_the_code_comes_with_the_minimum_and_stays_the_same() -> None:
    campaign = make_campaign(captions=4, minimum_answers=2).campaign
    visitor = Visitor(campaign)
    visitor.join()
    skip(visitor)
    visitor.answer()
    assert code_in(visitor) is None
    visitor.answer()
    code = code_in(visitor)
    assert code
    assert "You have answered enough" in visitor.page
    visitor.undo()
    assert code_in(visitor) is None, "an answer taken back does not count"
    visitor.answer()
    visitor.answer()
    assert "Thank you!" in visitor.page
    assert code_in(visitor) == code
    campaigns.campaign_close(campaign=campaign)
    assert code_in(visitor) == code


def test_who_has_done_all_there_was_needs_no_more() -> None:
    campaign = make_campaign(captions=3, overlap=1, minimum_answers=3).campaign
    first, second, third = (Visitor(campaign) for _ in range(3))
    for visitor in (first, second, third):
        visitor.join()  # each has one of the three screens
    second.answer()
    assert "A moment, please" in second.page
    assert code_in(second) is None
    assert "what you have answered is enough" in second.page
    skip(third)
    second.page = second.client.get(second.address).content.decode()
    second.answer()
    first.answer()
    assert code_in(second), "two of three: the third is somebody else's"
    assert code_in(first)
    assert "you have answered 0" in third.client.get(third.address).content.decode()


def test_a_close_ends_nobodys_code_who_had_no_screen_left_and_gives_none_to_who_had() -> None:
    campaign = make_campaign(captions=3, overlap=1, minimum_answers=3).campaign
    waiting, working = Visitor(campaign), Visitor(campaign)
    waiting.join()
    working.join()
    waiting.answer()
    waiting.answer()
    assert "A moment, please" in waiting.page
    idle = Visitor(campaign)
    campaigns.campaign_close(campaign=campaign)
    assert code_in(waiting)
    page = working.client.get(working.address).content.decode()
    assert "This study is over" in page
    assert "3 answered screens; you have answered 0" in page
    assert code_in(working) is None
    assert "This study is over" in idle.client.get(idle.address).content.decode()


@pytest.mark.parametrize("close", [False, True])
def test_who_left_after_one_answer_gets_no_code_when_others_have_rated_the_rest(close: bool) -> None:
    campaign = make_campaign(captions=4, overlap=1, minimum_answers=4).campaign
    left, waiting, last = (Visitor(campaign) for _ in range(3))
    for visitor in (left, waiting, last):
        visitor.join()
    theirs = models.Assignment.objects.filter(public_id=left.assignment)
    theirs.update(state="done", revision=1)
    models.Rating.objects.create(
        assignment=theirs.get(),
        revision=1,
        kind="answer",
        key=new_key(),
        created_at=timezone.now() - timedelta(hours=5),
    )
    waiting.answer()
    waiting.answer()
    if close:
        campaigns.campaign_close(campaign=campaign)
    else:
        last.answer()
    assert code_in(left) is None
    assert bool(code_in(waiting)), "who was there when it ran out"
    left.page = left.reload().content.decode()
    assert "4 answered screens; you have answered 1" in left.page


def test_a_dry_run_and_the_interface_show_no_code(staff: Client) -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    visitor = Visitor(campaign)
    visitor.client, visitor.shown = staff, staff.post(f"{LIST}{campaign.pk}/try/").headers["Location"]
    visitor.reload()
    visitor.answer()
    visitor.answer()
    assert "A dry run has no completion code" in visitor.page
    assert not CODE.search(visitor.page)
    rater = Rater(campaign)
    first = rater.submit(rater.next())
    last = rater.submit(rater.next())
    assert all(b"code" not in each.content for each in (first, last, rater.post("next")))
    assert not models.Rater.objects.filter(completion_code__isnull=False).exists()


def test_the_researcher_sees_whose_code_it_is(staff: Client) -> None:
    campaign = make_campaign(captions=3).campaign
    visitor = Visitor(campaign)
    visitor.join(rater="worker 7")
    visitor.answer()
    code = code_in(visitor)
    assert code
    skip(visitor)

    def asked(typed: str, campaign: models.Campaign = campaign) -> str:
        page = staff.get(f"{LIST}{campaign.pk}/", {"code": typed}).content.decode()
        return " ".join(re.sub(r"<[^>]+>", " ", page.partition("Check a completion code")[2]).split())

    found = asked(f" {code[:5].lower()}-{code[5:]} ")
    assert "is the code of rater 1 (worker 7)" in found
    assert "Answers 1 Skipped 1 First to last 0 min Seconds per screen 4.2" in found
    assert "Earned: 1 answer is needed" in found
    assert "is not a code that this site has given to a rater" in asked("AAAAAAAAAA")
    assert "is not a code that this site has given to a rater" in asked("<b>x</b>")
    other = campaign_making.campaign_create(spec=campaigns.spec_of(campaign).model_copy(update={"name": "another"}))
    rater_join(token=other.token)
    assert "belongs to another campaign:" in asked(code, other)
    rater = models.Rater.objects.get(outside_id="worker 7")
    assert code in staff.get(f"{LIST}{campaign.pk}/raters/{rater.public_id}/").content.decode()

    visitor.undo()
    visitor.send(f"answer/{visitor.assignment}/", {"key": new_key()})
    visitor.answer()
    campaigns.campaign_close(campaign=campaign)
    rows = csv.DictReader(io.StringIO(staff.get(f"/reports/{campaign.pk}/ratings.csv").getvalue().decode()))
    assert {row["completion_code"] for row in rows} == {code}


def test_a_code_whose_answers_were_taken_back_is_no_longer_earned(staff: Client) -> None:
    campaign = make_campaign(captions=3).campaign
    visitor = Visitor(campaign)
    visitor.join()
    visitor.answer()
    code = code_in(visitor)
    visitor.undo()
    assert "It is no longer earned" in staff.get(f"{LIST}{campaign.pk}/", {"code": code}).content.decode()


def test_the_database_holds_a_minimum_that_can_be_reached() -> None:
    campaign = make_campaign(captions=2).campaign
    for wrong in (0, 3):
        with pytest.raises(IntegrityError), transaction.atomic():
            models.Campaign.objects.filter(pk=campaign.pk).update(minimum_answers=wrong)
    rater, _ = rater_join(token=campaign.token)
    with pytest.raises(IntegrityError), transaction.atomic():
        models.Rater.objects.filter(pk=rater.pk).update(replaced=True)


def taken(campaign: models.Campaign) -> list[int]:
    return list(campaign.items.order_by("position").values_list("taken", flat=True))


def test_places_of_who_is_left_out_are_free_if_the_researcher_says_so() -> None:
    campaign = make_campaign(captions=3, overlap=1).campaign
    out, _ = rater_join(token=campaign.token)
    rate(out)
    rate(out)
    assert isinstance(assignment_next(rater=out), Screen)
    assert taken(campaign) == [1, 1, 1]
    rater_exclude(rater=out, reason="clicked at random", release=True)
    assert (taken(campaign), places_of(campaign).answers) == ([0, 0, 0], {0: 3})
    with pytest.raises(ConflictError, match="your part in the campaign has ended"):
        assignment_next(rater=models.Rater.objects.select_related("campaign").get(pk=out.pk))

    fresh, _ = rater_join(token=campaign.token)
    for _ in range(3):
        assert rate(fresh)
    assert taken(campaign) == [1, 1, 1]
    rater_readmit(rater=out)
    rater_readmit(rater=out)
    assert sorted(taken(campaign)) == [1, 2, 2], "counted once more, not twice"
    assert places_of(campaign).answers == {1: 1, 2: 2}
    assert assignment_next(rater=rater_join(token=campaign.token)[0]) is None
    rater_exclude(rater=out, reason="after all", release=True)
    assert taken(campaign) == [1, 1, 1]
    rater_readmit(rater=out)
    rater_exclude(rater=out, reason="kept in their places")
    assert sorted(taken(campaign)) == [1, 2, 2]
    rater_readmit(rater=out)
    campaigns.campaign_close(campaign=campaign)
    with pytest.raises(ConflictError, match="so nobody can rate these screens instead"):
        rater_exclude(rater=out, reason="too late", release=True)


def test_the_form_gives_the_places_back_and_says_so(staff: Client) -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    rater, _ = rater_join(token=campaign.token)
    rating_skip(rater=rater, assignment_id=screen_of(rater).assignment.public_id, key=new_key())
    rate(rater)
    values = {"rater": "1", "reason": "clicked at random", "release": "on", "action": "exclude"}
    page = staff.post(f"{LIST}{campaign.pk}/exclude/", values, follow=True).content.decode()
    assert "and others may rate their screens: clicked at random" in page
    assert "excluded, their screens are free again" in page
    assert "0</b> of <b>2</b> screens answered" in page
    assert taken(campaign) == [0, 0]
    leases_release_expired()
    assert not isinstance(screen_of(rater_join(token=campaign.token)[0]), Wait)


def test_who_is_left_out_already_can_free_their_places_and_is_taken_in_only_on_purpose(staff: Client) -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    rater, _ = rater_join(token=campaign.token)
    rate(rater)

    def post(**values: str) -> str:
        answer = staff.post(f"{LIST}{campaign.pk}/exclude/", {"rater": "1", **values}, follow=True)
        rater.refresh_from_db()
        return " ".join(answer.content.decode().split())

    assert "is not left out" in post(action="readmit")
    post(action="exclude", reason="bot")
    at = rater.excluded_at
    assert at
    assert "is already left out" in post(action="exclude", reason="bot"), "a double click"
    assert "and others may rate their screens" in post(action="exclude", reason="bot", release="on")
    assert (rater.excluded_at, rater.exclusion, rater.replaced, taken(campaign)) == (at, "bot", True, [0, 0])
    assert "is already left out" in post(action="exclude", reason="bot", release="on")
    assert staff.post(f"{LIST}{campaign.pk}/exclude/", {"rater": "1", "reason": "bot"}).status_code == 404
    assert (rater.excluded_at, taken(campaign)) == (at, [0, 0])
    assert "is included again" in post(action="readmit")
    assert (rater.excluded_at, sorted(taken(campaign))) == (None, [0, 1])


def test_a_paused_study_shows_the_code_that_is_earned() -> None:
    campaign = make_campaign(captions=3).campaign
    visitor, other = Visitor(campaign), Visitor(campaign)
    visitor.join()
    other.join()
    visitor.answer()
    code = code_in(visitor)
    campaigns.campaign_pause(campaign=campaign)
    assert "The study is paused" in visitor.reload().content.decode()
    assert (code_in(visitor), code_in(other)) == (code, None)
    assert code


@pytest.mark.parametrize("earned", [False, True])
@pytest.mark.parametrize("state", ["open", "paused"])
def test_whose_part_has_ended_is_told_so_and_earns_no_code_any_more(earned: bool, state: str) -> None:
    campaign = make_campaign(captions=3, minimum_answers=1 if earned else 2).campaign
    visitor = Visitor(campaign)
    visitor.join()
    visitor.answer()
    code = code_in(visitor)
    if not earned:
        rate(models.Rater.objects.select_related("campaign").get())  # the second answer; its reply is lost
    rater_exclude(rater=models.Rater.objects.get(), reason="bot", release=True)
    models.Campaign.objects.update(state=state)
    visitor.reload()
    assert "Your part in this study has ended." in visitor.page
    for wrong in ("nothing left for you to rate", "Undo last", "paused", "you have answered"):
        assert wrong not in visitor.page
    assert (code_in(visitor), models.Rater.objects.get().completion_code) == (code, code)
    assert bool(code) == earned


def screen_of(rater: models.Rater) -> Screen:
    screen = assignment_next(rater=rater)
    assert isinstance(screen, Screen)
    return screen
