"""WhatsApp through Meta's Cloud API: webhooks in, messages out.

Nothing is acknowledged before it is committed; nothing is said freely when the person has not written for a day.
"""

import asyncio
import hmac
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bot import metrics
from bot.channels.base import Delivery, NotSent, Report, Submit, Unavailable
from bot.channels.limits import RateLimit
from bot.channels.parting import Written
from bot.channels.shape import LARGE, Hook, part, read_body, read_json, together
from bot.channels.whatsapp_api import Graph, Refused
from bot.channels.whatsapp_errors import PAIR_SECONDS, Meaning
from bot.channels.whatsapp_parse import NAME, hashed, parse
from bot.channels.whatsapp_render import Message, block, render, template
from bot.core.model import Inbound, Media, Moved
from bot.shelf import Shelf

WEBHOOK = "/whatsapp/webhook"
MAX_BODY = 4_000_000  # bytes of a webhook; Meta promises no more than 3 MB
SILENT_AFTER = 180.0  # seconds without an answer until the channel counts as down
_CHECK_SECONDS = 60.0  # between looks at our number
_REMEMBER = 600.0  # seconds a refusal to send counts as trouble, unless there is another: with no traffic nothing could disprove it
_PAIR_BURST = 45  # messages to one person at once before the pair rate counts [PLATFORMS]
_MAX_RECEIPTS = 20  # read receipts on their way at a time, …
_RECEIPTS_A_SECOND = 50  # … and in a second: beyond that answers come first, and come at once anyway
_RECEIPT_SECONDS = 1.0  # an answer waits so long for its receipt: a typing sign after it would stand there for long
_REACHED = metrics.REACHED.labels(NAME)
_HANDLED = JSONResponse({})  # the same for everybody
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)
_CHALLENGE = re.compile(r"[\w.-]{1,200}", re.ASCII)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Options:
    """How to talk to WhatsApp. `rate`: messages a second overall [PLATFORMS: 80, up to 1,000]."""

    token: str
    phone_number_id: str
    app_secret: str
    verify_token: str
    api_url: str
    rate: float = 80.0
    template: str = ""  # an approved one with one variable, for messages after the window


