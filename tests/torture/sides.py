"""The platforms' side: they bring what people do until it is taken, some of it twice, and their API fails now and then."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any, Protocol, Self

import httpx
from bot_api import BotApi, Json
from bot_api import Fault as TelegramFault
from bot_api import Person as TelegramPerson
from graph_api import Fault as GraphFault
from graph_api import GraphApi
from graph_api import Message as WhatsAppMessage
from graph_api import Person as WhatsAppPerson

from torture.callers import Answer, Caller, Step
from torture.weather import Weather

SECRET = "a-secret-of-telegram"
PUBLIC = "https://bot.example.org"
TWICE = 0.15  # of what is delivered comes twice
WAIT, LONGEST_WAIT = 0.05, 0.5  # seconds between tries to deliver
HOME, PAGE, CONSENT, NUMBER = "Choose a topic", "How would you like to go on", "Do you agree?", "Which number"
SHARE, NOTED, CHECK, REACHED = "Share my number", "All right.", "Is this right?", "has reached us"


class Courier:
    """Brings things to the program, wherever that listens at the moment, until it has taken them."""

    def __init__(self, weather: Weather, random: Random, counts: Counter[str]) -> None:
        self.address = ""  # while it is empty, nobody listens
        self._weather, self._random, self._counts = weather, random, counts
        self._tasks: set[asyncio.Task[None]] = set()

    async def bring(self, post: Callable[[], Awaitable[int]]) -> None:
        """`post` tries once and returns the status. What two people do at the same time comes in any order."""
        await asyncio.sleep(self._random.uniform(0, 0.05))
        if not self._weather.calm and self._random.random() < TWICE:
            self._counts["duplicates"] += 1
            self.later(self._insist(post))
        await self._insist(post)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def idle(self) -> None:
        """Returns when all has been taken."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def _insist(self, post: Callable[[], Awaitable[int]]) -> None:
        wait = WAIT
        while (status := await self._try(post)) != 200:
            assert not 400 <= status < 500, f"a delivery was refused with {status}"
            await asyncio.sleep(wait * self._random.uniform(0.5, 1.5))
            wait = min(2 * wait, LONGEST_WAIT)

    async def _try(self, post: Callable[[], Awaitable[int]]) -> int:
        if not self.address:
            return 0
        # A kill finds it on the way, being handled, or just answered.
        asyncio.get_running_loop().call_later(self._random.uniform(0, 0.03), self._weather.moment)
        status = await post()
        self._counts["deliveries" if status == 200 else "deliveries not taken"] += 1
        return status


