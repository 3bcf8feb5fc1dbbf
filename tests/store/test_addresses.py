"""Whose an address is: one person under a number, under the platform's own id, or under both; and what moves when two are one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from people import NOW, open_turnstile, queue
from sqlalchemy import func, select, update

from bot.core.effects import GiveConsent, SendRequest
from bot.core.engine import advance
from bot.core.library import Content
from bot.core.model import Draft, Event, Inbound, Moved, Press, Reply, Session, Started, Text, Turn
from bot.rounds import waiting
from bot.store import contacts, outbox, requests
from bot.store.addresses import RECYCLED, Directory
from bot.store.contacts import Contact
from bot.store.database import Database
from bot.store.outbox import Letter
from bot.store.requests import StoredRequest
from bot.store.tables import consents, contact_addresses
from bot.store.tables import contacts as people_table
from bot.store.tables import outbox as letters_table
from bot.store.tables import requests as requests_table

CHANNEL = "whatsapp"
N1, N2, N3 = "447700900123", "447700900777", "447700900999"
A, B = "GB.13491208655302741918", "GB.9999999999999"
HOUR = timedelta(hours=1)
Names = tuple[str, ...]


def says(*names: str, event: Event | None = None, update_id: str = "1", at: datetime = NOW) -> Inbound:
    """By a number, an id, or both."""
    number, user_id = next((n for n in names if n.isdecimal()), ""), next((n for n in names if not n.isdecimal()), "")
    return Inbound(CHANNEL, number or user_id, update_id, at, event or Text("hello"), user_id=user_id)


@asynccontextmanager
async def directory(database: Database, *inbounds: Inbound) -> AsyncIterator[Directory]:
    """As a round has it for these events."""
    keys = {key for inbound in inbounds for key in waiting(database, inbound).keys}
    async with database.write() as connection:
        made = Directory(connection, database.sealer, NOW)
        await made.look_up(keys)
        yield made


async def heard(database: Database, *names: str) -> Contact:
    """The contact after a message that shows these names."""
    inbound = says(*names)
    async with directory(database, inbound) as known:
        event = waiting(database, inbound)
        return await known.settle(event.names) or (await known.add([event.names]))[0]


async def moved(database: Database, content: Content, *shown: str, to: Names, at: datetime = NOW) -> None:
    """The platform's note that who goes by the names goes by others now, as it comes in."""
    new = says(*to)
    event = Moved("" if new.address == new.user_id else new.address, new.user_id)
    async with open_turnstile(database, content) as turnstile:
        await turnstile.submit(says(*shown, event=event, update_id="note", at=at))


async def names(database: Database, person: int) -> set[str]:
    """The names the person is stored under, each found by its own key and marked as what it is."""
    async with database.read() as connection:
        rows = list(await connection.execute(select(contact_addresses).where(contact_addresses.c.contact_id == person)))
    found = {database.sealer.open(row.address).decode(): row for row in rows}
    assert {name: (row.chat, row.lasting) for name, row in found.items()} == {
        name: (database.chat(CHANNEL, name), not name.isdecimal()) for name in found
    }
    return set(found)


async def everybody(database: Database) -> list[int]:
    async with database.read() as connection:
        return list(await connection.scalars(select(people_table.c.id).order_by(people_table.c.id)))


async def remember(database: Database, contact: Contact, session: Session, seen: datetime) -> None:
    async with database.write() as connection:
        await contacts.save(connection, database.sealer, [replace(contact, session=session, seen_at=seen)])


async def ask(database: Database, contact: Contact, reference: str, *, due: timedelta = HOUR, claimed: bool = False) -> None:
    """An open request with its consent, and a letter on its way."""
    sent = SendRequest(reference, {"phone": f"+{N1}"}, "en", "", NOW + due)
    async with database.write() as connection:
        await requests.give_consent(connection, contact.id, GiveConsent("1", "en", reference), NOW)
        await requests.send(connection, database, contact.id, CHANNEL, sent, NOW)
        letter = Letter(CHANNEL, contact.chat, N1, Reply((), echo=reference), contact=contact.id)
        await outbox.write(connection, database.sealer, [letter], "me", NOW)
    if claimed:
        [stored] = [request for request in await queue(database) if request.reference == reference]
        async with database.write() as connection:
            assert await requests.put(connection, stored, {"state": "claimed", "claimed_by": "bea"})


