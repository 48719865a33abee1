"""VIST's annotation files in their official layout."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.management.base import CommandParser

from annotations.corpora.readers.content import AlbumContent, PlaceNames, fingerprint
from annotations.corpora.readers.pictures import Pictures
from annotations.corpora.readers.vist import read_vist
from annotations.errors import InputError
from annotations.models import Split
from workers.formats.form import FilesField, ImportFields, update_field
from workers.formats.import_format import ImportFormat, add_dataset, add_update, updated
from workers.formats.reading import Config, Note, Reading, albums_reading
from workers.launch_form import SPLITS
from workers.picture_folders import image_folders, image_root


class Form(ImportFields):
    title = "Import VIST files"
    explanation = "VIST's two annotation files in their official layout: captions (DII), stories (SIS), or both."
    roles = ("dii", "sis")

    split = forms.ChoiceField(choices=SPLITS, initial="train")
    dii = FilesField(required=False, label="Captions (description in isolation), JSON")
    sis = FilesField(required=False, label="Stories (story in sequence), JSON")
    images = forms.ChoiceField(
        choices=image_folders,
        required=False,
        help_text="A folder under images/ in the site's VAR_DIR, with pictures named after the photo ids.",
    )
    update = update_field()

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not given["dii"] and not given["sis"]:
            raise InputError("dii", "choose a captions file, a stories file, or both")
        images = str(image_root() / given["images"]) if given["images"] else ""
        return {"split": given["split"], "images": images, **self.updated()}


class Vist(ImportFormat):
    name = "vist"
    help = "Import VIST's annotation files in their official layout: captions (DII), stories (SIS), or both."
    Form = Form

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dii", type=Path, nargs="+", default=[], metavar="FILE", help="captions (descriptions in isolation)"
        )
        parser.add_argument(
            "--sis", type=Path, nargs="+", default=[], metavar="FILE", help="stories (stories in sequence)"
        )
        parser.add_argument("--images", type=Path, metavar="DIR", help="folder of pictures named after the photo ids")
        parser.add_argument("--split", required=True, choices=Split.values)
        add_dataset(parser)
        add_update(parser)

    def request(self, options: dict[str, Any]) -> dict[str, Any]:
        files = {role: [str(file) for file in options[role]] for role in ("dii", "sis")}
        images = str(options["images"]) if options["images"] else ""
        return {"files": files, "images": images, "split": options["split"], **updated(options)}

    def reading(self, config: Config) -> Reading:
        dii, sis = ([Path(file) for file in config["files"][role]] for role in ("dii", "sis"))
        images = config["images"]
        if not dii and not sis:
            raise InputError("", "give at least one file with --dii or --sis")
        pictures = Pictures(Path(images), settings.VAR_DIR) if images else None
        listed = sorted(map(str, pictures.files.values())) if pictures else []
        roles = [f"dii {len(dii)}", f"split {config['split']}", f"images {images} {listed}"]
        digest = fingerprint([*dii, *sis], roles)
        places = PlaceNames([*dii, *sis], "annotations[{}]")
        about: dict[str, Any] = {}

        def read(note: Note) -> Sequence[AlbumContent]:
            albums = read_vist(dii, sis, pictures=pictures, note=note)
            if pictures:
                about["pictures"] = pictures.counts()
            return albums

        return albums_reading(config, digest, places, read, about)
