"""A WhatsApp Cloud API server for tests: the real protocol on a loopback port, and people who write and press.

Shapes are Meta's (v23.0, with the user ids of 2026); what is refused is what Meta documents as a limit.
Left out: media, message types the bot has no use for, rate limits, templates' wording, deliveries to an override.
"""

import asyncio
import hmac
import json
import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from typing import Any, Self, TypeVar

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

Json = dict[str, Any]
T = TypeVar("T")

VERSION = "v23.0"
PATIENCE = 20.0  # seconds a test waits for something before it fails
AGAIN = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 0.0)  # seconds after each try to deliver something; Meta tries for a week
WINDOW = timedelta(hours=24)
NUMBER, USER_ID = re.compile(r"\+?\d{5,15}"), re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
COMMAND = re.compile("[a-z0-9_]{1,32}")
SHOWN = {"text", "body", "title", "description", "button", "formatted_name", "phone"}  # fields with what a person reads
WORDS = {
    1: "An unknown error occurred",
    100: "Invalid parameter",
    190: "Invalid OAuth access token",
    2200: "Callback verification failed",
    130429: "Rate limit hit",
    131009: "Parameter value is not valid",
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131056: "Pair rate limit hit",
    132001: "Template name does not exist in the translation",
}


@dataclass(frozen=True)
class Call:
    method: str  # of HTTP
    path: str
    name: str  # what `fail_next` knows it by
    params: Json  # the JSON body, or the query
    ok: bool  # it took effect, even if the answer was lost
    at: float  # arrival, by the event loop's clock


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a call. With `status`, `code`, `raw` or `drop` it takes no effect."""

    status: int = 0
    code: int = 0  # Graph's
    details: str = ""
    raw: str = ""  # what a gateway says instead of JSON
    drop: bool = False  # the connection breaks
    drop_after: bool = False  # the connection breaks when the call has taken effect
    delay: float = 0  # seconds the answer comes late

    def response(self) -> Response | None:
        if self.raw:
            return Response(self.raw, self.status or 502, media_type="text/html")
        return _error(self.status or 400, self.code or 1, self.details) if self.status or self.code else None


@dataclass(frozen=True)
class Message:
    """A message as it reached a person."""

    kind: str  # "text", "contacts", "template" or what kind of interactive message
    text: str  # header, body and footer; of a template, which has no wording here, the name and parameters
    body: str
    buttons: list[tuple[str, str]]  # (id, title) of reply buttons or rows
    payload: Json  # as sent
    wamid: str
    addressed: str  # "to" or "recipient"
    version: int  # grows with everything that happens

    @property
    def shown(self) -> str:
        """All there is to read, labels and descriptions of rows too."""
        return "\n".join([self.text, *_strings(self.payload[self.payload.get("type", "text")], SHOWN)])


class Refused(Exception):
    """(status, Graph error code, details) the call gets instead of a result."""


class GraphApi:
    """`async with GraphApi() as api:` serves one number at `api.url` under `api.token`."""

    def __init__(self) -> None:
        self.token, self.url = "EAAmade_up_token_for_tests", ""
        self.app_secret, self.verify_token = "0123456789abcdef0123456789abcdef", "made-up-verify-token"
        self.account_id, self.phone_number_id, self.display_number = "102290129340398", "106540352242922", "15550783881"
        self.webhook = ""  # where deliveries go; while it is empty, nowhere
        self.delivered = 0  # posts to the webhook, whatever became of them
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.calls: list[Call] = []
        self.receipts: list[tuple[str, bool]] = []  # id of a message marked read, and whether the person sees typing
        self.people: list[Person] = []
        self.templates: set[str] = set()  # approved, in every language
        self.challenges = False  # whether an override has to pass the challenge
        self.callbacks: dict[str, str] = {}  # webhook_configuration; the application's is `webhook` unless it stands here
        self.number = {"verified_name": "Test clinic", "name_status": "APPROVED", "code_verification_status": "VERIFIED"}
        self.number |= {"quality_rating": "GREEN", "status": "CONNECTED"}
        self.automation: Json = {}  # as set last
        self.subscribed = False
        self.ids = count(1)  # of everything
        self.luck: Callable[[str], Fault] = lambda _: Fault()  # what goes wrong with a call that `fail_next` leaves alone
        self._last: Json = {}  # body of the last message delivered
        self._said: set[str] = set()  # ids of what people sent
        self._faults: defaultdict[str, list[Fault]] = defaultdict(list)
        self._changed, self._closed = asyncio.Event(), asyncio.Event()
        self._network = ServerState()
        self._actions: dict[tuple[str, str], Callable[[Json], Awaitable[Json]]] = {
            ("POST", "messages"): self._send,
            ("GET", ""): self._look,
            ("POST", ""): self._override,
            ("POST", "conversational_automation"): self._automate,
            ("GET", "subscribed_apps"): self._subscriptions,
            ("POST", "subscribed_apps"): self._subscribe,
        }

    async def __aenter__(self) -> Self:
        # uvicorn's protocol without its Server, which takes the signals and looks only every 0.1 s whether to stop.
        paths = (f"/{VERSION}/{{node}}", f"/{VERSION}/{{node}}/{{edge}}")
        app = Starlette(routes=[Route(path, self._serve, methods=["GET", "POST"]) for path in paths])
        config = Config(app, lifespan="off", log_config=None, access_log=False, timeout_keep_alive=60)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: H11Protocol(config, self._network, {}), "127.0.0.1", 0)
        self.url = "http://{}:{}/{}".format(*self._server.sockets[0].getsockname(), VERSION)
        # No connection is kept: one that an app left behind when it was restarted would look like a failed delivery.
        self._client = httpx.AsyncClient(trust_env=False, timeout=PATIENCE, limits=httpx.Limits(max_keepalive_connections=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._closed.set()
        self._notify()
        await self._client.aclose()
        await asyncio.gather(*self._network.tasks)
        for connection in list(self._network.connections):
            connection.transport.abort()

    def person(self, name: str, *, phone: str = "", user_id: str = "") -> "Person":
        """Someone who has not written yet. Without `phone` the number is hidden, without `user_id` there is none."""
        self.people.append(Person(self, name, phone, user_id))
        return self.people[-1]

    def fail_next(self, name: str, *, times: int = 1, **fault: Any) -> None:
        """The next `times` calls go wrong. `name`: the path's last part, "read" for receipts, "phone" for a look at the number."""
        self._faults[name] += [Fault(**fault)] * times

    async def until(self, met: Callable[[], T | None], expected: str, seen: Callable[[], str] = str) -> T:
        """The first true value of `met`, tried after each call and delivery. AssertionError after PATIENCE."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not (found := met()):
                    await self._changed.wait()
                return found
        calls = [call.name for call in self.calls]
        raise AssertionError(f"waited in vain for {expected}; calls: {calls}, {self.delivered} deliveries {seen()}")

    def message(self, person: "Person", kind: str, **fields: Any) -> Json:
        """What the person sends now, or the platform in their name; delivering it is up to the caller."""
        said: Json = {"from": person.phone} if person.phone else {}
        said |= {"from_user_id": person.user_id} if person.user_id else {}
        said |= {"id": self._wamid(person, b"\x12\x18\x14", 20), "timestamp": self._timestamp(), "type": kind, **fields}
        self._said.add(said["id"])
        person.acted = next(self.ids)
        person.last_said = person.last_said if kind == "system" else self.clock()
        return said

    def value(self, *people: "Person", **lists: list[Json]) -> Json:
        """One change: `messages`, `statuses` or what else there is, about these people."""
        metadata = {"display_phone_number": self.display_number, "phone_number_id": self.phone_number_id}
        about = {"contacts": [person.profile for person in people]} if people else {}
        return {"messaging_product": "whatsapp", "metadata": metadata, **about, **lists}

    def envelope(self, *values: Json | list[Json]) -> Json:
        """A webhook body. Each value makes an entry of its own, a list of values one entry with several changes."""
        entries = [value if isinstance(value, list) else [value] for value in values]
        changes = [[{"value": value, "field": "messages"} for value in entry] for entry in entries]
        return {"object": "whatsapp_business_account", "entry": [{"id": self.account_id, "changes": entry} for entry in changes]}

    def signature(self, raw: bytes) -> str:
        """What the header X-Hub-Signature-256 says of this body."""
        return "sha256=" + hmac.digest(self.app_secret.encode(), raw, "sha256").hex()

    async def deliver(self, body: Json) -> int:
        """Posts the body once, signed. The answer's status, 0 if there was none."""
        raw, status = json.dumps(body).encode(), 0
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": self.signature(raw)}
        if self.webhook:
            self.delivered += 1
            with suppress(httpx.TransportError):
                status = (await self._client.post(self.webhook, content=raw, headers=headers)).status_code
        self._notify()
        return status

    async def redeliver(self) -> int:
        """The last message comes once more."""
        return await self.deliver(self._last)

    async def say(self, value: Json) -> Json:
        """Delivers the value of one message until it is taken; returns the message."""
        self._last = self.envelope(value)
        await self._insist(self._last)
        message: Json = value["messages"][0]
        return message

    async def status(self, message: Message, status: str, *, code: int = 0, title: str = "") -> Json:
        """Tells that the message was sent, delivered, read or, with an error's code and title, failed."""
        person = next(person for person in self.people if message in person.received)
        said: Json = {"id": message.wamid, "status": status, "timestamp": self._timestamp()}
        ids = {"to": ("recipient_id", person.phone), "recipient": ("recipient_user_id", person.user_id)}
        if status == "failed":  # names only what was written to
            said |= dict([ids[message.addressed]])
            said["errors"] = [{"code": code, "title": title, "message": title, "error_data": {"details": title}}]
        else:
            said |= {name: value for name, value in ids.values() if value}
        await self._insist(self.envelope(self.value(*[person] * (status != "failed"), statuses=[said])))
        return said

    async def challenge(self, url: str = "", verify_token: str = "") -> bool:
        """Whether the webhook answers the challenge; given nothing, the application's with the token it was told."""
        query = {
            "hub.mode": "subscribe",
            "hub.challenge": str(1158201444 + next(self.ids)),
            "hub.verify_token": verify_token or self.verify_token,
        }
        try:
            answer = await self._client.get(url or self.webhook, params=query)
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.text == query["hub.challenge"]

    async def _insist(self, body: Json) -> None:
        for wait in AGAIN:
            status = await self.deliver(body)
            if status == 200 or not self.webhook:
                return
            await asyncio.sleep(wait)
        raise AssertionError(f"the webhook did not take a delivery in {len(AGAIN)} tries, answered {status} in the end")

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _timestamp(self) -> str:
        return str(int(self.clock().timestamp()))

    def _wamid(self, person: "Person", direction: bytes, digits: int) -> str:
        """As Meta's: whoever decodes it finds the person's number or user id in it."""
        whose = (person.phone or person.user_id).encode()
        parts = (b"\x1c\x18", bytes([len(whose)]), whose, b"\x15\x02\x00", direction, f"{next(self.ids):0{digits}X}".encode(), b"\0")
        return "wamid." + b64encode(b"".join(parts)).decode()

    async def _serve(self, request: Request) -> Response:
        at, given = asyncio.get_running_loop().time(), await _params(request)
        name = request.path_params.get("edge") or ("phone" if request.method == "GET" else request.path_params["node"])
        name = "read" if name == "messages" and "status" in given else name
        fault, response, ok = Fault(), None, False
        if request.headers.get("authorization") != f"Bearer {self.token}":
            response = _error(401, 190)
        else:
            faults = self._faults[name]
            fault = faults.pop(0) if faults else self.luck(name)
            response = fault.response()
        if not response and not fault.drop:
            try:
                response, ok = JSONResponse(await self._carry_out(request, given)), True
            except Refused as refused:
                response = _error(*refused.args)
        self.calls.append(Call(request.method, request.url.path, name, given, ok, at))
        self._notify()
        if fault.delay:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), fault.delay)
        if fault.drop or fault.drop_after:
            for connection in list(self._network.connections):
                if connection.transport.get_extra_info("peername") == request.client:
                    connection.transport.abort()
        return response or Response()

    async def _carry_out(self, request: Request, given: Json) -> Json:
        node, edge = request.path_params["node"], request.path_params.get("edge", "")
        action = self._actions.get((request.method, edge))
        if not action or node != (self.account_id if edge == "subscribed_apps" else self.phone_number_id):
            raise Refused(400, 100, f"Object with ID '{node}' does not exist or does not support this operation")
        try:
            return await action(given)
        except (AttributeError, KeyError, TypeError) as odd:  # a field that is missing or not of its type
            raise Refused(400, 131009, f"{type(odd).__name__}: {odd}") from odd

    async def _send(self, given: Json) -> Json:
        if given.get("messaging_product") != "whatsapp":
            raise Refused(400, 100, "The parameter messaging_product is required.")
        if "status" in given:
            return self._mark_read(given)
        addressed = [name for name in ("to", "recipient") if name in given]
        if len(addressed) != 1:
            raise Refused(400, 100, "Exactly one of to and recipient is required.")
        where, kind = addressed[0], given.get("type", "text")
        if not (NUMBER if where == "to" else USER_ID).fullmatch(given[where]):
            raise Refused(400, 131009, f"{where} is not a {'phone number' if where == 'to' else 'user id'}")
        _check(kind, given.get(kind))
        if kind == "template" and given[kind]["name"] not in self.templates:
            raise Refused(404, 132001, f"template name ({given[kind]['name']}) does not exist in {given[kind]['language']['code']}")
        ids = [(person, person.phone if where == "to" else person.user_id) for person in self.people]
        person = next((person for person, known in ids if known and known == given[where].lstrip("+")), None)
        if not person:
            raise Refused(400, 131026, "The recipient is not on WhatsApp")
        if kind != "template" and not person.window_open:
            raise Refused(400, 131047, "More than 24 hours have passed since the recipient last replied")
        message = _read(given, self._wamid(person, b"\x11\x18\x12", 18), where, next(self.ids))
        person.received.append(message)
        contact = {"input": given[where], "wa_id" if where == "to" else "user_id": given[where].lstrip("+")}
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": message.wamid}]}

    def _mark_read(self, given: Json) -> Json:
        _require(given["status"] == "read", "status must be read")
        _require(given["message_id"] in self._said, "message_id is not of a message that was received")
        _require(given.get("typing_indicator", {"type": "text"}) == {"type": "text"}, "typing_indicator.type must be text")
        self.receipts.append((given["message_id"], "typing_indicator" in given))
        return {"success": True}

    async def _look(self, given: Json) -> Json:
        about: Json = {"id": self.phone_number_id, "display_phone_number": self.display_number, **self.number}
        about["webhook_configuration"] = {"application": self.webhook} | self.callbacks
        wanted = given["fields"].split(",") if given.get("fields") else list(about)
        for field in wanted:
            if field not in about:
                raise Refused(400, 100, f"Tried accessing nonexisting field ({field})")
        return {field: about[field] for field in ("id", *wanted)}

    async def _override(self, given: Json) -> Json:
        """An empty address takes the override away."""
        told = given["webhook_configuration"]
        if url := told["override_callback_uri"]:
            if self.challenges and not await self.challenge(url, told["verify_token"]):
                raise Refused(400, 2200, f"{url} does not answer the challenge")
            self.callbacks["phone_number"] = url
        else:
            self.callbacks.pop("phone_number", None)
        return {"success": True}

    async def _automate(self, given: Json) -> Json:
        prompts, commands = given.get("prompts", []), given.get("commands", [])
        _require(isinstance(given.get("enable_welcome_message", False), bool), "enable_welcome_message must be a boolean")
        _require(len(prompts) <= 4 and len(commands) <= 30, "at most 4 prompts and 30 commands")
        for prompt in prompts:
            _bounded("prompts", prompt, 80)
        for command in commands:
            _require(bool(COMMAND.fullmatch(command["command_name"])), f"command_name {command['command_name']}")
            _bounded("command_description", command["command_description"], 256)
        self.automation = given
        return {"success": True}

    async def _subscriptions(self, _: Json) -> Json:
        return {"data": [{"whatsapp_business_api_data": {"id": "1", "name": "Test app", "link": self.webhook}}] * self.subscribed}

    async def _subscribe(self, _: Json) -> Json:
        self.subscribed = True
        return {"success": True}


