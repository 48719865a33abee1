"""An import run: read and check whole files, then write them under an import row that shows once it is complete.

A command does it in its own process, which is where the files are. The site puts uploaded files under `VAR_DIR`, where
a worker reads them; they are removed once they were imported or refused.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from django.conf import settings

from annotations.errors import InputError
from annotations.importing.campaign_file import SLUG
from annotations.importing.content import AlbumContent, fingerprint
from annotations.importing.outputs import read_outputs
from annotations.importing.pairs import PairFields, parse_systems, read_pairs
from annotations.importing.ratings import RatingContent, preview_ratings, rating_options, read_ratings
from annotations.importing.ratings.reading import notes_of
from annotations.importing.vist import read_vist
from annotations.models import Dataset, Decoding, Import, Split
from annotations.services.imported_ratings import (
    ImportedCampaign,
    campaign_import,
    campaign_name_check,
    rated_content_write,
)
from annotations.services.imports import (
    OnProgress,
    albums_check,
    albums_write,
    import_begin,
    import_complete,
    import_discard,
    outputs_resolve,
    outputs_write,
)
from workers.jobs.lookup import dataset_named, split_named
from workers.lifecycle import Claim, run_create, run_here
from workers.models import Run

LONGEST_NAME = 100
READ_SHARE = 0.4  # of the progress
UPLOADS = "uploads"  # under VAR_DIR

Config = Mapping[str, Any]
Note = Callable[[str], None]


class Written(NamedTuple):
    """The rows by kind, what else the answer says, and what is written in the transaction that completes the import."""

    counts: dict[str, int]
    about: Mapping[str, Any] = MappingProxyType({})
    finish: Callable[[], Any] = lambda: None


class Reading(NamedTuple):
    """How files of one form are imported: `read` checks them whole without the database, `prepare` holds what they
    contain against the dataset, `write` writes it."""

    files: list[Path]
    digest: str
    read: Callable[[Note], Any]
    prepare: Callable[[Dataset, Any], Any]
    write: Callable[[Import, Any, OnProgress], Written]


def albums_reading(
    config: Config, files: list[Path], digest: str, read: Callable[[Note], Sequence[AlbumContent]]
) -> Reading:
    """Albums, all into one split."""
    split = split_named(config["split"])

    def prepare(dataset: Dataset, albums: Sequence[AlbumContent]) -> Sequence[AlbumContent]:
        albums_check(dataset=dataset, split=split, albums=albums)
        return albums

    def write(import_row: Import, albums: Sequence[AlbumContent], on_progress: OnProgress) -> Written:
        return Written(albums_write(import_row=import_row, split=split, albums=albums, on_progress=on_progress))

    return Reading(files, digest, read, prepare, write)


def vist_reading(config: Config) -> Reading:
    dii, sis = ([Path(file) for file in config["files"][role]] for role in ("dii", "sis"))
    images = Path(config["images"]) if config["images"] else None
    if not dii and not sis:
        raise InputError("import_vist: name at least one file with --dii or --sis")
    roles = [f"dii {len(dii)}", f"split {config['split']}", f"images {images or ''}"]
    digest = fingerprint([*dii, *sis], roles)
    return albums_reading(config, [*dii, *sis], digest, lambda note: read_vist(dii, sis, images=images, note=note))


def pairs_reading(config: Config) -> Reading:
    file = Path(config["files"]["file"][0])
    given = config["fields"]
    fields = PairFields(**{**given, "systems": parse_systems(given["systems"])})
    digest = fingerprint([file], [config["split"], *fields.options()])
    prefix = fingerprint([file], [])[:12]
    return albums_reading(
        config, [file], digest, lambda note: read_pairs(file, fields, unique_prefix=prefix, note=note)
    )


def outputs_reading(config: Config) -> Reading:
    file, system = Path(config["files"]["file"][0]), config["system"]
    dataset_named(config["dataset"])
    return Reading(
        files=[file],
        digest=fingerprint([file], [system]),
        read=lambda note: read_outputs(file),
        prepare=lambda dataset, outputs: outputs_resolve(dataset=dataset, outputs=outputs, file=str(file)),
        write=lambda import_row, outputs, on_progress: Written(
            outputs_write(import_row=import_row, system_name=system, outputs=outputs, on_progress=on_progress)
        ),
    )


def ratings_reading(config: Config) -> Reading:
    """A closed campaign of its own, with the ratings of a study run elsewhere."""
    files, name = [Path(file) for file in config["files"]["file"]], config["campaign"]
    if not SLUG.fullmatch(name):
        raise InputError(f"campaign: '{name}' must be letters, digits, '-' and '_', at most 100")
    options = rating_options(config)
    digest = fingerprint(files, [name, *options.parts()])
    campaign_name_check(name=name, dataset=config["dataset"], fingerprint=digest)

    def prepare(dataset: Dataset, content: RatingContent) -> RatingContent:
        albums_check(dataset=dataset, split=Split.TEST, albums=content.albums())
        return content

    def write(import_row: Import, content: RatingContent, on_progress: OnProgress) -> Written:
        counts = rated_content_write(import_row=import_row, content=content, on_progress=on_progress)
        campaign = ImportedCampaign(
            import_row,
            name,
            content,
            family=options.family,
            looks=options.looks,
            spending=options.spending,
            equivalence_margin=options.equivalence_margin,
        )
        counts |= campaign.prepare(on_progress)
        about = {
            "protocol": content.protocol,
            **({"scale": content.scale} if content.scale else {}),
            "criteria": content.criteria,
            "systems": content.systems,
            "columns_left_aside": content.left_aside,
            "notes": notes_of(content),
        }
        return Written(counts, about, lambda: campaign_import(prepared=campaign))

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
    if not 0 < len(config["dataset"]) <= LONGEST_NAME:
        raise InputError(f"dataset: '{config['dataset']}' must be a name of 1 to {LONGEST_NAME} characters")
    return FORMS[config["form"]](config)


def launch(*, config: dict[str, Any]) -> Run:
    """Queue the import of uploaded files. `config` is `{"form", "dataset", "files": {role: [path]}, …}` by form."""
    return run_create(kind=Run.Kind.IMPORT, config={**config, "uploaded": True})


def import_here(*, config: dict[str, Any], watch: Callable[[float, str], None]) -> dict[str, Any]:
    """Import files in this process as one run; `watch` is told the share done and what is being done.

    Files that were imported before change nothing and make no run.
    """
    reading = reading_of(config)
    if done := imported_before(config, reading):
        return {"dataset": config["dataset"], "unchanged": True, "counts": done.counts, **asked(config)}
    with run_here(kind=Run.Kind.IMPORT, config=config) as claim:
        claim.listener = watch
        written = carry_out(claim, config, reading)
        claim.run.result = {**written.about, "counts": written.counts}
    answer = {"run": str(claim.run.public_id), "dataset": config["dataset"], "unchanged": False}
    return {**answer, **asked(config), **claim.run.result}


def asked(config: Config) -> dict[str, Any]:
    return {key: config[key] for key in ("campaign", "split", "system") if key in config}


def imported_before(config: Config, reading: Reading) -> Import | None:
    done = Import.objects.complete().filter(dataset__name=config["dataset"], fingerprint=reading.digest)
    return done.first()


def perform(claim: Claim) -> None:
    """Import uploaded files in a worker."""
    run, config = claim.run, claim.run.config
    if run.import_row and run.import_row.state == Import.State.WRITING:  # of an attempt that was given up
        import_discard(import_row=run.import_row)
    try:
        reading = reading_of(config)
        if done := imported_before(config, reading):
            run.message, run.result = "imported before: nothing changed", {"unchanged": True, "counts": done.counts}
        else:
            written = carry_out(claim, config, reading)
            run.message = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in written.counts.items())
            run.message = "; ".join([run.message, *written.about.get("coverage", ())])
            run.result = {"unchanged": False, **written.about, "counts": written.counts}
    except InputError as error:
        uploads_remove(config)
        raise InputError(without_folders(str(error), config)) from error
    uploads_remove(config)


def carry_out(claim: Claim, config: Config, reading: Reading) -> Written:
    content = reading.read(lambda message: claim.progress(0.0, message))
    dataset, _ = Dataset.objects.get_or_create(name=config["dataset"])
    prepared = reading.prepare(dataset, content)
    names = ", ".join(file.name for file in reading.files)
    with claim.fenced():
        import_row = import_begin(dataset=dataset, fingerprint=reading.digest, description=names)
        claim.save(import_row=import_row, dataset=dataset)
    written = reading.write(
        import_row, prepared, lambda share: claim.progress(READ_SHARE + (1 - READ_SHARE) * share, "writing")
    )
    with claim.fenced():
        written.finish()
        import_complete(import_row=import_row, counts=written.counts)
    return with_coverage(written, import_row)


def with_coverage(written: Written, import_row: Import) -> Written:
    """Says too of each decoding that has no text for some of the split's sources, or blank ones."""
    parts = Decoding.objects.coverage_said(import_row)
    return written._replace(about={**written.about, "coverage": parts}) if parts else written


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
