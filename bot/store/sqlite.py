"""SQLite as we use it: how its connections are set up, and where its statements run."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite
from sqlalchemy import Connection, Engine, RootTransaction, event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only, greenlet_spawn

from bot.store.health import DAMAGED, MOVED, word

_BUSY_MS = 5000  # how long a connection waits for another program's lock


class _Driver(aiosqlite.Connection):
    """Everything runs in the connection's own thread; `in_place`, where it is asked for.

    A statement of ours takes microseconds. A way to another thread and back takes a hundred of them, and with a busy
    event loop as long as the interpreter lets one thread go on (5 ms), four times each statement.
    """

    in_place = False

    def stop(self) -> "asyncio.Future[Any] | None":
        self._ended: asyncio.Future[Any] | None = super().stop()
        return self._ended

    async def _connect(self) -> "aiosqlite.Connection":
        """When it fails, waits for the thread's end, which aiosqlite does not: the event loop may be closed under it."""
        try:
            return await super()._connect()
        except BaseException:
            if self._ended:
                await self._ended
            raise

    def raw_cursor(self) -> sqlite3.Cursor:
        return self._conn.cursor()

    async def rollback(self) -> None:
        """Asked for also when a connection goes back to the pool, with nothing to roll back."""
        if self.in_transaction:
            await super().rollback()

    def begin_at_once(self, statement: str) -> bool:
        """Begins a transaction if the lock for it is free at this moment; whether it did."""
        try:
            self._conn.execute("PRAGMA busy_timeout=0")
            self._conn.execute(statement)
        except sqlite3.Error:
            return False
        finally:
            self._conn.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        return True


class _Adapted(AsyncAdapt_aiosqlite_connection):
    """The driver as SQLAlchemy sees it."""

    __slots__ = ()

    def cursor(self, server_side: bool = False) -> Any:
        driver: Any = self._connection
        return driver.raw_cursor() if driver.in_place else super().cursor(server_side)


class _InPlace(AsyncConnection):
    """A connection whose statements run at once, so that no greenlet is needed to wait for them.

    Rows come from SQLite as they are asked for. Whoever changes what they are reading takes them all first, and what an INSERT … RETURNING
    returns is read to its end, or nothing can be committed.
    """

    async def execute(self, statement: Any, parameters: Any = None, *, execution_options: Any = None) -> Any:
        return self._proxied.execute(statement, parameters, execution_options=execution_options)

    async def exec_driver_sql(self, statement: str, parameters: Any = None, execution_options: Any = None) -> Any:
        return self._proxied.exec_driver_sql(statement, parameters, execution_options)


@asynccontextmanager
async def brief(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction whose statements run on the event loop: few and short ones, once it has the lock it needs.

    BEGIN, if it has to wait for another program, and COMMIT, which waits for the disk, are left to the connection's thread.
    """
    connection, transaction = await greenlet_spawn(_begun, engine.sync_engine)
    driver = connection.connection.driver_connection
    assert isinstance(driver, _Driver)  # noqa: S101 says the type
    driver.in_place = True
    try:
        yield _InPlace(engine, connection)
    except BaseException:
        driver.in_place = False
        await greenlet_spawn(connection.close)  # rolls back
        raise
    driver.in_place = False
    await greenlet_spawn(_commit, connection, transaction)


def _begun(engine: Engine) -> tuple[Connection, RootTransaction]:
    connection = engine.connect()
    try:
        return connection, connection.begin()
    except BaseException:
        connection.close()
        raise


def _commit(connection: Connection, transaction: RootTransaction) -> None:
    with connection, transaction:  # which rolls back if it cannot commit
        pass


def engine_for(url: URL) -> AsyncEngine:
    """Connections to the file, each with what durability and order ask for; a file that was replaced is not touched."""
    # SQLite itself allows any thread, one at a time, and so does `_Driver`.
    engine = create_async_engine(url, hide_parameters=True, connect_args={"check_same_thread": False})

    @event.listens_for(engine.sync_engine, "do_connect")
    def _connect(dialect: Any, _record: Any, args: Any, kwargs: Any) -> _Adapted:
        driver: Any = _Driver(lambda: sqlite3.connect(*args, **kwargs), iter_chunk_size=64)
        driver._thread.daemon = True  # noqa: SLF001 as SQLAlchemy does: a stop of the program does not wait for it
        return _Adapted(dialect.loaded_dbapi, await_only(driver))

    _prepare(engine, url.database or "")
    return engine


def _prepare(engine: AsyncEngine, file: str) -> None:
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
        begin = "BEGIN" if reads_only else "BEGIN IMMEDIATE"
        if not connection.connection.driver_connection.begin_at_once(begin):  # type: ignore[union-attr]
            connection.exec_driver_sql(begin)  # waits for the lock, or says what is wrong

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
