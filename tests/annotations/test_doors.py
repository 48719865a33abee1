"""Every door through which text comes in, on either database: a text is stored as it is or refused in words, and what
no database and no encoding can hold is never stored. (Readers of files need no database; the others run on both.)"""

import json
import tomllib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from openpyxl import Workbook

from annotations import models
from annotations.errors import InputError
from annotations.fields import digest_of
from annotations.importing.campaign_file import read_campaign_file
from annotations.importing.content import fingerprint
from annotations.importing.outputs import read_outputs
from annotations.importing.pairs import PairFields, read_pairs
from annotations.importing.vist import read_vist
from annotations.links import rater_link
from annotations.reports.export import csv_file
from annotations.services.campaign_making import campaign_create
from annotations.services.campaigns import campaign_named
from annotations.services.outputs import outputs_add
from annotations.services.raters import rater_exclude
from storyblender_site.accounts import account_make, account_named
from tests.annotations.hostile import BLANK, STORABLE, TEXTS, UNSTORABLE
from tests.annotations.raters import Rater, new_key
from tests.annotations.rating_files import read
from tests.factories import CaptionFactory, DecodingFactory, make_campaign
from texts.storable import escaped, is_blank, storable, text_problem, value_problem
from workers.lifecycle import run_create_claimed

# ---- readers of files


def as_json(file: Path, value: Any) -> Path:
    """With escapes, which is how NUL and halves of characters get into files that are good UTF-8."""
    file.write_text(json.dumps(value))
    return file


def vist(folder: Path, **hostile: str) -> tuple[str, str, str]:
    """Read one album with a caption and a story; the title, the caption and the first sentence."""
    photos = [{"id": f"{number}", "album_id": "a"} for number in range(5)]
    base = {"albums": [{"id": "a", "title": hostile.get("title", "t")}], "images": photos}
    one = {"photo_flickr_id": "0", "album_id": "a", "photo_order_in_story": 0, "text": hostile.get("caption", "c")}
    dii = as_json(folder / "dii.json", base | {"annotations": [[one]]})
    told = [
        {"photo_flickr_id": f"{n}", "album_id": "a", "story_id": "s", "storylet_id": f"{n}",
         "worker_arranged_photo_order": n, "text": hostile.get("sentence", "s"),
         "worker_id": hostile.get("author", "w")} for n in range(5)
    ]  # fmt: skip
    sis = as_json(folder / "sis.json", base | {"annotations": [[each] for each in told]})
    (album,) = read_vist([dii], [sis])
    return album.title, album.captions[0][2], album.stories[0].sentences[0][1]


def pairs_file(folder: Path, **hostile: str) -> Any:
    row = {"caption": "c", "story": "s", "out": "o"} | hostile
    fields = PairFields(systems=(("gru", "out"),))
    (album,) = read_pairs(as_json(folder / "a.jsonl", row), fields, split="test")
    return album


def outputs_file(folder: Path, ending: str, text: str) -> str:
    file = folder / f"a{ending}"
    if ending == ".jsonl":
        as_json(file, {"id": "1", "text": text})
    elif ending == ".json":
        story = {"album_id": "a", "photo_sequence": ["1", "2"], "story_text_normalized": text}
        as_json(file, {"output_stories": [story]})
    else:
        file.write_bytes(csv_of([["id", "text"], ["1", text]]))
    return read_outputs(file)[0].text


