"""The systems of a split in figures: hand-computed rows, their order, and nothing of what an open campaign says."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from annotations.campaigns.services.campaigns import campaign_close
from annotations.models import Campaign, Dataset, Decoding, Output, Score, Source
from annotations.reports.keeping import report_freeze
from annotations.systems.selectors import varieties
from tests.annotations.feedback import beside
from tests.factories import (
    AlbumFactory,
    CaptionFactory,
    DatasetFactory,
    DecodingFactory,
    MetricFactory,
    OutputFactory,
    PhotoFactory,
    SystemFactory,
    make_campaign,
)
from tests.workers.rated import rate_all
from workers.models import Run

pytestmark = pytest.mark.django_db
MODELS = "/models/"


def sources_of(dataset: Dataset, count: int) -> list[Source]:
    album = AlbumFactory(dataset=dataset, split="test")
    return [CaptionFactory(photo=PhotoFactory(album=album)) for _ in range(count)]


def decoding_of(name: str, sources: list[Source], texts: list[str], **values: Any) -> Decoding:
    decoding: Decoding = DecodingFactory(
        system=SystemFactory(name=name, kind="model"), dataset=sources[0].album.dataset, **values
    )
    for number, source in enumerate(sources):
        OutputFactory(decoding=decoding, source=source, text=texts[number % len(texts)])
    return decoding


def score(decoding: Decoding, metric: str, value: float, ci: tuple[float, float] | None = None, **facts: Any) -> None:
    row = MetricFactory(name=metric, **facts)
    low, high = ci or (None, None)
    Score.objects.create(decoding=decoding, metric=row, signature="s", value=value, ci_low=low, ci_high=high)


def rows(page: str) -> list[str]:
    """The rows of the first table, tags left out."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [" ".join(strip_tags(row.replace("<", " <")).split()) for row in re.findall("<tr>.*?</tr>", body, re.DOTALL)]


def get(client: Client, **asked: Any) -> str:
    answer = client.get(f"{MODELS}?{urlencode(asked, doseq=True)}")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def dataset() -> Dataset:
    """20 sources: `varied` wrote 20 texts for them, `flat` 1, `edge` 2, of which the tenth is no fewer."""
    made: Dataset = DatasetFactory(name="boats")
    sources = sources_of(made, 20)
    varied = decoding_of("varied", sources, [f"We rowed for {n} hours." for n in range(20)])
    flat = decoding_of("flat", sources, ["We had a great time."])
    decoding_of("edge", sources, ["We had fun.", "It was fun."])
    score(varied, "nll", 4.09, (3.97, 4.21), order=1, less_is_better=True)
    score(flat, "nll", 6.9, (6.7, 7.1), order=1, less_is_better=True)
    score(varied, "chrf", 17.9, order=2)
    score(flat, "chrf", 14.1, order=2)
    for metric in ("bleu", "repetition"):
        score(flat, metric, 1.0, order=3)
    return made


def test_a_row_has_each_metric_with_its_interval_and_how_many_texts_differ(staff: Client, dataset: Dataset) -> None:
    page = get(staff)
    assert rows(page) == [
        "varied 4.090 3.970 to 4.210 17.90 100 % 20 of 20",
        "flat collapsed: 1 text for 20 sources 6.900 6.700 to 7.100 14.10 5 % 1 of 20",
        "edge – – 10 % 2 of 20",
    ], "the lowest loss first, what has none behind"
    assert "lower is better" in page
    assert "what nll says" in page
    assert ">bleu</a>" not in page, "few metrics unless more are asked for"
    assert ">bleu</a>" in get(staff, metric="all")
    assert ">chrf</a>" not in get(staff, metric=["bleu"])


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("system", ["edge", "flat", "varied"]),
        ("-system", ["varied", "flat", "edge"]),
        ("nll", ["varied", "flat", "edge"]),
        ("-nll", ["flat", "varied", "edge"]),
        ("-chrf", ["flat", "varied", "edge"]),
        ("different", ["varied", "edge", "flat"]),
        ("-different", ["flat", "edge", "varied"]),
    ],
)
def test_it_is_sorted_by_any_column(staff: Client, dataset: Dataset, sort: str, names: list[str]) -> None:
    assert [row.split()[0] for row in rows(get(staff, sort=sort))] == names


