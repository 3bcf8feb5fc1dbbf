"""`oms-bot telegram`: what has to be told Telegram once."""

import asyncio

import typer
from telegram.error import TelegramError

from bot.app import telegram_options
from bot.channels.telegram import connect
from bot.channels.telegram_errors import reason
from bot.channels.telegram_setup import announce, receive_by_polling, receive_by_webhook, whoami
from bot.config import Settings, WrongSettings, load_settings
from bot.content_rules import load

app = typer.Typer(no_args_is_help=True, help="Telegram.")


class SetupFailed(Exception):
    """Telegram refused; the text says why and what to do."""


@app.callback()
def group() -> None:
    """Telegram."""


@app.command()
def setup() -> None:
    """Register commands, descriptions, the menu button, and where updates go."""
    settings = load_settings()
    if not settings.telegram_token.get_secret_value():
        raise WrongSettings("OMSBOT_TELEGRAM_TOKEN is not set: BotFather gives you one.")
    asyncio.run(_set_up(settings))


async def _set_up(settings: Settings) -> None:
    options = telegram_options(settings)
    bot, request = connect(options)
    try:
        print(await whoami(bot))
        if options.mode == "webhook":
            print(await receive_by_webhook(bot, options.webhook_url, options.webhook_secret))
        else:
            print(await receive_by_polling(bot))
        for line in await announce(bot, load(settings.content_dir)):
            print(line)
    except TelegramError as error:
        raise SetupFailed(f"Telegram: {reason(error)}.") from None
    except (TypeError, KeyError, AttributeError):  # the library read something that is no Telegram's answer
        raise SetupFailed(f"What answers at {settings.telegram_api_url} is not Telegram: check OMSBOT_TELEGRAM_API_URL.") from None
    finally:
        await request.shutdown()
