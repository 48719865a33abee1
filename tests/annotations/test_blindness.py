"""Nothing that reaches a rater says who wrote what: no name of a system, model, decoding or file, and no typography."""

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils.html import escape
from scipy.optimize import minimize
from scipy.stats import rankdata

from annotations import models
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.spec import CampaignSpec
from annotations.protocols import shown_here
from tests.annotations.raters import Rater, new_key
from tests.annotations.visitor import Visitor
from tests.factories import (
    AlbumFactory,
    CaptionFactory,
    DatasetFactory,
    DecodingFactory,
    OutputFactory,
    PhotoFactory,
    StorySentenceFactory,
    SystemFactory,
    make_campaign,
)

CANARY = "canary7411"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><rect width="4" height="3"/></svg>'

pytestmark = pytest.mark.django_db


def bytes_of(answer: Any) -> bytes:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    cookies = answer.cookies.output()
    return f"{answer.status_code} {answer.reason_phrase}\n{headers}\n{cookies}\n".encode() + body


def filled(page: str) -> dict[str, str]:
    """The page's fields: sliders at 40, or no error marked; of radio buttons a value each, in one row after another the
    next."""
    groups: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="radio" name="([^"]+:[^"]+)"\s+value="([^"]*)"', page):
        groups.setdefault(name, []).append(value)
    chosen = {name: values[number % len(values)] for number, (name, values) in enumerate(groups.items())}
    value = "[]" if 'class="spans' in page else "40"
    return chosen | dict.fromkeys(re.findall(r'type="hidden" name="(\w+:[0-9a-f-]{36})"', page), value)


@pytest.fixture
def campaign(tmp_path: Path, request: pytest.FixtureRequest) -> models.Campaign:
    """A campaign whose systems, decodings, data set, albums, photos and picture files all have the canary's name."""
    dataset = DatasetFactory(name=f"{CANARY}-data")
    decodings = [
        DecodingFactory(
            dataset=dataset,
            system=SystemFactory(name=f"{CANARY}-{name}", kind=kind),
            settings={"model": f"{CANARY}-model", "checkpoint": CANARY},
            fingerprint=f"{CANARY}{name}",
        )
        for name, kind in (("lstm", "file"), ("gru", "model"))
    ]
    for n in range(4):
        album = AlbumFactory(dataset=dataset, split="test", external_id=f"{CANARY}-album-{n}", title=CANARY)
        picture = tmp_path / f"{CANARY}-{n}.svg"
        picture.write_text(PICTURE)
        photo = PhotoFactory(album=album, external_id=f"{CANARY}-photo-{n}", image=str(picture), url=f"http://{CANARY}")
        caption = CaptionFactory(photo=photo, key=f"{CANARY}#{n}", text=f"thing {n}")
        StorySentenceFactory(photo=photo, text=f"We saw thing {n}.")
        for decoding in decodings:
            OutputFactory(decoding=decoding, source=caption, text=f"it was {decoding.pk} times {n}")
    values = {
        "name": "plain", "purpose": "evaluation", "dataset": dataset.name, "split": "test", "show": "both",
        "systems": ["human", f"{CANARY}-lstm", f"{CANARY}-gru"], "criteria": ["fluency"], "items": 4, "overlap": 2,
        "protocol": getattr(request, "param", "slider"),
    }  # fmt: skip
    return campaign_create(spec=CampaignSpec.from_mapping(values))


