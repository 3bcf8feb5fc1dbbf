"""What the app is made of: how each channel, and what tells staff, is built from the settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.channels.base import Channel, Errands, Kept, Report, Submit, Turn
from bot.channels.email import Email
from bot.channels.email import Options as EmailOptions
from bot.channels.terminal import Terminal
from bot.channels.web import Web
from bot.channels.whatsapp import Options as WhatsAppOptions
from bot.channels.whatsapp import WhatsApp
from bot.config import Settings
from bot.memory import import_without
from bot.shelf import Shelf
from bot.staff.alerts import Alerts
from bot.staff.cards import Cards
from bot.store import outbox as letters
from bot.store.database import Database, uninterrupted
from bot.store.outbox import Letter

if TYPE_CHECKING:
    from bot.channels.telegram import Options as TelegramOptions

MAX_KEPT = 200  # messages of a conversation shown again after a reload


@dataclass(frozen=True, slots=True)
class Parts:
    """What a channel may be built from."""

    settings: Settings
    shelf: Shelf
    database: Database
    submit: Submit
    report: Report
    poll: Turn
    errands: Errands
    alerts: Alerts

    async def history(self, channel: str, chat: str, after: int) -> list[Kept]:
        held = await uninterrupted(self._held(channel, chat, after))
        return [Kept(letter.id, letter.reply, letter.at) for letter in held if letter.at]

    async def _held(self, channel: str, chat: str, after: int) -> list[Letter]:
        async with self.database.read() as connection:
            return await letters.held(connection, self.database.sealer, channel, chat, after, MAX_KEPT)


def _web(parts: Parts) -> Channel:
    async def history(chat: str, after: int) -> Sequence[Kept]:
        return await parts.history("web", chat, after)

    return Web(parts.shelf, parts.submit, history, lambda address: parts.database.chat("web", address), parts.database.lookup)


def _telegram(parts: Parts) -> Channel | None:
    if not parts.settings.telegram_token.get_secret_value().strip():
        return None
    import_without("pygments", "httpx")  # which its library imports, with a command line that we do not use
    from bot.channels.telegram import Telegram  # its library takes as much room as all the content

    options = telegram_options(parts.settings)
    return Telegram(options, parts.submit, parts.shelf, parts.poll, parts.errands)


def telegram_options(settings: Settings) -> "TelegramOptions":
    from bot.channels.telegram import WEBHOOK, Options

    return Options(
        settings.telegram_token.get_secret_value().strip(), settings.telegram_api_url, settings.telegram_mode,
        settings.telegram_webhook_secret.get_secret_value(), settings.telegram_rate, settings.telegram_chat_rate,
        settings.public_url + WEBHOOK, settings.telegram_staff_chat,
    )  # fmt: skip


def _telegram_staff(parts: Parts) -> Channel | None:
    if not parts.alerts.group:
        return None
    from bot.channels.telegram_staff import GROUP_SECONDS, Options, StaffGroup

    settings, every = parts.settings, GROUP_SECONDS / parts.settings.telegram_chat_rate
    options = Options(settings.telegram_token.get_secret_value().strip(), settings.telegram_api_url, every)
    return StaffGroup(options, Cards(parts.alerts))


def _email(parts: Parts) -> Channel | None:
    url = parts.settings.smtp_url.get_secret_value().strip()
    return Email(EmailOptions(url, parts.settings.smtp_from)) if url else None


def alerts_of(settings: Settings, database: Database, shelf: Shelf) -> Alerts:
    """Where staff are told of what happens."""
    group = settings.telegram_staff_chat if settings.telegram_token.get_secret_value().strip() else ""
    email = settings.staff_email if settings.smtp_url.get_secret_value().strip() else ""
    return Alerts(database, shelf, email, group, settings.public_url, settings.staff_language)


def _whatsapp(parts: Parts) -> Channel | None:
    options = whatsapp_options(parts.settings)
    return WhatsApp(options, parts.submit, parts.report, parts.shelf) if options.token else None


def whatsapp_options(settings: Settings) -> WhatsAppOptions:
    return WhatsAppOptions(
        settings.whatsapp_token.get_secret_value().strip(), settings.whatsapp_phone_number_id,
        settings.whatsapp_app_secret.get_secret_value().strip(), settings.whatsapp_verify_token.get_secret_value(),
        settings.whatsapp_api_url, settings.whatsapp_rate, settings.whatsapp_template,
    )  # fmt: skip


def _terminal(parts: Parts) -> Channel:
    async def history(chat: str, after: int) -> Sequence[Kept]:
        return await parts.history("terminal", chat, after)

    return Terminal(parts.submit, history, lambda address: parts.database.chat("terminal", address))


# Every channel: how to build it, or None while it is not configured.
CHANNELS: Mapping[str, Callable[[Parts], Channel | None]] = {
    "web": _web,
    "telegram": _telegram,
    "whatsapp": _whatsapp,
    "terminal": _terminal,
    "telegram_staff": _telegram_staff,
    "email": _email,
}


# Telegram, which is imported only where it is connected, takes messages at any time and keeps none.
_KINDS = (Web, WhatsApp, Terminal)
HELD = frozenset(kind.name for kind in _KINDS if kind.pull)  # whose messages are kept until they are fetched
WINDOWS = {kind.name: kind.window for kind in _KINDS if kind.window}  # in which somebody who has written can be answered freely
