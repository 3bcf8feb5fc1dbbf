"""Messages on their way out: written with what caused them, gone when they are delivered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, bindparam, delete, func, literal_column, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.model import REPLY_JSON, Receipt, Reply
from bot.store.bulk import Bulk
from bot.store.crypto import Sealer
from bot.store.inserts import insert_numbered
from bot.store.tables import outbox

LEASE = timedelta(minutes=2)  # how long a row belongs to the instance that wrote it
MAX_ATTEMPTS = 12  # tries that count, about half an hour with the back-off of `bot.outbox`
RANK = {"": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}  # receipts come in any order: the furthest counts


# Statements of every round are built once.
_DELIVERED = delete(outbox).where(outbox.c.id.in_(bindparam("ids", expanding=True)))
_TAKEN = Bulk(
    update(outbox)
    .where(outbox.c.id == bindparam("number"))
    .values(state=literal_column("'sent'"), message=bindparam("name"), error=literal_column("''"), leased_by=null(), leased_until=null())
)


@dataclass(slots=True)
class Letter:
    """One message to one chat. Only its `id` is set later, once."""

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
    heard_at: datetime | None = None  # when the person had last written, as far as is known here
    late: bool = False  # the platform has said that it is too late for free words


@dataclass(slots=True)
class Reported:
    """What follows from receipts."""

    again: list[Letter] = field(default_factory=list)  # ready to be sent once more
    dead: list[tuple[Letter, str]] = field(default_factory=list)  # and why
    unknown: list[Receipt] = field(default_factory=list)  # of messages that are not noted as sent (yet)


async def write(
    connection: AsyncConnection, sealer: Sealer, letters: Sequence[Letter], owner: str, now: datetime, lease: timedelta = LEASE
) -> list[int]:
    """Queues the letters, leased to `owner`; their ids, in order."""
    if not letters:
        return []
    rows: list[dict[str, object]] = [
        {
            "channel": letter.channel,
            "chat": letter.chat,
            "contact_id": letter.contact,
            "address": sealer.seal(letter.address),
            "body": sealer.seal(REPLY_JSON.dump_json(letter.reply, exclude_defaults=True)),
            "origin": letter.origin,
            "state": "held" if letter.held else "ready",
            "leased_by": owner,
            "leased_until": now + lease,
            "created_at": now,
        }
        for letter in letters
    ]
    return await insert_numbered(connection, outbox, rows)


async def queue(
    connection: AsyncConnection, sealer: Sealer, letters: list[Letter], owner: str, now: datetime, lease: timedelta = LEASE
) -> list[Letter]:
    """The same; the letters, which have their ids now."""
    for letter, number in zip(letters, await write(connection, sealer, letters, owner, now, lease), strict=True):
        letter.id = number
    return letters


async def adopt(
    connection: AsyncConnection, sealer: Sealer, owner: str, now: datetime, *, alone: bool, lease: timedelta = LEASE
) -> list[Letter]:
    """Takes over ready rows nobody is sending: those whose lease ran out, or all when no other instance can be.

    Oldest first.
    """
    free = or_(outbox.c.leased_until.is_(None), outbox.c.leased_until < now, outbox.c.leased_by == owner)
    ours = outbox.c.state == "ready" if alone else (outbox.c.state == "ready") & free
    return await _take(connection, sealer, ours, owner, now + lease)


async def left(connection: AsyncConnection, now: datetime) -> set[str]:
    """The channels for which there is something to `inherit`."""
    # Written out, or SQLite would not see that its index of ready rows is enough, and read what is held for all the people.
    ready = outbox.c.state == literal_column("'ready'")
    return set(await connection.scalars(select(outbox.c.channel).where(ready, outbox.c.leased_until < now)))


async def inherit(
    connection: AsyncConnection, sealer: Sealer, channels: Collection[str], owner: str, now: datetime, lease: timedelta = LEASE
) -> list[Letter]:
    """Takes over ready rows whose lease ran out, while we are sending ourselves: what we have at hand may be among them."""
    ready = (outbox.c.state == "ready") & (outbox.c.leased_until < now) & outbox.c.channel.in_(channels)
    return await _take(connection, sealer, ready, owner, now + lease)


async def renew(connection: AsyncConnection, letters: Collection[int], owner: str, until: datetime) -> None:
    """Keeps those of the letters that are still leased to `owner`."""
    ours = outbox.c.id.in_(letters) & (outbox.c.leased_by == owner) & (outbox.c.state == "ready")
    await connection.execute(update(outbox).where(ours).values(leased_until=until))


async def _take(connection: AsyncConnection, sealer: Sealer, which: ColumnElement[bool], owner: str, until: datetime) -> list[Letter]:
    # What another instance is taking at this very moment is left to it (SQLite has one writer, and ignores it).
    free = select(outbox.c.id).where(which).order_by(outbox.c.id).with_for_update(skip_locked=True)
    taken = update(outbox).where(outbox.c.id.in_(free)).values(leased_by=owner, leased_until=until).returning(*outbox.c)
    rows = (await connection.execute(taken)).mappings().all()
    return [_letter(sealer, row) for row in sorted(rows, key=lambda row: row["id"])]


async def held(connection: AsyncConnection, sealer: Sealer, channel: str, chat: str, after: int, limit: int) -> list[Letter]:
    """The newest `limit` messages of a chat with an id above `after`, oldest first."""
    held = outbox.c.state == literal_column("'held'")  # written out, as in `left`: the index has only such
    query = (
        select(outbox)
        .where(outbox.c.channel == channel, outbox.c.chat == chat, outbox.c.id > after, held)
        .order_by(outbox.c.id.desc())
        .limit(limit)
    )
    rows = (await connection.execute(query)).mappings().all()
    return [_letter(sealer, row) for row in reversed(rows)]


async def sent(connection: AsyncConnection, ids: Collection[int]) -> None:
    """Removes what was delivered and will not be heard of again."""
    if ids:
        await connection.execute(_DELIVERED, {"ids": list(ids)})


async def taken(connection: AsyncConnection, messages: Mapping[int, str]) -> None:
    """Notes that the platform has taken these letters, and what it calls them."""
    if messages:
        await _TAKEN.write(connection, [{"number": number, "name": message} for number, message in messages.items()])


async def addressee(connection: AsyncConnection, letter: int, owner: str) -> tuple[bool, int | None]:
    """Whether it is still ours to send (it may have been erased, withdrawn, or taken over by others), and to whom as of now."""
    ours = (outbox.c.id == letter, outbox.c.state == "ready", outbox.c.leased_by == owner)
    row = (await connection.execute(select(outbox.c.contact_id).where(*ours))).first()
    return row is not None, row.contact_id if row else None


async def report(connection: AsyncConnection, sealer: Sealer, receipts: Sequence[Receipt], owner: str, now: datetime) -> Reported:
    """Notes receipts, in whatever order they come. A letter that failed through the platform's fault is ready again."""
    query = select(outbox).where(outbox.c.message.in_({receipt.message for receipt in receipts}), outbox.c.state == "sent")
    query = query.order_by(outbox.c.id).with_for_update()  # another instance may hear of the same message
    rows = {(row["channel"], row["message"]): row for row in (await connection.execute(query)).mappings()}
    found = Reported()
    news: dict[int, Receipt] = {}
    for receipt in receipts:
        row = rows.get((receipt.channel, receipt.message))
        if row is None:
            found.unknown.append(receipt)
        elif RANK[receipt.status] > RANK[news[row["id"]].status if row["id"] in news else row["status"]]:
            news[row["id"]] = receipt
    fine = [{"number": number, "news": receipt.status} for number, receipt in news.items() if receipt.status != "failed"]
    if fine:
        change = update(outbox).where(outbox.c.id == bindparam("number")).values(status=bindparam("news"), status_at=now)
        await connection.execute(change, fine)
    by_number = {row["id"]: row for row in rows.values()}
    for number, receipt in news.items():
        if receipt.status != "failed":
            continue
        row = by_number[number]
        letter = replace(_letter(sealer, row), attempts=row["attempts"] + 1)
        again = (receipt.passing or (receipt.late and not letter.late)) and letter.attempts < MAX_ATTEMPTS
        fate = {"state": "ready", "status": ""} if again else {"state": "dead", "status": "failed"}
        values = {"message": None, "error": receipt.reason[:200], "leased_by": owner, "leased_until": now + LEASE, "status_at": now}
        await connection.execute(update(outbox).where(outbox.c.id == letter.id).values(fate | values | {"attempts": letter.attempts}))
        if again:
            found.again.append(replace(letter, late=receipt.late))
        else:
            found.dead.append((letter, receipt.reason))
    return found


