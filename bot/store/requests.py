"""The queue of consultation requests, their history, and the consents they rest on."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Row, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.effects import ChangeRequest, Count, GiveConsent, Helped, SendRequest
from bot.core.model import OpenRequest
from bot.store import counts, finding
from bot.store.crypto import Sealer
from bot.store.database import Database
from bot.store.tables import OPEN_STATES, consents, request_events, requests

T = TypeVar("T")

CALLER = "caller"
SYSTEM = "bot"
CALL_AGAIN, HELPED = "call again", "helped"  # what callers do besides sending, changing and withdrawing

# Statements of every round are built once. This one does not ask for the state: SQLite would look through all open requests.
_OF_PEOPLE = select(requests).where(requests.c.contact_id.in_(bindparam("people", expanding=True))).order_by(requests.c.id)


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A consultation request as staff see it."""

    id: int
    reference: str
    state: str
    channel: str
    language: str
    topic: str
    answers: dict[str, str]
    created_at: datetime
    due_at: datetime
    claimed_by: str | None
    ended_at: datetime | None
    contact: int
    next_at: datetime  # when somebody must do something next
    attempts: int = 0  # to reach the person
    first_attempt_at: datetime | None = None
    outcome: str = ""  # how it was closed


async def open_requests(connection: AsyncConnection, sealer: Sealer, people: Collection[int]) -> dict[int, OpenRequest]:
    """The open request of each of these contacts that has one."""
    return {
        row.contact_id: OpenRequest(
            row.reference, row.state, row.created_at, row.due_at, _answers(sealer, row.details), row.attempts, row.next_at
        )
        for row in await connection.execute(_OF_PEOPLE, {"people": list(people)})
        if row.state in OPEN_STATES
    }


def answered(sealer: Sealer, answers: Mapping[str, str], chat: str | ColumnElement[str] = requests.c.language) -> dict[str, object]:
    """The columns in which answers are written.

    The language of the call stands in plain besides, so that staff can filter by what they see; without such an answer it is
    that of the chat.
    """
    return {"details": sealer.seal(json.dumps(answers)), "call_language": call_language(answers, chat)}


def call_language(answers: Mapping[str, str], chat: T) -> str | T:
    """The language the call is to be held in."""
    return answers.get("language") or chat


async def send(connection: AsyncConnection, database: Database, contact: int, channel: str, effect: SendRequest, now: datetime) -> None:
    row = {
        "reference": effect.reference,
        "contact_id": contact,
        "topic": effect.topic,
        "state": "new",
        "channel": channel,
        "language": effect.language,
        **answered(database.sealer, effect.answers, effect.language),
        "created_at": now,
        "due_at": effect.due_at,
        "next_at": effect.due_at,
    }
    number = await connection.scalar(insert(requests).values(row).returning(requests.c.id)) or 0
    await finding.index(connection, database.lookup, number, effect.answers, new=True)
    await note(connection, number, CALLER, "sent", now)


async def change(connection: AsyncConnection, database: Database, effect: ChangeRequest, now: datetime) -> None:
    values = {**answered(database.sealer, effect.answers), "topic": effect.topic}
    values |= {"next_at": effect.next_at} if effect.next_at else {}
    if number := await _update_open(connection, effect.reference, values, "changed", now):
        await finding.index(connection, database.lookup, number, effect.answers)


async def call_again(connection: AsyncConnection, contact: int, reference: str, now: datetime) -> None:
    """The caller has missed us and would like another call: there is something to do now. Said twice in a row it is noted once."""
    theirs = (requests.c.reference == reference, requests.c.contact_id == contact, requests.c.state.in_(OPEN_STATES))
    row = (await connection.execute(select(requests.c.id, requests.c.next_at).where(*theirs))).first()
    if row is None:
        return
    if row.next_at is None or row.next_at > now:  # what should have been done earlier stays in its place
        await connection.execute(update(requests).where(requests.c.id == row.id).values(next_at=now))
    of_request = select(request_events.c.what).where(request_events.c.request_id == row.id)
    if await connection.scalar(of_request.order_by(request_events.c.id.desc()).limit(1)) != CALL_AGAIN:
        await note(connection, row.id, CALLER, CALL_AGAIN, now)


async def helped(connection: AsyncConnection, contact: int, effect: Helped, now: datetime) -> None:
    """Notes whether a request that was closed as such has helped, if it is the caller's. Each answer is noted once, the first counted."""
    theirs = (requests.c.reference == effect.reference, requests.c.contact_id == contact, requests.c.state == "closed")
    number = await connection.scalar(select(requests.c.id).where(*theirs, requests.c.outcome == "helped"))
    if number is None:
        return
    of_request = (request_events.c.request_id == number, request_events.c.who == CALLER, request_events.c.what == HELPED)
    said = set(await connection.scalars(select(request_events.c.note).where(*of_request)))
    answer = "yes" if effect.yes else "no"
    if answer not in said:
        await note(connection, number, CALLER, HELPED, now, answer)
    if not said:
        await counts.add(connection, [Count(HELPED, answer)], now.date())


async def withdraw(connection: AsyncConnection, database: Database, reference: str, now: datetime) -> None:
    """Ends the request and erases what was to be used for it, and what staff wrote about it."""
    values = {"state": "withdrawn", "ended_at": now, **answered(database.sealer, {}), "topic": ""}
    if number := await _update_open(connection, reference, values, "withdrawn", now):
        await finding.index(connection, database.lookup, number, {})
        await connection.execute(update(request_events).where(request_events.c.request_id == number).values(words=None))


