"""The turnstile: once each, in order, committed before it is acknowledged, and poison harms nobody else."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from people import ADA, BOB, NOW, PATIENCE, Person, acquainted, answers, file_of, go_through, ignore, on_sqlite, open_turnstile, queue
from sqlalchemy import event, func, select

from bot.channels.base import Unavailable
from bot.core.engine import advance
from bot.core.library import Content
from bot.core.model import EVENT_JSON, Event, Left, Press, Session, Started, Text, Turn
from bot.shelf import Shelf
from bot.store import contacts
from bot.store.database import Database
from bot.store.outbox import Letter
from bot.store.tables import inbox, outbox, set_aside
from bot.turnstile import MAX_EACH, MAX_WAITING, Turnstile

TOPICS = ("sleep", "speech", "rituximab", "vaccines", "help", "privacy", "menu", "symptoms", "treatment", "diagnosis")


class Steps:
    """`advance` with a memory, and a fault that the word "poison" brings out."""

    def __init__(self) -> None:
        self.taken: list[Event] = []

    def __call__(self, session: Session, event: Event, content: Content, now: datetime) -> Turn:
        self.taken.append(event)
        if event == Text("poison"):
            raise ZeroDivisionError
        return advance(session, event, content, now)


async def rows(database: Database, table: Any) -> int:
    async with database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0


async def test_one_update_ten_times_is_handled_once(database: Database, content: Content) -> None:
    """The same update delivered ten times at once is acknowledged ten times, and handled and answered once."""
    steps = Steps()
    inbound = ADA.does(Started())
    async with open_turnstile(database, content, step=steps) as turnstile:
        await asyncio.gather(*(turnstile.submit(inbound) for _ in range(10)))
        await turnstile.submit(inbound)
    assert steps.taken == [Started()]
    assert len(await answers(database, ADA)) == 1


async def test_what_arrives_at_the_same_moment_is_one_round(database: Database, content: Content) -> None:
    """Events that come in while others are still coming in, one after the other, are written down together."""
    commits: list[object] = []
    event.listen(database.engine.sync_engine, "commit", commits.append)

    async def coming(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await turnstile.submit(Person(f"chat-{turns}").does(Started()))

    async with open_turnstile(database, content) as turnstile:
        await asyncio.gather(*map(coming, range(20)))
    assert len(commits) == 1


async def test_a_request_that_was_not_counted_is_found(database: Database, content: Content) -> None:
    """Of two people on WhatsApp who were one, earlier versions kept the request and not its count: it is still shown."""
    person = Person("447700900123", channel="whatsapp")
    async with open_turnstile(database, content) as turnstile:
        await go_through(turnstile, person.intake(content))
        [contact] = await acquainted(database, person)
        assert contact.session.sent == 1
        async with database.write() as connection:
            await contacts.remember(connection, database.sealer, contact.id, replace(contact.session, sent=0))
        await turnstile.submit(person.does(Press("status")))
    [request] = await queue(database)
    assert request.reference in (await answers(database, person))[-1]


async def test_events_of_one_person_are_answered_in_order(database: Database, content: Content) -> None:
    """Ten messages of one person at once are handled one after the other, each from where the last one led."""
    steps, letters = Steps(), list[Letter]()
    async with open_turnstile(database, content, letters.extend, step=steps) as turnstile:
        await asyncio.gather(*(turnstile.submit(ADA.does(Text(topic))) for topic in TOPICS))
    assert steps.taken == [Text(topic) for topic in TOPICS]
    assert [letter.id for letter in letters] == sorted(letter.id for letter in letters)
    assert len(await answers(database, ADA)) == len(letters) == len(TOPICS)


async def test_two_people_share_a_round(database: Database, content: Content) -> None:
    """What two people write at the same time is handled in one transaction, each answered in their own chat."""
    commits: list[object] = []
    event.listen(database.engine.sync_engine, "commit", commits.append)
    ada, bob = ADA.does(Text("rituximab")), BOB.does(Text("vaccines"))
    async with open_turnstile(database, content) as turnstile:
        await asyncio.gather(turnstile.submit(ada), turnstile.submit(bob))
    assert len(commits) == 1
    assert ["ituximab" in text for text in await answers(database, ADA)] == [True]
    assert ["accin" in text for text in await answers(database, BOB)] == [True]


async def test_submit_returns_after_the_commit(database: Database, content: Content) -> None:
    """When `submit` returns somebody else already sees the event and its answer in the database."""
    async with open_turnstile(database, content) as turnstile:
        for number, topic in enumerate(TOPICS, 1):
            await turnstile.submit(ADA.does(Text(topic)))
            assert [await rows(database, table) for table in (inbox, outbox)] == [number, number]


@on_sqlite
async def test_letters_are_handed_over_after_the_commit(database: Database, content: Content) -> None:
    """Nothing is sent before it is committed: at delivery every letter's row can be seen from outside."""
    seen: list[bool] = []

    def deliver(letters: list[Letter]) -> None:
        with closing(sqlite3.connect(file_of(database))) as other:
            seen.extend(other.execute("SELECT 1 FROM outbox WHERE id = ?", (letter.id,)).fetchone() == (1,) for letter in letters)

    async with open_turnstile(database, content, deliver) as turnstile:
        await go_through(turnstile, ADA.intake(content))
    assert len(seen) >= 4
    assert all(seen)


