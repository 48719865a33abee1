"""Every door through which text comes in, on either database: a text is stored as it is or refused in words, and what
no database and no encoding can hold is never stored. (For files see test_file_doors.)"""

import json
import re
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from annotations import models
from annotations.campaigns.links import rater_link
from annotations.campaigns.recruiting import PARTICIPANT, STUDY, SUBMISSION
from annotations.campaigns.services.campaigns import campaign_named
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.services.raters import rater_exclude
from annotations.campaigns.spec_files import read_campaign_file
from annotations.campaigns.views import rating
from annotations.documents.csv_tables import csv_file
from annotations.errors import InputError
from annotations.storage.fields import digest_of
from annotations.systems.services import outputs_add
from storyblender_site.accounts import account_make, account_named
from tests.annotations.hostile import BLANK, STORABLE, TEXTS, UNSTORABLE
from tests.annotations.raters import Rater, new_key
from tests.factories import CaptionFactory, DecodingFactory, make_campaign
from texts.storable import escaped, storable, value_problem
from workers.lifecycle import Claim, run_create

RATED = ["item", "system", "rater", "criterion", "score", "text"]


@pytest.mark.django_db
def test_hostile_texts_go_the_whole_way_and_come_back_as_they_were(tmp_path: Path) -> None:
    """As captions, references and outputs, into a campaign whose candidates are told apart however long they are."""
    texts = list(STORABLE.values())
    rows = [{"caption": text, "story": f"Story: {text}", "gru": f"{text} 1", "lstm": f"{text} 2"} for text in texts]
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    call_command("import_pairs", file, dataset="d", split="test", systems=["gru=gru", "lstm=lstm"])
    stored = models.Source.objects.order_by("pk").values_list("text", flat=True)
    assert list(stored) == [text.strip() for text in texts]
    written = tmp_path / "campaign.toml"
    written.write_text(
        'name = "c"\npurpose = "evaluation"\ndataset = "d"\nsplit = "test"\nsystems = ["human", "gru", "lstm"]\n'
        f'criteria = ["fluency"]\nitems = {len(texts)}\ninstructions = """{texts[3]}"""\n'
    )
    campaign = campaign_create(spec=read_campaign_file(written))
    campaign.refresh_from_db()
    assert campaign.instructions == texts[3]
    assert {candidate.digest for candidate in models.Candidate.objects.all()} == {
        digest_of(candidate.text) for candidate in models.Candidate.objects.all()
    }
    rater = Rater(campaign)
    screen = rater.next()
    assert rater.submit(screen).status_code == 201
    with pytest.raises(InputError, match=r"campaign 'c.ud83d' does not exist"):
        campaign_named("c\ud83d")


@pytest.mark.django_db
def test_ratings_of_texts_of_any_length_are_imported(tmp_path: Path) -> None:
    """A text of 900 words has more bytes than PostgreSQL's index holds of it."""
    rows = [
        [f"{n}", system, "r", "c", f"{n % 5}", f"{system}: {text}"]
        for n, text in enumerate(STORABLE.values())
        for system in "ab"
    ]
    (tmp_path / "a.csv").write_bytes(csv_file(RATED, rows))
    call_command("import_ratings", tmp_path / "a.csv", campaign="study")
    shown = models.Candidate.objects.filter(item__campaign__name="study").values_list("text", flat=True)
    assert set(shown) == {row[5] for row in rows}


