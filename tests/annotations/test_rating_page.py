"""The rating page without a browser: forms, refusals, what is kept, and that it tells nothing."""

import re
from pathlib import Path

import pytest
from django.test import Client

from annotations import models
from annotations.campaigns.links import rater_link
from annotations.campaigns.services.campaigns import campaign_close
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("htmx", [True, False])
def test_from_the_welcome_to_the_thanks(htmx: bool) -> None:
    campaign = make_campaign(captions=3).campaign
    visitor = Visitor(campaign, htmx)
    assert "I agree, begin" in visitor.page
    visitor.join()
    for done in range(3):
        assert f"{done} of 3 done" in visitor.page
        assert len(visitor.fields()) == 3
        visitor.answer()
    assert "Thank you!" in visitor.page
    code = re.search(r"<output>([2-9A-Z]{10})</output>", visitor.page)
    assert code
    assert models.Rating.objects.counting(campaign).count() == 3
    assert {rating.seconds for rating in models.Rating.objects.all()} == {4.2}
    assert code[0] in visitor.client.get(visitor.address).content.decode(), "the same code on coming back"


def test_a_slider_that_was_not_touched_is_no_answer_and_the_others_are_kept() -> None:
    visitor = Visitor(make_campaign().campaign)
    visitor.join()
    assert visitor.page.count('value="50"') == 3
    fields, assignment = visitor.fields(), visitor.assignment
    visitor.send(f"answer/{assignment}/", {fields[0]: "80", fields[1]: "", "key": visitor.key("answer")})
    assert "Something is not answered yet" in visitor.page
    assert visitor.assignment == assignment
    assert f'name="{fields[0]}" value="80"' in visitor.page
    assert f'name="{fields[1]}" value=""' in visitor.page
    assert not models.Rating.objects.exists()


def test_half_an_answer_is_there_on_coming_back() -> None:
    visitor = Visitor(make_campaign().campaign)
    visitor.join()
    field = visitor.fields()[0]
    assert visitor.send(f"draft/{visitor.assignment}/", {field: "33", "key": "x"}).status_code == 204
    page = visitor.client.get(visitor.address).content.decode()
    assert f'name="{field}" value="33"' in page
    assert "csrfmiddlewaretoken" not in str(models.Assignment.objects.get().draft)


def test_undo_shows_what_was_answered() -> None:
    visitor = Visitor(make_campaign().campaign)
    visitor.join()
    assert "Undo last" not in visitor.page
    fields = visitor.fields()
    visitor.answer(77)
    assert "Undo last" in visitor.page
    visitor.undo()
    assert "Taken back. Here is that screen again." in visitor.page
    assert all(f'name="{field}" value="77"' in visitor.page for field in fields)
    visitor.answer(20)
    kinds = models.Rating.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["answer", "withdrawn", "answer"]


def test_a_skip_says_why() -> None:
    visitor = Visitor(make_campaign().campaign)
    visitor.join()
    first = visitor.assignment
    said = {"key": visitor.key("skip"), "reason": "wrong", "comment": " the text is cut off "}
    visitor.send(f"skip/{first}/", said)
    assert visitor.assignment != first
    visitor.send(f"skip/{first}/", said)
    remark = models.Remark.objects.get()
    assert (remark.reason, remark.comment, remark.rating.kind) == ("wrong", "the text is cut off", "skip")
    visitor.send(f"skip/{visitor.assignment}/", {"key": visitor.key("skip"), "reason": ""})
    assert models.Remark.objects.count() == 1
    assert models.Rating.objects.filter(kind="skip").count() == 2


def test_sending_twice_and_from_a_second_tab_writes_once() -> None:
    visitor = Visitor(make_campaign().campaign)
    visitor.join()
    page = visitor.page
    visitor.answer()
    following = visitor.assignment
    visitor.page = page
    visitor.answer()
    assert visitor.assignment == following, "the same key again: the same rating, the same next screen"
    visitor.page = page
    other_key = "00000000-0000-4000-8000-000000000001"
    visitor.answer(key=other_key)
    assert "have answered that screen already" in visitor.page
    assert models.Rating.objects.count() == 1


def test_without_a_session_there_is_a_way_back() -> None:
    campaign = make_campaign().campaign
    visitor = Visitor(campaign)
    visitor.join()
    visitor.client.cookies.clear()
    answer = visitor.answer()
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == visitor.address
    link = f"http://testserver{visitor.address}?rater=b&signature=s"
    answer = visitor.client.post(f"{visitor.address}undo/", headers=visitor.headers | {"HX-Current-URL": link})
    assert answer.headers["HX-Redirect"] == f"{visitor.address}?rater=b&signature=s", "a link of one's own stays it"
    assert Client().get("/rate/nowhere/").status_code == 404


