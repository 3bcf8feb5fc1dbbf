"""Opening the database: connections set up right, the schema brought up to date, the lookup secret in place."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, delete, event, func, insert, select
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.store.crypto import LOOKUP_SECRET, Sealer, chat_key, lookup_key
from bot.store.health import DAMAGED, MOVED, Health, word
from bot.store.outages import READ_ONLY, Unreachable, is_outage, sqlstate
from bot.store.tables import vault

T = TypeVar("T")

_MIGRATIONS = Path(__file__).parents[2] / "migrations"
_BUSY_MS = 5000  # how long a connection waits for another program's lock
_PROBE, _PROBE_BYTES = "probe", 32_768
_CONNECT_SECONDS, _STATEMENT_SECONDS = 10, 30  # PostgreSQL: a server that vanished says nothing
_STARTING = 7946_0018  # the number of the lock that whoever brings the schema up to date holds


class Database:
    """One database, shared by everything in the process. Made by `open_database`."""

    def __init__(self, engine: AsyncEngine, sealer: Sealer) -> None:
        self.engine = engine
        self.sealer = sealer
        self.lookup = b""
        self.health = Health(self._probe)
        # SQLite has one writer; queueing for it here is fairer than its polling.
        self._writer = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write: committed at the end, rolled back by any exception."""
        async with AsyncExitStack() as stack:
            if self._writer:
                await stack.enter_async_context(self._writer)
            with self.health.of_writing(is_outage):
                async with AsyncExitStack() as transaction:
                    connection = await self._open(transaction, self.engine.begin())
                    try:
                        yield connection
                    except DBAPIError as error:
                        if sqlstate(error) == READ_ONLY:  # after a failover: the next connection finds the new server
                            await connection.invalidate()
                        raise

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads; it waits for no writer."""
        async with AsyncExitStack() as stack:
            connection = await self._open(stack, self.engine.connect())
            await connection.execution_options(reads_only=True)
            yield connection

    async def _probe(self) -> None:
        """A small write that needs room on the disk, and leaves nothing behind."""
        async with self.write() as connection:
            await connection.execute(insert(vault).values(name=_PROBE, secret=bytes(_PROBE_BYTES)))
            await connection.execute(delete(vault).where(vault.c.name == _PROBE))

    @staticmethod
    async def _open(stack: AsyncExitStack, opening: AbstractAsyncContextManager[AsyncConnection]) -> AsyncConnection:
        try:
            return await stack.enter_async_context(opening)
        except OSError as error:
            raise Unreachable from error

    @property
    def shared(self) -> bool:
        """Whether several instances may use it at the same time."""
        return self.engine.dialect.name != "sqlite"

    def chat(self, channel: str, address: str) -> str:
        return chat_key(self.lookup, channel, address)

    async def close(self) -> None:
        await self.health.close()
        await self.engine.dispose()


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. A cancellation meanwhile waits for its end: a transaction is never left half done.

    A cancelled driver would keep the lock until the garbage collector finds its cursor.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def connect(url: str, *, patient: bool = False) -> AsyncEngine:
    """The database at `url` as it is: nothing is read or written yet. `patient`: statements may take as long as they take."""
    if make_url(url).get_backend_name() == "sqlite":
        with suppress(OSError):  # opening the file says it better
            Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(url, hide_parameters=True)
        _prepare_sqlite(engine)
        return engine
    if patient:
        return create_async_engine(url, hide_parameters=True, poolclass=NullPool)
    limits = {"timeout": _CONNECT_SECONDS, "command_timeout": _STATEMENT_SECONDS}
    return create_async_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=limits)


async def open_database(url: str, sealer: Sealer) -> Database:
    """The database at `url`, its schema up to date. Raises WrongKey when `sealer` does not fit what is stored."""
    database = Database(connect(url), sealer)
    # A migration may take as long as it takes, and others wait for it.
    starting = Database(connect(url, patient=True), sealer) if database.shared else database
    try:
        async with starting.write() as connection:
            if database.shared:  # several processes that start at once take turns
                await connection.execute(select(func.pg_advisory_xact_lock(_STARTING)))
            await connection.run_sync(upgrade)
        async with starting.write() as connection:
            if database.shared:
                await connection.execute(select(func.pg_advisory_xact_lock(_STARTING)))
            database.lookup = await _lookup_secret(connection, sealer)
    except BaseException:
        await database.close()
        raise
    return database


def _prepare_sqlite(engine: AsyncEngine) -> None:
    file = engine.url.database or ""
    ours: list[tuple[int, int]] = []  # the file as first opened

    def check_file() -> None:
        # What is written to a file that was deleted or replaced would be acknowledged and then be gone; and another
        # file in its place must not be touched, because SQLite would mix it with the log of the old one.
        if ours and _identity(file) != ours[0]:
            moved = sqlite3.OperationalError("the file was replaced")
            moved.sqlite_errorname = MOVED
            raise OperationalError("", None, moved)

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        check_file()
        connection.isolation_level = None  # the driver begins nothing by itself; `_begin` does
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        if not ours and (found := _identity(file)):
            ours.append(found)

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        check_file()
        # Taking the write lock at once avoids the deadlock of two readers that both want to write.
        reads_only = connection.get_execution_options().get("reads_only")
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    @event.listens_for(engine.sync_engine, "handle_error")
    def _error(context: ExceptionContext) -> None:
        # A connection remembers the pages it has read, also when the file has been put right.
        context.is_disconnect = context.is_disconnect or word(context.original_exception) == DAMAGED

    @event.listens_for(engine.sync_engine, "commit")
    def _commit(_connection: Connection) -> None:
        check_file()


def _identity(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def upgrade(connection: Connection) -> None:
    """Brings the schema up to date."""
    config = _migrations()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def versions() -> list[str]:
    """Every version of the schema there has been, the newest first."""
    return [script.revision for script in ScriptDirectory.from_config(_migrations()).walk_revisions()]


def _migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


async def _lookup_secret(connection: AsyncConnection, sealer: Sealer) -> bytes:
    stored = await connection.scalar(select(vault.c.secret).where(vault.c.name == LOOKUP_SECRET))
    if stored is not None:
        return sealer.open(stored)
    made = lookup_key()
    await connection.execute(insert(vault).values(name=LOOKUP_SECRET, secret=sealer.seal(made)))
    return made
