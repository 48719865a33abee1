"""Items that a researcher named for raters: these get all of them and nothing else; others get the other places."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotations import models
from annotations.campaigns.outside_ids import rater_signature
from annotations.campaigns.readers.named_items import NamedSource
from annotations.campaigns.services.campaigns import campaign_close, spec_of
from annotations.campaigns.services.making import campaign_create, draft_delete, draft_replace
from annotations.campaigns.services.raters import completion_reach, rater_exclude, rater_join, rater_readmit
from annotations.campaigns.spec_files import campaign_toml
from annotations.errors import ConflictError, InputError
from annotations.removal.erasing import identities, person_erase
from annotations.reports.preregistration import preregistration
from tests.annotations.many_items import grow
from tests.annotations.raters import Rater
from tests.annotations.reports import report_build
from tests.annotations.visitor import Visitor
from tests.factories import CaptionFactory, make_campaign

pytestmark = pytest.mark.django_db


def joined(campaign: models.Campaign, name: str) -> Rater:
    rater = Rater.__new__(Rater)
    rater.client = Client()
    signature = rater_signature(campaign, name)
    _, rater.session = rater_join(token=campaign.token, outside_id=name, signature=signature)
    return rater


def rate_all(rater: Rater, most: int = 99) -> list[str]:
    """The captions that the rater answered, in their order."""
    seen = list[str]()
    while len(seen) < most and (screen := rater.next()) and "wait" not in screen:
        seen.append(screen["item"]["source"])
        rater.submit(screen)
    return seen


def others(number: int) -> dict[str, Callable[[int], str]]:
    """Of systems that no other campaign of a test has."""
    return {f"system-{number}": lambda n: f"we saw thing {n}"}


def captions(*numbers: int) -> list[str]:
    return [f"a picture of thing {n}" for n in numbers]


def taken(campaign: models.Campaign) -> dict[int, int]:
    """By the number of the caption."""
    rows = campaign.items.values_list("source__text", "taken")
    return {int(text.rpartition(" ")[2]): count for text, count in rows}


def test_who_has_named_items_gets_these_and_others_get_the_other_places() -> None:
    campaign = make_campaign(captions=6, overlap=2, named={"ann": [0, 1, 2], "bo": [2, 3]}).campaign
    assert taken(campaign) == {0: 1, 1: 1, 2: 2, 3: 1, 4: 0, 5: 0}
    carl, dora = Rater(campaign), Rater(campaign)
    assert sorted(rate_all(carl)) == captions(0, 1, 3, 4, 5), "whoever comes first"
    assert sorted(rate_all(dora)) == captions(4, 5)
    ann, bo = joined(campaign, "ann"), joined(campaign, "bo")
    assert ann.next()["progress"] == {"done": 0, "total": 3}
    assert sorted(rate_all(ann)) == captions(0, 1, 2)
    assert sorted(rate_all(bo)) == captions(2, 3)
    assert (ann.next(), Rater(campaign).next()) == (None, None)
    answers = Counter(models.Rating.objects.values_list("assignment__item", flat=True))
    assert set(answers.values()) == {2}
    campaign_close(campaign=campaign)
    said = "5 of 12 screens, on 4 items, were assigned in advance to 2 named raters, who were given only these"
    method = report_build(campaign)["method"]
    assert said in method
    person_erase(identities("ann"))
    assert report_build(campaign)["method"] == method, "also once one of them is erased"
    assert said in preregistration(campaign, at=timezone.now())
    assert "in advance to" not in report_build(make_campaign(texts=others(1)).campaign)["method"]


def test_the_order_is_drawn_and_nobody_waits_for_a_kept_place() -> None:
    numbers = range(12)
    orders = []
    for number in range(2):
        campaign = make_campaign(captions=12, overlap=1, texts=others(number), named={"ann": numbers}).campaign
        assert Rater(campaign).next() is None
        ann = joined(campaign, "ann")
        ann.next()
        assert Rater(campaign).next() is None, "her lease frees nothing for others"
        orders.append(rate_all(ann))
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(captions(*numbers))
    assert orders[0] != orders[1]


def test_only_the_holder_of_the_personal_link_is_the_named_rater() -> None:
    campaign = make_campaign(captions=3, named={"ann": [0]}).campaign
    stranger = Client().post(f"/api/v1/rate/{campaign.token}/join", {"rater": "ann"}, content_type="application/json")
    assert stranger.status_code == 403
    visitor = Visitor(campaign, query=f"?rater=ann&signature={rater_signature(campaign, 'ann')}")
    visitor.join()
    assert "0 of 1 done" in visitor.page
    visitor.answer()
    assert "Thank you!" in visitor.page


def test_a_skipped_item_stays_theirs() -> None:
    campaign = make_campaign(captions=2, overlap=1, named={"ann": [0, 1]}).campaign
    ann = joined(campaign, "ann")
    skip = ann.skip(ann.next()).json()["rating"]
    assert len(rate_all(ann)) == 1
    assert Rater(campaign).next() is None
    assert ann.undo(skip).json()["next"]["progress"] == {"done": 1, "total": 2}
    assert taken(campaign) == {0: 1, 1: 1}


def test_who_is_left_out_and_readmitted_gives_all_places_back_and_has_them_again() -> None:
    campaign = make_campaign(captions=3, overlap=1, named={"ann": [0, 1]}).campaign
    ann = joined(campaign, "ann")
    rate_all(ann, 1)
    ann.next()
    rater = models.Rater.objects.get(outside_id="ann")
    for _ in range(2):
        rater_exclude(rater=rater, reason="a test", release=True)
        assert taken(campaign) == {0: 0, 1: 0, 2: 0}
        rater_readmit(rater=rater)
        rater_readmit(rater=rater)
        assert taken(campaign) == {0: 1, 1: 1, 2: 0}
    assert len(rate_all(ann)) == 1
    rater_exclude(rater=rater, reason="a test")
    rater_readmit(rater=rater)
    assert taken(campaign) == {0: 1, 1: 1, 2: 0}


def test_who_is_erased_leaves_the_answers_and_no_name() -> None:
    campaign = make_campaign(captions=3, overlap=1, named={"ann": [0, 1], "bo": [2]}).campaign
    ann = joined(campaign, "ann")
    [answered] = rate_all(ann, 1)
    ann.next()
    person_erase(identities("ann"))
    left = {0: 0, 1: 0, 2: 1} | {int(answered.rpartition(" ")[2]): 1}
    assert taken(campaign) == left
    person_erase(identities("bo"))
    assert taken(campaign) == left | {2: 0}, "who never joined too"
    assert not models.NamedItem.objects.filter(outside_id__in=["ann", "bo"]).exists()
    assert not models.NamedItem.objects.filter(place_kept=True).exists()
    assert len(rate_all(Rater(campaign))) == 2
    rater = models.Rater.objects.get(erased_at__isnull=False)
    rater_exclude(rater=rater, reason="a test", release=True)
    rater_readmit(rater=rater)
    assert set(taken(campaign).values()) == {1}


def test_a_code_is_earned_when_nothing_named_is_left() -> None:
    campaign = make_campaign(captions=4, overlap=2, minimum_answers=3, named={"ann": [0, 1]}).campaign
    ann = joined(campaign, "ann")
    rate_all(ann, 1)
    screen = ann.next()
    assert completion_reach(rater=models.Rater.objects.get()).code is None
    ann.submit(screen)
    campaign_close(campaign=campaign)
    assert completion_reach(rater=models.Rater.objects.get()).code


@pytest.mark.parametrize(
    ("rows", "spec", "message"),
    [
        ([("ann", "none")], {}, r"line 2: source: 'none' is the key of no source .*; keys are such as 'k0'"),
        ([("ann", "")], {}, "line 2: source: is empty"),
        ([("ann", "k0"), (" ", "k0")], {}, "line 3: rater: ' ' must have 1 to 200 characters"),
        ([("a" * 201, "k0")], {}, "line 2: rater: 'a*' must have 1 to 200 characters"),
        ([("ann", "k0"), ("bo", "k1"), ("ann", "k0")], {}, "line 4: source: 'k0' is named .* already at .*line 2"),
        ([("ann", "k0"), ("bo", "k0")], {"overlap": 1}, "line 3: source: 'k0' is named for more raters than overlap"),
        ([("a", "k0"), ("a", "k1")], {"screens_per_rater": 1}, "line 3: rater: more .* for 'a' than screens_per_rater"),
        ([("a", "k0"), ("b", "k1"), ("c", "k2")], {"items": 2}, "line 4: source: 'k2' is source number 3"),
        ([("ann", "twice")], {}, "line 2: source: 'twice' is the key of 2 sources, in different albums"),
        ([("ann", "alone")], {}, "line 2: source: 'alone' lacks a text of one of the systems"),
    ],
)  # fmt: skip
def test_what_no_campaign_can_give_is_refused_before_anything_is_made(
    rows: list[tuple[str, str]], spec: dict[str, Any], message: str
) -> None:
    campaign = make_campaign(captions=3, overlap=2).campaign
    for n, source in enumerate(models.Source.objects.order_by("pk")):
        models.Source.objects.filter(pk=source.pk).update(key=f"k{n}")
    album = campaign.items.earliest("pk").source.album
    for key in ("alone", "twice"):
        CaptionFactory(photo__album=album, key=key)
    other = campaign.items.latest("pk").source.album
    CaptionFactory(photo__album=other, key="twice")
    named = [NamedSource(*row, f"n.csv: line {line}") for line, row in enumerate(rows, start=2)]
    with pytest.raises(InputError, match=message):
        campaign_create(spec=spec_of(campaign).model_copy(update={"name": "named"} | spec), named=named)
    assert models.Campaign.all_rows.count() == 1
    assert not models.NamedItem.objects.exists()


def test_a_source_that_makes_no_screen_is_refused() -> None:
    texts = {"gru": lambda n: "the same" if n == 0 else f"we saw {n}", "lstm": lambda n: "the same"}
    systems = {"systems": ["gru", "lstm"], "protocol": "pairwise", "items": 2}
    with pytest.raises(InputError, match="has fewer than 2 different texts, and makes no screen"):
        make_campaign(captions=3, texts=texts, named={"ann": [0]}, **systems)
    assert not models.Campaign.all_rows.exists()


def test_named_sources_are_among_the_items_that_are_drawn() -> None:
    """Whether a screen needs one text or several, in which case more sources are looked through."""
    for number, protocol in enumerate(("slider", "pairwise")):
        campaign = make_campaign(
            captions=30, items=4, protocol=protocol, texts=others(number), named={"ann": [7, 21, 29]}
        ).campaign
        assert {7, 21, 29} < set(taken(campaign))


def test_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = make_campaign(captions=3).campaign
    keys = list(campaign.items.values_list("source__key", flat=True))
    toml, file = tmp_path / "c.toml", tmp_path / "named.csv"
    toml.write_text(campaign_toml(spec_of(campaign).model_copy(update={"name": "named"})))
    for header, problem in (("rater,key", "must be rater and source"), ("rater,source,x", "must be rater and")):
        file.write_text(f"{header}\nann,{keys[0]},\n")
        with pytest.raises(CommandError, match=problem):
            call_command("create_campaign", toml, named_items=file)
    file.write_text("source,rater\n")
    with pytest.raises(CommandError, match="names no items"):
        call_command("create_campaign", toml, named_items=file)
    file.write_text(f"source,rater\n{keys[0]},ann\n{keys[1]},ann \n{keys[1]}, bo\n")
    call_command("create_campaign", toml, named_items=file)
    said = capsys.readouterr().out
    made = models.Campaign.objects.get(name="named")
    assert Counter(made.named_items.values_list("outside_id", flat=True)) == {"ann": 2, "bo": 1}
    for name in ("ann", "bo"):
        assert rater_signature(made, name) in said


def test_a_draft_with_named_items_is_deleted_but_not_replaced() -> None:
    origin = make_campaign(captions=3).campaign
    key = origin.items.earliest("pk").source.key
    spec = spec_of(origin).model_copy(update={"name": "draft"})
    draft = campaign_create(spec=spec, state="draft", named=[NamedSource("ann", key, "")])
    with pytest.raises(ConflictError, match="has named items, which would be lost"):
        draft_replace(draft=draft, spec=spec)
    draft_delete(draft=draft)
    assert not models.NamedItem.objects.exists()
    assert not models.Campaign.all_rows.filter(pk=draft.pk).exists()


def test_the_database_refuses_an_item_named_twice_for_one_rater() -> None:
    campaign = make_campaign(captions=1, named={"ann": [0]}).campaign
    row = campaign.named_items.get()
    for values in ({"outside_id": "ann"}, {"outside_id": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            models.NamedItem.objects.create(campaign=campaign, item=row.item, **values)


@pytest.mark.once
def test_a_round_costs_the_same_few_queries_however_many_items() -> None:
    campaign = make_campaign(captions=5, named={"ann": range(5)}).campaign
    ann, counts = joined(campaign, "ann"), []
    for items in (5, 1_000, 20_000):
        grow(campaign, items)
        named = campaign.items.filter(named_for=None).order_by("position")[: items // 20]
        models.NamedItem.objects.bulk_create(
            models.NamedItem(campaign=campaign, outside_id="ann", item=item) for item in named
        )
        screen = ann.next()
        with CaptureQueriesContext(connection) as queries:
            assert ann.submit(screen).json()["next"]
        aside = r'SAVEPOINT|RELEASE|BEGIN|COMMIT|UPDATE "annotations_assignment" SET "created_at"'
        asked = [row["sql"] for row in queries if not re.match(aside, row["sql"])]
        assert len(asked) <= 8, "\n".join(asked)
        counts.append(len(asked))
    assert len(set(counts)) == 1, counts
