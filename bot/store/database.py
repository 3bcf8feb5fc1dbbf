"""Opening the database: connections set up right, the schema brought up to date, the lookup secret in place."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import NullPool, delete, func, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.store import schema, sqlite
from bot.store.crypto import LOOKUP_SECRET, Sealer, chat_key, lookup_key
from bot.store.health import Health
from bot.store.outages import READ_ONLY, Unreachable, is_outage, sqlstate
from bot.store.tables import vault

T = TypeVar("T")

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
    async def write(self, *, brief: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write: committed at the end, rolled back by any exception.

        `brief`: its statements are few and each concerns few rows, so they may run on the event loop.
        """
        async with AsyncExitStack() as stack:
            if self._writer:
                await stack.enter_async_context(self._writer)
            with self.health.of_writing(is_outage):
                async with AsyncExitStack() as transaction:
                    opening = sqlite.brief(self.engine) if brief and not self.shared else self.engine.begin()
                    connection = await self._open(transaction, opening)
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
        return sqlite.engine_for(make_url(url))
    if patient:
        return create_async_engine(url, hide_parameters=True, poolclass=NullPool)
    limits = {"timeout": _CONNECT_SECONDS, "command_timeout": _STATEMENT_SECONDS}
    return create_async_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=limits)


async def upgrade(url: str) -> None:
    """Brings the schema of the SQLite database at `url` up to date, and lets go of it."""
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.run_sync(schema.upgrade)
    await engine.dispose()


async def open_database(url: str, sealer: Sealer) -> Database:
    """The database at `url`, its schema up to date. Raises WrongKey when `sealer` does not fit what is stored."""
    database = Database(connect(url), sealer)
    # A migration may take as long as it takes, and others wait for it.
    starting = Database(connect(url, patient=True), sealer) if database.shared else database
    try:
        async with starting.write() as connection:
            if database.shared:  # several processes that start at once take turns
                await connection.execute(select(func.pg_advisory_xact_lock(_STARTING)))
            await connection.run_sync(schema.upgrade)
        async with starting.write() as connection:
            if database.shared:
                await connection.execute(select(func.pg_advisory_xact_lock(_STARTING)))
            database.lookup = await _lookup_secret(connection, sealer)
    except BaseException:
        await database.close()
        raise
    return database


async def _lookup_secret(connection: AsyncConnection, sealer: Sealer) -> bytes:
    stored = await connection.scalar(select(vault.c.secret).where(vault.c.name == LOOKUP_SECRET))
    if stored is not None:
        return sealer.open(stored)
    made = lookup_key()
    await connection.execute(insert(vault).values(name=LOOKUP_SECRET, secret=sealer.seal(made)))
    return made
