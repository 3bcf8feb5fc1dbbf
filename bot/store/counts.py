"""Numbers without people: what was looked at and done each day, and which jobs have run."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.effects import Count
from bot.store.bulk import Bulk
from bot.store.inserts import upsert
from bot.store.tables import daily_counts, job_runs


@cache  # every round has it
def _summed(dialect: str) -> Bulk:
    row = upsert(dialect, daily_counts)
    key = [daily_counts.c.day, daily_counts.c.name, daily_counts.c.detail]
    return Bulk(row.on_conflict_do_update(index_elements=key, set_={"count": daily_counts.c.count + row.excluded.count}))


async def add(connection: AsyncConnection, counts: Iterable[Count], day: date) -> None:
    totals = Counter((count.name, count.detail) for count in counts)
    if totals:
        rows = [{"day": day, "name": name, "detail": detail, "count": count} for (name, detail), count in sorted(totals.items())]
        await _summed(connection.dialect.name).write(connection, rows)


async def job_done(connection: AsyncConnection, job: str, at: datetime, affected: int) -> None:
    await connection.execute(insert(job_runs).values(job=job, at=at, affected=affected))


async def last_run(connection: AsyncConnection, job: str) -> datetime | None:
    return await connection.scalar(select(job_runs.c.at).where(job_runs.c.job == job).order_by(job_runs.c.id.desc()).limit(1))
