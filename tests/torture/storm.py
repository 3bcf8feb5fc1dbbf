"""One storm: the program, one platform, many people, and a kill -9 again and again; then a calm in which all must come right."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from program import Program
from published import check_calls, check_messages

from bot.store.requests import StoredRequest
from torture.callers import Caller, phones
from torture.sides import Courier, Side
from torture.telegram import Telegram
from torture.weather import Weather
from torture.whatsapp import WhatsApp

CHANNELS = ("telegram-polling", "telegram-webhook", "whatsapp")
CALM = 90.0  # seconds the calm may take until what has not come right counts as lost
START = 60.0  # seconds a start may take
EARLY = 0.2  # of the kills come before the program is ready
EXPECTED = {"message_not_sent", "telegram_unreachable", "telegram_unreadable", "telegram_not_announced", "whatsapp_number_unreachable"}


@dataclass
class Outcome:
    """What there is to judge."""

    channel: str
    seed: int
    callers: list[Caller]
    counts: Counter[str]
    said: Counter[str]  # what the program logged as a warning or worse, beyond what the faults explain
    requests: list[StoredRequest]
    database: dict[str, list[tuple[object, ...]]]  # answers to `_QUESTIONS`
    trace: list[tuple[float, str]] = field(default_factory=list)  # starts and kills
    after_all: list[str] = field(default_factory=list)  # what came in the calm after everything had been delivered once more


_QUESTIONS = {
    "integrity": "PRAGMA integrity_check",
    "foreign keys": "PRAGMA foreign_key_check",
    "outbox": "SELECT state, count(*) FROM outbox GROUP BY state",
    "letters": "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'outbox'",  # ever written: a rollback takes the number back
    "inbox": "SELECT count(*) FROM inbox",
    "set aside": "SELECT update_id, error FROM set_aside",
}


class Life:
    """The program from one start to its end."""

    def __init__(self, process: asyncio.subprocess.Process, said: Counter[str]) -> None:
        self._process = process
        self._said = said
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.create_task(self._listen())

    @classmethod
    async def begin(cls, program: Program, said: Counter[str]) -> "Life":
        with (program.folder / "stderr").open("a") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "serve",
                env=program.environment, cwd=program.folder, stdout=subprocess.PIPE, stderr=errors, limit=1_000_000,
            )  # fmt: skip
        return cls(process, said)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    async def stop(self) -> int:
        """As an operator would; the exit code."""
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(START):
            return await self._process.wait()

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            with suppress(ValueError):  # the last line of a killed program
                told = json.loads(line)
                if told["event"] == "ready" and not self.address.done():
                    self.address.set_result(told["address"])
                if told.get("level") in ("warning", "error", "critical") and told["event"] not in EXPECTED:
                    self._said[f"{told['event']} {told.get('error', '')}".strip()] += 1
        code = await self._process.wait()
        if code not in (-signal.SIGKILL, 0):
            self._said[f"the program ended by itself with {code}"] += 1
        if not self.address.done():
            self.address.cancel()


class Storm:
    """`people` at a time on `channel`, a database of its own in `folder`, `kills` kills."""

    def __init__(self, channel: str, folder: Path, *, seed: int, people: int, kills: int) -> None:
        self.channel, self.seed, self._people, self._kills = channel, seed, people, kills
        self._random = Random(f"{seed} {channel} people")  # noqa: S311 no secret
        self._fate = Random(f"{seed} {channel} kills")  # noqa: S311
        weather = Random(f"{seed} {channel} faults")  # noqa: S311
        self._counts, self._said = Counter[str](), Counter[str]()
        self._weather = Weather(weather)
        self._side: Side = (
            WhatsApp(self._weather, weather, self._counts)
            if channel == "whatsapp"
            else Telegram(self._weather, weather, self._counts, webhook=channel == "telegram-webhook")
        )
        self._folder = folder
        self._phones = phones()
        self._callers: list[Caller] = []
        self._trace: list[tuple[float, str]] = []
        self._over = False

    @property
    def _courier(self) -> Courier:
        return self._side.courier

    async def rage(self) -> Outcome:
        async with self._side:
            program = Program(self._folder, settings=self._side.settings)
            slots = [asyncio.create_task(self._slot()) for _ in range(self._people)]
            try:
                for _ in range(self._kills):
                    await self._live_and_die(program)
                self._over = True
                after_all = await self._calm_down(program, slots)
            finally:
                for slot in slots:
                    slot.cancel()
                await asyncio.gather(*slots, return_exceptions=True)
                await self._courier.close()
            requests = await asyncio.to_thread(program.queue)
            try:
                match self._side:
                    case WhatsApp():
                        check_messages(self._side)
                    case Telegram():
                        check_calls(self._side)
            except AssertionError as wrong:
                self._said[f"a call that the platform's description does not allow: {wrong}"] += 1
            return Outcome(
                self.channel, self.seed, self._callers, self._counts + self._weather.counts, self._said,
                requests, _ask(self._folder), self._trace, after_all,
            )  # fmt: skip

    async def _slot(self) -> None:
        """One person after the other."""
        while not self._over:
            await self._intake(self._welcome())

    def _welcome(self) -> Caller:
        hasty = self._random.random() < 0.25
        self._callers.append(self._side.welcome(len(self._callers) + 1, next(self._phones), hasty=hasty))
        return self._callers[-1]

    async def _intake(self, caller: Caller) -> None:
        for steps in [caller.steps] if caller.hasty else [[step] for step in caller.steps]:
            await asyncio.sleep(self._random.expovariate(4))
            await self._side.act(caller, steps)
            await caller.answered()
            if not self._over and self._random.random() < 0.1:
                await self._side.repeat(caller, self._random.randrange(len(caller.events)))

    async def _live_and_die(self, program: Program) -> None:
        """Killed while it starts, in the middle of something that happens, or at any time."""
        life = await self._start(program)
        if self._fate.random() < EARLY:
            await asyncio.wait([life.ended], timeout=self._fate.uniform(0, 2))
            self._counts["kills while it starts"] += not life.address.done()
        else:
            await self._listening(life)
            if self._fate.random() < 0.6:
                self._weather.strike_after(self._fate.randint(1, 8 * self._people), life.kill)
                await asyncio.wait([life.ended], timeout=3)
                self._counts["kills at a call or delivery"] += life.ended.done()
            else:
                await asyncio.wait([life.ended], timeout=self._fate.uniform(0, 2))
        self._weather.strike_after(0, life.kill)
        self._courier.address = ""
        life.kill()
        await life.ended
        self._note("kills", "KILLED")

    async def _start(self, program: Program) -> Life:
        self._note("starts", "started")
        return await Life.begin(program, self._said)

    async def _listening(self, life: Life) -> None:
        try:
            async with asyncio.timeout(START):
                self._courier.address = await life.address
        except asyncio.CancelledError:
            raise AssertionError(f"the program did not start: {(self._folder / 'stderr').read_text()[-2000:]}") from None

    def _note(self, kind: str, words: str) -> None:
        self._counts[kind] += 1
        self._trace.append((time.monotonic(), words))

    async def _calm_down(self, program: Program, slots: list[asyncio.Task[None]]) -> list[str]:
        """No more kills: people finish. Then no more faults: everything comes once more and must change nothing."""
        life = await self._start(program)
        await self._listening(life)
        try:
            async with asyncio.timeout(CALM):
                await asyncio.gather(*slots)
                self._weather.calm = True
                await self._courier.idle()
                await self._settled()
                seen = [(caller, len(caller.seen)) for caller in self._callers]
                again = [self._side.repeat(caller, number) for caller in self._callers for number in range(len(caller.events))]
                await asyncio.gather(*again)
                await self._intake(self._welcome())  # by polling it comes after all that
                await self._courier.idle()
                await self._settled()
                came = [f"{caller.name}: {sight.text[:50]!r}" for caller, before in seen for sight in caller.seen[before:]]
        except TimeoutError:
            came = [f"still not all done after {CALM:.0f} seconds"]
        code = await life.stop()
        if code:
            self._said[f"stopped with {code}"] += 1
        await life.ended
        return came

    async def _settled(self) -> None:
        """Returns when nothing waits to be sent."""
        while any(row[0] == "ready" for row in _ask(self._folder)["outbox"]):  # noqa: ASYNC110 the database does not tell
            await asyncio.sleep(0.1)


def _ask(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(folder / "data" / "bot.db", timeout=10)) as connection:
        return {name: connection.execute(question).fetchall() for name, question in _QUESTIONS.items()}


def traced(outcome: Outcome, caller: Caller) -> Iterator[str]:
    """What happened to somebody, and the kills around it."""
    if not caller.trace:
        return
    begun, ended = caller.trace[0][0] - 1, caller.trace[-1][0] + 1
    for at, words in sorted([*caller.trace, *(each for each in outcome.trace if begun < each[0] < ended)]):
        yield f"    {at - outcome.trace[0][0]:9.3f} s  {words}"
