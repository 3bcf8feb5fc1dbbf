"""The slow loop: what has outlived its purpose goes, and every run leaves its proof in `job_runs`."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.core.material import Structure
from bot.logs import place
from bot.shelf import Shelf
from bot.store import backup, contacts, counts, leases, outbox, requests, staff, staff_sessions, throttle
from bot.store.crypto import Sealer
from bot.store.database import Database, uninterrupted

EVERY = timedelta(hours=1)
KEPT_RECEIPTS = timedelta(days=3)  # how long it can be seen what became of a message
KEPT_TRAIL = timedelta(days=365)  # how long it can be seen what staff did that concerns no single request

BACK_UP = "back_up"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Backups:
    """Which file is copied where once a day, and how many days stay."""

    file: Path
    folder: Path
    keep: int


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
        "forget_sessions": lambda connection: staff_sessions.forget_sessions(connection, now),
        "forget_sign_ins": lambda connection: throttle.forget(connection, now),
        "forget_trail": lambda connection: staff.forget_events(connection, now - KEPT_TRAIL),
    }


async def run_once(database: Database, structure: Structure, now: datetime) -> dict[str, int]:
    """Runs every job, each in its own transaction; what each concerned, by name. One that fails stops no other."""
    done: dict[str, int] = {}
    for name, job in jobs(database.sealer, structure, now).items():
        try:
            done[name] = await uninterrupted(_run_job(database, name, job, now))
        except Exception as error:
            _failed(name, place(error))
    return done


def _failed(job: str, error: str) -> None:
    metrics.JOBS_FAILED.labels(job).inc()
    log.error("job_failed", job=job, error=error)


async def _run_job(database: Database, name: str, job: Job, now: datetime) -> int:
    async with database.write() as connection:
        affected = await job(connection)
        await counts.job_done(connection, name, now, affected)
    return affected


async def back_up_daily(database: Database, backups: Backups, now: datetime) -> bool:
    """Makes the backup of the day, unless it is there; whether it did. It failing is said and counted, and tried again later."""
    try:
        async with database.read() as connection:
            last = await counts.last_run(connection, BACK_UP)
        if last and last.date() >= now.date():
            return False
        made = await _in_thread(partial(backup.back_up, backups.file, backups.folder, database.sealer, now, backups.keep))
        metrics.BACKED_UP.set(now.timestamp())
        log.info("backed_up", file=made.file.name, rows=sum(made.findings.counts.values()), removed=made.removed)
        await uninterrupted(_run_job(database, BACK_UP, _one_done, now))
    except Exception as error:
        _failed(BACK_UP, str(error) if isinstance(error, backup.BackupFailed) else place(error))
        return False
    return True


async def _one_done(_connection: AsyncConnection) -> int:
    return 1


async def _in_thread(work: Callable[[threading.Event], backup.Made]) -> backup.Made:
    """What `work` returns, made beside the event loop. A stop of the program does not wait for its end."""
    stop = threading.Event()
    try:
        return await asyncio.to_thread(work, stop)
    finally:
        stop.set()


async def run(database: Database, shelf: Shelf, holder: str, backups: Backups | None = None) -> None:
    """Runs the jobs every hour until cancelled; of several instances one does."""
    while True:
        now = datetime.now(UTC)
        if await _ours(database, holder, now):
            await run_once(database, shelf.content.structure, now)
            if backups:
                await back_up_daily(database, backups, now)
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