def csv_of(rows: list[list[str]]) -> bytes:
    quoted = ("\r\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)) + "\r\n"
    return quoted.encode(errors="surrogatepass")


RATED = ["item", "system", "rater", "criterion", "score", "text"]


def ratings_file(folder: Path, ending: str, text: str) -> str:
    rows = [["1", "gru", "r", "c", "1", text], ["2", "gru", "r", "c", "5", "known"]]
    file = folder / f"a{ending}"
    if ending == ".csv":
        file.write_bytes(csv_of([RATED, *rows]))
    elif ending == ".xlsx":
        book = Workbook()
        for row in [RATED, *rows]:
            book.active.append(row)
        book.save(file)
    elif ending == ".json":
        as_json(file, [dict(zip(RATED, row, strict=True)) for row in rows])
    else:
        file.write_text("\n".join(json.dumps(dict(zip(RATED, row, strict=True))) for row in rows))
    return read(file).texts["1", "1"]["gru"]


def campaign_file(folder: Path, text: str, key: str = "instructions") -> str:
    file = folder / "campaign.toml"
    basic = json.dumps(text, ensure_ascii=False).encode(errors="surrogatepass").decode(errors="surrogateescape")
    lines = ['name = "a"', 'purpose = "evaluation"', 'dataset = "d"', 'split = "test"', 'systems = ["human"]',
             'criteria = ["fluency"]', "items = 1", f"{key} = {basic}"]  # fmt: skip
    file.write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    return str(getattr(read_campaign_file(file), key))


FILES: dict[str, Callable[[Path, str], str]] = {
    "VIST: title": lambda folder, text: vist(folder, title=text)[0],
    "VIST: caption": lambda folder, text: vist(folder, caption=text)[1],
    "VIST: sentence": lambda folder, text: vist(folder, sentence=text)[2],
    "pairs: caption": lambda folder, text: pairs_file(folder, caption=text).captions[0][2],
    "pairs: reference": lambda folder, text: pairs_file(folder, story=text).stories[0].sentences[0][1],
    "pairs: output": lambda folder, text: pairs_file(folder, out=text).outputs[0][3][0],
    **{f"outputs: {end}": lambda folder, text, end=end: outputs_file(folder, end, text)  # type: ignore[misc]
       for end in (".jsonl", ".csv", ".json")},
    **{f"ratings: {end}": lambda folder, text, end=end: ratings_file(folder, end, text)  # type: ignore[misc]
       for end in (".csv", ".xlsx", ".json", ".jsonl")},
    "campaign file: instructions": campaign_file,
    "campaign file: consent": lambda folder, text: campaign_file(folder, text, "consent"),
}  # fmt: skip
MAY_BE_BLANK = ("title", "output", "ratings", "campaign file")
NOT_IN_THE_FORMAT = [  # a workbook is XML; and bytes that are no UTF-8 are read in the likeliest of other encodings
    *(("ratings: .xlsx", name) for name in UNSTORABLE),
    ("ratings: .csv", "half a character"),
]
CUT = {"VIST: title": 500}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("door", FILES)
def test_a_file_is_read_as_it_is_or_refused_by_file_and_place(door: str, name: str, tmp_path: Path) -> None:
    text = TEXTS[name]
    if (door, name) in NOT_IN_THE_FORMAT:
        return
    if name in UNSTORABLE or (name in BLANK and not any(each in door for each in MAY_BE_BLANK)):
        with pytest.raises(InputError) as refused:
            FILES[door](tmp_path, text)
        assert str(tmp_path) in str(refused.value), "the file is named"
        assert not text_problem(str(refused.value)), "the message itself can be stored and printed"
        assert len(str(refused.value)) < 600
        return
    stored = FILES[door](tmp_path, text)
    if name in BLANK:
        assert is_blank(stored)
    else:
        assert stored.strip() == text.strip()[: CUT.get(door)]


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda folder: vist(folder, sentence="a\ud83d"), r"sis\.json: annotations\[0\]: text='a\\ud83d' holds half"),
        (lambda folder: vist(folder, author="a\0"), r"sis\.json: annotations\[0\]: worker_id='a\\x00' holds a NUL"),
        (lambda folder: pairs_file(folder, out="a\0"), r"a\.jsonl: line 1: out='a\\x00' holds a NUL character"),
        (lambda folder: ratings_file(folder, ".jsonl", "a\ud83d"), r"a\.jsonl: line 1: text holds half a character"),
        (lambda folder: outputs_file(folder, ".csv", "a\0"), r"a\.csv: line 2: text holds a NUL character"),
        (lambda folder: campaign_file(folder, "a\0"), r"campaign\.toml: instructions: holds a NUL character"),
    ],
)
def test_what_no_text_holds_is_refused_by_place_and_key(write: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        write(tmp_path)


def test_only_half_characters_are_refused_of_escapes(tmp_path: Path) -> None:
    """Pairs are whole characters, and a backslash before a "u" may be an escaped backslash."""
    for text in ("\U0001f600", "a \\ud83d in letters", "\\\\\U0001f600"):
        assert vist(tmp_path, caption=text)[1] == text


def test_a_long_key_of_a_sequence_is_refused_on_every_database(tmp_path: Path) -> None:
    file = tmp_path / "sis.json"
    base = {"albums": [{"id": "a"}], "images": [{"id": "x" * 150 + f"{n}", "album_id": "a"} for n in range(5)]}
    told = [
        {"photo_flickr_id": "x" * 150 + f"{n}", "album_id": "a", "story_id": "s", "storylet_id": f"{n}",
         "worker_arranged_photo_order": n, "text": "t"} for n in range(5)
    ]  # fmt: skip
    as_json(file, base | {"annotations": [[each] for each in told]})
    with pytest.raises(InputError, match=r"the ids of the story's photos=.* is longer than 500 characters"):
        read_vist([], [file])


def test_a_column_and_a_file_that_cannot_be_named_are_refused(tmp_path: Path) -> None:
    file = as_json(tmp_path / "a.json", [{**dict.fromkeys(RATED, "1"), "n\0te": "x"}])
    with pytest.raises(InputError, match=r"the column 'n\\x00te' holds a NUL character"):
        read(file)
    with pytest.raises(InputError, match="its path holds half a character"):
        fingerprint([tmp_path / "\udcff.jsonl"], [])


# ---- the databases


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

    def __init__(self) -> None:
        self.campaign = make_campaign(captions=2, overlap=50).campaign

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
            claim = run_create_claimed(kind="attention", config={"source": text})
        except InputError:
            return None
        claim.finish("failed", f"failed with {escaped(text)}")
        claim.run.refresh_from_db()
        return str(claim.run.config["source"])


def escaped_halves(text: str) -> str:
    """As a browser sends a form: half a character is replaced."""
    return text.encode(errors="replace").decode()


DOORS = [name for name in vars(Doors) if not name.startswith("_") and name not in ("said", "joined", "visitor")]
LONGEST = {"join_api": 200, "join_page": 200, "link": 200, "exclusion": 300}
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
            or len(text.strip()) > LONGEST.get(door, 10**6)
            or (name in BLANK and door in LONGEST)
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
        "/rate/a%00b/", "/rate/a/?rater=%00", "/admin/annotations/campaign/?q=%00", "/api/v1/rate/%00/join",
        "/admin/annotations/campaign/?state__exact=%00", "/admin/annotations/campaign/compare/?campaign=a%00",
        "/admin/annotations/campaign/new/?name=%00",
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
        ("workers/run/import/outputs", "system"), ("workers/run/import/ratings", "columns"),
        ("workers/run/launch/train", "dataset"), ("workers/run/launch/score", "systems"),
        ("workers/run/launch/attention", "source"), ("workers/run/launch/feedback", "campaigns"),
        ("annotations/campaign/new", "instructions"), ("annotations/campaign/new", "systems"),
        ("annotations/campaign/{campaign}/links", "raters"), ("annotations/campaign/{campaign}/exclude", "reason"),
        ("annotations/campaign/{campaign}/act", "action"), ("login", "username"),
    ],
)  # fmt: skip
def test_a_form_with_nul_is_shown_again(page: str, field: str) -> None:
    campaign, client = make_campaign(captions=1).campaign, Client()
    if page != "login":
        client.force_login(User.objects.create_superuser("admin", password="x"))
    answer = client.post(f"/admin/{page.format(campaign=campaign.pk)}/", {field: "a\0b", "rater": "1", "password": "x"})
    assert answer.status_code in (200, 302, 404)
    assert not models.Rater.objects.exclude(exclusion="").exists()


@pytest.mark.django_db
def test_an_upload_may_be_called_anything(tmp_path: Path) -> None:
    """A name of 255 characters of three bytes is longer than a folder can hold."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from workers.import_forms import keep

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


def test_a_campaign_file_is_toml_of_others_too(tmp_path: Path) -> None:
    """What our own reader takes, Python's does."""
    campaign_file(tmp_path, STORABLE["joined emoji"])
    values = tomllib.loads((tmp_path / "campaign.toml").read_text())
    assert values["instructions"] == STORABLE["joined emoji"]
