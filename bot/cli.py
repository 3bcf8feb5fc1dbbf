"""The command line. Exit codes: 0 done, 1 refused or not found, 2 wrong usage or settings."""

import asyncio
import sys
from contextlib import AbstractAsyncContextManager, suppress
from importlib import import_module
from typing import Annotated

import typer

from bot import cli_actions, cli_content, cli_db, cli_setup, cli_staff, cli_stats
from bot.app import App
from bot.channels.terminal import Terminal, show
from bot.cli_db import NotWhole
from bot.cli_requests import NotFound
from bot.cli_setup import SetupFailed
from bot.config import WrongSettings, load_settings
from bot.content_rules import ContentError
from bot.logs import configure
from bot.server import AddressInUse, PartDied, serve_forever
from bot.staff.accounts import AccountRefused
from bot.staff.actions import Refused
from bot.staff.passwords import WeakPassword
from bot.store.backup import BackupFailed
from bot.store.copy import CopyRefused
from bot.store.crypto import WrongKey, new_key
from bot.store.outages import is_outage
from bot.store.staff import NameTaken

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Information about OMS and a callback queue.")
app.command()(cli_content.check)
app.command()(cli_content.preview)
app.command()(cli_stats.stats)
app.add_typer(cli_actions.app, name="requests")
app.add_typer(cli_staff.app, name="staff")
app.add_typer(cli_db.app, name="db")
app.add_typer(cli_setup.telegram, name="telegram")
app.add_typer(cli_setup.whatsapp, name="whatsapp")


# What a command says no with; the text is for whoever typed it.
_REFUSALS = (
    Refused, NotFound, AddressInUse, PartDied, SetupFailed, BackupFailed, NotWhole, CopyRefused, AccountRefused, NameTaken, WeakPassword,
)  # fmt: skip


def main() -> None:
    """Runs a command; a user's mistake ends in one sentence, never in a traceback."""
    try:
        app()
    except _REFUSALS as refusal:
        _end(str(refusal), 1)
    except ContentError as error:
        _end(f"{error}\nThe content cannot be used; `oms-bot check` shows the same.", 1)
    except WrongSettings as mistake:
        _end(str(mistake), 2)
    except WrongKey:
        _end("The data key does not fit this database: set OMSBOT_DATA_KEYS to the key it was made with.", 2)
    except Exception as error:
        if not is_outage(error):
            raise
        _end(
            "The database cannot be opened: check OMSBOT_DATABASE_URL, that its server runs or its folder can be written, and the disk.", 1
        )


def _end(sentence: str, code: int) -> None:
    print(sentence, file=sys.stderr)
    raise SystemExit(code)


def _loop() -> asyncio.AbstractEventLoop:
    """The fastest there is on this platform."""
    try:
        uvloop = import_module("uvloop")
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


@app.command()
def serve() -> None:
    """Serve the web chat and every configured messenger until stopped."""
    settings = load_settings()
    configure(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(serve_forever(settings))


@app.command()
def chat(who: Annotated[str, typer.Option("--as", help="Whose conversation to go on with.")] = "terminal") -> None:
    """Talk to the bot here. Type a number, a word or a question; an empty line ends it."""
    settings = load_settings()
    configure("WARNING", settings.log_format)
    asyncio.run(_talk(App.running(settings, serving=False), who))


async def _talk(running: AbstractAsyncContextManager[App], who: str) -> None:
    async with running as app:
        channel = app.channels["terminal"]
        assert isinstance(channel, Terminal)  # noqa: S101 says the type
        line: str | None = ""
        while line is not None:
            for reply in await channel.talk(who, line):
                print(f"\n{show(reply)}")
            line = await asyncio.to_thread(_read_line)


def _read_line() -> str | None:
    with suppress(EOFError, KeyboardInterrupt):
        return input("\n> ").strip() or None
    return None


@app.command()
def key() -> None:
    """Make a data key for OMSBOT_DATA_KEYS."""
    print(new_key())
