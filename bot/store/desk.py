"""What staff look at: the queue in its views, page by page, and what belongs to a request."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import finding
from bot.store.database import Database
from bot.store.requests import StoredRequest, note, stored
from bot.store.staff_tables import request_keys
from bot.store.tables import OPEN_STATES, consents, request_events, requests

View = Literal["mine", "unassigned", "due", "all", "closed"]
VIEWS: tuple[View, ...] = get_args(View)
VIEWED = "viewed"  # what stands in the history when staff have seen a request
ONE_VIEW = timedelta(minutes=10)  # of one person looking again and again
_CANDIDATES = 20_000  # requests of people whose names begin alike, the newest first, that are opened and compared
_AT_ONCE, _MOST = 200, 500  # of these between breaks for others, and of what is found


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see; an empty filter takes all."""

    view: View = "all"
    who: str = ""  # whose requests "mine" are
    text: str = ""  # a reference, or the beginning of a name or an address, or the end of a number
    language: str = ""  # of the call
    topic: str = ""
    channel: str = ""


async def page(
    connection: AsyncConnection, database: Database, wanted: Wanted, now: datetime, *, limit: int = 50, skip: int = 0
) -> list[StoredRequest]:
    """The requests, open ones by what is to be done first, ended ones by what ended last. A search finds in every view."""
    if wanted.text.strip():
        return (await _found(connection, database, wanted))[skip : skip + limit]
    query = select(requests).where(_of_view(wanted, now), _filters(wanted)).order_by(*_order(wanted)).limit(limit).offset(skip)
    return [stored(database.sealer, row) for row in await connection.execute(query)]


async def numbers(connection: AsyncConnection, database: Database, wanted: Wanted, now: datetime) -> list[int]:
    """The ids of all requests that `page` would show page by page."""
    if wanted.text.strip():
        return [request.id for request in await _found(connection, database, wanted)]
    query = select(requests.c.id).where(_of_view(wanted, now), _filters(wanted)).order_by(*_order(wanted))
    return list(await connection.scalars(query))


async def counts(connection: AsyncConnection, who: str, now: datetime) -> dict[View, int]:
    """How many requests each view of open ones holds."""
    views: tuple[View, ...] = ("mine", "unassigned", "due", "all")
    sums = [func.count().filter(_of_view(Wanted(view, who), now)).label(view) for view in views]
    row = (await connection.execute(select(*sums).where(requests.c.state.in_(OPEN_STATES)))).one()
    return dict(zip(views, row, strict=True))


async def _found(connection: AsyncConnection, database: Database, wanted: Wanted) -> list[StoredRequest]:
    text = wanted.text.strip()
    by_reference = requests.c.reference.in_((text.upper(), f"OMS-{text.upper()}"))
    keys = finding.keys(database.lookup, text)
    holding = select(request_keys.c.request_id).where(request_keys.c.key.in_(keys)).group_by(request_keys.c.request_id)
    by_answers = requests.c.id.in_(holding.having(func.count() == len(keys))) if keys else requests.c.id.in_(())
    query = select(requests.c.id).where(or_(by_reference, by_answers), _filters(wanted)).order_by(requests.c.id.desc()).limit(_CANDIDATES)
    numbers = list(await connection.scalars(query))
    found: list[StoredRequest] = []
    for first in range(0, len(numbers), _AT_ONCE):
        some = select(requests).where(requests.c.id.in_(numbers[first : first + _AT_ONCE])).order_by(requests.c.id.desc())
        rows = [stored(database.sealer, row) for row in await connection.execute(some)]
        found += [row for row in rows if row.reference.endswith(text.upper()) or finding.fits(row.answers, text)]
        if len(found) >= _MOST:
            break
    return found[:_MOST]


def _of_view(wanted: Wanted, now: datetime) -> ColumnElement[bool]:
    opened = requests.c.state.in_(OPEN_STATES)
    match wanted.view:
        case "mine":
            return and_(opened, requests.c.claimed_by == wanted.who)
        case "unassigned":
            return requests.c.state == "new"
        case "due":
            return and_(opened, requests.c.next_at <= now)
        case "all":
            return opened
        case "closed":
            return requests.c.ended_at.is_not(None)


def _order(wanted: Wanted) -> tuple[ColumnElement[Any], ...]:
    if wanted.view == "closed":
        return (requests.c.ended_at.desc(), requests.c.id.desc())
    return (requests.c.next_at, requests.c.id)


def _filters(wanted: Wanted) -> ColumnElement[bool]:
    given = {requests.c.call_language: wanted.language, requests.c.topic: wanted.topic, requests.c.channel: wanted.channel}
    return and_(true(), *(column == value for column, value in given.items() if value))


async def latest(connection: AsyncConnection) -> int:
    """The number of the newest thing that happened to any request; that somebody looked at one is no news."""
    query = select(request_events.c.id).where(request_events.c.what != VIEWED).order_by(request_events.c.id.desc()).limit(1)
    return await connection.scalar(query) or 0


async def note_view(connection: AsyncConnection, request: int, who: str, now: datetime) -> None:
    """Notes that somebody has seen the request, unless they just had."""
    seen = select(request_events.c.id).where(
        request_events.c.request_id == request,
        request_events.c.who == who,
        request_events.c.what == VIEWED,
        request_events.c.at > now - ONE_VIEW,
    )
    if await connection.scalar(seen.limit(1)) is None:
        await note(connection, request, who, VIEWED, now)


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person has agreed to."""

    version: str
    given_at: datetime
    withdrawn_at: datetime | None


async def consent(connection: AsyncConnection, contact: int) -> Consent | None:
    """The newest consent of a person."""
    columns = (consents.c.version, consents.c.given_at, consents.c.withdrawn_at)
    row = (await connection.execute(select(*columns).where(consents.c.contact_id == contact).order_by(consents.c.id.desc()))).first()
    return Consent(*row) if row else None
