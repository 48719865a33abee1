"""Criteria in the researcher's words, from the campaign's file or form to all that shows them."""

import csv
import io
import re
import tomllib
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close, spec_of
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml, read_campaign_file
from annotations.errors import InputError
from annotations.protocols.criteria import BUILT_IN, Criterion, criteria_of, criterion_of
from annotations.protocols.labels import LANGUAGES
from annotations.reports.comparison import comparison_build
from annotations.reports.preregistration import preregistration
from tests.annotations.raters import Rater
from tests.annotations.reports import report_build, report_heds, report_html, report_latex
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign
from tests.pages import in_one_line

GOOD: dict[str, Any] = {
    "name": "c", "purpose": "evaluation", "dataset": "d", "split": "test", "systems": ["human", "gru"],
    "criteria": ["warmth", "fluency"], "items": 3,
}  # fmt: skip
WARMTH = {
    "title": "Warmth",
    "question": "Does it feel warm?",
    "low": "cold",
    "high": "warm as a stove",
    "example_low": "It was raining.",
    "example_high": "We hugged and hugged.",
    "ko": {"title": "따뜻함", "question": "따뜻하게 느껴지나요?", "high": "난로처럼 따뜻함"},
}
FILE = """
name = "c"
purpose = "evaluation"
dataset = "d"
split = "test"
systems = ["human", "gru"]
criteria = ["warmth", "유창성 1.0"]
items = 3
organizer = "The stove group"
contact = "stove@example.org"
minutes = 12

[criterion.warmth]
question = "Does it feel warm?"
low = "cold"

[criterion.warmth.ko]
question = "따뜻하게 느껴지나요?"

[criterion."유창성 1.0"]
question = 'Is it "fluent"?'
"""


