"""The ratings of a study run elsewhere: a closed campaign of its own."""

import re
import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.core.management.base import CommandParser

from annotations.campaigns.readers import RatingContent, preview_ratings, rating_options, read_ratings
from annotations.campaigns.readers.options import OPTIONS, POSITIONS, ROLES, ROWS
from annotations.campaigns.readers.reading import notes_of
from annotations.campaigns.spec import choices
from annotations.corpora.readers.content import fingerprint
from annotations.corpora.readers.outcome import Outcome
from annotations.corpora.readers.tables.values import DECIMALS
from annotations.errors import InputError
from annotations.imports.identity import split_check
from annotations.imports.outdated import outdated_remove
from annotations.imports.rated_again import ratings_recognise
from annotations.imports.ratings import (
    ImportedCampaign,
    campaign_name_check,
    campaign_show,
    campaign_write,
    rated_content_write,
)
from annotations.models import Campaign, Dataset, Import, Split
from annotations.progress import OnShare
from annotations.storage.fields import NameField
from workers.formats.form import FilesField, ImportFields, lines_field
from workers.formats.import_format import ImportFormat
from workers.formats.reading import Config, Reading, Written
from workers.uploads import keep

MAX_CHECKED = 20_000_000  # bytes of what a web process looks at while somebody waits


