"""Questions before and after the screens: none can be passed by, each is answered once, and who fails is stopped."""

import csv
import itertools
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotations import models
from annotations.campaigns.forms import CampaignForm
from annotations.campaigns.questionnaires import CheckQuestion, answers_read, share_passing_by_chance
from annotations.campaigns.services.campaigns import campaign_close, campaign_pause, spec_of
from annotations.campaigns.services.foretelling import stops_foretold
from annotations.campaigns.services.making import campaign_create, draft_delete
from annotations.campaigns.services.raters import completion_reach, rater_readmit, trial_join
from annotations.campaigns.services.simulating import raters_simulate
from annotations.campaigns.simulation import simulation_of
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml, read_campaign_file
from annotations.documents.renderers.markdown import document_markdown
from annotations.errors import InputError
from annotations.removal.erasing import identities, person_erase
from annotations.reports.build import report_build
from annotations.reports.heds import datasheet_of
from annotations.reports.preregistration import preregistration
from annotations.reports.schema.questionnaires import QuestionnairesPart
from annotations.reports.sections import document_of
from tests.annotations.raters import Rater, new_key
from tests.annotations.test_campaign_spec import GOOD
from tests.annotations.visitor import Visitor
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
    page = staff.get(
        reverse("admin:annotations_campaign_change", args=[campaign.pk]), {"code": row.completion_code}
    ).content.decode()
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
    page = staff.get(reverse("admin:annotations_campaign_new")).content.decode()
    for title, names in (
        ("Quality control", ("quality_training", "quality_degradations", "quality_after")),
        ("Recruiting and pay", ("recruiting_service", "recruiting_currency")),
        ("Questionnaires", ("entry", "comprehension", "exit")),
    ):
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


def fill(visitor: Visitor, form: str, attempt: int = 1, **answers: str) -> Any:
    data = {f"question:{name}": value for name, value in answers.items()}
    finishing = {"finishing": "1"} if 'name="finishing"' in visitor.page else {}
    return visitor.send("questions/", data | {"form": form, "attempt": str(attempt)} | finishing)


@pytest.mark.django_db
@pytest.mark.parametrize("htmx", [True, False])
def test_a_person_walks_from_the_welcome_to_the_code(htmx: bool) -> None:
    campaign = asking(minimum_answers=1)
    visitor = Visitor(campaign, htmx)
    visitor.join()
    assert "Do you read stories?" in visitor.page
    fill(visitor, "entry", **{"from": "from <Seoul>"})
    assert "Please answer this question." in visitor.page
    assert "from &lt;Seoul&gt;" in visitor.page, "what was typed is still there"
    assert not models.QuestionnaireAnswer.objects.exists()
    fill(visitor, "entry", reads="seldom", **{"from": "from <Seoul>"})
    assert "What do you judge?" in visitor.page
    fill(visitor, "comprehension", what="pictures")
    assert "Please answer this question." in visitor.page
    assert re.search(r'value="pictures" checked', visitor.page)
    fill(visitor, "comprehension", **WRONG)
    assert "This answer was not right." in visitor.page
    assert visitor.page.count("This answer was not right.") == 1
    assert re.search(r'value="pictures" checked', visitor.page)
    assert not re.search(r'value="people" checked', visitor.page)
    fill(visitor, "comprehension", attempt=2, **RIGHT)
    visitor.answer()
    code = models.Rater.objects.get().completion_code
    assert code, "earned"
    assert code not in visitor.page, "but kept until the last questions are answered"
    last = re.search(r'href="([^"]+/questions/[^"]+)"', visitor.page)
    assert last
    visitor.page = visitor.client.get(unescape(last[1])).content.decode()
    fill(visitor, "exit")
    assert "Please answer this question." in visitor.page
    fill(visitor, "exit", hard="9")
    assert "Please choose a point of the scale." in visitor.page
    fill(visitor, "exit", hard="4")
    assert f"<output>{code}</output>" in visitor.page
    assert "Go on rating" in visitor.page
    visitor.reload()
    assert "answer/" in visitor.page
    assert code in visitor.page, "now the screens show it"


@pytest.mark.django_db
def test_nobody_gets_the_code_before_the_last_questions() -> None:
    visitor = Visitor(asking(entry=[], comprehension=[]))
    visitor.join()
    visitor.client.get(f"{visitor.address}questions/", visitor.whose())
    while "answer/" in visitor.page:
        visitor.answer()
    assert "How hard was it?" in visitor.page
    code = models.Rater.objects.get().completion_code
    assert not code or code not in visitor.page
    fill(visitor, "exit", hard="2")
    assert f"<output>{models.Rater.objects.get().completion_code}</output>" in visitor.page


@pytest.mark.django_db
def test_korean_words_and_the_right_answer_that_no_page_shows() -> None:
    campaign = asking(minimum_answers=1)
    visitor = Visitor(campaign)
    visitor.client.cookies["django_language"] = "ko"
    visitor.join()
    assert "이야기를 읽으십니까?" in visitor.page
    assert re.search(r'value="often"> <span dir="auto">자주', visitor.page)
    fill(visitor, "entry", reads="often")
    assert "설명" in visitor.page
    pages = [visitor.page, Rater(campaign).post("next").content.decode()]
    for options in (["texts", "pictures", "people"], ["people", "both", "machines", "nobody"]):
        # each option is marked up alike, in the order of the file
        found = re.findall(r'<label class="choice">(.*?)</label>', pages[0], re.DOTALL)
        marked = {re.sub("|".join(options), "", label) for label in found if any(each in label for each in options)}
        assert len(marked) == 2, "they differ by the question's name alone"