def test_a_file_with_words_reads_back(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(FILE)
    spec = read_campaign_file(file)
    assert (spec.organizer, spec.contact, spec.minutes) == ("The stove group", "stove@example.org", 12)
    assert spec.criterion["warmth"].question == "Does it feel warm?"
    assert spec.criterion["warmth"].translations["ko"].question == "따뜻하게 느껴지나요?"
    written = campaign_toml(spec)
    assert "[criterion.warmth.ko]\n" in written
    file.write_text(written)
    assert read_campaign_file(file) == spec
    assert tomllib.loads(written)["criterion"] == tomllib.loads(FILE)["criterion"]


def test_a_file_without_words_has_no_table() -> None:
    written = campaign_toml(CampaignSpec.from_mapping(GOOD))
    assert not set(tomllib.loads(written)) & {"criterion", "organizer", "contact", "minutes"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"interest": {"question": "Go on?"}}, "criterion.interest: is not one of the criteria: warmth, fluency"),
        ({"warmth": {"low": "cold"}}, "criterion.warmth.question: missing; write what raters are asked"),
        ({"warmth": {"question": "W?", "hihg": "x"}}, "criterion.warmth.hihg: no such key; the keys are title,"),
        ({"warmth": {"question": "W?", "fr": {"question": "x"}}}, "criterion.warmth.fr: no such key;"),
        ({"warmth": {"question": "W?", "ko": {"hihg": "x"}}}, "criterion.warmth.ko.hihg: no such key;"),
        ({"warmth": {"question": "W?", "ko": "x"}}, "criterion.warmth.ko: 'x' must be a table"),
        ({"warmth": {"question": "W?", "ko": {}}}, "criterion.warmth.ko: must have at least one of the keys"),
        ({"warmth": {}}, "criterion.warmth: must have at least one of the keys"),
        ({"warmth": {"question": ""}}, "criterion.warmth.question: '' must be a text of 1 to 300 characters"),
        ({"warmth": {"question": " "}}, "criterion.warmth.question: must be a text, and has only white space"),
        ({"warmth": {"question": "W?", "low": "x" * 61}}, "must be a text of 1 to 60 characters"),
        ({"warmth": {"question": "W?", "low": 3}}, "criterion.warmth.low: 3 must be a text of 1 to 60 characters"),
        ({"warmth": {"question": "a\0b"}}, "criterion.warmth.question: contains a NUL character"),
        ({"warm,th": {"question": "W?"}}, "criterion.warm,th: 'warm,th' contains ','"),
        ({"warmth": 1}, "criterion.warmth: 1 must be a table"),
    ],
)  # fmt: skip
def test_bad_words_are_refused_at_their_place(words: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        CampaignSpec.from_mapping(GOOD | {"criterion": words})
    assert says in str(caught.value)


def test_a_protocol_with_a_question_of_its_own_takes_no_other() -> None:
    values = GOOD | {"criteria": ["warmth"], "protocol": "human_or_machine"}
    with pytest.raises(InputError, match=r"^criterion\.warmth\.question: raters would not read it; the protocol 'hu"):
        CampaignSpec.from_mapping(values | {"criterion": {"warmth": {"question": "Warm?"}}})
    assert CampaignSpec.from_mapping(values | {"criterion": {"warmth": {"example_low": "It rained."}}})


@pytest.mark.parametrize("criterion", BUILT_IN.values(), ids=str)
def test_built_in_words_are_whole_in_every_language(criterion: Criterion) -> None:
    read = {}
    for language in LANGUAGES:
        with override(language):
            read[language] = criterion.label
    assert list(LANGUAGES) == [code for code, _ in settings.LANGUAGES]
    assert all(word for label in read.values() for word in label[:7])
    assert not set(read["en"][:7]) & set(read["ko"][:7])


def test_whose_words_raters_read() -> None:
    """Their language's, then the researcher's, then built-in ones, then such as fit any criterion."""
    warmth, fluency, name_alone = criteria_of(
        ["warmth", "fluency", "x_y"], {"warmth": WARMTH, "fluency": {"question": "Is it well written?"}}
    )
    with override("en"):
        assert warmth.label.which == "Does it feel warm? Which one more so?"
        assert (fluency.label.title, fluency.label.low) == ("Fluency", "hard to read")
        assert fluency.label.best == "Is it well written? Which one most so?", "as the question is another"
        assert (name_alone.label.title, name_alone.label.question) == ("X y", "")
        assert (name_alone.label.which, name_alone.label.high) == ("Which is better?", "entirely")
    with override("ko"):
        assert (warmth.label.question, warmth.label.low) == ("따뜻하게 느껴지나요?", "cold")
        assert warmth.label.which == "따뜻하게 느껴지나요? 어느 쪽이 더 그런가요?"
        assert (fluency.label.title, fluency.label.question) == ("유창성", "Is it well written?")
        assert name_alone.label.high == "매우 그러함"
    both = criterion_of("fluency", {"fluency": {"question": "Good?", "which": "Which is good?"}})
    assert both.label.which == "Which is good?"
    assert warmth.said(lambda label: label.title) == "Warmth (English); 따뜻함 (한국어)"
    assert criterion_of("fluency", {}).said(lambda label: label.title) == "Fluency (in English)"


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", ["slider", "likert", "pairwise", "best_worst", "ranking"])
def test_raters_read_them_in_their_language(protocol: str) -> None:
    words = {"warmth": WARMTH | {"best": "The warmest?", "worst": "The least warm?"}}
    campaign = make_campaign(criteria=["warmth"], criterion=words, protocol=protocol).campaign
    for language, question, low, title in (
        ("en", "Does it feel warm?", "cold", "Warmth"),
        ("ko", "따뜻하게 느껴지나요?", "cold", "따뜻함"),
    ):
        visitor = Visitor(campaign, htmx=False)
        visitor.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
        visitor.reload()
        welcome = visitor.page
        visitor.join()
        screen, _, help_ = unescape(visitor.page).partition("</main>")
        asked = question if protocol in ("slider", "likert", "pairwise") or language == "ko" else "The warmest?"
        for page in (welcome, screen, help_):
            assert title in page
            assert asked in page
        for page in (welcome, help_):
            assert "We hugged and hugged." in page
            assert "It was raining." in page
        assert (low in screen) == (protocol in ("slider", "likert"))


@pytest.mark.django_db
def test_programs_read_them_in_the_language_that_they_ask_for() -> None:
    campaign = make_campaign(
        criteria=["warmth", "fluency"], criterion={"warmth": WARMTH}, contact="stove@example.org", minutes=5
    ).campaign
    for language, question, title in (
        ("en", "Does it feel warm?", "Fluency"),
        ("ko", "따뜻하게 느껴지나요?", "유창성"),
    ):
        joined = Client().post(
            f"/api/v1/rate/{campaign.token}/join",
            {},
            content_type="application/json",
            headers={"Accept-Language": language},
        )
        found = joined.json()["campaign"]
        assert found["criteria"] == ["warmth", "fluency"]
        assert found["criterion_words"]["warmth"]["question"] == question
        assert found["criterion_words"]["fluency"]["title"] == title
        assert (found["contact"], found["minutes"], found["organizer"]) == ("stove@example.org", 5, "")


@pytest.mark.django_db
def test_documents_say_what_raters_read(tmp_path: Path) -> None:
    campaign = make_campaign(
        captions=4,
        criteria=["warmth"],
        criterion={"warmth": WARMTH},
        organizer="The stove group",
        contact="stove@example.org",
        minutes=12,
        overlap=1,
    ).campaign
    sheet = preregistration(campaign, at=timezone.now())
    rater = Rater(campaign)
    while screen := rater.next():
        scores = {each["id"]: place for place, each in enumerate(screen["item"]["candidates"])}
        rater.submit(screen, answers={"warmth": scores})
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    heds = report_heds(report)
    out = tmp_path / "dictionary.csv"
    call_command("export_ratings", campaign.name, format="dictionary", out=out)
    dictionary = {row["column"]: row["meaning"] for row in csv.DictReader(io.StringIO(out.read_text("utf-8-sig")))}
    latex = " ".join(report_latex(report).split())
    english = "“Does it feel warm?”, from “cold” to “warm as a stove” (English)"
    korean = "“따뜻하게 느껴지나요?”, from “cold” to “난로처럼 따뜻함” (한국어)"
    for text in (sheet, heds, unescape(report_html(report)), dictionary["criterion"]):
        assert f"{english}; {korean}." in text
        assert "Example of “warm as a stove”: “We hugged and hugged.” (English)" in text
    assert "Does it feel warm?" in latex
    assert "Warmth (English); 따뜻함 (한국어)." in heds
    for words in ("this asks: The stove group.", "contact: stove@example.org.", "it takes about 12 minutes."):
        assert words in heds


@pytest.mark.django_db
def test_criteria_that_are_worded_differently_are_not_compared() -> None:
    campaigns = []
    for name, words in (("one", {}), ("two", {"fluency": {"question": "Is it well written?"}})):
        campaign = make_campaign(
            texts={f"lstm-{name}": lambda n: f"we saw {n}"},
            name=name,
            criteria=["fluency"],
            criterion=words,
        ).campaign
        campaign_close(campaign=campaign)
        campaigns.append(campaign)
    comparison = comparison_build([each.name for each in campaigns])
    assert comparison.criteria == []
    assert "fluency: worded differently in 'one' and 'two'." in comparison.left_out


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("researcher"))
    return client


