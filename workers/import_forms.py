"""Forms that import uploaded files."""

import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from annotations.errors import InputError
from annotations.fields import NameField
from annotations.importing.campaign_file import CHOICES
from annotations.importing.ratings.options import OPTIONS, POSITIONS, ROWS, rating_options
from annotations.importing.ratings.values import DECIMALS
from workers.jobs import importing, pictures
from workers.launch_form import SPLITS, LaunchForm, dataset_field
from workers.models import Run

LONGEST_STEM = 200  # bytes of a file's name
MAX_CHECKED = 20_000_000  # bytes of what a web process looks at while somebody waits


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files, as a list."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list) else [data] if data else []
        if self.required and not files:
            raise forms.ValidationError(self.error_messages["required"])
        return [super(FilesField, self).clean(file, initial) for file in files]


class LinesField(forms.CharField):
    """Texts, one a line."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]


def lines_field(label: str, help_text: str, *, rows: int = 2) -> LinesField:
    return LinesField(required=False, label=label, help_text=help_text, widget=forms.Textarea(attrs={"rows": rows}))


class ImportForm(LaunchForm):
    """Uploaded files are put where the workers read them; `roles` says which field holds which kind."""

    button = "Import"
    form = ""
    roles: Sequence[str] = ("file",)

    dataset = NameField(help_text="An existing dataset's name adds to it; a new one makes it.")

    def options(self) -> dict[str, Any]:
        raise NotImplementedError

    def updated(self) -> dict[str, bool]:
        return {"update": True} if self.cleaned_data["update"] else {}

    def launch(self) -> Run:
        given, options = self.cleaned_data, self.options()
        with uploaded({role: given[role] for role in self.roles}) as files:
            return importing.launch(config={"form": self.form, "dataset": given["dataset"], "files": files, **options})


@contextmanager
def uploaded(given: Mapping[str, UploadedFile | list[UploadedFile]]) -> Iterator[dict[str, list[str]]]:
    """Uploaded files by role as paths in a folder of their own, which goes if the block fails."""
    folder = settings.VAR_DIR / importing.UPLOADS / secrets.token_hex(8)
    folder.mkdir(parents=True)
    try:
        yield {role: keep(files, folder, role) for role, files in given.items()}
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def keep(given: UploadedFile | list[UploadedFile], folder: Path, role: str) -> list[str]:
    """Store uploaded files under their own names, and say where; a name that is taken gets the role before it."""
    uploads = given if isinstance(given, list) else [given]
    paths = []
    for upload in uploads:
        path = folder / stored_name(Path(str(upload.name)))
        while path.exists():
            path = folder / f"{role}-{path.name}"
        with path.open("xb") as out:
            for chunk in upload.chunks():
                out.write(chunk)
        paths.append(str(path))
    return paths


def image_root() -> Path:
    return Path(settings.VAR_DIR / pictures.IMAGES)


def stored_name(file: Path) -> str:
    """The file's name, its beginning cut to what a folder can hold; the ending stays, which says what it is."""
    suffix = file.suffix if len(file.suffix) <= 10 else ""
    stem = file.name.removesuffix(suffix).encode(errors="replace")[:LONGEST_STEM].decode(errors="ignore")
    return f"{stem}{suffix}"


