"""The outbox: in order within a chat, no chat waits for another, and what cannot be delivered is given up."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from people import ADA, BOB, NOW, Person, acquainted, until
from post import Post, emptied, sending, stored, write
from sqlalchemy import delete, event
from sqlalchemy.exc import OperationalError

from bot.channels.base import NotSent
from bot.outbox import MAX_AGE, MAX_SENDING, Outbox, wait_before
from bot.store.database import Database
from bot.store.outbox import MAX_ATTEMPTS
from bot.store.tables import contact_addresses


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
async def out(database: Database, post: Post) -> AsyncIterator[Outbox]:
    async with sending(database, post) as running:
        yield running


async def test_letters_of_a_chat_keep_their_order(database: Database, post: Post, out: Outbox) -> None:
    """Even when the first try fails the letters of a chat arrive in the order they were written, and their rows go."""
    post.faults[ADA.address].extend([NotSent("busy"), RuntimeError("a fault")])
    out.deliver(await write(database, ADA, "one", "two"))
    out.deliver(await write(database, ADA, "three"))
    await out.drained()
    assert post.words(ADA) == ["one", "two", "three"]
    assert [words for _, words in post.tries] == ["one", "one", "one", "two", "three"]
    await emptied(database)


async def test_a_slow_chat_holds_up_nobody(database: Database, post: Post, out: Outbox) -> None:
    """While one chat's letter is under way for ever, a hundred others get theirs."""
    post.doors[ADA.address] = asyncio.Event()
    out.deliver(await write(database, ADA, "slow", "next"))
    others = [replace(BOB, address=f"chat-{number}") for number in range(100)]
    for other in others:
        out.deliver(await write(database, other, "quick"))
    await until(lambda: len(post.sent) == 100, "all quick letters")
    assert post.words(ADA) == []
    post.doors[ADA.address].set()
    await out.drained()
    assert post.words(ADA) == ["slow", "next"]


async def test_a_failed_letter_waits_longer_each_time(database: Database, post: Post) -> None:
    """The pause before each try is asked for by the number of the try, and doubles up to ten minutes."""
    asked: list[int] = []

    def wait(attempt: int) -> float:
        asked.append(attempt)
        return 0

    post.faults[ADA.address].extend(NotSent("busy") for _ in range(3))
    async with sending(database, post, wait=wait) as out:
        out.deliver(await write(database, ADA, "one"))
        await out.drained()
    assert asked == [2, 3, 4]
    assert [wait_before(attempt) for attempt in (2, 3, 4, 5, 12)] == [1, 2, 4, 8, 600]


async def test_a_pause_is_kept_by_its_chat_alone(database: Database, post: Post, out: Outbox) -> None:
    """When the platform asks for an hour's pause that chat waits, its next letter too, and the others do not."""
    post.faults[ADA.address].append(NotSent("slow down", retry_after=3600))
    out.deliver(await write(database, ADA, "one", "two"))
    await until(lambda: len(post.tries) == 1, "the first try")
    for word in ("one", "two", "three"):
        out.deliver(await write(database, BOB, word))
        await until(lambda expected=word: post.words(BOB)[-1:] == [expected], word)  # type: ignore[misc]
    assert [address for address, _ in post.tries].count(ADA.address) == 1
    paused, *_ = await stored(database)
    assert (paused.attempts, paused.error, paused.state) == (1, "slow down", "ready")


def crowd() -> list[Person]:
    """As many people as are sent to at the same time."""
    return [replace(BOB, address=f"chat-{number}") for number in range(MAX_SENDING)]


async def test_no_more_are_sent_at_once_than_agreed(database: Database, post: Post, out: Outbox) -> None:
    """While as many sends are under way as there may be the next chat waits, and goes out when there is room."""
    for person in crowd():
        post.doors[person.address] = asyncio.Event()
        out.deliver(await write(database, person, "slow"))
    await until(lambda: len(post.tries) == MAX_SENDING, "all doors")
    out.deliver(await write(database, ADA, "hello"))
    await asyncio.sleep(0)
    assert len(post.tries) == MAX_SENDING
    next(iter(post.doors.values())).set()
    await until(lambda: post.words(ADA) == ["hello"], "the next chat")


async def test_who_pauses_takes_no_room(database: Database, post: Post, out: Outbox) -> None:
    """However many chats have to pause, others are sent to."""
    for person in crowd():
        post.faults[person.address].append(NotSent("slow down", retry_after=3600))
        out.deliver(await write(database, person, "later"))
    await until(lambda: len(post.tries) == MAX_SENDING, "all first tries")
    out.deliver(await write(database, ADA, "hello"))
    await until(lambda: post.words(ADA) == ["hello"], "somebody else")


