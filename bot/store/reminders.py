"""What staff were reminded of, and the numbers of the day they are told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.inserts import upsert
from bot.store.staff_tables import reminders
from bot.store.tables import OPEN_STATES, requests

Key = tuple[int, str, datetime]  # request, kind, the moment it is about


@dataclass(frozen=True, slots=True)
class Open:
    """An open request, as far as it matters to whether staff must be reminded."""

    id: int
    state: str
    due_at: datetime
    next_at: datetime
    attempted: bool  # somebody has tried to reach the caller


async def waiting(connection: AsyncConnection, now: datetime) -> list[Open]:
    """Open requests whose time has come."""
    columns = (requests.c.id, requests.c.state, requests.c.due_at, requests.c.next_at, requests.c.first_attempt_at)
    query = select(*columns).where(requests.c.state.in_(OPEN_STATES), requests.c.next_at <= now).order_by(requests.c.next_at)
    rows = await connection.execute(query)
    return [Open(row.id, row.state, row.due_at, row.next_at, row.first_attempt_at is not None) for row in rows]


async def said(connection: AsyncConnection, now: datetime) -> set[Key]:
    """What was said about the open requests whose time has come."""
    of_open = (requests.c.state.in_(OPEN_STATES), requests.c.next_at <= now, reminders.c.about == requests.c.next_at)
    query = select(reminders).join(requests, requests.c.id == reminders.c.request_id).where(*of_open)
    return {(row.request_id, row.kind, row.about) for row in await connection.execute(query)}


async def remember(connection: AsyncConnection, keys: Iterable[Key], now: datetime) -> set[Key]:
    """Notes that staff are told, and returns what nobody had told them before."""
    rows = [{"request_id": request, "kind": kind, "about": about, "at": now} for request, kind, about in sorted(keys)]
    if not rows:
        return set()
    new = upsert(connection.dialect.name, reminders).on_conflict_do_nothing().returning(reminders)
    return {(row.request_id, row.kind, row.about) for row in await connection.execute(new, rows)}


@dataclass(frozen=True, slots=True)
class Numbers:
    """How the desk stands in the morning. No request is named."""

    open: int
    unclaimed: int
    today: int  # to be done before the end of the day
    overdue: int
    new: int  # sent since the last office day began
    closed: int  # since then
    promised: int  # requests whose promised time was since then
    kept: int  # of these, those whose caller somebody tried to reach in time

    @property
    def none(self) -> bool:
        """Whether there is nothing to tell: a desk without requests."""
        return not (self.open or self.new or self.closed or self.promised)


async def numbers(connection: AsyncConnection, since: datetime, now: datetime, end_of_day: datetime) -> Numbers:
    """The numbers as of `now`; what has happened is counted from `since` on."""
    opened = requests.c.state.in_(OPEN_STATES)
    promised = and_(requests.c.due_at >= since, requests.c.due_at < now, requests.c.state != "withdrawn")
    sums: tuple[ColumnElement[bool], ...] = (
        opened,
        requests.c.state == "new",
        and_(opened, requests.c.next_at > now, requests.c.next_at <= end_of_day),
        and_(opened, requests.c.next_at <= now),
        requests.c.created_at >= since,
        and_(requests.c.state == "closed", requests.c.ended_at >= since),
        promised,
        and_(promised, requests.c.first_attempt_at <= requests.c.due_at),
    )
    row = (await connection.execute(select(*(func.count().filter(each) for each in sums)).select_from(requests))).one()
    return Numbers(*map(int, row))
