"""The one gate every event passes, in rounds: DESIGN rule 2.

A round takes what is waiting, at most one event of each conversation, and handles it in one transaction. So the
order within a conversation, no double handling and durability come from here, and no other piece holds a lock.
`submit` returns only after the commit: whoever acknowledges after it has returned can lose nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import assert_never

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.channels.base import Unavailable
from bot.core.engine import advance, apology
from bot.core.library import Content
from bot.core.model import (
    Addressed,
    ChangeRequest,
    Count,
    Effect,
    EndConsent,
    EraseContact,
    Event,
    GiveConsent,
    Inbound,
    Left,
    Reply,
    Returned,
    SendRequest,
    Session,
    Turn,
    WithdrawRequest,
)
from bot.logs import place
from bot.store import contacts, counts, outbox, requests
from bot.store.contacts import Contact, Key
from bot.store.database import Database, is_outage, uninterrupted
from bot.store.outbox import Letter

MAX_ROUND = 256  # events: beyond this a bigger round saves hardly anything [DESIGN 7]
MAX_WAITING = 5000  # events: beyond this the platforms are asked to come again

log = structlog.get_logger()

Advance = Callable[[Session, Event, Content, datetime], Turn]


@dataclass(slots=True)
class _Waiting:
    inbound: Inbound
    key: Key
    done: asyncio.Future[None]


@dataclass(slots=True)
class _Round:
    """What a round has to write."""

    now: datetime
    sessions: list[tuple[int, Session]] = field(default_factory=list)
    effects: list[tuple[int, str, Effect]] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)


class Turnstile:
    """`deliver` is called with the letters of a round after its commit; `held` names the pull channels."""

    def __init__(
        self,
        database: Database,
        content: Content,
        deliver: Callable[[list[Letter]], None],
        *,
        owner: str,
        held: frozenset[str] = frozenset(),
        step: Advance = advance,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._content = content
        self._deliver = deliver
        self._owner = owner
        self._held = held
        self._step = step
        self._clock = clock
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._stopped = False

    async def submit(self, inbound: Inbound) -> None:
        """Handles the event; returns when that is committed. Raises Unavailable when it was not taken in."""
        if self._stopped or len(self._queue) >= MAX_WAITING:
            metrics.EVENTS.labels(inbound.channel, "refused").inc()
            raise Unavailable
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(inbound, (inbound.channel, self._database.chat(inbound.channel, inbound.address)), done))
        self._wake.set()
        await done

    async def run(self) -> None:
        """Rounds until cancelled. The round under way is finished; what still waits is refused and comes again."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while batch := self._next_round():
                    metrics.WAITING.set(len(self._queue))
                    await uninterrupted(self._handle(batch))
        finally:
            self._stopped = True
            for waiting in self._queue:
                _refuse(waiting)
            self._queue.clear()

    def _next_round(self) -> list[_Waiting]:
        batch: dict[Key, _Waiting] = {}
        later: deque[_Waiting] = deque()
        while self._queue and len(batch) < MAX_ROUND:
            waiting = self._queue.popleft()
            if waiting.key in batch:
                later.append(waiting)
            elif not waiting.done.cancelled():
                batch[waiting.key] = waiting
        self._queue.extendleft(reversed(later))
        return list(batch.values())

    async def _handle(self, batch: list[_Waiting], *, again: bool = False) -> None:
        """A round and what follows from it; `again`: its one event has made a round fail before."""
        try:
            with metrics.ROUND_SECONDS.time():
                letters = await self._round(batch)
        except Exception as error:
            await self._recover(batch, error, again=again)
            return
        metrics.ROUND_SIZE.observe(len(batch))
        for waiting in batch:
            if not waiting.done.done():
                waiting.done.set_result(None)
        self._deliver(letters)

    async def _recover(self, batch: list[_Waiting], error: Exception, *, again: bool) -> None:
        if is_outage(error):
            log.error("database_unavailable", error=type(error).__name__, refused=len(batch))
            for waiting in batch:
                _refuse(waiting)
        elif not again:  # one of them is poison: alone, it harms nobody
            for waiting in batch:
                await self._handle([waiting], again=True)
        else:
            await self._set_aside(batch[0], error)

    async def _set_aside(self, waiting: _Waiting, error: Exception) -> None:
        inbound = waiting.inbound
        reason = place(error)
        log.error("event_set_aside", channel=inbound.channel, error=reason)
        metrics.EVENTS.labels(inbound.channel, "set_aside").inc()
        now = self._clock()
        sorry = apology(Session(), self._content, now)
        letter = Letter(inbound.channel, waiting.key[1], inbound.address, sorry, held=inbound.channel in self._held, at=now)
        try:
            async with self._database.write() as connection:
                letters = []
                if await contacts.first_seen(connection, [inbound]):
                    await contacts.put_aside(connection, self._database.sealer, inbound, waiting.key[1], reason)
                    letters = await self._queue_letters(connection, [letter], now)
        except Exception as second:
            log.error("set_aside_failed", channel=inbound.channel, error=place(second))
            _refuse(waiting)
            return
        if not waiting.done.done():
            waiting.done.set_result(None)
        self._deliver(letters)

    async def _round(self, batch: list[_Waiting]) -> list[Letter]:
        now = self._clock()
        sealer = self._database.sealer
        async with self._database.write() as connection:
            fresh = await contacts.first_seen(connection, [waiting.inbound for waiting in batch])
            batch = [waiting for waiting in batch if (waiting.inbound.channel, waiting.inbound.update_id) in fresh]
            if not batch:
                return []
            addresses = {waiting.key: waiting.inbound.address for waiting in batch}
            passing = {waiting.key for waiting in batch if isinstance(waiting.inbound.event, Left | Returned | Addressed)}
            people = await contacts.load(connection, sealer, addresses, now, passing)
            open_ = await requests.open_requests(connection, sealer, [contact.id for contact in people.values()])
            round_ = _Round(now=now)
            for waiting in batch:
                contact = people.get(waiting.key, Contact(0, Session()))
                session = replace(contact.session, number=contact.id, profile=waiting.inbound.sender, request=open_.get(contact.id))
                turn = self._step(session, waiting.inbound.event, self._content, now)
                self._note(round_, waiting, contact, turn)
            await contacts.save(connection, sealer, round_.sessions, now)
            for contact_id, channel, effect in round_.effects:
                await self._apply(connection, contact_id, channel, effect, now)
            await counts.add(connection, round_.counts, now.date())
            letters = await self._queue_letters(connection, round_.letters, now)
        for waiting in batch:
            metrics.EVENTS.labels(waiting.inbound.channel, "handled").inc()
        return letters

    def _note(self, round_: _Round, waiting: _Waiting, contact: Contact, turn: Turn) -> None:
        inbound = waiting.inbound
        erased = contact.id == 0 or any(isinstance(effect, EraseContact) for effect in turn.effects)
        if not erased:
            round_.sessions.append((contact.id, turn.session))
        for effect in turn.effects:
            if isinstance(effect, Count):
                round_.counts.append(effect)
            else:
                round_.effects.append((contact.id, inbound.channel, effect))
        owner = None if erased else contact.id
        round_.letters += [self._letter(waiting, reply, owner, round_.now) for reply in turn.replies]

    def _letter(self, waiting: _Waiting, reply: Reply, contact: int | None, now: datetime) -> Letter:
        inbound = waiting.inbound
        origin = inbound.origin if reply.in_place else ""
        held = inbound.channel in self._held
        return Letter(inbound.channel, waiting.key[1], inbound.address, reply, origin, contact, held, at=now)

    async def _queue_letters(self, connection: AsyncConnection, letters: list[Letter], now: datetime) -> list[Letter]:
        ids = await outbox.write(connection, self._database.sealer, letters, self._owner, now)
        return [replace(letter, id=number) for letter, number in zip(letters, ids, strict=True)]

    async def _apply(self, connection: AsyncConnection, contact: int, channel: str, effect: Effect, now: datetime) -> None:
        sealer = self._database.sealer
        match effect:
            case GiveConsent():
                await requests.give_consent(connection, contact, effect, now)
            case EndConsent():
                await requests.end_consent(connection, contact, now)
            case SendRequest():
                await requests.send(connection, sealer, contact, channel, effect, now)
            case ChangeRequest():
                await requests.change(connection, sealer, effect, now)
            case WithdrawRequest(reference):
                await outbox.forget(connection, contact)  # its summary stands there
                await requests.withdraw(connection, sealer, reference, now)
            case EraseContact():
                await contacts.erase(connection, contact)
            case Count():
                await counts.add(connection, [effect], now.date())
            case _:
                assert_never(effect)


def _refuse(waiting: _Waiting) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(Unavailable())
