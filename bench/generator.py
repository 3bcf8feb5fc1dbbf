"""The crowd: people who follow a scenario against a bot, and the clock on every answer.

Latency is from the moment a webhook is due to be sent until the call with its answer has arrived.
"""

import asyncio
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator

import orjson

from bench.people import Person, Scenario
from bench.platforms import Platform
from bench.wire import Fields, Hook, Served

PATIENCE = 10.0  # seconds a person waits for an answer
CONNECTIONS = 64  # webhooks at once [Telegram: 40, at most 100]


class Crowd:
    """`ids` are the numbers of the people, taken as they come."""

    def __init__(self, platform: Platform, scenario: Scenario, ids: Iterator[int], delay: float = 0) -> None:
        self._platform = platform
        self._scenario = scenario
        self._ids = ids
        self._delay = delay  # seconds the API takes
        self._people: dict[int, Person] = {}
        self._spare: deque[Person] = deque()  # in an open loop: those who have nothing to do
        self._queue: deque[bytes] = deque()  # webhooks for which there is no connection free
        self._hooks: deque[Hook] = deque()
        self._open_loop = False
        self._stopping = False
        self.latencies = array("d")  # seconds
        self.errors: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    async def serve_api(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Served(self._called, self._delay), "127.0.0.1", 0, backlog=1024)

    async def connect(self, port: int, path: str) -> None:
        self._port = port
        self._head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\nContent-Type: application/json\r\n".encode()
        for _ in range(CONNECTIONS):
            await self._connect_one()

    async def _connect_one(self) -> None:
        _, hook = await asyncio.get_running_loop().create_connection(lambda: Hook(self._posted), "127.0.0.1", self._port)
        self._free(hook)

    def forget(self) -> None:
        """Begins the measured time: what was until now does not count."""
        self.latencies = array("d")
        self.errors.clear()
        self.calls.clear()

    def start(self, users: int) -> None:
        """A closed loop: so many people, each of whom goes on when answered."""
        for _ in range(users):
            self._begin(self._newcomer())

    async def start_at(self, rate: float) -> None:
        """An open loop: so many messages a second, however the bot does. Runs until cancelled."""
        self._open_loop = True
        pause = len(self._scenario.steps) / rate
        due = time.perf_counter()
        while True:
            while due <= time.perf_counter():
                self._begin(self._spare.popleft() if self._spare else self._newcomer())
                due += pause
            await asyncio.sleep(due - time.perf_counter())

    async def finish(self) -> None:
        """Nobody begins anything more; waits for the answers that are due."""
        self._stopping = True
        until = time.perf_counter() + PATIENCE
        while any(person.waiting for person in self._people.values()) and time.perf_counter() < until:  # noqa: ASYNC110 no event on the way of what is measured
            await asyncio.sleep(0.02)
        if unanswered := sum(person.waiting for person in self._people.values()):
            self.errors["unanswered"] += unanswered

    def expire(self) -> None:
        """Gives up on answers that take too long. Called about once a second."""
        before = time.perf_counter() - PATIENCE
        late = [person for person in self._people.values() if person.waiting and person.asked < before]
        for person in late:
            self._give_up(person, f"no answer to step {person.at}, last saw {person.seen[:40]!r}")

    # -- people

    def _newcomer(self) -> Person:
        number = next(self._ids)
        while number in self._people:
            number = next(self._ids)
        person = self._people[number] = Person(number, self._scenario.first + self._scenario.steps)
        return person

    def _begin(self, person: Person) -> None:
        person.at = person.at % len(person.script)
        self._act(person)

    def _act(self, person: Person) -> None:
        step, pressed = person.step, None
        text = step.text
        if step.button:
            found = person.find(step.button)
            if found is None:
                self._give_up(person, f"no button {step.button.pattern!r} in step {person.at}, sees {person.seen[:40]!r}")
                return
            pressed, text = (found, "") if found else (None, next(says for says, _ in person.buttons if step.button.search(says)))
        person.waiting, person.asked = True, time.perf_counter()
        self._post(orjson.dumps(self._platform.heard(person, text, pressed)))

    def _saw(self, person: Person) -> None:
        """They have been answered."""
        person.waiting = False
        person.at += 1
        if person.at < len(person.script):
            if not self._stopping:
                self._act(person)
            return
        if self._scenario.fresh:
            del self._people[person.id]
        else:
            person.at = len(self._scenario.first)
        if self._stopping:
            return
        if self._open_loop:
            if not self._scenario.fresh:
                self._spare.append(person)
        else:
            self._begin(self._newcomer() if self._scenario.fresh else person)

    def _give_up(self, person: Person, why: str) -> None:
        self.errors[why] += 1
        person.waiting = False
        self._people.pop(person.id, None)
        if not self._stopping and not self._open_loop:
            asyncio.get_running_loop().call_later(0.1, lambda: self._begin(self._newcomer()))

    # -- the platform's API

    def _called(self, method: str, said: Fields) -> tuple[bytes, Callable[[], None]]:
        self.calls[method] += 1
        arrived = time.perf_counter()
        answer, shown = self._platform.called(method, said)
        person = self._people.get(shown.person) if shown else None
        if shown is None or person is None:
            return answer, lambda: None
        answers = person.waiting and person.step.expect.search(shown.text) is not None
        if answers:
            self.latencies.append(arrived - person.asked)
            person.waiting = False

        def show() -> None:
            person.seen = shown.text
            if shown.buttons:
                person.buttons, person.keyboard, person.message = shown.buttons, shown.keyboard, shown.new
            if answers:
                self._saw(person)

        return answer, show

    # -- webhooks

    def _post(self, body: bytes) -> None:
        request = b"%b%bContent-Length: %d\r\n\r\n%b" % (self._head, self._platform.headers(body), len(body), body)
        while self._hooks:
            hook = self._hooks.popleft()
            if hook.usable:
                hook.post(request)
                return
            self._replace()
        self._queue.append(request)

    def _posted(self, hook: Hook, status: int) -> None:
        if status // 100 != 2:
            self.errors[f"webhook answered {status}" if status else "webhook connection lost"] += 1
        if hook.usable:
            self._free(hook)
        else:
            self._replace()

    def _free(self, hook: Hook) -> None:
        if self._queue:
            hook.post(self._queue.popleft())
        else:
            self._hooks.append(hook)

    def _replace(self) -> None:
        if not self._stopping:
            task = asyncio.ensure_future(self._connect_one())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
