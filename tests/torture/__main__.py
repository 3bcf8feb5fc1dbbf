"""`python -m torture`: storms on the given channels, a table of what happened, and 1 as exit code if anything went wrong."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory

from torture.storm import CHANNELS, Outcome, Storm
from torture.verdict import report, verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="shared among the channels")
    parser.add_argument("--people", type=int, default=40, help="on each channel at the same time")
    parser.add_argument("--channel", default=",".join(CHANNELS), help="comma-separated")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    given = parser.parse_args()
    channels = given.channel.split(",")
    if unknown := set(channels) - set(CHANNELS):
        parser.error(f"no channel {', '.join(unknown)}; there are {', '.join(CHANNELS)}")
    begun = time.monotonic()
    print(f"seed {given.seed}", flush=True)
    outcomes = asyncio.run(storms(channels, kills=given.kills, people=given.people, seed=given.seed))
    print("\n".join(report(outcomes)))
    print(f"\n{time.monotonic() - begun:.0f} seconds, seed {given.seed}")
    return int(any(cases for outcome in outcomes for cases in verdict(outcome).values()))


async def storms(channels: Sequence[str], *, kills: int, people: int, seed: int) -> list[Outcome]:
    """One on each channel, at the same time, each with a program and a database of its own."""
    with TemporaryDirectory(prefix="torture-") as folder:
        raging = []
        for number, channel in enumerate(channels):
            own = Path(folder) / channel
            own.mkdir()
            raging.append(Storm(channel, own, seed=seed, people=people, kills=(kills + number) // len(channels)).rage())
        return await asyncio.gather(*raging)


if __name__ == "__main__":
    sys.exit(main())
