"""Messages on their way out: written with what caused them, gone when they are delivered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.model import REPLY_JSON, Reply
from bot.store.crypto import Sealer
from bot.store.tables import outbox

LEASE = timedelta(minutes=2)  # how long a row belongs to the instance that wrote it


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one chat."""

    channel: str
    chat: str
    address: str
    reply: Reply
    origin: str = ""  # the message it may replace
    contact: int | None = None
    held: bool = False  # for a channel whose people fetch their messages
    id: int = 0
    attempts: int = 0
    at: datetime | None = None


async def write(connection: AsyncConnection, sealer: Sealer, letters: Sequence[Letter], owner: str, now: datetime) -> list[int]:
    """Queues the letters, leased to `owner`; their ids, in order."""
    if not letters:
        return []
    rows = [
        {
            "channel": letter.channel,
            "chat": letter.chat,
            "contact_id": letter.contact,
            "address": sealer.seal(letter.address),
            "body": sealer.seal(REPLY_JSON.dump_json(letter.reply)),
            "origin": letter.origin,
            "state": "held" if letter.held else "ready",
            "leased_by": owner,
            "leased_until": now + LEASE,
            "created_at": now,
        }
        for letter in letters
    ]
    made = await connection.scalars(insert(outbox).returning(outbox.c.id, sort_by_parameter_order=True), rows)
    return list(made)


async def adopt(connection: AsyncConnection, sealer: Sealer, owner: str, now: datetime, *, alone: bool) -> list[Letter]:
    """Takes over ready rows nobody is sending: those whose lease ran out, or all when no other instance can be.

    Oldest first.
    """
    free = or_(outbox.c.leased_until.is_(None), outbox.c.leased_until < now, outbox.c.leased_by == owner)
    ours = outbox.c.state == "ready" if alone else (outbox.c.state == "ready") & free
    taken = update(outbox).where(ours).values(leased_by=owner, leased_until=now + LEASE).returning(*outbox.c)
    rows = (await connection.execute(taken)).mappings().all()
    return [_letter(sealer, row) for row in sorted(rows, key=lambda row: row["id"])]


async def held(connection: AsyncConnection, sealer: Sealer, channel: str, chat: str, after: int, limit: int) -> list[Letter]:
    """The newest `limit` messages of a chat with an id above `after`, oldest first."""
    query = (
        select(outbox)
        .where(outbox.c.channel == channel, outbox.c.chat == chat, outbox.c.id > after, outbox.c.state == "held")
        .order_by(outbox.c.id.desc())
        .limit(limit)
    )
    rows = (await connection.execute(query)).mappings().all()
    return [_letter(sealer, row) for row in reversed(rows)]


async def sent(connection: AsyncConnection, ids: Collection[int]) -> None:
    await connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))


async def failed(connection: AsyncConnection, letter: int, attempts: int, error: str, *, dead: bool) -> None:
    """Notes a failed try. `error` names the kind of failure and holds no personal data."""
    values = {"attempts": attempts, "error": error[:200], "state": "dead" if dead else "ready"}
    await connection.execute(update(outbox).where(outbox.c.id == letter).values(values))


async def forget(connection: AsyncConnection, contact: int) -> None:
    """Removes what is kept or waits for this person."""
    await connection.execute(delete(outbox).where(outbox.c.contact_id == contact))


async def forget_old(connection: AsyncConnection, before: datetime) -> int:
    """Removes what nobody has fetched, could be sent, or has a channel any more."""
    return (await connection.execute(delete(outbox).where(outbox.c.created_at < before))).rowcount


async def sizes(connection: AsyncConnection) -> dict[str, int]:
    rows = await connection.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state))
    return {row[0]: row[1] for row in rows}


def _letter(sealer: Sealer, row: RowMapping) -> Letter:
    return Letter(
        channel=row["channel"],
        chat=row["chat"],
        address=sealer.open(row["address"]).decode(),
        reply=REPLY_JSON.validate_json(sealer.open(row["body"])),
        origin=row["origin"],
        contact=row["contact_id"],
        held=row["state"] == "held",
        id=row["id"],
        attempts=row["attempts"],
        at=row["created_at"],
    )