async def belongings(database: Database, person: int) -> list[int]:
    """How many addresses, requests, consents and letters the person has."""
    tables = (contact_addresses, requests_table, consents, letters_table)
    async with database.read() as connection:
        return [
            await connection.scalar(select(func.count()).select_from(table).where(table.c.contact_id == person)) or 0 for table in tables
        ]


@pytest.mark.parametrize("shown", [(N1,), (A,), (A, N1)], ids=["number", "id", "both"])
async def test_who_is_new_is_made_once(database: Database, shown: Names) -> None:
    """Nobody's names yet make one contact that has just these, and is found by each of them afterwards."""
    made = await heard(database, *shown)
    assert await names(database, made.id) == set(shown)
    for name in shown:
        assert (await heard(database, name)).id == made.id
    assert await everybody(database) == [made.id]


async def test_all_messages_to_somebody_wait_in_one_line(database: Database) -> None:
    """The first answer is kept under the same chat as the later ones: under two they would overtake each other when one is sent again."""
    pairs = [(f"GB.{10**15 + number}", f"4477009001{number:02}") for number in range(12)]  # the chats' order is a matter of chance
    first = [(await heard(database, *pair)).chat for pair in pairs]
    assert [(await heard(database, *pair)).chat for pair in pairs] == first


@pytest.mark.parametrize(("first", "second"), [((N1,), (A, N1)), ((A,), (A, N1))], ids=["an id to a number", "a number to an id"])
async def test_the_second_name_is_added(database: Database, first: Names, second: Names) -> None:
    """Who is known by one name and writes under both is the same person, with both."""
    made = await heard(database, *first)
    assert (await heard(database, *second)).id == made.id
    assert await names(database, made.id) == {A, N1}


async def test_a_new_number_takes_the_place_of_the_old(database: Database) -> None:
    """Somebody with an id who writes from another number has that number alone; the old one is nobody's."""
    made = await heard(database, A, N1)
    assert (await heard(database, A, N2)).id == made.id
    assert await names(database, made.id) == {A, N2}
    assert (await heard(database, N1)).id != made.id


async def test_a_number_that_changed_hands(database: Database) -> None:
    """A known number with another id is somebody new; its former owner keeps the id, and loses the number."""
    made = await heard(database, A, N1)
    stranger = await heard(database, B, N1)
    assert stranger.id != made.id
    assert await names(database, made.id) == {A}
    assert await names(database, stranger.id) == {B, N1}
    assert (await heard(database, N1)).id == stranger.id


async def test_a_number_passes_between_two_who_are_known(database: Database) -> None:
    """A number seen with somebody else's known id goes over to them; nobody is joined."""
    ada, bob = await heard(database, A, N1), await heard(database, B, N2)
    assert (await heard(database, B, N1)).id == bob.id
    assert (await names(database, ada.id), await names(database, bob.id)) == ({A}, {B, N1})


async def test_names_of_another_channel_are_other_names(database: Database) -> None:
    """A number on one channel says nothing about the same number on another."""
    made = await heard(database, A, N1)
    other = replace(says(B, N1), channel="elsewhere")
    async with directory(database, other) as known:
        event = waiting(database, other)
        assert await known.settle(event.names) is None
        await known.add([event.names])
    assert await names(database, made.id) == {A, N1}


async def test_an_empty_list_of_newcomers_makes_nobody(database: Database) -> None:
    """Where nobody is new, nobody is made."""
    async with directory(database, says(A)) as known:
        assert await known.add([]) == []
    assert await everybody(database) == []


