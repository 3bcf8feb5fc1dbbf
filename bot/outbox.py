"""Sends what was queued: DESIGN rule 4. In order within a chat, with back-off, until it is delivered or given up.

Every letter is a row already committed. A fresh one is sent from memory. A letter whose row does not say that it was
delivered when we die is sent again by whoever adopts it: at least once.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter

from bot import metrics
from bot.channels.base import Channel, Delivery, NotSent
from bot.core.model import Receipt
from bot.ledger import Ledger, Note
from bot.logs import place
from bot.store import outbox
from bot.store.database import Database, uninterrupted
from bot.store.outages import is_outage
from bot.store.outbox import LEASE, MAX_ATTEMPTS, Letter

MAX_AGE = timedelta(hours=24)  # how long a message waits for a platform that is away
FRESH = timedelta(seconds=5)  # so long after the commit nobody looks whether the letter has been overtaken by events
FIRST_WAIT, LONGEST_WAIT = 1.0, 600.0  # seconds between tries, doubling
LOOK_AROUND = 5.0  # seconds, at most, until somebody sends what nobody sends: what was written at the command line is not kept waiting
MAX_SENDING = 200  # chats of a channel sent to at the same time

log = structlog.get_logger()


def wait_before(attempt: int) -> float:
    """Seconds to wait before try number `attempt` (the second is 2)."""
    return min(FIRST_WAIT * 2.0 ** min(attempt - 2, 30), LONGEST_WAIT)  # a float ends at 2 ** 1024


@dataclass(slots=True, eq=False)
class _Chat:
    """What waits for one chat, and what ends a pause between tries early."""

    letters: deque[Letter]
    wake: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, eq=False)
class _Health:
    """How sending on a channel goes: tries that fail while most succeed are the letter's own fault."""

    sent: Counter  # what is counted of it for Prometheus
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_SENDING))
    delivered: int = 0
    failed: int = 0
    waiting: set[_Chat] = field(default_factory=set)  # for the platform to come back

    def back(self) -> None:
        """Something was delivered: whoever waited for that need not wait any longer."""
        self.delivered += 1
        for chat in self.waiting:
            chat.wake.set()
        self.waiting.clear()


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str
    permanent: bool = False
    passing: bool = False
    wait: float = 0.0  # seconds the platform asks for
    parts: int = 0