class Doors:
    """What comes in while people are at work: each says what was stored (None: refused in words)."""

    def __init__(self, **spec: Any) -> None:
        self.campaign = make_campaign(captions=2, overlap=50, **spec).campaign

    def said(self, answer: Any, refused: tuple[int, ...]) -> bool:
        assert answer.status_code < 500
        answer.content.decode()
        return answer.status_code not in refused

    def join_api(self, text: str) -> str | None:
        body = json.dumps({"rater": text})
        answer = Client().post(f"/api/v1/rate/{self.campaign.token}/join", body, content_type="application/json")
        return self.joined() if self.said(answer, (422,)) else None

    def join_page(self, text: str) -> str | None:
        before = models.Rater.objects.count()
        answer = Client().post(f"/rate/{self.campaign.token}/join/", {"rater": escaped_halves(text)})
        self.said(answer, ())
        return self.joined() if models.Rater.objects.count() > before else None

    def joined(self) -> str | None:
        return models.Rater.objects.latest("pk").outside_id

    def visitor(self) -> tuple[Client, models.Assignment]:
        client, address = Client(), f"/rate/{self.campaign.token}/"
        client.post(f"{address}join/")
        client.get(address)
        return client, models.Assignment.objects.latest("pk")

    def link(self, text: str) -> str | None:
        """Whoever has the link can join with it."""
        try:
            link = rater_link(self.campaign, text)
        except InputError:
            return None
        sent = {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}
        assert Client().post(f"/rate/{self.campaign.token}/join/", sent).status_code == 302
        return self.joined()

    def draft(self, text: str) -> str | None:
        client, assignment = self.visitor()
        sent = {"whose": assignment.rater.public_id, f"human_likeness:{escaped_halves(text)}": escaped_halves(text)}
        self.said(client.post(f"/rate/{self.campaign.token}/draft/{assignment.public_id}/", sent), ())
        assignment.refresh_from_db()
        assert not value_problem(assignment.draft, "")
        return text  # cut to what a field of the page can hold

    def comment(self, text: str) -> str | None:
        client, assignment = self.visitor()
        whose = assignment.rater.public_id
        sent = {"whose": whose, "key": new_key(), "reason": "wrong", "comment": escaped_halves(text)}
        self.said(client.post(f"/rate/{self.campaign.token}/skip/{assignment.public_id}/", sent), ())
        return models.Remark.objects.latest("pk").comment

    def answers(self, text: str) -> str | None:
        rater = Rater(self.campaign)
        screen = rater.next()
        for given in ({text: {}}, {"human_likeness": {text: 1}}, {"human_likeness": text}, text):
            body = json.dumps({"key": new_key(), "answers": given, "seconds": 1})
            answer = rater.client.post(
                f"/api/v1/rate/assignments/{screen['assignment']}", body, content_type="application/json",
                headers={"Authorization": f"Rater {rater.session}"},
            )  # fmt: skip
            assert answer.status_code == 422, answer.content
        return None

    def exclusion(self, text: str) -> str | None:
        rater = models.Rater.objects.create(campaign=self.campaign, session_hash=uuid.uuid4().hex)
        try:
            return rater_exclude(rater=rater, reason=text).exclusion
        except InputError:
            return None

    def account(self, text: str) -> str | None:
        for act in (lambda: account_named(text), lambda: account_make(name=text, role="researcher")):
            with pytest.raises(InputError):
                act()
        return None

    def written_by_a_model(self, text: str) -> str | None:
        decoding = DecodingFactory()
        outputs_add(decoding=decoding, rows=[(CaptionFactory().pk, 0, text, None)])
        return models.Output.objects.latest("pk").text

    def request_of_a_run(self, text: str) -> str | None:
        try:
            claim = Claim(run_create(kind="attention", config={"source": text}, claimed=True))
        except InputError:
            return None
        claim.finish("failed", f"failed with {escaped(text)}")
        claim.run.refresh_from_db()
        return str(claim.run.config["source"])


def escaped_halves(text: str) -> str:
    """As a browser sends a form: half a character is replaced."""
    return text.encode(errors="replace").decode()


DOORS = [name for name in vars(Doors) if not name.startswith("_") and name not in ("said", "joined", "visitor")]
MAX_LENGTHS = {"join_api": 200, "join_page": 200, "link": 200, "exclusion": 300}
REFUSES_ALL = ("answers", "account")
KEPT_WITHOUT = {"comment": 2000, "written_by_a_model": None}  # NUL is taken out