class Form(ImportFields):
    title = "Import ratings from elsewhere"
    explanation = (
        "The ratings of a study run elsewhere become a closed campaign with the same report. A row of the file is "
        "either a score, with item, system, rater and criterion, or a choice, with item, system_a (shown first), "
        "system_b, rater and criterion. If the file uses other column names, map them below. Checking shows how the "
        "file is understood and lists every invalid row; it writes nothing."
    )
    check_button = "Check the file"
    field_order = ("campaign", "file", "columns", "criteria")
    further = (
        "raters", "systems", "wide", "split", "rows", "where", "low", "high", "values", "lists", "positions", "shared",
        "decimal", "dates", "weights", "highest_best", "no_header", "sheet", "encoding", "keep_apart", "primary",
        "family", "dataset",
    )  # fmt: skip

    campaign = NameField(help_text="The name of the new campaign.")
    file = FilesField(
        label="File: CSV, TSV, XLSX, JSON or JSONL",
        help_text="Several files with the same columns are read as one study.",
    )
    columns = lines_field(
        "Columns",
        "ROLE=COLUMN, one per line, such as item=Input.id, for columns that are not called item, system, rater, "
        "criterion, score, text, album or submitted. criterion==overall sets one value for all rows.",
        rows=4,
    )
    criteria = lines_field("One column per criterion", "The columns that each hold the scores for one criterion.")
    raters = lines_field("One column per rater", "The columns that each hold the scores from one rater.")
    systems = lines_field("One column per system", "The columns that each hold the scores for one system.")
    wide = lines_field(
        "Columns that match a pattern", "Such as {criterion}_{rater}, if the name of a column says both."
    )
    split = lines_field("Columns that hold several values", "COLUMN=PATTERN, such as id={item}_{system}, one per line.")
    rows = forms.ChoiceField(
        choices=[("", "inferred from the columns"), *((each, each) for each in ROWS)],
        required=False,
        label="What each row is",
    )
    where = lines_field(
        "Only rows where",
        "COLUMN=VALUE or COLUMN!=VALUE, one per line; several values for one column are alternatives.",
    )
    low = forms.FloatField(
        required=False, label="Lowest score on the scale", help_text="If empty: the lowest score in the file."
    )
    high = forms.FloatField(required=False, label="Highest", help_text="If empty: the highest score in the file.")
    values = lines_field("Meaning of words", "WORD=VALUE, one per line: Strongly agree=5, or for choices better=A.")
    lists = forms.CharField(required=False, label="Separator between several ratings in a cell", strip=False)
    positions = forms.ChoiceField(
        choices=[(each, each) for each in POSITIONS], required=False, label="Each entry in such a list is a"
    )
    shared = forms.CharField(required=False, label="Separator between systems that wrote the same text", strip=False)
    decimal = forms.ChoiceField(
        choices=[("", "found"), *((each, each) for each in DECIMALS)], required=False, label="Decimal separator"
    )
    dates = forms.CharField(
        initial="iso",
        required=False,
        help_text="iso, day-first, month-first, year-first, epoch, or a format such as %d.%m.%Y %H:%M.",
    )
    weights = lines_field("Weights of error spans", "SEVERITY=NUMBER, one per line. If empty: the weights of MQM.")
    highest_best = forms.BooleanField(required=False, label="The highest rank is best")
    no_header = forms.BooleanField(required=False, label="The file has no header row; columns are called 1, 2, 3 …")
    sheet = forms.CharField(required=False, label="Worksheet", help_text="If empty: the first.")
    encoding = forms.CharField(required=False, help_text="Such as utf-8 or cp1252. If empty: detected.")
    keep_apart = forms.BooleanField(
        required=False,
        label="Keep identical texts apart",
        help_text="Otherwise a text that several systems wrote for an item is shown once, and its score counts for "
        "each of them.",
    )
    primary = lines_field(
        "Primary comparison", "Two systems and a criterion, one per line, if the study declared a primary comparison."
    )
    family = forms.ChoiceField(
        choices=[(each, each) for each in choices("family")],
        required=False,
        label="Holm's method adjusts together all comparisons of a",
    )
    dataset = NameField(
        required=False,
        help_text="If empty: named after the campaign. With the dataset of other imported ratings, items with the same "
        "name are the same item.",
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
            raise InputError("low", "give both ends of the scale, or neither")
        said = {key: value for key in OPTIONS if (value := given.get(key))} | {"scale": ends}
        rating_options(said)
        return said

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        campaign_name_check(name=given["campaign"], dataset=given["dataset"])
        return {"campaign": given["campaign"], **self.said()}

    def check(self) -> dict[str, Any] | None:
        """What the file would be read as, or None with the problem shown."""
        return self.attempt(self.preview) if self.is_valid() else None

    def preview(self) -> dict[str, Any]:
        uploads, said = self.cleaned_data["file"], self.said()
        size = sum(upload.size or 0 for upload in uploads)
        if size > MAX_CHECKED:
            raise InputError(
                "file",
                f"{size / 1e6:.0f} MB is too large to check on this page; the limit is {MAX_CHECKED / 1e6:.0f} MB",
                "import_ratings --dry-run checks files of any size",
            )
        with tempfile.TemporaryDirectory() as folder:
            files = {"file": keep(uploads, Path(folder), "file")}
            try:
                found = ratings_preview({"files": files, **said})
            except InputError as error:
                where, problem = error.where.replace(f"{folder}/", ""), self.in_words(error.problem)
                raise InputError(error.field, problem, where=where) from error
        found["defects"] = [{**each, "problem": self.in_words(each["problem"])} for each in found["defects"]]
        return found

    def in_words(self, problem: str) -> str:
        """A problem with the fields of the form where it names options of the command."""

        def label(option: re.Match[str]) -> str:
            name = option[1].replace("-", "_")
            field = self.fields.get(name) or self.fields.get(f"{name}s")
            return f"“{field.label or name.capitalize()}”" if field else option[0]

        return re.sub(r"--([a-z][a-z-]+)", label, problem)


class Ratings(ImportFormat):
    name = "ratings"
    help = (
        "Import the ratings of a study run elsewhere as a closed campaign with the same report. The file can be used "
        "as published: --column maps its columns to item, system, rater, criterion and score, or to item, system_a "
        "(shown first), system_b, rater, criterion and choice, and so on. --dry-run shows how the file is understood."
    )
    Form = Form

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", type=Path, nargs="+", help=".csv, .tsv or .txt, .xlsx, .json or .jsonl")
        add("--campaign", required=True, metavar="NAME", help="name of the new campaign")
        add("--dataset", metavar="NAME", help="dataset for its items; default: named after the campaign")
        columns = parser.add_argument_group("columns")
        add = columns.add_argument
        add(
            "--column",
            action="append",
            default=[],
            dest="columns",
            metavar="ROLE=NAME",
            help="maps a column to a role; ROLE==VALUE sets one value for all rows, ROLE=# the row number, ROLE=#file "
            "the file name, and ROLE= leaves the role empty; several columns with one role are joined. Roles: "
            + ", ".join(ROLES),
        )
        for name, what in (("criteria", "criterion"), ("raters", "rater"), ("systems", "system")):
            add(
                f"--{name}",
                nargs="+",
                default=[],
                metavar="COLUMN",
                help=f"columns that each hold the values of one {what}",
            )
        add(
            "--wide",
            action="append",
            default=[],
            metavar="PATTERN",
            help="columns whose names follow a pattern, such as '{criterion}_{rater}', each with one value per row; "
            "repeatable",
        )
        add(
            "--split",
            action="append",
            default=[],
            metavar="COLUMN=PATTERN",
            help="pattern of a column that holds several values, such as 'id={item}_{system}'; repeatable",
        )
        add("--rows", choices=ROWS, default="", help="what each row is, if the columns do not show it")
        add(
            "--where",
            action="append",
            default=[],
            metavar="COLUMN=VALUE",
            help="keep only rows with this value, or with != only the others; repeatable, several values for one "
            "column are alternatives",
        )
        add("--no-header", action="store_true", help="the file has no header row; columns are called 1, 2, 3 …")
        add("--sheet", default="", metavar="NAME", help="worksheet of a workbook; default: the first")
        values = parser.add_argument_group("values")
        add = values.add_argument
        add(
            "--value",
            action="append",
            default=[],
            dest="values",
            metavar="WORD=VALUE",
            help="meaning of a word: 'Strongly agree=5', or for a choice 'better=A'; repeatable",
        )
        add("--lists", default="", metavar="SIGN", help="separator between several ratings in a cell")
        add(
            "--shared", default="", metavar="SIGN", help="separator between systems that wrote the same text, in a cell"
        )
        add("--positions", choices=POSITIONS, default="rater", help="what each entry in such a list is; default: rater")
        add("--decimal", choices=DECIMALS, default="", help="decimal separator; default: detected")
        add(
            "--dates",
            default="iso",
            metavar="ORDER",
            help="iso (the default), day-first, month-first, year-first, epoch, or a format such as '%%d.%%m.%%Y'",
        )
        add("--encoding", default="", metavar="NAME", help="such as utf-8 or cp1252; default: detected")
        add(
            "--weight",
            action="append",
            default=[],
            dest="weights",
            metavar="SEVERITY[/CATEGORY]=NUMBER",
            help="weight of error spans; default: as in MQM (Freitag et al. 2021); repeatable",
        )
        add("--highest-best", action="store_true", help="the highest rank is best; default: rank 1 is best")
        add(
            "--scale",
            type=float,
            nargs=2,
            default=[],
            metavar=("LOW", "HIGH"),
            help="ends of the scale; default: the lowest and the highest score in the file",
        )
        add(
            "--keep-apart",
            action="store_true",
            help="keep a text that several systems wrote for an item as separate texts, marked with the names of the "
            "systems",
        )
        declared = parser.add_argument_group("declared by the study")
        add = declared.add_argument
        add("--primary", nargs=3, default=[], metavar=("SYSTEM", "SYSTEM", "CRITERION"), help="the primary comparison")
        add(
            "--family",
            choices=choices("family"),
            default="criterion",
            help="the comparisons that Holm's method adjusts together",
        )
        add("--looks", type=int, default=1, help="number of planned analyses of the primary comparison")
        add(
            "--spending",
            choices=choices("spending"),
            default="obrien-fleming",
            help="how alpha is spent over the looks",
        )
        add(
            "--equivalence-margin",
            type=float,
            metavar="POINTS",
            help="two systems within this margin count as equivalent; in points, or for choices as a distance of the "
            "share won from one half",
        )

    def request(self, options: dict[str, Any]) -> dict[str, Any]:
        return {
            "files": {"file": [str(file) for file in listed(options["file"])]},
            **{key: options[key] for key in ("campaign", *OPTIONS)},
        }

    def reading(self, config: Config) -> Reading:
        """A closed campaign of its own, with the ratings of a study run elsewhere."""
        files, name = [Path(file) for file in config["files"]["file"]], config["campaign"]
        options = rating_options(config)
        digest = fingerprint(files, [name, *options.parts()])
        campaign_name_check(name=name, dataset=config["dataset"])
        declared: dict[str, Any] = {
            "family": options.family,
            "looks": options.looks,
            "spending": options.spending,
            "equivalence_margin": options.equivalence_margin,
        }

        def prepare(dataset: Dataset, content: RatingContent) -> RatingContent:
            split_check(dataset=dataset, split=Split.TEST, albums=content.albums())
            return content

        def write(import_row: Import, content: RatingContent, on_progress: OnShare) -> Written:
            if there := Campaign.objects.filter(name=name).first():
                known = ratings_recognise(campaign=there, content=content, declared=declared)
                return Written({}, outcome=Outcome(recognised={"ratings": known}))
            counts = rated_content_write(import_row=import_row, content=content, on_progress=on_progress)
            campaign = ImportedCampaign(import_row, name, content, **declared)
            counts |= campaign.prepare(on_progress)
            campaign_write(prepared=campaign)
            about = {
                "protocol": content.protocol,
                **({"scale": content.scale} if content.scale else {}),
                "criteria": content.criteria,
                "systems": content.systems,
                "columns_left_aside": content.left_aside,
                "notes": notes_of(content),
            }

            def finish() -> dict[str, Any]:
                campaign_show(prepared=campaign)
                return {"scores_removed": outdated_remove(import_row=import_row)}

            return Written(counts, about, finish)

        return Reading(files, digest, lambda note: read_ratings(files, options, note), prepare, write)


def ratings_preview(config: Config) -> dict[str, Any]:
    """What an import of ratings would read, with every bad row; nothing is written. Raises InputError."""
    return preview_ratings([Path(file) for file in config["files"]["file"]], rating_options(config))


def listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]
