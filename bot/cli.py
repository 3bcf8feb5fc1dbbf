"""The command line: all that `oms-bot` can do."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from typing import Annotated

import typer

from bot import cli_actions, cli_content, cli_db, cli_setup, cli_staff, cli_stats
from bot.app import App
from bot.channels.terminal import Terminal, show
from bot.config import load_settings
from bot.logs import configure
from bot.start import serve
from bot.store.crypto import new_key

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Information about OMS and a callback queue.")
app.command()(serve)
app.command()(cli_content.check)
app.command()(cli_content.preview)
app.command()(cli_stats.stats)
app.add_typer(cli_actions.app, name="requests")
app.add_typer(cli_staff.app, name="staff")
app.add_typer(cli_db.app, name="db")
app.add_typer(cli_setup.telegram, name="telegram")
app.add_typer(cli_setup.whatsapp, name="whatsapp")


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
