"""The schema: migrations build what `tables.py` says, and the database itself refuses what cannot be."""

import hashlib
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from migrated import migrated
from people import NOW, on_sqlite
from postgres import Cluster
from sqlalchemy import Connection, MetaData, create_engine, insert, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.channels.whatsapp_parse import hashed
from bot.store.database import Database
from bot.store.schema import behind, versions
from bot.store.tables import consents, contacts, inbox, job_runs, metadata, outbox, requests

ROOT = Path(__file__).parents[2]
REQUEST = {
    "reference": "OMS-0001",
    "contact_id": 1,
    "topic": "costs",
    "state": "new",
    "channel": "post",
    "language": "en",
    "details": b"",
    "created_at": NOW,
    "due_at": NOW,
}
LETTER = {"channel": "post", "chat": "c", "address": b"", "body": b"", "state": "ready", "created_at": NOW}


_CATALOG = """
    SELECT table_name || '.' || column_name, concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default)
        FROM information_schema.columns WHERE table_schema = 'public'
    UNION SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION SELECT tablename || ' ' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
"""


def shape(connection: Connection) -> dict[str, list[str]]:
    """Every table and index as it was created, its parts in alphabetical order: the order of constraints means nothing."""
    if connection.dialect.name == "postgresql":
        return {name: [made] for name, made in connection.execute(text(_CATALOG)) if not name.startswith("alembic_version")}
    query = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT IN ('alembic_version', 'sqlite_sequence')")
    return {name: _parts(" ".join(sql.split())) for name, sql in connection.execute(query)}


def _parts(sql: str) -> list[str]:
    head, inner, tail = re.findall(r"^(.*?)\((.*)\)(.*)$", sql)[0]
    return [head, tail, *sorted(part.strip() for part in re.split(r",(?![^(]*\))", inner))]


def _differences(connection: Connection) -> list[object]:
    options = {"compare_type": True}  # defaults are left to `shape`: Alembic takes SQLite's DEFAULT '' for a change
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def test_versions_are_what_alembic_says() -> None:
    """The names of the migrations' files tell their order and the newest, without Alembic."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert versions() == [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]


def test_what_is_behind(tmp_path: Path) -> None:
    """A database with another version than the newest has something to be done for it, and so has whatever cannot be read."""
    file = tmp_path / "some.db"
    assert behind(file)
    file.write_text("no database at all")
    assert behind(file)
    file.unlink()
    migrated(file)
    assert not behind(file)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert behind(file)


async def test_alembic_finds_nothing_to_migrate(database: Database) -> None:
    """After all migrations Alembic sees no difference of tables, columns, types and indexes to `tables.py`."""
    async with database.read() as connection:
        assert await connection.run_sync(_differences) == []


@on_sqlite
async def test_migrations_build_exactly_the_tables(database: Database, tmp_path: Path) -> None:
    """A migrated database has the columns, defaults, constraints and indexes of one made from `tables.py`."""
    async with database.read() as connection:
        migrated = await connection.run_sync(shape)
    engine = create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    metadata.create_all(engine)
    with engine.connect() as made:
        expected = shape(made)
    engine.dispose()
    assert migrated == expected
    assert migrated.keys() >= metadata.tables.keys()


async def test_migrations_build_exactly_the_tables_on_postgresql(cluster: Cluster, postgresql_url: str) -> None:
    """The same on PostgreSQL, as its catalog tells it."""

    async def seen(url: str) -> dict[str, list[str]]:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            if url != postgresql_url:
                await connection.run_sync(metadata.create_all)
            found = await connection.run_sync(shape)
        await engine.dispose()
        return found

    migrated = await seen(postgresql_url)
    with cluster.database() as made:
        assert migrated == await seen(made)
    assert "requests ck_requests_state" in migrated


@asynccontextmanager
async def at_version(request: pytest.FixtureRequest, folder: Path, kind: str, version: str) -> AsyncIterator[AsyncConnection]:
    """A database as an earlier version of the program has left it."""
    with ExitStack() as stack:
        url = f"sqlite+aiosqlite:///{folder / 'old.db'}"
        if kind == "postgresql":
            url = stack.enter_context(request.getfixturevalue("cluster").database())
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(migrate, version)
            yield connection
        await engine.dispose()


def migrate(connection: Connection, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, version)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_language_of_earlier_calls_is_that_of_the_chat(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    """A request that was there before its call had a language of its own is found under the language of its chat."""
    columns = ", ".join((*REQUEST, "next_at"))
    old = f"INSERT INTO requests ({columns}) SELECT 'OMS-0001', id, '', 'new', 'post', 'ru', session, created_at, created_at, created_at"
    async with at_version(request, tmp_path, kind, "0005") as connection:
        await connection.execute(insert(contacts).values(id=1, session=b"", created_at=NOW, seen_at=NOW))
        await connection.execute(text(f"{old} FROM contacts"))
        await connection.run_sync(migrate, "0006")
        assert list(await connection.scalars(select(requests.c.call_language))) == ["ru"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_messages_named_at_length_are_known_by_their_short_names(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    """A message of WhatsApp that was handled before its name became shorter is not new, and what became of an answer is still heard."""
    message = hashlib.sha256(b"wamid.MADE-UP").hexdigest()
    async with at_version(request, tmp_path, kind, "0007") as connection:
        for channel, name in (("whatsapp", message), ("whatsapp", "album:1"), ("telegram", "4711")):
            await connection.execute(insert(inbox).values(channel=channel, update_id=name, at=NOW))
            await connection.execute(insert(outbox).values(LETTER | {"channel": channel, "message": name}))
        await connection.run_sync(migrate, "0008")
        names = {hashed("wamid.MADE-UP"), "album:1", "4711"}
        assert set(await connection.scalars(select(inbox.c.update_id))) == names
        assert set(await connection.scalars(select(outbox.c.message))) == names


def test_a_difference_would_be_seen(tmp_path: Path) -> None:
    """The comparison notices a lost CHECK, which Alembic alone does not."""
    smaller = MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(smaller)
    lost = next(c for c in smaller.tables["requests"].constraints if c.name == "ck_requests_state")
    smaller.tables["requests"].constraints.remove(lost)
    shapes = []
    for name, tables in (("whole", metadata), ("smaller", smaller)):
        engine = create_engine(f"sqlite:///{tmp_path / name}.db")
        tables.create_all(engine)
        with engine.connect() as connection:
            shapes.append(shape(connection))
        engine.dispose()
    assert shapes[0] != shapes[1]


@on_sqlite
async def test_every_connection_is_set_up(database: Database) -> None:
    """Readers and writers alike: write-ahead log, synced to the disk at each commit, foreign keys on."""

    async def pragmas(connection: AsyncConnection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [(await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in names]

    async with database.read() as reader, database.write() as writer:
        assert await pragmas(reader) == ["wal", 2, 1]
        assert await pragmas(writer) == ["wal", 2, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"reference": "OMS-0002"}, id="second open request of one person and topic"),
        pytest.param({"reference": "OMS-0002", "state": "claimed", "claimed_by": "bea"}, id="second one, claimed"),
        pytest.param({"topic": "other"}, id="reference given twice"),
        pytest.param({"reference": "OMS-0002", "topic": "other", "state": "lost"}, id="unknown state"),
        pytest.param({"reference": "OMS-0002", "topic": "other", "state": "claimed"}, id="claimed by nobody"),
        pytest.param({"reference": "OMS-0002", "topic": "other", "state": "closed"}, id="closed without end"),
        pytest.param({"reference": "OMS-0002", "topic": "other", "ended_at": NOW}, id="ended while open"),
        pytest.param({"reference": "OMS-0002", "contact_id": 99}, id="request of nobody"),
    ],
)
async def test_what_cannot_be_is_refused(database: Database, wrong: dict[str, object]) -> None:
    """Beside a person's open request the database itself refuses a row that contradicts the rules."""
    async with database.write() as connection:
        await connection.execute(insert(contacts).values(id=1, session=b"", created_at=NOW, seen_at=NOW))
        await connection.execute(insert(requests).values(REQUEST))
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await connection.execute(insert(requests).values({**REQUEST, **wrong}))


