"""Work that only one of several instances does at a time: whoever holds the lease, and the next one when it stops or dies."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog

from bot.logs import place
from bot.store import leases
from bot.store.database import Database, uninterrupted

log = structlog.get_logger()


class Sole:
    """One name, held for `length` at a time. While `run` runs it is taken as soon as it is free, kept, and given back at the end."""

    def __init__(
        self,
        database: Database,
        name: str,
        holder: str,
        length: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._name = name
        self._holder = holder
        self._length = length
        self._clock = clock
        self._until = datetime.min.replace(tzinfo=UTC)
        self._ours = asyncio.Event()

    async def turn(self) -> None:
        """Returns once it is ours."""
        await self._ours.wait()

    async def run(self) -> None:
        """Tries to take it, then keeps it, until cancelled."""
        try:
            while True:
                try:
                    await uninterrupted(self._try())
                except Exception as error:
                    log.warning("lease_not_renewed", lease=self._name, error=place(error))
                    if self._clock() >= self._until:
                        self._ours.clear()
                await asyncio.sleep(self._length.total_seconds() / 3)
        finally:
            self._ours.clear()
            with suppress(Exception):  # it runs out by itself
                async with self._database.write() as connection:
                    await leases.give_back(connection, self._name, self._holder)

    async def _try(self) -> None:
        now = self._clock()
        async with self._database.write() as connection:
            mine = await leases.take(connection, self._name, self._holder, now, self._length)
        if mine != self._ours.is_set():
            log.info("lease_taken" if mine else "lease_lost", lease=self._name)
        if mine:
            self._until = now + self._length
            self._ours.set()
        else:
            self._ours.clear()
