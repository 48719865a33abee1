"""Offsets of errors, in code points: the same on the page, in what is stored and in the export, whatever the text."""

import json
import random
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.template.loader import render_to_string
from playwright.sync_api import sync_playwright

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.protocols import protocol_named
from annotations.protocols.base import Rules
from annotations.protocols.criteria import criteria_of
from tests.browser.conftest import CHROMIUM
from tests.factories import CaptionFactory, make_campaign
from tests.site import ROOT

PROTOCOL = protocol_named("error_spans")
SPACE = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace()) + "\ufeff"  # as JavaScript trims
SCRIPT = ROOT / "annotations/protocols/error_spans/static/error_spans/field.js"
FUZZED = 10_000
PIECES = [
    *["the", "fireworks", "don't", "x", "was", ".", ",", "?", " ", "  ", "-"],
    *["😀", "👩‍👩‍👧", "🏳️‍🌈", "👍🏽", "🇰🇷", "🇩🇪", "❤️", "1️⃣", "𝒳", "𐍈"],
    *["كانت", "السَّماء", "שָׁלוֹם", "،", "\u200f", "\u200d", "\ufeff"],
    *["我们看见了烟花。", "寿司", "불꽃놀이", "\u1112\u1161\u11ab", "क्षत्रिय", "நி", "กำ"],
    *["e\u0301\u0302", "\u0301", "ﬁ", "ß", "İ"],
]  # fmt: skip


def some_text(draw: random.Random) -> str:
    pieces = [draw.choice(PIECES) for _ in range(draw.randint(1, 12))]
    strange = [chr(draw.choice([draw.randint(32, 0xD7FF), draw.randint(0xE000, 0x10FFFF)])) for _ in range(2)]
    draw.shuffle(whole := pieces + strange)
    return draw.choice(["", " "]).join(whole)


MARK_ALL = """(rows) => {
  const whole = document.querySelector('.error-spans').cloneNode(true), model = whole.querySelector('fieldset');
  return rows.map(([text, from, to]) => {
    const set = model.cloneNode(true), field = set.querySelector('.spans'), within = field.querySelector('.marking');
    whole.replaceChildren(set);
    within.textContent = text;
    errorSpans.draw(field);
    const range = document.createRange();
    const put = (name, at) => {
      const nodes = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
      let node = nodes.nextNode();
      while (at > node.length) { at -= node.length; node = nodes.nextNode(); }
      range[name](node, at);
    };
    put('setStart', from);
    put('setEnd', to);
    const span = errorSpans.spanOf(within, range);
    if (!span) return null;
    const value = JSON.stringify([[...span, 'other', 'major']]);
    field.querySelector('input[type=hidden]').value = value;
    errorSpans.draw(field);
    const marked = [...within.querySelectorAll('.marked')].map((each) => each.textContent).join('');
    return [value, marked, within.textContent === text];
  });
}"""


def marked_on_the_page(rows: list[tuple[str, int, int]]) -> list[Any]:
    """Of each text and the UTF-16 units from and up to which it is selected: what its field then holds, what is shown
    as marked, and whether the text is shown as it is; None where nothing was chosen."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on the PATH: on Debian, apt-get install chromium")
    screen = PROTOCOL.screen([("a", "text")], {}, criteria=criteria_of(["errors"], {}), rules=Rules())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content(f'<main id="screen"><form>{render_to_string("error_spans/answer.html", screen)}</form></main>')
        page.add_script_tag(path=SCRIPT)
        found: list[Any] = page.evaluate(MARK_ALL, rows)
        browser.close()
    return found


@pytest.mark.once
@pytest.mark.django_db
def test_ten_thousand_texts_from_the_page_to_the_export(tmp_path: Path) -> None:
    """Whatever is selected in whatever text: what the page shows as marked is what Python cuts out of it, what is
    stored, and what the export has."""
    draw = random.Random(3)
    rows = []
    for _ in range(FUZZED):
        text = some_text(draw)
        units = len(text.encode("utf-16-le")) // 2
        rows.append((text, *sorted(draw.randint(0, units) for _ in range(2))))
    marked = marked_on_the_page(rows)
    sent = []
    for (text, first, last), found in zip(rows, marked, strict=True):
        encoded = text.encode("utf-16-le")
        selected = encoded[2 * first : 2 * last].decode("utf-16-le", "ignore").strip(SPACE)
        if found is None:
            assert not selected
            sent.append("[]")
            continue
        value, shown, same = found
        [[start, end, _, _]] = json.loads(value)
        assert same, "the page shows the text as it is"
        assert text[start:end] == shown
        assert selected in shown
        assert shown.strip(SPACE), "more than white space"
        sent.append(value)
    assert sent.count("[]") < FUZZED / 5

    campaign = make_campaign(captions=1, protocol="error_spans").campaign
    kept = store(campaign, [text for text, *_ in rows], sent)
    campaign_close(campaign=campaign)
    out = tmp_path / "ratings.jsonl"
    call_command("export_ratings", campaign.name, format="jsonl", out=out)
    lines = [json.loads(line) for line in out.read_text().split("\n")[:-1]]
    assert len(lines) == FUZZED
    for line in lines:
        text, value = kept[line["candidate"]]
        assert line["text"] == text
        spans = json.loads(line["errors"])
        assert [[each["start"], each["end"], each["category"], each["severity"]] for each in spans] == json.loads(value)
        assert [each["text"] for each in spans] == [text[start:end] for start, end, *_ in json.loads(value)]


def store(campaign: models.Campaign, texts: list[str], fields: list[str]) -> dict[int, tuple[str, str]]:
    """An answer for each text, one a screen, checked as the page's are; by the text's primary key, what was sent."""
    album = campaign.items.get(position=0).source
    [criterion] = campaign.criteria
    caption: Any = CaptionFactory(photo=album.photo)
    sources = models.Source.objects.bulk_create(
        models.Source(
            album=caption.album,
            imported_by=caption.imported_by,
            kind="caption",
            photo=caption.photo,
            key=f"k{n}",
            text="c",
        )
        for n in range(len(texts))
    )
    items = models.Item.objects.bulk_create(
        models.Item(campaign=campaign, source=source, position=n) for n, source in enumerate(sources, start=1)
    )
    candidates = models.Candidate.objects.bulk_create(
        models.Candidate(item=item, text=text) for item, text in zip(items, texts, strict=True)
    )
    rater = models.Rater.objects.create(campaign=campaign, session_hash="0" * 64)
    assignments = models.Assignment.objects.bulk_create(
        models.Assignment(
            item=each.item,
            rater=rater,
            state="done",
            candidate_order=[[each.pk, str(each.public_id)]],
            leased_until=campaign.created_at,
            revision=1,
        )
        for each in candidates
    )
    ratings = []
    for each, assignment, value in zip(candidates, assignments, fields, strict=True):
        answers = PROTOCOL.answers({f"{criterion}:a": value})
        asked: dict[str, Any] = {"criteria": [criterion], "candidates": {"a": each.pk}, "rules": Rules()}
        stored = PROTOCOL.read(answers, **asked, texts={each.pk: each.text})
        ratings.append(
            models.Rating(
                assignment=assignment, revision=1, kind="answer", answers=stored, key=uuid.uuid4(), body_hash="-"
            )
        )
    models.Rating.objects.bulk_create(ratings, batch_size=1000)
    return {each.pk: (each.text, value) for each, value in zip(candidates, fields, strict=True)}
