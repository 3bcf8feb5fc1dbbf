"""The chat page at / and its JSON API under /chat/api/ (docs/api.md). A pull channel: people fetch their messages.

A conversation is known by a token that the server has signed: it holds a random address, the browser's language
and time zone, and nothing about the person.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from jinja2 import Environment, FileSystemLoader
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.channels.base import Delivery, History, Kept, NotSent, Submit, Unavailable
from bot.channels.limits import RateLimit
from bot.channels.shape import read_body
from bot.channels.web_render import message
from bot.core.library import Content
from bot.core.markup import fill_text
from bot.core.material import Language
from bot.core.model import Event, Inbound, Press, Profile, Started, Text
from bot.core.schedule import is_zone
from bot.shelf import Shelf

NAME = "web"
MAX_BODY = 16_384  # bytes of a request: a thousand emoji fit, also where each is written as two escapes
MAX_STREAMS = 2_000  # open at a time
MAX_STREAMS_EACH = 6  # of one conversation: its tabs
HEARTBEAT = 20.0  # seconds between signs of life on a stream
_HERE = Path(__file__).parent / "chat"
_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

_Id = Annotated[str, Field(pattern=r"^[0-9a-fA-F-]{8,40}$")]


_Shape = TypeVar("_Shape", bound=BaseModel)


class _Opening(BaseModel):
    model_config = ConfigDict(extra="ignore")
    language: Annotated[str, Field(max_length=35)] = ""
    timezone: Annotated[str, Field(max_length=50)] = ""


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: _Id
    type: Literal["press", "text", "start"]
    button: Annotated[str, Field(max_length=64)] = ""
    text: Annotated[str, Field(max_length=1000)] = ""
    after: Annotated[int, Field(ge=0, lt=10**15)] | None = None

    def event(self) -> Event:
        match self.type:
            case "press":
                return Press(self.button)
            case "text":
                return Text(self.text)
            case "start":
                return Started()


class _Token(BaseModel):
    """What the signed token says."""

    address: str
    language: str
    timezone: str

    @property
    def sender(self) -> Profile:
        return Profile(language=self.language, timezone=self.timezone if is_zone(self.timezone) else "")


class Web:
    """The channel. `chat_of` turns an address into the key its messages are kept under; `secret` signs tokens."""

    name = NAME
    pull = True
    window = None

    def __init__(self, shelf: Shelf, submit: Submit, history: History, chat_of: Callable[[str], str], secret: bytes) -> None:
        self._shelf = shelf
        self._submit = submit
        self._history = history
        self._chat_of = chat_of
        self._secret = hmac.digest(secret, b"web token", "sha256")
        self._page = Environment(loader=FileSystemLoader(_HERE), autoescape=True).get_template("index.html")
        self._listening: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._closing = False
        self._streams = 0
        self._events = RateLimit(burst=20, every=0.5)
        self._sessions = RateLimit(burst=30, every=2.0)

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Route("/", self._index),
            Mount("/chat/static", StaticFiles(directory=_HERE / "static")),
            Route("/chat/api/session", self._open, methods=["POST"]),
            Route("/chat/api/messages", self._messages),
            Route("/chat/api/events", self._take, methods=["POST"]),
            Route("/chat/api/stream", self._stream),
        )

    async def run(self) -> None:
        """Nothing to poll: events come in by routes."""

    def reserve(self, address: str) -> float:
        return 0.0

    async def send(self, delivery: Delivery) -> str:
        raise NotSent("people fetch their messages here", permanent=True)

    def arrived(self, chat: str) -> None:
        for waiting in self._listening.get(chat, ()):
            waiting.set()

    async def close(self) -> None:
        """Nothing else is open."""

    def trouble(self) -> str:
        return ""

    def close_streams(self) -> None:
        self._closing = True
        for chat in list(self._listening):
            self.arrived(chat)

    async def _index(self, request: Request) -> Response:
        language = _preferred(request.headers.get("accept-language", ""), self._shelf.content)
        page = self._page.render(language=language.code, direction=language.direction, ui=self._words(language))
        return HTMLResponse(page, headers={**_SECURITY, "Cache-Control": "no-cache", "Vary": "Accept-Language"})

    def _words(self, language: Language) -> Mapping[str, str]:
        return {key: fill_text(text, self._shelf.content.structure.values) for key, text in language.chat.items()}

    async def _open(self, request: Request) -> Response:
        _limit(self._sessions.wait(request.client.host if request.client else ""))
        opening = await _body(request, _Opening)
        token = _Token(address=secrets.token_hex(16), language=opening.language, timezone=opening.timezone)
        await self._hand_in(token, secrets.token_hex(16), Started())
        answer = await self._answer(token, 0)
        return JSONResponse({"token": self._sign(token), **answer}, status_code=201, headers=_NO_STORE)

    async def _take(self, request: Request) -> Response:
        token = self._token(request)
        _limit(self._events.wait(token.address))
        sent = await _body(request, _Sent)
        shown = sent.after
        if shown is None:
            before = await self._history(self._chat_of(token.address), 0)
            shown = before[-1].id if before else 0
        # Two browsers may make the same id; the keyed hash keeps them apart and tells nobody the address.
        await self._hand_in(token, f"{self._chat_of(token.address)[:16]}:{sent.id}", sent.event())
        return JSONResponse(await self._answer(token, shown), headers=_NO_STORE)

    async def _messages(self, request: Request) -> Response:
        return JSONResponse(await self._answer(self._token(request), _after(request)), headers=_NO_STORE)

    async def _stream(self, request: Request) -> Response:
        token = self._token(request)
        chat = self._chat_of(token.address)
        if len(self._listening.get(chat, ())) >= MAX_STREAMS_EACH:
            raise HTTPException(429, headers={"Retry-After": "30"})
        if self._streams >= MAX_STREAMS or self._closing:
            raise HTTPException(503, headers={"Retry-After": "10"})
        events = self._follow(chat, _after(request))
        return StreamingResponse(events, media_type="text/event-stream", headers={**_NO_STORE, "X-Accel-Buffering": "no"})

    async def _follow(self, chat: str, after: int) -> AsyncIterator[str]:
        news = asyncio.Event()
        self._listening[chat].add(news)
        self._streams += 1
        try:
            yield ": welcome\n\n"
            while not self._closing:
                news.clear()
                for kept in await self._history(chat, after):
                    after = kept.id
                    yield f"event: message\nid: {kept.id}\ndata: {json.dumps(self._message(kept), ensure_ascii=False)}\n\n"
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), HEARTBEAT)
                    continue
                yield ": still here\n\n"
        finally:
            self._streams -= 1
            self._listening[chat].discard(news)
            if not self._listening[chat]:
                del self._listening[chat]

    async def _hand_in(self, token: _Token, update_id: str, event: Event) -> None:
        inbound = Inbound(NAME, token.address, update_id, datetime.now(UTC), event, token.sender)
        try:
            await self._submit(inbound)
        except Unavailable as refused:
            raise HTTPException(503, headers={"Retry-After": str(int(refused.retry_after))}) from None

    async def _answer(self, token: _Token, after: int) -> Mapping[str, object]:
        kept: Sequence[Kept] = await self._history(self._chat_of(token.address), after)
        language = self._shelf.content.language((kept[-1].reply.language if kept else "") or token.language)
        return {"language": language.code, "direction": language.direction, "messages": [self._message(each) for each in kept]}

    def _message(self, kept: Kept) -> Mapping[str, object]:
        return message(kept, self._shelf.content.language(kept.reply.language))

    def _sign(self, token: _Token) -> str:
        claims = base64.urlsafe_b64encode(token.model_dump_json().encode()).decode()
        return f"{claims}.{self._mac(claims)}"

    def _token(self, request: Request) -> _Token:
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        claims, _, mac = presented.partition(".")
        if scheme != "Bearer" or not hmac.compare_digest(mac.encode(), self._mac(claims).encode()):
            raise HTTPException(401)
        return _Token.model_validate_json(base64.urlsafe_b64decode(claims))

    def _mac(self, claims: str) -> str:
        return hmac.new(self._secret, claims.encode(), hashlib.sha256).hexdigest()


def _limit(wait: float) -> None:
    if wait > 0:
        raise HTTPException(429, headers={"Retry-After": str(int(wait) + 1)})


async def _body(request: Request, shape: type[_Shape]) -> _Shape:
    """The request's JSON in its shape, read no further than it may be long."""
    body = await read_body(request, MAX_BODY)
    try:
        return shape.model_validate_json(body)
    except ValidationError:
        raise HTTPException(422) from None


def _after(request: Request) -> int:
    given = request.query_params.get("after", "")
    return int(given) if given.isdecimal() and len(given) < 16 else 0


def _preferred(accepted: str, content: Content) -> Language:
    """The best language for an Accept-Language header; browsers send it best first."""
    offered = (part.partition(";")[0].strip() for part in accepted[:200].split(","))
    code = next((code for code in offered if code.partition("-")[0].lower() in content.languages), "")
    return content.language(code)