def test_a_system_has_collapsed_below_a_tenth_of_20_sources_or_more() -> None:
    made = DatasetFactory()
    sources = sources_of(made, 30)
    decodings = {
        (2, 30): decoding_of("a", sources, ["x", "X"]),  # upper case makes another text
        (3, 30): decoding_of("b", sources, ["x", "y", "z"]),
        (1, 20): decoding_of("c", sources[:20], ["x"]),
        (1, 19): decoding_of("d", sources[:19], ["x"]),
    }
    found = varieties(decodings.values())
    assert {key: (found[each.pk].different, found[each.pk].written) for key, each in decodings.items()} == {
        key: key for key in decodings
    }
    assert {key for key, each in decodings.items() if found[each.pk].collapsed} == {(2, 30), (1, 20)}


def test_only_the_newest_decoding_of_each_kind_has_a_row(staff: Client, dataset: Dataset) -> None:
    varied = Decoding.objects.get(system__name="varied")
    for settings in ({"method": "greedy"}, {"method": "greedy"}, {"method": "nucleus"}):
        DecodingFactory(system=varied.system, dataset=dataset, settings=settings)
    DecodingFactory(system=varied.system, dataset=dataset, completed_at=None)
    names = [row.split(" –")[0] for row in rows(get(staff, sort="system"))]
    assert [name for name in names if name.startswith("varied")] == ["varied", "varied, greedy"]
    assert "4.090" not in get(staff), "the scores of an older decoding are not those of its texts"


def test_a_value_that_is_undefined_says_why_and_people_stand_beside(staff: Client, dataset: Dataset) -> None:
    MetricFactory(name="embedding_indistinguishable", order=9)
    cells = {
        "flat": {"embedding_indistinguishable": {"value": None, "ci": None, "undefined": "1 text", "signature": "s"}},
        "human": {"embedding_indistinguishable": {"value": 0.5, "ci": [0.47, 0.53], "signature": "s"}},
    }
    Run.objects.create(
        kind="score", state="done", finished_at=timezone.now(), dataset=dataset, config={"split": "test"},
        result={"scores": cells},
    )  # fmt: skip
    found = rows(get(staff))
    assert "flat collapsed: 1 text for 20 sources 6.900 6.700 to 7.100 14.10 – 1 text 5 % 1 of 20" in found
    assert "human people – – 0.500 0.470 to 0.530 –" in found


def test_the_newest_dataset_with_scores_is_shown_unless_another_is_asked_for(staff: Client, dataset: Dataset) -> None:
    other = DatasetFactory(name="newer")
    decoding_of("only", sources_of(other, 1), ["hello"])
    assert "varied" in get(staff)
    assert [row.split()[0] for row in rows(get(staff, dataset="newer"))] == ["only"]
    assert "No system has written for newer / train" in get(staff, dataset="newer", split="train")
    for odd in ({"dataset": "nothing"}, {"split": "no"}, {"sort": "-x"}, {"page": "zero"}):
        assert "varied" in get(staff, **odd)
    page = get(staff)
    assert 'href="/models/' in page.partition("Systems without texts here")[2]
    assert "only" in page.partition("Systems without texts here")[2]


def test_it_says_what_to_do_where_there_is_nothing(staff: Client) -> None:
    assert "No dataset yet" in get(staff)
    DatasetFactory(name="empty")
    assert "No system has written for empty / test yet" in get(staff)