class Person:
    """Someone with the bot in front of them. What they do returns the message object that was delivered."""

    def __init__(self, api: GraphApi, name: str, phone: str, user_id: str) -> None:
        self.api, self.name, self.phone, self.user_id = api, name, phone, user_id
        self.received: list[Message] = []
        self.last_said: datetime | None = None  # opens the window for free-form messages
        self.acted = 0  # id of what they did last

    @property
    def newest(self) -> Message:
        return self.received[-1]

    @property
    def profile(self) -> Json:
        """How a delivery introduces them."""
        ids = {"wa_id": self.phone, "user_id": self.user_id}
        return {"profile": {"name": self.name}} | {name: value for name, value in ids.items() if value}

    @property
    def window_open(self) -> bool:
        return self.last_said is not None and self.api.clock() - self.last_said < WINDOW

    def seen(self) -> str:
        return "\n".join(["seen:", *(f"  {message.kind} {message.text!r} {message.buttons}" for message in self.received)])

    async def wait_for(self, fragment: str) -> Message:
        """The newest message that shows this text anywhere and came since the person last did something."""

        def answer() -> Message | None:
            return next((m for m in self.received[::-1] if fragment in m.shown and m.version > self.acted), None)

        return await self.api.until(answer, repr(fragment), self.seen)

    async def say(self, text: str) -> Json:
        return await self.send("text", text={"body": text})

    async def send(self, kind: str, **fields: Any) -> Json:
        """A message of any type, by its fields."""
        return await self.api.say(self.api.value(self, messages=[self.api.message(self, kind, **fields)]))

    async def press(self, id_or_title: str) -> Json:
        """The button or row of the newest message that has it."""
        for message in self.received[::-1]:
            for choice in _choices(message.payload):
                if id_or_title in (choice["id"], choice["title"]):
                    context, kind = {"from": self.api.display_number, "id": message.wamid}, f"{message.kind}_reply"
                    return await self.send("interactive", context=context, interactive={"type": kind, kind: choice})
        raise AssertionError(f"no button or row {id_or_title!r}; {self.seen()}")

    async def share_contact(self, *, own: bool = True, phone: str = "") -> Json:
        """Their own number, which was asked for and is hidden no longer from the next message on; or somebody else's card."""
        if own and not any(message.kind == "request_contact_info" for message in self.received):
            raise AssertionError(f"nothing asks for the number; {self.seen()}")
        phone, name = phone.lstrip("+") or (own and self.phone) or "447700900123", self.name if own else "Other"
        card: Json = {
            "name": {"formatted_name": name, "first_name": name},
            "phones": [{"phone": f"+{phone}", "wa_id": phone, "type": "MOBILE"}],
        }
        vcard = f"BEGIN:VCARD\nVERSION:3.0\nN:;{name};;;\nFN:{name}\nTEL;type=CELL;waid={phone}:+{phone}\nEND:VCARD"
        card |= {"origin": "contact_request"} if own else {"origin": "other", "vcard": vcard}
        shared = self.api.value(self, messages=[self.api.message(self, "contacts", contacts=[card])])
        self.phone = self.phone or (phone if own else "")
        return await self.api.say(shared)

    async def change_number(self, phone: str) -> Json:
        """The platform's note comes from the old number and, as all of its notes, without a profile."""
        body = f"User {self.name} changed from {self.phone} to {phone}"
        told = self.api.message(self, "system", system={"body": body, "type": "user_changed_number", "wa_id": phone})
        self.phone = phone
        return await self.api.say(self.api.value(messages=[told]))

    async def change_user_id(self, user_id: str) -> Json:
        """The platform's note comes from the old user id."""
        body = f"User {self.name} changed from {self.user_id} to {user_id}"
        change = {"body": body, "type": "user_changed_user_id", "previous_user_id": self.user_id, "user_id": user_id}
        told = self.api.message(self, "system", system=change)
        self.user_id = user_id
        return await self.api.say(self.api.value(messages=[told]))


