"""The whole desk around a program that runs as its own process: a staff group, a mailbox, the console, callers on every channel."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, Protocol

import httpx
from bot_api import BotApi, Message
from bot_api import Person as Chatting
from graph_api import GraphApi
from graph_api import Person as WhatsAppPerson
from mail_server import Mailbox
from mail_server import serving as mailing
from program import Program, Served
from published import check_calls, check_messages
from visitor import Visitor

from bot.staff.accounts import Accounts
from bot.staff.gate import COOKIE
from bot.store.crypto import Sealer
from bot.store.database import Database, open_database

GROUP = -100500
URL = "https://desk.example.org"  # where the world reaches the program
PASSWORD = "four wild horses"
PATIENCE = 20.0  # seconds a test waits for something before it fails
PHONE = "+442079460018"
ASKING = (("callback", "Do you agree?"), ("I agree", "Which number"), ("+44 20 7946 0018", "Is this right?"), ("Send", "has reached us"))


async def until(found: Callable[[], Awaitable[Any]], what: str) -> Any:
    """The first true answer of `found`, asked again and again."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not (answer := await found()):  # noqa: ASYNC110 another process makes it true
                await asyncio.sleep(0.05)
            return answer
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


class Caller(Protocol):
    """Somebody who asks for a call, on whatever channel."""

    async def say(self, text: str) -> Any: ...

    async def press(self, label: str) -> Any: ...

    async def wait_for(self, fragment: str) -> Any: ...

    def heard(self, fragment: str) -> int:
        """How many messages say this."""
        ...


@dataclass
class Messaging:
    """A caller on a messenger."""

    person: Chatting | WhatsAppPerson

    async def say(self, text: str) -> None:
        await self.person.say(text)

    async def press(self, label: str) -> None:
        await self.person.press(label)

    async def wait_for(self, fragment: str) -> None:
        async def heard() -> bool:  # since they last did something
            return any(fragment in message.text and message.version > self.person.acted for message in self.person.received)

        await until(heard, fragment)

    def heard(self, fragment: str) -> int:
        return sum(fragment in message.text for message in self.person.received)


@dataclass
class Reading:
    """A caller on the chat page."""

    server: Served
    visitor: Visitor
    shown: list[dict[str, Any]] = field(default_factory=list)

    async def say(self, text: str) -> None:
        await asyncio.to_thread(self.visitor.sends, self.server, {"type": "text", "text": text})

    async def press(self, label: str) -> None:
        await self._look()
        buttons = [button for message in self.shown[::-1] for button in (*message["choices"], *message["navigation"])]
        chosen = next(button["id"] for button in buttons if label in (button["id"], button["label"]))
        await asyncio.to_thread(self.visitor.sends, self.server, {"type": "press", "button": chosen})

    async def wait_for(self, fragment: str) -> None:
        async def heard() -> bool:
            await self._look()
            return bool(self.heard(fragment))

        await until(heard, fragment)

    def heard(self, fragment: str) -> int:
        return sum(fragment in _plain(message["html"]) for message in self.shown)

    async def _look(self) -> None:
        self.shown = await asyncio.to_thread(self.visitor.everything, self.server)


@dataclass
class Console:
    """A browser in which a member of staff is signed in. Its cookie is for https, so it is carried by hand."""

    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=lambda: {"Origin": URL})

    async def sign_in(self, name: str) -> None:
        answer = await self.client.post("/staff/sign-in", data={"name": name, "password": PASSWORD}, headers=self.headers)
        token = re.match(f"{COOKIE}=([^;]+);", answer.headers["set-cookie"])
        assert token
        self.headers["Cookie"] = f"{COOKIE}={token[1]}"

    async def page(self, path: str = "") -> str:
        """What stands there, without markup."""
        answer = await self.client.get(f"/staff/{path}", headers=self.headers)
        assert answer.status_code == 200, answer.status_code
        return _plain(answer.text)

    async def send(self, path: str, **fields: str) -> httpx.Response:
        return await self.client.post(f"/staff/{path}", data=fields, headers=self.headers)

    async def do(self, reference: str, action: str, **fields: str) -> httpx.Response:
        """What can be done with a request, as its page offers it now."""
        path = f"requests/{reference}"
        shown = (await self.client.get(f"/staff/{path}", headers=self.headers)).text
        seen = re.search(r'name="seen" value="([^"]*)"', shown)
        return await self.send(f"{path}/{action}", **{"seen": unescape(seen[1])} if seen else {}, **fields)

    async def wait_for(self, path: str, fragment: str) -> str:
        async def shows() -> str:
            return shown if fragment in (shown := await self.page(path)) else ""

        return str(await until(shows, fragment))


