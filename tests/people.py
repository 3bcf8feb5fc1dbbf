"""Made-up people who write to the turnstile, and what tests ask about the database afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.core.engine import advance
from bot.core.library import Content
from bot.core.markup import plain
from bot.core.model import REPLY_JSON, Event, Inbound, Press, Profile, Text
from bot.rounds import Advance, waiting
from bot.shelf import Shelf
from bot.staff.alerts import Alerts
from bot.store import requests
from bot.store.addresses import Directory
from bot.store.contacts import Contact
from bot.store.database import Database
from bot.store.outbox import Letter
from bot.store.requests import StoredRequest
from bot.store.tables import REQUEST_STATES, metadata, outbox
from bot.turnstile import Noting, Turnstile

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PATIENCE = 10.0  # seconds a test waits for something before it fails
_numbers = count(1)

# For tests that look into SQLite's file or count on its ways.
on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@dataclass(frozen=True)
class Person:
    """Somebody on a channel, with a number that belongs to nobody (Ofcom keeps 7946 0xxx for drama)."""

    address: str = "chat-of-ada-4711"
    name: str = "Ada Fictional"
    phone: str = "+442079460018"
    channel: str = "post"
    number: int = field(default_factory=lambda: next(_numbers))

    def does(self, event: Event, update_id: str = "") -> Inbound:
        """The event in its envelope, with an update id of its own unless one is given."""
        update_id = update_id or f"{self.number}-{next(_numbers)}"
        return Inbound(self.channel, self.address, update_id, NOW, event, Profile(name=self.name))

    def intake(self, content: Content) -> list[Inbound]:
        """Everything from the wish to be called to the queued request."""
        yes = f"consent:yes:{content.structure.consent_version}"
        return [self.does(event) for event in (Press("callback"), Press(yes), Text(self.phone), Press("send"))]


ADA = Person()
BOB = Person("chat-of-bob-4712", "Bob Fictional", "+442079460099")


async def acquainted(database: Database, *people: Person) -> list[Contact]:
    """The contact of each person, made if there was none."""
    events = [waiting(database, person.does(Text(""))) for person in people]
    async with database.write() as connection:
        directory = Directory(connection, database.sealer, NOW)
        await directory.look_up({key for event in events for key in event.keys})
        found = [await directory.settle(event.names) for event in events]
        new = [event.names for event, contact in zip(events, found, strict=True) if contact is None]
        made = iter(await directory.add(new))
        return [contact or next(made) for contact in found]


async def until(condition: Callable[[], bool], what: str) -> None:
    """Returns when the condition holds; fails after PATIENCE."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 any condition, not only those that tell
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"waited in vain: {what}") from None


def ignore(letters: list[Letter]) -> None:
    """A delivery that keeps the letters where they are."""


@asynccontextmanager
async def open_turnstile(
    database: Database,
    content: Content,
    deliver: Callable[[list[Letter]], None] = ignore,
    *,
    step: Advance = advance,
    held: frozenset[str] = frozenset(),
    clock: Callable[[], datetime] = lambda: NOW,
    alerts: Alerts | None = None,
    noting: Noting | None = None,
) -> AsyncIterator[Turnstile]:
    """A turnstile whose rounds run until the end of the block, which has to come in time."""
    turnstile = Turnstile(database, Shelf(content), deliver, owner="test", step=step, held=held, clock=clock, alerts=alerts, noting=noting)
    rounds = asyncio.create_task(turnstile.run())
    try:
        async with asyncio.timeout(2 * PATIENCE):
            yield turnstile
    finally:
        rounds.cancel()
        with suppress(asyncio.CancelledError):
            await rounds


async def go_through(turnstile: Turnstile, inbounds: list[Inbound]) -> None:
    for inbound in inbounds:
        await turnstile.submit(inbound)


async def answers(database: Database, person: Person) -> list[str]:
    """What is queued for the person, as plain text, oldest first."""
    chat = database.chat(person.channel, person.address)
    async with database.read() as connection:
        bodies = await connection.scalars(select(outbox.c.body).where(outbox.c.chat == chat).order_by(outbox.c.id))
        return [plain(REPLY_JSON.validate_json(database.sealer.open(body)).body) for body in bodies]


async def queue(database: Database) -> list[StoredRequest]:
    """Every request there is."""
    async with database.read() as connection:
        return await requests.listed(connection, database.sealer, REQUEST_STATES)


def file_of(database: Database) -> Path:
    return Path(database.engine.url.database or "")


async def contents(database: Database) -> dict[str, list[str]]:
    """All that is committed, seen by somebody else."""
    async with database.read() as connection:
        return {table.name: sorted(map(repr, await connection.execute(select(table)))) for table in metadata.sorted_tables}