@pytest.mark.parametrize("newest", ["by number", "by id"])
async def test_two_who_are_one_are_joined(database: Database, newest: str) -> None:
    """The conversation heard last goes on; requests and their count, consents, letters, names come together."""
    by_number, by_id = await heard(database, N1), await heard(database, A)
    hours = {"by number": (3, 1), "by id": (1, 3)}[newest]
    said = [Session(language="de", screen="ask:name", draft=Draft(NOW, {"name": "J"}), sent=5), Session(language="en", sent=2)]
    for contact, session, hour in zip((by_number, by_id), said, hours, strict=True):
        await remember(database, contact, session, NOW + hour * HOUR)
    await ask(database, by_number, "OMS-0001")
    joined = await heard(database, A, N1)
    assert joined.id == by_id.id
    assert joined.session == replace(said[newest == "by id"], sent=7)
    assert joined.seen_at == NOW + 3 * HOUR
    assert replace(await heard(database, N1), chat="") == replace(joined, chat="")
    async with database.read() as connection:
        row = (await connection.execute(select(people_table))).one()
    assert (row.draft_at, row.seen_at) == (NOW if newest == "by number" else None, NOW + 3 * HOUR)
    assert await everybody(database) == [by_id.id]
    assert await belongings(database, by_id.id) == [2, 1, 1, 1]
    assert await belongings(database, by_number.id) == [0, 0, 0, 0]
    assert await names(database, by_id.id) == {A, N1}


async def test_who_is_joined_keeps_no_old_number(database: Database) -> None:
    """Somebody with id and number who turns out to be another number's owner has the number they write from, and no other."""
    known = await heard(database, A, N1)
    await heard(database, N2)
    assert (await heard(database, A, N2)).id == known.id
    assert await names(database, known.id) == {A, N2}


async def notes(database: Database, request: StoredRequest) -> list[tuple[str, str]]:
    async with database.read() as connection:
        return [(entry.what, entry.note) for entry in await requests.history(connection, database.sealer, request.id)]


@pytest.mark.parametrize(("claimed", "kept", "closed"), [("OMS-0001", "OMS-0001", "OMS-0002"), ("", "OMS-0002", "OMS-0001")])
@pytest.mark.parametrize("hours", [(1, 9), (9, 1)])
async def test_of_two_open_requests_one_goes_on(database: Database, hours: tuple[int, int], claimed: str, kept: str, closed: str) -> None:
    """The claimed one, or else the newest, by the earlier promise; the other is closed and says why."""
    for name, reference, hour in ((N1, "OMS-0001", hours[0]), (A, "OMS-0002", hours[1])):
        await ask(database, await heard(database, name), reference, due=hour * HOUR, claimed=claimed == reference)
    person = await heard(database, A, N1)
    found = {request.reference: request for request in await queue(database)}
    assert (found[kept].state, found[closed].state) == ("claimed" if claimed else "new", "closed")
    assert found[kept].due_at == NOW + HOUR
    assert found[closed].ended_at == NOW
    assert await notes(database, found[closed]) == [("sent", ""), ("closed", f"same person as {kept}")]
    assert ("closed", f"same person as {kept}") not in await notes(database, found[kept])
    async with database.read() as connection:
        assert (await requests.open_requests(connection, database.sealer, [person.id]))[person.id].reference == kept


@pytest.mark.parametrize(
    ("before", "told", "to", "after"),
    [
        ((A, N1), (A, N1), (N2,), {A, N2}),
        ((A, N1), (N1,), (N2,), {A, N2}),
        ((N1,), (N1,), (N2,), {N2}),
        ((A, N1), (A,), (B,), {B, N1}),
        ((A, N1), (N1,), (B,), {B, N1}),
        ((A, N1), (A, N1), (B, N2), {B, N2}),
        ((N1,), (N1,), (B, N2), {B, N2}),
        ((N1,), (A, N1), (N2,), {A, N2}),
        ((N1,), (A, N1), (B,), {B, N1}),
        ((N1,), (A, N1), (B, N2), {B, N2}),
        ((A, N1), (A, N1), (A, N1), {A, N1}),
    ],
)
async def test_a_person_moves(database: Database, content: Content, before: Names, told: Names, to: Names, after: set[str]) -> None:
    """After a note of a change the person has the new names, and of their kind no other; what is not told stays."""
    person = await heard(database, *before)
    await moved(database, content, *told, to=to)
    assert await names(database, person.id) == after
    assert await everybody(database) == [person.id]


