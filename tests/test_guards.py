"""What each guard is good for: a scenario that passes with it and shows the harm without it.

The one place where parts of the program are replaced: each by what would stand there if nobody had thought of the guard.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from people import ADA, NOW, answers, contents, go_through, ignore, open_turnstile, queue, until
from post import Post, sending, stored, write
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.base import NotSent, Unavailable
from bot.core.library import Content
from bot.core.model import Inbound, Text
from bot.outbox import Outbox
from bot.rounds import Round, Waiting, waiting
from bot.shelf import Shelf
from bot.store import contacts, outbox
from bot.store.database import Database
from bot.store.outbox import LEASE, Letter
from bot.turnstile import Turnstile

LATER = NOW + LEASE + timedelta(seconds=1)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[object, str, object], None]:
    """Takes a guard out."""
    return monkeypatch.setattr


async def answers_to_a_repeated_event(database: Database, content: Content) -> int:
    """How often somebody is answered whose one message the platform delivers twice."""
    question = ADA.does(Text("sleep"))
    before = len(await answers(database, ADA))
    async with open_turnstile(database, content) as turnstile:
        await go_through(turnstile, [question, question])
    return len(await answers(database, ADA)) - before


async def test_the_inbox(database: Database, content: Content, without: Callable[..., None]) -> None:
    """What is delivered twice is answered once; without the inbox, twice."""
    assert await answers_to_a_repeated_event(database, content) == 1

    async def all_are_new(_connection: AsyncConnection, inbounds: Iterable[Inbound], _now: datetime) -> set[tuple[str, str]]:
        return {(inbound.channel, inbound.update_id) for inbound in inbounds}

    without(contacts, "first_seen", all_are_new)
    assert await answers_to_a_repeated_event(database, content) == 2


async def requests_of_a_quick_typist(database: Database, content: Content) -> int:
    """How many requests come of an intake whose messages all arrive at the same time."""
    before = len(await queue(database))
    async with open_turnstile(database, content) as turnstile:
        await turnstile.submit(ADA.does(Text("hello")))
        await asyncio.gather(*map(turnstile.submit, ADA.intake(content)))
    return len(await queue(database)) - before


@pytest.mark.parametrize("guarded", [True, False])
async def test_one_event_of_a_conversation_a_round(
    database: Database, content: Content, without: Callable[..., None], guarded: bool
) -> None:
    """Each message is read where the one before it has led; were a round to take several of one person, their request would be lost."""

    def all_of_them(turnstile: Turnstile) -> list[Waiting]:
        batch = list(turnstile._queue)
        turnstile._queue.clear()
        return batch

    if not guarded:
        without(Turnstile, "_next_round", all_of_them)
        without(Round, "_one_each", lambda _round, _directory, batch: batch)
    assert await requests_of_a_quick_typist(database, content) == (1 if guarded else 0)


async def rows_in(database: Database) -> int:
    return sum(map(len, (await contents(database)).values()))


async def kept_of_what_was_acknowledged(database: Database, content: Content) -> tuple[int, int]:
    """How many messages a platform believes to be delivered when the program dies, and how many of them are there then."""
    acknowledged, known = 0, await rows_in(database)
    turnstile = Turnstile(database, Shelf(content), ignore, owner="test", clock=lambda: NOW)
    rounds = asyncio.create_task(turnstile.run())
    with suppress(Unavailable):
        await turnstile.submit(ADA.does(Text("sleep")))
        acknowledged += 1
    rounds.cancel()  # at once: looking takes time, in which it would go on
    await asyncio.wait([rounds])
    there = int(await rows_in(database) > known)  # as a program that starts now would find it
    return acknowledged, there


async def test_the_commit_before_the_answer(database: Database, content: Content, without: Callable[..., None]) -> None:
    """What a platform was told is handled is on disk; told before the commit, a kill in between would lose it."""
    assert await kept_of_what_was_acknowledged(database, content) == (1, 1)

    async def too_early(turnstile: Turnstile, inbound: Inbound) -> None:
        turnstile._queue.append(waiting(turnstile._database, inbound))
        turnstile._wake.set()

    without(Turnstile, "submit", too_early)
    assert await kept_of_what_was_acknowledged(database, content) == (1, 0)


async def deliveries_by_two_instances(database: Database) -> list[str]:
    """What somebody gets when two instances look for what a dead one has left unsent."""
    post = Post()
    await write(database, ADA, "one", owner="dead")
    door = post.doors[ADA.address] = asyncio.Event()
    async with sending(database, post, "first", lambda: LATER) as first, sending(database, post, "second", lambda: LATER) as second:
        await first.adopt(alone=False)
        await until(lambda: bool(post.tries), "the first one is sending it")
        await second.adopt(alone=False)
        door.set()
        await asyncio.gather(first.drained(), second.drained())
    return post.words(ADA)


async def test_the_lease(database: Database, without: Callable[..., None]) -> None:
    """What one instance has taken over the other leaves alone; without leases both would send it."""
    assert await deliveries_by_two_instances(database) == ["one"]
    adopt = outbox.adopt

    async def anything(*what: Any, alone: bool, **more: Any) -> list[Letter]:
        return await adopt(*what, **more, alone=True)

    without(outbox, "adopt", anything)
    assert await deliveries_by_two_instances(database) == ["one", "one"]


async def deliveries_after_a_bad_moment(database: Database, faults: Sequence[Exception]) -> list[str]:
    """What somebody gets whose platform fails for a moment while they are sent two messages."""
    post = Post()
    post.faults[ADA.address].extend(faults)
    async with sending(database, post) as out:
        out.deliver(await write(database, ADA, "one", "two"))
        await out.drained()
    return post.words(ADA)


async def test_trying_again(database: Database, without: Callable[..., None]) -> None:
    """An answer that could not be sent at first arrives, in its place; with a single try it would be missing."""
    moment = [NotSent("the platform is busy", passing=True)]
    assert await deliveries_after_a_bad_moment(database, moment) == ["one", "two"]
    assert await stored(database) == []

    async def once(out: Outbox, _chat: Any, letter: Letter) -> None:
        await out._try(out._channels[letter.channel], letter, 0, fresh=True)

    without(Outbox, "_send", once)
    assert await deliveries_after_a_bad_moment(database, moment) == ["two"]
