"""`make bench`, and parts of it: README.md here."""

import argparse
import json
import signal
import sys

import uvloop

from bench.contestants import CONTESTANTS, comparisons
from bench.measure import Load, Result, run
from bench.process import DidNotStart
from bench.profile import profile
from bench.report import compared, mistakes
from bench.sizes import MANY, cold_starts, compare
from bench.soak import soak

CONDITIONS = {  # the platform's API answers at once, or after so many ms; and nobody else is there
    "64 people, API at once": Load("", 0, 64),
    "64 people, API after 50 ms": Load("", 50, 64),
    "one person, API at once": Load("", 0, 1),
}


async def everything(args: argparse.Namespace) -> bool:
    await table(args)
    print(await cold_starts(), flush=True)
    print("\n" + await compare(args.people, args.seconds))
    return True


async def table(args: argparse.Namespace) -> bool:
    """Every bot in turn, so that they share nothing but the machine."""
    runs: list[tuple[str, list[Result]]] = []
    for condition, load in CONDITIONS.items():
        for platform, scenario, bots in comparisons():
            results = []
            for bot in bots:
                print(f"… {condition}: {platform} {scenario}, {bot}", file=sys.stderr, flush=True)
                results.append(await run(CONTESTANTS[bot], Load(scenario, load.delay_ms, load.users, args.seconds, args.seconds / 4)))
            runs.append((f"{platform} {scenario}, {condition}", results))
    print(compared(runs))
    print("\n" + mistakes(result for _, results in runs for result in results), flush=True)
    return True


async def one(args: argparse.Namespace) -> bool:
    load = Load(args.scenario, args.delay_ms, args.users, args.seconds, min(2.0, args.seconds / 2), args.rate)
    if args.command == "profile":
        print(await profile(args.bot, load))
    else:
        print(json.dumps((await run(CONTESTANTS[args.bot], load)).as_dict(), indent=1))
    return True


async def start(args: argparse.Namespace) -> bool:
    print(await cold_starts())
    return True


async def size(args: argparse.Namespace) -> bool:
    print(await compare(args.people, args.seconds))
    return True


async def long(args: argparse.Namespace) -> bool:
    return await soak(args.minutes, args.rate)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in {"all": everything, "table": table, "run": one, "profile": one, "start": start, "size": size, "soak": long}.items():
        command = commands.add_parser(name)
        command.set_defaults(do=what)
        if name in ("run", "profile"):
            command.add_argument("bot", choices=CONTESTANTS)
            command.add_argument("scenario")
            command.add_argument("--users", type=int, default=64)
            command.add_argument("--delay-ms", type=float, default=0)
            command.add_argument("--rate", type=float, default=0)
        if name in ("all", "size"):
            command.add_argument("--people", type=int, default=MANY)
        if name == "soak":
            command.add_argument("minutes", type=float)
            command.add_argument("--rate", type=float, default=200)
        command.add_argument("--seconds", type=float, default=8)
    args = parser.parse_args()
    for sign in (signal.SIGINT, signal.SIGTERM):  # whatever ends this ends the bot too
        signal.signal(sign, signal.default_int_handler)
    try:
        return 0 if uvloop.run(args.do(args)) else 1
    except DidNotStart as failed:
        print(f"A bot did not start: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