async def _update_open(connection: AsyncConnection, reference: str, values: Mapping[str, object], what: str, now: datetime) -> int | None:
    found = update(requests).where(requests.c.reference == reference, requests.c.state.in_(OPEN_STATES))
    number: int | None = await connection.scalar(found.values(values).returning(requests.c.id))
    if number is not None:
        await note(connection, number, CALLER, what, now)
    return number


async def join(connection: AsyncConnection, *, gone: int, kept: int, now: datetime) -> None:
    """Two contacts are one person: where both have an open request one of them goes on, by the earlier promise."""
    query = select(requests.c.id, requests.c.reference, requests.c.state, requests.c.due_at, requests.c.next_at)
    query = query.where(requests.c.contact_id.in_((gone, kept)), requests.c.state.in_(OPEN_STATES)).order_by(requests.c.id)
    found = (await connection.execute(query)).all()
    if len(found) > 1:
        *others, one = sorted(found, key=lambda row: (row.state == "claimed", row.id))  # who was claimed is being called
        earliest = {"due_at": min(row.due_at for row in found), "next_at": min(row.next_at or row.due_at for row in found)}
        await connection.execute(update(requests).where(requests.c.id == one.id).values(earliest))
        ended = {"state": "closed", "ended_at": now, "outcome": "duplicate"}
        for row in others:
            await connection.execute(update(requests).where(requests.c.id == row.id).values(ended))
            await note(connection, row.id, SYSTEM, "closed", now, f"same person as {one.reference}")


async def give_consent(connection: AsyncConnection, contact: int, effect: GiveConsent, now: datetime) -> None:
    row = {"contact_id": contact, "version": effect.version, "language": effect.language, "text": effect.text, "given_at": now}
    await connection.execute(insert(consents).values(row))


async def end_consent(connection: AsyncConnection, contact: int, now: datetime) -> None:
    given = update(consents).where(consents.c.contact_id == contact, consents.c.withdrawn_at.is_(None))
    await connection.execute(given.values(withdrawn_at=now))


async def note(
    connection: AsyncConnection, request: int, who: str, what: str, now: datetime, about: str = "", words: bytes | None = None
) -> None:
    """Adds to a request's history. `about` must not tell anything about the person; `words` may, sealed."""
    await connection.execute(insert(request_events).values(request_id=request, at=now, who=who, what=what, note=about, words=words))


async def not_delivered(connection: AsyncConnection, contact: int, reason: str, now: datetime) -> None:
    """Notes on the person's open requests that a message has not reached them."""
    query = select(requests.c.id).where(requests.c.contact_id == contact, requests.c.state.in_(OPEN_STATES))
    for number in (await connection.scalars(query)).all():
        await note(connection, number, SYSTEM, "message not delivered", now, reason)


async def listed(connection: AsyncConnection, sealer: Sealer, states: Collection[str]) -> list[StoredRequest]:
    """Requests in these states, the one that is due first first."""
    query = select(requests).where(requests.c.state.in_(states)).order_by(requests.c.next_at, requests.c.id)
    return [stored(sealer, row) for row in await connection.execute(query)]


async def of_ids(connection: AsyncConnection, sealer: Sealer, numbers: Collection[int]) -> list[StoredRequest]:
    """These requests, the one that is due first first."""
    query = select(requests).where(requests.c.id.in_(numbers)).order_by(requests.c.next_at, requests.c.id)
    return [stored(sealer, row) for row in await connection.execute(query)]


async def find(connection: AsyncConnection, sealer: Sealer, reference: str) -> StoredRequest | None:
    wanted = reference.strip().upper()
    row = (await connection.execute(select(requests).where(requests.c.reference.in_((wanted, f"OMS-{wanted}"))))).first()
    return stored(sealer, row) if row else None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a request's history."""

    at: datetime
    who: str
    what: str
    note: str
    words: str  # what staff wrote, "" when nothing


async def history(connection: AsyncConnection, sealer: Sealer, request: int) -> list[Entry]:
    """Oldest first."""
    query = select(request_events).where(request_events.c.request_id == request).order_by(request_events.c.id)
    rows = await connection.execute(query)
    return [Entry(row.at, row.who, row.what, row.note, sealer.open(row.words).decode() if row.words else "") for row in rows]


async def put(connection: AsyncConnection, was: StoredRequest, values: Mapping[str, object]) -> bool:
    """Changes a request that is as it was read; False when somebody has taken, left or ended it since, or tried to reach the person."""
    same = [getattr(requests.c, name).is_not_distinct_from(getattr(was, name)) for name in ("state", "claimed_by", "attempts")]
    return (await connection.execute(update(requests).where(requests.c.id == was.id, *same).values(**values))).rowcount == 1


async def forget_ended(connection: AsyncConnection, before: datetime) -> int:
    """Erases requests that ended before `before`."""
    return (await connection.execute(delete(requests).where(requests.c.ended_at < before))).rowcount


def stored(sealer: Sealer, row: Row[tuple[object, ...]]) -> StoredRequest:
    return StoredRequest(
        row.id, row.reference, row.state, row.channel, row.language, row.topic, _answers(sealer, row.details),
        row.created_at, row.due_at, row.claimed_by, row.ended_at, row.contact_id,
        row.next_at or row.due_at, row.attempts, row.first_attempt_at, row.outcome,
    )  # fmt: skip


def _answers(sealer: Sealer, details: bytes) -> dict[str, str]:
    return dict(json.loads(sealer.open(details)))