async def test_a_move_of_nobody_changes_nothing(database: Database, content: Content) -> None:
    """A note about somebody who never wrote makes no contact and moves no other."""
    other = await heard(database, B, N2)
    await moved(database, content, A, N1, to=(N2,))
    assert await names(database, other.id) == {B, N2}
    assert await everybody(database) == [other.id]


async def test_a_note_of_somebody_else_who_had_the_number(database: Database, content: Content) -> None:
    """A note that names an id nobody has, and a number that belongs to another id, moves nobody."""
    other = await heard(database, B, N1)
    await moved(database, content, A, N1, to=(N2,))
    assert await names(database, other.id) == {B, N1}


@pytest.mark.parametrize("early", [(N2,), (B,), (B, N2)], ids=["number", "id", "both"])
async def test_who_wrote_before_the_note_is_the_same(database: Database, content: Content, early: Names) -> None:
    """Who has already written under the new names is joined by the note: requests and letters come together."""
    person = await heard(database, A, N1)
    await ask(database, person, "OMS-0001")
    await ask(database, await heard(database, *early), "OMS-0002")
    await moved(database, content, A, N1, to=(B, N2))
    assert await everybody(database) == [person.id]
    assert await names(database, person.id) == {B, N2}
    assert await belongings(database, person.id) == [2, 2, 2, 2]


async def test_a_number_that_was_somebody_elses_joins_nobody(database: Database, content: Content) -> None:
    """Who moves to a number whose former owner has an id of their own gets the number, and not that person's requests."""
    person, former = await heard(database, A, N1), await heard(database, B, N2)
    await ask(database, former, "OMS-0002")
    await moved(database, content, A, N1, to=(N2,))
    assert await everybody(database) == [person.id, former.id]
    assert (await names(database, person.id), await names(database, former.id)) == ({A, N2}, {B})
    assert (await belongings(database, former.id))[1:] == [1, 1, 1]


async def test_a_number_that_was_silent_since_the_change_is_somebody_elses(database: Database, content: Content) -> None:
    """Who moves to a number that last wrote before the change does not get the requests of whoever had it, who has no id."""
    person, former = await heard(database, A, N1), await heard(database, N2)
    await ask(database, former, "OMS-0002")
    await remember(database, former, Session(), NOW - HOUR)
    await moved(database, content, A, N1, to=(N2,))
    assert await everybody(database) == [person.id, former.id]
    assert (await names(database, person.id), await names(database, former.id)) == ({A, N2}, set())
    assert (await belongings(database, former.id))[1:] == [1, 1, 1]


@pytest.mark.parametrize(("told", "after"), [((N1,), {N1}), ((A, N1), {A, N2})], ids=["by number", "by id"])
async def test_a_late_note_is_believed_of_an_id_only(database: Database, content: Content, told: Names, after: set[str]) -> None:
    """A note that names a number alone, and comes after that number has written again, says nothing of who writes from it."""
    person = await heard(database, *told)
    await moved(database, content, *told, to=(N2,), at=NOW - HOUR)
    assert await names(database, person.id) == after


@pytest.mark.parametrize(("silent", "same"), [(RECYCLED, True), (RECYCLED + timedelta(seconds=1), False)])
async def test_a_number_that_was_silent_for_long_is_somebody_elses(database: Database, silent: timedelta, same: bool) -> None:
    """A number that comes with an id for the first time after WhatsApp gives numbers anew is a new person's."""
    person = await heard(database, N1)
    await remember(database, person, Session(), NOW - silent)
    assert ((await heard(database, A, N1)).id == person.id) == same
    assert await names(database, person.id) == ({A, N1} if same else set())


