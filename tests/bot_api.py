"""A Telegram Bot API server for tests: the real protocol on a loopback port, and people who write and press.

Rules and error texts are those of Telegram's own server (github.com/tdlib/telegram-bot-api `Client.cpp`, tdlib/td).
Left out: rate limits, pauses forced on eager pollers, delivery to a webhook, parse modes other than HTML.
"""

import asyncio
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from html import unescape
from http import HTTPStatus
from itertools import chain, count
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

Json = dict[str, Any]
T = TypeVar("T")

PATIENCE = 20.0  # seconds a test waits for something before it fails
# These may look like JSON ("123", "true") and aren't; any other parameter that comes as a string is tried as JSON.
STRINGS = {"callback_query_id", "description", "first_name", "last_name", "phone_number", "secret_token", "short_description", "text"}
TAGS = re.compile("a|b|blockquote|code|del|em|i|ins|pre|s|span|strike|strong|tg-emoji|tg-spoiler|tg-time|u")
TAG = re.compile(r"""<(/?)([^\s>]*)(?:"[^"]*"|'[^']*'|[^>"'])*(>?)""")
ENTITY = re.compile(r"&(?:(?:lt|gt|amp|quot)(?![A-Za-z])|#\d{1,7}|#x[0-9A-Fa-f]{1,6});?")  # "&nbsp;" stays
WEBHOOK_SET = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
TWO_POLLERS = "terminated by other getUpdates request; make sure that only one bot instance is running"
UNCHANGED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)


