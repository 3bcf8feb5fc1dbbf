"""The same load for a long time: does the product's memory grow?"""

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import linear_regression, median

from bench.contestants import CONTESTANTS
from bench.measure import Load, running

RATE = 200.0  # messages a second
ALLOWED = 1.10  # of the memory after the first tenth


async def soak(minutes: float, rate: float = RATE) -> bool:
    """Prints what it saw; whether the memory stayed."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(CONTESTANTS["product"], Load("intake"), Path(folder)) as its:
            crowd = asyncio.ensure_future(its.crowd.start_at(rate))
            begun, samples, answered, calls, errors = time.monotonic(), [], 0, 0, 0
            pause = min(10.0, minutes * 60 / 50)
            while (passed := time.monotonic() - begun) < minutes * 60 and not crowd.done():
                await asyncio.sleep(pause)
                its.crowd.expire()
                samples.append((passed + pause, its.bot.memory()))
                answered += len(its.crowd.latencies)
                calls += sum(its.crowd.calls.values())
                errors += sum(its.crowd.errors.values())
                its.crowd.forget()
            crowd.cancel()
            await its.crowd.finish()
    tenth = max(1, len(samples) // 10)
    start, after, end = samples[0][1], _level(samples[tenth : 2 * tenth]), _level(samples[-tenth:])
    slope = linear_regression(*zip(*samples[tenth:], strict=True)).slope * 3600
    print(f"{minutes:g} min: {answered / (minutes * 60):.0f} messages/s answered of {rate:g}, {calls} calls of the API, {errors} errors")
    print(f"memory: start {start:.1f} MB, after a tenth {after:.1f} MB, end {end:.1f} MB, slope {slope:+.1f} MB/h")
    print("stays" if (stays := end <= after * ALLOWED) else f"GROWS by more than {ALLOWED - 1:.0%}")
    return stays


def _level(samples: list[tuple[float, float]]) -> float:
    return median(megabytes for _, megabytes in samples)
