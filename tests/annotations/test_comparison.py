"""Campaigns side by side: every number worked out beside it from the answers that were sent."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from django.core.cache import cache

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.services.scores import scores_write
from annotations.campaigns.spec import CampaignSpec
from annotations.errors import ConflictError, InputError, NotFoundError
from tests.annotations.raters import Rater
from tests.annotations.reports import comparison_build
from tests.factories import (
    AlbumFactory,
    CampaignParts,
    CaptionFactory,
    DecodingFactory,
    MetricFactory,
    OutputFactory,
    PhotoFactory,
    SystemFactory,
    make_campaign,
)

pytestmark = [pytest.mark.once, pytest.mark.django_db]  # made of a report's rows, which other tests read from both
WORTH = {"human": 70, "gru": 50, "lstm": 30, "new": 55}
Worth = Callable[[str, int, int], float]


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


class Sent(NamedTuple):
    """What a rater gave a system's text of a caption."""

    caption: str
    system: str
    rater: int
    score: float


def worth(system: str, thing: int, rater: int) -> float:
    return WORTH[system] + 3 * (thing % 4) - 5 * rater + (7 * thing + 3 * rater + len(system)) % 5


def rate(campaign: models.Campaign, raters: int, given: Worth = worth, ids: str | None = None) -> list[Sent]:
    """Everybody rates all that is handed to them, and the campaign is closed."""
    systems = {
        str(candidate.public_id): sorted(output.decoding.system.name for output in candidate.outputs.all())
        for candidate in models.Candidate.objects.filter(item__campaign=campaign)
    }
    shown = models.Candidate.objects.filter(item__campaign=campaign)
    captions = {str(public): text for public, text in shown.values_list("public_id", "item__source__text")}
    sent = []
    for number in range(raters):
        rater = Rater(campaign, ids and f"{ids}{number}")
        screen = rater.next()
        while screen:
            caption = captions[screen["item"]["candidates"][0]["id"]]
            thing = int(caption.split()[-1])
            scores = {each["id"]: given(systems[each["id"]][0], thing, number) for each in screen["item"]["candidates"]}
            sent += [Sent(caption, name, number, score) for key, score in scores.items() for name in systems[key]]
            screen = rater.submit(screen, answers=dict.fromkeys(screen["criteria"], scores)).json()["next"]
    campaign_close(campaign=campaign)
    return sent


def harsher(system: str, thing: int, rater: int) -> float:
    return worth(system, thing, rater) - 12 - thing * (rater + 1) % 4


def writes(made: CampaignParts, name: str, things: range, text: str = "a new way to say {}") -> models.Decoding:
    """Outputs of a decoding of its own for captions of these numbers; a system of a new name is made."""
    system = models.System.objects.filter(name=name).first() or SystemFactory(name=name)
    decoding = DecodingFactory(dataset=made.dataset, system=system)
    for thing in things:
        source = models.Source.objects.get(album__dataset=made.dataset, text=f"a picture of thing {thing}")
        OutputFactory(decoding=decoding, source=source, text=text.format(thing))
    return decoding


def another(made: CampaignParts, name: str, **spec: Any) -> models.Campaign:
    values = {
        "name": name, "purpose": "evaluation", "dataset": made.dataset.name, "split": "test",
        "systems": ["gru", "new"], "criteria": ["human_likeness"], "items": 4, "overlap": 3,
    }  # fmt: skip
    return campaign_create(spec=CampaignSpec.from_mapping(values | spec))


def overlapping() -> tuple[CampaignParts, models.Campaign]:
    """`first` shows gru and lstm on things 0 to 7, `second` gru and new on things 4 to 9."""
    made = make_campaign(name="first", captions=8, overlap=3, systems=["gru", "lstm"])
    for thing in (8, 9):
        photo = PhotoFactory(album=AlbumFactory(dataset=made.dataset, split="test"))
        source = CaptionFactory(photo=photo, text=f"a picture of thing {thing}")
        OutputFactory(decoding=made.systems["gru"], source=source, text=f"we saw thing {thing}")
    writes(made, "new", range(4, 10))
    return made, another(made, "second", items=6)


def means_by_caption(sent: list[Sent], system: str, captions: set[str]) -> dict[str, float]:
    return {
        caption: float(np.mean([each.score for each in sent if (each.caption, each.system) == (caption, system)]))
        for caption in captions
    }


def apart(later: dict[str, float], earlier: dict[str, float]) -> float:
    return float(np.mean([later[caption] - earlier[caption] for caption in later]))


