"""The program as its own process, with a database and settings of its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bot.store import requests
from bot.store.crypto import Sealer, new_key
from bot.store.database import open_database
from bot.store.requests import StoredRequest
from bot.store.tables import REQUEST_STATES

ROOT = Path(__file__).parents[1]
PATIENCE = 30.0  # seconds to start; a busy machine is slow


@dataclass(frozen=True)
class Program:
    """`python -m bot` run in `folder`, where there is no `.env`."""

    folder: Path
    key: str = field(default_factory=new_key)
    settings: Mapping[str, str] = field(default_factory=dict)  # more of them, without OMSBOT_
    serve: tuple[str, ...] = ("-m", "bot", "serve")

    @property
    def environment(self) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("OMSBOT_")}
        return outside | {
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error::ResourceWarning",
            "COLUMNS": "200",
            "OMSBOT_DATABASE_URL": f"sqlite+aiosqlite:///{self.folder / 'data' / 'bot.db'}",
            "OMSBOT_DATA_KEYS": self.key,
            "OMSBOT_PORT": "0",
            "OMSBOT_LOG_FORMAT": "json",
            **{f"OMSBOT_{name}": value for name, value in self.settings.items()},
        }

    def run(self, *words: str, said: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        """A command with what is typed into it, to its end. `settings` without OMSBOT_."""
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            input=said,
            env=self.environment | {f"OMSBOT_{name}": value for name, value in settings.items()},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ok(self, *words: str, said: str = "") -> str:
        """What a command that must work prints."""
        done = self.run(*words, said=said)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    def rows(self, *words: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self.ok("requests", "list", *words, "--json"))
        return listed

    def queue(self) -> list[StoredRequest]:
        """What `rows` is made of, without the second that a process takes to start."""

        async def read() -> list[StoredRequest]:
            database = await open_database(self.environment["OMSBOT_DATABASE_URL"], Sealer([self.key]))
            try:
                async with database.read() as connection:
                    return await requests.listed(connection, database.sealer, REQUEST_STATES)
            finally:
                await database.close()

        return asyncio.run(read())

    @contextmanager
    def serving(self) -> Iterator["Served"]:
        """`serve`, ready; killed at the end of the block if it still runs."""
        process = subprocess.Popen([sys.executable, *self.serve], env=self.environment, cwd=self.folder, stdout=subprocess.PIPE, text=True)
        try:
            yield Served(process, _address(process))
        finally:
            process.kill()
            process.communicate()


def _said(process: subprocess.Popen[str], event: str) -> dict[str, Any]:
    """The next line of its log that tells of `event`; it is passed over what comes before."""
    assert process.stdout is not None
    watchdog = threading.Timer(PATIENCE, process.kill)  # ends the reading below
    watchdog.start()
    line = next((line for line in process.stdout if f'"event": "{event}"' in line), "")
    watchdog.cancel()
    assert line, f"the program did not say {event}"
    said: dict[str, Any] = json.loads(line)
    return said


def _address(process: subprocess.Popen[str]) -> str:
    """Where the program says it listens; once it is ready there."""
    deadline = time.monotonic() + PATIENCE
    address = str(_said(process, "ready")["address"])
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/health/ready", trust_env=False).status_code == 200:
                return address
        except httpx.TransportError:
            continue
    raise AssertionError("the program is not ready")


@dataclass(frozen=True)
class Served:
    process: subprocess.Popen[str]
    address: str

    def kill(self) -> None:
        """As a power cut would: no handler runs."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def said(self, event: str) -> dict[str, Any]:
        return _said(self.process, event)

    def post(self, path: str, body: Mapping[str, object], token: str = "") -> httpx.Response:
        return httpx.post(f"{self.address}/chat/api/{path}", json=body, headers=bearer(token), trust_env=False)

    def page(self) -> str:
        return httpx.get(self.address, trust_env=False).text

    def get(self, path: str, token: str) -> httpx.Response:
        return httpx.get(f"{self.address}/chat/api/{path}", headers=bearer(token), trust_env=False)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
