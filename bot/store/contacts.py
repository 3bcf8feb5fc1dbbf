"""People: their addresses and sessions, and which of their messages have been seen."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.model import EVENT_JSON, SESSION_JSON, Inbound, Profile, Session
from bot.store.crypto import Sealer
from bot.store.tables import OPEN_STATES, contact_addresses, contacts, inbox, outbox, requests, set_aside

Key = tuple[str, str]  # channel and chat: whose conversation it is


@dataclass(frozen=True, slots=True)
class Contact:
    id: int
    session: Session


def insert_or_ignore(connection: AsyncConnection, table: Table) -> Any:
    """INSERT … ON CONFLICT DO NOTHING in the dialect at hand."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()


async def first_seen(connection: AsyncConnection, inbounds: Iterable[Inbound]) -> set[tuple[str, str]]:
    """Notes the update ids and returns those (with their channel) that were not known before."""
    rows = [{"channel": inbound.channel, "update_id": inbound.update_id, "at": inbound.at} for inbound in inbounds]
    noted = insert_or_ignore(connection, inbox).returning(inbox.c.channel, inbox.c.update_id)
    return {(row.channel, row.update_id) for row in await connection.execute(noted, rows)}


async def load(
    connection: AsyncConnection, sealer: Sealer, people: Mapping[Key, str], now: datetime, passing: Collection[Key] = ()
) -> dict[Key, Contact]:
    """The contacts at these addresses, rows locked; new ones are made for addresses nobody has written from.

    `passing` addresses are only looked up: who blocks us after an erasure is not stored again by that.
    """
    found = await _known(connection, sealer, people.keys())
    missing = [key for key in people if key not in found and key not in passing]
    if missing:
        blank = {"session": _sealed(sealer, Session()), "created_at": now, "seen_at": now}
        made = await connection.scalars(insert(contacts).returning(contacts.c.id, sort_by_parameter_order=True), [blank] * len(missing))
        for key, number in zip(missing, made, strict=True):
            found[key] = Contact(number, Session())
        rows = [{"contact_id": found[key].id, "channel": key[0], "chat": key[1], "address": sealer.seal(people[key])} for key in missing]
        await connection.execute(insert(contact_addresses), rows)
    return found


async def _known(connection: AsyncConnection, sealer: Sealer, keys: Collection[Key]) -> dict[Key, Contact]:
    query = (
        select(contact_addresses.c.channel, contact_addresses.c.chat, contacts.c.id, contacts.c.session)
        .join(contacts)
        .where(tuple_(contact_addresses.c.channel, contact_addresses.c.chat).in_(list(keys)))
        .order_by(contacts.c.id)
        .with_for_update(of=contacts)  # several instances take the rows in the same order (SQLite ignores it)
    )
    rows = await connection.execute(query)
    return {(row.channel, row.chat): Contact(row.id, SESSION_JSON.validate_json(sealer.open(row.session))) for row in rows}


async def save(connection: AsyncConnection, sealer: Sealer, sessions: Sequence[tuple[int, Session]], now: datetime) -> None:
    """Stores the sessions after an event of their people."""
    if sessions:
        values = {"session": bindparam("sealed"), "draft_at": bindparam("begun"), "seen_at": now}
        change = update(contacts).where(contacts.c.id == bindparam("number")).values(values)
        await connection.execute(change, [_row(sealer, number, session) for number, session in sessions])


def _row(sealer: Sealer, number: int, session: Session) -> dict[str, object]:
    begun = session.draft.started_at if session.draft else None
    return {"number": number, "sealed": _sealed(sealer, session), "begun": begun}


async def expire_drafts(connection: AsyncConnection, sealer: Sealer, before: datetime) -> int:
    """Forgets unfinished requests begun before `before`: what was typed there was never sent."""
    query = select(contacts.c.id, contacts.c.session).where(contacts.c.draft_at < before).with_for_update()
    rows = (await connection.execute(query)).all()
    if rows:
        opened = [(row.id, SESSION_JSON.validate_json(sealer.open(row.session))) for row in rows]
        change = update(contacts).where(contacts.c.id == bindparam("number"))
        change = change.values(session=bindparam("sealed"), draft_at=bindparam("begun"))
        await connection.execute(change, [_row(sealer, number, replace(session, draft=None)) for number, session in opened])
    return len(rows)


async def forget_silent(connection: AsyncConnection, before: datetime) -> int:
    """Erases people not heard from since `before` who wait for nothing."""
    waiting = select(requests.c.contact_id).where(requests.c.state.in_(OPEN_STATES))
    silent = delete(contacts).where(contacts.c.seen_at < before, contacts.c.id.not_in(waiting))
    return (await connection.execute(silent)).rowcount


async def mark_left(connection: AsyncConnection, sealer: Sealer, number: int) -> None:
    """Notes that the person can no longer be written to; they come back by writing.

    It is no sign of life, so how long they are remembered does not change.
    """
    sealed = await connection.scalar(select(contacts.c.session).where(contacts.c.id == number).with_for_update())
    if sealed is not None:
        session = replace(SESSION_JSON.validate_json(sealer.open(sealed)), left=True)
        await connection.execute(update(contacts).where(contacts.c.id == number).values(session=_sealed(sealer, session)))


async def erase(connection: AsyncConnection, number: int) -> None:
    """Everything about the person goes: by the foreign keys, and what is only tied to their chats."""
    chats = select(contact_addresses.c.chat).where(contact_addresses.c.contact_id == number)
    await connection.execute(delete(outbox).where(outbox.c.chat.in_(chats)))
    await connection.execute(delete(set_aside).where(set_aside.c.chat.in_(chats)))
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


def _sealed(sealer: Sealer, session: Session) -> bytes:
    # What every event brings with it anew, or the queue knows better, is not kept twice.
    kept = replace(session, number=0, request=None, profile=Profile())
    return sealer.seal(SESSION_JSON.dump_json(kept))
