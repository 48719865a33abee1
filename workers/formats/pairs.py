"""JSON lines of sources, references and systems' outputs."""

from pathlib import Path
from typing import Any

from django import forms
from django.core.management.base import CommandParser

from annotations.corpora.readers.content import PlaceNames, fingerprint
from annotations.corpora.readers.pairs import PairFields, parse_systems, read_pairs
from annotations.models import Split
from workers.formats.form import ImportFields, update_field
from workers.formats.import_format import ImportFormat, add_dataset, add_update, updated
from workers.formats.reading import Config, Reading, albums_reading
from workers.launch_form import SPLITS


class Form(ImportFields):
    title = "Import JSON lines"
    explanation = (
        "One JSON object per line with a caption, what people wrote, and other systems' outputs. A field is a dotted "
        "path to a text or a list of texts."
    )
    further = ("album_field", "photo_field", "systems")

    split = forms.ChoiceField(choices=SPLITS, initial="test")
    file = forms.FileField(label="JSONL file")
    source_field = forms.CharField(
        required=False,
        help_text="The field with the caption. If empty: 'caption' if the first line has it; otherwise the photo is "
        "the source.",
    )
    reference_field = forms.CharField(initial="story", help_text="The field with the sentence that a person wrote.")
    album_field = forms.CharField(required=False, help_text="If empty: each line is a document of its own.")
    photo_field = forms.CharField(required=False, help_text="If empty: each line is a photo of its own.")
    systems = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Other systems' outputs",
        help_text="NAME=FIELD, one per line. With *=FIELD, each key of the object in the field is a system.",
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
        parse_systems(fields["systems"])
        return {"split": given["split"], "fields": fields, **self.updated()}


class Pairs(ImportFormat):
    name = "pairs"
    help = (
        "Import JSON lines with sources, references and other systems' outputs. A field is a dotted path to a string "
        "or a list of strings. Without an album field, each line is a document of its own."
    )
    Form = Form

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        add_dataset(parser)
        add_update(parser)
        parser.add_argument("--split", required=True, choices=Split.values)
        parser.add_argument(
            "--source-field",
            help="default: 'caption' if the first line has it; without a caption field, the photo is the source",
        )
        parser.add_argument("--reference-field", default="story")
        parser.add_argument("--album-field")
        parser.add_argument("--photo-field")
        parser.add_argument(
            "--system",
            dest="systems",
            metavar="NAME=FIELD",
            action="append",
            default=[],
            help="another system's outputs; with '*=FIELD', each key of the object in the field is a system; "
            "repeatable",
        )

    def request(self, options: dict[str, Any]) -> dict[str, Any]:
        fields = {
            "source": options["source_field"],
            "reference": options["reference_field"],
            "album": options["album_field"],
            "photo": options["photo_field"],
            "systems": options["systems"],
        }
        return {
            "files": {"file": [str(options["file"])]},
            "fields": fields,
            "split": options["split"],
            **updated(options),
        }

    def reading(self, config: Config) -> Reading:
        file, split = Path(config["files"]["file"][0]), config["split"]
        given = config["fields"]
        fields = PairFields(**{**given, "systems": parse_systems(given["systems"])})
        digest = fingerprint([file], [split, *fields.options()])
        return albums_reading(
            config, digest, PlaceNames([file]), lambda note: read_pairs(file, fields, split=split, note=note)
        )
