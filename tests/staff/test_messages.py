"""What callers hear of what staff do: once, where they asked, only while they want it, and written with what caused it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from people import ADA, BOB, NOW, PATIENCE, Person, answers, go_through, on_sqlite, open_turnstile, queue
from post import Post, emptied, sending, stored
from sqlalchemy import select

from bot.core.library import Content
from bot.core.model import Left, Press, Text
from bot.shelf import Shelf
from bot.staff import messages
from bot.staff.actions import act
from bot.staff.desk import Actor, Desk, Given, Refused
from bot.store import contacts, requests
from bot.store.database import Database
from bot.store.outbox import Letter
from bot.store.requests import StoredRequest
from bot.store.tables import daily_counts, outbox
from bot.turnstile import Turnstile

BEA = Actor("bea")
LATER = NOW + timedelta(hours=3)
DAY = timedelta(hours=24)


@pytest.fixture
async def turnstile(database: Database, content: Content) -> AsyncIterator[Turnstile]:
    async with open_turnstile(database, content) as running:
        yield running


@pytest.fixture
async def request_(database: Database, content: Content, turnstile: Turnstile) -> StoredRequest:
    """A new request of Ada's."""
    await go_through(turnstile, ADA.intake(content))
    return (await queue(database))[0]


@pytest.fixture
def desk(database: Database, content: Content) -> Desk:
    return Desk(database, Shelf(content), "me", windows={"post": DAY})


async def do(desk: Desk, name: str, now: datetime = NOW, given: Given | None = None) -> list[Letter]:
    """The action on the one request as it is now; the letters it leads to."""
    request = (await queue(desk.database))[-1]
    async with desk.database.write() as connection:
        return await act(desk, connection, name, request, BEA, now, given or Given())


async def say(desk: Desk, words: str, now: datetime = NOW) -> list[Letter]:
    request = (await queue(desk.database))[-1]
    async with desk.database.write() as connection:
        return await messages.write(desk, connection, request, words, BEA, now)


async def history(desk: Desk) -> list[tuple[str, str, str]]:
    request = (await queue(desk.database))[-1]
    async with desk.database.read() as connection:
        entries = await requests.history(connection, desk.database.sealer, request.id)
    return [(entry.who, entry.what, entry.note) for entry in entries]


async def heard(desk: Desk, person: Person = ADA) -> str:
    """The newest message to the person."""
    return (await answers(desk.database, person))[-1]


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("attempt", Given(result="no-answer"), "Our team called you"),
        ("attempt", Given(result="voicemail", at=LATER), "Next try: Monday, 23 November, 12:00"),
        ("attempt", Given(result="wrong-number"), "the number we have seems to be wrong"),
        ("attempt", Given(result="emailed"), "We have written you an e-mail."),
        ("attempt", Given(result="reached"), ""),
        ("close", Given(outcome="helped"), "Did we help you?"),
        ("close", Given(outcome="not-interested"), ""),
        ("close", Given(outcome="duplicate"), ""),
        ("close", Given(), ""),
        ("claim", Given(), ""),
        ("note", Given(words="private"), ""),
        ("snooze", Given(at=LATER), ""),
    ],
    ids=str,
)
async def test_what_concerns_the_caller_is_told(desk: Desk, request_: StoredRequest, name: str, given: Given, told: str) -> None:
    """One letter to where they asked, or none: nothing of what staff note for themselves."""
    before = len(await answers(desk.database, ADA))
    letters = await do(desk, name, given=given)
    after = await answers(desk.database, ADA)
    assert len(after) - before == len(letters) == bool(told)
    for letter in letters:
        assert told in after[-1]
        assert (letter.channel, letter.address, letter.held, letter.id > 0) == ("post", ADA.address, False, True)
        assert letter.chat == desk.database.chat("post", ADA.address)


async def test_a_closed_case_nobody_was_reached_in_can_be_asked_for_again(
    desk: Desk, request_: StoredRequest, turnstile: Turnstile
) -> None:
    """The caller hears that it is closed, and one tap begins a new request."""
    await do(desk, "attempt", given=Given(result="no-answer"))
    [letter] = await do(desk, "close", given=Given(outcome="unreachable"))
    assert "could not reach you" in await heard(desk)
    await turnstile.submit(ADA.does(Press(letter.reply.choices[0].id)))
    assert "Which number shall we call?" in await heard(desk)


