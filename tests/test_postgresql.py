"""PostgreSQL when it breaks, and several instances that meet in it: nothing is lost, doubled or taken for poison."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

import pytest
from people import ADA, BOB, PATIENCE, acquainted, answers, open_turnstile, queue
from postgres import Cluster
from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.base import Unavailable
from bot.core.engine import advance
from bot.core.library import Content
from bot.core.model import Event, Inbound, Press, Session, Text, Turn
from bot.store.crypto import Sealer
from bot.store.database import Database, open_database
from bot.store.outages import is_outage
from bot.store.tables import contact_addresses, contacts, inbox, set_aside
from bot.turnstile import Turnstile

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
CROWD = [replace(BOB, address=f"chat-{number}", phone=f"+4420794600{number:02}") for number in range(40)]


async def count(database: Database, table: Table) -> int:
    async with database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0


@asynccontextmanager
async def instances(url: str, key: str, content: Content, number: int) -> AsyncIterator[list[Turnstile]]:
    """Turnstiles that share nothing but the server."""
    opened = await asyncio.gather(*(open_database(url, Sealer([key])) for _ in range(number)))
    running = [open_turnstile(each, content) for each in opened]
    try:
        yield [await each.__aenter__() for each in running]
    finally:
        for each in running:
            await each.__aexit__(None, None, None)
        for each_database in opened:
            await each_database.close()


async def test_a_broken_connection_is_replaced(database: Database, content: Content, cluster: Cluster) -> None:
    """When all connections are cut between two events the next event is handled at once."""
    async with open_turnstile(database, content) as turnstile:
        await turnstile.submit(ADA.does(Text("sleep")))
        cluster.sql(TERMINATE)
        await turnstile.submit(ADA.does(Text("speech")))
    assert len(await answers(database, ADA)) == 2


async def test_a_connection_cut_in_a_round_is_an_outage(database: Database, content: Content, cluster: Cluster) -> None:
    """An event whose round loses its connection is refused, leaves nothing, and is handled when it comes again."""
    cuts = [TERMINATE]

    def cutting(session: Session, event: Event, content: Content, now: datetime) -> Turn:
        if cuts:
            cluster.sql(cuts.pop())
        return advance(session, event, content, now)

    inbound = ADA.does(Text("sleep"))
    async with open_turnstile(database, content, step=cutting) as turnstile:
        with pytest.raises(Unavailable):
            await turnstile.submit(inbound)
        assert await count(database, inbox) == 0
        await turnstile.submit(inbound)
    assert len(await answers(database, ADA)) == 1
    assert await count(database, set_aside) == 0


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_server_that_is_away_is_an_outage(database: Database, content: Content, cluster: Cluster, mode: str) -> None:
    """While the server is stopped events are refused; when it runs again they are handled, once."""
    inbound = ADA.does(Text("sleep"))
    async with open_turnstile(database, content) as turnstile:
        await turnstile.submit(BOB.does(Text("sleep")))
        cluster.stop(mode)
        try:
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await turnstile.submit(inbound)
        finally:
            cluster.start()
        await turnstile.submit(inbound)
        await turnstile.submit(inbound)
    assert [len(await answers(database, person)) for person in (ADA, BOB)] == [1, 1]
    assert await count(database, set_aside) == 0


async def test_a_server_that_takes_no_writes_is_an_outage(database: Database, content: Content, cluster: Cluster) -> None:
    """What was the main server before a failover refuses writes; the connection to it is not used again."""
    name = database.engine.url.database
    inbound = ADA.does(Text("sleep"))
    async with open_turnstile(database, content) as turnstile:
        cluster.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await database.engine.dispose()
        try:
            with pytest.raises(Unavailable):
                await turnstile.submit(inbound)
        finally:
            cluster.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await turnstile.submit(inbound)
    assert len(await answers(database, ADA)) == 1


async def test_what_cannot_be_opened_is_an_outage(url: str, key: str) -> None:
    """No server, no database, no such user: each is told apart from a fault of ours."""
    for wrong in ("postgresql+asyncpg://bot@127.0.0.1:1/x", url.replace("/test", "/none"), url.replace("bot@", "nobody@")):
        with pytest.raises(Exception) as failure:  # noqa: PT011 is_outage tells
            await open_database(wrong, Sealer([key]))
        assert is_outage(failure.value)


async def test_processes_that_start_at_once_migrate_once(cluster: Cluster, url: str, key: str) -> None:
    """Five that open an empty database at the same time all find it migrated, with one lookup secret."""
    with cluster.database() as empty:
        opened = await asyncio.gather(*(open_database(empty, Sealer([key])) for _ in range(5)))
        assert len({database.lookup for database in opened}) == 1
        await asyncio.gather(*(database.close() for database in opened))


async def test_a_new_person_at_two_instances_is_one(database: Database, url: str, key: str, content: Content) -> None:
    """First messages of the same people that reach three instances at once, in any order, make one contact each and are all answered."""
    async with instances(url, key, content, 3) as turnstiles:
        said = [[person.does(Text(words)) for person in CROWD] for words in ("sleep", "speech", "eyes")]
        said[1].reverse()
        async with asyncio.timeout(2 * PATIENCE):
            await asyncio.gather(*(one.submit(each) for one, some in zip(turnstiles, said, strict=True) for each in some))
    assert await count(database, contacts) == await count(database, contact_addresses) == len(CROWD)
    assert {len(await answers(database, person)) for person in CROWD} == {3}
    assert await count(database, set_aside) == 0


async def test_one_update_at_three_instances_is_handled_once(database: Database, url: str, key: str, content: Content) -> None:
    """The same updates delivered to three instances at once, in different orders, are handled and answered once."""
    updates = [person.does(Text("sleep")) for person in CROWD]
    async with instances(url, key, content, 3) as turnstiles:
        async with asyncio.timeout(2 * PATIENCE):
            orders = zip(turnstiles, (updates, updates[::-1], updates[20:] + updates[:20]), strict=True)
            await asyncio.gather(*(one.submit(each) for one, some in orders for each in some))
    assert {len(await answers(database, person)) for person in CROWD} == {1}
    assert await count(database, inbox) == await count(database, contacts) == len(CROWD)


async def test_send_pressed_at_two_instances_makes_one_request(database: Database, url: str, key: str, content: Content) -> None:
    """Known people whose last press reaches two instances at once, in opposite orders, have one request each."""
    async with instances(url, key, content, 2) as (one, two):

        async def intake(steps: list[Inbound]) -> None:
            for step in steps:
                await one.submit(step)

        await asyncio.gather(*(intake(person.intake(content)[:-1]) for person in CROWD))
        presses = [[person.does(Press("send")) for person in CROWD] for _ in range(2)]
        await asyncio.gather(*map(one.submit, presses[0]), *map(two.submit, reversed(presses[1])))
    assert len(await queue(database)) == len(CROWD)
    assert await count(database, set_aside) == 0


async def test_a_deadlock_is_tried_again(database: Database, content: Content) -> None:
    """A round that the server ends as a victim of a deadlock passes on the next try; nobody's event is refused or set aside."""
    ada, bob = await acquainted(database, ADA, BOB)

    async def lock(connection: AsyncConnection, number: int) -> None:
        await connection.execute(select(contacts.c.id).where(contacts.c.id == number).with_for_update())

    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with open_turnstile(database, content) as turnstile:
        async with database.write() as other:
            await other.execute(text("SET LOCAL deadlock_timeout = '60s'"))  # the round notices first
            await lock(other, bob.id)
            both = asyncio.gather(*(turnstile.submit(person.does(Text("sleep"))) for person in (ADA, BOB)))
            async with asyncio.timeout(PATIENCE):
                while not await other.scalar(waiting):  # noqa: ASYNC110 the server does not tell
                    await asyncio.sleep(0.01)
            await lock(other, ada.id)
        await both
    assert [len(await answers(database, person)) for person in (ADA, BOB)] == [1, 1]
    assert await count(database, set_aside) == 0


async def test_an_error_that_stays_is_poison(database: Database, content: Content) -> None:
    """An event that breaks a rule of the tables each time is no conflict for ever: it is set aside."""

    def twice(session: Session, event: Event, content: Content, now: datetime) -> Turn:
        turn = advance(session, event, content, now)
        return replace(turn, effects=tuple(each for each in turn.effects for _ in range(2)))

    async with open_turnstile(database, content) as turnstile:
        for step in BOB.intake(content)[:-1]:
            await turnstile.submit(step)
    async with open_turnstile(database, content, step=twice) as turnstile:
        await turnstile.submit(BOB.does(Press("send")))
    assert (await count(database, set_aside), await queue(database)) == (1, [])