async def test_who_left_gets_no_answer(database: Database, content: Content) -> None:
    """Blocking the bot is noted and answered with nothing."""
    async with open_turnstile(database, content) as turnstile:
        await turnstile.submit(ADA.does(Left()))
    assert await rows(database, inbox) == 1
    assert await answers(database, ADA) == []


async def test_poison_harms_nobody_else(database: Database, content: Content) -> None:
    """A poisoned event is set aside with an apology; its neighbours in the same round are handled exactly once."""
    letters: list[Letter] = []
    people = [Person(f"chat-{number}") for number in range(5)]
    inbounds = [person.does(Text("poison" if number == 2 else "sleep")) for number, person in enumerate(people)]
    async with open_turnstile(database, content, letters.extend, step=Steps()) as turnstile:
        await asyncio.gather(*map(turnstile.submit, inbounds))
    texts = [await answers(database, person) for person in people]
    assert [len(each) for each in texts] == [1] * 5
    assert "went wrong" in texts[2][0]
    assert all("sleep" in text for number, (text,) in enumerate(texts) if number != 2)
    assert sorted(letter.address for letter in letters) == [person.address for person in people]


async def test_poison_is_kept_for_the_operator(database: Database, content: Content) -> None:
    """What was set aside is kept sealed with kind and place of its error, and never with the words."""
    async with open_turnstile(database, content, step=Steps()) as turnstile:
        await turnstile.submit(ADA.does(Text("poison"), "update-7"))
    async with database.read() as connection:
        [row] = (await connection.execute(select(set_aside))).all()
    assert EVENT_JSON.validate_json(database.sealer.open(row.event)) == Text("poison")
    assert (row.channel, row.update_id) == ("post", "update-7")
    assert row.error.startswith("ZeroDivisionError at Steps.__call__")


async def test_poison_is_not_tried_again(database: Database, content: Content) -> None:
    """A poisoned event is tried once more alone, then set aside; delivered again it is dropped, and its person can go on."""
    steps, poison = Steps(), ADA.does(Text("poison"))
    async with open_turnstile(database, content, step=steps) as turnstile:
        await go_through(turnstile, [poison, poison, ADA.does(Text("sleep")), poison])
    assert steps.taken == [Text("poison"), Text("poison"), Text("sleep")]
    assert await rows(database, set_aside) == 1
    assert len(await answers(database, ADA)) == 2


