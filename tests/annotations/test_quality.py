"""Degraded texts hidden among a rater's screens, their pace, equal answers; and who breaks a rule is stopped."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from annotations import models
from annotations.campaigns.forms import CampaignForm
from annotations.campaigns.quality import Quality, screens_planned
from annotations.campaigns.readers.named_items import NamedSource
from annotations.campaigns.services.campaigns import campaign_close, spec_of
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.services.raters import rater_readmit, trial_join
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml, read_campaign_file
from annotations.campaigns.standing import Standing, rule_broken
from annotations.errors import InputError
from annotations.protocols import protocol_named, shown_here
from annotations.reports.build import report_build
from tests.annotations.raters import Rater, new_key
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign
from texts.degrading import degraded

QUALITY = {"degraded": 3, "degraded_needed": 2}
VALUES = {
    "name": "q", "purpose": "evaluation", "dataset": "d", "split": "test", "systems": ["human", "gru"],
    "criteria": ["fluency"], "items": 20, "screens_per_rater": 12,
}  # fmt: skip


def refused(**changed: Any) -> str:
    """What is said of a campaign file with these keys."""
    with pytest.raises(InputError) as error:
        CampaignSpec.from_mapping(VALUES | changed)
    return str(error.value)


def controlled(**given: Any) -> models.Campaign:
    texts = {
        "lstm": lambda n: f"we all had a great time at place {n} .",
        "gru": lambda n: f"then we went to see thing number {n} again .",
    }
    values: dict[str, Any] = {"captions": 20, "items": 10, "screens_per_rater": 12, "overlap": 3, "quality": QUALITY}
    return make_campaign(texts=texts, **(values | given)).campaign


def planted(screen: dict[str, Any]) -> dict[str, str] | None:
    item = models.Assignment.objects.get(public_id=screen["assignment"]).item
    return item.planted


def answers_of(screen: dict[str, Any], *, finds: bool) -> dict[str, Any]:
    """Every text 60, a degraded one 20, or 90 where it is not found."""
    check = planted(screen)
    scores = {each["id"]: 60 for each in screen["item"]["candidates"]}
    if check:
        scores[check["degraded"]] = 20 if finds else 90
    return dict.fromkeys(screen["criteria"], scores)


def play(rater: Rater, *, finds: bool = True) -> int:
    """How many screens the rater answers."""
    screen, count = rater.next(), 0
    while screen:
        sent = rater.submit(screen, answers=answers_of(screen, finds=finds))
        assert sent.status_code == 201, sent.content
        screen, count = sent.json()["next"], count + 1
    return count


@pytest.mark.pure
@pytest.mark.parametrize("degradation", ["word_order", "truncation"])
def test_a_degraded_text_is_another_one_with_capital_and_full_stop(degradation: str) -> None:
    text = "We had a great time at the beach!"
    made = degraded(text, degradation, random.Random(1))
    assert made
    assert made != text
    assert made[0].isupper()
    assert made[-1] == "!"
    words = made.rstrip("!").lower().split()
    if degradation == "word_order":
        assert Counter(words) == Counter(text.rstrip("!").lower().split())
    else:
        assert words == ["we", "had", "a", "great"]
    assert degraded("Too short.", degradation, random.Random(1)) is None


@pytest.mark.pure
def test_lines_of_a_story_stay_at_their_photos() -> None:
    story = "We had a great time there.\nThe dog ran after the ball."
    made = degraded(story, "word_order", random.Random(2))
    assert made
    first, second = made.split("\n")
    assert Counter(first.lower().rstrip(".").split()) == Counter(["we", "had", "a", "great", "time", "there"])
    assert Counter(second.lower().rstrip(".").split()) == Counter(["the", "dog", "ran", "after", "the", "ball"])


@pytest.mark.pure
def test_checks_are_spread_over_a_raters_screens() -> None:
    quality = Quality(degraded=4, degraded_needed=3)
    places = [[each.after for each in screens_planned(quality, 20, "secret", rater)] for rater in range(400)]
    for part in range(4):
        seen = Counter(each[part] for each in places)
        assert set(seen) == set(range(5 * part, 5 * part + 5))
        assert min(seen.values()) > 40  # of 80 on average
    assert all(len(set(each)) == 4 for each in places)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("standing", "rule"),
    [
        (Standing(answered=9, passed={"control": 1}, missed={"control": 1}), ""),
        (Standing(answered=9, missed={"control": 2}), "degraded"),
        (Standing(answered=9, too_fast=9), ""),  # too few to say
        (Standing(answered=10, too_fast=5), ""),
        (Standing(answered=10, too_fast=6), "too_fast"),
        (Standing(answered=10, same=8), ""),
        (Standing(answered=10, same=9), "same_answers"),
    ],
)
def test_which_rule_is_broken(standing: Standing, rule: str) -> None:
    quality = Quality(degraded=3, degraded_needed=2, seconds_per_word=0.1, same_answers=0.8)
    assert rule_broken(quality, standing) == rule


@pytest.mark.django_db
def test_every_rater_gets_each_degraded_text_once_among_their_screens() -> None:
    campaign = controlled()
    raters = [Rater(campaign) for _ in range(3)]
    assert [play(rater) for rater in raters] == [12, 12, 12]
    for rater in models.Rater.objects.all():
        shown = rater.assignments.filter(item__kind="control")
        assert shown.count() == 3
        assert shown.filter(check_passed=True).count() == 3
    regular = models.Item.objects.filter(kind="regular")
    assert sum(item.taken for item in regular) == 27
    assert not models.Rater.objects.exclude(excluded_at=None).exists()


@pytest.mark.django_db
def test_who_misses_degraded_texts_is_stopped_and_their_places_come_free() -> None:
    campaign = controlled()
    rater = Rater(campaign)
    count = play(rater, finds=False)
    row = models.Rater.objects.get()
    assert row.stopped_by == "degraded"
    assert row.exclusion == "judged 2 of 2 degraded texts no worse than their originals"
    assert row.completion_code
    assert row.assignments.filter(item__kind="control").count() == 2
    assert count < 12
    assert {item.taken for item in campaign.items.all()} == {0}
    again = rater.post("next")
    assert again.status_code == 409
    assert "did not tell them apart" in again.json()["detail"]


@pytest.mark.django_db
def test_a_stopped_rater_reads_why_and_gets_a_code_of_their_own() -> None:
    campaign = controlled()
    visitor = Visitor(campaign)
    visitor.join()
    while "answer/" in visitor.page:
        assert "degraded" not in visitor.page
        visitor.answer()  # the same for all texts
    assert "your answers did not tell them apart" in visitor.page
    code = models.Rater.objects.get().completion_code
    assert code
    assert f"<output>{code}</output>" in visitor.page


@pytest.mark.django_db
def test_who_is_readmitted_is_stopped_no_more() -> None:
    campaign = controlled()
    rater = Rater(campaign)
    play(rater, finds=False)
    row = rater_readmit(rater=models.Rater.objects.get())
    assert (row.stopped_by, row.exclusion, row.excluded_at) == ("", "", None)
    assert play(rater, finds=False) > 0
    row.refresh_from_db()
    assert row.excluded_at is None
    assert row.assignments.filter(state="done").count() == 12


@pytest.mark.django_db
def test_what_is_taken_back_does_not_count() -> None:
    campaign = controlled()
    rater = Rater(campaign)
    screen, missed = rater.next(), 0
    while screen:
        check = planted(screen)
        sent = rater.submit(screen, answers=answers_of(screen, finds=False)).json()
        if check and missed == 0:
            rater.undo(sent["rating"])
            sent = rater.submit(rater.next(), answers=answers_of(screen, finds=True)).json()
        missed += bool(check)
        screen = sent["next"]
    row = models.Rater.objects.get()
    counts = Counter(row.assignments.filter(item__kind="control").values_list("check_passed", flat=True))
    assert counts == {True: 1, False: 2}
    assert row.stopped_by == "degraded"


@pytest.mark.django_db
def test_pace_and_the_same_answers() -> None:
    rules = {"seconds_per_word": 0.3, "after": 4, "same_answers": 0.8}
    campaign = controlled(quality=rules, screens_per_rater=8)
    fast, alike, slow = Rater(campaign), Rater(campaign), Rater(campaign)
    for rater, answers in ((fast, None), (alike, 60)):
        screen = rater.next()
        while screen:
            given = answers and {
                criterion: {each["id"]: answers for each in screen["item"]["candidates"]}
                for criterion in screen["criteria"]
            }
            sent = rater.submit(screen) if rater is fast else slowly(rater, screen, given)  # 3.5 seconds, or 50
            screen = sent.json()["next"]
    assert slowly(slow, slow.next()).status_code == 201
    stopped = list(models.Rater.objects.order_by("pk").values_list("stopped_by", "exclusion"))
    assert stopped == [
        ("too_fast", "answered 4 of 4 screens in under 0.3 seconds a word"),
        ("same_answers", "gave all texts the same answer on 4 of 4 screens"),
        ("", ""),
    ]


def slowly(rater: Rater, screen: dict[str, Any], answers: Any = None) -> Any:
    models.Assignment.objects.filter(public_id=screen["assignment"]).update(created_at="2020-01-01T00:00Z")
    body = {"key": new_key(), "answers": answers or rater.answers(screen), "seconds": 50}
    return rater.post(f"assignments/{screen['assignment']}", body)


@pytest.mark.django_db
def test_degraded_texts_enter_no_result() -> None:
    campaign = controlled(captions=30, items=10)
    raters = [Rater(campaign) for _ in range(3)]
    for rater in raters:
        play(rater)
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    assert report.campaign.ratings == models.Assignment.objects.filter(state="done", item__kind="regular").count()
    system = report.criteria["human_likeness"].systems[0]
    assert system.mean == 60


@pytest.mark.django_db
def test_a_dry_run_shows_the_checks_and_stops_nobody() -> None:
    campaign = controlled(quality=QUALITY | {"degraded_needed": 3})
    trial, session = trial_join(campaign=campaign)
    rater = Rater(campaign, session=session)
    screen, checks = rater.next(), 0
    while screen:
        checks += bool(planted(screen))
        screen = rater.submit(screen, answers=answers_of(screen, finds=False)).json()["next"]
    assert checks == 3
    trial.refresh_from_db()
    assert trial.excluded_at is None


@pytest.mark.django_db
def test_a_campaign_file_says_it_and_reads_back(tmp_path: Any) -> None:
    spec = spec_of(controlled(quality=QUALITY | {"seconds_per_word": 0.15, "degradations": ["truncation"]}))
    assert spec.quality.degraded == 3
    file = tmp_path / "campaign.toml"
    file.write_text(campaign_toml(spec))
    assert read_campaign_file(file) == CampaignSpec.model_validate(spec.model_dump())


@pytest.mark.pure
@pytest.mark.parametrize(
    ("quality", "said"),
    [
        ({"degraded": 3}, "quality.degraded_needed: missing; degraded and degraded_needed go together"),
        ({"degraded_needed": 1}, "quality.degraded: missing"),
        ({"degraded": 2, "degraded_needed": 3}, "quality.degraded_needed: 3 must be at most degraded, 2"),
        ({"degraded": 7, "degraded_needed": 3}, "quality.degraded: 7 hidden screens of 12 are too many"),
        ({"degraded": -1}, "quality.degraded: -1 must be a whole number from 0 to 50"),
        ({"seconds_per_word": "fast"}, "quality.seconds_per_word: 'fast' must be a number above 0 to 10"),
        ({"too_fast": 1.5}, "quality.too_fast: 1.5 must be a number above 0 and below 1"),
        ({"degradations": ["loud"]}, "quality.degradations: 'loud' is not one of word_order, truncation"),
        ({"degradations": "loud"}, "quality.degradations: 'loud' must be a list of any of word_order, truncation"),
        ({"alert": 1}, "quality.alert: no such key; the keys are training, qualification"),
        (5, "quality: 5 must be a table"),
    ],
)
def test_what_is_wrong_is_said(quality: Any, said: str) -> None:
    assert said in refused(quality=quality)


@pytest.mark.pure
def test_a_text_alone_needs_a_protocol_that_judges_it_alone() -> None:
    values = VALUES | {"systems": ["human"], "quality": QUALITY}
    with pytest.raises(InputError, match="shows one text a screen here, which has no original beside it"):
        CampaignSpec.from_mapping(values)
    CampaignSpec.from_mapping(values | {"protocol": "human_or_machine"})
    with pytest.raises(InputError, match="screens_per_rater: missing"):
        CampaignSpec.from_mapping(values | {"protocol": "human_or_machine", "screens_per_rater": None})


@pytest.mark.django_db
def test_named_raters_get_no_degraded_texts() -> None:
    spec = spec_of(controlled())
    with pytest.raises(InputError, match="planned screens do not go with named items"):
        campaign_create(
            spec=spec.model_copy(update={"name": "named"}), named=[NamedSource("ann", "caption-1", "line 2")]
        )


@pytest.mark.django_db
def test_too_few_sources_for_the_degraded_texts() -> None:
    with pytest.raises(InputError, match="10 and 3 for quality control requested"):
        controlled(captions=12)


@pytest.mark.once
@pytest.mark.django_db
def test_what_is_foretold_is_what_happens(capsys: pytest.CaptureFixture[str]) -> None:
    """Of 50 raters of two kinds each, who all meet the same degraded texts; foretold is the mean over such texts."""
    quality = {"degraded": 6, "degraded_needed": 5, "seconds_per_word": 0.15, "after": 8}
    campaign = controlled(captions=70, items=40, screens_per_rater=20, overlap=200, quality=quality)
    call_command("plan_campaign", "--quality", campaign.name, "--simulated", "200", "--json")
    rows = {row["kind"]: row for row in json.loads(capsys.readouterr().out.splitlines()[-1])["quality"]}
    raters = {"honest": 50, "random": 50}
    raters_simulate(
        campaign=campaign, simulation=simulation_of(raters=raters, truth={}, systems=["human", "lstm", "gru"], seed=7)
    )
    for kind in raters:
        theirs = models.Rater.objects.filter(campaign=campaign, outside_id__endswith=kind)
        stopped = theirs.exclude(stopped_by="").count() / 50
        assert stopped == pytest.approx(rows[kind]["stopped"], abs=0.2)
    assert rows["random"]["stopped"] > 0.9
    assert rows["honest"]["stopped"] < 0.25
    assert rows["lazy"]["degraded"] == 1


@pytest.mark.django_db
def test_the_form_says_it_as_a_file_does() -> None:
    origin = controlled(quality=QUALITY | {"degradations": ["truncation"], "same_answers": 0.9})
    initial = CampaignForm.initial_of(spec_of(origin))
    data = {key: value for key, value in initial.items() if value is not None} | {"name": "copy", "seed": 3}
    form = CampaignForm(data)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["spec"].quality == spec_of(origin).quality
    wrong = CampaignForm(data | {"quality_degraded": 9})
    assert not wrong.is_valid()
    assert "9 hidden screens of 12 are too many" in str(wrong.errors["quality_degraded"])
    blank = dict.fromkeys([key for key in data if key.startswith("quality_")], "")
    empty = CampaignForm(data | blank | {"screens_per_rater": 10})
    assert empty.is_valid(), empty.errors
    assert not empty.cleaned_data["spec"].quality


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", shown_here())
def test_every_protocol_hides_degraded_texts_and_stops_who_misses_them(protocol: str) -> None:
    one = protocol_named(protocol).one_criterion
    campaign = controlled(
        protocol=protocol, criteria=["human_likeness"] if one else ["human_likeness", "grounding"], overlap=20
    )
    raters = {"honest": 8, "lazy": 4}
    systems = ["human", "lstm", "gru"]
    raters_simulate(campaign=campaign, simulation=simulation_of(raters=raters, truth={}, systems=systems, seed=3))
    checks = models.Assignment.objects.filter(item__kind="control", state="done")
    assert checks.filter(check_passed=None).count() == 0
    honest = checks.filter(rater__outside_id__endswith="honest").values_list("check_passed", flat=True)
    assert sum(honest) / len(honest) > 0.5  # about 0.75 of two dozen by five points, more by others
    for rater in models.Rater.objects.all():
        missed = checks.filter(rater=rater, check_passed=False).count()
        assert rater.stopped_by == ("degraded" if missed == 2 else "")
    shown = campaign.texts_shown
    regular = {len(each.candidate_order) for each in models.Assignment.objects.filter(item__kind="regular")}
    assert {len(each.candidate_order) for each in checks} == {shown} == regular


@pytest.mark.django_db
def test_the_campaigns_page_says_the_rules_and_who_was_stopped(admin_client: Client) -> None:
    campaign = controlled(quality=QUALITY | {"seconds_per_word": 0.1})
    play(Rater(campaign), finds=False)
    page = admin_client.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert (
        "Hidden among a rater&#x27;s screens: 3 degraded texts (word order or truncation), shown with its original"
        in page
    )
    assert "under 0.1 seconds for each word of its texts; from 10 screens on" in page
    assert "stopped: judged 2 of 2 degraded texts no worse than their originals" in page


@pytest.mark.django_db
def test_a_degraded_text_stands_at_any_place() -> None:
    campaign = controlled(overlap=40, quality={"degraded": 6, "degraded_needed": 1})
    systems = ["human", "lstm", "gru"]
    simulation = simulation_of(raters={"honest": 30}, truth={}, systems=systems, seed=3)
    raters_simulate(campaign=campaign, simulation=simulation)
    places = Counter[int]()
    for shown in models.Assignment.objects.filter(item__kind="control").select_related("item"):
        places[[public_id for _, public_id in shown.candidate_order].index(shown.item.planted["degraded"])] += 1
    assert sum(places.values()) == 180
    assert all(35 < places[place] < 85 for place in range(3))  # 60, with a standard deviation of 6.3


@pytest.mark.django_db
def test_nobody_is_stopped_after_the_close() -> None:
    campaign = controlled()
    rater = Rater(campaign)
    screen = rater.next()
    while not planted(screen):
        screen = rater.submit(screen, answers=answers_of(screen, finds=True)).json()["next"]
    models.Assignment.objects.filter(rater=models.Rater.objects.get(), item__kind="regular").update(check_passed=False)
    body = {"key": new_key(), "answers": answers_of(screen, finds=True), "seconds": 3.5}
    sent = rater.post(f"assignments/{screen['assignment']}", body).json()
    models.Rater.objects.update(excluded_at=None, exclusion="", replaced=False, stopped_by="")
    campaign_close(campaign=campaign)
    again = rater.post(f"assignments/{screen['assignment']}", body).json()
    assert again["rating"] == sent["rating"]
    assert models.Rater.objects.get().excluded_at is None


@pytest.mark.django_db
def test_a_stop_that_was_lost_comes_before_the_code() -> None:
    """As where the site was killed between an answer and the stop."""
    campaign = controlled()
    rater = Rater(campaign)
    screen, count = rater.next(), 0
    while screen:
        answers, count = answers_of(screen, finds=True), count + 1
        if count == 12:
            shown = models.Assignment.objects.filter(item__kind="control", state="done")
            shown.update(check_passed=False)
        screen = rater.submit(screen, answers=answers).json()["next"]
    row = models.Rater.objects.get()
    assert row.stopped_by == "degraded"
    assert count == 12


@pytest.mark.django_db
def test_who_comes_when_all_is_taken_is_not_asked_for_a_check_alone() -> None:
    campaign = controlled(
        captions=8, items=2, screens_per_rater=2, overlap=1, quality={"degraded": 1, "degraded_needed": 1}
    )
    first = Rater(campaign)
    play(first)
    other = Rater(campaign)
    play(other)
    for _ in range(6):  # of whom half have their check at the first place
        assert Rater(campaign).next() is None
        assert not models.Rater.objects.latest("pk").assignments.exists()


@pytest.mark.pure
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"quality": {"same_answers": 0.9}, "protocol": "pairwise"}, "the protocol 'pairwise' tells texts apart"),
        ({"quality": {"same_answers": 0.9}, "protocol": "human_or_machine"}, "a screen shows one text"),
        (
            {"quality": QUALITY | {"degradations": ["swapped_source"]}},
            "'swapped_source' makes no text worse by these criteria; ask for grounding",
        ),
        ({"criteria": ["grounding"], "quality": QUALITY}, "'word_order' makes no text worse by these criteria"),
    ],
)
def test_a_rule_that_could_not_be_broken_fairly_is_refused(changed: dict[str, Any], said: str) -> None:
    assert said in refused(**changed)


@pytest.mark.django_db
def test_choices_on_checks_are_exported(tmp_path: Path) -> None:
    campaign = controlled(protocol="pairwise", criteria=["human_likeness"])
    simulation = simulation_of(raters={"honest": 2}, truth={}, systems=["human", "lstm", "gru"], seed=3)
    raters_simulate(campaign=campaign, simulation=simulation)
    campaign_close(campaign=campaign)
    file = tmp_path / "choices.jsonl"
    call_command("export_ratings", campaign.name, format="jsonl", out=file)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    checks = [row for row in rows if row["kind"] == "control"]
    assert len(checks) == models.Assignment.objects.filter(item__kind="control", state="done").count() > 0
    assert {row["choice"] for row in checks} <= {"text_a", "text_b", "tie"}