@dataclass(frozen=True)
class Call:
    method: str
    params: Json  # decoded: no JSON left in strings
    at: float  # arrival, by the event loop's clock
    ok: bool  # it took effect, even if the answer was lost


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a call. With `status`, `retry_after`, `raw` or `drop` it takes no effect."""

    status: int = 0
    description: str = ""
    retry_after: int = 0  # seconds, in a 429
    raw: str = ""  # what a gateway says instead of JSON
    drop: bool = False  # the connection breaks
    drop_after: bool = False  # the connection breaks when the call has taken effect
    delay: float = 0  # seconds the answer comes late

    def response(self) -> Response | None:
        if self.raw:
            return Response(self.raw, self.status or 502, media_type="text/html")
        if self.retry_after:
            return _error(429, f"retry after {self.retry_after}", retry_after=self.retry_after)
        return _error(self.status, self.description) if self.status else None


@dataclass(frozen=True)
class Message:
    """A message as it stands now."""

    by_bot: bool
    text: str  # without markup
    buttons: list[list[tuple[str, str]]]  # rows of (label, callback data or address)
    keyboard: bool  # it brought a reply keyboard
    wire: Json  # the Bot API's Message
    sent: Json  # parameters of the calls that made it so
    version: int  # grows with everything that happens


class Refused(Exception):
    """(status, description) the call gets instead of a result."""


class BotApi:
    """`async with BotApi() as api:` serves one bot at `api.url` under `api.token`."""

    def __init__(self) -> None:
        self.token, self.url = "7000000001:AAF-made_up_token_for_tests_012345678", ""
        self.bot: Json = {"id": 7000000001, "is_bot": True, "first_name": "Test bot", "username": "test_bot"}
        self.calls: list[Call] = []
        self.updates: dict[int, Json] = {}  # all there ever were
        self.rooms: dict[int, Json] = {}  # the Bot API's Chat
        self.blocked: set[int] = set()  # rooms
        self.ids = count(1001)  # of everything
        self.polls = 0  # long polls so far
        self.luck: Callable[[str], Fault] = lambda _: Fault()  # what goes wrong with a call that `fail_next` leaves alone
        self._messages: defaultdict[int, dict[int, Message]] = defaultdict(dict)
        self._queue: list[Json] = []  # updates not confirmed yet
        self._again: list[Json] = []  # redelivered: handed out once, whatever the offset
        self._allowed: list[str] = []
        self._webhook = ""
        self._commands: dict[str, list[Json]] = {}
        self._faults: defaultdict[str, list[Fault]] = defaultdict(list)
        self._changed, self._closed = asyncio.Event(), asyncio.Event()
        self._network = ServerState()
        self._methods: dict[str, Callable[[Json], Any]] = {
            "getme": lambda _: self.bot,
            "sendmessage": lambda given: self._write(given, {"text": _text(given)}),
            "sendcontact": lambda given: self._write(given, {"contact": {name: given[name] for name in ("phone_number", "first_name")}}),
            "editmessagetext": lambda given: self._edit(given, {"text": _text(given)}, given),
            "editmessagereplymarkup": lambda given: self._edit(given, {}, {"reply_markup": given.get("reply_markup", {})}),
            "deletemessage": lambda given: bool(self._messages[given["chat_id"]].pop(self._find(given, "delete").wire["message_id"])),
            "sendchataction": lambda given: bool(self._chat_id(given, writes=True)),
            "answercallbackquery": self._answer_query,
            "setmycommands": self._set_commands,
            "getmycommands": lambda given: self._commands.get(_audience(given), []),
            "deletemycommands": self._set_commands,
            **dict.fromkeys(["setmydescription", "setmyshortdescription", "setchatmenubutton"], lambda _: True),
            "setwebhook": self._set_webhook,
            "deletewebhook": self._set_webhook,
            "getwebhookinfo": lambda _: {"url": self._webhook, "has_custom_certificate": False, "pending_update_count": len(self._queue)},
        }

    async def __aenter__(self) -> Self:
        # uvicorn's protocol without its Server, which takes the signals and looks only every 0.1 s whether to stop.
        app = Starlette(routes=[Route("/bot{token}/{method}", self._serve, methods=["POST"])])
        config = Config(app, lifespan="off", log_config=None, access_log=False, timeout_keep_alive=60)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: H11Protocol(config, self._network, {}), "127.0.0.1", 0)
        self.url = "http://{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._closed.set()
        self._notify()
        await asyncio.gather(*self._network.tasks)
        for connection in list(self._network.connections):
            connection.transport.abort()

    def chat(self, chat_id: int) -> list[Message]:
        """Both sides' messages as the person sees them now, in order."""
        return list(self._messages[chat_id].values())

    def person(self, user_id: int, first_name: str, *, chat_id: int = 0, **user: str) -> "Person":
        """Someone who has started the bot, or with a negative `chat_id` is in that group. `user`: more of User."""
        who: Json = {"id": user_id, "is_bot": False, "first_name": first_name, "language_code": "en", **user}
        private = {"id": user_id, "type": "private", "first_name": first_name}
        self.rooms[chat_id or user_id] = {"id": chat_id, "type": "group", "title": "Staff"} if chat_id else private
        return Person(self, chat_id or user_id, who)

    def fail_next(self, method: str, *, times: int = 1, **fault: Any) -> None:
        """The next `times` calls of the method go wrong; `fault` are fields of Fault."""
        self._faults[method.lower()] += [Fault(**fault)] * times

    def redeliver(self, update_id: int = 0) -> None:
        """This update (none given: the last) comes once more, though it was confirmed."""
        self._again.append(self.updates[update_id or max(self.updates)])
        self._notify()

    async def until(self, met: Callable[[], T | None], expected: str, seen: Callable[[], str] = str) -> T:
        """The first true value of `met`, tried after each call and update. AssertionError after PATIENCE."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not (found := met()):
                    await self._changed.wait()
                return found
        raise AssertionError(f"waited in vain for {expected}; calls: {[call.method for call in self.calls]} {seen()}")

    def happen(self, kind: str, content: Json) -> Json:
        """Makes an update and queues it, unless the bot didn't ask for this kind."""
        update: Json = {"update_id": next(self.ids), kind: content}
        self.updates[update["update_id"]] = update
        if not self._allowed or kind in self._allowed:
            self._queue.append(update)
        self._notify()
        return update

    def put(self, chat_id: int, sender: Json, content: Json, sent: Json, old: Message | None = None) -> Json:
        """Writes a message into the chat, in the place of the `old` one if there is one."""
        now, version, rows = int(time.time()), next(self.ids), _inline_rows(sent)
        wire: Json = {"message_id": version, "date": now, "chat": self.rooms[chat_id], "from": sender}
        if old:  # the buttons go unless they are repeated
            wire = {name: value for name, value in old.wire.items() if name != "reply_markup"} | {"edit_date": now}
        wire |= content | ({"reply_markup": {"inline_keyboard": rows}} if rows else {})
        buttons = [[(b["text"], b.get("callback_data") or b.get("url", "")) for b in row] for row in rows]
        keyboard = "keyboard" in sent.get("reply_markup", {})
        message = Message(sender["is_bot"], wire.get("text", ""), buttons, keyboard, wire, sent, version)
        self._messages[chat_id][wire["message_id"]] = message
        return wire

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _serve(self, request: Request) -> Response:
        method, given, at = request.path_params["method"], await _params(request), asyncio.get_running_loop().time()
        if request.path_params["token"] != self.token:
            return _error(401)
        faults = self._faults[method.lower()]
        fault = faults.pop(0) if faults else self.luck(method.lower())
        response, ok = fault.response(), False
        if not response and not fault.drop:
            try:
                result = await self._carry_out(method.lower(), given, request)
                response, ok = JSONResponse({"ok": True, "result": result}), True
            except Refused as refused:
                response = _error(*refused.args)
        self.calls.append(Call(method, given, at, ok))
        self._notify()
        if fault.delay:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), fault.delay)
        if fault.drop or fault.drop_after:
            for connection in list(self._network.connections):
                if connection.transport.get_extra_info("peername") == request.client:
                    connection.transport.abort()
        return response or Response()

    async def _carry_out(self, method: str, given: Json, request: Request) -> Any:
        if method == "getupdates":
            return await self._get_updates(given, request)
        if method not in self._methods:
            raise Refused(404, "method not found")
        return self._methods[method](given)

    async def _get_updates(self, given: Json, request: Request) -> list[Json]:
        """`offset` confirms all before it, for good; below 0 it keeps that many; far beyond the end it is ignored."""
        if self._webhook:
            raise Refused(409, WEBHOOK_SET)
        self._allowed = given.get("allowed_updates", self._allowed)
        offset, limit = given.get("offset", 0), min(max(given.get("limit", 100), 1), 100)
        if offset < 0:
            self._queue = self._queue[offset:]
        elif offset <= max(self.updates, default=0) + 11:
            self._queue = [update for update in self._queue if update["update_id"] >= offset]
        if given.get("timeout") and not self._again + self._queue:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._long_poll(request), min(given["timeout"], 50))
        updates = (self._again + self._queue)[:limit]
        del self._again[:limit]
        return updates

    async def _long_poll(self, request: Request) -> None:
        """Returns when there is an update. The older of two polls loses; so does one whose client has gone."""
        self.polls = mine = self.polls + 1
        self._notify()
        while not self._closed.is_set():
            changed = self._changed
            if await request.is_disconnected() or self.polls != mine:
                raise Refused(409, TWO_POLLERS)
            if self._webhook:
                raise Refused(409, "terminated by setWebhook request")
            if self._again or self._queue:
                return
            await changed.wait()

    def _answer_query(self, given: Json) -> bool:
        if given["callback_query_id"] not in [update.get("callback_query", {}).get("id") for update in self.updates.values()]:
            raise Refused(400, "query is too old and response timeout expired or query ID is invalid")
        return True

    def _set_commands(self, given: Json) -> bool:
        self._commands[_audience(given)] = given.get("commands", [])
        return True

    def _set_webhook(self, given: Json) -> bool:
        self._webhook, self._allowed = given.get("url", ""), given.get("allowed_updates", self._allowed)
        if given.get("drop_pending_updates"):
            self._queue.clear()
        return True

    def _write(self, given: Json, content: Json) -> Json:
        return self.put(self._chat_id(given, writes=True), self.bot, content, given)

    def _chat_id(self, given: Json, *, writes: bool = False) -> int:
        # Only new messages and chat actions run into a block: those are the ones that know the error USER_IS_BLOCKED.
        if given.get("chat_id") not in self.rooms:
            raise Refused(400, "chat not found")
        if writes and given["chat_id"] in self.blocked:
            raise Refused(403, "bot was blocked by the user")
        return int(given["chat_id"])

    def _find(self, given: Json, purpose: str) -> Message:
        message = self._messages[self._chat_id(given)].get(given.get("message_id", 0))
        if not message:
            raise Refused(400, f"message to {purpose} not found")
        return message

    def _edit(self, given: Json, content: Json, sent: Json) -> Json:
        old = self._find(given, "edit")
        if not old.by_bot or set(old.sent.get("reply_markup", {})) - {"inline_keyboard"}:
            raise Refused(400, "message can't be edited")  # nor can one that came with a reply keyboard
        sent = old.sent | {"reply_markup": {}} | sent
        if sent.get("text") == old.sent.get("text") and _inline_rows(sent) == _inline_rows(old.sent):
            raise Refused(400, UNCHANGED)
        return self.put(given["chat_id"], self.bot, content, sent, old)


