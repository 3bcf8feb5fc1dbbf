"""Trouble with the disk: the program says so, acknowledges nothing it has not written, and goes on when it is over."""

import asyncio
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from graph_api import GraphApi
from program import Program, Served, bearer
from published import check_messages
from serving import served, settings
from sqlalchemy import event
from test_app import whatsapp_settings
from visitor import Visitor

from bot.app import App
from bot.core.library import Content
from bot.store.health import PATIENCE

WAIT = 20.0  # seconds something may take to be noticed or to be over
WORD = {"type": "text", "text": "sleep"}


@contextmanager
def no_room(server: Served, file: Path) -> Iterator[None]:
    """No file may grow."""
    old = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, old[1]))
    yield
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, old)


@contextmanager
def locked(server: Served, file: Path) -> Iterator[None]:
    """Another program holds the lock of the writers."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def replaced(server: Served, file: Path) -> Iterator[None]:
    """Another file lies in the place of the database, and goes again."""
    aside = file.with_name("aside")
    file.rename(aside)
    file.write_bytes(b"no database " * 5000)
    yield
    aside.rename(file)


@contextmanager
def deleted(server: Served, file: Path) -> Iterator[None]:
    """The file is not there."""
    aside = file.with_name("aside")
    file.rename(aside)
    yield
    aside.rename(file)


@contextmanager
def garbled(server: Served, file: Path) -> Iterator[None]:
    """The file itself was overwritten, and is put right."""
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what is in the log can still be read
    good = file.read_bytes()
    file.write_bytes(b"no database " * 5000)
    yield
    file.write_bytes(good)


Trouble = Callable[[Served, Path], AbstractContextManager[None]]


def send(server: Served, who: Visitor, event_id: str) -> httpx.Response:
    """With more patience than a lock of another program is waited for."""
    body, headers = {"id": event_id, "after": who.after, **WORD}, bearer(who.token)
    return httpx.post(f"{server.address}/chat/api/events", json=body, headers=headers, timeout=WAIT, trust_env=False)


def ready(server: Served) -> tuple[int, str]:
    """What the program says of itself, which has to come quickly."""
    begun = time.monotonic()
    answer = httpx.get(f"{server.address}/health/ready", trust_env=False)
    assert time.monotonic() - begun < PATIENCE + 0.5
    return answer.status_code, str(answer.json().get("database", ""))


def until_ready(server: Served) -> None:
    deadline = time.monotonic() + WAIT
    while ready(server)[0] != 200:
        assert time.monotonic() < deadline, ready(server)


@pytest.mark.parametrize(
    ("trouble", "word", "reading"),
    [
        (no_room, "the disk", 200),
        (locked, "locked by another program", 200),
        (replaced, "the file was replaced", 503),
        (deleted, "the file was replaced", 503),
        (garbled, "damaged", 503),
    ],
)
async def test_trouble_is_said_and_survived(tmp_path: Path, trouble: Trouble, word: str, reading: int) -> None:
    """During the trouble web chat and webhooks answer 503 and readiness says why; afterwards the same events are handled, once."""
    async with GraphApi() as api:
        program = Program(tmp_path, settings=whatsapp_settings(api, api.url))
        maria = api.person("Maria", phone="447700900123", user_id="GB.13491208655302741918")
        hello = api.envelope(api.value(maria, messages=[api.message(maria, "text", text={"body": "hello"})]))
        with program.serving() as server:
            api.webhook = f"{server.address}/whatsapp/webhook"
            ada, again = await asyncio.to_thread(Visitor, server), str(uuid4())
            await asyncio.to_thread(ada.sends, server, WORD)
            with trouble(server, tmp_path / "data" / "bot.db"):
                refused = await asyncio.to_thread(send, server, ada, again)
                assert (refused.status_code, refused.headers.get("retry-after")) == (503, "5")
                assert await api.deliver(hello) in (503, 0)  # 0: Meta has less patience than we have with a lock
                answer = await asyncio.to_thread(server.get, "messages", ada.token)
                assert (answer.status_code, answer.headers.get("retry-after")) == (reading, "5" if reading == 503 else None)
                status, said = await asyncio.to_thread(ready, server)
                assert (status, word in said) == (503, True), said
            await asyncio.to_thread(until_ready, server)
            for _ in range(2):
                assert await api.deliver(hello) == 200
                await asyncio.to_thread(ada.sends, server, WORD, again)
            assert len(await asyncio.to_thread(ada.everything, server)) == 3
            await api.until(lambda: len(maria.received) == 1, "the answer")
            server.kill()
        check_messages(api)
        with program.serving() as server:
            assert len(await asyncio.to_thread(ada.everything, server)) == 3


@pytest.fixture
async def app(content: Content, tmp_path: Path, key: str) -> AsyncIterator[App]:
    async with App.running(settings(tmp_path, key), content=content, serving=False) as running:
        running.database.health.trusted = 0.0
        yield running


async def _ready(app: App) -> tuple[int, str]:
    async with served(app.web) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
        answer = await client.get("/health/ready")
        return answer.status_code, str(answer.json().get("database", ""))


@pytest.mark.parametrize(("pragma", "word"), [("max_page_count=1", "the disk is full"), ("query_only=1", "read-only")])
async def test_an_idle_program_notices_too(app: App, pragma: str, word: str) -> None:
    """Readiness does not wait for somebody's message to fail: it tries for itself whether there is room and leave to write."""
    pragmas = [pragma]

    def connected(connection: Any, _: object) -> None:
        for each in pragmas:
            connection.execute(f"PRAGMA {each}")

    event.listen(app.database.engine.sync_engine, "connect", connected)
    await app.database.engine.dispose()
    assert await _ready(app) == (503, word)
    pragmas.clear()
    await app.database.engine.dispose()
    assert await _ready(app) == (200, "")


async def test_the_probe_leaves_nothing(app: App, tmp_path: Path) -> None:
    """Many questions leave the database as it was, no larger, and one asked while another is open waits with it."""
    await app.database.health.trouble()
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection:
        before = list(connection.iterdump())
        pages = connection.execute("PRAGMA page_count").fetchone()
        for _ in range(5):
            assert await asyncio.gather(*(app.database.health.trouble() for _ in range(20))) == [""] * 20
        assert list(connection.iterdump()) == before
        assert connection.execute("PRAGMA page_count").fetchone() == pages


async def test_a_recent_write_is_proof_enough(app: App, tmp_path: Path) -> None:
    """While people write, readiness costs no write of its own; after a write that failed it asks again."""
    app.database.health.trusted = WAIT
    async with app.database.write():
        pass
    with closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await app.database.health.trouble() == ""
        app.database.health.trusted = 0.0
        assert await app.database.health.trouble() == "does not answer in time"
        other.execute("ROLLBACK")
    while await app.database.health.trouble():
        pass
