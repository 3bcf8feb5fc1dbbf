"""How the work goes, in numbers without people: from the daily counts, and from the requests that are still there.

A day is one of UTC, as in the daily counts. What is counted stays; finished requests go after their retention time, and with
them what can be said of how soon they were handled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Integer, and_, cast, exists, extract, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import daily_counts, request_events, requests

BY_CHANNEL, BY_LANGUAGE = "request by channel", "request by language"  # names of daily counts
FUNNEL = ("wrote", "started", "consented", "reachable", "sent")  # steps, from the first message to the request
_PAGES = 10  # the most read ones


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    whole: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What readers of a page in one language answered to "was this helpful?"."""

    path: str
    language: str
    yes: int
    no: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """A period of whole days, the last of which goes on."""

    days: Sequence[date]
    by_channel: Mapping[str, Mapping[date, int]]  # requests sent
    by_language: Mapping[str, Mapping[date, int]]  # of the call, as it was asked for; a correction moves nothing
    median: timedelta | None  # from the request to the first attempt, nights and weekends included; None without attempts
    ninetieth: timedelta | None  # nine of ten were tried within this time
    reached: Share  # of the requests that staff have tried or closed
    kept: Share  # promises: tried in time, of those that were tried or still open when their time came
    outcomes: Mapping[str, int]  # of closed requests; "" for none given
    helped: Share  # yes, of those who answered
    feedback: Share  # found the bot helpful, of those who said
    helpful: Sequence[Verdict]  # the pages with the most noes first: those are to be mended
    funnel: Mapping[str, int]  # how often each step was done
    pages: Sequence[tuple[str, int]]  # path and views, the most read first
    views: int  # of all pages
    not_found: int  # searches without a hit

    @property
    def requests(self) -> int:
        return sum(sum(days.values()) for days in self.by_channel.values())


async def statistics(connection: AsyncConnection, days: int, now: datetime) -> Statistics:
    """Of the last `days` days, today included."""
    today = now.astimezone(UTC).date()
    period = [today - timedelta(days=ago) for ago in reversed(range(days))]
    since = datetime.combine(period[0], time(), UTC)
    asked = requests.c.created_at >= since
    funnel, helped = await _sums(connection, "funnel", period[0]), await _sums(connection, "helped", period[0])
    pages, feedback = await _sums(connection, "page", period[0]), await _sums(connection, "feedback", period[0])
    median, ninetieth = await _waits(connection, asked)
    reached, kept = await _shares(connection, asked, now)
    return Statistics(
        days=period,
        by_channel=await _daily(connection, BY_CHANNEL, period[0]),
        by_language=await _daily(connection, BY_LANGUAGE, period[0]),
        median=median,
        ninetieth=ninetieth,
        reached=reached,
        kept=kept,
        outcomes=await _outcomes(connection, asked),
        helped=Share(helped.get("yes", 0), sum(helped.values())),
        feedback=Share(feedback.get("yes", 0), sum(feedback.values())),
        helpful=_verdicts(await _sums(connection, "helpful", period[0])),
        funnel={step: funnel.get(step, 0) for step in FUNNEL},
        pages=sorted(pages.items(), key=lambda page: (-page[1], page[0]))[:_PAGES],
        views=sum(pages.values()),
        not_found=sum((await _sums(connection, "not-found", period[0])).values()),
    )


async def _sums(connection: AsyncConnection, name: str, first: date) -> dict[str, int]:
    """What was counted under a name since that day, by its detail."""
    counted = (daily_counts.c.name == name, daily_counts.c.day >= first)
    query = select(daily_counts.c.detail, func.sum(daily_counts.c.count)).where(*counted).group_by(daily_counts.c.detail)
    return {detail: int(total) for detail, total in await connection.execute(query)}


def _verdicts(counted: Mapping[str, int]) -> list[Verdict]:
    """Answers counted as "yes en symptoms/eyes", together by page and language."""
    places = {tuple(detail.split(" ", 2)[1:]) for detail in counted}
    found = [
        Verdict(path, language, counted.get(f"yes {language} {path}", 0), counted.get(f"no {language} {path}", 0))
        for language, path in sorted(places)
    ]
    return sorted(found, key=lambda each: (-each.no, -each.yes, each.path, each.language))


async def _daily(connection: AsyncConnection, name: str, first: date) -> dict[str, dict[date, int]]:
    """The same by day, the detail with the most first."""
    query = select(daily_counts.c.detail, daily_counts.c.day, daily_counts.c.count)
    found: dict[str, dict[date, int]] = {}
    for detail, day, count in await connection.execute(query.where(daily_counts.c.name == name, daily_counts.c.day >= first)):
        found.setdefault(detail, {})[day] = count
    return dict(sorted(found.items(), key=lambda item: (-sum(item[1].values()), item[0])))


async def _waits(connection: AsyncConnection, asked: ColumnElement[bool]) -> tuple[timedelta | None, timedelta | None]:
    """Median and 90th percentile, by nearest rank, of the time to the first attempt in whole minutes."""
    seconds = extract("epoch", requests.c.first_attempt_at) - extract("epoch", requests.c.created_at)
    minutes = (cast(seconds, Integer) // 60).label("minutes")
    query = select(minutes, func.count()).where(asked, requests.c.first_attempt_at.is_not(None)).group_by(minutes).order_by(minutes)
    waits = [(timedelta(minutes=int(wait)), count) for wait, count in await connection.execute(query)]
    return _rank(waits, 50), _rank(waits, 90)


def _rank(waits: Sequence[tuple[timedelta, int]], percent: int) -> timedelta | None:
    """The first of these, shortest first and each with how often it occurs, that so many of hundred do not exceed."""
    whole, so_far = sum(count for _, count in waits), 0
    for wait, count in waits:
        so_far += count
        if so_far * 100 >= whole * percent:
            return wait
    return None


async def _shares(connection: AsyncConnection, asked: ColumnElement[bool], now: datetime) -> tuple[Share, Share]:
    """Reached, and promises kept. Who was helped was reached, whether or not somebody noted the call."""
    tried = requests.c.first_attempt_at.is_not(None)
    handled = or_(tried, requests.c.state == "closed")
    promised = and_(requests.c.due_at <= now, or_(tried, requests.c.ended_at.is_(None), requests.c.ended_at > requests.c.due_at))
    of_request = (request_events.c.request_id == requests.c.id, request_events.c.what == "attempt")
    reached = exists().where(*of_request, or_(request_events.c.note == "reached", request_events.c.note.startswith("reached ")))
    helped = and_(requests.c.state == "closed", requests.c.outcome == "helped")
    query = select(
        func.count().filter(or_(and_(tried, reached), helped)),
        func.count().filter(handled),
        func.count().filter(promised, requests.c.first_attempt_at <= requests.c.due_at),
        func.count().filter(promised),
    ).where(asked)
    row = (await connection.execute(query)).one()
    return Share(row[0], row[1]), Share(row[2], row[3])


async def _outcomes(connection: AsyncConnection, asked: ColumnElement[bool]) -> dict[str, int]:
    """The most frequent first."""
    counted = func.count().label("many")
    query = select(requests.c.outcome, counted).where(asked, requests.c.state == "closed").group_by(requests.c.outcome)
    return {row.outcome: row.many for row in await connection.execute(query.order_by(counted.desc(), requests.c.outcome))}
