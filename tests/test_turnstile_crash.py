"""The turnstile when things break: at any statement, a round is done or as if it had never begun, and can come again."""

import asyncio
import gc
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import datetime
from typing import Any

import pytest
from people import ADA, NOW, PATIENCE, Person, answers, contents, file_of, go_through, ignore, on_sqlite, open_turnstile, queue
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from bot.channels.base import Unavailable
from bot.core.engine import advance
from bot.core.library import Content
from bot.core.model import Event, Inbound, Press, Session, Started, Text, Turn
from bot.shelf import Shelf
from bot.store.database import Database
from bot.store.tables import inbox, set_aside
from bot.turnstile import Turnstile


class Trouble:
    """Calls `what` at the n-th statement of the database from now, COMMIT counted as one."""

    def __init__(self, database: Database) -> None:
        self._left = 0
        self._what: Callable[[], object] = nothing
        event.listen(database.engine.sync_engine, "before_cursor_execute", self._statement)
        event.listen(database.engine.sync_engine, "commit", self._statement)

    def at(self, number: int, what: Callable[[], object]) -> None:
        self._left, self._what = number, what

    def off(self) -> None:
        self._left, self._what = 0, nothing

    @property
    def came(self) -> bool:
        return self._left <= 0

    def _statement(self, *_: Any) -> None:
        self._left -= 1
        if self._left == 0:
            what, self._what = self._what, nothing  # a stopped task that is held here would hold its transaction
            what()


def nothing() -> None: ...


def fail() -> None:
    raise OperationalError("a statement", None, sqlite3.OperationalError("disk I/O error"))


@pytest.fixture
def trouble(database: Database) -> Trouble:
    return Trouble(database)


async def sweep(database: Database, turnstile: Turnstile, trouble: Trouble, inbound: Inbound) -> int:
    """Fails each statement of the event's round in turn, until the round passes; how many statements it has."""
    for number in range(1, 50):
        before = await contents(database)
        trouble.at(number, fail)
        try:
            await turnstile.submit(inbound)
        except Unavailable:
            assert await contents(database) == before, f"half a round after a failure at statement {number}"
            continue
        assert not trouble.came
        trouble.off()
        return number - 1
    raise AssertionError("no end of statements")


async def test_a_round_is_whole_or_nothing(database: Database, content: Content, trouble: Trouble) -> None:
    """Whichever statement of an intake fails, nothing of the round stays; delivered again it gives one request, answered once."""
    async with open_turnstile(database, content) as turnstile:
        for inbound in ADA.intake(content):
            assert await sweep(database, turnstile, trouble, inbound) >= 6
            await turnstile.submit(inbound)
    [request] = await queue(database)
    texts = await answers(database, ADA)
    assert len(texts) == 4
    assert request.reference in texts[-1]


@pytest.mark.parametrize("button", ["withdraw:yes", "erase:yes"])
async def test_an_ending_is_whole_or_nothing(database: Database, content: Content, trouble: Trouble, button: str) -> None:
    """A withdrawal or erasure that breaks anywhere has not begun, and passes when it comes again."""
    async with open_turnstile(database, content) as turnstile:
        await go_through(turnstile, ADA.intake(content))
        assert await sweep(database, turnstile, trouble, ADA.does(Press(button))) >= 6
    assert [request.state for request in await queue(database)] == (["withdrawn"] if button == "withdraw:yes" else [])


@asynccontextmanager
async def stopping_at(database: Database, content: Content, trouble: Trouble, number: int, **more: Any) -> AsyncIterator[Turnstile]:
    """A turnstile that is stopped at its n-th statement."""
    turnstile = Turnstile(database, Shelf(content), ignore, owner="test", clock=lambda: NOW, **more)
    rounds = asyncio.create_task(turnstile.run())
    trouble.at(number, rounds.cancel)
    yield turnstile
    rounds.cancel()
    await asyncio.wait([rounds])
    del rounds
    gc.collect()  # what a dead process would let go of


async def outcomes(turnstile: Turnstile, inbounds: list[Inbound]) -> list[type | None]:
    """What became of events handed in at once; fails when one of them hears nothing."""
    tasks = [asyncio.create_task(turnstile.submit(inbound)) for inbound in inbounds]
    done, pending = await asyncio.wait(tasks, timeout=PATIENCE / 5)
    for task in pending:
        task.cancel()
    await asyncio.wait(tasks)
    assert not pending, f"{len(pending)} of {len(tasks)} were never told"
    return [type(error) if (error := task.exception()) else None for task in tasks if task in done]


