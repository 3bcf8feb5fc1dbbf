"""People: their addresses and sessions, and which of their messages have been seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.model import EVENT_JSON, SESSION_JSON, Errand, Inbound, Session
from bot.store.bulk import Bulk
from bot.store.crypto import Sealer
from bot.store.inserts import upsert
from bot.store.tables import OPEN_STATES, contact_addresses, contacts, inbox, outbox, requests, set_aside

Key = tuple[str, str]  # channel and chat: whose conversation it is

_KNOWN_OTHERWISE = {"number", "request", "profile"}  # what every event brings with it anew, or the queue knows better

# Statements of every round are built once.
_remember = update(contacts).where(contacts.c.id == bindparam("number")).values(session=bindparam("sealed"), draft_at=bindparam("begun"))
_REMEMBERED = Bulk(_remember)
_SAVED = Bulk(_remember.values(seen_at=bindparam("seen")))
# A new row's number is above all others, as long as there are fewer than 2^63 [sqlite.org/rowidtable.html].
_NEWEST = text("SELECT channel, update_id FROM inbox ORDER BY rowid DESC LIMIT :number")


@dataclass(frozen=True, slots=True)
class Contact:
    id: int  # 0: not stored
    session: Session
    chat: str  # what their messages are kept under
    seen_at: datetime  # when they last wrote


@cache
def _noted(dialect: str) -> Any:
    noted = upsert(dialect, inbox).on_conflict_do_nothing()
    return Bulk(noted) if dialect == "sqlite" else noted.returning(inbox.c.channel, inbox.c.update_id)


async def first_seen(connection: AsyncConnection, inbounds: Sequence[Inbound | Errand], now: datetime) -> set[tuple[str, str]]:
    """Notes the update ids and returns those (with their channel) that were not known before."""
    if not inbounds:
        return set()
    rows = [{"channel": inbound.channel, "update_id": inbound.update_id, "at": now} for inbound in inbounds]
    rows.sort(key=lambda row: (str(row["channel"]), str(row["update_id"])))  # two instances wait for each other in one order only
    noted = _noted(connection.dialect.name)
    if not isinstance(noted, Bulk):
        return {(row.channel, row.update_id) for row in await connection.execute(noted, rows)}
    # SQLite would have to parse INSERT … RETURNING anew for each number of rows, and nearly always all of them are new.
    new = await noted.write(connection, rows)
    if new == len(rows):
        return {(inbound.channel, inbound.update_id) for inbound in inbounds}
    return {(channel, update_id) for channel, update_id in await connection.execute(_NEWEST, {"number": new})}


async def save(connection: AsyncConnection, sealer: Sealer, people: Sequence[Contact]) -> None:
    """Stores the sessions after an event of their people, and when that was."""
    if people:
        await _SAVED.write(connection, [_row(sealer, person.id, person.session) | {"seen": person.seen_at} for person in people])


async def remember(connection: AsyncConnection, sealer: Sealer, number: int, session: Session) -> None:
    """Stores a session after something its person has no part in: when they last wrote stays as it was."""
    await _REMEMBERED.write(connection, [_row(sealer, number, session)])


async def lock(connection: AsyncConnection, number: int) -> None:
    """Until the transaction ends nobody else changes this person.

    Rounds take people before their requests; whoever changes both in another order would wait for them, and they for him.
    """
    await connection.execute(select(contacts.c.id).where(contacts.c.id == number).with_for_update())


def _row(sealer: Sealer, number: int, session: Session) -> dict[str, object]:
    begun = session.draft.started_at if session.draft else None
    return {"number": number, "sealed": sealed_session(sealer, session), "begun": begun}


async def expire_drafts(connection: AsyncConnection, sealer: Sealer, before: datetime) -> int:
    """Forgets unfinished requests begun before `before`: what was typed there was never sent."""
    query = select(contacts.c.id, contacts.c.session).where(contacts.c.draft_at < before)
    query = query.order_by(contacts.c.id).with_for_update()  # the order in which rounds take them
    rows = (await connection.execute(query)).all()
    if rows:
        opened = [(row.id, SESSION_JSON.validate_json(sealer.open(row.session))) for row in rows]
        await _REMEMBERED.write(connection, [_row(sealer, number, replace(session, draft=None)) for number, session in opened])
    return len(rows)


async def forget_silent(connection: AsyncConnection, before: datetime) -> int:
    """Erases people not heard from since `before` who wait for nothing."""
    waiting = select(requests.c.contact_id).where(requests.c.state.in_(OPEN_STATES))
    silent = delete(contacts).where(contacts.c.seen_at < before, contacts.c.id.not_in(waiting))
    return (await connection.execute(silent)).rowcount


async def last_heard(connection: AsyncConnection, number: int) -> datetime | None:
    """When the person last wrote; None when they are forgotten."""
    seen: datetime | None = await connection.scalar(select(contacts.c.seen_at).where(contacts.c.id == number))
    return seen


async def mark_left(connection: AsyncConnection, sealer: Sealer, number: int) -> None:
    """Notes that the person can no longer be written to; they come back by writing.

    It is no sign of life, so how long they are remembered does not change.
    """
    sealed = await connection.scalar(select(contacts.c.session).where(contacts.c.id == number).with_for_update())
    if sealed is not None:
        session = replace(SESSION_JSON.validate_json(sealer.open(sealed)), left=True)
        await connection.execute(update(contacts).where(contacts.c.id == number).values(session=sealed_session(sealer, session)))


async def erase(connection: AsyncConnection, number: int) -> None:
    """Everything about the person goes: by the foreign keys, and what is only tied to their chats."""
    theirs = select(contact_addresses.c.channel, contact_addresses.c.chat).where(contact_addresses.c.contact_id == number)
    for channel, chat in (await connection.execute(theirs)).all():
        await connection.execute(delete(set_aside).where(set_aside.c.channel == channel, set_aside.c.chat == chat))
        nobodys = (outbox.c.channel == channel, outbox.c.chat == chat, outbox.c.contact_id.is_(None))
        await connection.execute(delete(outbox).where(*nobodys))
    await connection.execute(delete(outbox).where(outbox.c.contact_id == number))
    await connection.execute(delete(contacts).where(contacts.c.id == number))


async def put_aside(connection: AsyncConnection, sealer: Sealer, inbound: Inbound, chat: str, error: str) -> None:
    """Keeps an event that could not be handled, for the operator to look into. `error` holds no personal data."""
    try:
        event = EVENT_JSON.dump_json(inbound.event)
    except ValueError:  # half of a character, for example
        event = b"unreadable"
    row = {"channel": inbound.channel, "update_id": inbound.update_id, "chat": chat, "event": sealer.seal(event), "error": error[:200]}
    await connection.execute(insert(set_aside).values(row | {"at": inbound.at}))


async def forget_set_aside(connection: AsyncConnection, before: datetime) -> int:
    return (await connection.execute(delete(set_aside).where(set_aside.c.at < before))).rowcount


async def forget_updates(connection: AsyncConnection, before: datetime) -> int:
    """Update ids older than any platform still delivers (WhatsApp: 7 days [PLATFORMS])."""
    return (await connection.execute(delete(inbox).where(inbox.c.at < before - timedelta(days=8)))).rowcount


def sealed_session(sealer: Sealer, session: Session) -> bytes:
    """What is stored of a session."""
    return sealer.seal(SESSION_JSON.dump_json(session, exclude=_KNOWN_OTHERWISE, exclude_defaults=True))
