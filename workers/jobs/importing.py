"""An import run: read and check whole files, then write them under an import row that shows once it is complete.

A command does it in its own process, which is where the files are. The site puts uploaded files under `VAR_DIR`, where
a worker reads them; they are removed once they were imported or refused.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from django.conf import settings

from annotations.errors import InputError
from annotations.importing.content import AlbumContent, PlaceNames, fingerprint
from annotations.importing.outcome import KINDS, Outcome
from annotations.importing.outputs import OutputContent, read_outputs
from annotations.importing.pairs import PairFields, parse_systems, read_pairs
from annotations.importing.pictures import Pictures
from annotations.importing.ratings import RatingContent, preview_ratings, rating_options, read_ratings
from annotations.importing.ratings.reading import notes_of
from annotations.importing.vist import read_vist
from annotations.models import Campaign, Dataset, Decoding, Import, Split
from annotations.names import check_name
from annotations.services.bulk import statistics_gather
from annotations.services.identity import Comparison, albums_compare, split_check
from annotations.services.imported_outputs import (
    OnProgress,
    ResolvedOutputs,
    outputs_compare,
    outputs_resolve,
    outputs_write,
)
from annotations.services.imported_ratings import (
    ImportedCampaign,
    campaign_name_check,
    campaign_show,
    campaign_write,
    rated_content_write,
)
from annotations.services.imports import IMPORTED, albums_write, import_begin, import_complete, import_discard
from annotations.services.outdated import outdated_scores_remove
from annotations.services.rated_again import ratings_recognise
from annotations.services.replacing import comparison_apply, differences_check, kinds_of
from workers.jobs.lookup import dataset_named, split_named
from workers.lifecycle import Claim, run_create, run_here
from workers.models import Run

READ_SHARE = 0.4  # of the progress
UPLOADS = "uploads"  # under VAR_DIR
NAMED = ("campaign", "dataset", "system")  # what a request names, and the import makes

Config = Mapping[str, Any]
Note = Callable[[str], None]


class Written(NamedTuple):
    """The rows by kind, what else the answer says, and what is written in the transaction that completes the import."""

    counts: dict[str, int]
    about: Mapping[str, Any] = MappingProxyType({})
    finish: Callable[[], Mapping[str, Any]] = dict
    outcome: Outcome = Outcome()


class Reading(NamedTuple):
    """How files of one form are imported: `read` checks them whole without the database, `prepare` holds what they
    contain against the dataset, `write` writes it. `prepare` is called under the import's row."""

    files: list[Path]
    digest: str
    read: Callable[[Note], Any]
    prepare: Callable[[Dataset, Any], Any]
    write: Callable[[Import, Any, OnProgress], Written]


def albums_reading(
    config: Config,
    digest: str,
    places: PlaceNames,
    read: Callable[[Note], Sequence[AlbumContent]],
    about: Mapping[str, Any] = MappingProxyType({}),
) -> Reading:
    """Albums, all into one split. `about` is what else the answer says once they are read."""
    split = split_named(config["split"])

    def prepare(dataset: Dataset, albums: Sequence[AlbumContent]) -> Comparison:
        comparison = albums_compare(dataset=dataset, split=split, albums=albums)
        differences_check(comparison=comparison, places=places, update=bool(config.get("update")))
        return comparison

    def write(import_row: Import, found: Comparison, on_progress: OnProgress) -> Written:
        counts = albums_write(
            import_row=import_row,
            split=split,
            albums=found.albums,
            on_progress=on_progress,
            known=found.known,
            older=found.older,
        )
        return compared(import_row, found, counts)._replace(about=about)

    return Reading(list(places.files), digest, read, prepare, write)


def compared(import_row: Import, found: Comparison, counts: dict[str, int]) -> Written:
    def finish() -> dict[str, int]:
        return {"scores_removed": comparison_apply(comparison=found, import_row=import_row)}

    outcome = Outcome(
        recognised=dict(+found.recognised),
        replaced=kinds_of(found.differences),
        attached=Counter(KINDS[name] for _, name, _, _ in found.attached),
        repeated=found.repeated,
    )
    return Written(counts, finish=finish, outcome=outcome)


def vist_reading(config: Config) -> Reading:
    dii, sis = ([Path(file) for file in config["files"][role]] for role in ("dii", "sis"))
    images = config["images"]
    if not dii and not sis:
        raise InputError("import_vist: name at least one file with --dii or --sis")
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


def pairs_reading(config: Config) -> Reading:
    file, split = Path(config["files"]["file"][0]), config["split"]
    given = config["fields"]
    fields = PairFields(**{**given, "systems": parse_systems(given["systems"])})
    digest = fingerprint([file], [split, *fields.options()])
    return albums_reading(
        config, digest, PlaceNames([file]), lambda note: read_pairs(file, fields, split=split, note=note)
    )


def outputs_reading(config: Config) -> Reading:
    file, system = Path(config["files"]["file"][0]), config["system"]
    dataset_named(config["dataset"])

    def prepare(dataset: Dataset, content: Sequence[OutputContent]) -> tuple[ResolvedOutputs, Comparison]:
        outputs = outputs_resolve(dataset=dataset, outputs=content, file=str(file))
        found = outputs_compare(dataset=dataset, system_name=system, outputs=outputs)
        differences_check(comparison=found, places=PlaceNames([file]), update=bool(config.get("update")))
        return outputs, found

    def write(import_row: Import, prepared: tuple[ResolvedOutputs, Comparison], on_progress: OnProgress) -> Written:
        outputs, found = prepared
        counts = outputs_write(
            import_row=import_row, system_name=system, outputs=outputs, on_progress=on_progress, older=found.older
        )
        return compared(import_row, found, counts)

    return Reading([file], fingerprint([file], [system]), lambda note: read_outputs(file), prepare, write)


