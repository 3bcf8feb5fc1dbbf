"""What a message costs with few and with many people in the database, and how long the product takes to start."""

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from statistics import median

from bench.contestants import CONTESTANTS, DATABASE, ROOT
from bench.measure import Load, Result, run, running
from bench.platforms import Telegram
from bench.report import table

FEW, MANY = 1_000, 1_000_000
_STRIDE = 7919  # a prime: known people come from all over the table


async def cold_starts(times: int = 5) -> str:
    """The median time to readiness, with a database of before."""
    product, load = CONTESTANTS["product"], Load("menu")
    with tempfile.TemporaryDirectory() as folder:
        taken = []
        for _ in range(times + 1):
            async with running(product, load, Path(folder)) as its:
                taken.append(its.start_s)
    every = " ".join(f"{seconds:.2f}" for seconds in taken[1:])
    return f"start to ready: {median(taken[1:]):.2f} s (median of {every}); with a new database {taken[0]:.2f} s"


async def compare(many: int = MANY, seconds: float = 8) -> str:
    """Known people, in turn, visit a few pages. Each size twice, the cheaper run counts: the machine has other things to do."""
    product = CONTESTANTS["product"]
    with tempfile.TemporaryDirectory() as scratch:
        folders = {people: Path(scratch) / str(people) for people in (FEW, many)}
        for people, folder in folders.items():
            folder.mkdir()
            seeding = [str(ROOT / ".venv/bin/python"), "-m", "bench.seed", str(Telegram.first_person), str(people)]
            await asyncio.to_thread(subprocess.run, seeding, cwd=ROOT, env=product.environment(0, "http://127.0.0.1", folder), check=True)
        best: dict[int, Result] = {}
        for _ in range(2):
            for people, folder in folders.items():
                result = await run(product, Load("visit", seconds=seconds), folder=folder, ids=_known(people))
                if result.messages and (people not in best or result.cpu_ms < best[people].cpu_ms):
                    best[people] = result
        megabytes = {people: (folder / DATABASE).stat().st_size / 1e6 for people, folder in folders.items()}
    if len(best) < len(folders):
        return "nobody was answered in the measured time: run it again with more --seconds"
    few, lots = best[FEW], best[many]
    rows = [
        (f"{people:,}", f"{people // 10:,}", f"{megabytes[people]:.0f}", its.per_second, its.p50_ms, its.p99_ms, its.cpu_ms,
         f"{its.idle_mb:.0f} → {its.loaded_mb:.0f}", f"{its.start_s:.2f}", sum(its.errors.values()))
        for people, its in best.items()
    ]  # fmt: skip
    heads = ("contacts", "requests", "file MB", "messages/s", "p50 ms", "p99 ms", "CPU ms/message", "MB", "start s", "errors")
    return f"{table(heads, rows)}\n\nCPU per message, many : few = {lots.cpu_ms / few.cpu_ms:.2f}"


def _known(people: int) -> Iterator[int]:
    return (Telegram.first_person + number * _STRIDE % people for number in count())
