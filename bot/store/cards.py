"""Which message in the staff's group is the card of which request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.inserts import upsert
from bot.store.staff_tables import cards
from bot.store.tables import OPEN_STATES, request_events, requests

CURRENT = timedelta(days=1)  # how long the card of a request that has ended is looked after
SENDING = timedelta(minutes=1)  # how long whoever has begun to send a card is given to say what it is called


@dataclass(frozen=True, slots=True)
class Placed:
    """A card in the group."""

    reference: str
    message: str
    shown: str


async def of_request(connection: AsyncConnection, request: int) -> Placed | None:
    """The card of a request; None when there is none yet, or it is just being sent."""
    return next(iter(await _found(connection, cards.c.request_id == request)), None)


async def of_contact(connection: AsyncConnection, contact: int) -> list[Placed]:
    """The cards of all requests of a person."""
    return list(await _found(connection, requests.c.contact_id == contact))


async def _found(connection: AsyncConnection, which: ColumnElement[bool]) -> Sequence[Placed]:
    query = select(requests.c.reference, cards.c.message, cards.c.shown).join(cards, cards.c.request_id == requests.c.id)
    rows = await connection.execute(query.where(which, cards.c.message != ""))
    return [Placed(row.reference, row.message, row.shown) for row in rows]


async def overtaken(connection: AsyncConnection, now: datetime) -> list[str]:
    """The references of requests something has happened to since their cards were last looked after, which is now."""
    newer = exists().where(request_events.c.request_id == cards.c.request_id, request_events.c.at > cards.c.at)
    current = select(requests.c.id).where(or_(requests.c.state.in_(OPEN_STATES), requests.c.ended_at > now - CURRENT))
    looked = update(cards).where(cards.c.message != "", cards.c.request_id.in_(current), newer).values(at=now)
    numbers = (await connection.scalars(looked.returning(cards.c.request_id))).all()
    found = select(requests.c.reference).where(requests.c.id.in_(numbers)).order_by(requests.c.id)
    return list(await connection.scalars(found)) if numbers else []


async def begin(connection: AsyncConnection, request: int, now: datetime, *, alone: bool) -> bool:
    """Whether the card may be sent for the first time: nobody else is at it, and the request is not erased.

    `alone`: there is no other instance, so whoever has begun and not ended is dead.
    """
    row = upsert(connection.dialect.name, cards).values(request_id=request, message="", at=now)
    given_up = (cards.c.message == "") & (true() if alone else cards.c.at < now - SENDING)
    begun = row.on_conflict_do_update(index_elements=[cards.c.request_id], set_={"at": row.excluded.at}, where=given_up)
    try:
        async with connection.begin_nested():
            return await connection.scalar(begun.returning(cards.c.request_id)) is not None
    except IntegrityError:
        return False


async def abandon(connection: AsyncConnection, request: int) -> None:
    """It was not sent after all."""
    await connection.execute(delete(cards).where(cards.c.request_id == request, cards.c.message == ""))


async def keep(connection: AsyncConnection, request: int, message: str, shown: str, now: datetime) -> bool:
    """Notes what the card is called and says; False when its request is erased."""
    values = {"message": message, "shown": shown, "at": now}
    return (await connection.execute(update(cards).where(cards.c.request_id == request).values(values))).rowcount == 1