def ratings_reading(config: Config) -> Reading:
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

    def write(import_row: Import, content: RatingContent, on_progress: OnProgress) -> Written:
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
            return {"scores_removed": outdated_scores_remove(import_row=import_row)}

        return Written(counts, about, finish)

    return Reading(files, digest, lambda note: read_ratings(files, options, note), prepare, write)


def ratings_preview(config: Config) -> dict[str, Any]:
    """What an import of ratings would read, with every bad row; nothing is written. Raises InputError."""
    return preview_ratings([Path(file) for file in config["files"]["file"]], rating_options(config))


FORMS: dict[str, Callable[[Config], Reading]] = {
    "vist": vist_reading,
    "pairs": pairs_reading,
    "outputs": outputs_reading,
    "ratings": ratings_reading,
}


def reading_of(config: Config) -> Reading:
    """Raises InputError for what is wrong with the request itself, and for files that cannot be read."""
    return FORMS[config["form"]](config)


def with_names(config: dict[str, Any]) -> dict[str, Any]:
    """The request, its names by the rule of names. Raises InputError for what is no name."""
    return {**config, **{key: check_name(config[key], key) for key in NAMED if key in config}}


def launch(*, config: dict[str, Any]) -> Run:
    """Queue the import of uploaded files. `config` is `{"form", "dataset", "files": {role: [path]}, …}` by form."""
    return run_create(kind=Run.Kind.IMPORT, config={**with_names(config), "uploaded": True})


def import_here(*, config: dict[str, Any], watch: Callable[[float, str], None]) -> dict[str, Any]:
    """Import files in this process as one run; `watch` is told the share done and what is being done.

    Files that were imported before, byte by byte, change nothing and make no run.
    """
    config = with_names(config)
    reading = reading_of(config)
    if done := imported_before(config, reading):
        return {"dataset": config["dataset"], **asked(config), **before(done)}
    with run_here(kind=Run.Kind.IMPORT, config=config) as claim:
        claim.listener = watch
        carry_out(claim, config, reading)
    return {"run": str(claim.run.public_id), "dataset": config["dataset"], **asked(config), **claim.run.result}


def before(done: Import) -> dict[str, Any]:
    return {
        "unchanged": True,
        "import": done.pk,
        "counts": done.counts,
        "message": f"imported before, as import {done.pk}: nothing changed",
    }


def asked(config: Config) -> dict[str, Any]:
    return {key: config[key] for key in ("campaign", "split", "system") if key in config}


def imported_before(config: Config, reading: Reading) -> Import | None:
    found: Import | None = Import.objects.of_file(config["dataset"], reading.digest).first()
    return found


def perform(claim: Claim) -> None:
    """Import uploaded files in a worker."""
    run, config = claim.run, claim.run.config
    if run.import_row and run.import_row.state == Import.State.WRITING:  # of an attempt that was given up
        import_discard(import_row=run.import_row)
    try:
        reading = reading_of(config)
        if done := imported_before(config, reading):
            run.result = before(done)
            run.message = run.result["message"]
        else:
            carry_out(claim, config, reading)
    except InputError as error:
        uploads_remove(config)
        raise InputError(without_folders(str(error), config)) from error
    uploads_remove(config)


def carry_out(claim: Claim, config: Config, reading: Reading) -> None:
    """Read, compare and write, and say in the run what came of it. Of files that bring nothing new no import stays."""
    run = claim.run
    content = reading.read(lambda message: claim.progress(0.0, message))
    dataset, _ = Dataset.objects.get_or_create(name=config["dataset"])
    names = ", ".join(file.name for file in reading.files)
    with claim.fenced():
        import_row = import_begin(dataset=dataset, fingerprint=reading.digest, description=names)
        claim.save(import_row=import_row, dataset=dataset)
    claim.progress(READ_SHARE, "comparing with what is there")
    prepared = reading.prepare(dataset, content)
    del content  # what is there already need not be held any longer
    written = reading.write(
        import_row, prepared, lambda share: claim.progress(READ_SHARE + (1 - READ_SHARE) * share, "writing")
    )
    statistics_gather(sum(written.counts.values()), *IMPORTED)
    outcome = written.outcome
    unchanged = outcome.nothing_new(written.counts)
    with claim.fenced():
        if not unchanged:
            outcome = outcome._replace(**written.finish())
            import_complete(import_row=import_row, counts=written.counts, outcome=outcome.as_json())
    number = {} if unchanged else {"import": import_row.pk}
    coverage = Decoding.objects.coverage_said(import_row)
    if unchanged:
        import_discard(import_row=import_row)
    run.message = " ".join([outcome.sentence(written.counts), *(f"{part}." for part in coverage)])
    run.result = {
        "unchanged": unchanged,
        **number,
        **written.about,
        **({"coverage": coverage} if coverage else {}),
        "counts": written.counts,
        **outcome.as_json(),
        "message": run.message,
    }


def uploads_folder(config: Config) -> set[Path]:
    """The folders under `VAR_DIR/uploads` that hold the run's files."""
    uploads = settings.VAR_DIR / UPLOADS
    folders = {Path(file).parent for files in config["files"].values() for file in files}
    return {folder for folder in folders if folder.parent == uploads}


def uploads_remove(config: Config) -> None:
    for folder in uploads_folder(config):
        shutil.rmtree(folder, ignore_errors=True)


def without_folders(message: str, config: Config) -> str:
    """The message with files called as the person who uploaded them knows them."""
    for folder in uploads_folder(config):
        message = message.replace(f"{folder}/", "")
    return message
