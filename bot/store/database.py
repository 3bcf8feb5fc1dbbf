"""Opening the database: connections set up right, the schema brought up to date, the lookup secret in place."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, event, func, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.store.crypto import LOOKUP_SECRET, Sealer, chat_key, lookup_key
from bot.store.tables import vault

T = TypeVar("T")

_MIGRATIONS = Path(__file__).parents[2] / "migrations"
_BUSY_MS = 5000  # how long a connection waits for another program's lock
_CONNECT_SECONDS, _STATEMENT_SECONDS = 10, 30  # PostgreSQL: a server that vanished says nothing
_STARTING = 7946_0018  # the number of the lock that whoever brings the schema up to date holds

# SQLSTATEs of PostgreSQL, or their beginnings: no connection, no room, cancelled, stopping or starting, trouble of the
# system, inside, with the files; a standby that takes no writes; a password or database that is not there.
_READ_ONLY = "25006"
_OUTAGES = ("08", "53", "57", "58", "XX", "F0", _READ_ONLY, "28", "3D", "55P03")
_CONFLICTS = ("40001", "40P01", "23505")  # not serializable, deadlock, the same row made by somebody else meanwhile


class Unreachable(Exception):
    """No connection to the database can be had."""


class Database:
    """One database, shared by everything in the process. Made by `open_database`."""

    def __init__(self, engine: AsyncEngine, sealer: Sealer) -> None:
        self.engine = engine
        self.sealer = sealer
        self.lookup = b""
        # SQLite has one writer; queueing for it here is fairer than its polling.
        self._writer = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write: committed at the end, rolled back by any exception."""
        async with AsyncExitStack() as stack:
            if self._writer:
                await stack.enter_async_context(self._writer)
            connection = await self._open(stack, self.engine.begin())
            try:
                yield connection
            except DBAPIError as error:
                if _sqlstate(error) == _READ_ONLY:  # after a failover: the next connection finds the new server
                    await connection.invalidate()
                raise

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads; it waits for no writer."""
        async with AsyncExitStack() as stack:
            connection = await self._open(stack, self.engine.connect())
            await connection.execution_options(reads_only=True)
            yield connection

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


async def open_database(url: str, sealer: Sealer) -> Database:
    """The database at `url`, its schema up to date. Raises WrongKey when `sealer` does not fit what is stored."""
    if make_url(url).get_backend_name() == "sqlite":
        with suppress(OSError):  # opening the file says it better
            Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(url, hide_parameters=True)
        _prepare_sqlite(engine)
        starting = Database(engine, sealer)
    else:
        limits = {"timeout": _CONNECT_SECONDS, "command_timeout": _STATEMENT_SECONDS}
        engine = create_async_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=limits)
        # A migration may take as long as it takes, and others wait for it.
        starting = Database(create_async_engine(url, hide_parameters=True, poolclass=NullPool), sealer)
    database = Database(engine, sealer)
    try:
        async with starting.write() as connection:
            if database.shared:  # several processes that start at once take turns
                await connection.execute(select(func.pg_advisory_xact_lock(_STARTING)))
            await connection.run_sync(_upgrade)
            database.lookup = await _lookup_secret(connection, sealer)
    except BaseException:
        await database.close()
        raise
    return database


def is_outage(error: BaseException) -> bool:
    """Whether the database could not be reached, read or written, rather than refusing this very data."""
    if isinstance(error, Unreachable | ConnectionError | TimeoutError | PoolTimeout):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if state := _sqlstate(error):
        return state.startswith(_OUTAGES)
    # The plain DatabaseError is SQLite's "not a database" and "malformed"; its other subclasses are about the data.
    return isinstance(error, OperationalError | InterfaceError | InternalError) or type(error) is DatabaseError


def is_conflict(error: BaseException) -> bool:
    """Whether another instance did something at the same time, so that the same transaction may well pass now."""
    return _sqlstate(error) in _CONFLICTS


def _sqlstate(error: BaseException) -> str:
    """What PostgreSQL calls the error; "" when it is none of its own."""
    return str(getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None) or "")


def _prepare_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; `_begin` does
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        # Taking the write lock at once avoids the deadlock of two readers that both want to write.
        reads_only = connection.get_execution_options().get("reads_only")
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def _lookup_secret(connection: AsyncConnection, sealer: Sealer) -> bytes:
    stored = await connection.scalar(select(vault.c.secret).where(vault.c.name == LOOKUP_SECRET))
    if stored is not None:
        return sealer.open(stored)
    made = lookup_key()
    await connection.execute(insert(vault).values(name=LOOKUP_SECRET, secret=sealer.seal(made)))
    return made
