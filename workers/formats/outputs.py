"""A system's outputs for the sources of a dataset."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django import forms
from django.core.management.base import CommandParser

from annotations.corpora.readers.content import PlaceNames, fingerprint
from annotations.imports.identity import Comparison
from annotations.imports.outputs import ResolvedOutputs, outputs_compare, outputs_resolve, outputs_write
from annotations.imports.replacing import differences_check
from annotations.models import Dataset, Import
from annotations.progress import OnShare
from annotations.storage.fields import NameField
from annotations.systems.readers.outputs import OutputContent, read_outputs
from workers.formats.form import ImportFields, update_field
from workers.formats.import_format import ImportFormat, add_dataset, add_update, updated
from workers.formats.reading import Config, Reading, Written, compared
from workers.lookup import dataset_named


class Form(ImportFields):
    title = "Import a system's outputs"
    explanation = "JSON lines or CSV with id (a source's key) and text, or VIST challenge JSON."

    system = NameField(help_text="The name of the system on this site, such as gpt-4.1 or Llama 3.1 8B.")
    file = forms.FileField()
    update = update_field()

    def options(self) -> dict[str, Any]:
        return {"system": self.cleaned_data["system"], **self.updated()}


class Outputs(ImportFormat):
    name = "outputs"
    help = "Import a system's outputs: JSON lines or CSV with id (a source's key) and text, or VIST challenge JSON."
    Form = Form

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        add_dataset(parser)
        add_update(parser)
        parser.add_argument("--system", required=True)

    def request(self, options: dict[str, Any]) -> dict[str, Any]:
        return {
            "files": {"file": [str(options["file"])]},
            "system": options["system"],
            **updated(options),
        }

    def reading(self, config: Config) -> Reading:
        file, system = Path(config["files"]["file"][0]), config["system"]
        dataset_named(config["dataset"])

        def prepare(dataset: Dataset, content: Sequence[OutputContent]) -> tuple[ResolvedOutputs, Comparison]:
            outputs = outputs_resolve(dataset=dataset, outputs=content, file=str(file))
            found = outputs_compare(dataset=dataset, system_name=system, outputs=outputs)
            differences_check(comparison=found, places=PlaceNames([file]), update=bool(config.get("update")))
            return outputs, found

        def write(import_row: Import, prepared: tuple[ResolvedOutputs, Comparison], on_progress: OnShare) -> Written:
            outputs, found = prepared
            counts = outputs_write(
                import_row=import_row, system_name=system, outputs=outputs, on_progress=on_progress, older=found.older
            )
            return compared(import_row, found, counts, on_progress)

        return Reading([file], fingerprint([file], [system]), lambda note: read_outputs(file), prepare, write)
