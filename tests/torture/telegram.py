"""Telegram's side, by polling and by webhook; its API fails now and then."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

import httpx
from bot_api import UNCHANGED, BotApi, Fault, Json, Person, Refused

from torture.callers import REACHED, Answer, Caller, Step
from torture.sides import CHECK, CONSENT, HOME, NUMBER, PAGE, Courier, button_of, intake
from torture.weather import Weather

SECRET = "a-secret-of-telegram"
PUBLIC = "https://bot.example.org"
NOTED = "All right."  # takes the keyboard away that shares the number


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

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        await self._client.aclose()

    @property
    def settings(self) -> Mapping[str, str]:
        own = {"TELEGRAM_TOKEN": self.token, "TELEGRAM_API_URL": self.url, "TELEGRAM_RATE": "1000", "TELEGRAM_CHAT_RATE": "1000"}
        if not self._by_webhook:
            return own
        return own | {"TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_SECRET": SECRET, "PUBLIC_URL": PUBLIC}

    def welcome(self, number: int, phone: str, *, hasty: bool) -> Caller:
        words = [(HOME, 0), (PAGE, 1), (CONSENT, 2), (NUMBER, 3), (NOTED, 4), (CHECK, 4), (REACHED, 5)]
        caller = Caller(f"Caller {number:05}", phone, intake("/start", phone, hasty=hasty), [Answer(*each) for each in words], hasty)
        caller.side = self.person(100_000_000 + number, caller.name)
        self._callers[caller.side.chat_id] = caller
        return caller

    def put(self, chat_id: int, sender: Json, content: Json, sent: Json, *more: Any) -> Json:
        wire = super().put(chat_id, sender, content, sent, *more)
        if sender["is_bot"]:
            self._callers[chat_id].sees(wire.get("text", ""))
        return wire

    def _edit(self, given: Json, content: Json, sent: Json) -> Json:
        try:
            return super()._edit(given, content, sent)
        except Refused as refused:
            if refused.args[1] == UNCHANGED:  # it came once more, where it already stood
                self._callers[given["chat_id"]].sees(self._find(given, "edit").text)
            raise

    async def act(self, caller: Caller, steps: list[Step]) -> None:
        person: Person = caller.side
        made = []
        for step in steps:
            if step.press:
                await button_of(step, lambda: [label for message in person.received for row in message.buttons for label, _ in row])
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

    def _luck(self, _method: str) -> Fault:
        delay = self._weather.delay()
        kinds = {
            "error 500": Fault(status=500, description="Internal Server Error"),
            "gateway 502": Fault(raw="<html>502 Bad Gateway</html>"),
            "too fast 429": Fault(retry_after=1),
            "dropped before": Fault(drop=True),
            "dropped after": Fault(drop_after=True),
            "slow": Fault(delay=delay),
        }
        return kinds.get(self._weather.fault(), Fault())