@dataclass
class Person:
    """Someone with the bot in front of them. What they do returns the update it made."""

    api: BotApi
    chat_id: int
    user: Json  # the Bot API's User
    acted: int = 0  # id of what they did last

    @property
    def received(self) -> list[Message]:
        """What stands there from the bot, in order."""
        return [message for message in self.api.chat(self.chat_id) if message.by_bot]

    @property
    def newest(self) -> Message:
        return self.received[-1]

    @property
    def keyboard(self) -> list[Json]:
        """Keys of the reply keyboard that is open."""
        markups = [message.sent.get("reply_markup", {}) for message in self.received]
        markups = [markup for markup in markups if markup.keys() & {"keyboard", "remove_keyboard"}]
        return list(chain(*markups[-1].get("keyboard", []))) if markups else []

    def seen(self) -> str:
        return "\n".join(["seen:", *(f"  {message.text!r} {message.buttons}" for message in self.received)])

    async def wait_for(self, fragment: str) -> Message:
        """The newest message with this text that the bot wrote or edited since the person last did something."""

        def answer() -> Message | None:
            return next((m for m in self.received[::-1] if fragment in m.text and m.version > self.acted), None)

        return await self.api.until(answer, repr(fragment), self.seen)

    async def say(self, text: str) -> Json:
        command = {"type": "bot_command", "offset": 0, "length": len(text.partition(" ")[0])}
        return await self.send(text=text, **({"entities": [command]} if text.startswith("/") else {}))

    async def send(self, **fields: Any) -> Json:
        """A message of any kind, by the fields of the Bot API's Message."""
        return self._act("message", self.api.put(self.chat_id, self.user, fields, {}))

    async def share_contact(self, *, own: bool = True, phone: str = "4915112345678") -> Json:
        """Their own, by the key that asks for it, or someone else's. Telegram may leave out the number's "+"."""
        if own and not any(key.get("request_contact") for key in self.keyboard):
            raise AssertionError(f"no key to share the number among {self.keyboard}; {self.seen()}")
        whose = {"first_name": self.user["first_name"], "user_id": self.user["id"]} if own else {"first_name": "Other"}
        return await self.send(contact={"phone_number": phone, **whose})

    async def press(self, label_or_data: str) -> Json:
        """The button of the newest message that has it."""
        for wire in [message.wire for message in self.received[::-1]]:
            for button in chain(*wire.get("reply_markup", {}).get("inline_keyboard", [])):
                if "callback_data" in button and label_or_data in (button["text"], button["callback_data"]):
                    query = {"id": str(next(self.api.ids)), "from": self.user, "chat_instance": str(self.chat_id)}
                    return self._act("callback_query", query | {"message": wire, "data": button["callback_data"]})
        raise AssertionError(f"no button {label_or_data!r}; {self.seen()}")

    async def block(self) -> Json:
        self.api.blocked.add(self.chat_id)
        return self._become("kicked", before="member")

    async def unblock(self) -> Json:
        self.api.blocked.discard(self.chat_id)
        return self._become("member", before="kicked")

    def _become(self, status: str, *, before: str) -> Json:
        old, new = ({"user": self.api.bot, "status": name, "until_date": 0} for name in (before, status))
        change = {"chat": self.api.rooms[self.chat_id], "from": self.user, "date": int(time.time())}
        return self._act("my_chat_member", change | {"old_chat_member": old, "new_chat_member": new})

    def _act(self, kind: str, content: Json) -> Json:
        update = self.api.happen(kind, content)
        self.acted = update["update_id"]
        return update


