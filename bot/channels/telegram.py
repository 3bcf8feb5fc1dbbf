"""Telegram: updates in by long polling or by webhook, messages out, through python-telegram-bot's `Bot`.

The library's own `Application` confirms updates before they are handled and keeps no order, so receiving is ours:
an update is confirmed (by the next poll, by the 200) only when it is committed.
"""

import asyncio
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot import metrics
from bot.channels.base import Delivery, Errands, NotSent, Submit, Turn, Unavailable, alone
from bot.channels.limits import RateLimit
from bot.channels.parting import Written
from bot.channels.shape import LARGE, Hook, Json, part, read_body, read_json, together
from bot.channels.telegram_errand import errand, joined
from bot.channels.telegram_errors import not_sent, reason, seconds
from bot.channels.telegram_parse import NAME, UPDATES, kind_of, parse
from bot.channels.telegram_render import Markup, block, markup, texts
from bot.channels.telegram_request import Line
from bot.channels.telegram_setup import announce
from bot.core.library import Content
from bot.logs import place
from bot.shelf import Shelf

WEBHOOK = "/telegram/webhook"
MAX_BODY = 1_000_000  # bytes of an update; the largest known ones are some ten thousand
POLL_SECONDS = 50  # how long Telegram keeps an empty poll open
SILENT_AFTER = 180.0  # seconds without an answer from Telegram until the channel counts as down
_CHECK_SECONDS = 60.0  # between looks at the webhook
_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds between polls that fail, doubling
_BURST = 4  # messages at once before a rate counts
_GROUP_SECONDS = 3.0  # between messages to a group: 20 a minute [PLATFORMS]
_CODES = 10  # to link somebody that one person may try at once; then one a minute
MAX_TOLD, _TOAST = 200, 60  # letters an answer to a press may have; more than a few go into a window to be closed
_RECENT = 2 * _CHECK_SECONDS  # seconds in which a failed delivery to the webhook counts as trouble
_UNCHANGED = "message is not modified"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Options:
    """How to talk to Telegram. Rates are messages a second, overall and for one chat [PLATFORMS: about 30 and 1]."""

    token: str
    api_url: str
    mode: Literal["polling", "webhook"] = "polling"
    webhook_secret: str = ""
    rate: float = 30.0
    chat_rate: float = 1.0
    webhook_url: str = ""
    staff_chat: str = ""
    patience: float = 60.0  # seconds to leave another poller alone before trying again