async def _params(request: Request) -> Json:
    """The query, or the JSON body; {} if that is none."""
    if request.method == "GET":
        return dict(request.query_params)
    with suppress(ValueError):
        given = json.loads(await request.body())
        return given if isinstance(given, dict) else {}
    return {}


def _error(status: int, code: int, details: str = "") -> Response:
    words = WORDS.get(code, WORDS[1])
    error: Json = {"message": f"(#{code}) {words}", "type": "OAuthException", "code": code, "fbtrace_id": "AtestTraceOfThisServer"}
    return JSONResponse({"error": error | {"error_data": {"messaging_product": "whatsapp", "details": details or words}}}, status)


def _read(given: Json, wamid: str, addressed: str, version: int) -> Message:
    """The message as the person has it before them."""
    kind = given.get("type", "text")
    content = given[kind]
    if kind == "interactive":
        kind, body = content["type"], content["body"]["text"]
        text = "\n".join(content[part]["text"] for part in ("header", "body", "footer") if part in content)
    else:
        text = body = "\n".join(_strings(content, SHOWN | {"name"}))
    buttons = [(choice["id"], choice["title"]) for choice in _choices(given)]
    return Message(kind, text, body, buttons, given, wamid, addressed, version)


def _choices(payload: Json) -> list[Json]:
    """Reply buttons or rows, as the answer to the message repeats them."""
    action = payload.get("interactive", {}).get("action", {})
    return [button["reply"] for button in action.get("buttons", [])] + _rows(action)