def test_on_the_shared_items_alone_means_differences_and_the_yardstick() -> None:
    made, second = overlapping()
    sent = {"first": rate(made.campaign, 3), "second": rate(second, 3, harsher)}
    found = comparison_build(["first", "second"])
    assert found["left_out"] == []
    [result] = found["criteria"]
    shared = {f"a picture of thing {thing}" for thing in range(4, 8)}
    assert result["items"] == {"of": {"first": 8, "second": 6}, "shared": 4, "rated": 4}
    assert "(8 in 'first' and 6 in 'second'), 4 are shared" in result["notes"][0]
    rows = {row["system"]: row["cells"] for row in result["systems"]}
    assert set(rows) == {"gru", "lstm", "new"}
    assert (rows["lstm"][1], rows["new"][0]) == (None, None)
    for system, cells in rows.items():
        for cell in filter(None, cells):
            scores = [each.score for each in sent[cell["campaign"]] if each.system == system and each.caption in shared]
            assert (cell["n"], cell["raters"], cell["items"]) == (12, 3, 4) == (len(scores), 3, 4)
            assert cell["mean"] == pytest.approx(np.mean(scores))
            assert cell["ci"][0] < cell["mean"] < cell["ci"][1]
    of = {
        (name, system): means_by_caption(rows, system, shared)
        for name, rows in sent.items()
        for system in WORTH
        if any(each.system == system for each in rows)
    }
    assert [(row["kind"], row["system_a"], row["system_b"]) for row in result["differences"]] == [
        ("systems", "new", "lstm"),
        ("raters", "gru", "gru"),
    ], "gru and lstm, and new and gru, were rated together"
    across, drift = result["differences"]
    assert across["difference"] == pytest.approx(apart(of["second", "new"], of["first", "lstm"]))
    assert drift["difference"] == pytest.approx(apart(of["second", "gru"], of["first", "gru"]))
    assert drift["difference"] < -12
    assert (across["campaign_a"], across["campaign_b"]) == ("second", "first")
    against = across["against_links"]
    assert against["difference"] == pytest.approx(across["difference"] - drift["difference"])
    assert against["ci"][1] - against["ci"][0] < across["ci"][1] - across["ci"][0], "the raters' severity is out of it"
    for row in (across, drift):
        assert row["ci"][0] < row["difference"] < row["ci"][1]
        assert (row["n"], row["items"]) == (24, 4)
    small, large = sorted([across["p"], drift["p"]])
    assert sorted([across["p_holm"], drift["p_holm"]]) == pytest.approx([2 * small, max(2 * small, large)]), "Holm"
    assert result["links"] == ["gru"]
    assert "3 in 'first' and 3 in 'second', none of them in more than one" in result["raters"]
    assert comparison_build(["second", "first"]) == found, "the order of the names changes nothing"


def test_z_is_of_each_campaigns_own_raters() -> None:
    """Everybody of the second campaign halves their scores: its means halve, its z stays."""
    made = make_campaign(name="first", captions=5, overlap=3, systems=["gru", "lstm"])
    second = another(made, "second", systems=["gru", "lstm"], items=5)
    rate(made.campaign, 3)
    rate(second, 3, lambda *about: worth(*about) / 2)
    [result] = comparison_build(["first", "second"])["criteria"]
    for row in result["systems"]:
        first, other = row["cells"]
        assert other["mean"] == pytest.approx(first["mean"] / 2)
        assert other["z"] == pytest.approx(first["z"])
    assert [row["kind"] for row in result["differences"]] == ["raters", "raters"]


def test_somebody_known_in_both_campaigns_is_one_person() -> None:
    made = make_campaign(name="first", captions=5, overlap=3, systems=["gru", "lstm"])
    second, third = (another(made, name, systems=["gru", "lstm"], items=5) for name in ("second", "third"))
    rate(made.campaign, 3, ids="p")
    rate(second, 3, harsher, ids="p")
    rate(third, 3, harsher)
    [same], [others] = (comparison_build(["first", name])["criteria"] for name in ("second", "third"))
    assert "3 of them in more than one" in same["raters"]
    for one, other in zip(same["differences"], others["differences"], strict=True):
        assert one["difference"] == pytest.approx(other["difference"])
        assert one["ci"][1] - one["ci"][0] < other["ci"][1] - other["ci"][0], "their own severity is in both"


