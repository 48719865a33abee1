"""A whole site of its own for a test: empty database, broker, files, and the real processes.

Embedded (SQLite, filesystem broker) by default; with `DATABASE_URL` set, on a new PostgreSQL database, and with
`REDIS_URL` set, on a queue prefix of its own on that Redis.
"""

import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    def __init__(self, var_dir: Path, *, server_url: str | None = None, **env: str) -> None:
        """On a new database of the PostgreSQL server, by default that of the environment; without one on SQLite."""
        self.var_dir, self.port = var_dir, free_port()
        self.env = {**os.environ, "VAR_DIR": str(var_dir), "PORT": str(self.port), "PYTHONUNBUFFERED": "1", **env}
        self.env.setdefault("JOINS_PER_ADDRESS", "0")  # all raters of a test have the same one
        self.env.pop("DJANGO_SETTINGS_MODULE", None)
        if server_url is None:
            server_url = os.environ.get("DATABASE_URL", "")
        else:  # a site that was asked for by name has nothing of the environment's services
            self.env = {key: value for key, value in self.env.items() if key not in ("DATABASE_URL", "REDIS_URL")}
        self.server_url = server_url.replace("postgres://", "postgresql://")
        self.database = f"storyblender_test_{secrets.token_hex(4)}"
        self.env["QUEUE_PREFIX"] = self.database
        self.processes: list[subprocess.Popen[bytes]] = []
        if self.server_url:
            self._on_server(f'CREATE DATABASE "{self.database}"')
            self.env["DATABASE_URL"] = f"{self.server_url.rpartition('/')[0]}/{self.database}"

    def _on_server(self, statement: str) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(statement)

    def start(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        with (self.var_dir / log).open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=self.env, stdout=out, stderr=out, start_new_session=True
            )
        self.processes.append(process)
        return process

    def up(self) -> subprocess.Popen[bytes]:
        """`manage.py up`, once it answers."""
        process = self.start("manage.py", "up", log="up.log")
        self.wait(lambda: process.poll() is not None or self.healthy(), 120, "the site to answer")
        assert process.poll() is None, (self.var_dir / "up.log").read_text()
        return process

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def status(self, address: str) -> int:
        """Of a page of the site, 0 where nobody answers."""
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def worker(self) -> subprocess.Popen[bytes]:
        command = ["-m", "celery", "-A", "storyblender_site", "worker", "--pool", "solo", "--queues", "cpu,gpu"]
        return self.start(*command, "--without-mingle", "--loglevel", "INFO", log="worker.log")

    def manage(self, *args: str, code: int = 0) -> Any:
        """The JSON that a command prints last; with another exit status expected, what it says on stderr."""
        if code:
            return self.manage_plain(*args, code=code)
        return json.loads(self.manage_plain(*args, "--json").strip().splitlines()[-1])

    def manage_plain(self, *args: str, code: int = 0) -> str:
        """What a command prints; with an exit status other than 0 expected, what it says on stderr."""
        command = [sys.executable, "manage.py", *args]
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == code, f"{args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if code else done.stdout

    def migrate(self) -> None:
        self.manage_plain("migrate", "-v0")

    def wait(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        last = time.monotonic() + seconds
        while not true():
            if time.monotonic() > last:
                logs = "\n".join(path.read_text()[-3000:] for path in self.var_dir.glob("*.log"))
                raise AssertionError(f"waited {seconds} s for {what}\n{logs}")
            time.sleep(0.1)

    def run_done(self, launched: dict[str, Any], seconds: float = 240) -> dict[str, Any]:
        """The row of a queued run once a worker has done it."""
        last = time.monotonic() + seconds
        while self.run_state(launched["run"]) not in ("done", "failed", "cancelled") and time.monotonic() < last:
            time.sleep(0.2)
        run = self.run_row(launched["run"])
        logs = "\n".join(path.read_text()[-3000:] for path in self.var_dir.glob("*.log"))
        assert run["state"] == "done", f"{run}\n{logs}"
        return run

    def run_state(self, run: str) -> str:
        row = self.run_row(run)
        return str(row["state"]) if row else ""

    def run_row(self, run: str) -> dict[str, Any]:
        """As the database has it, empty where it has none: a command a look would slow down what is waited for."""
        columns = ("state", "attempt", "message", "result")
        key = run if self.server_url else uuid.UUID(run).hex
        rows = self.rows(f"SELECT {', '.join(columns)} FROM workers_run WHERE public_id = '{key}'")
        found = dict(zip(columns, rows[0], strict=True)) if rows else {}
        if isinstance(found.get("result"), str):  # SQLite stores JSON as text
            found["result"] = json.loads(found["result"])
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Of the site's own database."""
        if self.server_url:
            with psycopg.connect(self.env["DATABASE_URL"]) as connection:
                return connection.execute(query.encode()).fetchall()
        with closing(sqlite3.connect(self.var_dir / "storyblender.sqlite3", timeout=20)) as local:
            return local.execute(query).fetchall()

    def messages_lose(self) -> None:
        """All that its broker holds."""
        if url := os.environ.get("REDIS_URL"):
            broker = redis.Redis.from_url(url)
            for key in broker.scan_iter(f"{self.database}*"):
                broker.delete(key)
        for message in self.var_dir.glob("broker/messages/*.msg"):
            message.unlink(missing_ok=True)

    def request(
        self, method: str, path: str, body: Any = None, session: str | None = None
    ) -> tuple[int, dict[str, Any] | None]:
        headers = {"Content-Type": "application/json"}
        if session:
            headers["Authorization"] = f"Rater {session}"
        data = json.dumps(body if body is not None else {}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text else None

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if self.server_url:
            self._on_server(f'DROP DATABASE "{self.database}" WITH (FORCE)')
        self.messages_lose()
