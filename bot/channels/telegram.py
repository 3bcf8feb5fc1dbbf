"""Telegram: updates in by long polling, messages out, through python-telegram-bot's `Bot`.

The library's own `Application` confirms updates before they are handled and keeps no order, so the poller here
is ours: it asks for the next updates, which confirms the ones before, only when those are committed.
"""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog
from httpx_aiohttp import AiohttpTransport
from starlette.routing import BaseRoute
from telegram import Bot, BotCommand, CallbackQuery, Chat, ChatMember, InlineKeyboardMarkup, LinkPreviewOptions, Message, Update, User
from telegram.constants import ParseMode
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bot import metrics
from bot.channels.base import Delivery, NotSent, Submit, Unavailable
from bot.channels.telegram_render import markup, text
from bot.core.model import Event, Inbound, Left, Media, Press, Profile, SharedContact, Started, Text
from bot.logs import place

NAME = "telegram"
UPDATES = ("message", "callback_query", "my_chat_member")
POLL_SECONDS = 50  # how long Telegram keeps an empty poll open
_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds between polls that fail, doubling
_CONNECTIONS = 256
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_UNCHANGED = "message is not modified"
_NOT_EDITABLE = ("message to edit not found", "message can't be edited", "message_id_invalid")
_NO_CHAT = ("chat not found", "user is deactivated", "bot was kicked")

os.environ.setdefault("PTB_TIMEDELTA", "1")  # `RetryAfter.retry_after` without its warning that the type will change
log = structlog.get_logger()


def parse(update: Update, now: datetime) -> Inbound | None:
    """The event an update stands for; None for what is not for us (counted by its kind)."""
    user, chat = update.effective_user, update.effective_chat
    if user is None or user.is_bot or chat is None or chat.type != Chat.PRIVATE:
        return None
    event, origin = _event(update, user)
    if event is None:
        return None
    sender = Profile(name=user.full_name, language=user.language_code or "", shares_contact=True)
    return Inbound(NAME, str(chat.id), str(update.update_id), now, event, sender, origin)


def _event(update: Update, user: User) -> tuple[Event | None, str]:
    if query := update.callback_query:
        origin = str(query.message.message_id) if query.message else ""
        return (Press(query.data) if query.data else None), origin
    if member := update.my_chat_member:
        return (Left() if member.new_chat_member.status in (ChatMember.BANNED, ChatMember.LEFT) else None), ""
    return (_message_event(update.message, user) if update.message else None), ""


def _message_event(message: Message, user: User) -> Event | None:
    if message.text is not None:
        command, _, rest = message.text.partition(" ")
        if command.partition("@")[0] == "/start":
            return Started(rest.strip())
        return Text(command.partition("@")[0].removeprefix("/") if command.startswith("/") else message.text)
    if message.contact:
        return SharedContact(message.contact.phone_number, own=message.contact.user_id == user.id)
    return Media() if message.effective_attachment else None