@pytest.mark.parametrize("campaign", shown_here(), indirect=True)
def test_no_byte_a_rater_can_reach_holds_a_name(campaign: models.Campaign) -> None:
    """The page, with and without htmx: welcome, screens, pictures, refusals, drafts, skip, undo, thanks."""
    client, address, seen = Client(), f"/rate/{campaign.token}/", []
    whose: dict[str, str] = {}

    def ask(method: str, path: str, data: Any = None, **headers: str) -> str:
        answer = getattr(client, method)(path, whose | data if data else whose, headers=headers)
        seen.append(bytes_of(answer))
        return answer.content.decode() if not answer.streaming else ""

    ask("get", address)
    ask("post", f"{address}join/", {"rater": "me", "signature": "wrong"})
    ask("post", f"{address}join/")
    for step in range(4):
        page = ask("get", address)
        whose["whose"] = re.findall(r'name="whose" value="([0-9a-f-]{36})"', page)[0]
        [assignment] = set(re.findall(r"answer/([0-9a-f-]{36})/", page))
        [picture] = re.findall(r'<img src="([^"]+)"', page)
        ask("get", picture)
        answer = filled(page)
        assert answer
        ask("post", f"{address}draft/{assignment}/", answer)
        ask("post", f"{address}answer/{assignment}/", {"key": new_key()})
        ask("post", f"{address}answer/{new_key()}/", {"key": new_key()}, **{"HX-Request": "true"})
        answer |= {"key": new_key(), "seconds": "2"}
        if step == 1:
            ask("post", f"{address}skip/{assignment}/", {"key": new_key(), "reason": "wrong", "comment": "odd"})
        else:
            ask("post", f"{address}answer/{assignment}/", answer, **({"HX-Request": "true"} if step else {}))
        if step == 2:
            last = str(models.Rating.objects.latest("pk").key)
            ask("post", f"{address}undo/", {"rating": last, "key": new_key()})
            assert "taken back" in ask("get", f"{address}answers/")
            ask("post", f"{address}answer/{assignment}/", answer | {"key": new_key()})
    ask("get", f"{address}answers/")
    ask("get", f"{address}answers/", {"before": last})
    ask("get", f"{address}answers/", {"before": CANARY[:6]})
    ask("get", address)
    assert b"completion code" in seen[-1]
    assert any(b"image/svg+xml" in each for each in seen)
    for each in seen:
        assert CANARY.encode() not in each


def test_no_byte_of_the_interface_holds_a_name(campaign: models.Campaign) -> None:
    rater, seen = Rater(campaign), []
    screen = rater.next()
    for answer in (
        rater.post("next"),
        rater.submit(screen, answers={"fluency": {}}),
        rater.submit(screen, answers={"fluency": {CANARY[:6]: 4}}),
        rater.post(f"assignments/{new_key()}", {"key": new_key()}),
        first := rater.submit(screen),
        rater.undo(first.json()["rating"]),
        rater.skip(rater.next()),
        rater.client.get("/api/v1/rate/answers", headers={"Authorization": f"Rater {rater.session}"}),
        rater.post("next"),
        rater.client.get(screen["item"]["photos"][0].partition("testserver")[2] or screen["item"]["photos"][0]),
    ):
        seen.append(bytes_of(answer))
    for each in seen:
        assert CANARY.encode() not in each


def told(answer: Any, texts: list[str]) -> str:
    """What an answer says beside the texts, random ids, numbers and hours."""
    body = answer.content.decode()
    for text in sorted(filter(None, texts), key=len, reverse=True):
        body = body.replace(escape(text), "text").replace(text, "text")
    head = sorted(f"{name}: {value}" for name, value in answer.headers.items() if name != "Content-Length")
    without = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", f"{answer.status_code} {head} {body}")
    without = re.sub(r'(csrfmiddlewaretoken" value=)"\w+"', r"\1", without)
    return re.sub(r"\d+", "0", re.sub(r"\.\d+", "", without))


@pytest.mark.parametrize("by", ["page", "interface"])
def test_nothing_tells_a_screen_that_comes_again_from_its_repeat_or_from_any_other(by: str) -> None:
    """Nor what is said where a rater looks for their answers meanwhile."""
    texts = {"lstm": lambda n: f"we all had a great time at place {n} .", "gru": lambda n: f"then we saw thing {n} ."}
    spec = {"quality": {"repeats": 3}, "screens_per_rater": 12, "comments": True}
    campaign = make_campaign(captions=30, items=20, texts=texts, **spec).campaign
    shown = list(models.Candidate.objects.values_list("text", flat=True)) + list(
        models.Source.objects.values_list("text", flat=True)
    )
    visitor, program = Visitor(campaign), Rater(campaign)
    if by == "page":
        visitor.join()
    rater, seen = models.Rater.objects.latest("pk"), []
    for _ in range(12):
        if by == "page":
            page, answers = visitor.reload(), visitor.client.get(f"{visitor.address}answers/", visitor.whose())
        else:
            headers = {"Authorization": f"Rater {program.session}"}
            page, answers = program.post("next"), program.client.get("/api/v1/rate/answers", headers=headers)
        item = rater.assignments.get(state="open").item
        sent = visitor.answer() if by == "page" else program.submit(page.json())
        seen.append((item, [told(each, shown) for each in (page, answers, sent)]))
    come_again = {item.source_id for item, _ in seen if item.kind == "repeat"}
    said_of: dict[str, set[tuple[str, ...]]] = {"first": set(), "repeat": set(), "ordinary": set()}
    for item, said in seen[1:-1]:  # to which nobody comes from another screen, or from which to none
        first = "first" if item.source_id in come_again else "ordinary"
        said_of["repeat" if item.kind == "repeat" else first].add(tuple(said))
    assert len(come_again) == 3
    [said] = said_of["repeat"]
    assert said_of == {"first": {said}, "repeat": {said}, "ordinary": {said}}


