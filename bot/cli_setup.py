"""`oms-bot telegram` and `oms-bot whatsapp`: what has to be told the platforms once."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from telegram.error import TelegramError

from bot.channels import telegram_setup, whatsapp_setup
from bot.channels.telegram_errors import reason
from bot.channels.telegram_request import Line
from bot.channels.whatsapp import WEBHOOK
from bot.channels.whatsapp_api import Graph, Refused
from bot.config import Settings, WrongSettings, load_settings
from bot.content_rules import load
from bot.core.library import Content
from bot.parts import telegram_options, whatsapp_options
from bot.posters import Link, draw, telegram_links, whatsapp_links

telegram = typer.Typer(no_args_is_help=True, help="Telegram.")
whatsapp = typer.Typer(no_args_is_help=True, help="WhatsApp.")
_Folder = Annotated[Path | None, typer.Option(file_okay=False, help="Write QR codes of the links into this folder.")]


class SetupFailed(Exception):
    """The platform refused; the text says why and what to do."""


@telegram.callback()
@whatsapp.callback()
def group() -> None:
    """A command of one subcommand stays a group."""


@telegram.command("setup")
def set_up_telegram() -> None:
    """Register commands, descriptions, the menu button, and where updates go."""
    settings = load_settings()
    if not settings.telegram_token.get_secret_value():
        raise WrongSettings("OMSBOT_TELEGRAM_TOKEN is not set: BotFather gives you one.")
    asyncio.run(_set_up_telegram(settings))


async def _set_up_telegram(settings: Settings) -> None:
    options = telegram_options(settings)
    line = Line(options.token, options.api_url)
    bot = line.bot
    try:
        print(f"The token is good: this is @{await telegram_setup.whoami(bot)}.")
        if options.mode == "webhook":
            print(await telegram_setup.receive_by_webhook(bot, options.webhook_url, options.webhook_secret))
        else:
            print(await telegram_setup.receive_by_polling(bot))
        for done in await telegram_setup.announce(bot, load(settings.content_dir)):
            print(done)
    except TelegramError as error:
        raise SetupFailed(f"Telegram: {reason(error)}.") from None
    except (TypeError, KeyError, AttributeError):  # the library read something that is no Telegram's answer
        raise SetupFailed(f"What answers at {settings.telegram_api_url} is not Telegram: check OMSBOT_TELEGRAM_API_URL.") from None
    finally:
        await line.close()


@whatsapp.command("setup")
def set_up_whatsapp(
    account: Annotated[str, typer.Option(help="Id of the WhatsApp business account, to subscribe the app to it.")] = "",
    png: _Folder = None,
    svg: _Folder = None,
) -> None:
    """Check token, number and display name; set webhook, ice breakers and commands; print links (and draw them)."""
    settings = load_settings()
    if not settings.whatsapp_token.get_secret_value():
        raise WrongSettings("OMSBOT_WHATSAPP_TOKEN is not set: README, Connect WhatsApp, tells where it comes from.")
    if not settings.public_url:
        raise WrongSettings("OMSBOT_PUBLIC_URL must be set for WhatsApp to reach us.")
    if account and not account.isdecimal():
        raise WrongSettings("--account: the id of a WhatsApp business account is a number; WhatsApp Manager shows it.")
    content = load(settings.content_dir)
    digits = asyncio.run(_set_up_whatsapp(settings, content, account))
    links = whatsapp_links(digits, content) + asyncio.run(_telegram_links(settings, content))
    for link in links:
        print(f"  {link.name:32}{link.url}")
    try:
        if png:
            draw(links, png, "png")
        if svg:
            draw(links, svg, "svg")
        if png or svg:
            print(f"QR codes of them are in {' and '.join(str(folder) for folder in (png, svg) if folder)}.")
    except OSError as error:
        raise SetupFailed(f"The QR codes cannot be written ({error.strerror}): choose another folder.") from None


async def _set_up_whatsapp(settings: Settings, content: Content, account: str) -> str:
    """Our number, once all is set."""
    options = whatsapp_options(settings)
    graph, ours = Graph(options.api_url, options.token), options.phone_number_id
    try:
        number = await whatsapp_setup.our_number(graph, ours)
        print(*number.lines, sep="\n")
        if account:
            print(await whatsapp_setup.subscribe(graph, account))
        else:
            print("Not checked: whether the app is subscribed to the WhatsApp account. `--account <its id>` does that.")
        print(await whatsapp_setup.receive(graph, ours, number, settings.public_url + WEBHOOK, options.verify_token))
        print(await whatsapp_setup.announce(graph, ours, content))
    except Refused as refused:
        raise SetupFailed(f"WhatsApp: {refused.meaning.reason}.") from None
    finally:
        await graph.close()
    return number.digits


async def _telegram_links(settings: Settings, content: Content) -> list[Link]:
    """The same for Telegram, if it is connected and answers."""
    options = telegram_options(settings)
    if not options.token:
        return []
    line = Line(options.token, options.api_url)
    try:
        return telegram_links(await telegram_setup.whoami(line.bot), content)
    except (TelegramError, TypeError, KeyError, AttributeError):
        print("Telegram does not answer, so its links are missing: try again later.")
        return []
    finally:
        await line.close()
