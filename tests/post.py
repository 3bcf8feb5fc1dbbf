"""A channel for tests that notes what it is given to send, and letters for it."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from people import NOW, PATIENCE, Person, acquainted
from sqlalchemy import select
from starlette.routing import BaseRoute

from bot.channels.base import Delivery
from bot.core.model import Reply
from bot.outbox import Outbox
from bot.store import outbox
from bot.store.database import Database
from bot.store.outbox import Letter
from bot.store.tables import outbox as rows


@dataclass
class Post:
    """A channel that notes what it is given to send, with trouble and closed doors for some addresses."""

    name: str = "post"
    pull: bool = False
    window: timedelta | None = None
    receipts: bool = False  # it tells what becomes of messages
    late: list[str] = field(default_factory=list)  # words given to it after the window had closed
    tries: list[tuple[str, str]] = field(default_factory=list)  # address and words
    sent: list[tuple[str, str]] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    faults: defaultdict[str, deque[Exception]] = field(default_factory=lambda: defaultdict(deque))
    doors: dict[str, asyncio.Event] = field(default_factory=dict)

    async def send(self, delivery: Delivery) -> str:
        said = (delivery.address, delivery.reply.echo)
        self.late += [delivery.reply.echo] if delivery.late else []
        self.tries.append(said)
        if delivery.address in self.doors:
            await self.doors[delivery.address].wait()
        if self.faults[delivery.address]:
            raise self.faults[delivery.address].popleft()
        self.sent.append(said)
        return f"message {len(self.sent)}" if self.receipts else ""

    def words(self, person: Person) -> list[str]:
        return [words for address, words in self.sent if address == person.address]

    def arrived(self, chat: str) -> None:
        self.announced.append(chat)

    def routes(self) -> Sequence[BaseRoute]:
        return ()

    async def run(self) -> None: ...

    def reserve(self, address: str) -> float:
        return 0.0

    def trouble(self) -> str:
        return ""

    def close_streams(self) -> None: ...

    async def close(self) -> None: ...


@asynccontextmanager
async def sending(
    database: Database,
    post: Post,
    owner: str = "me",
    clock: Callable[[], datetime] = lambda: NOW,
    wait: Callable[[int], float] = lambda _: 0,
    lease: timedelta = outbox.LEASE,
) -> AsyncIterator[Outbox]:
    """An outbox that runs until the end of the block, which has to come in time."""
    out = Outbox(database, {post.name: post}, owner, wait=wait, clock=clock, lease=lease)
    flushing = asyncio.create_task(out.run())
    try:
        async with asyncio.timeout(2 * PATIENCE):
            yield out
    finally:
        flushing.cancel()
        with suppress(asyncio.CancelledError):
            await flushing


async def write(database: Database, person: Person, *words: str, owner: str = "me", held: bool = False, at: datetime = NOW) -> list[Letter]:
    """Letters for the person, committed, one per word."""
    chat = database.chat(person.channel, person.address)
    [contact] = await acquainted(database, person)
    async with database.write() as connection:
        made = [Letter(person.channel, chat, person.address, Reply((), echo=word), contact=contact.id, held=held) for word in words]
        ids = await outbox.write(connection, database.sealer, made, owner, at)
    return [replace(letter, id=number) for letter, number in zip(made, ids, strict=True)]


async def stored(database: Database) -> list[Any]:
    async with database.read() as connection:
        return list(await connection.execute(select(rows).order_by(rows.c.id)))


async def emptied(database: Database) -> None:
    async with asyncio.timeout(PATIENCE):
        while await stored(database):  # noqa: ASYNC110 the database does not tell
            await asyncio.sleep(0.002)
