"""Questions before and after the screens, as a rater meets them in a browser."""

import re
from html import unescape
from typing import Any

import pytest

from annotations import models
from annotations.campaigns.services.raters import trial_join
from tests.annotations.raters import Rater
from tests.annotations.test_questionnaires import RIGHT, WRONG, asking
from tests.annotations.visitor import Visitor


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
def test_the_code_of_a_recruiting_service_waits_for_the_last_questions_too() -> None:
    recruiting = {"completed_code": "C0DE1234"}
    visitor = Visitor(asking(entry=[], comprehension=[], minimum_answers=1, recruiting=recruiting))
    visitor.join()
    while "answer/" in visitor.page:
        visitor.answer()
        assert "C0DE1234" not in visitor.page
    fill(visitor, "exit", hard="2")
    assert "C0DE1234" in visitor.page
