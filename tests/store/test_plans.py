"""What a message costs does not grow with the number of people: its statements find their rows by an index."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import pytest
from people import ADA, BOB, NOW, PATIENCE, Person, file_of, go_through, on_sqlite, open_turnstile
from post import Post, sending
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.library import Content
from bot.core.model import Press, Receipt, Started, Text
from bot.store import outbox
from bot.store.database import Database

_CARL = Person("chat-of-carl-4713", "Carl Fictional", "+442079460055")


async def _left(_database: Database, connection: AsyncConnection) -> object:
    return await outbox.left(connection, NOW)


async def _held(database: Database, connection: AsyncConnection) -> object:
    return await outbox.held(connection, database.sealer, "web", "somebody", 0, 50)


@on_sqlite
async def test_no_statement_reads_a_whole_table(database: Database, content: Content) -> None:
    """Whole requests, one taken back, one person forgotten, answers sent and reported: tables are searched, none is scanned."""
    said: dict[str, Any] = {}

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        said.setdefault(statement, parameters[0] if many else parameters)

    post = Post(receipts=True)
    async with sending(database, post) as out, open_turnstile(database, content, out.deliver) as turnstile:
        await asyncio.gather(*(turnstile.submit(person.does(Started())) for person in (ADA, BOB, _CARL)))
        await asyncio.gather(*(go_through(turnstile, person.intake(content)) for person in (ADA, BOB)))
        await go_through(turnstile, [_CARL.does(Text("sleep")), ADA.does(Press("withdraw:yes")), BOB.does(Press("erase:yes"))])
        await out.drained()
        await out.report([Receipt(post.name, "message 1", "read")])
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    plans = [statement for statement in said if statement.startswith(("SELECT", "UPDATE", "DELETE"))]
    assert len(plans) > 10
    async with database.read() as connection:
        for statement in plans:
            found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", said[statement])
            steps = [str(row.detail) for row in found]
            scans = [step for step in steps if step.startswith("SCAN") and "INDEX" not in step]
            assert scans in ([], ["SCAN CONSTANT ROW"]), (statement, steps)  # the latter reads no table at all


@on_sqlite
@pytest.mark.parametrize(("index", "asked"), [("ix_outbox_ready", _left), ("ix_outbox_chat", _held)])
async def test_what_is_asked_again_and_again_is_found_by_its_own_index(
    database: Database, index: str, asked: Callable[[Database, AsyncConnection], Awaitable[object]]
) -> None:
    """What nobody sends, several times a minute, and what is kept for one person of the web page: each without reading all the rest."""
    said: dict[str, Any] = {}

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        said[statement] = parameters

    async with database.write() as connection:
        assert not await asked(database, connection)
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
        for statement, parameters in said.items():
            found = [str(row.detail) for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            assert any(f"INDEX {index}" in step for step in found), found


@on_sqlite
async def test_brief_statements_run_where_they_are_asked_for(database: Database) -> None:
    """A brief transaction hops to the connection's thread for COMMIT only, which waits for the disk."""
    threads: list[tuple[str, bool]] = []

    def noted(statement: str) -> None:
        threads.append((statement.split()[0], threading.current_thread() is threading.main_thread()))

    async with database.write(brief=True) as connection:
        raw = await connection.get_raw_connection()
        await raw.driver_connection.set_trace_callback(noted)  # type: ignore[union-attr]
        await connection.exec_driver_sql("DELETE FROM vault WHERE name = 'nobody'")
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE vault SET secret = secret WHERE name = 'nobody'")
    commits = ("COMMIT", False)
    assert threads == [("DELETE", True), commits, *[(step, True) for step in ("PRAGMA", "BEGIN", "PRAGMA")], ("UPDATE", False), commits]


@on_sqlite
async def test_a_lock_of_another_program_is_waited_for_beside_the_event_loop(database: Database) -> None:
    """While somebody else writes to the file, everything else goes on; the transaction begins when they have finished."""
    async with database.read() as connection:  # the pool has one at hand
        await connection.exec_driver_sql("SELECT 1")
    with closing(sqlite3.connect(file_of(database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(_write(database))
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert not writing.done()
        other.execute("COMMIT")
    async with asyncio.timeout(PATIENCE):
        await writing


async def _write(database: Database) -> None:
    async with database.write(brief=True) as connection:
        await connection.exec_driver_sql("DELETE FROM vault WHERE name = 'nobody'")