MARKS = '.,!?";:()[]/&#$%*'


def typography(text: str) -> list[bool]:
    """Case, spacing and punctuation, whatever the words: an apostrophe or a hyphen within one is of the word."""
    inner = re.sub(r"(?<=\w)['-](?=\w)", "", text).rstrip()[:-1]
    return [
        text[:1].isupper(),
        bool(re.search(r"(?<=[a-z,] )[A-Z](?![ '])", text)),
        bool(re.search(r"[a-z][A-Z]", text)),
        bool(re.search(r"[.!?] [a-z]", text)),
        "  " in text,
        text != text.strip(),
        bool(re.search(r"\s[.,!?;:']", text)),
        *(text.endswith(mark) for mark in ".!?"),
        *(mark in inner for mark in MARKS + "'-"),
    ]


def separability(texts: list[str], human: np.ndarray, groups: list[str]) -> tuple[float, float]:
    """AUC of a logistic model on the typography, cross-fitted over groups, and its standard error under no effect."""
    features = np.array([typography(text) for text in texts], dtype=float)
    folds = np.array([random.Random(group).randrange(5) for group in groups])
    scores = np.zeros(len(texts))
    for fold in range(5):
        train, held = folds != fold, folds == fold
        middle, spread = features[train].mean(0), features[train].std(0) + 1e-9
        x, held_x = ((features[part] - middle) / spread for part in (train, held))

        def loss(w: np.ndarray, x: np.ndarray = x, y: np.ndarray = human[train]) -> tuple[float, np.ndarray]:
            z = x @ w[1:] + w[0]
            error = 1 / (1 + np.exp(-z)) - y
            return np.logaddexp(0, z).sum() - z @ y + w[1:] @ w[1:] / 2, np.r_[error.sum(), x.T @ error + w[1:]]

        fitted = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B").x
        # On the scale of the fold's own mean: intercepts differ between folds.
        scores[held] = held_x @ fitted[1:]
    people, machines = int(human.sum()), int((1 - human).sum())
    auc = (rankdata(scores)[human == 1].sum() - people * (people + 1) / 2) / (people * machines)
    return float(auc), float(np.sqrt((people + machines + 1) / (12 * people * machines)))


@pytest.mark.once
def test_typography_does_not_tell_people_from_machines(shared_data: Path) -> None:
    """Real sentences of people and of six systems: as written they part almost wholly, as shown not beyond chance."""
    file = shared_data / "machine_human" / "test.jsonl"
    fields = ["--reference-field", "human", "--album-field", "album", "--photo-field", "photo"]
    call_command("import_pairs", str(file), "--dataset", "real", "--split", "test", "--system", "*=machine", *fields)
    systems = sorted(models.System.objects.filter(kind="file").values_list("name", flat=True))
    count = models.Source.objects.filter(kind="photo").count()
    values = {
        "name": "real", "purpose": "evaluation", "dataset": "real", "split": "test", "show": "none",
        "systems": ["human", *systems], "criteria": ["fluency"], "items": count,
    }  # fmt: skip
    common = set.intersection(
        *(set(models.Output.objects.filter(decoding__system__name=s).values_list("source", flat=True)) for s in systems)
    )
    values["items"] = len(common)
    campaign = campaign_create(spec=CampaignSpec.from_mapping(values))
    draw, rows = random.Random(1), []
    for item in campaign.items.select_related("source__album"):
        shown: dict[bool, list[Any]] = {True: [], False: []}
        for candidate in item.candidates.all():
            for output in candidate.outputs.select_related("decoding__system"):
                shown[output.decoding.system.kind == "human"].append((candidate.text, output.text))
        rows += [(*draw.choice(shown[human]), human, item.source.album.external_id) for human in (True, False)]
    human, albums = np.array([float(row[2]) for row in rows]), [row[3] for row in rows]
    written, _ = separability([row[1] for row in rows], human, albums)
    shown_auc, error = separability([row[0] for row in rows], human, albums)
    assert written > 0.95
    assert abs(shown_auc - 0.5) < 1.96 * error, f"AUC {shown_auc:.3f} on {len(rows)} texts"


def test_the_typography_test_can_fail() -> None:
    texts = [f"We saw {n}." if n % 2 else f"we saw , {n} ." for n in range(400)]
    auc, _ = separability(texts, np.array([float(n % 2) for n in range(400)]), [str(n) for n in range(400)])
    assert auc == 1
