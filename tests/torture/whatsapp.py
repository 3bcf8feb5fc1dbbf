"""WhatsApp's side: what several people write comes together, receipts follow; its API fails now and then."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import partial
from random import Random

from graph_api import Fault, GraphApi, Json, Message, Person

from torture.callers import REACHED, Answer, Caller, Step
from torture.sides import CHECK, CONSENT, HOME, NUMBER, PAGE, Courier, button_of, intake
from torture.weather import Weather

SHARE = "Share my number"  # asks those whose number is hidden


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
        caller = Caller(f"Caller {number:05}", phone, intake("hello", phone, hasty=hasty), answers, hasty)
        phone, user_id = phone.lstrip("+") if shown else "", f"GB.{10**15 + number}" if known else ""
        caller.side = self.person(caller.name, phone=phone, user_id=user_id)
        self._callers |= {name: caller for name in (phone, user_id) if name}
        return caller

    async def act(self, caller: Caller, steps: list[Step]) -> None:
        person: Person = caller.side
        messages = []
        for step in steps:
            if step.press:
                await button_of(step, lambda: [label for message in person.received for _, label in message.buttons])
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
            message: Message = caller.side.received[-1]
            caller.sees(message.text)
            if self._random.random() < 0.3:
                self.courier.later(self._tell(caller.side, message))
        return answer

    async def _tell(self, person: Person, message: Message) -> None:
        """Receipts, which may overtake each other."""
        who = {"recipient_id": person.phone} if person.phone else {"recipient_user_id": person.user_id}
        about = [{"id": message.wamid, "status": said, "timestamp": self._timestamp(), **who} for said in ("sent", "delivered", "read")]
        self._random.shuffle(about)
        for status in about:
            body = self.envelope(self.value(person, statuses=[status]))
            await self.courier.bring(partial(self._post, body))

    def _luck(self, _name: str) -> Fault:
        delay = self._weather.delay()
        kinds = {
            "error 500": Fault(status=500, code=131000),
            "gateway 502": Fault(raw="<html>502 Bad Gateway</html>"),
            "too fast 429": Fault(status=429, code=130429),
            "dropped before": Fault(drop=True),
            "dropped after": Fault(drop_after=True),
            "slow": Fault(delay=delay),
        }
        return kinds.get(self._weather.fault(), Fault())


def _pressed(api: GraphApi, person: Person, label: str) -> Json:
    """The message that a press makes, with delivering it left to the caller."""
    message, kind = next((m, m.kind) for m in person.received[::-1] if label in [title for _, title in m.buttons])
    choice = next({"id": name, "title": title} for name, title in message.buttons if title == label)
    context = {"from": api.display_number, "id": message.wamid}
    return api.message(person, "interactive", context=context, interactive={"type": f"{kind}_reply", f"{kind}_reply": choice})
