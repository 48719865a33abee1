"""What systems wrote for the same sources: differences, orders computed by hand, and nothing of an open campaign."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from annotations.campaigns.services.campaigns import campaign_close
from annotations.models import Campaign, Decoding, Item, Rater, Score, Source
from annotations.reports.people import text_means
from tests.factories import (
    CampaignParts,
    CaptionFactory,
    DecodingFactory,
    MetricFactory,
    OutputFactory,
    SystemFactory,
    make_campaign,
)
from tests.pages import in_one_line
from tests.workers.rated import rate_all
from workers.side_by_side import stretches

pytestmark = pytest.mark.django_db
COMPARE = "/models/compare/"
ONE = [50, 60, 70, 20]  # what people think of a text for the n-th source, by system
OTHER = [50, 10, 60, 80]


@pytest.fixture
def parts() -> CampaignParts:
    """`one` and `other` wrote for four sources each, and raters said what `ONE` and `OTHER` say, and 10 more."""
    texts = {
        "one": lambda n: f"We saw thing {n} all {'day ' * n}long.",
        "other": lambda n: f"We lost thing {n} all {'day ' * n}long.",
    }
    return make_campaign(captions=4, texts=texts)


def worth(text: str, rater: int) -> float:
    number = re.search(r"\d", text)
    assert number
    scores = ONE if "saw" in text else OTHER if "lost" in text else [30] * 4
    return scores[int(number[0])] + 10 * rater  # two raters, whose mean is 5 more


def get(client: Client, parts: CampaignParts, status: int = 200, **asked: Any) -> str:
    asked = {"dataset": parts.dataset.name, "split": "test", "system": ["one", "other"]} | asked
    answer = client.get(f"{COMPARE}?{urlencode(asked, doseq=True)}")
    assert answer.status_code == status
    return in_one_line(answer)


def order(page: str) -> list[int]:
    """The numbers of the sources, as they stand."""
    return [int(number) for number in re.findall(r"a picture of thing (\d+)", page)]


def test_words_that_the_first_did_not_write_are_marked() -> None:
    assert stretches("The dog ran home .", "the cat ran all the way home .") == [
        ("the", False), ("cat", True), ("ran", False), ("all the way", True), ("home .", False),
    ]  # fmt: skip
    assert stretches("", "a b") == [("a b", True)]
    assert stretches("a b", "") == []


def test_texts_stand_beside_their_source_and_a_reference(staff: Client, parts: CampaignParts) -> None:
    page = get(staff, parts)
    assert order(page) == [0, 1, 2, 3]
    assert "We <ins>lost</ins> thing 2 all day day long." in page
    assert "We saw thing 2 all day day long." in page, "nothing is marked in the first"
    assert "People told story 2 in way 0." in page
    assert order(get(staff, parts, sort="length")) == [3, 2, 1, 0]
    assert order(get(staff, parts, sort="shortest")) == [0, 1, 2, 3]
    assert order(get(staff, parts, q="DAY DAY")) == [2, 3]
    assert order(get(staff, parts, q="lost thing 1")) == [1], "of any of them"
    assert order(get(staff, parts, q="long", sort="length")) == [3, 2, 1, 0]
    assert "No text here has “zebra”" in get(staff, parts, q="zebra")


def scored(parts: CampaignParts) -> None:
    """By chrf `one` is far better on source 2, by repetition, of which less is better, on source 0."""
    for name, less, of_one in (("chrf", False, [1, 1, 9, 2]), ("repetition", True, [0, 5, 5, 5])):
        metric = MetricFactory(name=name, less_is_better=less)
        for system, values in (("one", of_one), ("other", [1, 2, 2, 5])):
            items = Item.objects.filter(campaign=parts.campaign, kind="regular").order_by("position")
            by_item = [float(values[int(item.source.text[-1])]) for item in items.select_related("source")]
            facts = {"signature": "s", "value": 1.0, "by_item": by_item}
            Score.objects.create(decoding=parts.systems[system], campaign=parts.campaign, metric=metric, **facts)


def test_people_and_metrics_sort_texts_once_the_campaign_is_closed(staff: Client, parts: CampaignParts) -> None:
    rate_all(parts.campaign, worth)
    scored(parts)
    for state in ("open", "paused"):
        Campaign.objects.filter(pk=parts.campaign.pk).update(state=state)
        page = get(staff, parts, sort="people")
        assert order(page) == [0, 1, 2, 3], "an open campaign sorts nothing"
        for told in (parts.campaign.name, "2 ratings", "furthest apart", "chrf"):
            assert told not in page, told
    campaign = campaign_close(campaign=parts.campaign)
    page = get(staff, parts, sort="people")
    assert order(page) == [3, 1, 2, 0], "80 - 20, 60 - 10, 70 - 60, 0"
    assert "<b>85</b>, 2 ratings" in page
    assert "<b>25</b>, 2 ratings" in page
    assert campaign.name in page
    assert order(get(staff, parts, sort="metric:chrf")) == [2, 3, 1, 0], "7, 3, 1, 0"
    assert order(get(staff, parts, sort="people", q="thing 1")) == [1]
    # In standard deviations from the mean, of people 55 and 22.4, of repetition, turned round, 3.125 and 1.97:
    # the other text of source 1 lies at -1.79 and 0.57, of source 3 at 1.34 and -0.95, the one of 2 at 0.89 and -0.95,
    # of 0 at 0 and 1.59.
    assert order(get(staff, parts, sort="disagreement:repetition")) == [1, 3, 2, 0]
    assert order(get(staff, parts, sort="disagreement:nothing")) == [0, 1, 2, 3]

    found = text_means(campaign, "human_likeness")
    means = {(Source.objects.get(pk=source).text[-1], decoding): each for (source, decoding), each in found.items()}
    for system, scores in (("one", ONE), ("other", OTHER)):
        for number, score in enumerate(scores):
            assert means[str(number), parts.systems[system].pk] == (score + 5, 2)
    last = Rater.objects.filter(campaign=campaign).order_by("-pk").values_list("pk", flat=True)[0]
    Rater.objects.filter(pk=last).update(excluded_at=campaign.closed_at, exclusion="too fast")
    page = get(staff, parts, sort="people")
    assert "<b>80</b>, 1 rating" in page, "the first rater's alone"
    assert "2 ratings" not in page


@pytest.mark.parametrize(
    ("systems", "says"),
    [
        (["one"], "Choose two to four systems to compare besides one."),
        ([], "Choose two to four systems to compare."),
        (["one", "one"], "Choose two to four systems to compare besides one."),
        (["one", "nobody"], "No system called nobody has written for"),
        (["one", "other", "human", "three", "four"], "Four systems at most stand side by side, and 5 were chosen."),
    ],
)
def test_what_cannot_be_compared_is_said_with_a_way_on(
    staff: Client, parts: CampaignParts, systems: list[str], says: str
) -> None:
    for name in ("three", "four"):
        DecodingFactory(system=SystemFactory(name=name), dataset=parts.dataset)
    page = get(staff, parts, system=systems)
    assert says in strip_tags(page)
    assert 'name="system" value="other"' in page, "the form to choose others"


def test_systems_without_a_common_source_and_odd_addresses(staff: Client, parts: CampaignParts) -> None:
    third = DecodingFactory(system=SystemFactory(name="third"), dataset=parts.dataset)
    asked: dict[str, Any] = {"system": ["one", "third"]}
    page = get(staff, parts, **asked)
    assert "No source has a text of all of these systems" in page
    assert "Choose other systems" in page
    for source in Source.objects.exclude(text__endswith="3"):
        OutputFactory(decoding=third, source=source)
    assert order(get(staff, parts, **asked)) == [0, 1, 2], "of the sources that both wrote for"
    assert order(get(staff, parts, **asked, sort="length")) == [2, 1, 0]
    for number in ("0", "-1", "x", "9" * 30, "1.5"):
        assert order(get(staff, parts, page=number)) in ([0, 1, 2, 3], [])
    assert "on page 7" in get(staff, parts, page="7")
    assert order(get(staff, parts, sort="nothing")) == [0, 1, 2, 3]
    assert staff.get(COMPARE).status_code == 200
    assert Client().get(COMPARE).status_code == 302


def test_queries_do_not_grow_with_texts_and_ratings(staff: Client) -> None:
    def queries(captions: int) -> int:
        texts = {"one": lambda n: f"We saw thing {n % 4}.", "other": lambda n: f"We lost thing {n % 4}."}
        Decoding.objects.update(split="valid")
        parts = make_campaign(captions=captions, texts={f"{k}-{captions}": v for k, v in texts.items()})
        rate_all(parts.campaign, lambda text, rater: 50.0 + len(text) + rater)
        campaign_close(campaign=parts.campaign)
        asked = {"system": [f"one-{captions}", f"other-{captions}"], "sort": "people"}
        get(staff, parts, **asked)
        with CaptureQueriesContext(connection) as captured:
            page = get(staff, parts, **asked)
        assert len(order(page)) == min(captions, 20)
        assert "ratings" in page
        return len(captured)

    assert queries(3) == queries(25)


def test_twenty_sources_stand_on_a_page(staff: Client, parts: CampaignParts) -> None:
    album = parts.dataset.albums.first()
    for n in range(4, 25):
        source = CaptionFactory(photo__album=album, text=f"a picture of thing {n}")
        for decoding in parts.systems.values():
            OutputFactory(decoding=decoding, source=source)
    page = get(staff, parts)
    assert order(page) == list(range(20))
    assert "page=2" in page
    assert order(get(staff, parts, page="2")) == list(range(20, 25))
    assert "21 to 25" in get(staff, parts, page="2")
