"""Fields of the forms that import uploaded files."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from annotations.storage.fields import NameField
from workers.launch_form import LaunchForm


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
    """Texts, one per line."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]


def lines_field(label: str, help_text: str, *, rows: int = 2) -> LinesField:
    return LinesField(required=False, label=label, help_text=help_text, widget=forms.Textarea(attrs={"rows": rows}))


class ImportFields(LaunchForm):
    """What a format asks for on a page; `roles` says which field holds which kind of files."""

    button = "Import"
    roles: Sequence[str] = ("file",)

    dataset = NameField(help_text="The name of an existing dataset adds to it; a new name creates one.")

    def options(self) -> dict[str, Any]:
        """The configuration beside dataset and files. Raises InputError."""
        raise NotImplementedError

    def updated(self) -> dict[str, bool]:
        return {"update": True} if self.cleaned_data["update"] else {}


def update_field() -> forms.BooleanField:
    return forms.BooleanField(
        required=False,
        label="Replace texts that differ",
        help_text="Replaces existing texts whose wording differs, where nothing depends on them. Otherwise the import "
        "stops and lists what differs.",
    )