LIST = "/campaigns/"


def form_of(page: str) -> dict[str, Any]:
    """What a browser sends of the campaign's form as it stands."""
    form = page.partition('class="launch panel"')[2].partition("</form>")[0]
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if attributes.get("type") in ("checkbox", "radio") and " checked" not in tag:
            continue
        if "name" in attributes:
            sent.setdefault(attributes["name"], []).append(unescape(attributes.get("value", "")))
    for name, text in re.findall(r'<textarea name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        sent[name] = unescape(text)
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        sent[name] = chosen[1] if chosen else ""
    return sent


@pytest.mark.django_db
def test_the_form_words_criteria_and_keeps_them_through_copies(staff: Client) -> None:
    parts = make_campaign()
    values = form_of(staff.get(f"{LIST}new/").content.decode()) | {
        "name": "worded", "dataset": parts.dataset.name, "systems": ["human", "gru"],
        "items": "4", "criteria": ["fluency"], "own_criteria": "", "protocol": "slider",
        "organizer": "The stove group", "contact": "stove@example.org", "minutes": "",
        "words-0-name": "warmth", "words-0-question": "Does it feel warm?", "words-0-low": "cold",
        "words-0-example_high": "We hugged.", "words-0-ko_question": "따뜻하게 느껴지나요?",
        "words-1-name": "fluency", "words-1-which": "Which is more fluent?",
    }  # fmt: skip
    answer = staff.post(f"{LIST}new/", values, follow=True)
    assert "was created with" in answer.content.decode(), re.findall(r"errorlist.*?</ul>", answer.content.decode())
    made = models.Campaign.objects.get(name="worded")
    assert made.criteria == ["fluency", "warmth"]
    assert made.criterion_words == {
        "warmth": {
            "question": "Does it feel warm?", "low": "cold", "example_high": "We hugged.",
            "ko": {"question": "따뜻하게 느껴지나요?"},
        },
        "fluency": {"which": "Which is more fluent?"},
    }  # fmt: skip
    assert (made.organizer, made.contact, made.minutes) == ("The stove group", "stove@example.org", None)
    copied = form_of(staff.get(f"{LIST}{made.pk}/copy/").content.decode())
    assert "was created with" in staff.post(f"{LIST}new/", copied, follow=True).content.decode()
    copy = models.Campaign.objects.get(name="worded-copy")
    assert spec_of(copy) == spec_of(made).model_copy(update={"name": "worded-copy"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"words-0-question": "Does it feel warm?"}, "Name the criterion."),
        ({"words-0-name": "warmth"}, "Write what raters are asked."),
        ({"words-0-name": "warmth", "words-0-low": "cold"}, "criterion.warmth.question: missing"),
        ({"words-0-name": "a,b", "words-0-question": "W?"}, "It contains ','"),
        ({"words-0-name": "warmth", "words-0-question": "x" * 301}, "at most 300 characters"),
        (
            {"words-0-name": "w", "words-0-question": "W?", "words-1-name": "w", "words-1-question": "W?"},
            "'w' has words above already.",
        ),
    ],
)
def test_a_mistake_in_the_words_is_said_and_makes_nothing(staff: Client, words: dict[str, str], says: str) -> None:
    parts = make_campaign()
    values = form_of(staff.get(f"{LIST}new/").content.decode()) | {
        "name": "worded", "dataset": parts.dataset.name, "systems": ["human", "gru"], "items": "4",
    }  # fmt: skip
    page = staff.post(f"{LIST}new/", values | words)
    assert says in unescape(in_one_line(page))
    assert models.Campaign.objects.count() == 1
