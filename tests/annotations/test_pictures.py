"""Pictures: looked at before a photo gets them, attached at any time, in a folder that can be moved."""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from PIL import Image

from annotations.corpora.readers.pictures import Pictures, gather, problem_of
from annotations.errors import InputError
from annotations.models import Campaign, Photo
from tests.annotations.test_import_vist import import_vist, vist_files
from tests.factories import PhotoFactory, make_campaign
from tests.site import ROOT

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0H9V9Z"/></svg>\n'


def drawn(form: str = "JPEG", seed: int = 0) -> bytes:
    """Noise, so that a cut in the middle cuts the picture itself."""
    out = io.BytesIO()
    Image.effect_noise((64, 48), 40 + seed).convert("RGB").save(out, form)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.jpg", drawn("JPEG"), ""),
        ("a.JPEG", drawn("JPEG") + b"\0" * 5000, ""),  # as some cameras write: more behind the end
        ("a.png", drawn("PNG"), ""),
        ("a.gif", drawn("GIF"), ""),
        ("a.webp", drawn("WEBP"), ""),
        ("a.svg", SVG, ""),
        ("a.jpg", drawn("PNG"), ""),  # a browser looks at the content
        ("a.jpg", drawn("JPEG")[:900], "cannot be read"),
        ("a.png", drawn("PNG")[:3000], "cannot be read"),
        ("a.gif", drawn("GIF")[:1800], "cannot be read"),
        ("a.webp", drawn("WEBP")[:300], "cannot be read"),
        ("a.jpg", b"", "is not one of"),
        ("a.jpg", b"<html>404 not found</html>", "is not one of"),
        ("a.jpg", drawn("TIFF"), "is not one of"),  # which browsers do not show
        ("a.svg", SVG[:40], "is not a complete SVG"),
    ],
)
def test_what_a_browser_cannot_show_is_found(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert problem_of(file).startswith(problem)
    assert bool(problem_of(file)) == bool(problem)


@pytest.mark.once
def test_a_picture_cut_short_is_found_after_a_pdf_was_made(tmp_path: Path) -> None:
    """WeasyPrint, as it is imported, lets the whole process decode such pictures: so in a process of its own."""
    (tmp_path / "a.jpg").write_bytes(drawn("JPEG")[:900])
    code = """
import django, sys
from pathlib import Path
django.setup()
from annotations.corpora.readers.pictures import problem_of
from annotations.reports import pdf
pdf.report_html = lambda report: "<p>a report</p>"
assert pdf.report_pdf({}).startswith(b"%PDF-")
print(problem_of(Path(sys.argv[1])))
"""
    command = [sys.executable, "-c", code, str(tmp_path / "a.jpg")]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.startswith("cannot be read")


def test_pictures_are_found_missing_unreadable_and_counted(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "one.jpg").write_bytes(drawn())
    (tmp_path / "two.jpg").write_bytes(b"nothing")
    (tmp_path / "four.png").write_bytes(drawn("PNG"))
    (tmp_path / "._one.jpg").write_bytes(b"left by a system")
    pictures = Pictures(tmp_path, tmp_path)
    assert [pictures.path_of(photo) for photo in ("one", "two", "three", "one")] == [
        "train/one.jpg",
        "",
        "",
        "train/one.jpg",
    ]
    counts = pictures.counts()
    assert (counts["found"], counts["missing"], counts["unreadable"], counts["of_no_photo"]) == (1, 1, 1, 1)
    assert counts["cannot_be_read"][0].startswith("two.jpg: is not one of")


def test_two_pictures_of_one_photo_are_refused_unless_they_are_the_same(tmp_path: Path) -> None:
    for folder in ("train", "val"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.jpg").write_bytes(SVG)
    assert Pictures(tmp_path, tmp_path).files["one"].parent.name == "train"
    (tmp_path / "val" / "one.jpg").write_bytes(SVG + b" ")
    with pytest.raises(InputError, match=r"two pictures of photo 'one': train/one\.jpg and val/one\.jpg"):
        Pictures(tmp_path, tmp_path)


def zipped(packing: int = zipfile.ZIP_STORED, **files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def broken(archive: bytes) -> bytes:
    """With bits of the first file's content turned."""
    start = 30 + len("x.svg") + 12
    return archive[:start] + bytes(byte ^ 0x5A for byte in archive[start : start + 8]) + archive[start + 8 :]


def test_a_zip_is_unpacked_by_names_alone(tmp_path: Path) -> None:
    inside = {
        "../../out.svg": SVG,
        "/etc/in.svg": SVG,
        "a/b/deep.svg": SVG,
        "a/readme.txt": b"x",
        "__MACOSX/._deep.svg": b"x",
    }
    (tmp_path / "all.zip").write_bytes(zipped(**inside))
    (tmp_path / "single.svg").write_bytes(SVG)
    folder = tmp_path / "pictures"
    assert gather([tmp_path / "all.zip", tmp_path / "single.svg"], folder) == 4
    assert sorted(file.name for file in folder.iterdir()) == ["deep.svg", "in.svg", "out.svg", "single.svg"]
    assert not (tmp_path.parent / "out.svg").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.zip", zipped(**{"a.txt": b"x"}), "contains no picture"),
        ("a.zip", zipped(**{"a/x.svg": SVG, "b/x.svg": SVG + b" "}), "two different pictures have this name"),
        ("a.tar", b"x", "is neither a ZIP nor a picture"),
        ("a.zip", zipped(**{"x.svg": SVG}).replace(b"<path", b"<PATH"), "cannot be unpacked"),
        ("a.zip", broken(zipped(zipfile.ZIP_DEFLATED, **{"x.svg": SVG * 20})), "cannot be unpacked"),
        ("a.zip", broken(zipped(zipfile.ZIP_LZMA, **{"x.svg": SVG * 20})), "cannot be unpacked"),
        ("a.zip", zipped(**{f"{'x' * 250}.svg": SVG}), "has a name of more than 200 bytes"),
    ],
)
def test_an_upload_that_cannot_be_used_is_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        gather([tmp_path / name], tmp_path / "pictures")


def attach(folder: Path, capsys: Any, **options: Any) -> dict[str, Any]:
    capsys.readouterr()
    call_command("attach_pictures", folder, dataset="vist", json=True, **options)
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


@pytest.mark.django_db
def test_pictures_come_later_and_the_folder_moves(tmp_path: Path, capsys: Any, settings: Any) -> None:
    settings.VAR_DIR = tmp_path / "var"
    folder = settings.VAR_DIR / "images" / "all"
    folder.mkdir(parents=True)
    import_vist(*vist_files(tmp_path, albums=1))
    for n in range(4):
        (folder / f"train-0-{n}.jpg").write_bytes(drawn(seed=n))
    answer = attach(folder, capsys)
    assert (answer["attached"], answer["found"], answer["still_without"]) == (4, 4, 2)
    (tmp_path / "rest").mkdir()
    (tmp_path / "rest" / "train-0-4.jpg").write_bytes(drawn(seed=4))
    assert attach(tmp_path / "rest", capsys)["still_without"] == 1
    photo = Photo.objects.get(external_id="train-0-1")
    assert photo.image == "images/all/train-0-1.jpg"
    assert attach(folder, capsys)["attached"] == 0
    settings.VAR_DIR.rename(tmp_path / "moved")
    settings.VAR_DIR = tmp_path / "moved"
    assert photo.picture.is_file()
    elsewhere = tmp_path / "elsewhere"
    shutil.move(settings.VAR_DIR / "images" / "all", elsewhere)
    assert attach(elsewhere, capsys)["attached"] == 4  # they were gone from where they had been
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "train-0-1.jpg").write_bytes(drawn(seed=9))
    with pytest.raises(CommandError, match=r"^1 photo already has another picture .*replaces it$"):
        attach(tmp_path / "other", capsys)
    assert attach(tmp_path / "other", capsys, update=True)["replaced"] == 1


@pytest.mark.django_db
def test_an_import_says_which_pictures_it_found(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "train-0-2.jpg").write_bytes(drawn())
    (folder / "train-0-3.jpg").write_bytes(b"")
    import_vist(*vist_files(tmp_path, albums=1), images=folder, json=True)
    said = json.loads(capsys.readouterr().out.splitlines()[-1])["pictures"]
    assert (said["found"], said["missing"], said["unreadable"]) == (1, 4, 1)
    assert Photo.objects.get(external_id="train-0-2").image == str(folder / "train-0-2.jpg")
    assert Photo.objects.get(external_id="train-0-3").image == ""


@pytest.mark.django_db
def test_what_raters_saw_stays_as_it_was(tmp_path: Path) -> None:
    made = make_campaign()
    Campaign.objects.filter(pk=made.campaign.pk).update(show="photo")
    photo = made.campaign.items.first().source.photo
    assert Campaign.objects.showing_pictures_of({photo.pk}) == made.campaign
    assert Campaign.objects.showing_pictures_of({PhotoFactory().pk}) is None
    assert settings.VAR_DIR.is_dir()
