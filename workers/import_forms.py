"""Forms that import uploaded files, one for each format, and that attach pictures."""

from django import forms

from annotations.errors import InputError
from workers.formats import FORMATS, ImportFormat
from workers.formats.form import FilesField
from workers.jobs import importing, pictures
from workers.launch_form import LaunchForm, dataset_field
from workers.models import Run
from workers.picture_folders import image_folders, image_root
from workers.uploads import uploaded


def launching(made: ImportFormat) -> type[LaunchForm]:
    """The format's form as one that makes a run."""

    class Launching(made.Form):  # type: ignore[name-defined]
        def launch(self) -> Run:
            given, options = self.cleaned_data, self.options()
            with uploaded({role: given[role] for role in self.roles}) as files:
                config = {"form": made.name, "dataset": given["dataset"], "files": files, **options}
                return importing.launch(config=config)

    return Launching


class AttachPicturesForm(LaunchForm):
    """Uploads are put where the workers read them."""

    title = "Attach pictures"
    explanation = (
        "Pictures named after the photo ids, for the photos of a dataset: JPEG, PNG, GIF, WebP or SVG files, or a ZIP "
        "of them, with or without folders. Each picture is checked first; the run says how many were attached, are "
        "missing, or cannot be read."
    )
    button = "Attach"
    field_order = ("dataset", "pictures", "folder", "update")

    dataset = dataset_field()
    pictures = FilesField(required=False, label="A ZIP, or pictures")
    folder = forms.ChoiceField(
        choices=image_folders, required=False, help_text="Or a folder under images/ in the site's VAR_DIR."
    )
    update = forms.BooleanField(
        required=False,
        label="Replace existing pictures",
        help_text="Needed if photos already have other pictures; without it, nothing is attached in that case.",
    )

    def launch(self) -> Run:
        given = self.cleaned_data
        config = {"dataset": given["dataset"].name, "update": given["update"]}
        if bool(given["pictures"]) == bool(given["folder"]):
            raise InputError("pictures", "choose files to upload, or a folder on the server")
        if given["folder"]:
            return pictures.launch(config={**config, "folder": str(image_root() / given["folder"])})
        with uploaded({"pictures": given["pictures"]}) as files:
            return pictures.launch(config={**config, "files": files})


def import_forms() -> dict[str, type[LaunchForm]]:
    return {**{name: launching(each) for name, each in FORMATS.items()}, "pictures": AttachPicturesForm}