async def test_a_pause_ends(database: Database, post: Post) -> None:
    """After the pause the platform asked for, and not before, the letter is sent; our own back-off is not asked."""
    post.faults[ADA.address].append(NotSent("slow down", retry_after=0.1))
    async with sending(database, post, wait=lambda _: 3600) as out:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        out.deliver(await write(database, ADA, "one"))
        await out.drained()
        assert loop.time() - begun >= 0.1
    assert post.words(ADA) == ["one"]


@pytest.mark.parametrize(
    "failures", [[NotSent("too long", permanent=True)], [NotSent("busy")] * MAX_ATTEMPTS], ids=["permanent", "too often"]
)
async def test_what_cannot_be_delivered_is_dead(database: Database, post: Post, out: Outbox, failures: list[Exception]) -> None:
    """A letter refused for good, or too often, stays as a dead row with the reason, and the next one goes out."""
    post.faults[ADA.address].extend(failures)
    [dead, _] = letters = await write(database, ADA, "bad", "good")
    out.deliver(letters)
    await out.drained()
    await until(lambda: post.words(ADA) == ["good"], "the next letter")
    async with asyncio.timeout(10):
        while len(kept := await stored(database)) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    assert [(row.id, row.state, row.attempts, row.error) for row in kept] == [(dead.id, "dead", len(failures), str(failures[0]))]


async def left(database: Database, person: Person) -> bool:
    [contact] = await acquainted(database, person)
    return contact.session.left


async def test_who_is_gone_is_marked(database: Database, post: Post, out: Outbox) -> None:
    """A person who blocked us is marked as left, the letter is dead at once, and nobody else is marked."""
    post.faults[ADA.address].append(NotSent("blocked", gone=True))
    out.deliver(await write(database, ADA, "one") + await write(database, BOB, "one"))
    await out.drained()
    assert (await left(database, ADA), await left(database, BOB)) == (True, False)
    assert ("dead", "blocked") in [(row.state, row.error) for row in await stored(database)]
    assert len(post.tries) == 2


async def test_a_chat_survives_trouble_with_the_database(database: Database, post: Post, out: Outbox) -> None:
    """When a person is gone and that cannot be noted, later letters of the chat are tried all the same."""

    def no_update(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE"):
            raise OperationalError(statement, None, sqlite3.OperationalError("disk I/O error"))

    event.listen(database.engine.sync_engine, "before_cursor_execute", no_update)
    post.faults[ADA.address].append(NotSent("blocked", gone=True))
    out.deliver(await write(database, ADA, "one"))
    await until(lambda: len(post.tries) == 1, "the first letter")
    out.deliver(await write(database, ADA, "two"))
    await until(lambda: post.words(ADA) == ["two"], "the second letter")
    event.remove(database.engine.sync_engine, "before_cursor_execute", no_update)


async def test_held_letters_are_announced_and_not_sent(database: Database, post: Post, out: Outbox) -> None:
    """A letter for somebody who fetches is announced to its channel, never sent, and its row stays."""
    [letter] = await write(database, ADA, "fetch me", held=True)
    out.deliver([letter])
    await out.drained()
    assert (post.announced, post.tries) == ([letter.chat], [])
    assert [row.state for row in await stored(database)] == ["held"]


async def test_a_platform_that_is_away_costs_no_message(database: Database, post: Post, out: Outbox) -> None:
    """Tries that fail through the platform's fault do not count: however many, the letter goes out in the end."""
    post.faults[ADA.address].extend(NotSent("away", passing=True) for _ in range(3 * MAX_ATTEMPTS))
    out.deliver(await write(database, ADA, "one"))
    await out.drained()
    assert post.words(ADA) == ["one"]


async def test_a_platform_away_for_a_day_is_given_up(database: Database, post: Post, out: Outbox) -> None:
    """A letter older than a day is not sent out of the blue when the platform comes back."""
    post.faults[ADA.address].append(NotSent("away", passing=True))
    [letter] = await write(database, ADA, "one")
    out.deliver([replace(letter, at=NOW - MAX_AGE - timedelta(minutes=1))])
    await out.drained()
    assert post.words(ADA) == []
    [row] = await stored(database)
    assert row.state == "dead"


async def test_who_has_no_address_any_more_is_no_riddle(database: Database, post: Post) -> None:
    """A waiting letter whose person has lost their number to somebody else is given up and says so; it does not wait for ever."""
    post.faults[ADA.address].append(NotSent("away", passing=True))
    letters = await write(database, ADA, "one")
    async with database.write() as connection:
        await connection.execute(delete(contact_addresses))
    async with sending(database, post) as out:
        out.deliver(letters)
        await out.drained()
    [row] = await stored(database)
    assert (row.state, row.error, post.sent) == ("dead", "the person has no address here any more", [])
