"""The outbox after a crash, beside other instances, and at a stop: nothing committed is lost, little is sent twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from people import ADA, BOB, NOW, until
from post import Post, emptied, sending, stored, write
from sqlalchemy import event

from bot.channels.base import NotSent
from bot.outbox import Outbox
from bot.store.database import Database
from bot.store.outbox import LEASE

CAT = replace(ADA, address="chat-of-cat", name="Cat Fictional")


@pytest.fixture
def post() -> Post:
    return Post()


async def test_a_crash_loses_nothing(database: Database, post: Post) -> None:
    """Letters whose rows a dead outbox left behind are sent by the next one, in order, delivered ones at most once more."""
    post.doors[ADA.address] = asyncio.Event()
    dead = Outbox(database, {"post": post}, "dead", wait=lambda _: 0, clock=lambda: NOW)
    dead.deliver(await write(database, ADA, "one", "two", owner="dead") + await write(database, BOB, "hello", owner="dead"))
    await until(lambda: post.words(BOB) == ["hello"], "a delivery whose row is still there")
    for task in dead._tasks:
        task.cancel()
    await asyncio.gather(*dead._tasks, return_exceptions=True)
    post.doors.clear()
    async with sending(database, post, owner="heir") as heir:
        assert await heir.adopt(alone=True) == 3
        await heir.drained()
        assert post.words(ADA) == ["one", "two"]
        assert post.words(BOB) == ["hello", "hello"]
        await emptied(database)


async def test_unknown_channels_wait(database: Database, post: Post) -> None:
    """Letters for a channel that is not configured stay, and go out when it is."""
    other = replace(ADA, channel="other")
    async with sending(database, post) as out:
        out.deliver(await write(database, other, "one"))
        assert await out.adopt(alone=True) == 1
        await out.drained()
    assert (post.tries, [row.state for row in await stored(database)]) == ([], ["ready"])
    elsewhere = Post(name="other")
    async with sending(database, elsewhere) as configured:
        await configured.adopt(alone=True)
        await configured.drained()
    assert elsewhere.words(other) == ["one"]


async def test_leases_are_respected(database: Database, post: Post) -> None:
    """Beside other instances only our own rows and those whose lease has run out are taken over."""
    late = NOW + LEASE + timedelta(seconds=1)
    await write(database, ADA, "expired", owner="other", at=NOW)
    await write(database, BOB, "leased", owner="other", at=late)
    await write(database, CAT, "own", owner="me", at=late)
    async with sending(database, post, clock=lambda: late) as out:
        assert await out.adopt(alone=False) == 2
        await out.drained()
    assert sorted(words for _, words in post.sent) == ["expired", "own"]


async def test_what_one_takes_over_the_other_leaves(database: Database, post: Post) -> None:
    """Of two instances that take over at once only one gets the letter."""
    late = NOW + LEASE + timedelta(seconds=1)
    await write(database, ADA, "expired", owner="dead")
    async with sending(database, post, "first", lambda: late) as first, sending(database, post, "second", lambda: late) as second:
        assert sorted(await asyncio.gather(first.adopt(alone=False), second.adopt(alone=False))) == [0, 1]
        await asyncio.gather(first.drained(), second.drained())
    assert post.words(ADA) == ["expired"]


async def test_a_stop_removes_what_is_delivered(database: Database, post: Post) -> None:
    """Rows delivered just before a stop are removed by it, so that the next start sends nothing twice."""
    async with sending(database, post) as out:
        out.deliver(await write(database, ADA, "one", "two"))
        await out.drained()
    assert await stored(database) == []


async def test_a_stop_while_rows_are_removed_forgets_nothing(database: Database, post: Post) -> None:
    """A stop that comes while delivered rows are being removed still ends with them gone."""
    stopping: list[asyncio.Task[None]] = []

    def stop(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("DELETE") and stopping:
            stopping.pop().cancel()

    event.listen(database.engine.sync_engine, "before_cursor_execute", stop)
    out = Outbox(database, {"post": post}, "me", clock=lambda: NOW)
    flushing = asyncio.create_task(out.run())
    stopping.append(flushing)
    out.deliver(await write(database, ADA, "one"))
    await asyncio.wait([flushing], timeout=10)
    assert stopping == []
    assert await stored(database) == []


@pytest.mark.parametrize("noting", ["UPDATE outbox", "SELECT contacts.session"])
async def test_a_stop_while_a_failure_is_noted_forgets_nothing(database: Database, post: Post, noting: str) -> None:
    """A stop that comes while one chat's failure is being noted still removes what another chat was sent."""
    stopping: list[asyncio.Task[None]] = []

    def stop(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(noting) and stopping:
            stopping.pop().cancel()

    event.listen(database.engine.sync_engine, "before_cursor_execute", stop)
    out = Outbox(database, {"post": post}, "me", wait=lambda _: 3600, clock=lambda: NOW)
    flushing = asyncio.create_task(out.run())
    stopping.append(flushing)
    post.faults[ADA.address].append(NotSent("blocked", gone=True))
    letters = await write(database, BOB, "one") + await write(database, ADA, "two")
    out.deliver(letters)
    begun = asyncio.get_running_loop().time()
    await asyncio.wait([flushing], timeout=10)
    assert stopping == []
    assert asyncio.get_running_loop().time() - begun < 4, "something waited for a lock"
    assert [row.id for row in await stored(database)] == [letters[1].id]
