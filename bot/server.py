"""Serving: one process, one event loop, a clean stop on SIGTERM, the content read anew on SIGHUP."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module

import structlog
import uvicorn

from bot.apart import Apart, elsewhere
from bot.app import App
from bot.config import Settings, sealer
from bot.core.library import Content
from bot.staff.accounts import FIRST_ADMIN, Accounts
from bot.store import schema
from bot.store.database import upgrade
from bot.store.outbox import LEASE

_SWITCH = 0.0005  # seconds after which a thread that has waited for the disk may go on, while the event loop is busy
_GARBAGE = (20_000, 20, 50)  # objects, and rounds of the younger generations, between collections
STOP_SECONDS = 3  # requests under way get to finish

log = structlog.get_logger()


class AddressInUse(Exception):
    """The port cannot be had; the text says what to do."""


class PartDied(Exception):
    """A part of the program broke; whoever watches over it should start it again."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which would kill the process before our own clean-up."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(settings: Settings, lease: timedelta = LEASE, reading: Apart | None = None) -> None:
    """Serves until a signal; `lease` and `reading` are for the app. Raises AddressInUse, and what `App.running` raises."""
    listening = _listen(settings)
    file = settings.database_file
    fresh = file is not None and not file.exists()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # one that comes too early ends nothing
    sealer(settings)  # a start that is refused, for its keys or its content, changes nothing
    behind = file is None or schema.behind(file)
    content = reading.content() if reading and behind else None
    if file and behind:
        # What it needs, 13 MB, would stay in memory here. What goes wrong is said when we open the database.
        elsewhere(lambda: asyncio.run(upgrade(settings.database_url)))
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(_serve(settings, listening, lease, reading, content, fresh=fresh))


def _loop() -> asyncio.AbstractEventLoop:
    """The fastest there is on this platform."""
    try:
        uvloop = import_module("uvloop")
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def _serve(
    settings: Settings, listening: socket.socket, lease: timedelta, reading: Apart | None, content: Content | None, *, fresh: bool
) -> None:
    told = asyncio.Event()  # to read the content anew
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, told.set)
    in_terminal = os.isatty(0)
    gc.disable()  # until all is built: nothing of that is garbage
    async with App.running(settings, content=content, reading=reading, lease=lease) as app:
        config = uvicorn.Config(
            app.web,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # `app.web` sees to them where they matter
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        host, port = listening.getsockname()[:2]
        address = f"http://{host}:{port}"
        log.info("ready", address=address, channels=sorted(app.channels))
        password = await Accounts(app.database).begin(datetime.now(UTC)) if settings.database_file else None
        if fresh:
            print(_FIRST_STEPS.format(address=address), flush=True)
        if password:
            print(_FIRST_LOGIN.format(address=address, name=FIRST_ADMIN, password=password), flush=True)
        server = _Server(config)
        gc.freeze()  # what is there now stays; next to nothing of it is garbage, and to look for that takes a quarter of a second
        gc.enable()
        gc.set_threshold(*_GARBAGE)
        sys.setswitchinterval(_SWITCH)

        def stop() -> None:
            app.close_streams()  # uvicorn would wait for them
            server.should_exit = True

        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stop)
        app.died.add_done_callback(lambda _: stop())
        rereading = asyncio.create_task(_reread(app, told, stop, in_terminal=in_terminal))
        await server.serve(sockets=[listening])
        rereading.cancel()
        if app.died.done():
            raise PartDied(f"Stopped, because the {app.died.result()} broke (see the log): start again; nothing acknowledged is lost.")
    log.info("stopped")


async def _reread(app: App, told: asyncio.Event, stop: Callable[[], None], *, in_terminal: bool) -> None:
    """Reads the content anew whenever told. What the kernel says in the same way when the terminal we run in is closed is a stop."""
    while await told.wait():
        told.clear()
        if in_terminal and not os.isatty(0):
            stop()
        elif await app.reread():
            _settle()


def _settle() -> None:
    """What is there now, above all the content, stays: no garbage is looked for in it any more.

    Looking through it again and again costs a third of the processor's time under load, and its pauses are the longest there are.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        where = f"{settings.host}:{settings.port}"
        raise AddressInUse(f"Cannot listen on {where} ({error.strerror}): stop the other program or set OMSBOT_PORT.") from None
    return listening


_FIRST_STEPS = """
  Open {address} and talk to the bot, or type `.venv/bin/oms-bot chat`.
  Ask for a callback there; `.venv/bin/oms-bot requests list` shows it.
  Connect Telegram: see .env.example. Change what the bot says: content/, then `.venv/bin/oms-bot check`.
"""
# Printed, never logged: logs are kept and passed on.
_FIRST_LOGIN = """
  The staff desk: {address}/staff/
  Sign in as {name} with the password {password}
  It is shown only now. Set one of your own under Account; `.venv/bin/oms-bot staff add NAME` makes accounts for the others.
"""
