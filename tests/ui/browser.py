"""A real browser on a phone-sized screen, and the program as `make run` starts it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from bot.store.crypto import new_key

PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE = 30.0  # seconds until a start counts as failed
expect.set_options(timeout=15_000)  # ms; a busy machine is slow


class Server:
    """`oms-bot serve` with a database of its own; can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "OMSBOT_PORT": str(self.port),
            "OMSBOT_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'ui.db'}",
            "OMSBOT_DATA_KEYS": new_key(),
        }

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "bot", "serve"], env=os.environ | self.settings, cwd=self.folder, text=True)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with suppress(OSError):
                urllib.request.urlopen(f"{self.url}/health/ready", timeout=1).close()  # noqa: S310 our own address
                return
        raise AssertionError("the server did not get ready")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def command(self, *words: str) -> str:
        """What a command of `oms-bot` prints."""
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            env=os.environ | self.settings,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests: every page has a conversation of its own."""
    running = Server(tmp_path_factory.mktemp("server"))
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's chromium, or the one playwright has installed."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        if program is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("THE BROWSER TESTS ARE SKIPPED: install chromium (Debian: apt-get install chromium) or set CHROMIUM to its path")
        browser = playwright.chromium.launch(executable_path=program, args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def phone(chromium: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The chat, just opened. Fails the test when the page logs an error or asks anybody but the server."""
    options = dict(getattr(request, "param", {}))
    context = chromium.new_context(viewport=PHONE, locale="en-GB", timezone_id="Europe/Madrid", has_touch=True, **options)
    page = context.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(server.url) else trouble.append(asked.url))
    page.goto(server.url)
    yield page
    context.close()
    assert trouble == []
