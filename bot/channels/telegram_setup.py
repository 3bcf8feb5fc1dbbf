"""What Telegram shows of the bot besides its messages: commands, descriptions, the menu button; and where updates go."""

from telegram import Bot, BotCommand, MenuButtonCommands

from bot.channels.telegram_parse import UPDATES
from bot.core.library import Content
from bot.core.material import Language

_CONNECTIONS = 100  # webhook calls at a time; the turnstile makes rounds of what comes together


async def announce(bot: Bot, content: Content) -> list[str]:
    """Registers commands and descriptions in every language, the default one for everybody else; what was done."""
    first = content.language(content.structure.default_language)
    done = [await _announce(bot, first, None)]
    done += [await _announce(bot, language, language.code) for language in content.languages.values() if language is not first]
    await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
    return [*done, "The menu button opens the commands."]


async def _announce(bot: Bot, language: Language, code: str | None) -> str:
    commands = [BotCommand(name, description) for name, description in language.menu.items()]
    await bot.set_my_commands(commands, language_code=code)
    await bot.set_my_description(language.about["description"], language_code=code)
    await bot.set_my_short_description(language.about["short_description"], language_code=code)
    return f"{len(commands)} commands and the descriptions are registered in {language.name}{'' if code else ' for everybody'}."


async def receive_by_webhook(bot: Bot, url: str, secret: str) -> str:
    await bot.set_webhook(url, secret_token=secret, allowed_updates=UPDATES, max_connections=_CONNECTIONS)
    return f"Telegram sends updates to {url}."


async def receive_by_polling(bot: Bot) -> str:
    await bot.delete_webhook()
    return "No webhook is set: `oms-bot serve` fetches the updates."


async def whoami(bot: Bot) -> str:
    """The bot's user name."""
    return str((await bot.get_me()).username)