async def _params(request: Request) -> Json:
    """The parameters of a JSON body or of a form of either kind; of files only the name."""
    body, kind = await request.body(), request.headers.get("content-type", "")
    given: Json = {}
    if "json" in kind:
        given = json.loads(body)
    elif "multipart" in kind:
        for part in message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body).walk():
            if name := part.get_param("name", header="content-disposition"):
                given[str(name)] = part.get_filename() or bytes(part.get_payload(decode=True)).decode()
    else:
        given = dict(parse_qsl(body.decode(), keep_blank_values=True))
    for name in given.keys() - STRINGS:
        with suppress(ValueError, TypeError):
            given[name] = json.loads(given[name])
    return {name: value for name, value in given.items() if value is not None}


def _audience(given: Json) -> str:
    return json.dumps([given.get("scope"), given.get("language_code")])


def _error(status: int, description: str = "", **parameters: int) -> Response:
    described = ": ".join(filter(None, [HTTPStatus(status).phrase, description]))
    body = {"ok": False, "error_code": status, "description": described}
    return JSONResponse(body | ({"parameters": parameters} if parameters else {}), status)


def _inline_rows(sent: Json) -> list[list[Json]]:
    """The inline buttons, found to be sound."""
    rows: list[list[Json]] = sent.get("reply_markup", {}).get("inline_keyboard", [])
    for button in chain(*rows):
        if len(button.get("callback_data", "").encode()) > 64:
            raise Refused(400, "BUTTON_DATA_INVALID")
        if not any(button[name] for name in button.keys() - {"text", "style", "icon_custom_emoji_id"}):
            reason = "Text buttons are unallowed in the inline keyboard"
            raise Refused(400, f"can't parse inline keyboard button: {reason}")
    return rows


