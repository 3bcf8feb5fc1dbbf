"""The staff's Telegram group: alerts as messages, and for each request one card that is edited as the request changes.

What people press there comes in with everything else Telegram delivers (`telegram.py`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Protocol

import structlog
from starlette.routing import BaseRoute
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from bot.channels.base import Delivery, NotSent
from bot.channels.limits import RateLimit
from bot.channels.shape import write_json
from bot.channels.telegram_errors import not_sent, reason
from bot.channels.telegram_render import markup, texts
from bot.channels.telegram_request import Line
from bot.core.model import Posted, Reply
from bot.logs import place

NAME = "telegram_staff"
GROUP_SECONDS = 3.0  # between messages to a group: 20 a minute [PLATFORMS]
_BURST = 4  # messages at once before the rate counts
_AGAIN = 5.0  # seconds until a card that another instance is sending is looked at again
_UNCHANGED = "message is not modified"

log = structlog.get_logger()


class Cards(Protocol):
    """What every card should say now, and what was made of it."""

    async def now(self, reference: str) -> Posted | None:
        """None when the request is no more."""
        ...

    def blank(self, reference: str) -> Reply:
        """What the card says then."""
        ...

    async def begin(self, request: int) -> bool:
        """Whether it may be sent for the first time; `keep` or `abandon` follows."""
        ...

    async def abandon(self, request: int) -> None: ...

    async def keep(self, request: int, message: str, shown: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Options:
    """How to talk to Telegram."""

    token: str
    api_url: str
    every: float = GROUP_SECONDS  # seconds between messages


class StaffGroup:
    """The channel. A reply with nothing in it but a title is the card of the request of that name."""

    name = NAME
    pull = False
    window: timedelta | None = None

    def __init__(self, options: Options, cards: Cards) -> None:
        self._line = Line(options.token, options.api_url)
        self._cards = cards
        self._rate = RateLimit(burst=_BURST, every=options.every)
        self._trouble = ""

    def routes(self) -> Sequence[BaseRoute]:
        """What comes from the group comes in with everything else."""
        return ()

    async def run(self) -> None:
        """Nothing is received here."""

    def reserve(self, address: str) -> float:
        """A card that says already what it should costs nothing, so the pace is kept where a call is made."""
        return 0.0

    def arrived(self, chat: str) -> None:
        """Nobody fetches here."""

    def close_streams(self) -> None:
        """There are none."""

    async def close(self) -> None:
        await self._line.close()

    def trouble(self) -> str:
        """What keeps the channel from working, in words for the operator; "" when all is well."""
        return self._trouble

    async def send(self, delivery: Delivery) -> str:
        chat, reply = int(delivery.address), delivery.reply
        try:
            if not reply.body:
                await self._bring_up_to_date(chat, reply.title)
            elif not (delivery.origin and await self._edit(chat, delivery.origin, reply)):
                await self._write(chat, reply, delivery.parts)
        except TelegramError as error:
            raise self._failed(error) from None
        except (TypeError, KeyError, AttributeError) as error:  # the library read something that is no Telegram's answer
            raise NotSent(place(error), passing=True) from None
        self._trouble = ""
        return ""

    async def _bring_up_to_date(self, chat: int, reference: str) -> None:
        """Sends or edits the card until it says what is so. The last look comes after the last edit: of two instances
        that edit at the same time, the one with the older words sees that there are newer ones."""
        said, message = "", ""
        while card := await self._cards.now(reference):
            wanted, message = _digest(card.reply), card.message or message
            if wanted == (said or card.shown):
                return
            if not (message and await self._edit(chat, message, card.reply)):
                message = await self._place(chat, card)
            said = wanted
            await self._cards.keep(card.request, message, said)
        if message:  # erased while it was being sent
            await self._edit(chat, message, self._cards.blank(reference))

    async def _place(self, chat: int, card: Posted) -> str:
        """Sends the card anew; what the message is called."""
        if card.message:  # there was one, and somebody has deleted it
            return await self._write(chat, card.reply)
        if not await self._cards.begin(card.request):
            raise NotSent("the card is being sent already", passing=True, retry_after=_AGAIN)
        try:
            return await self._write(chat, card.reply)
        except BaseException:
            await self._cards.abandon(card.request)
            raise

    async def _write(self, chat: int, reply: Reply, parts: int = 0) -> str:
        """Sends the message; what its last part is called."""
        written, keyboard, name = texts(reply.body), markup(reply), ""
        for number, part in enumerate(written[parts:], parts + 1):
            name = await self._call("sendMessage", part, keyboard if number == len(written) else None, chat_id=chat)
        return name

    async def _edit(self, chat: int, message: str, reply: Reply) -> bool:
        """Whether the message could be replaced; False when it has to be sent anew."""
        try:
            await self._call("editMessageText", texts(reply.body)[0], markup(reply), chat_id=chat, message_id=int(message))
        except ChatMigrated:
            raise
        except BadRequest as error:
            return _UNCHANGED in str(error).lower()
        return True

    async def _call(self, method: str, text: str, keyboard: Any, **where: int) -> str:
        await asyncio.sleep(self._rate.reserve(""))
        content: dict[str, Any] = {"text": text, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
        if keyboard is not None:
            content["reply_markup"] = keyboard
        written = await self._line.ask(method, where | content)
        if not isinstance(written, dict) or not isinstance(written.get("message_id"), int):
            raise TypeError("no message")
        return str(written["message_id"])

    def _failed(self, error: TelegramError) -> NotSent:
        """What a refusal means. That the bot is not in the group (any more) is the operator's to mend: the message waits."""
        if isinstance(error, ChatMigrated):
            log.error("staff_group_moved", advice=f"set OMSBOT_TELEGRAM_STAFF_CHAT={error.new_chat_id}")
            self._trouble = "the staff group has another number now: the log tells it"
            return NotSent("the group has moved", passing=True)
        failure = not_sent(error)
        if failure.gone:
            said = "refused" if isinstance(error, Forbidden) else reason(error)
            self._trouble = f"the bot cannot write to the staff group ({said}): is it a member, and is OMSBOT_TELEGRAM_STAFF_CHAT right?"
            return NotSent("no member of the group", passing=True)
        return failure


def _digest(reply: Reply) -> str:
    """Stands for what a message shows."""
    return sha256(write_json({"texts": texts(reply.body), "markup": markup(reply)})).hexdigest()