@pytest.mark.django_db
@pytest.mark.parametrize("door", DOORS)
def test_what_people_and_models_send_is_stored_or_refused(door: str) -> None:
    doors = Doors()
    for name, text in TEXTS.items():
        stored = getattr(doors, door)(text)
        if door == "draft":
            continue
        if door in REFUSES_ALL:
            assert stored is None, name
        elif door in KEPT_WITHOUT:
            sent = text if door == "written_by_a_model" else escaped_halves(text).strip()
            whole = "".join(sign for sign in sent if storable(sign))
            assert stored is not None, name
            assert " ".join(stored.split()) == " ".join(whole[: KEPT_WITHOUT[door]].split()), name
        elif (
            name == "NUL"
            or (name in UNSTORABLE and "page" not in door)
            or len(text.strip()) > MAX_LENGTHS.get(door, 10**6)
            or (name in BLANK and door in MAX_LENGTHS)
        ):
            assert stored is None, name
        else:
            assert stored is not None, name
            sent = escaped_halves(text) if "page" in door else text
            assert " ".join(stored.split()) == " ".join(sent.split()), name


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    [
        "/rate/a%00b/", "/rate/a/?rater=%00", "/campaigns/?name=%00", "/api/v1/rate/%00/join",
        "/campaigns/?state=%00", "/reports/compare/?campaign=a%00",
        "/campaigns/new/?name=%00",
    ],
)  # fmt: skip
def test_an_address_with_nul_is_refused(address: str) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password="x"))
    assert client.get(address).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("page", "field"),
    [
        ("data/import/outputs", "system"), ("data/import/ratings", "columns"),
        ("runs/launch/train", "dataset"), ("runs/launch/score", "systems"),
        ("runs/launch/attention", "source"), ("runs/launch/feedback", "campaigns"),
        ("campaigns/new", "instructions"), ("campaigns/new", "systems"),
        ("campaigns/{campaign}/links", "raters"), ("campaigns/{campaign}/exclude", "reason"),
        ("campaigns/{campaign}/act", "action"), ("login", "username"),
    ],
)  # fmt: skip
def test_a_form_with_nul_is_shown_again(page: str, field: str) -> None:
    campaign, client = make_campaign(captions=1).campaign, Client()
    if page != "login":
        client.force_login(User.objects.create_superuser("admin", password="x"))
    answer = client.post(f"/{page.format(campaign=campaign.pk)}/", {field: "a\0b", "rater": "1", "password": "x"})
    assert answer.status_code in (200, 302, 404)
    assert not models.Rater.objects.exclude(exclusion="").exists()


NAMES = re.compile(r'name="([a-zA-Z_]+)"')


def fields_of_rating_pages() -> list[str]:
    """Every field that a form of a rater's page has, and every name that a recruiting service's link may."""
    templates = (Path(rating.__file__).parents[2] / "templates" / "rating").glob("*.html")
    written = {name for template in templates for name in NAMES.findall(template.read_text())}
    return sorted(written | {*PARTICIPANT, *STUDY, *SUBMISSION})


@pytest.mark.django_db
@pytest.mark.parametrize("recruiting", [{}, {"service": "link"}], ids=["alone", "recruited"])
@pytest.mark.parametrize("view", ["join", "decline", "withdraw", "undo", "questions", "answer", "skip", "draft"])
def test_a_form_of_the_rating_page_with_nul_is_no_failure(view: str, recruiting: dict[str, Any]) -> None:
    doors, fields = Doors(recruiting=recruiting), fields_of_rating_pages()
    assert {"rater", "whose", "form", "comment"} <= set(fields)
    for field in fields:
        client, assignment = doors.visitor()
        screen = [assignment.public_id] if view in ("answer", "skip", "draft") else []
        sent: dict[str, Any] = {"whose": assignment.rater.public_id, "key": new_key()}
        for who in (client, Client()):
            answer = who.post(reverse(f"rate-{view}", args=[doors.campaign.token, *screen]), sent | {field: "a\0b"})
            assert answer.status_code < 500, field
    assert not [rater for rater in models.Rater.objects.all() if "\0" in (rater.outside_id or "")]
    assert not [row for row in models.Participation.objects.all() if "\0" in f"{row.participant}{row.submission}"]


@pytest.mark.django_db
def test_an_upload_may_be_called_anything(tmp_path: Path) -> None:
    """A name of 255 characters of three bytes is longer than a folder can hold."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from workers.uploads import keep

    (stored,) = keep(SimpleUploadedFile("한" * 300 + ".CSV", b"x"), tmp_path, "file")
    assert (Path(stored).suffix, Path(stored).read_bytes()) == (".CSV", b"x")


@pytest.mark.django_db
@pytest.mark.parametrize("name", TEXTS)
def test_names_on_command_lines_are_found_or_not(name: str) -> None:
    for command in (
        ["campaign_link", TEXTS[name]],
        ["decode", "--system", TEXTS[name], "--dataset", "d", "--split", "test"],
    ):
        with pytest.raises(CommandError, match="does not exist"):
            call_command(*command)
