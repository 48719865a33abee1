"""Pictures in a folder, named after the photos' ids: each is looked at before a photo gets it.

A picture's path is kept relative to the root, `VAR_DIR`, where it lies below it, so that the whole folder can be moved.
"""

import lzma
import os
import shutil
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Sequence
from filecmp import cmp
from pathlib import Path
from typing import IO, Any

from PIL import Image, UnidentifiedImageError

from annotations.corpora.readers.content import ImportFileError, shown, unpacked_too_large
from annotations.progress import OnShare
from texts.limits import MAX_PIXELS
from texts.storable import text_problem

SHOWN_BY_BROWSERS = ("JPEG", "PNG", "GIF", "WEBP")
SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg")
END_MARKS = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND"}  # of others the whole is decoded
TAIL = 1024  # bytes at a file's end among which its end mark stands, unless a camera wrote something behind it
MAX_PATH_LENGTH = 500
MAX_NAME_LENGTH = 200  # bytes of a file's name that any file system takes, with a little around it
NAMED = 20  # of the unreadable files
# What zipfile raises for a file that is broken, locked or packed by a method of its own.
UNPACKING = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)


class Pictures:
    """A folder's pictures, those in folders below it too, by the photos' ids. It remembers which were asked for.

    Raises ImportFileError for what is not a folder, and where different pictures have one name.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        if not folder.is_dir():
            raise ImportFileError(folder, "", "is not a folder of pictures")
        self.folder, self.root = Path(os.path.abspath(folder)), root
        named: dict[str, list[Path]] = defaultdict(list)
        for file in sorted(self.folder.rglob("*")):
            if is_picture(file.name):
                named[file.stem].append(file)
        for photo, (first, *others) in named.items():
            for other in others:
                if not cmp(first, other, shallow=False):
                    raise ImportFileError(
                        self.folder,
                        "",
                        f"has two pictures of photo {shown(photo)}: {first.relative_to(self.folder)} and "
                        f"{other.relative_to(self.folder)}; keep only the right one",
                    )
        self.files = {photo: files[0] for photo, files in named.items()}
        self.paths: dict[str, str] = {}  # of the photos asked for, as they are kept; empty for none
        self.unreadable: dict[str, str] = {}  # file and what is wrong with it

    def path_of(self, photo: str) -> str:
        """The path of the photo's picture as it is kept; empty where there is none, or none that can be read."""
        if photo not in self.paths:
            self.paths[photo] = self._looked_at(photo)
        return self.paths[photo]

    def _looked_at(self, photo: str) -> str:
        file = self.files.get(photo)
        if file is None:
            return ""
        if problem := problem_of(file):
            self.unreadable[str(file.relative_to(self.folder))] = problem
            return ""
        path = kept_path(file, self.root)
        if problem := text_problem(path):
            raise ImportFileError(file, "", f"its path {problem}; rename its folder")
        if len(path) > MAX_PATH_LENGTH:
            raise ImportFileError(file, "", f"its path has more than {MAX_PATH_LENGTH} characters; use a shorter one")
        return path

    def counts(self) -> dict[str, Any]:
        """How many photos have a picture here, have none here, or one that cannot be read, which is named; and how many
        pictures are of no photo."""
        found = sum(bool(path) for path in self.paths.values())
        unreadable = [f"{file}: {problem}" for file, problem in self.unreadable.items()]
        return {
            "found": found,
            "missing": len(self.paths) - found - len(unreadable),
            "unreadable": len(unreadable),
            "of_no_photo": len(self.files.keys() - self.paths.keys()),
            **({"cannot_be_read": unreadable[:NAMED]} if unreadable else {}),
        }