class Slow:
    """`advance` with a memory of what it was given."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, Event]] = []

    def __call__(self, session: Session, event: Event, content: Content, now: datetime) -> Turn:
        self.taken.append((session.number, event))
        return advance(session, event, content, now)


async def test_two_names_of_one_person_at_once_are_handled_in_turn(database: Database, content: Content) -> None:
    """A request is answered under number, id and both at the same moment: in order, each from where the last led, nothing lost."""
    step = Slow()
    yes = f"consent:yes:{content.structure.consent_version}"
    events: list[tuple[Event, Names]] = [
        (Started(), (N1,)), (Press("callback"), (A,)), (Press(yes), (N1,)), (Text("+44 7700 900123"), (A,)), (Press("send"), (N1,)),
    ]  # fmt: skip
    await heard(database, A, N1)
    async with open_turnstile(database, content, step=step) as turnstile:
        inbounds = [says(*shown, event=event, update_id=str(number)) for number, (event, shown) in enumerate(events)]
        await asyncio.gather(*map(turnstile.submit, inbounds))
    assert [event for _, event in step.taken] == [event for event, _ in events]
    [person] = await everybody(database)
    assert {number for number, _ in step.taken} == {person}
    [request] = await queue(database)
    assert request.answers["phone"] == "+447700900123"
    async with database.read() as connection:
        letters = list(await connection.scalars(select(letters_table.c.contact_id).order_by(letters_table.c.id)))
    assert letters == [person] * len(events)


async def test_a_stranger_does_not_wait_for_them(database: Database, content: Content) -> None:
    """While a person's second event waits for their first, somebody else's is handled in the first round."""
    step = Slow()
    person = await heard(database, A, N1)
    async with open_turnstile(database, content, step=step) as turnstile:
        said = [says(N1, update_id="1"), says(A, update_id="2", event=Text("menu")), says(B, N3, update_id="3", event=Text("symptoms"))]
        await asyncio.gather(*map(turnstile.submit, said))
    first, second, third = step.taken
    assert (first, third) == ((person.id, Text("hello")), (person.id, Text("menu")))
    assert second[1] == Text("symptoms")


async def test_names_joined_by_an_event_hold_up_what_comes_after(database: Database, content: Content) -> None:
    """Number, both, id, at once from a stranger: one contact in the end, and the answers in order."""
    step = Slow()
    yes = f"consent:yes:{content.structure.consent_version}"
    async with open_turnstile(database, content, step=step) as turnstile:
        events: list[Event] = [Text("hello"), Press("callback"), Press(yes), Text("+44 7700 900123")]
        shown = ((N1,), (A, N1), (A,), (N1,))
        said = [says(*each, update_id=str(number), event=event) for number, (each, event) in enumerate(zip(shown, events, strict=True))]
        await asyncio.gather(*map(turnstile.submit, said))
    assert [event for _, event in step.taken] == [inbound.event for inbound in said]
    [person] = await everybody(database)
    [found] = [await heard(database, N1)]
    assert found.id == person
    assert found.session.draft is not None
    assert found.session.draft.answers["phone"] == "+447700900123"


async def test_the_note_of_a_change_is_no_sign_of_life(database: Database, content: Content) -> None:
    """A note of a change is answered with nothing and does not open the window for free words again."""
    person = await heard(database, A, N1)
    async with database.write() as connection:
        await connection.execute(update(people_table).values(seen_at=NOW - 30 * HOUR))
    async with open_turnstile(database, content) as turnstile:
        await turnstile.submit(says(A, N1, event=Moved(N2)))
        await turnstile.submit(says(N3, event=Moved(B), update_id="2"))
    async with database.read() as connection:
        assert await contacts.last_heard(connection, person.id) == NOW - 30 * HOUR
        assert await connection.scalar(select(func.count()).select_from(letters_table)) == 0
    assert await everybody(database) == [person.id]
    assert await names(database, person.id) == {A, N2}
