"""Published studies that people rated: each file as it was published through `import_ratings`, and the numbers of the
report beside those that the study prints.

`published_studies/` has a file a study: where its ratings are to be had (repository, commit, path, SHA-256), the
arguments with which they are imported, and the published numbers, with the place where they are printed and how far we
may differ, which is half a unit of the last printed digit where nothing else is said. The ratings are not ours and are
not here: a study's files are looked for in a folder of its name. Alpha of choices is not among the numbers, since the
studies take its chance over all systems, and the report within the pair.
"""

import hashlib
import json
import shlex
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.common import Row, measured
from benchmarks.importing import fresh_site

TABLES = Path(__file__).with_name("published_studies")


class RatingFile(NamedTuple):
    """`path` in the repository; `at` in the study's folder here."""

    url: str
    at: str
    sha256: str


class Answers(NamedTuple):
    """Published numbers by name and criterion. What is printed is `times` the report's number, and `plus`."""

    printed_in: str
    what: str
    criteria: Sequence[str]
    published: dict[str, Sequence[float]]
    allowed: float
    times: float = 1
    plus: float = 0


class Study(NamedTuple):
    """One import: its files, the arguments after them, and what is printed of them."""

    name: str
    folder: str
    files: Sequence[RatingFile]
    arguments: Sequence[str]
    answers: Sequence[Answers]


def studies() -> Iterator[Study]:
    for table in sorted(TABLES.glob("*.toml")):
        about = tomllib.loads(table.read_text(encoding="utf-8"))
        for one in about["imports"]:
            files = [
                RatingFile(
                    url=f"{about['repository']}/blob/{about['commit']}/{file['path']}",
                    at=file.get("at", Path(file["path"]).name),
                    sha256=file["sha256"],
                )
                for file in one["files"]
            ]
            answers = [Answers(**each) for each in one["answers"]]
            name = ", ".join(filter(None, (about["name"], one.get("name"))))
            yield Study(name, table.stem, files, shlex.split(one["arguments"]), answers)


def study_rows(folders: Sequence[Path]) -> tuple[list[Row], list[str]]:
    """The rows of all studies whose files are in one of the folders, and what there is to say of the others."""
    rows: list[Row] = []
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        site = None
        for number, study in enumerate(studies()):
            files, missing = files_of(study, folders)
            if missing:
                problems += missing
                continue
            site = site or fresh_site(Path(scratch) / "site")
            rows += compared(study, report_of(study, files, f"study-{number}", Path(scratch) / "report.json", site))
    return rows, problems


def files_of(study: Study, folders: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The study's files, and a line for each that is not there or is another than was published."""
    files: list[Path] = []
    problems: list[str] = []
    for file in study.files:
        place = Path(study.folder) / file.at
        path = next((folder / place for folder in folders if (folder / place).is_file()), None)
        if path is None:
            looked = " or ".join(str(folder) for folder in folders)
            problems.append(f"{study.name}: {place} is not in {looked}; it is {file.url}")
        elif (sha256 := hashlib.sha256(path.read_bytes()).hexdigest()) != file.sha256:
            problems.append(f"{study.name}: {path} has SHA-256 {sha256}, not {file.sha256} as {file.url}")
        else:
            files.append(path)
    return files, problems


def report_of(study: Study, files: Sequence[Path], campaign: str, out: Path, site: dict[str, str]) -> dict[str, Any]:
    """What the two commands make of them."""
    measured(["manage.py", "import_ratings", *map(str, files), "--campaign", campaign, *study.arguments], site)
    measured(["manage.py", "report", campaign, "--format", "json", "--out", str(out)], site)
    return dict(json.loads(out.read_text(encoding="utf-8")))


def compared(study: Study, report: dict[str, Any]) -> Iterator[Row]:
    """A row for each kind of answers: the number that differs most. One that the report lacks differs more than all."""
    for answers in study.answers:
        pairs = []
        for name, numbers in answers.published.items():
            for criterion, published in zip(answers.criteria, numbers, strict=True):
                found = NUMBERS[answers.what](report["criteria"].get(criterion, {}), name)
                pairs.append((published, float("nan") if found is None else answers.times * found + answers.plus))
        farthest = max(pairs, key=lambda pair: abs(pair[1] - pair[0]) if pair[1] == pair[1] else float("inf"))
        what = answers.what if len(answers.published) > 1 else next(iter(answers.published))
        of = f", the farthest of {len(pairs)}" if len(pairs) > 1 else ""
        yield Row(f"{study.name}: {what}{of}", *farthest, answers.allowed, numbers=len(pairs))


def mean(result: dict[str, Any], system: str) -> float | None:
    return next((row["mean"] for row in result.get("systems", ()) if row["system"] == system), None)


def agreement(result: dict[str, Any], coefficient: str) -> float | None:
    """Alpha with its level, such as "ordinal alpha", or what stands beside it by its name there."""
    found = result.get("agreement", {})
    if coefficient == f"{found.get('level')} alpha":
        return found["alpha"]
    return next((row["value"] for row in found.get("coefficients", ()) if row["name"] == coefficient), None)


class Outcomes(NamedTuple):
    wins: int
    ties: int
    losses: int


def outcomes(result: dict[str, Any], system: str, other: str | None = None) -> Outcomes | None:
    """Of the system against all others, or one of them; nothing where it was never compared."""
    found = [
        Outcomes(row["wins"], row["ties"], row["losses"])
        if row["system_a"] == system
        else Outcomes(row["losses"], row["ties"], row["wins"])
        for row in (result.get("choices") or {}).get("table", ())
        if system in (sides := (row["system_a"], row["system_b"])) and other in (None, *sides)
    ]
    return Outcomes(*map(sum, zip(*found, strict=True))) if found else None


def wins(result: dict[str, Any], system: str) -> float | None:
    counts = outcomes(result, system)
    return counts and counts.wins


def losses(result: dict[str, Any], system: str) -> float | None:
    counts = outcomes(result, system)
    return counts and counts.losses


def wins_of_all(result: dict[str, Any], pair: str) -> float | None:
    """In percent; a pair is two systems and a blank between them."""
    counts = outcomes(result, *pair.split())
    return counts and 100 * counts.wins / sum(counts)


def wins_of_decided(result: dict[str, Any], pair: str) -> float | None:
    """In percent, from the report's own share, which leaves ties out."""
    system, other = pair.split()
    for row in (result.get("choices") or {}).get("table", ()):
        if row["share"] is not None and {row["system_a"], row["system_b"]} == {system, other}:
            return float(100 * (row["share"] if row["system_a"] == system else 1 - row["share"]))
    return None


NUMBERS: dict[str, Callable[[dict[str, Any], str], float | None]] = {
    "mean": mean,
    "agreement": agreement,
    "wins": wins,
    "losses": losses,
    "wins, % of all": wins_of_all,
    "wins, % of decided": wins_of_decided,
}
