"""The order of texts says nothing of who wrote them, and is even, on campaigns as raters see them."""

import random
from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from annotations import models
from annotations.campaigns.assignment.order import ShownBefore, secret_draw
from annotations.campaigns.assignment.tally import shown_as
from annotations.campaigns.models.campaigns import new_secret
from annotations.campaigns.services import campaigns
from annotations.campaigns.services import making as campaign_making
from annotations.campaigns.services.raters import rater_exclude, rater_join, trial_join
from annotations.campaigns.services.ratings import rating_skip, rating_submit
from annotations.campaigns.services.screens import Screen, assignment_next
from tests.annotations.raters import Rater, new_key
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db
TEXTS = {"gru": lambda n: f"we saw thing {n}", "lstm": lambda n: f"it was thing {n}"}


def rate(rater: models.Rater) -> list[str]:
    """Answer a screen; the systems by place, or nothing where none was left."""
    screen = assignment_next(rater=rater)
    if not isinstance(screen, Screen):
        return []
    answers = {"human_likeness": {name: 50 for name, _ in screen.texts}}
    asked = screen.assignment.public_id
    rating_submit(rater=rater, assignment_id=asked, key=new_key(), answers=answers, seconds=1.0)
    return systems_of([name for name, _ in screen.texts])


def systems_of(names: list[str]) -> list[str]:
    shown = models.CandidateOutput.objects.filter(candidate__public_id__in=names)
    wrote = {str(name): system for name, system in
             shown.values_list("candidate__public_id", "output__decoding__system__name")}  # fmt: skip
    return [wrote[name] for name in names]


def spread(orders: list[list[str]], place: int) -> int:
    counts = Counter({"human": 0, "gru": 0, "lstm": 0})
    counts.update(order[place] for order in orders)
    return max(counts.values()) - min(counts.values())


@pytest.mark.parametrize("leak", [0.0, 0.5])
def test_a_guess_from_what_is_public_is_right_at_chance_and_a_leak_of_half_would_show(leak: float) -> None:
    """The orders that the code draws for 200 campaigns of 15 screens, each by the secret of its own. The guesses know
    all else: one is how orders were drawn before there was a secret, the other draws with what is put in for it. Where
    the secret leaks for half of the campaigns the second one shows it."""
    systems, right, screens = [1, 2, 3], [0, 0], 0
    for number in range(200):
        secret = new_secret()
        known = secret if number < 200 * leak else ""
        drawn, guessed = ShownBefore(systems), ShownBefore(systems)
        for item in range(15):
            orders = [
                before.order([[1], [2], [3]], item, draw=secret_draw(with_secret, 1, item, item, 0))
                for before, with_secret in ((drawn, secret), (guessed, known))
            ]
            public = [0, 1, 2]
            random.Random(f"1:{item}").shuffle(public)
            right = [right[0] + (public[0] == orders[0][0]), right[1] + (orders[1][0] == orders[0][0])]
            screens += 1
            for before, order in zip((drawn, guessed), orders, strict=True):
                before.rater.add(shown_as([[systems[text]] for text in order]))
    deviation = (screens * 2 / 9) ** 0.5
    beyond = [abs(each - screens / 3) / deviation for each in right]
    assert beyond[0] < 5
    assert (beyond[1] < 5) == (not leak), beyond


def test_who_knows_all_that_is_public_guesses_at_chance_and_each_rater_sees_each_system_as_often() -> None:
    """The guess knows the code, the seed, each item's place, and the order in which systems are read: it is how orders
    were drawn before there was a secret. A second one sorts by the random ids on the page."""
    first = make_campaign(captions=15, texts=TEXTS)
    spec, right, sorted_right, screens = campaigns.spec_of(first.campaign), 0, 0, 0
    for number in range(4):
        campaign = campaign_making.campaign_create(spec=spec.model_copy(update={"name": f"c{number}"}))
        rater, _ = rater_join(token=campaign.token)
        orders = []
        while order := rate(rater):
            orders.append(order)
            newest = models.Assignment.objects.filter(rater=rater).latest("pk")
            guess = ["gru", "lstm", "human"]
            random.Random(f"{campaign.seed}:{newest.item.position}").shuffle(guess)
            by_name = sorted(name for _, name in newest.candidate_order)
            right += guess[0] == order[0]
            sorted_right += systems_of(by_name)[0] == order[0]
            screens += 1
            assert max(spread(orders, place) for place in range(3)) <= 1
    assert screens == 60
    for guessed in (right, sorted_right):
        assert 6 <= guessed <= 34, "20 of 60 by chance, give or take four standard deviations; 40 by a leak of half"
    lowest = models.Candidate.objects.filter(item__campaign=campaign).order_by("item", "pk")
    firsts = list(lowest.values_list("outputs__decoding__system__name", flat=True))[::3]
    assert len(set(firsts)) > 1, "primary keys do not follow the systems"