def rated(**spec: Any) -> Campaign:
    """A campaign whose raters like `gru`, text by text, and `lstm` less."""
    campaign = make_campaign(**spec).campaign
    rate_all(campaign, lambda text, rater: (80 if "thing" in text else 40) + len(text) % 7 + rater)
    return campaign


def test_people_stand_there_once_their_campaign_is_closed_and_its_report_kept(staff: Client) -> None:
    campaign = rated()
    report_freeze(campaign=campaign, unblind=True)
    address = {"dataset": campaign.dataset.name}
    for state in ("open", "paused"):
        Campaign.objects.filter(pk=campaign.pk).update(state=state)
        assert campaign.name not in get(staff, **address), "blind, though its report was looked at early"
        assert "sort=people" not in get(staff, **address)
    campaign.refresh_from_db()
    campaign_close(campaign=campaign)
    assert "sort=people" not in get(staff, **address), "the report that was kept is not that of the close"
    kept = report_freeze(campaign=campaign)
    page = get(staff, **address)
    assert campaign.name in page
    systems = json.loads(bytes(kept.content))["criteria"]["human_likeness"]["systems"]
    assert [row.split()[0] for row in rows(page)] == [row["system"] for row in systems], "best first"
    for row in systems:
        assert any(line.startswith(f"{row['system']} ") and f" {row['mean']:.1f} " in line for line in rows(page)), row

    newer = DecodingFactory(system=Decoding.objects.get(system__name="gru").system, dataset=campaign.dataset)
    assert Decoding.objects.latest_of(newer.system, newer.dataset, "test") == newer
    [gru] = [row for row in rows(get(staff, **address)) if row.startswith("gru")]
    assert "of an earlier decoding" in gru

    reader = User.objects.create_user("reader", password="x")
    client = Client()
    assert client.get(MODELS).status_code == 302
    client.force_login(reader)
    assert client.get(MODELS).status_code == 403
    reader.user_permissions.add(Permission.objects.get(codename="view_system"))
    assert campaign.name not in get(client, **address), "reports are for who may read them"


def test_queries_do_not_grow_with_rows(staff: Client, dataset: Dataset) -> None:
    def queries() -> int:
        get(staff, sort="different", metric="all")
        with CaptureQueriesContext(connection) as captured:
            get(staff, sort="different", metric="all")
        return len(captured)

    cache.clear()
    few = queries()
    sources = list(Source.objects.filter(album__dataset=dataset))
    for n in range(12):
        score(decoding_of(f"more-{n}", sources, ["a", "b"]), "chrf", n)
    assert queries() == few
    assert Output.objects.count() == 15 * 20


def test_all_systems_are_listed_too(staff: Client, dataset: Dataset) -> None:
    page = staff.get("/models/all/?name=VAR").content.decode()
    assert "varied" in page
    assert ">flat<" not in page


def test_what_an_open_campaign_drew_of_people_is_shown_nowhere(admin_client: Client) -> None:
    """Nor does it take the place of what a closed one drew."""
    first = make_campaign(captions=3, name="first").campaign
    asked = {"dataset": first.dataset.name, "split": "test", "system": ["human", "gru"]}
    compare = f"{MODELS}compare/?{urlencode(asked, doseq=True)}"
    assert not people_of(first)
    assert "No system called human has written" in admin_client.get(compare).content.decode()
    campaign_close(campaign=first)
    assert people_of(first) == [first.entries.get(system__kind="human").decoding]
    beside(first, name="second", purpose="evaluation", split="test", items=2, seed=7)
    assert people_of(first) == [first.entries.get(system__kind="human").decoding]
    assert "No system called human" not in admin_client.get(compare).content.decode()
    for page in ("9" * 30, "²", "-1", "0", "x"):
        assert admin_client.get(f"{compare}&page={page}").status_code == 200, page


def people_of(campaign: Campaign) -> list[Decoding]:
    return [each for each in Decoding.objects.latest_on(campaign.dataset, "test") if each.system.kind == "human"]
