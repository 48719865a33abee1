"""A campaign is made whole from its file, or not at all."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import read_campaign_file
from annotations.errors import ConflictError, InputError
from tests.annotations.raters import Rater
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db
GOOD = {
    "name": "c", "purpose": "evaluation", "dataset": "d", "split": "test", "systems": ["human"], "criteria": ["x"],
    "items": 3,
}  # fmt: skip


def test_identical_texts_are_one_candidate_for_every_system_that_wrote_them() -> None:
    same = {"one": lambda n: "We saw it .", "other": lambda n: "we saw it", "third": lambda n: f"thing {n}"}
    campaign = make_campaign(texts=same).campaign
    assert campaign.items.count() == campaign.item_count == 6
    for item in campaign.items.all():
        shown = {
            candidate.text: sorted(output.decoding.system.name for output in candidate.outputs.all())
            for candidate in item.candidates.all()
        }
        assert shown.pop("We saw it.") == ["one", "other"]
        assert sorted(shown.values()) == [["human"], ["third"]]


def test_the_human_candidate_is_one_drawn_reference() -> None:
    campaign = make_campaign(references_each=3).campaign
    human = campaign.entries.get(system__name="human").decoding
    outputs = human.outputs.select_related("sentence__photo", "source")
    assert outputs.count() == 6
    for output in outputs:
        assert output.sentence is not None
        assert output.sentence.text == output.text
        assert output.sentence.photo_id == output.source.photo_id
    assert len({output.text[-2] for output in outputs}) > 1, "always the same reference of three"


def test_the_same_seed_makes_the_same_items() -> None:
    first = make_campaign(captions=20, items=8, seed=5)
    spec = {"name": "again", "purpose": "evaluation", "dataset": first.dataset.name, "split": "test", "items": 8}
    spec |= {"systems": ["human", "lstm", "gru"], "criteria": ["x"], "seed": 5}
    again = campaign_create(spec=CampaignSpec.from_mapping(spec))

    def shown(campaign: models.Campaign) -> list[tuple[int, str]]:
        rows = models.Candidate.objects.filter(item__campaign=campaign).order_by("item__position", "text")
        return list(rows.values_list("item__source_id", "text"))

    assert shown(first.campaign) == shown(again)
    ids = [
        set(models.Candidate.objects.filter(item__campaign=c).values_list("public_id", flat=True))
        for c in (first.campaign, again)
    ]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sytems": ["human"]}, "sytems: no such key; the nearest is systems; the keys are name, purpose"),
        ({"items": None}, "items: missing"),
        ({"items": 0}, "items: 0 must be a whole number from 1"),
        ({"overlap": True}, "overlap: True must be a whole number from 1"),
        ({"primary": ["gru", "human"]}, "primary: .* must be two systems and a criterion"),
        ({"primary": ["human", "xe", "human_likeness"]}, "primary: 'xe' is not one of the systems: human"),
        ({"primary": ["gru", "gru", "human_likeness"]}, "primary: 'gru' appears twice"),
        (
            {"systems": ["human", "gru"], "primary": ["human", "gru", "taste"]},
            "primary: 'taste' is not one of the criteria",
        ),
        ({"family": "all"}, "family: 'all' is not one of criterion, campaign"),
        ({"spending": "all"}, "spending: 'all' is not one of obrien-fleming, pocock"),
        ({"looks": 0}, "looks: 0 must be a whole number from 1"),
        (
            {"looks": 21, "systems": ["human", "gru"], "primary": ["human", "gru", "x"]},
            "looks: 21 must be a whole number from 1 to 20",
        ),
        ({"equivalence_margin": 0}, "equivalence_margin: 0 must be a number above 0"),
        ({"equivalence_margin": 100.0}, "equivalence_margin: 100 must be below 100, the width of the scale from 0 to"),
        ({"looks": 2}, "looks: 2 looks need the primary comparison"),
        ({"systems": []}, "systems: .* must be a list of at least one name"),
        ({"systems": ["a", "a"]}, "systems: 'a' appears twice"),
        ({"purpose": "exam"}, "purpose: 'exam' is not one of evaluation, feedback"),
        (
            {"purpose": "feedback"},
            "split: 'test' does not go with purpose 'feedback'",
        ),
        ({"unit": "novel"}, "unit: 'novel' is not one of sentence, story"),
        (
            {"systems": ["human", "caption"], "show": "caption"},
            "systems: 'caption' competes only where",
        ),
        ({"criteria": ["human, likeness"]}, "criteria: 'human, likeness' contains ','; a name has 1 to 100 characters"),
    ],
)
def test_a_wrong_value_is_said_with_its_key(change: dict[str, object], message: str) -> None:
    values = {key: value for key, value in (GOOD | change).items() if value is not None}
    with pytest.raises(InputError, match=f"^{message}") as caught:
        CampaignSpec.from_mapping(values)
    assert caught.value.field == message.partition(":")[0]


def test_a_file_that_is_no_toml_says_so(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("name = ")
    with pytest.raises(InputError, match=r"c\.toml: not TOML .*at end of document"):
        read_campaign_file(file)
    with pytest.raises(InputError, match=r"missing\.toml: cannot be read"):
        read_campaign_file(tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "other", "dataset": "nowhere"}, "dataset: 'nowhere' does not exist; available: "),
        ({"name": "other", "systems": ["human", "gpt"]}, "systems: 'gpt' does not exist; available: .*gru"),
        ({"name": "other", "items": 7}, r"items: 7 requested, but .* has 6 sources .*6 by lstm.*6 with a reference"),
        ({"name": "other", "show": "photo"}, "show: 'photo', and no photo of .* has a picture"),
        (
            {"name": "other", "protocol": "essay"},
            "protocol: 'essay' cannot be shown .*: slider, best_worst, edit, error_spans",
        ),
        (
            {"name": "other", "ties": False},
            "ties: is for choices between two texts and for rankings; the protocol 'slider' has none",
        ),
        ({"name": "other", "points": 5}, "points: 5 must be left out: the protocol 'slider' has a scale of its own"),
        ({"name": "other", "protocol": "likert", "points": 12}, "points: 12 must be a whole number from 2 to 11"),
        (
            {"name": "other", "protocol": "pairwise", "systems": ["gru"]},
            "systems: 'gru' alone; the protocol 'pairwise' needs at least 2",
        ),
        ({"name": "other", "protocol": "pairwise", "points": 5}, "points: 5 must be left out"),
        ({}, "campaign 'campaign-of-.*' already exists"),
    ],
)
def test_what_does_not_exist_is_said_and_nothing_is_left(change: dict[str, object], message: str) -> None:
    made = make_campaign()
    before = models.Campaign.objects.count(), models.Decoding.objects.count(), models.Item.objects.count()
    spec = {"name": made.campaign.name, "purpose": "evaluation", "dataset": made.dataset.name, "split": "test"}
    spec |= {"systems": ["human", "lstm", "gru"], "criteria": ["x"], "items": 6}
    with pytest.raises(InputError, match=message):
        campaign_create(spec=CampaignSpec.from_mapping(spec | change))
    assert before == (models.Campaign.objects.count(), models.Decoding.objects.count(), models.Item.objects.count())


def test_a_system_without_outputs_on_the_split_is_refused() -> None:
    made = make_campaign()
    models.Decoding.objects.filter(system__name="gru").update(completed_at=None)
    spec = {"name": "other", "purpose": "evaluation", "dataset": made.dataset.name, "split": "test", "items": 2}
    with pytest.raises(InputError, match="systems: 'gru' has no complete decoding of"):
        campaign_create(spec=CampaignSpec.from_mapping(spec | {"systems": ["gru"], "criteria": ["x"]}))


def test_the_caption_competes_where_it_is_not_shown() -> None:
    campaign = make_campaign(systems=["human", "caption", "gru"], show="none").campaign
    captions = {"A picture of thing 3."} & set(
        models.Candidate.objects.filter(item__campaign=campaign).values_list("text", flat=True)
    )
    assert captions


def test_the_database_refuses_what_makes_no_campaign() -> None:
    campaign = make_campaign().campaign
    item = campaign.items.first()
    for broken in (
        lambda: models.Campaign.objects.filter(pk=campaign.pk).update(purpose="feedback"),
        lambda: models.Campaign.objects.filter(pk=campaign.pk).update(overlap=0),
        lambda: models.Campaign.objects.filter(pk=campaign.pk).update(state="ajar"),
        lambda: models.Item.objects.create(campaign=campaign, source=item.source, position=99),
        lambda: models.Candidate.objects.create(item=item, text=item.candidates.first().text),
        lambda: models.Rater.objects.create(campaign=campaign, outside_id="", session_hash="x"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            broken()


def test_closing_ends_it_once() -> None:
    campaign = make_campaign().campaign
    assert campaign_close(campaign=campaign).closed_at is not None
    with pytest.raises(ConflictError, match="is already closed"):
        campaign_close(campaign=campaign)


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_campaign()
    file = tmp_path / "second.toml"
    lines = {"name": "second", "purpose": "evaluation", "dataset": made.dataset.name, "split": "test"}
    lines |= {"systems": ["human", "gru"], "criteria": ["fluency"], "items": 4, "overlap": 3}
    file.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in lines.items()))
    call_command("create_campaign", str(file), "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["items"], told["screens"], told["systems"]) == (4, 12, ["human", "gru"])
    call_command("campaign_link", "second", "--json")
    assert json.loads(capsys.readouterr().out)["link"] == told["link"]
    call_command("close_campaign", "second", "--json")
    assert json.loads(capsys.readouterr().out)["state"] == "closed"
    with pytest.raises(CommandError, match=r"campaign 'third' does not exist; available: .*second"):
        call_command("close_campaign", "third")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_close_is_asked_about(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    for typed in ("\n", "no\n", ""):
        monkeypatch.setattr("sys.stdin", Terminal(typed))
        with pytest.raises(CommandError, match="Not closed"):
            call_command("close_campaign", campaign.name)
        assert f"Close campaign '{campaign.name}'? 2 screens are still open, 0 raters" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    call_command("close_campaign", campaign.name)
    campaign.refresh_from_db()
    assert campaign.state == "closed"
    models.Campaign.objects.update(state="open", closed_at=None)
    monkeypatch.setattr("sys.stdin", Terminal(""))
    call_command("close_campaign", campaign.name, "--yes")
    assert models.Campaign.objects.get().state == "closed"


def test_a_close_gives_the_places_of_open_screens_back() -> None:
    campaign = make_campaign(captions=2, overlap=2).campaign
    raters = [Rater(campaign) for _ in range(2)]
    raters[0].submit(raters[0].next())  # and is handed out the next one
    raters[1].next()
    assert sum(item.taken for item in campaign.items.all()) == 3
    campaign_close(campaign=campaign)
    assert sum(item.taken for item in campaign.items.all()) == 1