class Outbox:
    """One task per chat that has something waiting, so that no chat waits for another."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        owner: str,
        *,
        wait: Callable[[int], float] = wait_before,
        lease: timedelta = LEASE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._channels = channels
        self._owner = owner
        self._wait = wait
        self._lease = lease
        self._clock = clock
        self._ledger = Ledger(database, owner, clock, self._send_again)
        self._health = {name: _Health(metrics.SENT.labels(name, "delivered")) for name in channels}
        self._chats: dict[tuple[str, str], _Chat] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._again: dict[int, asyncio.TimerHandle] = {}  # letters that wait to be sent once more
        self._all_gone = asyncio.Event()
        self._all_gone.set()

    def deliver(self, letters: list[Letter]) -> None:
        """Takes committed letters to their channel: wakes those who fetch, sends to everybody else."""
        for letter in letters:
            channel = self._channels.get(letter.channel)
            if channel is None:  # its token is not set at the moment: the row waits for it
                continue
            if letter.held:
                channel.arrived(letter.chat)
                continue
            key = (letter.channel, letter.chat)
            if chat := self._chats.get(key):
                chat.letters.append(letter)
                chat.wake.set()  # the person is there now
                continue
            self._all_gone.clear()
            self._chats[key] = _Chat(deque([letter]))
            task = asyncio.create_task(self._send_chat(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        metrics.UNSENT.set(sum(len(chat.letters) for chat in self._chats.values()))

    def unsent(self, key: tuple[str, str]) -> int:
        """How many letters wait for this chat."""
        chat = self._chats.get(key)
        return len(chat.letters) if chat else 0

    async def adopt(self, *, alone: bool) -> int:
        """Takes over what others left unsent; how many letters. `alone`: no other instance uses this database."""
        async with self._database.write() as connection:
            letters = await outbox.adopt(connection, self._database.sealer, self._owner, self._clock(), alone=alone, lease=self._lease)
        self.deliver(letters)
        return len(letters)

    async def share(self) -> None:
        """Until cancelled: keeps what is ours and takes over what nobody sends, written by a command or left by a dead instance."""
        renewing = self._lease.total_seconds() / 4
        looks = max(1, math.ceil(renewing / LOOK_AROUND))
        while True:
            for look in range(looks):
                await asyncio.sleep(renewing / looks)
                if look == 0:
                    await self._note(self._keep())
                await self._note(self._inherit())
            await self._note(self._ledger.listen_again())

    async def _keep(self) -> None:
        async with self._database.write() as connection:
            await outbox.renew(connection, self._at_hand(), self._owner, self._clock() + self._lease)

    async def _inherit(self) -> None:
        now, channels, at_hand = self._clock(), self._channels.keys(), self._at_hand()
        async with self._database.read() as connection:  # nearly always there is nothing, and nobody is kept from writing
            if channels.isdisjoint(await outbox.left(connection, now)):
                return
        async with self._database.write() as connection:
            letters = await outbox.inherit(connection, self._database.sealer, channels, self._owner, now, self._lease)
        at_hand |= self._at_hand()  # ours that were not renewed in time are at hand all the same
        taken = [letter for letter in letters if letter.id not in at_hand]
        if taken:
            log.info("letters_taken_over", letters=len(taken))
        self.deliver(taken)

    def _at_hand(self) -> set[int]:
        waiting = {letter.id for chat in self._chats.values() for letter in chat.letters}
        return waiting.union(self._again, self._ledger.pending())

    def noting(self) -> AbstractContextManager[Note]:
        """Lends what was delivered to a transaction that somebody has begun, as `Ledger.noting` says."""
        return self._ledger.noting()

    async def report(self, receipts: Sequence[Receipt]) -> None:
        """Notes what a platform says of sent messages; returns when that is committed. Raises Unavailable."""
        await self._ledger.report(receipts)

    async def run(self) -> None:
        """Keeps the books until cancelled."""
        try:
            await self._ledger.run()
        finally:
            for timer in self._again.values():
                timer.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._ledger.close()

    async def drained(self) -> None:
        """Returns when nothing is left to send."""
        await self._all_gone.wait()

    def _send_again(self, letter: Letter) -> None:
        """Once more after the usual wait; should we stop before, whoever adopts it does."""

        def due() -> None:
            del self._again[letter.id]
            self.deliver([letter])

        self._again[letter.id] = asyncio.get_running_loop().call_later(self._wait(letter.attempts + 1), due)

    async def _send_chat(self, key: tuple[str, str]) -> None:
        chat = self._chats[key]
        while chat.letters:
            await self._send(chat, chat.letters[0])
            chat.letters.popleft()
        del self._chats[key]
        if not self._chats:
            self._all_gone.set()

    async def _send(self, chat: _Chat, letter: Letter) -> None:
        """Tries until the letter is delivered, given up, or not wanted any more."""
        channel, health = self._channels[letter.channel], self._health[letter.channel]
        attempt, tries, parts = letter.attempts, 0, 0
        before = (health.delivered, health.failed)
        while True:
            if wait := channel.reserve(letter.address):
                await asyncio.sleep(wait)
            tries += 1
            result = await self._try(channel, letter, parts, fresh=tries == 1)
            if result is None:
                return
            parts = result.parts
            health.failed += 1
            works = health.delivered - before[0] > health.failed - before[1]  # for most others, since the last try
            before = (health.delivered, health.failed)
            counts = works or not result.passing
            attempt += counts
            dead = result.permanent or attempt >= MAX_ATTEMPTS or (not counts and self._too_old(letter))
            metrics.SENT.labels(letter.channel, "dead" if dead else "retried").inc()
            log.warning("message_not_sent", channel=letter.channel, reason=result.reason, attempt=attempt, given_up=dead)
            await self._note(self._ledger.failed(letter, attempt, result.reason, dead=dead))
            if dead:
                return
            if not counts:
                health.waiting.add(chat)
            await self._pause(chat, result.wait, self._wait(tries + 1))
            health.waiting.discard(chat)

    async def _pause(self, chat: _Chat, asked: float, ours: float) -> None:
        """Waits before the next try: as long as the platform asks, else until there is a reason to hope."""
        if asked:
            await asyncio.sleep(asked)
            return
        chat.wake.clear()
        try:
            await asyncio.wait_for(chat.wake.wait(), ours)
        except TimeoutError:
            return

    async def _try(self, channel: Channel, letter: Letter, parts: int, *, fresh: bool) -> _Failure | None:
        """One try, from the part after the first `parts`; None when there is nothing more to do."""
        health = self._health[letter.channel]
        try:
            if not fresh or (letter.at is not None and self._clock() - letter.at > FRESH):
                current = await self._ledger.current(letter)
                if current is None:
                    log.info("message_not_wanted", channel=letter.channel)
                    return None
                letter = current
            late = channel.window is not None and not await self._ledger.may_write(letter, channel.window)
            async with health.room:
                message = await channel.send(Delivery(letter.address, letter.reply, letter.origin, late, parts, letter.id))
        except NotSent as failure:
            if failure.gone and letter.contact is not None:
                await self._note(self._ledger.left(letter.contact))
            return _Failure(str(failure), failure.permanent, failure.passing, failure.retry_after, failure.parts)
        except Exception as error:
            log.error("send_failed", channel=letter.channel, error=place(error))
            return _Failure(type(error).__name__, passing=is_outage(error), parts=parts)
        health.back()
        health.sent.inc()
        self._ledger.delivered(letter, message)
        return None

    def _too_old(self, letter: Letter) -> bool:
        return letter.at is not None and self._clock() - letter.at > MAX_AGE

    async def _note(self, work: Coroutine[Any, Any, None]) -> None:
        """Writes something down that matters less than the letters: without it they go on all the same."""
        try:
            await uninterrupted(work)
        except Exception as error:
            log.error("outbox_note_failed", error=place(error))
