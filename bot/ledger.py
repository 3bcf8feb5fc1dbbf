"""What became of letters, written down in batches: delivered, given up, and what platforms say of them later."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import metrics
from bot.channels.base import NotSent, Unavailable
from bot.core.model import Receipt
from bot.logs import place
from bot.store import addresses, contacts, outbox, requests
from bot.store.database import Database, uninterrupted
from bot.store.outbox import Letter

Note = Callable[[AsyncConnection], Awaitable[None]]

_FLUSH_AFTER = 0.05  # seconds what was delivered may wait for others to be written down with it
_RETRY_AFTER = 5.0  # seconds until what could not be written down is tried again
_MAX_EARLY = 1000  # receipts kept until the message they are about is known

log = structlog.get_logger()


class Ledger:
    """`again` is called with letters a platform has failed to deliver for reasons of its own."""

    def __init__(self, database: Database, owner: str, clock: Callable[[], datetime], again: Callable[[Letter], None]) -> None:
        self._database = database
        self._owner = owner
        self._clock = clock
        self._again = again
        self._delivered: dict[int, str] = {}  # row -> what receipts will call the message, "" when there will be none
        self._writing: dict[int, str] = {}  # those that are being written down
        self._receipts: list[tuple[Sequence[Receipt], asyncio.Future[None] | None]] = []  # and who waits for that
        self._early: OrderedDict[str, Receipt] = OrderedDict()  # receipts that came before we knew of the message
        self._news = asyncio.Event()
        self._stopped = False

    def delivered(self, letter: Letter, message: str) -> None:
        """Notes it soon. Of a letter to nobody we know (any more) nothing is kept."""
        self._delivered[letter.id] = message if letter.contact is not None else ""
        self._news.set()

    async def report(self, receipts: Sequence[Receipt]) -> None:
        """Notes what a platform says of sent messages; returns when that is committed. Raises Unavailable."""
        if self._stopped:
            raise Unavailable
        noted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._receipts.append((receipts, noted))
        self._news.set()
        await noted

    @contextmanager
    def noting(self) -> Iterator[Note]:
        """What was delivered, for a transaction that somebody else has begun: a call of its own would cost as much again.

        They write it down within the block; at its end it is written down, or with an error it is not.
        """
        done, self._delivered = self._delivered, {}
        self._writing |= done
        try:
            yield partial(_note, done)
        except BaseException:
            self._delivered = done | self._delivered
            self._try_later()
            raise
        finally:
            self._writing = {number: name for number, name in self._writing.items() if number not in done}
        if self._hear_early(done):
            self._news.set()

    def _hear_early(self, done: Mapping[int, str]) -> bool:
        """What was said too early about these messages is heard now; whether there was anything."""
        early = [receipt for name in done.values() if (receipt := self._early.pop(name, None))]
        self._receipts += [(early, None)] if early else []
        return bool(early)

    def _try_later(self) -> None:
        if not self._stopped:
            asyncio.get_running_loop().call_later(_RETRY_AFTER, self._news.set)

    def pending(self) -> Collection[int]:
        """Letters that were delivered, which is not written down yet."""
        return self._delivered.keys() | self._writing.keys()

    async def listen_again(self) -> None:
        """Tries early receipts once more: another instance may have sent what they are about, and noted it since."""
        if self._early:
            await self.report(list(self._early.values()))

    async def run(self) -> None:
        """Writes down until cancelled; `close` does the rest."""
        while True:
            await self._news.wait()
            await asyncio.sleep(_FLUSH_AFTER)
            self._news.clear()
            await uninterrupted(self._flush())

    async def close(self) -> None:
        self._stopped = True
        await self._flush()

    async def failed(self, letter: Letter, attempt: int, reason: str, *, dead: bool) -> None:
        async with self._database.write() as connection:
            if dead and letter.contact is None:  # there is nobody it could be shown to
                await outbox.sent(connection, [letter.id])
                return
            ours = await outbox.failed(connection, letter.id, self._owner, attempt, reason, dead=dead)
            if dead and ours:  # else another instance goes on with it
                await self._tell_staff(connection, letter, reason)

    async def left(self, contact: int) -> None:
        """The person cannot be written to any more."""
        async with self._database.write() as connection:
            await contacts.mark_left(connection, self._database.sealer, contact)

    async def current(self, letter: Letter) -> Letter | None:
        """The letter with the address its person has now; None when it is not ours to send any more.

        Raises NotSent when they have no address there any more: nobody is left with an answer that vanishes silently.
        """
        async with self._database.read() as connection:
            wanted, contact = await outbox.addressee(connection, letter.id, self._owner)
            if not wanted:
                return None
            if contact is None and letter.contact is None:
                return letter
            theirs = await addresses.of_contact(connection, self._database.sealer, contact, letter.channel) if contact else []
        if not theirs:
            raise NotSent("the person has no address here any more", permanent=True)
        return replace(letter, contact=contact, address=letter.address if letter.address in theirs else theirs[0])

    async def may_write(self, letter: Letter, window: timedelta) -> bool:
        """Whether the person has written so recently that the platform lets us answer in free words."""
        if letter.late:
            return False
        now, heard = self._clock(), letter.heard_at
        if letter.contact is None:  # an answer to somebody who is not kept: they had just written
            heard = heard or letter.at
        elif heard is None or now - heard >= window:
            async with self._database.read() as connection:
                heard = await contacts.last_heard(connection, letter.contact)
        return heard is not None and now - heard < window

    async def _flush(self) -> None:
        self._hear_early(self._delivered)
        waiting, self._receipts = self._receipts, []
        failure: Exception | None = None
        try:
            await self._write_down([receipt for several, _ in waiting for receipt in several])
        except Exception as error:  # the rows stay: at worst something is sent twice
            log.error("outbox_flush_failed", error=place(error))
            self._receipts += [each for each in waiting if each[1] is None]
            self._try_later()
            failure = Unavailable()
        for _, noted in waiting:
            if noted and not noted.done():
                noted.set_exception(failure) if failure else noted.set_result(None)

    async def _write_down(self, receipts: Sequence[Receipt]) -> None:
        if not (self._delivered or receipts):
            return
        reported = outbox.Reported()
        with self.noting() as note:
            async with self._database.write(brief=True) as connection:
                await note(connection)
                if receipts:
                    reported = await outbox.report(connection, self._database.sealer, receipts, self._owner, self._clock())
                for letter, reason in reported.dead:
                    await self._tell_staff(connection, letter, reason)
        for receipt in receipts:
            metrics.SENT.labels(receipt.channel, receipt.status).inc()
        for receipt in reported.unknown:
            known = self._early.get(receipt.message)
            if known is None or outbox.RANK[receipt.status] > outbox.RANK[known.status]:
                self._early[receipt.message] = receipt
        while len(self._early) > _MAX_EARLY:
            self._early.popitem(last=False)
        for letter in reported.again:
            self._again(letter)

    async def _tell_staff(self, connection: AsyncConnection, letter: Letter, reason: str) -> None:
        if letter.contact is not None:
            await requests.not_delivered(connection, letter.contact, f"{letter.channel}: {reason}", self._clock())


async def _note(done: Mapping[int, str], connection: AsyncConnection) -> None:
    await outbox.sent(connection, [number for number, name in done.items() if not name])
    await outbox.taken(connection, {number: name for number, name in done.items() if name})
