"""The command line. Exit codes: 0 done, 1 refused or not found, 2 wrong usage or settings."""

import asyncio
import sys
from contextlib import AbstractAsyncContextManager, suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from bot import cli_db, cli_requests, cli_setup, content_rules
from bot.app import App
from bot.channels.terminal import Terminal, show
from bot.cli_db import NotWhole
from bot.cli_requests import NotFound
from bot.cli_setup import SetupFailed
from bot.config import WrongSettings, load_settings
from bot.content import Problem
from bot.content_rules import ContentError
from bot.logs import configure
from bot.server import AddressInUse, PartDied, serve_forever
from bot.staff.actions import Refused
from bot.store.backup import BackupFailed
from bot.store.copy import CopyRefused
from bot.store.crypto import WrongKey, new_key
from bot.store.outages import is_outage

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Information about OMS and a callback queue.")
_MANY = 10  # notes of one kind that are worth a line each
app.add_typer(cli_requests.app, name="requests")
app.add_typer(cli_db.app, name="db")
app.add_typer(cli_setup.telegram, name="telegram")
app.add_typer(cli_setup.whatsapp, name="whatsapp")


def main() -> None:
    """Runs a command; a user's mistake ends in one sentence, never in a traceback."""
    try:
        app()
    except (Refused, NotFound, AddressInUse, PartDied, SetupFailed, BackupFailed, NotWhole, CopyRefused) as refusal:
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
def check(
    menu_map: Annotated[bool, typer.Option("--map", help="Print the menus as a Mermaid chart instead.")] = False,
    folder: Annotated[Path | None, typer.Option("--content", help="The folder to check.")] = None,
    notes: Annotated[bool, typer.Option("--notes", help="List every note, also where there are many of a kind.")] = False,
) -> None:
    """Check the content: every mistake with its file and what to do."""
    content, problems = content_rules.check((folder or load_settings().content_dir).resolve())
    if menu_map and content is not None:
        print(content_rules.menu_map(content))
        return
    errors = [problem for problem in problems if not problem.note]
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        if problem.note:
            kinds.setdefault(problem.message, []).append(problem)
    for message, alike in kinds.items():
        many = len(alike) > _MANY and not notes
        print(f"note: {message} in {len(alike)} places: `oms-bot check --notes` lists them" if many else _noted(alike))
    for error in errors:
        print(error)
    pages = sum(len(language.pages) for language in content.languages.values()) if content else 0
    print(f"{pages} pages, {len(errors)} errors, {len(problems) - len(errors)} notes")
    if errors:
        raise typer.Exit(1)


def _noted(problems: list[Problem]) -> str:
    return "\n".join(f"note: {problem}" for problem in problems)


@app.command()
def key() -> None:
    """Make a data key for OMSBOT_DATA_KEYS."""
    print(new_key())
