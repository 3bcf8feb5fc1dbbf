"""People, requests, letters and counts are kept as they were given."""

from dataclasses import replace
from datetime import timedelta

from people import ADA, BOB, NOW, Person, acquainted, queue
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.effects import ChangeRequest, Count, GiveConsent, SendRequest
from bot.core.model import Draft, OpenRequest, Profile, Reply, Session, Started
from bot.store import contacts, counts, outbox, requests, tables
from bot.store.contacts import Contact
from bot.store.database import Database, open_database
from bot.store.outbox import Letter
from bot.store.tables import consents, daily_counts

SENT = SendRequest("OMS-0001", {"name": ADA.name, "phone": ADA.phone}, "en", "costs", NOW + timedelta(hours=8))


async def save(database: Database, contact: Contact, session: Session) -> None:
    async with database.write() as connection:
        await contacts.save(connection, database.sealer, [replace(contact, session=session)])


async def send(database: Database, person: Person, request: SendRequest = SENT) -> int:
    [contact] = await acquainted(database, person)
    async with database.write() as connection:
        await requests.send(connection, database, contact.id, person.channel, request, NOW)
    return contact.id


async def spoken_in(database: Database) -> list[str]:
    async with database.read() as connection:
        return list(await connection.scalars(select(tables.requests.c.call_language)))


async def test_the_language_of_the_call_is_kept_with_the_answers(database: Database) -> None:
    """It is the one the caller chose, then the one they changed to; that of the chat where they chose none, and when answers are gone."""
    await send(database, ADA, replace(SENT, answers={**SENT.answers, "language": "de"}))
    assert await spoken_in(database) == ["de"]
    for answers, expected in (({**SENT.answers, "language": "ar"}, "ar"), (SENT.answers, "en"), ({**SENT.answers, "language": "ru"}, "ru")):
        async with database.write() as connection:
            await requests.change(connection, database, ChangeRequest(SENT.reference, answers, SENT.topic), NOW)
        assert await spoken_in(database) == [expected]
    async with database.write() as connection:
        await requests.withdraw(connection, database, SENT.reference, NOW)
    assert await spoken_in(database) == ["en"]


async def test_update_ids_are_new_once_per_channel(database: Database) -> None:
    """An update id is new the first time only, and the same id of another channel is another one."""
    first, other = ADA.does(Started(), "7"), replace(ADA, channel="web").does(Started(), "7")
    async with database.write() as connection:
        assert await contacts.first_seen(connection, [first], NOW) == {("post", "7")}
    async with database.write() as connection:
        assert await contacts.first_seen(connection, [first, other], NOW) == {("web", "7")}


async def test_an_update_id_that_comes_twice_at_once_is_new_once(database: Database) -> None:
    """Of several that come together, known ones and doubles among them, those that are new are told, whatever their order."""
    ids = ("9", "3", "7", "3", "1", "7")
    async with database.write() as connection:
        await contacts.first_seen(connection, [ADA.does(Started(), "7")], NOW)
    async with database.write() as connection:
        found = await contacts.first_seen(connection, [ADA.does(Started(), number) for number in ids], NOW)
        assert found == {("post", "9"), ("post", "3"), ("post", "1")}
        assert await contacts.first_seen(connection, [], NOW) == set()


async def test_a_person_is_an_address_on_a_channel(database: Database) -> None:
    """The same address is found again as the same contact; on another channel it is somebody else."""
    ada, bob, web = await acquainted(database, ADA, BOB, replace(ADA, channel="web"))
    assert len({ada.id, bob.id, web.id}) == 3
    assert await acquainted(database, BOB, ADA) == [bob, ada]


async def test_sessions_survive_reopening(database: Database, url: str) -> None:
    """A saved session is there after the database was closed and opened again, down to the draft."""
    session = Session(language="en", screen="ask:phone", path=("page:symptoms",), draft=Draft(NOW, {"name": "Ada"}, 2), consent="1", sent=3)
    [contact] = await acquainted(database, ADA)
    await save(database, contact, session)
    await database.close()
    reopened = await open_database(url, database.sealer)
    assert await acquainted(reopened, ADA) == [replace(contact, session=session)]
    await reopened.close()


async def test_what_comes_anew_is_not_kept_twice(database: Database) -> None:
    """Profile, number and request come with each event or from the queue, so the session keeps none of them."""
    [contact] = await acquainted(database, ADA)
    request = OpenRequest("OMS-0001", "new", NOW, NOW)
    await save(database, contact, Session(number=9, language="en", profile=Profile(name=ADA.name), request=request))
    assert (await acquainted(database, ADA))[0].session == Session(language="en")


async def test_who_left_is_marked(database: Database) -> None:
    """A person who cannot be written to any more is marked, the rest of the session unharmed."""
    [contact] = await acquainted(database, ADA)
    await save(database, contact, Session(language="de"))
    async with database.write() as connection:
        await contacts.mark_left(connection, database.sealer, contact.id)
    assert (await acquainted(database, ADA))[0].session == Session(language="de", left=True)


async def test_a_request_is_kept_as_sent(database: Database) -> None:
    """A sent request is open for its person with the answers given, and for nobody else."""
    number = await send(database, ADA)
    [bob] = await acquainted(database, BOB)
    async with database.read() as connection:
        found = await requests.open_requests(connection, database.sealer, [number, bob.id])
        assert await requests.open_requests(connection, database.sealer, [bob.id]) == {}
        stored = await requests.find(connection, database.sealer, " oms-0001 ")
        assert stored is not None
        history = await requests.history(connection, database.sealer, stored.id)
    assert found == {number: OpenRequest("OMS-0001", "new", NOW, SENT.due_at, SENT.answers, next_at=SENT.due_at)}
    assert (stored.reference, stored.topic, stored.answers, stored.channel) == ("OMS-0001", "costs", SENT.answers, "post")
    assert history == [requests.Entry(NOW, requests.CALLER, "sent", "", "")]