async def test_a_refused_action_tells_nobody(desk: Desk, request_: StoredRequest) -> None:
    """The letter and the action stand or fall together: who lost the race has sent nothing."""
    stale = (await queue(desk.database))[-1]
    await do(desk, "attempt", given=Given(result="no-answer"))
    before = await answers(desk.database, ADA)
    with pytest.raises(Refused):
        async with desk.database.write() as connection:
            await act(desk, connection, "attempt", stale, BEA, NOW, Given(result="no-answer"))
    assert await answers(desk.database, ADA) == before


async def test_two_tries_at_once_are_told_once(desk: Desk, request_: StoredRequest) -> None:
    """Of two people who note the same call one wins, and the caller hears of it once."""
    before = len(await answers(desk.database, ADA))

    async def attempt(who: str) -> list[Letter]:
        async with desk.database.write() as connection:
            return await act(desk, connection, "attempt", request_, Actor(who), NOW, Given(result="no-answer"))

    outcomes = await asyncio.gather(attempt("bea"), attempt("kim"), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Refused", "list"]
    assert len(await answers(desk.database, ADA)) == before + 1


async def test_call_again_is_seen_at_the_desk(desk: Desk, request_: StoredRequest, turnstile: Turnstile, database: Database) -> None:
    """Something is due now, by the caller, noted once however often it is pressed, and again after the next try."""
    await do(desk, "attempt", given=Given(result="no-answer", at=NOW + DAY))
    press = Press(f"again:{request_.reference}")
    await go_through(turnstile, [ADA.does(press), ADA.does(press)])
    [after] = await queue(database)
    assert after.next_at == NOW
    assert [entry for entry in await history(desk) if entry[0] == "caller"] == [("caller", "sent", ""), ("caller", "call again", "")]
    await do(desk, "attempt", given=Given(result="no-answer"))
    await turnstile.submit(ADA.does(press))
    assert (await history(desk))[-1] == ("caller", "call again", "")


async def test_what_is_overdue_stays_as_overdue_as_it_is(desk: Desk, request_: StoredRequest, database: Database, content: Content) -> None:
    """Asking again puts a request forward, never back."""
    await do(desk, "attempt", now=NOW - 2 * DAY, given=Given(result="no-answer", at=NOW - DAY))
    async with open_turnstile(database, content) as later:
        await later.submit(ADA.does(Press(f"again:{request_.reference}")))
    assert (await queue(database))[0].next_at == NOW - DAY


async def test_a_better_time_changes_the_plan(desk: Desk, request_: StoredRequest, turnstile: Turnstile, database: Database) -> None:
    """The new wish is in the queue, with the moment to act by, as an event of the caller's."""
    await do(desk, "attempt", given=Given(result="no-answer", at=NOW + 5 * DAY))
    await go_through(turnstile, [ADA.does(Press(f"better-time:{request_.reference}")), ADA.does(Press("set:when:morning"))])
    [after] = await queue(database)
    assert after.answers["when"] == "morning"
    assert after.next_at < NOW + 2 * DAY
    assert after.due_at == request_.due_at  # what was promised at first stays promised
    assert (await history(desk))[-1] == ("caller", "changed", "")


async def test_others_cannot_answer_for_the_caller(desk: Desk, request_: StoredRequest, turnstile: Turnstile, database: Database) -> None:
    """A reference is no secret: who knows it changes nothing of somebody else's request, open or closed."""
    await do(desk, "attempt", given=Given(result="no-answer", at=NOW + DAY))
    reference = request_.reference
    theirs = [BOB.does(Press(f"{button}:{reference}")) for button in ("again", "better-time", "helped:yes")]
    await go_through(turnstile, theirs)
    assert (await queue(database))[0].next_at == NOW + DAY
    await do(desk, "close", given=Given(outcome="helped"))
    before = await history(desk)
    await turnstile.submit(BOB.does(Press(f"helped:no:{reference}")))
    assert await history(desk) == before
    assert await helped(database) == {}


async def helped(database: Database) -> dict[str, int]:
    async with database.read() as connection:
        query = select(daily_counts.c.detail, daily_counts.c.count).where(daily_counts.c.name == "helped")
        return {row[0]: row[1] for row in await connection.execute(query)}


async def test_whether_it_helped_is_counted_once(desk: Desk, request_: StoredRequest, turnstile: Turnstile, database: Database) -> None:
    """The first answer counts, with nobody attached; whoever thinks again is heard at the desk, and nobody can fill the history."""
    await do(desk, "close", given=Given(outcome="helped"))
    reference = request_.reference
    for answer in ("yes", "yes", "no", "yes", "no"):
        await turnstile.submit(ADA.does(Press(f"helped:{answer}:{reference}")))
    assert await helped(database) == {"yes": 1}
    assert (await history(desk))[-2:] == [("caller", "helped", "yes"), ("caller", "helped", "no")]


async def test_only_who_was_asked_can_say_that_it_helped(
    desk: Desk, request_: StoredRequest, turnstile: Turnstile, database: Database
) -> None:
    """A request that is open, or was closed otherwise, has no such answer."""
    press = Press(f"helped:yes:{request_.reference}")
    await turnstile.submit(ADA.does(press))
    await do(desk, "close", given=Given(outcome="spam"))
    await turnstile.submit(ADA.does(press))
    assert await helped(database) == {}


@pytest.mark.parametrize("goes", [Left(), Press("stop:yes")], ids=str)
async def test_who_has_left_is_not_written_to(desk: Desk, request_: StoredRequest, turnstile: Turnstile, goes: Left | Press) -> None:
    """Neither by an action, which works all the same, nor in free words, which are refused with the reason; until they write again."""
    await turnstile.submit(ADA.does(goes))
    before = await answers(desk.database, ADA)
    assert await do(desk, "attempt", given=Given(result="no-answer")) == []
    with pytest.raises(Refused, match="wants no messages"):
        await say(desk, "Hello")
    assert await answers(desk.database, ADA) == before
    await turnstile.submit(ADA.does(Text("hello")))
    assert len(await say(desk, "Hello")) == 1


async def test_free_words_reach_the_caller_as_they_are(desk: Desk, request_: StoredRequest, database: Database) -> None:
    """Marked as from a person, nothing in them markup; sealed in the history, and on no other request."""
    await say(desk, "  Dear Ada, *please* call.\n\nYours, Bea  ")
    words = await heard(desk)
    assert words.startswith(f"A person from our team writes to you about {request_.reference}:")
    assert "Dear Ada, *please* call.\n\nYours, Bea" in words
    async with database.read() as connection:
        entry = (await requests.history(connection, database.sealer, request_.id))[-1]
    assert (entry.who, entry.what, entry.note, entry.words) == ("bea", "wrote", "post", "Dear Ada, *please* call.\n\nYours, Bea")


@pytest.mark.parametrize(("words", "why"), [(" \n ", "nothing to send"), ("x" * 2001, "at most 2000")])
async def test_free_words_have_a_measure(desk: Desk, request_: StoredRequest, words: str, why: str) -> None:
    """What nobody could read is refused, and noted nowhere."""
    before = await history(desk)
    with pytest.raises(Refused, match=why):
        await say(desk, words)
    assert await history(desk) == before


async def test_nobody_is_written_to_after_a_withdrawal(desk: Desk, request_: StoredRequest, turnstile: Turnstile) -> None:
    """Not even by somebody whose page still shows the request as open."""
    await turnstile.submit(ADA.does(Press("withdraw:yes")))
    before = await answers(desk.database, ADA)
    with pytest.raises(Refused, match="is withdrawn"):
        async with desk.database.write() as connection:
            await messages.write(desk, connection, request_, "Hello", BEA, NOW)
    assert await answers(desk.database, ADA) == before


async def test_the_window_is_counted_from_their_last_message(desk: Desk, request_: StoredRequest, content: Content) -> None:
    """Where a channel takes free words for a day, staff see until when, and are refused afterwards; elsewhere there is no end."""
    async with desk.database.read() as connection:
        assert await messages.window(desk, connection, request_, NOW) == messages.Window(NOW + DAY)
        closed = await messages.window(desk, connection, request_, NOW + DAY)
        assert (closed.until, "not written for too long" in str(closed.closed)) == (NOW + DAY, True)
        everywhere = replace(desk, windows={"elsewhere": DAY})
        assert await messages.window(everywhere, connection, request_, NOW + 100 * DAY) == messages.Window()
    with pytest.raises(Refused, match="not written for too long"):
        await say(desk, "Hello", NOW + DAY)


async def test_canned_texts_are_filled_in(desk: Desk, request_: StoredRequest, content: Content) -> None:
    """In the caller's language, with their name and reference; the greeting falls away with the name."""
    english, german = messages.canned(desk, request_), messages.canned(desk, replace(request_, language="de"))
    assert [each.id for each in english] == [each.id for each in german] == [each.id for each in content.languages["ar"].canned]
    assert english[0].text.startswith("Hello Ada Fictional!\nWhich time")
    assert german[0].text.startswith("Guten Tag Ada Fictional!\nWelche Zeit")
    assert any(request_.reference in each.text for each in english)
    assert not any("{" in each.text for each in (*english, *german))
    assert messages.canned(desk, replace(request_, answers={}))[0].text.startswith("Which time")


async def test_held_letters_wait_for_their_people(desk: Desk, request_: StoredRequest) -> None:
    """On a channel whose people fetch their messages the letter is kept, and how long they have been silent is no matter."""
    [letter] = await do(replace(desk, held=frozenset({"post"})), "attempt", given=Given(result="no-answer"))
    assert letter.held
    assert [row.state for row in await stored(desk.database)][-1] == "held"


async def test_the_session_is_changed_and_nothing_else(
    desk: Desk, request_: StoredRequest, database: Database, turnstile: Turnstile
) -> None:
    """A message of ours is no sign of life: how long they are remembered, and the window, stay as they were."""
    async with database.read() as connection:
        before = await contacts.last_heard(connection, request_.contact)
    await do(desk, "attempt", now=LATER, given=Given(result="no-answer"))
    async with database.read() as connection:
        assert await contacts.last_heard(connection, request_.contact) == before
    await turnstile.submit(ADA.does(Text("1")))  # on the message that came: call me again
    assert (await history(desk))[-1][:2] == ("caller", "call again")


async def test_staff_and_caller_at_the_same_moment(desk: Desk, request_: StoredRequest, turnstile: Turnstile) -> None:
    """They wait for each other in one order: nobody is locked out, and what both did is there."""

    async def staff() -> None:
        for _ in range(5):
            await do(desk, "attempt", given=Given(result="no-answer"))

    async def caller() -> None:
        for _ in range(5):
            await turnstile.submit(ADA.does(Press(f"again:{request_.reference}")))
            await turnstile.submit(ADA.does(Press("status")))

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(staff(), caller())
    assert [entry[1] for entry in await history(desk)].count("attempt") == 5


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_the_command_line_writes_goes_out_once(desk: Desk, request_: StoredRequest, at_once: bool) -> None:
    """Without an owner the letter belongs to whichever running instance finds it; two that look at the same moment send it once."""
    database, post, other = desk.database, Post(), Post()
    lease = timedelta(seconds=0.4)
    async with database.write() as connection:
        await contacts.lock(connection, request_.contact)
        await connection.execute(outbox.delete())

    def clock() -> datetime:
        return NOW + timedelta(seconds=1)

    async with sending(database, post, "one", clock, lease=lease) as one, sending(database, other, "two", clock, lease=lease) as two:
        sharing = [asyncio.create_task(out.share()) for out in ((one, two) if at_once else (one,))]
        assert len(await do(replace(desk, owner=""), "attempt", given=Given(result="no-answer"))) == 1
        await emptied(database)
        for task in sharing:
            task.cancel()
    assert len(post.words(ADA)) + len(other.words(ADA)) == 1


@on_sqlite
async def test_looking_around_keeps_nobody_from_writing(desk: Desk, database: Database) -> None:
    """While there is nothing to take over an instance only reads."""
    async with sending(database, Post(), lease=timedelta(seconds=0.02)) as out, database.write():
        looking = asyncio.create_task(out._inherit())
        async with asyncio.timeout(PATIENCE):
            await looking