def _rows(action: Json) -> list[Json]:
    return list(chain.from_iterable(section["rows"] for section in action.get("sections", [])))


def _strings(content: Any, names: set[str]) -> Iterator[str]:
    """Strings at any depth that stand under one of the names."""
    for name, inner in content.items() if isinstance(content, dict) else [("", each) for each in content]:
        if isinstance(inner, dict | list):
            yield from _strings(inner, names)
        elif name in names:
            yield str(inner)


def _require(true: bool, details: str) -> None:
    if not true:
        raise Refused(400, 131009, details)


def _bounded(where: str, text: Any, most: int) -> None:
    """Text that is more than blanks, counted in UTF-16: an emoji is two."""
    _require(isinstance(text, str) and bool(text.strip()), f"{where} must be a text that is not empty")
    _require(len(text.encode("utf-16-le", "surrogatepass")) // 2 <= most, f"{where} must be at most {most} characters long")


def _distinct(where: str, values: list[str], most: int) -> None:
    _require(1 <= len(values) <= most, f"{where}: {len(values)}, must be 1 to {most}")
    _require(len(set(values)) == len(values), f"{where} must be unique")


def _check(kind: str, content: Any) -> None:
    """Refuses what the person could not be shown."""
    if kind == "interactive":
        _check_interactive(content)
    elif kind == "contacts":
        _require(bool(content), "contacts must not be empty")
        for card in content:
            _require(bool(card["name"]["formatted_name"]), "contact.name.formatted_name must not be empty")
            _require(bool(card["phones"]) and all(phone["phone"] for phone in card["phones"]), "contact.phones must not be empty")
    elif kind == "template":
        _require(bool(content["name"] and content["language"]["code"]), "template needs a name and a language code")
    else:
        _require(kind == "text", f"type {kind} is not served here")
        _bounded("text.body", content["body"], 4096)


def _check_interactive(content: Json) -> None:
    kind, action = content["type"], content["action"]
    _bounded("body.text", content["body"]["text"], 1024)
    _require(content.get("header", {}).get("type", "text") == "text", "header.type must be text here")
    for part in content.keys() & {"header", "footer"}:
        _bounded(f"{part}.text", content[part]["text"], 60)
    if kind == "button":
        _require({button["type"] for button in action["buttons"]} <= {"reply"}, "button.type must be reply")
        for name, most in (("id", 256), ("title", 20)):
            _distinct(f"button.reply.{name}", [button["reply"][name] for button in action["buttons"]], 3)
            for button in action["buttons"]:
                _bounded(f"button.reply.{name}", button["reply"][name], most)
    elif kind == "list":
        _bounded("action.button", action["button"], 20)
        _check_sections(action["sections"], _rows(action))
    else:
        _require(kind == action["name"] == "request_contact_info", f"interactive.type {kind} is not served here")


def _check_sections(sections: list[Json], rows: list[Json]) -> None:
    _distinct("row.id over all sections", [row["id"] for row in rows], 10)
    for section in sections:
        _require(bool(section["rows"]), "section.rows must not be empty")
        if len(sections) > 1 or "title" in section:
            _bounded("section.title", section["title"], 24)
    for row in rows:
        for name, most in (("id", 200), ("title", 24), ("description", 72)):
            if name != "description" or name in row:
                _bounded(f"row.{name}", row[name], most)
