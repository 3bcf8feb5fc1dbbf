"""What a platform says of messages it has taken: noted in any order, early or twice, and acted on; and the window for free words."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from people import ADA, BOB, NOW, PATIENCE, acquainted, answers, open_turnstile, queue, until
from post import Post, sending, stored, write
from sqlalchemy import event, insert, update
from sqlalchemy.exc import OperationalError

from bot import upkeep
from bot.channels.base import Unavailable
from bot.core.effects import SendRequest
from bot.core.library import Content
from bot.core.model import Receipt, Started, Text
from bot.ledger import _MAX_EARLY
from bot.outbox import Outbox
from bot.store import requests
from bot.store.database import Database
from bot.store.outbox import MAX_ATTEMPTS
from bot.store.tables import contacts, outbox

Status = Literal["sent", "delivered", "read", "failed"]
FINAL, PASSING = "cannot be delivered", "the platform is busy"
WINDOW = timedelta(hours=24)
IO_ERROR = OperationalError("", None, sqlite3.OperationalError("disk I/O error"))


@pytest.fixture
def post() -> Post:
    return Post(receipts=True)


@pytest.fixture
async def out(database: Database, post: Post) -> AsyncIterator[Outbox]:
    async with sending(database, post) as running:
        yield running


def receipt(status: Status, message: str = "message 1", *, passing: bool = False, channel: str = "post") -> Receipt:
    reason = (PASSING if passing else FINAL) if status == "failed" else ""
    return Receipt(channel, message, status, reason, passing=passing)


async def rows(database: Database, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(row, column) for column in columns) for row in await stored(database)]


async def eventually(database: Database, expected: list[tuple[Any, ...]], *columns: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while (found := await rows(database, *columns)) != expected:  # noqa: ASYNC110 the database does not tell
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(found) from None


async def taken(database: Database, out: Outbox, *words: str) -> None:
    """Letters to Ada that the platform has taken, noted under their messages' names."""
    out.deliver(await write(database, ADA, *words))
    await eventually(database, [("sent", f"message {number}") for number in range(1, len(words) + 1)], "state", "message")