def test_one_name_with_other_texts_is_two_systems() -> None:
    made = make_campaign(name="first", captions=4, overlap=3, systems=["human", "gru", "lstm"], references_each=2)
    again = writes(made, "gru", range(4), text="we saw {} otherwise")
    models.Decoding.objects.filter(pk=again.pk).update(settings={"beam": 4})
    same = writes(made, "lstm", range(4), text="we had a great time .")
    second = another(made, "second", systems=["human", "gru", "lstm"], seed=5)
    assert set(second.entries.values_list("decoding", flat=True)) > {again.pk, same.pk}
    for campaign in (made.campaign, second):
        rate(campaign, 3)
    drawn = [
        dict(
            models.Output.objects.filter(
                decoding__entries__campaign=campaign, decoding__system__name="human"
            ).values_list("source", "text")
        )
        for campaign in (made.campaign, second)
    ]
    other = sum(drawn[0][source] != drawn[1][source] for source in drawn[0])
    assert other, "the seeds draw different references"
    [result] = comparison_build(["first", "second"])["criteria"]
    names = [row["system"] for row in result["systems"]]
    assert names == ["gru (first)", "gru (second)", "human (first)", "human (second)", "lstm"]
    assert (
        f"human: a different reference is shown on {other} of the 4 shared items; it counts as 2 systems."
        in result["notes"]
    )
    assert (
        "gru: a different text is shown on 4 of the 4 shared items (beam unset and 4); it counts as 2 systems."
        in (result["notes"])
    )
    assert any(note.startswith("lstm: decoded again, with the same text") for note in result["notes"])
    pairs = [(row["system_a"], row["system_b"]) for row in result["differences"]]
    assert pairs == [
        ("gru (second)", "gru (first)"), ("gru (second)", "human (first)"),
        ("human (second)", "gru (first)"), ("human (second)", "human (first)"), ("lstm", "lstm"),
    ]  # fmt: skip
    models.Decoding.objects.filter(pk=again.pk).update(completed_at="2020-05-17T12:00:00Z")
    [result] = comparison_build(["first", "second"])["criteria"]
    assert "gru (2020-05-17)" in [row["system"] for row in result["systems"]]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"show": "none"}, "'first' is not compared with 'second': raters saw the caption and the texts alone."),
        (
            {"instructions": "Be kind."},
            "not compared with 'second': the instructions are the built-in ones and “Be kind.”.",
        ),
    ],
)
def test_other_questions_are_not_compared(spec: dict[str, Any], says: str) -> None:
    made = make_campaign(name="first", captions=3, overlap=2, systems=["gru", "lstm"])
    second = another(made, "second", systems=["gru", "lstm"], items=3, overlap=2, **spec)
    third = another(made, "third", systems=["gru", "lstm"], items=3, overlap=2, criteria=["fluency"])
    for campaign in (made.campaign, second, third):
        rate(campaign, 2)
    found = comparison_build(["first", "second"])
    assert found["criteria"] == []
    assert says in found["left_out"][0]
    found = comparison_build(["first", "third"])
    assert found["criteria"] == []
    assert found["left_out"] == [
        "human_likeness: asked in 'first', not in 'third'.", "fluency: asked in 'third', not in 'first'."
    ]  # fmt: skip
    models.Campaign.objects.filter(name="third").update(scale=[0, 10], criteria=["human_likeness"])
    assert "the scale is 0 to 100 and 0 to 10" in comparison_build(["first", "third"])["left_out"][0]
    models.Campaign.objects.filter(name="third").update(protocol="pairwise")
    said = comparison_build(["first", "third"])["left_out"]
    assert said == ["'third' was rated by choices (pairwise); only campaigns with scores are compared."]


def test_long_instructions_are_quoted_where_they_part() -> None:
    made = make_campaign(
        name="first", captions=2, overlap=1, systems=["gru"], instructions="Read it. " * 30 + "Thanks."
    )
    second = another(made, "second", systems=["gru"], items=2, instructions="Read it. " * 30)
    for campaign in (made.campaign, second):
        campaign_close(campaign=campaign)
    [said] = comparison_build(["first", "second"])["left_out"]
    assert "Thanks.”" in said
    assert len(said) < 250


