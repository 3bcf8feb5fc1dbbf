"""Sends what was queued: DESIGN rule 4. In order within a chat, with back-off, until it is delivered or given up.

Every letter is a row already committed. A fresh one is sent from memory; its row goes when it is delivered, in
batches. A letter whose row is not gone when we die is sent again by whoever adopts it: at least once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from bot import metrics
from bot.channels.base import Channel, Delivery, NotSent
from bot.logs import place
from bot.store import contacts, outbox
from bot.store.database import Database, uninterrupted
from bot.store.outbox import Letter

MAX_ATTEMPTS = 12  # tries that count, about half an hour with the back-off below
MAX_AGE = timedelta(hours=24)  # how long a message waits for a platform that is away
FIRST_WAIT, LONGEST_WAIT = 1.0, 600.0  # seconds between tries, doubling
MAX_SENDING = 200  # chats sent to at the same time
_FLUSH_AFTER = 0.05  # seconds a delivered row may wait for others to be removed with it

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
        self._delivered: list[int] = []
        self._some_delivered = asyncio.Event()
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

    async def run(self) -> None:
        """Removes delivered rows, in batches, until cancelled."""
        try:
            while True:
                await self._some_delivered.wait()
                await asyncio.sleep(_FLUSH_AFTER)
                self._some_delivered.clear()
                await uninterrupted(self._flush())
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._flush()

    async def drained(self) -> None:
        """Returns when nothing is left to send."""
        await self._all_gone.wait()

    async def _flush(self) -> None:
        done, self._delivered = self._delivered, []
        if done:
            try:
                async with self._database.write() as connection:
                    await outbox.sent(connection, done)
            except Exception as error:  # the rows stay: at worst something is sent twice
                log.error("outbox_flush_failed", error=type(error).__name__)
                self._delivered += done

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
                async with self._room:
                    await channel.send(Delivery(letter.address, letter.reply, letter.origin))
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
                self._delivered.append(letter.id)
                self._some_delivered.set()
                return
            too_old = letter.at is not None and self._clock() - letter.at > MAX_AGE
            attempt -= passing
            dead = permanent or attempt >= MAX_ATTEMPTS or (passing and too_old)
            metrics.SENT.labels(letter.channel, "dead" if dead else "retried").inc()
            log.warning("message_not_sent", channel=letter.channel, reason=reason, attempt=attempt, given_up=dead)
            await self._note(self._mark_failed(letter.id, attempt, reason, dead=dead))
            if dead:
                return
            await asyncio.sleep(wait)

    async def _mark_left(self, contact: int) -> None:
        async with self._database.write() as connection:
            await contacts.mark_left(connection, self._database.sealer, contact)

    async def _mark_failed(self, letter: int, attempt: int, reason: str, *, dead: bool) -> None:
        async with self._database.write() as connection:
            await outbox.failed(connection, letter, attempt, reason, dead=dead)

    async def _note(self, work: Coroutine[Any, Any, None]) -> None:
        """Writes something down that matters less than the letters: without it they go on all the same."""
        try:
            await uninterrupted(work)
        except Exception as error:
            log.error("outbox_note_failed", error=place(error))