@contextmanager
def broken(database: Database, error: Exception = IO_ERROR) -> Iterator[None]:
    """A database that takes no change of a message."""

    def no_update(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(("UPDATE outbox", "SELECT outbox")):
            raise error

    event.listen(database.engine.sync_engine, "before_cursor_execute", no_update)
    try:
        yield
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", no_update)


async def test_what_was_taken_stays_until_its_receipts_come(database: Database, out: Outbox) -> None:
    """A row whose message will be heard of stays as sent, under the message's name and leased to nobody."""
    await taken(database, out, "one", "two")
    found = await rows(database, "status", "status_at", "error", "leased_by", "leased_until")
    assert found == [("", None, "", None, None)] * 2


async def test_what_was_taken_is_not_sent_again(database: Database, post: Post, out: Outbox) -> None:
    """A start after a stop takes over what was not sent, and nothing the platform has."""
    await taken(database, out, "one")
    async with sending(database, post, "another") as restarted:
        assert await restarted.adopt(alone=True) == 0


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        (["sent", "delivered", "read"], "read"),
        (["read", "delivered", "sent"], "read"),
        (["delivered", "sent"], "delivered"),
        (["delivered", "delivered"], "delivered"),
        (["sent"], "sent"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
async def test_receipts_in_any_order(database: Database, out: Outbox, said: list[Status], noted: str, together: bool) -> None:
    """However they come, one by one or at once, the furthest counts; the other letter's row is left alone."""
    await taken(database, out, "one", "two")
    for batch in [said] if together else [[each] for each in said]:
        await out.report([receipt(each) for each in batch])
    assert await rows(database, "state", "status", "status_at") == [("sent", noted, NOW), ("sent", "", None)]


async def test_a_receipt_of_another_channel_is_of_another_message(database: Database, out: Outbox) -> None:
    """Two platforms may call their messages by the same name."""
    await taken(database, out, "one")
    await out.report([receipt("read", channel="elsewhere")])
    assert await rows(database, "status") == [("",)]


async def early(database: Database, post: Post, out: Outbox, *said: Receipt) -> None:
    """Receipts that come while the answer to our call is still on its way, then the answer."""
    post.doors[ADA.address] = asyncio.Event()
    out.deliver(await write(database, ADA, "one"))
    await until(lambda: len(post.tries) == 1, "the call")
    for each in said:
        await out.report([each])
    assert await rows(database, "state", "status") == [("ready", "")]
    post.doors[ADA.address].set()
    await out.drained()


async def test_an_early_receipt_is_kept_until_the_row_is_noted(database: Database, post: Post, out: Outbox) -> None:
    """A receipt that overtakes the answer to our call counts when the message's name is known."""
    await early(database, post, out, receipt("delivered"))
    await eventually(database, [("sent", "message 1", "delivered")], "state", "message", "status")


async def test_an_early_failure_is_no_success(database: Database, post: Post, out: Outbox) -> None:
    """A message that has failed before we knew its name is dead, and not delivered."""
    await early(database, post, out, receipt("failed"))
    await eventually(database, [("dead", "failed", FINAL)], "state", "status", "error")


@pytest.mark.parametrize(("said", "state", "noted"), [("read", "sent", "read"), ("failed", "dead", "failed")])
async def test_early_receipts_in_any_order(database: Database, post: Post, out: Outbox, said: Status, state: str, noted: str) -> None:
    """Of two receipts that come before the row is noted the furthest counts too: a failure is not covered up."""
    await early(database, post, out, receipt(said), receipt("sent"))
    await until(lambda: not out._ledger._early, "the flush")
    await out.report([receipt("sent")])  # by now it is written down
    assert await rows(database, "state", "status") == [(state, noted)]


async def test_receipts_of_nothing_are_forgotten(database: Database, out: Outbox) -> None:
    """Receipts of messages we do not know are acknowledged, and no more than so many are kept: the oldest go."""
    await taken(database, out, "one")
    await out.report([receipt("read", f"nobody's {number}") for number in range(_MAX_EARLY + 50)])
    assert len(out._ledger._early) == _MAX_EARLY
    assert next(iter(out._ledger._early)) == "nobody's 50"
    assert await rows(database, "state", "status") == [("sent", "")]


async def sent_request(database: Database) -> int:
    [contact] = await acquainted(database, ADA)
    sent = SendRequest("OMS-0001", {"phone": ADA.phone}, "en", "", NOW)
    async with database.write() as connection:
        await requests.send(connection, database, contact.id, "post", sent, NOW)
    [request] = await queue(database)
    return request.id


async def notes(database: Database, request: int) -> list[tuple[str, str, str]]:
    async with database.read() as connection:
        return [(entry.who, entry.what, entry.note) for entry in await requests.history(connection, database.sealer, request)]


async def test_a_failure_for_good_is_told_to_staff(database: Database, post: Post, out: Outbox) -> None:
    """The row is dead with the reason, the open request says so once however often it is told, and nothing is sent again."""
    request = await sent_request(database)
    await taken(database, out, "one", "two")
    await out.report([receipt("failed"), receipt("failed")])
    await out.report([receipt("failed"), receipt("delivered")])
    found = await rows(database, "state", "status", "error", "message", "attempts")
    assert found == [("dead", "failed", FINAL, None, 1), ("sent", "", "", "message 2", 0)]
    assert await notes(database, request) == [("caller", "sent", ""), (requests.SYSTEM, "message not delivered", f"post: {FINAL}")]
    assert post.words(ADA) == ["one", "two"]


async def test_a_failure_after_a_delivery_counts(database: Database, out: Outbox) -> None:
    """Failed is the last word, whatever was said before."""
    await taken(database, out, "one")
    await out.report([receipt("delivered")])
    await out.report([receipt("failed")])
    assert await rows(database, "state", "status") == [("dead", "failed")]


async def test_a_passing_failure_is_sent_again(database: Database, post: Post) -> None:
    """What failed through the platform's own fault goes out once more under a new name, after the wait of the second try."""
    asked: list[int] = []

    def wait(attempt: int) -> float:
        asked.append(attempt)
        return 0

    request = await sent_request(database)
    async with sending(database, post, wait=wait) as out:
        await taken(database, out, "one")
        await out.report([receipt("failed", passing=True)])
        await eventually(database, [("sent", "message 2", "", 1)], "state", "message", "status", "attempts")
        await out.report([receipt("read", "message 2"), receipt("failed")])
        assert await rows(database, "state", "status") == [("sent", "read")]
    assert (asked, post.words(ADA)) == ([2], ["one", "one"])
    assert [what for _, what, _ in await notes(database, request)] == ["sent"]


async def test_until_its_wait_is_over_it_is_ready_for_whoever_adopts(database: Database, post: Post) -> None:
    """A stop while it waits loses nothing: the row is ready, and the next start sends it."""
    async with sending(database, post, wait=lambda _: 3600) as out:
        await taken(database, out, "one")
        await out.report([receipt("failed", passing=True)])
        assert await rows(database, "state", "message", "status", "leased_by") == [("ready", None, "", "me")]
    assert post.words(ADA) == ["one"]
    async with sending(database, post, "another") as restarted:
        assert await restarted.adopt(alone=True) == 1
        await eventually(database, [("sent", "message 2")], "state", "message")


async def test_tries_after_failures_are_bounded(database: Database, post: Post, out: Outbox) -> None:
    """A message that fails again and again is given up after as many tries as any other, and staff are told."""
    request = await sent_request(database)
    await taken(database, out, "one")
    for number in range(1, MAX_ATTEMPTS + 1):
        await eventually(database, [("sent", f"message {number}")], "state", "message")
        await out.report([receipt("failed", f"message {number}", passing=True)])
    assert await rows(database, "state", "status", "attempts", "error") == [("dead", "failed", MAX_ATTEMPTS, PASSING)]
    assert post.words(ADA) == ["one"] * MAX_ATTEMPTS
    assert (await notes(database, request))[1:] == [(requests.SYSTEM, "message not delivered", f"post: {PASSING}")]


async def test_a_broken_database_acknowledges_nothing(database: Database, out: Outbox) -> None:
    """A receipt that cannot be written down is refused, so that the platform sends it again, and then it counts."""
    await taken(database, out, "one")
    with broken(database):
        outcomes = await asyncio.gather(*(out.report([receipt("delivered")]) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert await rows(database, "status") == [("",)]
    await out.report([receipt("delivered")])
    assert await rows(database, "status") == [("delivered",)]


async def test_a_broken_database_forgets_no_delivery(database: Database, post: Post, out: Outbox) -> None:
    """What was taken while the database failed is noted with the next receipt, and is not sent twice."""
    with broken(database):
        out.deliver(await write(database, ADA, "one"))
        await out.drained()
        with pytest.raises(Unavailable):
            await out.report([receipt("sent")])
    await out.report([receipt("delivered", "nobody's")])
    assert await rows(database, "state", "message") == [("sent", "message 1")]
    assert post.words(ADA) == ["one"]


async def test_a_broken_database_forgets_no_early_receipt(database: Database, post: Post, out: Outbox) -> None:
    """A receipt that was acknowledged and waits for its message survives a failure of the database."""
    post.doors[ADA.address] = asyncio.Event()
    out.deliver(await write(database, ADA, "one"))
    await until(lambda: len(post.tries) == 1, "the call")
    await out.report([receipt("failed")])
    with broken(database):
        post.doors[ADA.address].set()
        await out.drained()
        with pytest.raises(Unavailable):
            await out.report([receipt("read", "nobody's")])
    await out.report([receipt("read", "nobody's")])
    assert await rows(database, "state", "status") == [("dead", "failed")]


@pytest.fixture
async def taken_by(database: Database, post: Post) -> Outbox:
    """An outbox that has sent a letter and keeps no books by itself."""
    out = Outbox(database, {"post": post}, "me", clock=lambda: NOW)
    out.deliver(await write(database, ADA, "one"))
    await out.drained()
    return out


async def test_a_round_notes_what_was_delivered(database: Database, content: Content, taken_by: Outbox) -> None:
    """With the next event anybody causes it is written down that a letter was taken."""
    assert await rows(database, "state", "message") == [("ready", None)]
    async with open_turnstile(database, content, noting=taken_by.noting) as turnstile:
        await turnstile.submit(BOB.does(Started()))
        assert (await rows(database, "state", "message"))[0] == ("sent", "message 1")
        assert not taken_by._ledger.pending()


async def test_a_note_that_cannot_be_written_spoils_no_round(database: Database, content: Content, taken_by: Outbox) -> None:
    """The event is handled all the same, and the note is written with a later one."""
    async with open_turnstile(database, content, noting=taken_by.noting) as turnstile:
        with broken(database, ZeroDivisionError()):
            await turnstile.submit(BOB.does(Started()))
        assert len(await answers(database, BOB)) == 1
        assert (await rows(database, "state"))[0] == ("ready",)
        await turnstile.submit(BOB.does(Text("sleep")))
        assert (await rows(database, "state"))[0] == ("sent",)


async def test_what_is_said_before_a_round_has_noted_the_message(database: Database, content: Content, post: Post) -> None:
    """A receipt that overtakes the note of its message counts as soon as a round has written that down."""
    async with sending(database, post) as out, open_turnstile(database, content, noting=out.noting) as turnstile:
        post.doors[ADA.address] = asyncio.Event()
        out.deliver(await write(database, ADA, "one"))
        await until(lambda: len(post.tries) == 1, "the call")
        await out.report([receipt("read")])
        post.doors[ADA.address].set()
        await out.drained()
        await turnstile.submit(BOB.does(Started()))
        await until_read(database)


async def until_read(database: Database) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await rows(database, "status"))[0] != ("read",):  # noqa: ASYNC110 the database does not tell
            await asyncio.sleep(0.002)


async def test_after_a_stop_nothing_is_acknowledged(database: Database, post: Post) -> None:
    """An outbox that has stopped refuses receipts at once; what came before the stop was written down."""
    async with sending(database, post) as out:
        await taken(database, out, "one")
        last = asyncio.create_task(out.report([receipt("read")]))
        await asyncio.sleep(0)
    await asyncio.wait_for(last, PATIENCE)
    assert await rows(database, "status") == [("read",)]
    with pytest.raises(Unavailable):
        await asyncio.wait_for(out.report([receipt("read")]), PATIENCE)


@pytest.mark.parametrize(
    ("known", "stored_", "late"),
    [
        (timedelta(0), None, []),
        (WINDOW - timedelta(seconds=1), None, []),
        (WINDOW, None, ["one"]),
        (None, WINDOW - timedelta(seconds=1), []),
        (None, WINDOW, ["one"]),
        (3 * WINDOW, timedelta(minutes=1), []),
        (timedelta(minutes=1), 3 * WINDOW, []),
    ],
)
async def test_after_the_window_a_letter_is_late(
    database: Database, post: Post, out: Outbox, known: timedelta | None, stored_: timedelta | None, late: list[str]
) -> None:
    """Late is what goes out a window after the last message, by what the letter or the database knows of it, whichever is newer."""
    post.window = WINDOW
    [letter] = await write(database, ADA, "one")
    async with database.write() as connection:
        await connection.execute(update(contacts).values(seen_at=NOW - (stored_ if stored_ is not None else known or WINDOW)))
    out.deliver([replace(letter, heard_at=None if known is None else NOW - known)])
    await out.drained()
    assert (post.words(ADA), post.late) == (["one"], late)


async def test_who_has_written_meanwhile_is_not_late(database: Database, post: Post) -> None:
    """Each try looks anew: a letter that waited past the window is free again when its person has written."""
    post.window, clock = WINDOW, [NOW]
    post.faults[ADA.address].extend([RuntimeError("a fault")] * 2)
    waits = iter([2 * WINDOW, timedelta(0)])

    def wait(_: int) -> float:
        clock[0] += next(waits)
        return 0

    async with sending(database, post, clock=lambda: clock[0], wait=wait) as out:
        [letter] = await write(database, ADA, "one")
        post.doors[ADA.address] = asyncio.Event()
        out.deliver([replace(letter, heard_at=NOW)])
        await until(lambda: len(post.tries) == 1, "the first try")
        assert post.late == []
        post.doors[ADA.address].set()
        await out.drained()
        assert post.late == ["one", "one"]
        async with database.write() as connection:
            await connection.execute(update(contacts).values(seen_at=clock[0]))
        out.deliver([replace(next(iter(await write(database, ADA, "two"))), heard_at=NOW)])
        await out.drained()
    assert (post.words(ADA), post.late) == (["one", "two"], ["one", "one"])


async def test_whoever_is_forgotten_is_late(database: Database, post: Post, out: Outbox) -> None:
    """Of somebody who is in no table any more nothing is known, so nothing is said freely; unless the letter itself knows."""
    post.window = WINDOW
    [one] = await write(database, ADA, "one")
    [two] = await write(database, BOB, "two")
    out.deliver([replace(one, contact=None), replace(two, contact=None, heard_at=NOW)])
    await out.drained()
    assert post.late == ["one"]


async def test_without_a_window_nothing_is_late(database: Database, post: Post, out: Outbox) -> None:
    """Where people may be written to at any time, nobody is asked when they last wrote."""
    [letter] = await write(database, ADA, "one")
    out.deliver([replace(letter, heard_at=NOW - 900 * WINDOW)])
    await out.drained()
    assert post.late == []


async def test_old_receipts_are_forgotten_and_only_they(database: Database, content: Content) -> None:
    """What became of a message can be seen for three days; younger rows, and those in any other state, stay."""
    old, second = NOW - upkeep.KEPT_RECEIPTS, timedelta(seconds=1)
    async with database.write() as connection:
        for state in ("sent", "ready", "held", "dead"):
            for at in (old - second, old + second):
                values = {"channel": "post", "chat": "c", "address": b"", "body": b"", "state": state, "created_at": at}
                await connection.execute(insert(outbox).values(values))
    done = await upkeep.run_once(database, content.structure, NOW)
    assert (done["forget_taken"], done["forget_messages"]) == (1, 0)
    left = await rows(database, "state", "created_at")
    assert left == [("sent", old + second), *((state, at) for state in ("ready", "held", "dead") for at in (old - second, old + second))]
