"""A screen of which nothing was set yet is filled in rather than rendered, and nobody can tell."""

import re
from pathlib import Path

import pytest

from annotations import models
from annotations.protocols import PROTOCOLS, shown_here
from annotations.web import blanks
from tests.annotations.stories import story_campaign
from tests.annotations.visitor import UUID, Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db
TEXTS = {"gru": lambda n: f"thing {n} & {{{{ name }}}} </q><b>", "lstm": lambda n: f"\"we\" saw 'thing' {n} \\1 %s"}
DRAWN_ANEW = re.compile(rf'name="(?:key|csrfmiddlewaretoken)" value="(?:{UUID}|\w{{64}})"')
LANGUAGES = ["en", "ko"]


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    blanks.kept.clear()


def check_screens(campaign: models.Campaign, *, kept: int) -> None:
    """The second and third screen of two raters in two languages, filled in and rendered: a screen that was looked at
    before is rendered, and says for how long."""
    for language in (*LANGUAGES, *LANGUAGES):
        visitor = Visitor(campaign, htmx=False)
        visitor.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
        visitor.join()
        for screens in range(2):
            visitor.skip()
            pages, rows = [], models.Assignment.objects.filter(public_id=visitor.assignment)
            for seconds in (0.0, 1.5):
                rows.update(seconds_spent=seconds)
                before = len(blanks.kept)
                visitor.reload()
                if seconds:
                    assert len(blanks.kept) == before
                page = visitor.page.replace(f'data-seconds="{seconds}"', "data-seconds")
                assert page != visitor.page
                pages.append(DRAWN_ANEW.sub("", page))
                assert len(DRAWN_ANEW.findall(page)) == 7, "four forms, of which three have a key"
            assert pages[0] == pages[1], screens
            assert f'lang="{language}"' in pages[0]
            rows.update(seconds_spent=0.0)
    assert len(blanks.kept) == kept


@pytest.mark.parametrize("protocol", shown_here())
def test_sentences(protocol: str) -> None:
    criteria = ["human_likeness", "clear"][: 1 if PROTOCOLS[protocol].one_criterion else 2]
    words = {name: {"question": 'Is it "clear" & <b>plain</b>?'} for name in criteria[1:]}
    campaign = make_campaign(
        captions=6,
        overlap=6,
        texts=TEXTS,
        protocol=protocol,
        criteria=criteria,
        criterion=words,
        cannot_say=criteria,
        comments=True,
        minimum_answers=1,
        show="caption",
    ).campaign
    check_screens(campaign, kept=2 * len(LANGUAGES))  # with and without a screen to take back


@pytest.mark.parametrize("protocol", shown_here())
@pytest.mark.parametrize(("layout", "show"), [("photos", "both"), ("paragraph", "photo")])
def test_stories(protocol: str, layout: str, show: str, tmp_path: Path) -> None:
    campaign = story_campaign(
        folder=tmp_path,
        show=show,
        layout=layout,
        protocol=protocol,
        systems=["human", "gru", "tapm"],
        criteria=["human_likeness"],
        overlap=6,
    )
    check_screens(campaign, kept=2 * len(LANGUAGES))


def test_what_a_campaign_asks_is_never_that_of_before() -> None:
    campaign = make_campaign(captions=6, overlap=6).campaign
    first = Visitor(campaign)
    first.join()
    assert "Does it read as if a person had written it?" in first.page
    words = {"human_likeness": {"question": "Is a person behind it?"}}
    models.Campaign.objects.update(criterion_words=words, comments=True)
    second = Visitor(campaign)
    second.join()
    form = second.page.partition('id="answer"')[2].partition("</form>")[0]
    assert "Is a person behind it?" in form
    assert "Does it read" not in form
    assert "A comment on this screen" in form