async def test_what_can_be_is_taken(database: Database) -> None:
    """Another topic, and the same topic again once the first request has ended, are no contradiction."""
    ended = {"state": "closed", "ended_at": NOW, "reference": "OMS-0002"}
    async with database.write() as connection:
        await connection.execute(insert(contacts).values(id=1, session=b"", created_at=NOW, seen_at=NOW))
        for row in (REQUEST, REQUEST | ended, REQUEST | {"reference": "OMS-0003", "topic": "other"}):
            await connection.execute(insert(requests).values(row))
        assert len((await connection.execute(select(requests))).all()) == 3


async def test_unknown_outbox_states_are_refused(database: Database) -> None:
    """A letter is ready, held, sent or dead, and nothing else."""
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await connection.execute(insert(outbox).values({**LETTER, "state": "gone"}))


async def test_consent_needs_a_person(database: Database) -> None:
    """A consent of nobody is refused."""
    row = {"contact_id": 99, "version": "1", "language": "en", "text": "", "given_at": NOW}
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await connection.execute(insert(consents).values(row))


async def test_a_moment_needs_its_zone(database: Database) -> None:
    """A moment without a time zone is refused before it can be misread."""
    with pytest.raises(StatementError, match="a moment without a time zone"):
        async with database.write() as connection:
            await connection.execute(insert(job_runs).values(job="x", at=NOW.replace(tzinfo=None), affected=0))


async def test_moments_come_back_in_utc(database: Database) -> None:
    """A moment given in another zone comes back as the same moment, aware and in UTC."""
    given = datetime(2026, 11, 23, 12, 30, 15, 250, tzinfo=timezone(timedelta(hours=3)))
    async with database.write() as connection:
        await connection.execute(insert(job_runs).values(job="x", at=given, affected=0))
    async with database.read() as connection:
        at = await connection.scalar(select(job_runs.c.at))
    assert at == given
    assert at.tzinfo is UTC
    assert at.hour == 9