async def test_a_change_reaches_the_open_request_only(database: Database) -> None:
    """Changed answers replace the old ones while the request is open; a closed one stays as it was."""
    await send(database, ADA)
    email = ChangeRequest("OMS-0001", {"email": "ada@example.com"}, "other")
    async with database.write() as connection:
        await requests.change(connection, database, email, NOW)
    [changed] = await queue(database)
    assert (changed.answers, changed.topic) == (email.answers, "other")
    async with database.write() as connection:
        assert await requests.put(connection, changed, {"state": "closed", "claimed_by": "bea", "ended_at": NOW})
        await requests.change(connection, database, replace(email, answers={"email": "new@example.com"}), NOW)
    assert (await queue(database))[0].answers == email.answers


async def test_withdrawing_empties_the_request_and_ends_the_consent(database: Database) -> None:
    """After a withdrawal the queue knows no detail, and the consent has an end; other people's stay."""
    ada, bob = await send(database, ADA), await send(database, BOB, replace(SENT, reference="OMS-0002"))

    async def consented(connection: AsyncConnection) -> list[int]:
        return list(await connection.scalars(select(consents.c.contact_id).where(consents.c.withdrawn_at.is_(None))))

    async with database.write() as connection:
        for number in (ada, bob):
            await requests.give_consent(connection, number, GiveConsent("1", "en", "yes"), NOW)
        await requests.withdraw(connection, database, "OMS-0001", NOW)
        await requests.end_consent(connection, ada, NOW)
        assert await consented(connection) == [bob]
        assert (await requests.open_requests(connection, database.sealer, [ada, bob])).keys() == {bob}
    states = {request.reference: (request.state, request.answers) for request in await queue(database)}
    assert states == {"OMS-0001": ("withdrawn", {}), "OMS-0002": ("new", SENT.answers)}


async def test_the_most_urgent_request_comes_first(database: Database) -> None:
    """The list is ordered by when the call was promised and holds only the states asked for."""
    for person, reference, hours in ((ADA, "OMS-0001", 9), (BOB, "OMS-0002", 3)):
        await send(database, person, replace(SENT, reference=reference, due_at=NOW + timedelta(hours=hours)))
    assert [request.reference for request in await queue(database)] == ["OMS-0002", "OMS-0001"]
    async with database.read() as connection:
        assert await requests.listed(connection, database.sealer, ["closed"]) == []


async def test_a_state_changes_only_from_what_it_was(database: Database) -> None:
    """Changing a request says no when it is not any more as it was read."""
    await send(database, ADA)
    [request] = await queue(database)
    async with database.write() as connection:
        assert await requests.put(connection, request, {"state": "claimed", "claimed_by": "bea"})
        assert not await requests.put(connection, request, {"state": "claimed", "claimed_by": "kim"})
    assert (await queue(database))[0].claimed_by == "bea"


async def test_letters_keep_their_order_and_words(database: Database) -> None:
    """Letters get rising numbers, and those to be fetched come back oldest first, after the last one seen."""
    letters = [Letter("web", "c", "a", Reply((), language=code), held=True) for code in ("en", "de", "ar", "ru")]
    async with database.write() as connection:
        ids = await outbox.write(connection, database.sealer, [*letters, Letter("web", "other", "b", Reply(()), held=True)], "me", NOW)
        assert ids == sorted(ids)

        async def fetched(after: int, limit: int) -> list[str]:
            return [letter.reply.language for letter in await outbox.held(connection, database.sealer, "web", "c", after, limit)]

        assert await fetched(0, 10) == ["en", "de", "ar", "ru"]
        assert await fetched(ids[1], 10) == ["ar", "ru"]
        assert await fetched(0, 2) == ["ar", "ru"]


async def test_the_outbox_can_be_counted(database: Database) -> None:
    """Ready, held and dead letters are counted apart, and delivered ones are gone."""
    async with database.write() as connection:
        letters = [Letter("post", "c", "a", Reply(()), held=held) for held in (False, False, False, True)]
        ids = await outbox.write(connection, database.sealer, letters, "me", NOW)
        await outbox.sent(connection, ids[:1])
        assert not await outbox.failed(connection, ids[1], "other", 4, "away", dead=True)  # taken over meanwhile
        assert await outbox.failed(connection, ids[1], "me", 3, "blocked", dead=True)
        assert await outbox.sizes(connection) == {"ready": 1, "dead": 1, "held": 1}


async def test_counts_add_up_by_day(database: Database) -> None:
    """The same thing counted twice in one round and once in the next makes three, on its own day."""
    page, other = Count("page", "symptoms"), Count("page", "treatment")
    async with database.write() as connection:
        await counts.add(connection, [page, other, page], NOW.date())
        await counts.add(connection, [page], NOW.date())
        await counts.add(connection, [page], NOW.date() + timedelta(days=1))
        rows = (await connection.execute(select(daily_counts).order_by(daily_counts.c.day, daily_counts.c.detail))).all()
    assert [(row.day.day, row.detail, row[3]) for row in rows] == [(23, "symptoms", 3), (23, "treatment", 1), (24, "symptoms", 1)]


async def test_the_last_run_of_a_job_is_known(database: Database) -> None:
    """The newest run of a job is found; a job that never ran has none."""
    async with database.write() as connection:
        for hours in (0, 5):
            await counts.job_done(connection, "sweep", NOW + timedelta(hours=hours), 1)
        assert await counts.last_run(connection, "sweep") == NOW + timedelta(hours=5)
        assert await counts.last_run(connection, "never") is None