async def test_a_stop_at_any_statement_loses_and_doubles_nothing(database: Database, content: Content, trouble: Trouble) -> None:
    """Stopped at any statement of "send", the event is acknowledged and done, or neither; again, it makes one request."""
    stopped = 0
    for number in range(1, 50):
        person = Person(f"chat-{number}")
        *before, send = person.intake(content)
        async with open_turnstile(database, content) as turnstile:
            await go_through(turnstile, before)
        untouched = await contents(database)
        async with stopping_at(database, content, trouble, number) as turnstile:
            outcome = await outcomes(turnstile, [send])
            was_stopped = trouble.came
        after = await contents(database)
        assert (outcome == [None]) == (after != untouched)
        trouble.off()
        async with open_turnstile(database, content) as turnstile:
            await turnstile.submit(send)
        assert after in (untouched, await contents(database))
        assert len(await answers(database, person)) == 4
        assert len(await queue(database)) == number
        if not was_stopped:
            break
        stopped += 1
    assert stopped >= 6


@on_sqlite
@pytest.mark.parametrize("number", range(1, 9))
async def test_a_stop_lets_go_of_the_database(database: Database, content: Content, trouble: Trouble, number: int) -> None:
    """After a stop at any statement others can write at once, so that the outbox can still note what it has sent."""
    turnstile = Turnstile(database, Shelf(content), ignore, owner="test", clock=lambda: NOW)
    rounds = asyncio.create_task(turnstile.run())
    trouble.at(number, rounds.cancel)
    await outcomes(turnstile, [ADA.does(Started())])
    await asyncio.wait([rounds])
    del rounds
    with closing(sqlite3.connect(file_of(database), timeout=1, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")


def poisonous(session: Session, event_: Event, content: Content, now: datetime) -> Turn:
    if event_ == Text("poison"):
        raise ZeroDivisionError
    return advance(session, event_, content, now)


async def rows(database: Database, table: Any) -> int:
    async with database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0


async def test_a_stop_while_poison_is_dealt_with_tells_everybody(database: Database, content: Content, trouble: Trouble) -> None:
    """Stopped at any statement of a poisoned round, everybody in it hears yes or no; what comes again is handled once."""
    for number in range(1, 80):
        people = [Person(f"chat-{number}-{n}") for n in range(3)]
        inbounds = [person.does(Text("poison" if n == 1 else "sleep")) for n, person in enumerate(people)]
        async with stopping_at(database, content, trouble, number, step=poisonous) as turnstile:
            told = await outcomes(turnstile, inbounds)
            was_stopped = trouble.came
        trouble.off()
        async with open_turnstile(database, content, step=poisonous) as turnstile:
            await go_through(turnstile, inbounds)
        assert [len(await answers(database, person)) for person in people] == [1, 1, 1]
        assert await rows(database, set_aside) == number
        if not was_stopped:
            assert told == [None] * 3
            return
    raise AssertionError("no end of statements")


@pytest.fixture
async def limits(database: Database) -> list[str]:
    """Pragmas that every connection from now on is given."""
    pragmas: list[str] = []

    def connected(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(database.engine.sync_engine, "connect", connected)
    await database.engine.dispose()
    return pragmas


@on_sqlite
async def test_a_locked_database_is_an_outage(database: Database, content: Content, limits: list[str]) -> None:
    """While another program holds the write lock events are refused and not set aside; afterwards they are handled."""
    limits.append("busy_timeout=20")
    inbound = ADA.does(Started())
    async with open_turnstile(database, content) as turnstile:
        with closing(sqlite3.connect(file_of(database), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable):
                await turnstile.submit(inbound)
            other.execute("ROLLBACK")
        assert await rows(database, inbox) == 0
        await turnstile.submit(inbound)
    assert len(await answers(database, ADA)) == 1
    assert await rows(database, set_aside) == 0


@on_sqlite
async def test_a_full_disk_is_an_outage(database: Database, content: Content, limits: list[str]) -> None:
    """When the disk is full events are refused, what was acknowledged is there, and with room again it goes on."""
    limits.append("max_page_count=1")  # no more pages than there are
    handled = 0
    async with open_turnstile(database, content) as turnstile:
        for _ in range(200):
            inbound = ADA.does(Text("sleep"))
            try:
                await turnstile.submit(inbound)
            except Unavailable:
                break
            handled += 1
        assert handled < 200
        assert len(await answers(database, ADA)) == await rows(database, inbox) == handled
        limits.clear()
        await database.engine.dispose()
        await turnstile.submit(inbound)
    assert len(await answers(database, ADA)) == await rows(database, inbox) == handled + 1