async def failed(connection: AsyncConnection, letter: int, owner: str, attempts: int, error: str, *, dead: bool) -> bool:
    """Notes a failed try; False when it is not ours any more. `error` names the kind of failure and holds no personal data."""
    values = {"attempts": attempts, "error": error[:200], "state": "dead" if dead else "ready"}
    ours = update(outbox).where(outbox.c.id == letter, outbox.c.leased_by == owner, outbox.c.state == "ready")
    return (await connection.execute(ours.values(values))).rowcount == 1


async def forget(connection: AsyncConnection, contact: int) -> None:
    """Removes what is kept or waits for this person."""
    await connection.execute(delete(outbox).where(outbox.c.contact_id == contact))


async def forget_old(connection: AsyncConnection, before: datetime) -> int:
    """Removes what nobody has fetched, could be sent, or has a channel any more."""
    return (await connection.execute(delete(outbox).where(outbox.c.created_at < before))).rowcount


async def forget_taken(connection: AsyncConnection, before: datetime) -> int:
    """Removes what the platform has taken and said its last word on, or never will."""
    return (await connection.execute(delete(outbox).where(outbox.c.state == "sent", outbox.c.created_at < before))).rowcount


async def of_contact(connection: AsyncConnection, contact: int, limit: int) -> list[RowMapping]:
    """The newest messages to a person: when, state, what the platform said of them, why not delivered; oldest first."""
    columns = (outbox.c.created_at, outbox.c.channel, outbox.c.state, outbox.c.status, outbox.c.status_at, outbox.c.error)
    query = select(*columns).where(outbox.c.contact_id == contact).order_by(outbox.c.id.desc()).limit(limit)
    return list((await connection.execute(query)).mappings())[::-1]


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