@pytest.mark.django_db
def test_a_dry_run_is_told_and_goes_on() -> None:
    campaign = asking(entry=[], exit=[])
    trial, session = trial_join(campaign=campaign)
    visitor = Visitor(campaign)
    visitor.client.cookies[f"try-{campaign.token[:8]}"] = session
    visitor.shown = f"{visitor.address}?whose={trial.public_id}"
    visitor.reload()
    fill(visitor, "comprehension", **WRONG)
    fill(visitor, "comprehension", attempt=2, **WRONG)
    assert "A rater would be stopped here" in visitor.page
    assert "answer/" in visitor.page
    trial.refresh_from_db()
    assert (trial.stopped_by, trial.excluded_at) == ("", None)


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


@pytest.mark.django_db
def test_the_code_of_a_recruiting_service_waits_for_the_last_questions_too() -> None:
    recruiting = {"completed_code": "C0DE1234"}
    visitor = Visitor(asking(entry=[], comprehension=[], minimum_answers=1, recruiting=recruiting))
    visitor.join()
    while "answer/" in visitor.page:
        visitor.answer()
        assert "C0DE1234" not in visitor.page
    fill(visitor, "exit", hard="2")
    assert "C0DE1234" in visitor.page


@pytest.fixture
def answered(db: None) -> models.Campaign:
    """Two raters through all, a third who failed, and a dry run; closed."""
    campaign = asking()
    for reads, hard in (("often", 1), ("seldom", 4)):
        rater = Rater(campaign)
        send(rater, "entry", {"reads": reads, "from": "=Seoul"})
        send(rater, "comprehension", RIGHT)
        play(rater, rater.next())
        send(rater, "exit", {"hard": hard})
    failing = Rater(campaign)
    send(failing, "entry", {"reads": "often"})
    send(failing, "comprehension", WRONG)
    send(failing, "comprehension", WRONG, attempt=2)
    _, session = trial_join(campaign=campaign)
    send(Rater(campaign, session=session), "entry", {"reads": "often"})
    return campaign_close(campaign=campaign)


def test_the_report_counts_choices_and_averages_scales_and_quotes_nothing(answered: models.Campaign) -> None:
    report = report_build(answered)
    part = QuestionnairesPart.of(report)
    assert part
    reads, typed = part.questionnaires["entry"]
    assert (reads.n, reads.counts) == (2, {"often": 1, "seldom": 1})
    assert (typed.n, typed.counts, typed.mean) == (2, {}, None)
    assert part.questionnaires["exit"][0].mean == 2.5
    assert part.comprehension
    assert (part.comprehension.first, part.comprehension.second, part.comprehension.failed) == (2, 0, 1)
    page = document_markdown(document_of(report))
    assert "2 raters passed in the first attempt, 0 in the second, and 1 failed" in page
    assert "33.3 % would pass" in page
    assert "Seoul" not in page
    assert "Seoul" not in report.model_dump_json()


def test_answers_are_exported_by_pseudonym(answered: models.Campaign, tmp_path: Path, admin_client: Client) -> None:
    file = tmp_path / "answers.csv"
    call_command("export_ratings", answered.name, format="questionnaires", out=file)
    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    assert len(rows) == 2 * (2 + 2 + 1) + 1 + 2 + 2
    assert {row["rater"] for row in rows} == {str(each.public_id) for each in answered.raters.filter(trial=False)}
    assert {row["answer"] for row in rows if row["question"] == "from"} == {"'=Seoul"}
    assert {row["right"] for row in rows if row["answer"] == "both"} == {"True"}
    assert {row["right"] for row in rows if row["question"] == "who" and row["answer"] == "people"} == {"False"}
    address = reverse("admin:annotations_campaign_questionnaires", args=[answered.pk])
    assert admin_client.get(address).content == file.read_bytes()
    assert (
        address in admin_client.get(reverse("admin:annotations_campaign_change", args=[answered.pk])).content.decode()
    )


def test_the_sheets_list_the_questions(answered: models.Campaign) -> None:
    sheet = preregistration(answered, at=timezone.now())
    assert "How hard was it? (from 0, easy, to 4, hard)" in sheet
    assert "Where are you from? (text, optional)" in sheet
    assert "They were asked these questions." in document_markdown(datasheet_of(report_build(answered)))


@pytest.mark.django_db
def test_a_plan_foretells_whom_the_check_stops() -> None:
    campaign = asking(captions=2)
    found = {each.kind: each for each in stops_foretold(campaign=campaign, raters=3)}
    assert found["random"].by_rule == {"comprehension": pytest.approx(2 / 3)}
    assert found["random"].screens == pytest.approx(2 / 3)
    assert found["honest"].stopped == 0
