"""Many raters at once, each sending everything twice at the same moment: nothing lost, nothing doubled."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from annotations import models
from annotations.campaigns.services.raters import rater_join
from annotations.campaigns.services.ratings import rating_submit
from annotations.campaigns.services.screens import Screen, assignment_next
from tests.annotations.raters import new_key
from tests.factories import make_campaign

RATERS, OVERLAP, ITEMS = 8, 3, 10


@pytest.mark.django_db(transaction=True)
def test_at_once_and_twice() -> None:
    campaign = make_campaign(captions=ITEMS, overlap=OVERLAP).campaign
    raters = [rater_join(token=campaign.token)[0] for _ in range(RATERS)]
    start = threading.Barrier(RATERS)

    def answer(rater: models.Rater, screen: Screen, key: str) -> int:
        try:
            answers = {"human_likeness": {name: 50 for name, _ in screen.texts}}
            assignment = screen.assignment.public_id
            return rating_submit(rater=rater, assignment_id=assignment, key=key, answers=answers, seconds=1.0).pk
        finally:
            connection.close()

    def rate(rater: models.Rater) -> int:
        start.wait()
        count = 0
        try:
            with ThreadPoolExecutor(2) as pool:
                while isinstance(screen := assignment_next(rater=rater), Screen):
                    key = new_key()
                    twice = [pool.submit(answer, rater, screen, key) for _ in range(2)]
                    assert len({each.result() for each in twice}) == 1
                    count += 1
                assert screen is None or screen.seconds
            return count
        finally:
            connection.close()

    with ThreadPoolExecutor(RATERS) as pool:
        counts = list(pool.map(rate, raters))
    ratings = models.Rating.objects.counting(campaign).select_related("assignment")
    assert sum(counts) == ratings.count() == models.Rating.objects.count() == ITEMS * OVERLAP
    assert set(Counter(rating.assignment.item_id for rating in ratings).values()) == {OVERLAP}
    assert set(campaign.items.values_list("taken", flat=True)) == {OVERLAP}


@pytest.mark.django_db(transaction=True)
def test_two_tabs_of_one_rater_get_one_assignment() -> None:
    campaign = make_campaign(captions=5).campaign
    rater, _ = rater_join(token=campaign.token)
    start = threading.Barrier(4)

    def ask(_: int) -> object:
        try:
            start.wait()
            screen = assignment_next(rater=rater)
            assert isinstance(screen, Screen)
            return screen.assignment.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
    assert sum(campaign.items.values_list("taken", flat=True)) == 1
