"""Where the time of a bot goes: py-spy's stacks, added up by package and by module of our own."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

from bench.contestants import CONTESTANTS
from bench.measure import Load, run
from bench.report import table

SHOWN = 14
# Threads that wait for work, or for the disk: py-spy takes them for busy ones.
WAITING = ("_worker (concurrent/futures/thread.py", "_connection_worker_thread (aiosqlite/core.py")


async def profile(bot: str, load: Load) -> str:
    with tempfile.TemporaryDirectory() as folder:
        stacks = Path(folder) / "stacks"
        result = await run(CONTESTANTS[bot], load, profile=stacks)
        lines = await asyncio.to_thread(stacks.read_text)
    own: Counter[str] = Counter()  # the innermost frame's package
    within: Counter[str] = Counter()  # our modules, with what they call
    total = 0
    for line in lines.splitlines():
        stack, _, number = line.rpartition(" ")
        if stack.rpartition(";")[2].startswith(WAITING):
            continue
        files = [frame.rpartition("(")[2].partition(":")[0].rstrip(")") for frame in stack.split(";")]
        own[_package(files[-1])] += int(number)
        for file in {file for file in files if file.startswith(("bot/", "bench/peers/"))}:
            within[file] += int(number)
        total += int(number)
    spent = [(name, f"{number / total:.0%}") for name, number in own.most_common(SHOWN)]
    inside = [(name, f"{number / total:.0%}") for name, number in within.most_common(SHOWN)]
    head = f"{bot}, {load.scenario}: {result.per_second} messages/s, {result.cpu_ms} ms each, {total} samples"
    return f"{head}\n\n{table(('package, itself', 'share'), spent)}\n\n{table(('module of the bot, with what it calls', 'share'), inside)}"


def _package(file: str) -> str:
    first = file.split("/")[0]
    return first.removesuffix(".py") if "/" in file else f"python: {first.removesuffix('.py')}"
