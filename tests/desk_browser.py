"""A browser at the staff desk: it keeps cookies, says where its forms come from, and follows no redirect unasked."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
from desk_people import PASSWORD, Counting
from people import NOW, Person, go_through, ignore, open_turnstile

from bot.core.library import Content
from bot.entrance import Entrance
from bot.shelf import Shelf
from bot.staff.console import Console
from bot.staff.desk import Desk
from bot.staff.gate import COOKIE
from bot.staff.passwords import Passwords
from bot.store import requests
from bot.store.database import Database
from bot.store.outbox import Letter
from bot.store.requests import Entry, StoredRequest

URL = "https://desk.test"
HOME, SIGN_IN = "/staff/", "/staff/sign-in"


@dataclass
class Clock:
    """Stands still until it is told otherwise."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, step: timedelta) -> None:
        self.now += step


@dataclass
class Office:
    """The desk of a test: where browsers are opened."""

    console: Console
    database: Database
    content: Content
    clock: Clock = field(default_factory=Clock)

    @asynccontextmanager
    async def visitor(self) -> AsyncIterator[httpx.AsyncClient]:
        """A browser that nobody has signed in with."""
        transport = httpx.ASGITransport(Entrance(self.console.routes()))
        async with httpx.AsyncClient(transport=transport, base_url=URL, headers={"Origin": URL}) as client:
            yield client

    @asynccontextmanager
    async def browser(self, name: str) -> AsyncIterator[httpx.AsyncClient]:
        """A browser in which this member is signed in."""
        async with self.visitor() as client:
            answer = await client.post(SIGN_IN, data={"name": name, "password": PASSWORD})
            assert (answer.status_code, COOKIE in client.cookies) == (303, True)
            yield client

    async def request(self, person: Person) -> StoredRequest:
        """What somebody has just asked for by the bot."""
        async with open_turnstile(self.database, self.content, clock=self.clock) as turnstile:
            await go_through(turnstile, person.intake(self.content))
        async with self.database.read() as connection:
            return (await requests.listed(connection, self.database.sealer, ("new",)))[-1]

    async def look(self, request: StoredRequest) -> StoredRequest:
        """The request as it is now."""
        async with self.database.read() as connection:
            found = await requests.find(connection, self.database.sealer, request.reference)
        assert found
        return found

    async def history(self, request: StoredRequest) -> list[Entry]:
        async with self.database.read() as connection:
            return await requests.history(connection, self.database.sealer, request.id)


def open_office(
    database: Database,
    content: Content,
    *,
    public_url: str = URL,
    deliver: Callable[[list[Letter]], None] = ignore,
    every: float = 0.01,
) -> Office:
    clock = Clock()
    desk = Desk(database, Shelf(content))
    console = Console(desk, deliver, ("post", "web"), public_url, clock=clock, passwords=Passwords(Counting()), every=every)
    return Office(console, database, content, clock)