class Telegram:
    """The channel. `commands`: what the menu button offers, per language, the first one as the default."""

    name = NAME
    pull = False

    def __init__(self, token: str, api_url: str, submit: Submit, commands: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        base = f"{api_url.rstrip('/')}/bot"
        self._requests = (_request(_CONNECTIONS), _request(2))
        self._bot = Bot(token, base_url=base, request=self._requests[0], get_updates_request=self._requests[1])
        self._submit = submit
        self._commands = commands
        self._answers: set[asyncio.Task[None]] = set()

    def routes(self) -> Sequence[BaseRoute]:
        return ()

    def arrived(self, chat: str) -> None:
        """Nobody fetches here."""

    def close_streams(self) -> None:
        """There are none."""

    async def close(self) -> None:
        for task in self._answers:
            task.cancel()
        for request in self._requests:
            await request.shutdown()

    async def run(self) -> None:
        """Polls until cancelled. A poll that fails is tried again, ever more slowly."""
        failures, offset, told = 0, 0, False
        while True:
            try:
                if not told:
                    await self._tell_commands()
                    told = True
                offset = await self._poll(offset)
                failures = 0
            except Unavailable as refused:
                await asyncio.sleep(refused.retry_after)
            except TelegramError as error:
                failures += 1
                log.warning("telegram_poll_failed", reason=_reason(error), failures=failures)
                wait = min(_WAIT * 2.0 ** (failures - 1), _LONGEST_WAIT)
                await asyncio.sleep(max(wait, _seconds(error)) if isinstance(error, RetryAfter) else wait)

    async def _poll(self, offset: int) -> int:
        updates = await self._bot.get_updates(offset=offset, timeout=POLL_SECONDS, allowed_updates=UPDATES)
        metrics.REACHED.labels(NAME).set(time.time())
        # All at once, in order: the turnstile keeps the order of each chat and puts the others into one round.
        results = await asyncio.gather(*map(self._take, updates), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return updates[-1].update_id + 1 if updates else offset

    async def _take(self, update: Update) -> None:
        try:
            inbound = parse(update, datetime.now(UTC))
        except Exception as error:  # one odd update must not stop all that come after it
            log.error("telegram_update_unreadable", error=place(error))
            metrics.IGNORED.labels(NAME, "unreadable").inc()
            return
        if update.callback_query:
            task = asyncio.create_task(self._answer(update.callback_query))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)
        if inbound is None:
            metrics.IGNORED.labels(NAME, _kind(update)).inc()
            return
        await self._submit(inbound)

    async def _answer(self, query: CallbackQuery) -> None:
        """Stops the clock on the button. Worthless when late, so neither queued nor repeated."""
        try:
            await self._bot.answer_callback_query(query.id)
        except TelegramError as error:
            log.debug("callback_not_answered", reason=_reason(error))

    async def send(self, delivery: Delivery) -> None:
        reply, chat = delivery.reply, int(delivery.address)
        keyboard, body = markup(reply), text(reply.body)
        try:
            if reply.in_place and delivery.origin and await self._edit(chat, int(delivery.origin), body, keyboard):
                return
            await self._bot.send_message(chat, body, parse_mode=ParseMode.HTML, reply_markup=keyboard, link_preview_options=_NO_PREVIEW)
        except RetryAfter as error:
            raise NotSent("too fast", retry_after=_seconds(error)) from None
        except Forbidden:
            raise NotSent("blocked by the person", gone=True) from None
        except BadRequest as error:
            raise NotSent(_reason(error), permanent=True, gone=any(part in str(error).lower() for part in _NO_CHAT)) from None
        except TelegramError as error:
            raise NotSent(_reason(error)) from None
        metrics.REACHED.labels(NAME).set(time.time())

    async def _edit(self, chat: int, message: int, body: str, keyboard: object) -> bool:
        """Whether the message could be replaced; False when it has to be sent anew."""
        if keyboard is not None and not isinstance(keyboard, InlineKeyboardMarkup):
            return False
        try:
            await self._bot.edit_message_text(
                body, chat, message, parse_mode=ParseMode.HTML, reply_markup=keyboard, link_preview_options=_NO_PREVIEW
            )
        except BadRequest as error:
            said = str(error).lower()
            if any(part in said for part in _NOT_EDITABLE):
                return False
            if _UNCHANGED not in said:
                raise
        return True

    async def _tell_commands(self) -> None:
        for number, (language, commands) in enumerate(self._commands.items()):
            listed = [BotCommand(name, description) for name, description in commands]
            await self._bot.set_my_commands(listed, language_code=language if number else None)


def _request(connections: int) -> HTTPXRequest:
    # The aiohttp transport carries several times as many calls as the default one [DESIGN 7].
    return HTTPXRequest(
        connection_pool_size=connections, read_timeout=20, connect_timeout=10, pool_timeout=10,
        httpx_kwargs={"transport": AiohttpTransport()},
    )  # fmt: skip


def _seconds(error: RetryAfter) -> float:
    wait = error.retry_after
    return float(wait) if isinstance(wait, int) else wait.total_seconds()


def _kind(update: Update) -> str:
    return next((name for name in UPDATES if getattr(update, name)), "other")


def _reason(error: TelegramError) -> str:
    """What to tell the operator. Telegram's own texts name methods and limits, not people."""
    match error:
        case InvalidToken():
            return "the token is wrong or was revoked: set OMSBOT_TELEGRAM_TOKEN to the one BotFather shows"
        case Conflict():
            return "another program polls with this token, or a webhook is set: stop it, or remove the webhook"
        case BadRequest():
            return f"refused: {error.message[:100]}"
        case _:
            return type(error).__name__