def image_folders() -> list[tuple[str, str]]:
    """Folders under `VAR_DIR/images`, which is where pictures are put for an import from the site."""
    root = image_root()
    folders = [path.name for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    names = sorted(name for name in folders if not name.startswith(pictures.UPLOADED))
    return [("", "none"), *((name, name) for name in names)]


def update_field() -> forms.BooleanField:
    return forms.BooleanField(
        required=False,
        label="Replace what differs",
        help_text="Texts that are there already with other words, where nothing depends on them. Otherwise the import "
        "stops and says what differs.",
    )


class ImportVistForm(ImportForm):
    title = "Import VIST files"
    explanation = "VIST's two annotation files in their official layout: captions (DII), stories (SIS), or both."
    form = "vist"
    roles = ("dii", "sis")

    split = forms.ChoiceField(choices=SPLITS, initial="train")
    dii = FilesField(required=False, label="Captions (description in isolation), JSON")
    sis = FilesField(required=False, label="Stories (story in sequence), JSON")
    images = forms.ChoiceField(
        choices=image_folders,
        required=False,
        help_text="A folder under images/ of the site's VAR_DIR, its pictures named after the photos' ids.",
    )
    update = update_field()

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not given["dii"] and not given["sis"]:
            raise InputError("choose a file of captions, of stories, or both")
        images = str(image_root() / given["images"]) if given["images"] else ""
        return {"split": given["split"], "images": images, **self.updated()}


class AttachPicturesForm(LaunchForm):
    """Uploads are put where the workers read them."""

    title = "Attach pictures"
    explanation = (
        "Pictures named after the photos' ids, for the photos that a dataset has: JPEG, PNG, GIF, WebP or SVG files, "
        "or a ZIP of them, folders within it as they come. Each is looked at first; the run says how many were found, "
        "are missing, or cannot be read."
    )
    button = "Attach"
    field_order = ("dataset", "pictures", "folder", "update")

    dataset = dataset_field()
    pictures = FilesField(required=False, label="A ZIP, or pictures")
    folder = forms.ChoiceField(
        choices=image_folders, required=False, help_text="Or a folder under images/ of the site's VAR_DIR."
    )
    update = forms.BooleanField(
        required=False,
        label="Replace other pictures",
        help_text="Where a photo has another picture already. Without this nothing is attached then.",
    )

    def launch(self) -> Run:
        given = self.cleaned_data
        config = {"dataset": given["dataset"].name, "update": given["update"]}
        if bool(given["pictures"]) == bool(given["folder"]):
            raise InputError("pictures: choose files to upload, or a folder of the server's")
        if given["folder"]:
            return pictures.launch(config={**config, "folder": str(image_root() / given["folder"])})
        with uploaded({"pictures": given["pictures"]}) as files:
            return pictures.launch(config={**config, "files": files})


class ImportPairsForm(ImportForm):
    title = "Import JSON lines"
    explanation = (
        "One JSON object a line with a caption, what people wrote, and other systems' outputs. A field is a dotted "
        "path to a text or a list of texts."
    )
    form = "pairs"
    further = ("album_field", "photo_field", "systems")

    split = forms.ChoiceField(choices=SPLITS, initial="test")
    file = forms.FileField(label="File, JSONL")
    source_field = forms.CharField(
        required=False,
        help_text="Where the caption is. Empty: 'caption', where the first line has it; else the photo is the source.",
    )
    reference_field = forms.CharField(initial="story", help_text="Where a person's sentence is.")
    album_field = forms.CharField(required=False, help_text="Empty: each line is a document of its own.")
    photo_field = forms.CharField(required=False, help_text="Empty: each line is a photo of its own.")
    systems = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Other systems' outputs",
        help_text="NAME=FIELD, one a line; *=FIELD makes each key of the object in the field a system.",
    )

    update = update_field()

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        fields = {
            "source": given["source_field"] or None,
            "reference": given["reference_field"],
            "album": given["album_field"] or None,
            "photo": given["photo_field"] or None,
            "systems": [line.strip() for line in given["systems"].splitlines() if line.strip()],
        }
        importing.parse_systems(fields["systems"])
        return {"split": given["split"], "fields": fields, **self.updated()}


class ImportOutputsForm(ImportForm):
    title = "Import a system's outputs"
    explanation = "JSON lines or CSV with id (a source's key) and text, or VIST challenge JSON."
    form = "outputs"

    system = NameField(help_text="What the system is called here, such as gpt-4.1 or Llama 3.1 8B.")
    file = forms.FileField()
    update = update_field()

    def options(self) -> dict[str, Any]:
        return {"system": self.cleaned_data["system"], **self.updated()}


