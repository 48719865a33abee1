"""Forms that import uploaded files."""

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from annotations.errors import InputError
from workers.forms import SPLITS, LaunchForm
from workers.jobs import importing
from workers.models import Run


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


class ImportForm(LaunchForm):
    """Uploaded files are put where the workers read them; `roles` says which field holds which kind."""

    button = "Import"
    form = ""
    roles: Sequence[str] = ("file",)

    dataset = forms.SlugField(max_length=100, help_text="An existing dataset's name adds to it; a new one makes it.")

    def options(self) -> dict[str, Any]:
        raise NotImplementedError

    def launch(self) -> Run:
        given, options = self.cleaned_data, self.options()
        folder = settings.VAR_DIR / importing.UPLOADS / secrets.token_hex(8)
        folder.mkdir(parents=True)
        try:
            files = {role: keep(given[role], folder, role) for role in self.roles}
            return importing.launch(config={"form": self.form, "dataset": given["dataset"], "files": files, **options})
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def keep(given: UploadedFile | list[UploadedFile], folder: Path, role: str) -> list[str]:
    """Store uploaded files under their own names, and say where; a name that is taken gets the role before it."""
    uploads = given if isinstance(given, list) else [given]
    paths = []
    for upload in uploads:
        path = folder / Path(str(upload.name)).name
        while path.exists():
            path = folder / f"{role}-{path.name}"
        with path.open("xb") as out:
            for chunk in upload.chunks():
                out.write(chunk)
        paths.append(str(path))
    return paths


def image_folders() -> list[tuple[str, str]]:
    """Folders under `VAR_DIR/images`, which is where pictures are put for an import from the site."""
    root = settings.VAR_DIR / "images"
    names = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    return [("", "none"), *((name, name) for name in names)]


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

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not given["dii"] and not given["sis"]:
            raise InputError("choose a file of captions, of stories, or both")
        images = str(settings.VAR_DIR / "images" / given["images"]) if given["images"] else ""
        return {"split": given["split"], "images": images}


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
        return {"split": given["split"], "fields": fields}


class ImportOutputsForm(ImportForm):
    title = "Import a system's outputs"
    explanation = "JSON lines or CSV with id (a source's key) and text, or VIST challenge JSON."
    form = "outputs"

    system = forms.SlugField(max_length=100, help_text="What the system is called here.")
    file = forms.FileField()

    def options(self) -> dict[str, Any]:
        return {"system": self.cleaned_data["system"]}


class ImportRatingsForm(ImportForm):
    title = "Import ratings from elsewhere"
    explanation = (
        "The ratings of a study run elsewhere become a closed campaign, which gets the same report. A row a score with "
        "the columns item, system, rater, criterion, score, and text and submitted if known; or a row a choice with "
        "item, system_a (shown first), system_b, rater, criterion, choice."
    )
    form = "ratings"
    field_order = ("campaign", "file")
    further = ("where", "low", "high", "keep_apart", "dataset")

    campaign = forms.SlugField(max_length=100, help_text="The name of the new campaign.")
    file = forms.FileField(label="File, CSV or TSV")
    where = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Only rows with",
        help_text="COLUMN=VALUE, one a line; several values of one column are alternatives.",
    )
    low = forms.FloatField(required=False, label="Lowest score of the scale", help_text="Empty: the smallest there is.")
    high = forms.FloatField(required=False, label="Highest", help_text="Empty: the largest there is.")
    keep_apart = forms.BooleanField(
        required=False,
        label="Keep same texts apart",
        help_text="Otherwise a text that several systems wrote for an item is one text, whose score counts for each.",
    )
    dataset = forms.SlugField(
        max_length=100,
        required=False,
        help_text="Empty: called like the campaign. That of other imported ratings makes items of one name the same.",
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        given["dataset"] = given.get("dataset") or given.get("campaign", "")
        return given

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        ends = [given[key] for key in ("low", "high") if given[key] is not None]
        if len(ends) == 1:
            raise InputError("low: give both ends of the scale, or none")
        where = [line.strip() for line in given["where"].splitlines() if line.strip()]
        importing.ratings_options(where, ends, keep_apart=given["keep_apart"])
        importing.campaign_name_check(name=given["campaign"], dataset=given["dataset"])
        return {"campaign": given["campaign"], "where": where, "scale": ends, "keep_apart": given["keep_apart"]}


IMPORT_FORMS: dict[str, type[ImportForm]] = {
    "vist": ImportVistForm,
    "pairs": ImportPairsForm,
    "outputs": ImportOutputsForm,
    "ratings": ImportRatingsForm,
}
