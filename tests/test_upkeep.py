"""Upkeep: every job removes what has outlived its purpose and nothing else, and leaves its proof."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from people import NOW
from sqlalchemy import Table, insert, select

from bot import upkeep
from bot.core.library import Content
from bot.core.model import SESSION_JSON, Draft, Session
from bot.shelf import Shelf
from bot.store import counts
from bot.store.database import Database
from bot.store.tables import contact_addresses, contacts, inbox, job_runs, outbox, requests, set_aside

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


async def add(database: Database, table: Table, **values: object) -> None:
    async with database.write() as connection:
        await connection.execute(insert(table).values(values))


async def add_contact(database: Database, number: int, *, seen: datetime = NOW, draft: datetime | None = None) -> None:
    session = Session(language="en", draft=Draft(draft, {"name": "Ada Fictional"}) if draft else None)
    sealed = database.sealer.seal(SESSION_JSON.dump_json(session))
    await add(database, contacts, id=number, session=sealed, draft_at=draft, created_at=seen, seen_at=seen)
    await add(database, contact_addresses, contact_id=number, channel="post", chat=str(number), address=b"")


async def add_request(database: Database, contact: int, reference: str, *, ended: datetime | None = None) -> None:
    state = "closed" if ended else "new"
    times = {"created_at": NOW - 500 * DAY, "due_at": NOW, "ended_at": ended}
    more = {"topic": "", "channel": "post", "language": "en", "details": database.sealer.seal("{}")}
    await add(database, requests, contact_id=contact, reference=reference, state=state, **times, **more)


async def add_letter(database: Database, state: str, created: datetime) -> None:
    await add(database, outbox, channel="post", chat="c", address=b"", body=b"", state=state, created_at=created)


async def column(database: Database, column_: Any) -> list[Any]:
    async with database.read() as connection:
        return list(await connection.scalars(select(column_).order_by(column_)))


async def test_drafts_expire(database: Database, content: Content) -> None:
    """A request begun too long ago is forgotten with all its answers; one just in time is kept, and both people too."""
    old = NOW - content.structure.draft_expires
    await add_contact(database, 1, draft=old - SECOND)
    await add_contact(database, 2, draft=old + SECOND)
    done = await upkeep.run_once(database, content.structure, NOW)
    async with database.read() as connection:
        found = {row.id: row for row in await connection.execute(select(contacts))}
    sessions = {number: SESSION_JSON.validate_json(database.sealer.open(row.session)) for number, row in found.items()}
    assert sessions[1] == Session(language="en")
    assert sessions[2].draft == Draft(old + SECOND, {"name": "Ada Fictional"})
    assert [found[1].draft_at, found[2].draft_at] == [None, old + SECOND]
    assert done["expire_drafts"] == 1


async def test_silent_people_are_forgotten(database: Database, content: Content) -> None:
    """Who has been silent for too long goes, with everything; who has an open request or wrote in time stays."""
    silent = NOW - content.structure.contact_retention - SECOND
    await add_contact(database, 1, seen=silent)
    await add_contact(database, 2, seen=silent)
    await add_request(database, 2, "OMS-0002")
    await add_contact(database, 3, seen=silent + 2 * SECOND)
    done = await upkeep.run_once(database, content.structure, NOW)
    assert await column(database, contacts.c.id) == [2, 3]
    assert await column(database, contact_addresses.c.contact_id) == [2, 3]
    assert done["forget_people"] == 1


async def test_update_ids_are_forgotten_when_nobody_delivers_them(database: Database, content: Content) -> None:
    """Update ids are kept for eight days, longer than any platform delivers again."""
    for name, at in (("old", NOW - 8 * DAY - SECOND), ("kept", NOW - 8 * DAY + SECOND)):
        await add(database, inbox, channel="post", update_id=name, at=at)
    done = await upkeep.run_once(database, content.structure, NOW)
    assert await column(database, inbox.c.update_id) == ["kept"]
    assert done["forget_updates"] == 1


async def test_old_messages_are_forgotten(database: Database, content: Content) -> None:
    """Messages nobody fetched, that could not be sent or have no channel any more go after the retention time."""
    old = NOW - content.structure.retention
    for state in ("held", "dead", "ready"):
        await add_letter(database, state, old - SECOND)
        await add_letter(database, state, old + SECOND)
    done = await upkeep.run_once(database, content.structure, NOW)
    assert await column(database, outbox.c.state) == ["dead", "held", "ready"]
    assert all(created > old for created in await column(database, outbox.c.created_at))
    assert done["forget_messages"] == 3


async def test_finished_requests_are_erased(database: Database, content: Content) -> None:
    """A request goes when it has been finished for the retention time; open ones stay however old they are."""
    ended = NOW - content.structure.retention
    await add_contact(database, 1)
    for reference, at in (("OMS-OLD", ended - SECOND), ("OMS-KEPT", ended + SECOND), ("OMS-OPEN", None)):
        await add_request(database, 1, reference, ended=at)
    done = await upkeep.run_once(database, content.structure, NOW)
    assert await column(database, requests.c.reference) == ["OMS-KEPT", "OMS-OPEN"]
    assert done["forget_requests"] == 1


async def test_what_was_set_aside_is_forgotten(database: Database, content: Content) -> None:
    """The words of an event that could not be handled are personal data too and go after the retention time."""
    old = NOW - content.structure.retention
    for name, at in (("old", old - SECOND), ("kept", old + SECOND)):
        await add(database, set_aside, channel="post", chat="c", update_id=name, event=b"", error="KeyError", at=at)
    await upkeep.run_once(database, content.structure, NOW)
    assert await column(database, set_aside.c.update_id) == ["kept"]


async def test_every_job_leaves_its_proof(database: Database, content: Content) -> None:
    """Each run of each job is noted with its time and how many rows it concerned, also when there were none."""
    await add_contact(database, 1, draft=NOW - 3 * DAY)
    done = await upkeep.run_once(database, content.structure, NOW)
    again = await upkeep.run_once(database, content.structure, NOW + timedelta(hours=1))
    assert (done["expire_drafts"], again["expire_drafts"]) == (1, 0)
    async with database.read() as connection:
        runs = [(row.job, row.at, row.affected) for row in await connection.execute(select(job_runs).order_by(job_runs.c.id))]
    assert runs[: len(done)] == [(job, NOW, affected) for job, affected in done.items()]
    assert runs[len(done) :] == [(job, NOW + timedelta(hours=1), 0) for job in done]


async def last_runs(database: Database, content: Content) -> dict[str, datetime | None]:
    names = upkeep.jobs(database.sealer, content.structure, NOW)
    async with database.read() as connection:
        return {name: await counts.last_run(connection, name) for name in names}


async def test_one_broken_job_stops_no_other(database: Database, content: Content) -> None:
    """When one job fails for ever, here over a session that cannot be read, the other jobs still run and say so."""
    await add(database, contacts, id=1, session=b"broken", draft_at=NOW - 900 * DAY, created_at=NOW, seen_at=NOW)
    loop = asyncio.create_task(upkeep.run(database, Shelf(content), "me"))
    try:
        async with asyncio.timeout(3):
            while [name for name, at in (await last_runs(database, content)).items() if at is None] != ["expire_drafts"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
