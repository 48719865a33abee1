from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.importing.content import fingerprint
from annotations.importing.outputs import read_outputs
from annotations.management.base import AnswerCommand
from annotations.services.imports import outputs_resolve, outputs_write
from workers.importing import import_files
from workers.jobs.lookup import dataset_named


class Command(AnswerCommand):
    help = "Import a system's outputs: JSON lines or CSV with id (a source's key) and text, or VIST challenge JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dataset", required=True)
        parser.add_argument("--system", required=True)

    def answer(self, **options: Any) -> dict[str, Any]:
        file, system = options["file"], options["system"]
        dataset_named(options["dataset"])
        with self.share() as watch:
            answer = import_files(
                dataset=options["dataset"],
                files=[file],
                fingerprint=fingerprint([file], [system]),
                read=lambda note: read_outputs(file),
                prepare=lambda row, outputs: outputs_resolve(dataset=row, outputs=outputs, file=str(file)),
                write=lambda import_row, outputs, on_progress: outputs_write(
                    import_row=import_row, system_name=system, outputs=outputs, on_progress=on_progress
                ),
                watch=watch,
            )
        return answer | {"system": system}
