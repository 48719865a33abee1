"""Questions before and after the screens: none can be passed by, each is answered once, and who fails is stopped."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotations import models
from annotations.campaigns.forms import CampaignForm
from annotations.campaigns.questionnaires import CheckQuestion, answers_read, share_passing_by_chance
from annotations.campaigns.services.campaigns import campaign_close, campaign_pause, spec_of
from annotations.campaigns.services.making import campaign_create, draft_delete
from annotations.campaigns.services.raters import completion_reach, rater_readmit, trial_join
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml, read_campaign_file
from annotations.errors import InputError
from annotations.removal.erasing import identities, person_erase
from tests.annotations.raters import Rater, new_key
from tests.annotations.test_campaign_spec import GOOD
from tests.factories import make_campaign

ENTRY = [
    {
        "id": "reads",
        "text": "Do you read stories?",
        "kind": "choice",
        "options": ["often", "seldom"],
        "ko": {"text": "이야기를 읽으십니까?", "options": ["자주", "드물게"]},
    },
    {"id": "from", "text": "Where are you from?", "kind": "text", "required": False},
]
COMPREHENSION = [
    {"id": "what", "text": "What do you judge?", "options": ["texts", "pictures", "people"], "answer": "pictures"},
    {"id": "who", "text": "Who wrote them?", "options": ["people", "both", "machines", "nobody"], "answer": "both"},
]
EXIT = [
    {
        "id": "hard", "text": "How hard was it?", "kind": "scale", "low": 0, "high": 4, "low_label": "easy",
        "high_label": "hard",
    },
]  # fmt: skip
RIGHT, WRONG = {"what": "pictures", "who": "both"}, {"what": "pictures", "who": "people"}


def asking(**spec: Any) -> models.Campaign:
    forms: dict[str, Any] = {"entry": ENTRY, "comprehension": COMPREHENSION, "exit": EXIT}
    return make_campaign(**({"captions": 3} | forms | spec)).campaign


def send(rater: Rater, form: str, answers: Any, attempt: int = 1) -> Any:
    return rater.post("questionnaire", {"questionnaire": form, "attempt": attempt, "answers": answers})


def play(rater: Rater, following: Any) -> Any:
    """What follows on the screens."""
    while following and "assignment" in following:
        sent = rater.submit(following)
        assert sent.status_code == 201
        following = sent.json()["next"]
    return following


@pytest.mark.pure
def test_a_rater_who_guesses_passes_by_as_many_of_the_ways_to_guess_as_is_foretold() -> None:
    """By hand: of three options one is right at once with 1/3, and of the other two thirds a half in the second
    attempt: 2/3; of four, 1/4 + 3/4 · 1/3 = 1/2. Both together 1/3. With one attempt 1/12; with two options always."""
    questions = [CheckQuestion.model_validate(each) for each in COMPREHENSION]
    assert share_passing_by_chance(questions, 2) == pytest.approx(1 / 3)
    assert share_passing_by_chance(questions, 1) == pytest.approx(1 / 12)
    yes_or_no = [CheckQuestion(id="a", text="b", options=("yes", "no"), answer="no")]
    assert share_passing_by_chance(yes_or_no, 2) == 1
    assert share_passing_by_chance(yes_or_no, 1) == 0.5
    # all orders in which one can try the options of each question, the first two of which are two attempts
    orders = list(itertools.product(*(itertools.permutations(question.options) for question in questions)))
    passed = [all(each.answer in tried[:2] for each, tried in zip(questions, order, strict=True)) for order in orders]
    assert sum(passed) / len(orders) == pytest.approx(1 / 3)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("form", "questions", "said"),
    [
        ("entry", 5, "entry: 5 must be a list of questions"),
        ("entry", ["x"], "entry.1: 'x' must be a table with the keys id, text"),
        ("entry", [{"text": "x", "kind": "text"}], "entry.1.id: missing; the keys are id"),
        ("entry", [{"id": "a b", "text": "x", "kind": "text"}], "entry.1.id: 'a b' must be made of letters"),
        ("entry", [{"id": "a", "text": "x", "kind": "txt"}], "entry.a.kind: 'txt' is not one of text, choice, scale"),
        ("entry", [{"id": "a", "text": "x", "kind": "choice"}], "entry.a.options: 0 must be at least 2"),
        ("entry", [ENTRY[0] | {"options": "often"}], "entry.reads.options: 'often' must be a list of at most 30"),
        ("entry", [ENTRY[0] | {"options": ["a", "a"]}], "entry.reads.options: 'a' appears twice"),
        ("entry", [ENTRY[0] | {"options": ["a", "b", "c"]}], "entry.reads.ko.options: 2 must be 3, one for each"),
        ("entry", [ENTRY[0] | {"answer": "often"}], "entry.reads.answer: no such key; the keys are id"),
        ("entry", [ENTRY[1] | {"low": 1}], "entry.from.low: must be left out; kind is 'text'"),
        ("entry", [ENTRY[1] | {"fr": {}}], "entry.from.fr: no such key"),
        ("entry", [ENTRY[1], ENTRY[1]], "entry.from: 'from' appears twice"),
        ("exit", [EXIT[0] | {"high": 0}], "exit.hard.high: 0 must be from 1 to 10; low is 0"),
        ("exit", [EXIT[0] | {"high": 11}], "exit.hard.high: 11 must be from 1 to 10; low is 0"),
        ("exit", [EXIT[0] | {"low_label": ""}], "exit.hard.low_label: '' must be a text of 1 to 60 characters"),
        ("exit", [EXIT[0] | {"low": 0.5}], "exit.hard.low: 0.5 must be a whole number from 0 to 100"),
        ("comprehension", [COMPREHENSION[0] | {"answer": "x"}], "comprehension.what.answer: 'x' is not one of the opt"),
        (
            "comprehension",
            [COMPREHENSION[0] | {"kind": "text"}],
            "comprehension.what.kind: 'text' is not one of choice",
        ),
    ],
)
def test_a_question_that_is_wrong_is_named_with_what_would_be_right(form: str, questions: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        CampaignSpec.from_mapping(GOOD | {form: questions})
    assert str(caught.value).startswith(said)


@pytest.mark.django_db
def test_file_form_and_copy_agree(tmp_path: Path) -> None:
    campaign = asking()
    spec, file = spec_of(campaign), tmp_path / "campaign.toml"
    file.write_text(campaign_toml(spec))
    assert read_campaign_file(file).model_dump() == spec.model_dump()
    assert [question.id for question in spec.entry] == ["reads", "from"]
    form = CampaignForm(initial=CampaignForm.initial_of(spec))
    data = {field.html_name: field.value() for field in form if field.value() is not None} | {"name": "again"}
    again = CampaignForm(data)
    assert again.is_valid(), again.errors
    assert again.cleaned_data["spec"].questionnaires == spec.questionnaires == {
        "entry": ENTRY, "comprehension": COMPREHENSION, "exit": EXIT
    }  # fmt: skip


@pytest.mark.django_db
def test_the_form_says_at_its_field_what_is_wrong_with_a_question() -> None:
    form = CampaignForm(initial=CampaignForm.initial_of(spec_of(asking())))
    data = {field.html_name: field.value() for field in form if field.value() is not None} | {"name": "again"}
    wrong = CampaignForm(data | {"entry": json.dumps([ENTRY[1] | {"kind": "txt"}]), "exit": "[{]"})
    assert "This is not JSON: line 1, column 3" in wrong.errors["exit"][0]
    wrong = CampaignForm(data | {"entry": json.dumps([ENTRY[1] | {"kind": "txt"}])})
    assert wrong.errors["entry"] == ["from.kind: 'txt' is not one of text, choice, scale"]


@pytest.mark.django_db
def test_a_program_gets_no_screen_before_the_forms_and_is_not_done_before_the_last() -> None:
    rater = Rater(asking())
    assert send(rater, "exit", {"hard": 3}).status_code == 409, "not the next one"
    asked = rater.next()["questionnaire"]
    assert (asked["form"], asked["attempt"], asked["wrong"]) == ("entry", 1, [])
    assert asked["questions"][0] == {
        "id": "reads", "text": "Do you read stories?", "kind": "choice", "required": True,
        "options": [{"value": "often", "text": "often"}, {"value": "seldom", "text": "seldom"}],
    }  # fmt: skip
    sent = send(rater, "entry", {"reads": "often", "from": "  Seoul\0 "})
    assert sent.status_code == 201
    assert (sent.json()["passed"], sent.json()["next"]["questionnaire"]["form"]) == (None, "comprehension")
    assert "answer" not in json.dumps(sent.json()["next"]), "nobody is told what is right"
    assert send(rater, "comprehension", RIGHT).json()["passed"] is True
    assert models.QuestionnaireAnswer.objects.get(form="entry").answers == {"reads": "often", "from": "Seoul"}
    due = play(rater, rater.next())["questionnaire"]
    assert due["questions"][0]["scale"] == [0, 4]
    assert due["questions"][0]["labels"] == ["easy", "hard"]
    assert rater.next() == {"questionnaire": due}
    assert send(rater, "exit", {"hard": 0}).json() == {
        "questionnaire": "exit",
        "attempt": 1,
        "passed": None,
        "next": None,
    }
    assert rater.next() is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answers", "field", "said"),
    [
        ({}, "answers.reads", "not answered; one of often, seldom"),
        ({"reads": "never"}, "answers.reads", "'never' must be one of often, seldom"),
        ({"reads": 1}, "answers.reads", "1 must be one of often, seldom"),
        ({"reads": ["often"]}, "answers.reads", "['often'] must be one of often, seldom"),
        ({"reads": "often", "from": 3}, "answers.from", "3 must be a text of at most 2000 characters"),
        ({"reads": "often", "from": "x" * 2001}, "answers.from", "must be a text of at most 2000 characters"),
        ({"reads": "often", "x": 1}, "answers.x", "is not one of the questions, which are reads, from"),
        ([], "answers", "[] must be an object"),
    ],
)
def test_answers_that_cannot_be_taken_are_refused_with_their_question(answers: Any, field: str, said: str) -> None:
    rater = Rater(asking())
    refused = send(rater, "entry", answers)
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert said in refused.json()["detail"]
    assert not models.QuestionnaireAnswer.objects.exists()


@pytest.mark.django_db
def test_the_last_form_is_not_taken_before_the_screens() -> None:
    rater = Rater(asking(entry=[], comprehension=[]))
    early = send(rater, "exit", {"hard": 3})
    assert early.status_code == 409
    assert "'exit' is not due; screens are left" in str(early.json())
    due = play(rater, rater.next())
    assert due["questionnaire"]
    assert send(rater, "exit", {"hard": 3}).status_code == 201


@pytest.mark.django_db
def test_what_is_sent_twice_is_one_answer_and_nothing_is_answered_again() -> None:
    rater = Rater(asking())
    first, again = (send(rater, "entry", {"reads": "often"}) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = send(rater, "entry", {"reads": "seldom"})
    assert (other.status_code, "answered already" in other.json()["detail"]) == (409, True)
    assert models.QuestionnaireAnswer.objects.get().answers == {"reads": "often"}
    assert send(rater, "comprehension", RIGHT, attempt=2).status_code == 422
    with pytest.raises(IntegrityError, match="questionnaires"), transaction.atomic():
        models.QuestionnaireAnswer.objects.update(answers={"reads": "seldom"})
    with pytest.raises(IntegrityError, match="questionnaires"), transaction.atomic():
        models.QuestionnaireAnswer.objects.all()._raw_delete("default")


@pytest.mark.django_db
def test_after_the_close_nothing_is_taken_and_a_code_waits_for_no_form() -> None:
    campaign = asking(minimum_answers=2)
    rater, late = Rater(campaign), Rater(campaign)
    send(rater, "entry", {"reads": "often"})
    send(rater, "comprehension", RIGHT)
    play(rater, rater.next())
    row = models.Rater.objects.order_by("pk")[0]
    assert row.forms_due == "exit"
    assert completion_reach(rater=row).code is None
    campaign_pause(campaign=campaign)
    assert send(late, "entry", {"reads": "often"}).status_code == 409
    campaign_close(campaign=campaign)
    assert send(late, "entry", {"reads": "often"}).status_code == 409
    assert send(rater, "exit", {"hard": 3}).status_code == 409
    assert send(rater, "entry", {"reads": "often"}).status_code == 201, "the same again"
    assert models.QuestionnaireAnswer.objects.filter(form="exit").count() == 0
    row = models.Rater.objects.select_related("campaign").order_by("pk")[0]
    assert completion_reach(rater=row).code


@pytest.mark.django_db
def test_who_fails_twice_is_stopped_and_is_not_asked_at_the_end(staff: Client) -> None:
    campaign = asking()
    rater = Rater(campaign)
    send(rater, "entry", {"reads": "often"})
    failed = send(rater, "comprehension", WRONG)
    following = failed.json()["next"]["questionnaire"]
    assert (failed.json()["passed"], following["attempt"], following["wrong"]) == (False, 2, ["who"])
    assert send(rater, "comprehension", WRONG | {"who": "nobody"}, attempt=2).json()["next"] is None
    row = models.Rater.objects.get()
    assert (row.stopped_by, row.exclusion) == (
        "comprehension",
        "answered 1 of 2 questions about the instructions wrongly in attempt 2",
    )
    assert row.completion_code
    page = staff.get(reverse("campaign", args=[campaign.pk]), {"code": row.completion_code}).content.decode()
    assert "Raters who are stopped have a code too" in page
    assert "no longer earned" not in page, "they took no answer back"
    refused = rater.post("next")
    assert refused.status_code == 409
    assert "questions about the instructions were wrong twice" in refused.json()["detail"]
    assert send(rater, "exit", {"hard": 1}).status_code == 409
    assert send(rater, "comprehension", WRONG | {"who": "nobody"}, attempt=2).status_code == 201, "the same again"
    rater_readmit(rater=row)
    assert "assignment" in rater.next(), "who is taken in again goes on"


@pytest.mark.django_db
def test_the_form_shows_each_field_once_and_parts_under_headings(staff: Client) -> None:
    page = staff.get(reverse("campaign_new")).content.decode()
    for title, names in (
        ("Quality control", ("quality_training", "quality_degradations", "quality_after")),
        ("Recruiting and pay", ("recruiting_service", "recruiting_currency")),
        ("Questionnaires", ("entry", "comprehension", "exit")),
    ):
        assert page.count(f"<legend>{title}</legend>") == 1
        part = page.partition(f"<legend>{title}</legend>")[2]
        part = re.split(r"<legend>(?:Quality control|Recruiting and pay|Questionnaires)</legend>|</details>", part)[0]
        assert all(f'name="{name}"' in part for name in names), title
    assert 'name="minimum_answers"' in page.partition("<legend>Quality control</legend>")[0]
    for name in set(CampaignForm.base_fields) - {"purpose", "systems", "criteria", "quality_degradations"}:
        assert page.count(f' name="{name}"') == 1, name


@pytest.mark.django_db
def test_the_second_attempt_can_pass() -> None:
    rater = Rater(asking(entry=[], exit=[]))
    assert send(rater, "comprehension", WRONG).json()["passed"] is False
    assert "assignment" in send(rater, "comprehension", RIGHT, attempt=2).json()["next"]
    assert list(models.QuestionnaireAnswer.objects.order_by("attempt").values_list("passed", flat=True)) == [
        False,
        True,
    ]


@pytest.mark.django_db
def test_a_draft_that_was_looked_into_can_still_be_deleted() -> None:
    spec = spec_of(asking()).model_copy(update={"name": "a draft"})
    draft = campaign_create(spec=spec, state="draft")
    trial, session = trial_join(campaign=draft)
    tried = Rater(draft, session=session)
    assert send(tried, "entry", {"reads": "often"}).status_code == 201
    draft_delete(draft=draft)
    assert not models.QuestionnaireAnswer.objects.exists()
    assert not models.Rater.objects.filter(pk=trial.pk).exists()


@pytest.mark.django_db
def test_what_was_answered_goes_with_who_is_erased() -> None:
    campaign = asking()
    rater = Rater(campaign, "Jin")
    send(rater, "entry", {"reads": "often", "from": "Jin's village"})
    send(rater, "comprehension", WRONG)
    person_erase(identities("Jin"))
    assert list(models.QuestionnaireAnswer.objects.order_by("pk").values_list("form", "answers", "passed")) == [
        ("entry", {}, None),
        ("comprehension", {}, False),
    ]


@pytest.mark.django_db
def test_two_windows_of_one_rater_answer_once() -> None:
    campaign = asking(comprehension=[], exit=[])
    rater = Rater(campaign)
    row = models.Rater.objects.get()
    models.QuestionnaireAnswer.objects.create(rater=row, form="entry", answers={"reads": "often"})
    with pytest.raises(IntegrityError), transaction.atomic():
        models.QuestionnaireAnswer.objects.create(rater=row, form="entry", answers={"reads": "seldom"})
    for wrong in ({"form": "other"}, {"attempt": 0}, {"form": "comprehension"}, {"passed": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            models.QuestionnaireAnswer.objects.create(**({"rater": row, "form": "exit", "answers": {}} | wrong))
    assert send(rater, "entry", {"reads": "seldom"}).status_code == 409


@pytest.mark.django_db
def test_a_round_costs_no_more_once_the_forms_are_filled_in() -> None:
    counts = []
    for number, forms in enumerate(({"entry": [], "comprehension": [], "exit": []}, {})):
        texts = {f"{name}-{number}": (lambda n, name=name: f"{name} saw thing {n}") for name in ("lstm", "gru")}
        rater = Rater(asking(captions=5, minimum_answers=2, texts=texts, **forms))
        if not forms:
            send(rater, "entry", {"reads": "often"})
            send(rater, "comprehension", RIGHT)
        screen = rater.submit(rater.next()).json()["next"]
        screen = rater.submit(screen).json()["next"]
        body = {"key": new_key(), "answers": rater.answers(screen), "seconds": 3}
        with CaptureQueriesContext(connection) as caught:
            assert rater.post(f"assignments/{screen['assignment']}", body).status_code == 201
        counts.append(len(caught))
    assert counts[0] == counts[1]


@pytest.mark.django_db
def test_simulated_raters_answer_all_forms_and_pass_as_is_foretold() -> None:
    campaign = asking(overlap=400, captions=1)
    simulation = simulation_of(raters={"honest": 20, "random": 300}, truth={}, systems=["human", "lstm", "gru"], seed=3)
    raters_simulate(campaign=campaign, simulation=simulation)
    raters = models.Rater.objects.all()
    guessing = raters.filter(outside_id__contains="random")
    assert not raters.filter(outside_id__contains="honest").exclude(stopped_by="").exists()
    passed = guessing.filter(stopped_by="").count() / 300
    assert passed == pytest.approx(1 / 3, abs=0.08)  # three standard errors
    for form in ("entry", "exit"):
        answered = models.QuestionnaireAnswer.objects.filter(form=form, rater__stopped_by="")
        assert answered.count() == raters.filter(stopped_by="").count()
    assert not raters.exclude(forms_due="").exclude(stopped_by="comprehension").exists()


@pytest.mark.pure
def test_answers_are_stored_without_what_was_left_empty() -> None:
    questions = CampaignSpec.from_mapping(GOOD | {"criterion": {"x": {"question": "q"}}, "entry": ENTRY}).entry
    assert answers_read(questions, {"reads": "often", "from": " \t"}) == {"reads": "often"}
    assert answers_read(questions, {"reads": "often", "from": None}) == {"reads": "often"}


@pytest.mark.django_db
def test_what_was_answered_goes_with_who_withdraws() -> None:
    rater = Rater(asking())
    send(rater, "entry", {"reads": "often", "from": "Seoul"})
    assert rater.post("withdraw").status_code < 300
    assert models.QuestionnaireAnswer.objects.get().answers == {}