class ImportRatingsForm(ImportForm):
    title = "Import ratings from elsewhere"
    explanation = (
        "The ratings of a study run elsewhere become a closed campaign, which gets the same report. A row of the file "
        "is a score with item, system, rater and criterion, or a choice with item, system_a (shown first), system_b, "
        "rater and criterion. Say below what the file calls these. Checking it shows how it is understood and every "
        "row that is wrong, and writes nothing."
    )
    form = "ratings"
    check_button = "Check the file"
    field_order = ("campaign", "file", "columns", "criteria")
    further = (
        "raters", "systems", "wide", "split", "rows", "where", "low", "high", "values", "lists", "positions", "shared",
        "decimal", "dates", "weights", "highest_best", "no_header", "sheet", "encoding", "keep_apart", "primary",
        "family", "dataset",
    )  # fmt: skip

    campaign = NameField(help_text="The name of the new campaign.")
    file = FilesField(label="File, CSV, TSV, XLSX, JSON or JSONL", help_text="Several of the same form are one study.")
    columns = lines_field(
        "Columns",
        "ROLE=COLUMN, one a line, such as item=Input.id, where the file does not call them item, system, rater, "
        "criterion, score, text, album or submitted. criterion==overall is one value for all rows.",
        rows=4,
    )
    criteria = lines_field("A column a criterion", "The columns that each hold the scores by one criterion.")
    raters = lines_field("A column a rater", "The columns that each hold the scores of one rater.")
    systems = lines_field("A column a system", "The columns that each hold the scores of one system.")
    wide = lines_field("Columns by a pattern", "Such as {criterion}_{rater}, where a column's name says both.")
    split = lines_field("Columns that hold several things", "COLUMN=PATTERN, such as id={item}_{system}, one a line.")
    rows = forms.ChoiceField(
        choices=[("", "found from the columns"), *((each, each) for each in ROWS)],
        required=False,
        label="What the rows are",
    )
    where = lines_field(
        "Only rows with", "COLUMN=VALUE, or COLUMN!=VALUE, one a line; values of one column are alternatives."
    )
    low = forms.FloatField(required=False, label="Lowest score of the scale", help_text="Empty: the smallest there is.")
    high = forms.FloatField(required=False, label="Highest", help_text="Empty: the largest there is.")
    values = lines_field("What words mean", "WORD=VALUE, one a line: Strongly agree=5, or for choices better=A.")
    lists = forms.CharField(required=False, label="Sign between several ratings in a cell", strip=False)
    positions = forms.ChoiceField(
        choices=[(each, each) for each in POSITIONS], required=False, label="A place in such a list is a"
    )
    shared = forms.CharField(required=False, label="Sign between systems that wrote the same text", strip=False)
    decimal = forms.ChoiceField(
        choices=[("", "found"), *((each, each) for each in DECIMALS)], required=False, label="Decimal sign"
    )
    dates = forms.CharField(
        initial="iso",
        required=False,
        help_text="iso, day-first, month-first, year-first, epoch, or a format such as %d.%m.%Y %H:%M.",
    )
    weights = lines_field("Weights of error spans", "SEVERITY=NUMBER, one a line. Empty: those of MQM.")
    highest_best = forms.BooleanField(required=False, label="The highest rank is the best")
    no_header = forms.BooleanField(required=False, label="The first row is of values; columns are called 1, 2, 3 …")
    sheet = forms.CharField(required=False, label="Sheet of the workbook", help_text="Empty: the first.")
    encoding = forms.CharField(required=False, help_text="Such as utf-8 or cp1252. Empty: found.")
    keep_apart = forms.BooleanField(
        required=False,
        label="Keep same texts apart",
        help_text="Otherwise a text that several systems wrote for an item is one text, whose score counts for each.",
    )
    primary = lines_field("Primary contrast", "Two systems and a criterion, one a line, if the study declared them.")
    family = forms.ChoiceField(
        choices=[(each, each) for each in CHOICES["family"]], required=False, label="Holm adjusts together all of a"
    )
    dataset = NameField(
        required=False,
        help_text="Empty: called like the campaign. That of other imported ratings makes items of one name the same.",
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        given["dataset"] = given.get("dataset") or given.get("campaign", "")
        return given

    def said(self) -> dict[str, Any]:
        """How the file is read, by the names of the command's options. Raises InputError."""
        given = self.cleaned_data
        ends = [given[key] for key in ("low", "high") if given[key] is not None]
        if len(ends) == 1:
            raise InputError("low: give both ends of the scale, or none")
        said = {key: value for key in OPTIONS if (value := given.get(key))} | {"scale": ends}
        rating_options(said)
        return said

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        importing.campaign_name_check(name=given["campaign"], dataset=given["dataset"])
        return {"campaign": given["campaign"], **self.said()}

    def check(self) -> dict[str, Any] | None:
        """What the file would be read as, or None with the problem shown."""
        return self.attempt(self.preview) if self.is_valid() else None

    def preview(self) -> dict[str, Any]:
        uploads, said = self.cleaned_data["file"], self.said()
        size = sum(upload.size or 0 for upload in uploads)
        if size > MAX_CHECKED:
            raise InputError(
                f"file: {size / 1e6:.0f} MB are too many to be checked on a page, {MAX_CHECKED / 1e6:.0f} at most; "
                "import_ratings --dry-run checks files of any size"
            )
        with tempfile.TemporaryDirectory() as folder:
            files = {"file": keep(uploads, Path(folder), "file")}
            try:
                found = importing.ratings_preview({"files": files, **said})
            except InputError as error:
                raise InputError(self.in_words(str(error).replace(f"{folder}/", ""))) from error
        found["defects"] = [{**each, "problem": self.in_words(each["problem"])} for each in found["defects"]]
        return found

    def in_words(self, problem: str) -> str:
        """A problem with the fields of the form where it names options of the command."""

        def label(option: re.Match[str]) -> str:
            name = option[1].replace("-", "_")
            field = self.fields.get(name) or self.fields.get(f"{name}s")
            return f"“{field.label or name.capitalize()}”" if field else option[0]

        return re.sub(r"--([a-z][a-z-]+)", label, problem)


IMPORT_FORMS: dict[str, type[LaunchForm]] = {
    "vist": ImportVistForm,
    "pairs": ImportPairsForm,
    "outputs": ImportOutputsForm,
    "ratings": ImportRatingsForm,
    "pictures": AttachPicturesForm,
}