def test_screens_that_were_skipped_were_seen_too() -> None:
    campaign = make_campaign(captions=13, texts=TEXTS).campaign
    rater, _ = rater_join(token=campaign.token)
    orders = [rate(rater)]
    while isinstance(screen := assignment_next(rater=rater), Screen):
        orders.append(systems_of([name for name, _ in screen.texts]))
        rating_skip(rater=rater, assignment_id=screen.assignment.public_id, key=new_key())
        assert max(spread(orders, place) for place in range(3)) <= 1
    assert len(orders) == 13


def test_items_and_a_dry_run_are_even_too() -> None:
    campaign = make_campaign(captions=9, overlap=3, texts=TEXTS).campaign
    trial, _ = trial_join(campaign=campaign)
    tried = [rate(trial) for _ in range(9)]
    assert max(spread(tried, place) for place in range(3)) == 0
    raters = [rater_join(token=campaign.token)[0] for _ in range(3)]
    orders = [order for _ in range(9) for rater in raters if (order := rate(rater))]
    assert len(orders) == 27
    assert max(spread(orders, place) for place in range(3)) == 0
    rater_exclude(rater=raters[0], reason="a test", release=True)
    fresh, _ = rater_join(token=campaign.token)
    others = list(iter(lambda: rate(fresh), []))
    assert len(others) == 9
    for item in campaign.items.all():
        assert item.taken == 3


def test_identical_texts_stand_once_and_count_for_both() -> None:
    same = {"gru": lambda n: "we had fun", "lstm": lambda n: "we had fun" if n % 2 else f"it was thing {n}"}
    campaign = make_campaign(captions=12, texts=same).campaign
    rater, _ = rater_join(token=campaign.token)
    while isinstance(screen := assignment_next(rater=rater), Screen):
        assert len(screen.texts) == screen.assignment.item.candidates.count()
        rate(rater)
    places = {len(shown.split()) for shown in models.Assignment.objects.values_list("shown", flat=True)}
    assert places == {2, 3}
    firsts = Counter(
        system
        for shown in models.Assignment.objects.values_list("shown", flat=True)
        for system in shown.split()[0].split(",")
    )
    assert max(firsts.values()) - min(firsts.values()) <= 1


def test_the_secret_is_nowhere_to_be_read() -> None:
    """Neither the secret nor the systems' numbers by place leave the database: pages, files, sheets, the interface."""
    campaign = make_campaign(captions=6, overlap=1, texts=TEXTS).campaign
    other = campaign_making.campaign_create(spec=campaigns.spec_of(campaign).model_copy(update={"name": "another"}))
    assert len(campaign.order_secret) == 64
    assert campaign.order_secret != other.order_secret
    staff = Client()
    staff.force_login(User.objects.create_superuser("admin", password="x"))
    page, report = f"/campaigns/{campaign.pk}/", f"/reports/{campaign.pk}/"
    visitor = Visitor(campaign)
    visitor.join()
    seen: list[Any] = [visitor.page]
    for _ in range(2):
        seen.append(visitor.answer().content.decode())
    rater = Rater(campaign)
    screen = rater.next()
    first = rater.submit(screen)
    seen += [rater.post("next"), first, rater.skip(first.json()["next"]), rater.undo(first.json()["rating"])]
    seen += [rater.submit(screen, answers={"human_likeness": {}}), rater.submit(screen)]
    to_raters = len(seen)
    shown = list(models.Assignment.objects.values_list("shown", flat=True))
    assert min(len(each) for each in shown) >= 5
    before = ("", "preview/1/", "campaign.toml", "preregistration.md", "copy/", "progress/")
    after = ("", "report.json", "report.html", "report.csv", "ratings.csv", "ratings.jsonl")
    seen += [staff.get(report), *(staff.get(page + path) for path in before)]
    campaigns.campaign_close(campaign=campaign)
    seen += [staff.get(page), *(staff.get(report + path) for path in after)]
    for number, each in enumerate(seen):
        text = each if isinstance(each, str) else (each.getvalue() if each.streaming else each.content).decode()
        assert campaign.order_secret not in text
        assert "order_secret" not in text
        assert number >= to_raters or not any(order in text for order in shown)