class Telegram:
    """The channel."""

    name = NAME
    pull = False
    window = None

    def __init__(self, options: Options, submit: Submit, shelf: Shelf, turn: Turn = alone, desk: Errands | None = None) -> None:
        self._options = options
        self._line = Line(options.token, options.api_url)
        self._submit = submit
        self._shelf = shelf
        self._written = Written(block, shelf)
        self._announced: Content | None = None
        self._desk = desk  # for what staff do in their group
        self._turn = turn  # only one instance may poll
        self._standing_by = False
        self._me: dict[str, Any] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self._overall = RateLimit(burst=_BURST, every=1 / options.rate)
        self._groups = RateLimit(burst=_BURST, every=_GROUP_SECONDS)
        self._each = RateLimit(burst=_BURST, every=1 / options.chat_rate)
        self._codes = RateLimit(burst=_CODES, every=60)
        self._large = asyncio.Semaphore(LARGE)
        self._reached = time.monotonic()
        self._trouble = ""

    def routes(self) -> Sequence[BaseRoute]:
        return (Route(WEBHOOK, Hook(self._webhook), methods=["POST"]),) if self._options.mode == "webhook" else ()

    def arrived(self, chat: str) -> None:
        """Nobody fetches here."""

    def close_streams(self) -> None:
        """There are none."""

    async def close(self) -> None:
        for task in self._answers:
            task.cancel()
        await self._line.close()

    def trouble(self) -> str:
        """What keeps the channel from working, in words for the operator; "" when all is well."""
        if self._standing_by:
            return ""
        silent = time.monotonic() - self._reached
        return self._trouble or (f"Telegram has not answered for {silent:.0f} seconds" if silent > SILENT_AFTER else "")

    async def run(self) -> None:
        """Receives until cancelled: polls, or looks after the webhook. What fails is tried again, ever more slowly."""
        failures, offset = 0, 0
        while True:
            try:
                if not self._me:
                    self._me = (await self._line.bot.get_me()).to_dict()
                if self._announced is not self._shelf.content:
                    await self._announce()
                if self._options.mode == "polling":
                    await self._our_turn()
                    offset = await self._poll(offset)
                else:
                    await self._look_after_webhook()
                failures = 0
            except Unavailable as refused:
                await asyncio.sleep(refused.retry_after)
            except TelegramError as error:
                failures += 1
                if isinstance(error, InvalidToken | Conflict | Forbidden):
                    self._trouble = reason(error)
                log.warning("telegram_unreachable", reason=reason(error), failures=failures)
                await asyncio.sleep(self._pause(error, failures))
            except Exception as error:  # an answer that is no Telegram's: a gateway, a captive portal
                failures += 1
                log.warning("telegram_unreadable", error=place(error), failures=failures)
                await asyncio.sleep(self._pause(error, failures))

    async def _our_turn(self) -> None:
        """Another instance may be the one that polls; nothing is wrong here meanwhile."""
        begun = time.monotonic()
        self._standing_by = True
        await self._turn()
        self._standing_by = False
        self._reached += time.monotonic() - begun

    def _pause(self, error: Exception, failures: int) -> float:
        """Seconds to wait after that many failures in a row, however long Telegram has been away."""
        wait = min(_WAIT * 2.0 ** min(failures - 1, 30), _LONGEST_WAIT)  # a float ends at 2 ** 1024
        if isinstance(error, Conflict):  # two that poll in turns would tear conversations apart
            return max(wait, self._options.patience)
        return max(wait, seconds(error)) if isinstance(error, RetryAfter) else wait

    async def _announce(self) -> None:
        """Keeps what Telegram shows of the bot up to date; a refusal must not keep anybody's message waiting."""
        self._announced = self._shelf.content
        try:
            await announce(self._line.bot, self._announced)
        except TelegramError as error:
            log.warning("telegram_not_announced", reason=reason(error), advice="run `oms-bot telegram setup` later")
        except Exception as error:
            log.warning("telegram_not_announced", error=place(error))

    async def _poll(self, offset: int) -> int:
        asked = {"offset": offset, "timeout": POLL_SECONDS, "allowed_updates": list(UPDATES)}
        updates = await self._line.ask("getUpdates", asked, read=POLL_SECONDS + 10)
        if not isinstance(updates, list) or not all(isinstance(each, dict) and isinstance(each.get("update_id"), int) for each in updates):
            raise TypeError("no updates")
        self._trouble = ""
        self._answered()
        # All at once, in order: the turnstile keeps the order of each chat and puts the others into one round.
        await together([self._take(update) for update in updates])
        return int(updates[-1]["update_id"]) + 1 if updates else offset

    async def _look_after_webhook(self) -> None:
        info = await self._line.bot.get_webhook_info()
        self._answered()
        failed = info.last_error_date is not None and (datetime.now(UTC) - info.last_error_date).total_seconds() < _RECENT
        if info.url != self._options.webhook_url:
            self._trouble = "Telegram sends updates elsewhere or nowhere: run `oms-bot telegram setup`"
        elif failed and info.pending_update_count:
            self._trouble = f"Telegram cannot deliver {info.pending_update_count} updates: {str(info.last_error_message)[:100]}"
        else:
            self._trouble = ""
        await asyncio.sleep(_CHECK_SECONDS)

    async def _webhook(self, request: Request) -> Response:
        """One update from Telegram. 200 means committed; 503 makes Telegram send it again."""
        presented = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(presented.encode(), self._options.webhook_secret.encode()):
            raise HTTPException(401)
        if not self._me:  # who is meant in a group cannot be told yet
            raise HTTPException(503, headers={"Retry-After": "5"})
        body = await read_body(request, MAX_BODY, self._large)
        try:
            update = read_json(body)
        except (ValueError, RecursionError):
            raise HTTPException(400) from None
        try:
            await self._take(update)
        except Unavailable as refused:
            raise HTTPException(503, headers={"Retry-After": str(int(refused.retry_after))}) from None
        self._answered()
        return JSONResponse({})

    async def _take(self, update: object) -> None:
        if self._desk and (wanted := errand(update, self._options.staff_chat, self._me)):
            if wanted.code and self._codes.wait(wanted.sender):  # somebody guesses
                return
            self._acknowledge(update, await self._desk(wanted))
            return
        self._acknowledge(update)
        inbound = parse(update, datetime.now(UTC), self._me)
        if inbound is None:
            if group := joined(update):
                log.info("joined_a_group", advice=f"should it be the staff's, set OMSBOT_TELEGRAM_STAFF_CHAT={group}")
            metrics.IGNORED.labels(NAME, kind_of(update)).inc()
            return
        await self._submit(inbound)

    def _acknowledge(self, update: object, said: str = "") -> None:
        """Stops the clock on a button that was pressed, with a word if there is one to say."""
        if query := part(part(update, "callback_query"), "id", str):
            told = {"text": said[:MAX_TOLD], "show_alert": len(said) > _TOAST} if said else {}
            task = asyncio.create_task(self._answer({"callback_query_id": query, **told}))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

    async def _answer(self, answer: Json) -> None:
        """Worthless when late, so neither queued nor repeated."""
        try:
            await self._line.ask("answerCallbackQuery", answer)
        except TelegramError as error:
            log.debug("callback_not_answered", reason=reason(error))
        except Exception as error:
            log.debug("callback_not_answered", error=place(error))

    def reserve(self, address: str) -> float:
        group = self._groups.reserve(address) if address.startswith("-") else 0.0
        return max(group, self._each.reserve(address), self._overall.reserve(""))

    async def send(self, delivery: Delivery) -> str:
        try:
            await self._send(int(delivery.address), delivery)
        except ChatMigrated as moved:  # the group has become a supergroup under another number
            try:
                await self._send(moved.new_chat_id, delivery)
            except TelegramError as error:
                raise not_sent(error) from None
        except TelegramError as error:
            raise not_sent(error) from None
        except (TypeError, KeyError, AttributeError) as error:  # the library read something that is no Telegram's answer
            raise NotSent(place(error), passing=True) from None
        if self._options.mode == "webhook":  # while polling only a poll shows that people are heard
            self._answered()
        return ""

    async def _send(self, chat: int, delivery: Delivery) -> None:
        reply, keyboard, parts = delivery.reply, markup(delivery.reply), texts(delivery.reply.body, self._written)
        if reply.in_place and delivery.origin and len(parts) == 1 and await self._edit(chat, int(delivery.origin), parts[0], keyboard):
            return
        for number, text in enumerate(parts[delivery.parts :], delivery.parts + 1):
            last = keyboard if number == len(parts) else None
            try:
                await self._write("sendMessage", text, last, chat_id=chat)
            except ChatMigrated:
                raise
            except TelegramError as error:
                raise not_sent(error, parts=number - 1) from None

    async def _edit(self, chat: int, message: int, body: str, keyboard: Markup | None) -> bool:
        """Whether the message could be replaced; False when it has to be sent anew."""
        if keyboard is not None and "inline_keyboard" not in keyboard:
            return False
        try:
            await self._write("editMessageText", body, keyboard, chat_id=chat, message_id=message)
        except BadRequest as error:
            # Too old, deleted, not ours: whatever the reason, the answer must not be lost with the message.
            return _UNCHANGED in str(error).lower()
        return True

    async def _write(self, method: str, text: str, keyboard: Markup | None, **where: int) -> None:
        """Writes or edits a message. Raises TelegramError, and TypeError for what is no answer of Telegram's."""
        content: dict[str, Any] = {"text": text, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
        if keyboard is not None:
            content["reply_markup"] = keyboard
        written = await self._line.ask(method, where | content)
        if not isinstance(written, dict) or "message_id" not in written:
            raise TypeError("no message")

    def _answered(self) -> None:
        self._reached = time.monotonic()
        metrics.REACHED.labels(NAME).set(time.time())
