"""What both platforms do: they bring what people do until it is taken, and some of it twice."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from random import Random
from typing import Any, Protocol, Self

from torture.callers import Caller, Step
from torture.weather import Weather

TWICE = 0.15  # of what is delivered comes twice
WAIT, LONGEST_WAIT = 0.05, 0.5  # seconds between tries to deliver
HOME, PAGE, CONSENT, NUMBER = "Choose a topic", "How would you like to go on", "Do you agree?", "Which number"
CHECK = "Is this right?"


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

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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


def intake(hello: str, phone: str, *, hasty: bool) -> list[Step]:
    press = not hasty
    pressed = [Step("Free consultation", press), Step("Request a callback", press), Step("I agree", press)]
    return [Step(hello), *pressed, Step(phone), Step("Send", press)]


async def button_of(step: Step, labels: Callable[[], list[str]]) -> None:
    """Waits for the button: an answer that comes again after a kill takes the place of a newer one for a moment."""
    while step.does not in labels():  # noqa: ASYNC110 the platform does not tell
        await asyncio.sleep(0.02)
