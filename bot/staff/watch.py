"""Looks every minute whether staff must be reminded of something, and tells them each morning how the desk stands.

Of several instances one does; what was said is noted in the transaction that says it, so nothing is said twice.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.core.schedule import Hours, zone_of
from bot.logs import place
from bot.staff import reminders as rules
from bot.staff.desk import Desk
from bot.store import cards, counts, leases, reminders, requests, staff
from bot.store.database import uninterrupted
from bot.store.outbox import Letter

EVERY = timedelta(minutes=1)
DIGEST = "digest"

log = structlog.get_logger()


class Watch:
    """`deliver` gets the letters after the commit."""

    def __init__(self, desk: Desk, deliver: Callable[[list[Letter]], None]) -> None:
        self._desk = desk
        self._deliver = deliver

    async def run(self) -> None:
        """Looks every minute until cancelled. A look that fails is said and counted, and the next one comes."""
        while True:
            try:
                await self.look(datetime.now(UTC))
            except Exception as error:
                metrics.JOBS_FAILED.labels("remind").inc()
                log.error("job_failed", job="remind", error=place(error))
            await asyncio.sleep(EVERY.total_seconds())

    async def look(self, now: datetime) -> None:
        """Says what is to be said now."""
        self._deliver(await uninterrupted(self._look(now)))

    async def _look(self, now: datetime) -> list[Letter]:
        desk = self._desk
        if not desk.alerts.wanted:
            return []
        async with desk.database.write() as connection:
            if not await leases.take(connection, "remind", desk.owner, now, 2 * EVERY):
                return []
            letters = [*await self._reminders(connection, now), *await self._digest(connection, now)]
            # A change brings its card along. This is for those that could not: two contacts were found to be one, a letter was given up.
            for reference in await cards.overtaken(connection, now):
                letters += desk.alerts.changed(reference, now)
            return await desk.queue(connection, letters, now)

    async def _reminders(self, connection: AsyncConnection, now: datetime) -> list[Letter]:
        """Of several reminders about one request the last one says it all; the others count as said."""
        hours, said = self._desk.hours, await reminders.said(connection, now)
        waiting = await reminders.waiting(connection, now)
        kinds = {each.id: rules.due(each, now, hours) for each in waiting}
        due = {(each.id, kind, each.next_at) for each in waiting for kind in kinds[each.id]}
        new = await reminders.remember(connection, due - said, now)
        last = {each.id: kinds[each.id][-1] for each in waiting if kinds[each.id] and (each.id, kinds[each.id][-1], each.next_at) in new}
        if not last:
            return []
        found = await requests.of_ids(connection, self._desk.database.sealer, last)
        admins = [member.name for member in await staff.members(connection) if member.admin and not member.disabled]
        return self._desk.alerts.remind([(request, last[request.id]) for request in found], admins, now)

    async def _digest(self, connection: AsyncConnection, now: datetime) -> list[Letter]:
        """Once a day, from the opening on; none when there is nothing to tell, so that nobody learns to pass over it."""
        hours = self._desk.hours
        zone = zone_of(hours.zone)
        today = now.astimezone(zone).date()
        last = await counts.last_run(connection, DIGEST)
        if not hours.is_open(now) or (last and last.astimezone(zone).date() >= today):
            return []
        since = self._last_day(hours, now)
        end_of_day = datetime.combine(today + timedelta(days=1), time(), zone).astimezone(UTC)
        numbers = await reminders.numbers(connection, since, now, end_of_day)
        await counts.job_done(connection, DIGEST, now, numbers.open)
        return [] if numbers.none else self._desk.alerts.digest(numbers, since, now)

    @staticmethod
    def _last_day(hours: Hours, now: datetime) -> datetime:
        """When the office day before today began: on a Monday it was Friday."""
        zone = zone_of(hours.zone)
        today = now.astimezone(zone).date()
        days = (today - timedelta(days=back) for back in range(1, 366))
        return datetime.combine(next(day for day in days if hours.open_on(day)), time(), zone).astimezone(UTC)
