"""The one gate every event passes, in rounds: DESIGN rule 2.

A round takes what is waiting, at most one event of each conversation, and handles it in one transaction. So the
order within a conversation, no double handling and durability come from here, and no other piece holds a lock.
`submit` returns only after the commit: whoever acknowledges after it has returned can lose nothing.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.channels.base import Unavailable
from bot.core.engine import advance, apology
from bot.core.model import Event, Hurried, Inbound, Media, Press, Session, SharedContact, Started, Text
from bot.logs import place
from bot.rounds import Advance, Round, Waiting, waiting
from bot.shelf import Shelf
from bot.staff.alerts import Alerts
from bot.store import contacts, outbox
from bot.store.contacts import Key
from bot.store.database import Database, uninterrupted
from bot.store.outages import is_conflict, is_outage
from bot.store.outbox import LEASE, Letter

Noting = Callable[[], AbstractContextManager[Callable[[AsyncConnection], Awaitable[None]]]]

MAX_ROUND = 256  # events: beyond this a bigger round saves hardly anything [DESIGN 7]
MAX_WAITING = 5000  # events: beyond this the platforms are asked to come again
MAX_EACH = 30  # events and answers of one person under way: beyond this they are asked to wait a little

MAX_TRIES = 5  # of a round that another instance keeps from passing

log = structlog.get_logger()


class Turnstile:
    """`deliver` is called with the letters of a round after its commit; `held` names the pull channels.

    `unsent` tells how many answers are still on their way to a chat; `noting` lends what a round is to write down besides.
    """

    def __init__(
        self,
        database: Database,
        shelf: Shelf,
        deliver: Callable[[list[Letter]], None],
        *,
        owner: str,
        held: frozenset[str] = frozenset(),
        step: Advance = advance,
        lease: timedelta = LEASE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        unsent: Callable[[Key], int] = lambda _: 0,
        noting: Noting | None = None,
        alerts: Alerts | None = None,
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._deliver = deliver
        self._owner = owner
        self._held = held
        self._step = step
        self._lease = lease
        self._clock = clock
        self._unsent = unsent
        self._noting = noting
        self._alerts = alerts or Alerts(database, shelf)
        self._queue: deque[Waiting] = deque()
        self._waiting: Counter[Key] = Counter()  # of each person
        self._wake = asyncio.Event()
        self._stopped = False

    async def submit(self, inbound: Inbound) -> None:
        """Handles the event; returns when that is committed. Raises Unavailable when it was not taken in."""
        if self._stopped or len(self._queue) >= MAX_WAITING:
            metrics.EVENTS.labels(inbound.channel, "refused").inc()
            raise Unavailable
        submitted = waiting(self._database, inbound)
        if max(self._waiting[key] + self._unsent(key) for key in submitted.keys) >= MAX_EACH:
            submitted.inbound = replace(inbound, event=_hurried(inbound.event))
            metrics.EVENTS.labels(inbound.channel, "hurried").inc()
        for key in submitted.keys:
            self._waiting[key] += 1
        self._queue.append(submitted)
        self._wake.set()
        try:
            await submitted.done
        finally:
            for key in submitted.keys:
                self._waiting[key] -= 1
                if not self._waiting[key]:
                    del self._waiting[key]

    async def run(self) -> None:
        """Rounds until cancelled. The round under way is finished; what still waits is refused and comes again."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    await self._let_in()
                    batch = self._next_round()
                    metrics.WAITING.set(len(self._queue))
                    if batch:
                        await uninterrupted(self._handle(batch))
        finally:
            self._stopped = True
            for each in self._queue:
                _refuse(each)
            self._queue.clear()

    async def _let_in(self) -> None:
        """Waits while more comes in at this very moment: a round costs much and each event in it little."""
        seen = 0
        while seen < len(self._queue) < MAX_ROUND:
            seen = len(self._queue)
            await asyncio.sleep(0)

    def _next_round(self) -> list[Waiting]:
        batch: list[Waiting] = []
        later: deque[Waiting] = deque()
        taken: set[Key] = set()
        while self._queue and len(batch) < MAX_ROUND:
            each = self._queue.popleft()
            if each.done.cancelled():
                continue
            (batch if taken.isdisjoint(each.keys) else later).append(each)
            taken |= each.keys
        self._queue.extendleft(reversed(later))
        return batch

    async def _handle(self, batch: list[Waiting], *, again: bool = False, tries: int = 1) -> None:
        """A round and what follows from it; `again`: its one event has made a round fail before."""
        round_ = Round(self._database, self._shelf.content, self._step, self._held, self._owner, self._clock(), self._alerts, self._lease)
        try:
            # What is not the round's own must not spoil it twice.
            notes = self._noting() if self._noting and not again and tries == 1 else nullcontext()
            with metrics.ROUND_SECONDS.time(), notes as note:
                async with self._database.write(brief=True) as connection:
                    await round_.handle(connection, batch)
                    if note:
                        await note(connection)
        except Exception as error:
            await self._recover(batch, error, again=again, tries=tries)
            return
        metrics.ROUND_SIZE.observe(len(batch))
        self._queue.extendleft(reversed(round_.later))
        for (channel, outcome), number in Counter((each.inbound.channel, outcome) for each, outcome in round_.outcomes).items():
            metrics.EVENTS.labels(channel, outcome).inc(number)
        for each, _ in round_.outcomes:
            if not each.done.done():
                each.done.set_result(None)
        self._deliver(round_.letters)

    async def _recover(self, batch: list[Waiting], error: Exception, *, again: bool, tries: int) -> None:
        conflict = is_conflict(error)
        if conflict and tries < MAX_TRIES:
            log.info("round_again", error=type(error).__name__, tries=tries)
            await self._handle(batch, again=again, tries=tries + 1)
        elif is_outage(error) or (conflict and not isinstance(error, IntegrityError)):
            log.error("database_unavailable", error=type(error).__name__, refused=len(batch))
            for each in batch:
                _refuse(each)
        elif not again:  # one of them is poison: alone, it harms nobody
            for each in batch:
                await self._handle([each], again=True)
        else:
            await self._set_aside(batch[0], error)

    async def _set_aside(self, poison: Waiting, error: Exception) -> None:
        inbound = poison.inbound
        reason = place(error)
        log.error("event_set_aside", channel=inbound.channel, error=reason)
        metrics.EVENTS.labels(inbound.channel, "set_aside").inc()
        now = self._clock()
        sorry = apology(Session(), self._shelf.content, now)
        held = inbound.channel in self._held
        letter = Letter(inbound.channel, poison.chat, inbound.address, sorry, held=held, at=now, heard_at=inbound.at)
        try:
            async with self._database.write() as connection:
                letters = []
                if await contacts.first_seen(connection, [inbound], now):
                    await contacts.put_aside(connection, self._database.sealer, inbound, poison.chat, reason)
                    letters = await outbox.queue(connection, self._database.sealer, [letter], self._owner, now, self._lease)
        except Exception as second:
            log.error("set_aside_failed", channel=inbound.channel, error=place(second))
            _refuse(poison)
            return
        if not poison.done.done():
            poison.done.set_result(None)
        self._deliver(letters)


def _hurried(event: Event) -> Event:
    match event:
        case Text(text) | Media(text):
            return Hurried(text)
        case Press() | SharedContact() | Started():
            return Hurried()
    return event


def _refuse(event: Waiting) -> None:
    if not event.done.done():
        event.done.set_exception(Unavailable())
