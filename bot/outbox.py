"""Sends what was queued: DESIGN rule 4. In order within a chat, with back-off, until it is delivered or given up.

Every letter is a row already committed. A fresh one is sent from memory; its row goes when it is delivered, in
batches. A letter whose row is not gone when we die is sent again by whoever adopts it: at least once.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.channels.base import Channel, Delivery, NotSent, Unavailable
from bot.core.model import Receipt
from bot.logs import place
from bot.store import contacts, outbox, requests
from bot.store.database import Database, uninterrupted
from bot.store.outbox import MAX_ATTEMPTS, Letter

MAX_AGE = timedelta(hours=24)  # how long a message waits for a platform that is away
FIRST_WAIT, LONGEST_WAIT = 1.0, 600.0  # seconds between tries, doubling
MAX_SENDING = 200  # chats sent to at the same time
_FLUSH_AFTER = 0.05  # seconds a delivered row may wait for others to be removed with it
_MAX_EARLY = 1000  # receipts kept until the message they are about is known

log = structlog.get_logger()


def wait_before(attempt: int) -> float:
    """Seconds to wait before try number `attempt` (the second is 2)."""
    return min(FIRST_WAIT * 2.0 ** min(attempt - 2, 30), LONGEST_WAIT)  # a float ends at 2 ** 1024


class Outbox:
    """One task per chat that has something waiting, so that no chat waits for another."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        owner: str,
        *,
        wait: Callable[[int], float] = wait_before,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._channels = channels
        self._owner = owner
        self._wait = wait
        self._clock = clock
        self._chats: dict[tuple[str, str], deque[Letter]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MAX_SENDING)
        self._delivered: dict[int, str] = {}  # row -> what receipts will call the message
        self._receipts: list[tuple[Sequence[Receipt], asyncio.Future[None]]] = []
        self._stopped = False
        self._timers: list[asyncio.TimerHandle] = []
        self._early: OrderedDict[str, Receipt] = OrderedDict()  # receipts that came before we knew of the message
        self._news = asyncio.Event()
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
            waiting = self._chats.get(key)
            if waiting is not None:
                waiting.append(letter)
                continue
            self._all_gone.clear()
            self._chats[key] = deque([letter])
            task = asyncio.create_task(self._send_chat(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        metrics.UNSENT.set(sum(map(len, self._chats.values())))

    async def adopt(self, *, alone: bool) -> int:
        """Takes over what others left unsent; how many letters. `alone`: no other instance uses this database."""
        async with self._database.write() as connection:
            letters = await outbox.adopt(connection, self._database.sealer, self._owner, self._clock(), alone=alone)
        self.deliver(letters)
        return len(letters)

    async def report(self, receipts: Sequence[Receipt]) -> None:
        """Notes what a platform says of sent messages; returns when that is committed. Raises Unavailable."""
        if self._stopped:
            raise Unavailable
        noted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._receipts.append((receipts, noted))
        self._news.set()
        await noted

    async def run(self) -> None:
        """Writes down what was delivered and what platforms say of it, in batches, until cancelled."""
        try:
            while True:
                await self._news.wait()
                await asyncio.sleep(_FLUSH_AFTER)
                self._news.clear()
                await uninterrupted(self._flush())
        finally:
            self._stopped = True
            for timer in self._timers:
                timer.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._flush()

    async def drained(self) -> None:
        """Returns when nothing is left to send."""
        await self._all_gone.wait()

    async def _flush(self) -> None:
        done, self._delivered = self._delivered, {}
        waiting, self._receipts = self._receipts, []
        receipts = [receipt for several, _ in waiting for receipt in several]
        receipts += [self._early.pop(name) for name in done.values() if name in self._early]
        failure: Exception | None = None
        try:
            if done or receipts:
                for letter in await self._write_down(done, receipts):
                    self._later(letter)
        except Exception as error:  # the rows stay: at worst something is sent twice
            log.error("outbox_flush_failed", error=place(error))
            self._delivered = done | self._delivered
            failure = Unavailable()
        for _, noted in waiting:
            if not noted.done():
                noted.set_exception(failure) if failure else noted.set_result(None)

    def _later(self, letter: Letter) -> None:
        """Sends it once more after the usual wait; should we stop before, whoever adopts it does."""
        self._timers = [timer for timer in self._timers if not timer.cancelled() and timer.when() > asyncio.get_running_loop().time()]
        self._timers.append(asyncio.get_running_loop().call_later(self._wait(letter.attempts + 1), self.deliver, [letter]))

    async def _write_down(self, done: Mapping[int, str], receipts: Sequence[Receipt]) -> list[Letter]:
        """Notes what was delivered and what is said of it, in one transaction; the letters to be sent once more."""
        reported = outbox.Reported()
        async with self._database.write() as connection:
            await outbox.sent(connection, [number for number, name in done.items() if not name])
            await outbox.taken(connection, {number: name for number, name in done.items() if name})
            if receipts:
                reported = await outbox.report(connection, self._database.sealer, receipts, self._owner, self._clock())
            for letter, reason in reported.dead:
                await self._tell_staff(connection, letter, reason)
        for receipt in receipts:
            metrics.SENT.labels(receipt.channel, receipt.status).inc()
        self._early |= {receipt.message: receipt for receipt in reported.unknown}
        while len(self._early) > _MAX_EARLY:
            self._early.popitem(last=False)
        return reported.again

    async def _send_chat(self, key: tuple[str, str]) -> None:
        waiting = self._chats[key]
        while waiting:
            await self._send(waiting[0])
            waiting.popleft()
        del self._chats[key]
        if not self._chats:
            self._all_gone.set()

    async def _send(self, letter: Letter) -> None:
        """Tries until the letter is delivered or given up."""
        channel = self._channels[letter.channel]
        attempt, tries = letter.attempts, 0
        while True:
            attempt, tries, passing = attempt + 1, tries + 1, False
            await asyncio.sleep(channel.reserve(letter.address))
            try:
                late = channel.window is not None and not await self._may_write(letter, channel.window)
                async with self._room:
                    message = await channel.send(Delivery(letter.address, letter.reply, letter.origin, late))
            except NotSent as failure:
                reason, permanent = str(failure), failure.permanent
                passing = failure.passing
                wait = failure.retry_after or self._wait(tries + 1)
                if failure.gone and letter.contact is not None:
                    await self._note(self._mark_left(letter.contact))
            except Exception as error:
                reason, permanent, wait = type(error).__name__, False, self._wait(tries + 1)
                log.error("send_failed", channel=letter.channel, error=place(error))
            else:
                metrics.SENT.labels(letter.channel, "delivered").inc()
                self._delivered[letter.id] = message
                self._news.set()
                return
            too_old = letter.at is not None and self._clock() - letter.at > MAX_AGE
            attempt -= passing
            dead = permanent or attempt >= MAX_ATTEMPTS or (passing and too_old)
            metrics.SENT.labels(letter.channel, "dead" if dead else "retried").inc()
            log.warning("message_not_sent", channel=letter.channel, reason=reason, attempt=attempt, given_up=dead)
            await self._note(self._mark_failed(letter, attempt, reason, dead=dead))
            if dead:
                return
            await asyncio.sleep(wait)

    async def _mark_left(self, contact: int) -> None:
        async with self._database.write() as connection:
            await contacts.mark_left(connection, self._database.sealer, contact)

    async def _mark_failed(self, letter: Letter, attempt: int, reason: str, *, dead: bool) -> None:
        async with self._database.write() as connection:
            await outbox.failed(connection, letter.id, attempt, reason, dead=dead)
            if dead:
                await self._tell_staff(connection, letter, reason)

    async def _tell_staff(self, connection: AsyncConnection, letter: Letter, reason: str) -> None:
        if letter.contact is not None:
            await requests.not_delivered(connection, letter.contact, f"{letter.channel}: {reason}", self._clock())

    async def _may_write(self, letter: Letter, window: timedelta) -> bool:
        """Whether the person has written so recently that the platform lets us answer in free words."""
        now, heard = self._clock(), letter.heard_at
        if letter.contact is not None and (heard is None or now - heard >= window):
            async with self._database.read() as connection:
                heard = await contacts.last_heard(connection, letter.contact)
        return heard is not None and now - heard < window

    async def _note(self, work: Coroutine[Any, Any, None]) -> None:
        """Writes something down that matters less than the letters: without it they go on all the same."""
        try:
            await uninterrupted(work)
        except Exception as error:
            log.error("outbox_note_failed", error=place(error))
