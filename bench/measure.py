"""One run: a bot, a scenario, a crowd; what came of it."""

import asyncio
import gc
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

import psutil

from bench.contestants import Contestant
from bench.generator import Crowd
from bench.people import scenario
from bench.process import OUR_CORE, Bot


@dataclass(frozen=True, slots=True)
class Load:
    scenario: str  # what is compared: "menu", "intake", …
    delay_ms: float = 0  # of the platform's API
    users: int = 64  # at once
    seconds: float = 8
    warmup: float = 2
    rate: float = 0  # messages a second; 0: as many as the users can


@dataclass(frozen=True, slots=True)
class Result:
    bot: str
    scenario: str
    delay_ms: float
    messages: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float  # of the bot, for each message
    busy: float  # share of its core that the bot used
    starved: float  # share of the time in which it could have run, but others had the core
    generator_busy: float  # near 1, the generator is what was measured
    start_s: float
    idle_mb: float
    loaded_mb: float
    calls: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Running:
    bot: Bot
    crowd: Crowd
    start_s: float


@asynccontextmanager
async def running(contestant: Contestant, load: Load, folder: Path, ids: Iterator[int] | None = None) -> AsyncIterator[Running]:
    """The bot, ready, with a crowd that is connected to it and has not begun."""
    os.sched_setaffinity(0, {OUR_CORE})
    said = scenario(contestant.scenarios[load.scenario])
    platform = contestant.platform()
    crowd = Crowd(platform, said, ids or count(platform.first_person), load.delay_ms / 1000)
    api = await crowd.serve_api()
    port = _free_port()
    bot = Bot(contestant.command, contestant.environment(port, f"http://127.0.0.1:{api.sockets[0].getsockname()[1]}", folder), folder)
    try:
        start = await bot.ready(port, contestant.ready or contestant.webhook, any_status=not contestant.ready)
        await crowd.connect(port, contestant.webhook)
        yield Running(bot, crowd, start)
    finally:
        bot.stop()
        api.close()


async def run(
    contestant: Contestant, load: Load, *, folder: Path | None = None, ids: Iterator[int] | None = None, profile: Path | None = None
) -> Result:
    """Warms up, measures, waits for the last answers. `folder` may hold a database already; `profile`: where py-spy writes."""
    with tempfile.TemporaryDirectory() as scratch:
        async with running(contestant, load, folder or Path(scratch), ids) as its:
            await its.bot.settled()
            idle = its.bot.memory()
            arriving = asyncio.create_task(its.crowd.start_at(load.rate)) if load.rate else its.crowd.start(load.users)
            await asyncio.sleep(load.warmup)
            spy = _profile(its.bot, profile, load.seconds) if profile else None
            its.crowd.forget()
            gc.disable()  # its pauses would be counted as the bot's
            cpu, starved, ours, begun, memory = its.bot.cpu(), its.bot.starved(), _our_cpu(), time.perf_counter(), idle
            while (left := begun + load.seconds - time.perf_counter()) > 0:
                await asyncio.sleep(min(0.5, left))
                memory = max(memory, its.bot.memory())
                its.crowd.expire()
            taken, cpu, ours = time.perf_counter() - begun, its.bot.cpu() - cpu, _our_cpu() - ours
            starved = its.bot.starved() - starved
            answered = sorted(its.crowd.latencies)
            calls = dict(its.crowd.calls)
            gc.enable()
            if arriving:
                arriving.cancel()
            await its.crowd.finish()
            if spy:
                await asyncio.to_thread(spy.wait)
            return Result(
                contestant.name, load.scenario, load.delay_ms, len(answered), round(len(answered) / taken, 1),
                _quantile(answered, 0.5), _quantile(answered, 0.99), round(cpu * 1000 / max(1, len(answered)), 3),
                round(cpu / taken, 2), round(starved / taken, 2), round(ours / taken, 2),
                round(its.start_s, 2), round(idle, 1), round(memory, 1),
                calls, dict(its.crowd.errors),
            )  # fmt: skip


def _quantile(ordered: list[float], share: float) -> float:
    """In milliseconds."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2) if ordered else float("nan")


def _our_cpu() -> float:
    used = psutil.Process().cpu_times()
    return float(used.user + used.system)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _profile(bot: Bot, file: Path, seconds: float) -> subprocess.Popen[bytes]:
    py_spy = Path(sys.executable).with_name("py-spy")
    said = ["record", "--format", "raw", "--output", str(file), "--duration", str(int(seconds)), "--pid", str(bot.pid)]
    return subprocess.Popen([py_spy, *said], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
