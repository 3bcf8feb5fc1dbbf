"""`oms-bot stats`: how the work goes, in numbers without people."""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from bot.cli_requests import with_database
from bot.store.database import Database
from bot.store.statistics import Share, Statistics, statistics

MAX_DAYS = 365


def stats(
    days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="So many days back, today included.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable; times in seconds.")] = False,
) -> None:
    """Requests, how soon and how well they are handled, what is read: numbers without people. Days are those of UTC."""

    async def work(database: Database) -> Statistics:
        async with database.read() as connection:
            return await statistics(connection, days, datetime.now(UTC))

    found = with_database(work)
    if as_json:
        print(json.dumps(as_data(found), ensure_ascii=False, indent=2))
        return
    for name, told in _lines(found):
        print(f"{name:28}{told}")


def as_data(found: Statistics) -> dict[str, Any]:
    """The numbers for JSON."""
    return {
        "since": found.days[0].isoformat(),
        "days": len(found.days),
        "requests": found.requests,
        "by_channel": _dated(found.by_channel),
        "by_language": _dated(found.by_language),
        "first_attempt_seconds": {"median": _seconds(found.median), "p90": _seconds(found.ninetieth)},
        "reached": _share(found.reached),
        "promise_kept": _share(found.kept),
        "outcomes": dict(found.outcomes),
        "helped": {"yes": found.helped.part, "no": found.helped.whole - found.helped.part},
        "feedback": {"yes": found.feedback.part, "no": found.feedback.whole - found.feedback.part},
        "funnel": dict(found.funnel),
        "page_views": found.views,
        "pages": dict(found.pages),
        "helpful": [{"page": each.path, "language": each.language, "yes": each.yes, "no": each.no} for each in found.helpful],
        "searches_without_a_hit": found.not_found,
    }


def _dated(series: Any) -> dict[str, dict[str, int]]:
    return {name: {day.isoformat(): count for day, count in sorted(days.items())} for name, days in series.items()}


def _share(share: Share) -> dict[str, int]:
    return {"part": share.part, "whole": share.whole}


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else int(length.total_seconds())


def _lines(found: Statistics) -> list[tuple[str, str]]:
    of = [f"{name or 'not said'} {count}" for name, count in found.outcomes.items()]
    return [
        ("since", f"{found.days[0]} ({len(found.days)} days)"),
        ("requests", str(found.requests)),
        *((f"  by {name}", str(sum(days.values()))) for name, days in found.by_channel.items()),
        *((f"  in {name}", str(sum(days.values()))) for name, days in found.by_language.items()),
        ("first attempt, median", "–" if found.median is None else str(found.median)),
        ("first attempt, 90 of 100", "–" if found.ninetieth is None else str(found.ninetieth)),
        ("reached", _spoken(found.reached)),
        ("promise kept", _spoken(found.kept)),
        ("outcomes", ", ".join(of) or "–"),
        ("helped", _spoken(found.helped)),
        ("bot found helpful", _spoken(found.feedback)),
        ("funnel", ", ".join(f"{step} {count}" for step, count in found.funnel.items())),
        ("page views", str(found.views)),
        *((f"  {path}", str(count)) for path, count in found.pages),
        *((f"  helpful? {each.path} {each.language}", f" yes {each.yes}, no {each.no}") for each in found.helpful),
        ("searches without a hit", str(found.not_found)),
    ]


def _spoken(share: Share) -> str:
    return f"{share.part} of {share.whole}" + (f" ({share.part / share.whole:.0%})" if share.whole else "")