class Side(Protocol):
    """A platform with the people on it."""

    courier: Courier

    @property
    def settings(self) -> Mapping[str, str]:
        """What the program has to be told, without OMSBOT_."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    def welcome(self, number: int, phone: str, *, hasty: bool) -> Caller:
        """Somebody new, the `number`-th."""
        ...

    async def act(self, caller: Caller, steps: list[Step]) -> None:
        """The caller does this; returns when the platform has delivered it, or as soon as the program can fetch it."""
        ...

    async def repeat(self, caller: Caller, number: int) -> None:
        """The platform delivers that event of the caller once more."""
        ...


def _steps(hello: str, phone: str, *, hasty: bool) -> list[Step]:
    press = not hasty
    pressed = [Step("Free consultation", press), Step("Request a callback", press), Step("I agree", press)]
    return [Step(hello), *pressed, Step(phone), Step("Send", press)]


class Telegram(BotApi):
    """By webhook, or polled when `webhook` is false."""

    def __init__(self, weather: Weather, random: Random, counts: Counter[str], *, webhook: bool) -> None:
        super().__init__()
        self.courier = Courier(weather, random, counts)
        self._webhook = f"{PUBLIC}/telegram/webhook" if webhook else ""
        self._counts, self._by_webhook, self._weather, self._random = counts, webhook, weather, random
        self._callers: dict[int, Caller] = {}
        self._client = httpx.AsyncClient(trust_env=False, timeout=10, limits=httpx.Limits(max_keepalive_connections=0))
        self.luck = self._luck

    @property
    def settings(self) -> Mapping[str, str]:
        own = {"TELEGRAM_TOKEN": self.token, "TELEGRAM_API_URL": self.url, "TELEGRAM_RATE": "1000", "TELEGRAM_CHAT_RATE": "1000"}
        if not self._by_webhook:
            return own
        return own | {"TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_SECRET": SECRET, "PUBLIC_URL": PUBLIC}

    def welcome(self, number: int, phone: str, *, hasty: bool) -> Caller:
        words = [(HOME, 0), (PAGE, 1), (CONSENT, 2), (NUMBER, 3), (NOTED, 4), (CHECK, 4), (REACHED, 5)]
        caller = Caller(f"Caller {number:05}", phone, _steps("/start", phone, hasty=hasty), [Answer(*each) for each in words], hasty)
        caller.side = self.person(100_000_000 + number, caller.name)
        self._callers[caller.side.chat_id] = caller
        return caller

    def put(self, chat_id: int, sender: Json, content: Json, sent: Json, *more: Any) -> Json:
        wire = super().put(chat_id, sender, content, sent, *more)
        if sender["is_bot"]:
            self._callers[chat_id].sees(wire.get("text", ""))
        return wire

    async def act(self, caller: Caller, steps: list[Step]) -> None:
        person: TelegramPerson = caller.side
        made = []
        for step in steps:
            if step.press:
                await _button(step, lambda: [label for message in person.received for row in message.buttons for label, _ in row])
            caller.does(step.does)
            made.append(await (person.press if step.press else person.say)(step.does))
        caller.events += made
        for update in made if self._by_webhook else ():
            await self.courier.bring(partial(self._post, update))

    async def repeat(self, caller: Caller, number: int) -> None:
        self._counts["duplicates"] += 1
        update = caller.events[number]
        if self._by_webhook:
            await self.courier.bring(partial(self._post, update))
        else:
            self.redeliver(update["update_id"])

    async def _post(self, update: Json) -> int:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        with suppress(httpx.TransportError):
            return (await self._client.post(f"{self.courier.address}/telegram/webhook", json=update, headers=headers)).status_code
        return 0

    async def _get_updates(self, given: Json, request: Any) -> list[Json]:
        updates = await super()._get_updates(given, request)
        self._counts["deliveries"] += len(updates)
        return updates

    def _luck(self, _method: str) -> TelegramFault:
        delay = self._weather.delay()
        kinds = {
            "error 500": TelegramFault(status=500, description="Internal Server Error"),
            "gateway 502": TelegramFault(raw="<html>502 Bad Gateway</html>"),
            "too fast 429": TelegramFault(retry_after=1),
            "dropped before": TelegramFault(drop=True),
            "dropped after": TelegramFault(drop_after=True),
            "slow": TelegramFault(delay=delay),
        }
        return kinds.get(self._weather.fault(), TelegramFault())


class WhatsApp(GraphApi):
    """Messages of several people come together; some people hide their number, some have no user id yet."""

    def __init__(self, weather: Weather, random: Random, counts: Counter[str]) -> None:
        super().__init__()
        self.courier = Courier(weather, random, counts)
        self._counts, self._weather, self._random = counts, weather, random
        self._callers: dict[str, Caller] = {}  # by number and by id
        self._bag: list[tuple[Json, asyncio.Future[None]]] = []
        self.luck = self._luck

    @property
    def settings(self) -> Mapping[str, str]:
        own = {"TOKEN": self.token, "PHONE_NUMBER_ID": self.phone_number_id, "APP_SECRET": self.app_secret}
        own |= {"VERIFY_TOKEN": self.verify_token, "API_URL": self.url, "RATE": "1000"}
        return {f"WHATSAPP_{name}": value for name, value in own.items()}

    def welcome(self, number: int, phone: str, *, hasty: bool) -> Caller:
        shown, known = self._random.choice([(True, True), (True, False), (False, True)])
        words = [(HOME, 0), (PAGE, 1), (CONSENT, 2), (NUMBER, 3), (CHECK, 4), (REACHED, 5)]
        answers = [Answer(*each) for each in words]
        answers[4:4] = [] if shown else [Answer(SHARE, 3, part=True)]
        caller = Caller(f"Caller {number:05}", phone, _steps("hello", phone, hasty=hasty), answers, hasty)
        phone, user_id = phone.lstrip("+") if shown else "", f"GB.{10**15 + number}" if known else ""
        caller.side = self.person(caller.name, phone=phone, user_id=user_id)
        self._callers |= {name: caller for name in (phone, user_id) if name}
        return caller

    async def act(self, caller: Caller, steps: list[Step]) -> None:
        person: WhatsAppPerson = caller.side
        messages = []
        for step in steps:
            if step.press:
                await _button(step, lambda: [label for message in person.received for _, label in message.buttons])
            caller.does(step.does)
            messages.append(_pressed(self, person, step.does) if step.press else self.message(person, "text", text={"body": step.does}))
        caller.events += [self.value(person, messages=[message]) for message in messages]
        await self._drop_in(self.value(person, messages=messages))

    async def repeat(self, caller: Caller, number: int) -> None:
        self._counts["duplicates"] += 1
        body = self.envelope(caller.events[number])
        await self.courier.bring(partial(self._post, body))

    async def _drop_in(self, value: Json) -> None:
        """Into the bag, from which several are taken at once; returns when the value is delivered."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._bag.append((value, done))
        if len(self._bag) == 1:
            self.courier.later(self._empty_bag())
        await done

    async def _empty_bag(self) -> None:
        await asyncio.sleep(self._random.uniform(0, 0.05))
        bag, self._bag = self._bag, []
        self._random.shuffle(bag)
        values = [value for value, _ in bag]
        body = self.envelope(values) if self._random.random() < 0.5 else self.envelope(*values)
        await self.courier.bring(partial(self._post, body))
        for _, done in bag:
            done.set_result(None)

    async def _post(self, body: Json) -> int:
        self.webhook = f"{self.courier.address}/whatsapp/webhook"
        return await self.deliver(body)

    async def _send(self, given: Json) -> Json:
        answer = await super()._send(given)
        if "status" not in given:
            caller = self._callers[(given.get("to") or given["recipient"]).lstrip("+")]
            message: WhatsAppMessage = caller.side.received[-1]
            caller.sees(message.text)
            if self._random.random() < 0.3:
                self.courier.later(self._tell(caller.side, message))
        return answer

    async def _tell(self, person: WhatsAppPerson, message: WhatsAppMessage) -> None:
        """Receipts, which may overtake each other."""
        who = {"recipient_id": person.phone} if person.phone else {"recipient_user_id": person.user_id}
        about = [{"id": message.wamid, "status": said, "timestamp": self._timestamp(), **who} for said in ("sent", "delivered", "read")]
        self._random.shuffle(about)
        for status in about:
            body = self.envelope(self.value(person, statuses=[status]))
            await self.courier.bring(partial(self._post, body))

    def _luck(self, _name: str) -> GraphFault:
        delay = self._weather.delay()
        kinds = {
            "error 500": GraphFault(status=500, code=131000),
            "gateway 502": GraphFault(raw="<html>502 Bad Gateway</html>"),
            "too fast 429": GraphFault(status=429, code=130429),
            "dropped before": GraphFault(drop=True),
            "dropped after": GraphFault(drop_after=True),
            "slow": GraphFault(delay=delay),
        }
        return kinds.get(self._weather.fault(), GraphFault())


async def _button(step: Step, labels: Callable[[], list[str]]) -> None:
    """Waits for the button: an answer that comes again after a kill takes the place of a newer one for a moment."""
    while step.does not in labels():  # noqa: ASYNC110 the platform does not tell
        await asyncio.sleep(0.02)


def _pressed(api: GraphApi, person: WhatsAppPerson, label: str) -> Json:
    """The message that a press makes, with delivering it left to the caller."""
    message, kind = next((m, m.kind) for m in person.received[::-1] if label in [title for _, title in m.buttons])
    choice = next({"id": name, "title": title} for name, title in message.buttons if title == label)
    context = {"from": api.display_number, "id": message.wamid}
    return api.message(person, "interactive", context=context, interactive={"type": f"{kind}_reply", f"{kind}_reply": choice})