class WhatsApp:
    """The channel."""

    name = NAME
    pull = False
    window = timedelta(hours=24)

    def __init__(self, options: Options, submit: Submit, report: Report, shelf: Shelf) -> None:
        self._options = options
        self._graph = Graph(options.api_url, options.token)
        self._submit = submit
        self._report = report
        self._shelf = shelf
        self._written = Written(block, shelf)
        self._key = hmac.digest(options.app_secret.encode(), b"albums", "sha256")
        self._overall = RateLimit(burst=max(4, int(options.rate / 4)), every=1 / options.rate)
        self._each = RateLimit(burst=_PAIR_BURST, every=PAIR_SECONDS)
        self._receipts: dict[str, asyncio.Task[None]] = {}  # by address
        self._courtesy = RateLimit(burst=_RECEIPTS_A_SECOND, every=1 / _RECEIPTS_A_SECOND)
        self._large = asyncio.Semaphore(LARGE)
        self._reached = time.monotonic()
        self._number = ""  # what is wrong with our number
        self._sending, self._refused = "", 0.0  # what is wrong with sending, and when that was noticed

    def routes(self) -> Sequence[BaseRoute]:
        return (Route(WEBHOOK, self._challenge, methods=["GET"]), Route(WEBHOOK, Hook(self._webhook), methods=["POST"]))

    def arrived(self, chat: str) -> None:
        """Nobody fetches here."""

    def close_streams(self) -> None:
        """There are none."""

    async def close(self) -> None:
        for task in self._receipts.values():
            task.cancel()
        await asyncio.gather(*self._receipts.values(), return_exceptions=True)
        await self._graph.close()

    def trouble(self) -> str:
        silent = time.monotonic() - self._reached
        sending = self._sending if time.monotonic() - self._refused < _REMEMBER else ""
        return sending or self._number or (f"WhatsApp has not answered for {silent:.0f} seconds" if silent > SILENT_AFTER else "")

    async def run(self) -> None:
        """Looks after our number until cancelled: a token that has run out is noticed before somebody writes."""
        while True:
            try:
                await self._graph.get(self._options.phone_number_id, fields="id")
                self._number = ""
                self._answered()
            except Refused as refused:
                self._number = "" if refused.meaning.kind == "passing" else refused.meaning.reason
                log.warning("whatsapp_number_unreachable", reason=refused.meaning.reason)
            await asyncio.sleep(_CHECK_SECONDS)

    async def _challenge(self, request: Request) -> Response:
        """Meta's question whether this is our webhook."""
        given, challenge = request.query_params.get("hub.verify_token", ""), request.query_params.get("hub.challenge", "")
        known = hmac.compare_digest(given.encode("utf-8", "replace"), self._options.verify_token.encode())
        if not known or request.query_params.get("hub.mode") != "subscribe" or not _CHALLENGE.fullmatch(challenge):
            raise HTTPException(403)
        return PlainTextResponse(challenge, headers={"X-Content-Type-Options": "nosniff"})

    async def _webhook(self, request: Request) -> Response:
        """What happened, from Meta. 200 means committed, or not for us; 503 makes Meta send it again."""
        presented = _SIGNATURE.fullmatch(request.headers.get("x-hub-signature-256", ""))
        if not presented:
            raise HTTPException(401)
        raw = await read_body(request, MAX_BODY, self._large)
        if not hmac.compare_digest(presented[1], hmac.digest(self._options.app_secret.encode(), raw, "sha256").hex()):
            raise HTTPException(401)
        try:
            body = read_json(raw)
        except (ValueError, RecursionError):
            body = None  # signed all the same: it would only come again
        parsed = parse(body, datetime.now(UTC), self._options.phone_number_id, self._key)
        for kind in parsed.ignored:
            metrics.IGNORED.labels(NAME, kind).inc()
        for inbound, message in parsed.heard:
            if not isinstance(inbound.event, Moved):
                self._mark_read(inbound, message)
        # All at once, in order: the turnstile keeps the order of each person and puts the others into one round.
        work = [self._submit(inbound) for inbound, _ in parsed.heard]
        work += [self._report(parsed.receipts)] if parsed.receipts else []
        try:
            await together(work)
        except Unavailable as refused:
            raise HTTPException(503, headers={"Retry-After": str(int(refused.retry_after))}) from None
        return _HANDLED

    def _mark_read(self, inbound: Inbound, message: str) -> None:
        """Shows that it was read and an answer is coming. Worthless when late, so neither queued nor repeated."""
        address = inbound.address
        if len(self._receipts) < _MAX_RECEIPTS and address not in self._receipts and not self._courtesy.wait(""):
            task = self._receipts[address] = asyncio.create_task(self._receipt(message, typing=not isinstance(inbound.event, Media)))
            task.add_done_callback(lambda _: self._receipts.pop(address, None))

    async def _receipt(self, message: str, *, typing: bool) -> None:
        read: Message = {"messaging_product": NAME, "status": "read", "message_id": message}
        if typing:  # pictures may get one answer for all
            read["typing_indicator"] = {"type": "text"}
        try:
            await self._graph.post(f"{self._options.phone_number_id}/messages", read)
        except Refused as refused:
            log.debug("whatsapp_not_marked_read", reason=refused.meaning.reason)

    def reserve(self, address: str) -> float:
        return max(self._each.reserve(address), self._overall.reserve(""))

    async def send(self, delivery: Delivery) -> str:
        if receipt := self._receipts.get(delivery.address):
            await asyncio.wait([receipt], timeout=_RECEIPT_SECONDS)
        reply, language = delivery.reply, self._shelf.content.language(delivery.reply.language)
        instead = template(self._options.template, language.code, reply.body) if self._options.template else None
        parts = delivery.parts
        late = Refused(Meaning("window", "more than 24 hours since the person last wrote, and no template is set"))
        try:
            if delivery.late:
                return await self._send_template(delivery.address, instead, late)
            message = ""
            for content in self._written.page(reply, lambda reply: render(reply, language, self._written))[parts:]:
                if parts > delivery.parts:
                    await asyncio.sleep(self.reserve(delivery.address))
                try:
                    message = await self._send(delivery.address, content)
                except Refused as refused:
                    if refused.meaning.kind != "window":
                        raise
                    return await self._send_template(delivery.address, instead, refused)
                parts += 1
            return message
        except Refused as refused:
            meaning = refused.meaning
            if meaning.kind == "down":
                self._sending, self._refused = meaning.reason, time.monotonic()
            passing = meaning.kind in ("passing", "down")
            raise NotSent(meaning.reason, permanent=not passing, passing=passing, retry_after=meaning.wait, parts=parts) from None

    async def _send_template(self, address: str, content: Message | None, otherwise: Refused) -> str:
        if content is None:
            raise otherwise
        return await self._send(address, content)

    async def _send(self, address: str, content: Message) -> str:
        """Sends to a number by `to`, to a user id by `recipient`: in the other field it would vanish without a word."""
        to = {"to": address} if address.isdecimal() else {"recipient": address}
        message = {"messaging_product": NAME, "recipient_type": "individual", **to, **content}
        answer = await self._graph.post(f"{self._options.phone_number_id}/messages", message)
        taken: object = next(iter(part(answer, "messages", list)), None)
        identity = part(taken, "id", str)
        if not identity:  # a 200 from something between us and Meta is no delivery
            raise Refused(Meaning("passing", "what answers there is not the Graph API: check OMSBOT_WHATSAPP_API_URL"))
        self._sending = ""
        self._answered()
        return hashed(identity)

    def _answered(self) -> None:
        self._reached = time.monotonic()
        _REACHED.set(time.time())