async def test_poison_that_cannot_be_written_down_is_set_aside_too(database: Database, content: Content) -> None:
    """Text that is no valid Unicode, as JSON can carry it, is set aside like any poison instead of coming again for ever."""

    def fault(*_: object) -> Turn:
        raise ZeroDivisionError

    async with open_turnstile(database, content, step=fault) as turnstile:
        await turnstile.submit(ADA.does(Text("half a smile \ud83d")))
    assert await rows(database, set_aside) == 1


async def test_a_full_queue_refuses(database: Database, content: Content) -> None:
    """When too many events wait the next one is refused at once, and those that wait are not lost."""
    turnstile = Turnstile(database, Shelf(content), ignore, owner="test", clock=lambda: NOW)
    inbound = ADA.does(Started())
    waiting = [asyncio.create_task(turnstile.submit(inbound)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(turnstile.submit(BOB.does(Started())), PATIENCE)
    assert not any(task.done() for task in waiting)
    for task in waiting[1:]:
        task.cancel()
    rounds = asyncio.create_task(turnstile.run())
    await waiting[0]
    await turnstile.submit(BOB.does(Started()))
    rounds.cancel()
    await asyncio.gather(*waiting, rounds, return_exceptions=True)


async def test_stopping_refuses_what_waits(database: Database, content: Content) -> None:
    """A stop lets the round under way finish; events that no round has taken are refused, so that they are delivered again."""
    stop: list[Callable[[], object]] = []

    def stopping(session: Session, event_: Event, content: Content, now: datetime) -> Turn:
        stop[0]()
        return advance(session, event_, content, now)

    turnstile = Turnstile(database, Shelf(content), ignore, owner="test", step=stopping, clock=lambda: NOW)
    waiting = [asyncio.create_task(turnstile.submit(ADA.does(Text(topic)))) for topic in TOPICS]
    await asyncio.sleep(0)
    rounds = asyncio.create_task(turnstile.run())
    stop.append(rounds.cancel)
    await asyncio.wait([rounds])
    outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE)
    assert [type(outcome) for outcome in outcomes] == [type(None)] + [Unavailable] * (len(TOPICS) - 1)
    assert await rows(database, inbox) == len(await answers(database, ADA)) == 1
    with pytest.raises(Unavailable):
        await turnstile.submit(ADA.does(Text("too late")))


async def test_two_presses_of_send_make_one_request(database: Database, content: Content) -> None:
    """Pressing "send" twice at the same moment queues one request; the second press is told of it."""
    *before, _ = ADA.intake(content)
    async with open_turnstile(database, content) as turnstile:
        await go_through(turnstile, before)
        await asyncio.gather(*(turnstile.submit(ADA.does(Press("send"))) for _ in range(2)))
    [request] = await queue(database)
    assert [request.reference in text for text in (await answers(database, ADA))[-2:]] == [True, True]


async def test_one_noisy_person_cannot_slow_others(database: Database, content: Content) -> None:
    """A flood of one person is answered as far as can be read, then by one request to wait; the next person is served at once."""
    async with open_turnstile(database, content) as turnstile:
        flood = [asyncio.create_task(turnstile.submit(ADA.does(Text("symptoms")))) for _ in range(10 * MAX_EACH)]
        await asyncio.sleep(0)
        await turnstile.submit(BOB.does(Text("symptoms")))
        assert sum(task.done() for task in flood) <= 2
        await asyncio.gather(*flood)
    said = await answers(database, ADA)
    assert len(said) == MAX_EACH + 1
    assert "Please wait a moment" in said[-1]
    assert "OMS can affect" in (await answers(database, BOB))[0]
    assert not turnstile._waiting


async def test_answers_that_wait_count_too(database: Database, content: Content) -> None:
    """A person whose answers pile up because the platform takes them slowly is asked to wait."""
    async with open_turnstile(database, content) as turnstile:
        turnstile._unsent = lambda key: MAX_EACH
        await turnstile.submit(ADA.does(Text("symptoms")))
    assert "Please wait a moment" in (await answers(database, ADA))[0]
