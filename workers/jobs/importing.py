"""An import run: read and check whole files, then write them under an import row that shows once it is complete.

A command does it in its own process, which is where the files are. The site puts uploaded files under `VAR_DIR`, where
a worker reads them; they are removed once they were imported or refused.
"""

from typing import Any

from annotations.errors import InputError
from annotations.imports.writing import IMPORTED, import_begin, import_complete, import_discard
from annotations.models import Dataset, Import
from annotations.names import check_name
from annotations.progress import OnProgress
from annotations.storage.bulk import statistics_gather
from annotations.systems.selectors import coverage_said
from workers.formats import FORMATS
from workers.formats.reading import Config, Reading
from workers.lifecycle import Claim, run_create, run_here
from workers.models import Run
from workers.uploads import uploads_remove, without_folders

READ_SHARE = 0.4  # of the progress
NAMED = ("campaign", "dataset", "system")  # what a request names, and the import makes


def reading_of(config: Config) -> Reading:
    """Raises InputError for what is wrong with the request itself, and for files that cannot be read."""
    return FORMATS[config["form"]].reading(config)


def with_names(config: dict[str, Any]) -> dict[str, Any]:
    """The request, its names by the rule of names. Raises InputError for what is no name."""
    return {**config, **{key: check_name(config[key], key) for key in NAMED if key in config}}


def launch(*, config: dict[str, Any]) -> Run:
    """Queue the import of uploaded files. `config` is `{"form", "dataset", "files": {role: [path]}, …}` by form."""
    return run_create(kind=Run.Kind.IMPORT, config={**with_names(config), "uploaded": True})


def import_here(*, config: dict[str, Any], watch: OnProgress) -> dict[str, Any]:
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
        "message": f"already imported, as import {done.pk}: nothing changed",
    }


def asked(config: Config) -> dict[str, Any]:
    return {key: config[key] for key in ("campaign", "split", "system") if key in config}


def imported_before(config: Config, reading: Reading) -> Import | None:
    found: Import | None = Import.objects.of_file(config["dataset"], reading.digest).first()
    return found


def perform(claim: Claim) -> None:
    """Import uploaded files in a worker."""
    run, config = claim.run, claim.run.config
    if run.import_row and run.import_row.state != Import.State.COMPLETE:  # of an attempt that was given up
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
        raise InputError("", without_folders(str(error), config)) from error
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
    claim.progress(READ_SHARE, "comparing with the stored texts")
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
    coverage = coverage_said(import_row)
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