def _text(given: Json) -> str:
    """The text as it is shown: 1-4096 characters after parsing."""
    if not given.get("text"):
        raise Refused(400, "message text is empty")
    mode = given.get("parse_mode", "").lower()
    if mode not in ("", "html"):
        raise Refused(400, "unsupported parse_mode")
    text = (_plain(given["text"]) if mode else str(given["text"])).strip()
    if not 1 <= len(text) <= 4096:
        raise Refused(400, "message is too long" if text else "text must be non-empty")
    return text


def _plain(html: str) -> str:
    """The HTML without its tags, as strict as tdlib's `parse_html`."""
    opened: list[str] = []

    def checked(tag: re.Match[str]) -> str:
        end, name, closed = tag[1], tag[2].lower(), tag[3]
        wrong, place = "", f"at byte offset {len(html[: tag.start()].encode())}"
        if not closed:
            wrong = f"Unclosed {'end' if end else 'start'} tag {place}"
        elif not end and not TAGS.fullmatch(name):
            wrong = f'Unsupported start tag "{name}" {place}'
        elif not end:
            opened.append(name)
        elif not opened:
            wrong = f"Unexpected end tag {place}"
        elif name not in ("", expected := opened.pop()):
            wrong = f'Unmatched end tag {place}, expected "</{expected}>", found "</{name}>"'
        if wrong:
            raise Refused(400, f"can't parse entities: {wrong}")
        return ""

    text = TAG.sub(checked, html)
    if opened:
        raise Refused(400, f"can't parse entities: Can't find end tag corresponding to start tag \"{opened[-1]}\"")
    return ENTITY.sub(lambda entity: unescape(entity[0]), text)