def is_picture(name: str) -> bool:
    """By its name, and not one of the hidden files that systems lay beside others."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def kept_path(file: Path, root: Path) -> str:
    for place in (file, file.resolve()):
        if place.is_relative_to(root):
            return str(place.relative_to(root))
    return str(file)


def problem_of(file: Path) -> str:
    """Why a browser could not show the picture: empty where it can. A file cut short is found by its missing end."""
    try:
        if file.suffix.lower() == ".svg":
            with file.open("rb") as stream:
                whole = b"<svg" in stream.read(4096) and tail_of(file).rstrip().endswith(b"</svg>")
            return "" if whole else "is not a complete SVG drawing"
        with Image.open(file, formats=SHOWN_BY_BROWSERS) as image:
            if image.width * image.height > MAX_PIXELS:
                return (
                    f"has {image.width} x {image.height} pixels; the limit is {MAX_PIXELS:,}, so save it at a "
                    "smaller size"
                )
            if image.format == "WEBP":
                return "" if riff_is_whole(file) else "cannot be read (the file is truncated)"
            mark = END_MARKS.get(image.format or "")
            if mark is None or mark not in tail_of(file):
                image.load()
    except UnidentifiedImageError:
        return f"is not one of {', '.join(SHOWN_BY_BROWSERS)}"
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f"cannot be read ({str(error)[:80] or type(error).__name__})"
    return ""


def riff_is_whole(file: Path) -> bool:
    """Whether a WebP file has as many bytes as it says. It is not decoded for that: its decoder takes sixteen bytes a
    pixel."""
    with file.open("rb") as stream:
        said = int.from_bytes(stream.read(8)[4:], "little") + 8
    return said <= file.stat().st_size


def tail_of(file: Path) -> bytes:
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - TAIL))
        return stream.read()


def gather(files: Sequence[Path], folder: Path, on_progress: OnShare = lambda _: None) -> int:
    """Put pictures, and those in ZIP files, into a folder, by their names alone. Returns how many.

    Raises ImportFileError for a ZIP that cannot be read or does not fit on the disk, a file that is no picture, and two
    different pictures of one name; what was put there by then is the caller's to remove.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for number, file in enumerate(files):
        if zipfile.is_zipfile(file):
            count += unzip(file, folder, on_progress if len(files) == 1 else lambda _: None)
        elif is_picture(file.name):
            with file.open("rb") as stream:
                place(folder, file.name, file, stream)
            count += 1
        else:
            raise ImportFileError(
                file, "", f"is neither a ZIP nor a picture; picture names end with {', '.join(SUFFIXES)}"
            )
        on_progress((number + 1) / len(files))
    if not count:
        raise ImportFileError(files[0], "", f"contains no picture; picture names end with {', '.join(SUFFIXES)}")
    return count


def unzip(file: Path, folder: Path, on_progress: OnShare) -> int:
    try:
        with zipfile.ZipFile(file) as archive:
            if problem := unpacked_too_large(archive):
                raise ImportFileError(file, "", problem)
            rows = [row for row in archive.infolist() if not row.is_dir() and is_picture(Path(row.filename).name)]
            needed, free = sum(row.file_size for row in rows), shutil.disk_usage(folder).free
            if needed > free:
                raise ImportFileError(file, "", f"its pictures need {needed:,} bytes, but only {free:,} are free")
            for number, row in enumerate(rows, start=1):
                with archive.open(row) as stream:
                    place(folder, Path(row.filename).name, file, stream)
                on_progress(number / len(rows))
    except UNPACKING as error:
        raise ImportFileError(file, "", f"cannot be unpacked ({str(error)[:80] or type(error).__name__})") from error
    return len(rows)


def place(folder: Path, name: str, origin: Path, content: IO[bytes]) -> None:
    """Write a file under its name, which takes the name once it is whole. The same picture again changes nothing."""
    if len(name.encode(errors="replace")) > MAX_NAME_LENGTH:
        raise ImportFileError(origin, shown(name), f"has a name of more than {MAX_NAME_LENGTH} bytes")
    draft, target = folder / f".{name}.part", folder / name
    try:
        with draft.open("wb") as out:
            shutil.copyfileobj(content, out)
        if target.exists() and not cmp(draft, target, shallow=False):
            raise ImportFileError(origin, name, "two different pictures have this name")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