def test_a_link_of_ones_own_comes_back_and_a_strangers_does_not() -> None:
    campaign = make_campaign().campaign
    link = rater_link(campaign, "worker 7")
    path = link.removeprefix("http://127.0.0.1:8000")
    first = Visitor(campaign)
    first.page = first.client.get(path).content.decode()
    hidden = dict(re.findall(r'name="(rater|signature)" value="([^"]*)"', first.page))
    assert hidden["rater"] == "worker 7"
    first.join(**hidden)
    first.answer()
    stranger = Visitor(campaign)
    assert stranger.join(rater="worker 7").status_code == 403
    assert "joined under this id already" in stranger.page
    again = Visitor(campaign)
    again.join(**hidden)
    assert "1 of 6 done" in again.page
    assert campaign.raters.count() == 1


def test_paused_and_closed() -> None:
    campaign = make_campaign().campaign
    visitor = Visitor(campaign)
    visitor.join()
    models.Campaign.objects.update(state="paused")
    assert "The study is paused" in visitor.client.get(visitor.address).content.decode()
    models.Campaign.objects.update(state="open")
    campaign_close(campaign=models.Campaign.objects.get())
    assert "This study is over" in visitor.client.get(visitor.address).content.decode()
    late = Visitor(campaign)
    assert "This study is over" in late.page
    assert "begin" not in late.page


def test_korean_is_whole() -> None:
    """What the templates say is all in Korean: no English sentence of theirs is left."""
    campaign = make_campaign(criteria=["human_likeness", "grounding", "fluency"]).campaign
    visitor = Visitor(campaign)
    visitor.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"
    visitor.page = visitor.client.get(visitor.address).content.decode()
    pages = [visitor.page]
    visitor.join()
    pages.append(visitor.client.get(visitor.address).content.decode())
    visitor.answer()
    visitor.undo()
    visitor.answer()
    visitor.skip(reason="wrong", comment="…")
    pages.append(visitor.client.get(f"{visitor.address}answers/", visitor.whose()).content.decode())
    texts = set(models.Candidate.objects.values_list("text", flat=True)) | set(
        models.Source.objects.values_list("text", flat=True)
    )
    for page in pages:
        assert '<html lang="ko">' in page
        body = re.sub(r"<(script|style|kbd|title).*?</\1>", "", page.split("<body>")[1], flags=re.S)
        words = re.sub(r"<[^>]+>", " ", body)
        for text in texts:
            words = words.replace(text, "")
        left = set(re.findall(r"[A-Za-z]{2,}", words)) - {"Story", "Blender", "End", "English", "UTC"}
        assert not left


def test_the_page_tells_nothing_and_asks_nobody_else() -> None:
    canaries = {"qqlstm": lambda n: "we had fun .", "wwgru": lambda n: f"we saw thing {n}"}
    campaign = make_campaign(texts=canaries, name="zzcampaign", captions=3).campaign
    visitor = Visitor(campaign)
    sent = [visitor.page]
    answer = visitor.join()
    while "Thank you!" not in visitor.page:
        sent += [visitor.page, str(dict(answer.headers))]
        answer = visitor.answer()
    everything = " ".join([*sent, visitor.page])
    for word in ("qqlstm", "wwgru", "zzcampaign", "evaluation", "system", "decoding"):
        assert word not in everything
    assert "http" not in everything
    for name in ("style=", "onclick", "<style", "javascript:"):
        assert name not in everything
    policy = visitor.client.get(visitor.address).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_photo_is_served_under_a_random_name(tmp_path: Path) -> None:
    campaign = make_campaign(captions=1, show="caption").campaign
    picture = tmp_path / "qqlstm-photo.png"
    picture.write_bytes(b"\x89PNG\r\n")
    models.Photo.objects.update(image=str(picture))
    models.Campaign.objects.update(show="both")
    visitor = Visitor(campaign)
    visitor.join()
    found = re.search(r'src="(/rate/photo/[0-9a-f-]{36}/1/)"', visitor.page)
    assert found
    served = Client().get(found[1])
    assert b"".join(served.streaming_content) == b"\x89PNG\r\n"
    assert "qqlstm" not in str(served.headers) + visitor.page
    models.Campaign.objects.update(show="caption")
    assert Client().get(found[1]).status_code == 404


def test_undo_goes_back_screen_by_screen() -> None:
    visitor = Visitor(make_campaign(captions=4).campaign)
    visitor.join()
    for done in range(3):
        assert f"{done} of 4 done" in visitor.page
        visitor.answer()
    for done in (2, 1, 0):
        visitor.undo()
        assert f"{done} of 4 done" in visitor.page
    assert "Undo last" not in visitor.page
    for _ in range(4):
        visitor.answer()
    assert "Thank you!" in visitor.page
    kinds = list(models.Rating.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["answer"] * 3 + ["withdrawn"] * 3 + ["answer"] * 4