@dataclass
class World:
    """Everything around the program."""

    program: Program
    telegram: BotApi
    whatsapp: GraphApi
    mailbox: Mailbox

    def cards(self) -> list[Message]:
        """What the bot has written in the group about requests, as it stands now: in office hours a digest may stand among it."""
        return [message for message in self.telegram.chat(GROUP) if message.by_bot and not message.text.startswith("The desk today")]

    async def card(self, *fragments: str) -> Message:
        """The card once all of this stands on it."""

        async def saying() -> Message | None:
            return next((each for each in self.cards() if all(fragment in each.text for fragment in fragments)), None)

        found = await until(saying, f"{fragments} on a card")
        assert isinstance(found, Message)
        return found

    async def hire(self, *names: str) -> None:
        """Accounts of admins."""
        async with self.database() as database:
            for name in names:
                await Accounts(database).add("test", name, PASSWORD, "admin", "en", datetime.now(UTC))

    async def link(self, console: Console, user: int) -> Chatting:
        """The member in the group, their Telegram known from now on."""
        shown = await console.send("account/link-code")
        code = re.search(r"/link ([A-Z0-9-]+)", shown.text)
        assert code
        person = self.telegram.person(user, "Anybody")
        await person.say(f"/link {code[1]}")
        await person.wait_for("You are linked")
        return self.telegram.person(user, "Anybody", chat_id=GROUP)

    def caller(self, channel: str, server: Served) -> Caller:
        if channel == "telegram":
            return Messaging(self.telegram.person(4711, "Maria"))
        if channel == "whatsapp":
            self.whatsapp.webhook = f"{server.address}/whatsapp/webhook"
            return Messaging(self.whatsapp.person("Maria", phone="447700900123", user_id="GB.13491208655302741918"))
        return Reading(server, Visitor(server))

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        opened = await open_database(self.program.environment["OMSBOT_DATABASE_URL"], Sealer([self.program.key]))
        try:
            yield opened
        finally:
            await opened.close()


@asynccontextmanager
async def around(
    folder: Path, settings: Mapping[str, str] | None = None, serve: Sequence[str] = ("-m", "bot", "serve")
) -> AsyncIterator[World]:
    """The world, with a program that is still to be started."""
    mailbox = Mailbox()
    async with BotApi() as telegram, GraphApi() as whatsapp, mailing(mailbox) as port:
        telegram.person(1, "Nobody", chat_id=GROUP)  # the group is there
        names = {"TELEGRAM_TOKEN": telegram.token, "TELEGRAM_API_URL": telegram.url, "TELEGRAM_CHAT_RATE": "1000"}
        names |= {"WHATSAPP_TOKEN": whatsapp.token, "WHATSAPP_PHONE_NUMBER_ID": whatsapp.phone_number_id}
        names |= {
            "WHATSAPP_APP_SECRET": whatsapp.app_secret,
            "WHATSAPP_VERIFY_TOKEN": whatsapp.verify_token,
            "WHATSAPP_API_URL": whatsapp.url,
        }
        names |= {"SMTP_URL": f"smtp://127.0.0.1:{port}", "SMTP_FROM": "bot@example.org", "STAFF_EMAIL": "callbacks@example.org"}
        names |= {"TELEGRAM_STAFF_CHAT": str(GROUP), "PUBLIC_URL": URL}
        yield World(Program(folder, settings={**names, **(settings or {})}, serve=tuple(serve)), telegram, whatsapp, mailbox)
        check_calls(telegram)
        check_messages(whatsapp)


@asynccontextmanager
async def signed_in(server: Served, name: str) -> AsyncIterator[Console]:
    """The console in a browser of this member."""
    async with httpx.AsyncClient(base_url=server.address, trust_env=False, timeout=PATIENCE) as client:
        console = Console(client)
        await console.sign_in(name)
        yield console


async def asks(caller: Caller) -> None:
    """From the wish to be called to the queued request."""
    for step, answer in ASKING:
        await (caller.press(step) if step in ("I agree", "Send") else caller.say(step))
        await caller.wait_for(answer)


def _plain(html: str) -> str:
    """As a reader sees it: tags gone, space evened out."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
