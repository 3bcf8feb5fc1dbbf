"""`python -m torture`: storms on the given channels, a table of what happened, and 1 as exit code if anything went wrong."""

import argparse
import asyncio
import sys
import time
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory

from torture.storm import CHANNELS, Outcome, Storm
from torture.verdict import report, verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="all channels together")
    parser.add_argument("--people", type=int, default=40, help="at the same time")
    parser.add_argument("--channel", default=",".join(CHANNELS), help="comma-separated")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    given = parser.parse_args()
    channels = given.channel.split(",")
    if unknown := set(channels) - set(CHANNELS):
        parser.error(f"no channel {', '.join(unknown)}; there are {', '.join(CHANNELS)}")
    begun = time.monotonic()
    print(f"seed {given.seed}", flush=True)
    outcomes = [torture(channel, kills, seed=given.seed, people=given.people) for channel, kills in shared(given.kills, channels)]
    print("\n".join(report(outcomes)))
    print(f"\n{time.monotonic() - begun:.0f} seconds, seed {given.seed}")
    return int(any(cases for outcome in outcomes for cases in verdict(outcome).values()))


def shared(kills: int, channels: list[str]) -> list[tuple[str, int]]:
    """Each channel's share of the kills."""
    return [(channel, (kills + number) // len(channels)) for number, channel in enumerate(channels)]


def torture(channel: str, kills: int, *, seed: int, people: int) -> Outcome:
    with TemporaryDirectory(prefix="torture-") as folder:
        return asyncio.run(Storm(channel, Path(folder), seed=seed, people=people, kills=kills).rage())


if __name__ == "__main__":
    sys.exit(main())