def test_where_nothing_is_shared_or_rated_a_sentence_stands() -> None:
    one, other = make_campaign(name="first", captions=3), make_campaign(
        name="second", captions=3, texts={"new": lambda n: f"new {n}"}
    )  # fmt: skip
    third = another(one, "third", systems=["gru"], items=3)
    for campaign in (one.campaign, other.campaign):
        rate(campaign, 2)
    campaign_close(campaign=third)
    [result] = comparison_build(["first", "second"])["criteria"]
    assert result["undefined"]["says"] == "no item is shared by 'first' and 'second' (3 in 'first' and 3 in 'second')"
    assert (result["systems"], result["differences"]) == ([], [])
    [result] = comparison_build(["first", "second", "third"])["criteria"]
    assert result["undefined"]["says"].endswith("; compare two at a time: 'first' and 'third' share 3")
    [result] = comparison_build(["first", "third"])["criteria"]
    assert result["undefined"]["code"] == "no_item_rated_in_each"


def test_too_little_for_an_interval_is_said() -> None:
    made = make_campaign(name="first", captions=3, overlap=1, systems=["gru", "lstm"])
    second = another(made, "second", systems=["gru", "lstm"], items=3, overlap=3)
    third = another(made, "third", systems=["gru", "lstm"], items=3, overlap=3)
    fourth = another(made, "fourth", systems=["gru", "lstm"], items=1, overlap=3)
    rate(made.campaign, 1)
    rate(fourth, 3)
    for campaign in (second, third):
        rate(campaign, 3, lambda *about: 50.0)
    [result] = comparison_build(["first", "second"])["criteria"]
    assert [cell["undefined"]["says"] for cell in result["systems"][0]["cells"]] == [
        "a single rater cannot show how raters differ", "all scores are equal",
    ]  # fmt: skip
    assert {row["undefined"]["code"] for row in result["differences"]} == {"rater_needed"}
    assert all(row["ci"] is row["p"] is row["p_holm"] is None for row in result["differences"])
    [result] = comparison_build(["second", "third"])["criteria"]
    assert {row["undefined"]["code"] for row in result["differences"]} == {"same_for_every_item"}
    assert [row["difference"] for row in result["differences"]] == [0, 0]
    [result] = comparison_build(["second", "fourth"])["criteria"]
    assert {row["undefined"]["says"] for row in result["differences"]} == {"a single item cannot show how items differ"}


def test_what_cannot_be_compared_is_refused() -> None:
    made, _second = overlapping()
    campaign_close(campaign=made.campaign)
    with pytest.raises(ConflictError, match="'second' is open: close it first"):
        comparison_build(["first", "second"])
    with pytest.raises(InputError, match="1 campaign to compare; name at least two"):
        comparison_build(["first"])
    with pytest.raises(InputError, match="'first' is named twice"):
        comparison_build(["first", "first"])
    with pytest.raises(NotFoundError, match="'nowhere' does not exist; closed campaigns: first"):
        comparison_build(["first", "nowhere"])


def test_metrics_side_by_side_where_the_items_are_the_same() -> None:
    made = make_campaign(name="first", captions=4, systems=["gru", "lstm"])
    second, third = another(made, "second", systems=["gru", "lstm"]), another(made, "third", systems=["gru"], items=3)
    for campaign in (made.campaign, second, third):
        campaign_close(campaign=campaign)
    for metric in ("bleu", "chrf"):
        MetricFactory(name=metric)
    for campaign, value in ((made.campaign, 12.0), (second, 15.0), (third, 9.0)):
        scores = {
            "bleu": {"value": value, "ci": (value - 1, value + 1), "signature": "nrefs:1"},
            "chrf": {"value": value, "signature": f"made:{campaign.name}"},
        }
        scores_write(decoding=made.systems["gru"], campaign=campaign, scores=scores)
    found = comparison_build(["first", "second", "third"])["metrics"]
    [table] = found["tables"]
    assert (table["metric"], table["signature"], table["campaigns"]) == ("bleu", "nrefs:1", ["first", "second"])
    assert table["systems"] == [
        {"system": "gru", "cells": [{"value": 12.0, "ci": [11.0, 13.0]}, {"value": 15.0, "ci": [14.0, 16.0]}]}
    ]
    assert found["left_out"] == [
        "'first' and 'second' were scored on different items than 'third' (4 in 'first' and 3 in 'third', 3 of them "
        "shared), and a metric covers all its items.",
        "chrf: not computed in the same way (made:first; made:second).",
    ]
    models.Score.objects.filter(campaign=second).delete()
    [said] = comparison_build(["first", "second"])["metrics"]["left_out"]
    assert said == "'second' has no metric scores: run score --campaign second."
