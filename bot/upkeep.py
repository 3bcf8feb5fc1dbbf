"""The slow loop: what has outlived its purpose goes, and every run leaves its proof in `job_runs`."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.library import Structure
from bot.logs import place
from bot.store import contacts, counts, leases, outbox, requests
from bot.store.crypto import Sealer
from bot.store.database import Database, uninterrupted

EVERY = timedelta(hours=1)
KEPT_RECEIPTS = timedelta(days=3)  # how long it can be seen what became of a message

log = structlog.get_logger()

Job = Callable[[AsyncConnection], Awaitable[int]]  # does its work and says how many rows it concerned


def jobs(sealer: Sealer, structure: Structure, now: datetime) -> dict[str, Job]:
    """Name and work of every job."""
    retained_since = now - structure.retention
    return {
        "expire_drafts": lambda connection: contacts.expire_drafts(connection, sealer, now - structure.draft_expires),
        "forget_people": lambda connection: contacts.forget_silent(connection, now - structure.contact_retention),
        "forget_updates": lambda connection: contacts.forget_updates(connection, now),
        "forget_messages": lambda connection: outbox.forget_old(connection, retained_since),
        "forget_taken": lambda connection: outbox.forget_taken(connection, now - KEPT_RECEIPTS),
        "forget_set_aside": lambda connection: contacts.forget_set_aside(connection, retained_since),
        "forget_requests": lambda connection: requests.forget_ended(connection, retained_since),
    }


async def run_once(database: Database, structure: Structure, now: datetime) -> dict[str, int]:
    """Runs every job, each in its own transaction; what each concerned, by name. One that fails stops no other."""
    done: dict[str, int] = {}
    for name, job in jobs(database.sealer, structure, now).items():
        try:
            done[name] = await uninterrupted(_run_job(database, name, job, now))
        except Exception as error:
            log.error("job_failed", job=name, error=place(error))
    return done


async def _run_job(database: Database, name: str, job: Job, now: datetime) -> int:
    async with database.write() as connection:
        affected = await job(connection)
        await counts.job_done(connection, name, now, affected)
    return affected


async def run(database: Database, structure: Structure, holder: str) -> None:
    """Runs the jobs every hour until cancelled; of several instances one does."""
    while True:
        now = datetime.now(UTC)
        if await _ours(database, holder, now):
            await run_once(database, structure, now)
        await asyncio.sleep(EVERY.total_seconds())


async def _ours(database: Database, holder: str, now: datetime) -> bool:
    """Whether no other instance has done it this hour. Alone we do it at each start too."""
    if not database.shared:
        return True
    try:
        return await uninterrupted(_take(database, holder, now))
    except Exception as error:
        log.error("upkeep_not_begun", error=place(error))
        return False


async def _take(database: Database, holder: str, now: datetime) -> bool:
    async with database.write() as connection:
        return await leases.take(connection, "upkeep", holder, now, EVERY)
