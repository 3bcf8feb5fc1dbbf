"""The staff desk as browsers see it: a program with invented people at both ends, and windows to look through."""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from browser import Server
from desk_people import PASSWORD, Counting
from playwright.sync_api import Browser, BrowserContext, Page, expect
from program import Served
from visitor import Visitor, consent, press

from bot.staff.accounts import Accounts
from bot.staff.passwords import Passwords
from bot.store.crypto import Sealer
from bot.store.database import open_database

STAFF = {"Ada": ("admin", "en"), "Ben": ("staff", "en"), "Cara": ("staff", "en"), "Dora": ("staff", "de")}
ZONE = "Europe/Berlin"  # of staff


@dataclass
class Office:
    """A program at whose desk the people of STAFF work."""

    server: Server

    async def hire(self) -> None:
        """Makes the accounts, without the seconds that a process takes to start."""
        settings = self.server.settings
        database = await open_database(settings["OMSBOT_DATABASE_URL"], Sealer([settings["OMSBOT_DATA_KEYS"]]))
        for name, (role, language) in STAFF.items():
            await Accounts(database, Passwords(Counting())).add("test", name, PASSWORD, role, language, datetime.now(UTC))
        await database.close()

    def asks(self, number: str, name: str = "", topic: str = "", *, language: str = "en", zone: str = "Europe/London") -> str:
        """Somebody asks for a call by the web chat; their reference. `number` may be an e-mail address instead."""
        served = Served(self.server.process, self.server.url)
        caller = Visitor(served, language, zone)
        caller.sends(served, press(consent(caller.sends(served, press("callback")))))
        if "@" in number:
            caller.sends(served, press("ask:email"))
        caller.sends(served, {"type": "text", "text": number})
        if name:
            caller.sends(served, press("ask:name"))
            caller.sends(served, {"type": "text", "text": name})
        if topic:
            caller.sends(served, press("ask:topic"))
            caller.sends(served, press(f"set:topic:{topic}"))
        caller.sends(served, press("send"))
        with self._database() as database:
            [reference] = database.execute("SELECT reference FROM requests ORDER BY id DESC LIMIT 1").fetchone()
        return str(reference)

    def next_step(self, reference: str, ago: timedelta) -> None:
        """Makes it so long since somebody should have done something."""
        at = datetime.now(UTC) - ago
        with self._database() as database:
            database.execute("UPDATE requests SET next_at = ? WHERE reference = ?", (f"{at:%Y-%m-%d %H:%M:%S.%f}", reference))
            database.commit()

    def act(self, action: str, reference: str, name: str, *options: str) -> None:
        """Somebody at the desk does something that no window is needed for."""
        self.server.command("requests", action, reference, "--as", name, *options)

    def _database(self) -> sqlite3.Connection:
        return sqlite3.connect(self.server.folder / "ui.db", timeout=30)


@dataclass
class Windows:
    """Opens windows, each of a browser of its own: what one signs in to the others do not share."""

    browser: Browser
    office: Office
    open: list[BrowserContext] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def __call__(self, name: str = "", *, width: int = 1280, height: int = 900, **options: object) -> Page:
        """A window, in which `name` is signed in if one is given."""
        shape: Mapping[str, object] = {"locale": "en-GB", "timezone_id": ZONE, "reduced_motion": "reduce", **options}
        context = self.browser.new_context(viewport={"width": width, "height": height}, **shape)  # type: ignore[arg-type]
        self.open.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(self.office.server.url) else self.trouble.append(asked.url))
        page.goto(f"{self.office.server.url}/staff/")
        if name:
            self.sign_in(page, name)
        return page

    def sign_in(self, page: Page, name: str) -> None:
        page.locator("#name").fill(name)
        page.locator("#password").fill(PASSWORD)
        page.locator("button.primary").click()
        expect(page.locator("nav.views")).to_be_visible()


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for all tests: each has callers of its own."""
    server = Server(tmp_path_factory.mktemp("office"))
    server.start()
    opened = Office(server)
    with ThreadPoolExecutor(1) as aside:  # the browser's loop runs in this thread
        aside.submit(asyncio.run, opened.hire()).result()
    yield opened
    server.kill()


@pytest.fixture
def window(chromium: Browser, office: Office) -> Iterator[Windows]:
    """Fails the test when a page throws an error or asks anybody but the server."""
    windows = Windows(chromium, office)
    yield windows
    for context in windows.open:
        context.close()
    assert windows.trouble == []


def request_page(page: Page, office: Office, reference: str) -> None:
    """Goes to the page of a request."""
    page.goto(f"{office.server.url}/staff/requests/{reference}")
    expect(page.locator("h1")).to_be_visible()
