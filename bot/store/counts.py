"""Numbers without people: what was looked at and done each day, and which jobs have run."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.model import Count
from bot.store.tables import daily_counts, job_runs


async def add(connection: AsyncConnection, counts: Iterable[Count], day: date) -> None:
    totals = Counter((count.name, count.detail) for count in counts)
    if totals:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        row = dialect.insert(daily_counts)
        summed = row.on_conflict_do_update(
            index_elements=[daily_counts.c.day, daily_counts.c.name, daily_counts.c.detail],
            set_={"count": daily_counts.c.count + row.excluded.count},
        )
        rows = [{"day": day, "name": name, "detail": detail, "count": count} for (name, detail), count in sorted(totals.items())]
        await connection.execute(summed, rows)


async def job_done(connection: AsyncConnection, job: str, at: datetime, affected: int) -> None:
    await connection.execute(insert(job_runs).values(job=job, at=at, affected=affected))


async def last_run(connection: AsyncConnection, job: str) -> datetime | None:
    return await connection.scalar(select(job_runs.c.at).where(job_runs.c.job == job).order_by(job_runs.c.id.desc()).limit(1))
