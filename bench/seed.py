"""Fills a database of the product with people and requests, by the store's own tables. Runs in the project's environment.

    .venv/bin/python -m bench.seed FIRST PEOPLE     # with OMSBOT_DATABASE_URL and OMSBOT_DATA_KEYS

FIRST is the number on Telegram that people are counted from.
Every tenth person has asked for a call; of these requests every fifth is open.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.config import Settings, sealer
from bot.core.model import Session
from bot.core.reference import reference
from bot.store.contacts import sealed_session
from bot.store.crypto import Sealer
from bot.store.database import Database, open_database
from bot.store.tables import consents, contact_addresses, contacts, request_events, requests

CHUNK = 10_000
ASKS, IS_OPEN = 10, 50  # every so many people
ANSWERS = json.dumps({"name": "User Test", "phone": "+4915123456789", "when": "any", "language": "en", "zone": "Europe/Berlin"})


async def seed(settings: Settings, first_person: int, people: int) -> None:
    database = await open_database(settings.database_url, sealer(settings))
    for first in range(0, people, CHUNK):
        async with database.write() as connection:
            await _add(connection, database, first_person, range(first, min(first + CHUNK, people)))
    await database.close()


async def _add(connection: AsyncConnection, database: Database, first_person: int, people: range) -> None:
    now = datetime.now(UTC)
    session = sealed_session(database.sealer, Session())
    ago = {number: now - timedelta(days=number % 20, seconds=number % 86400) for number in people}
    rows: Iterator[dict[str, Any]]
    rows = ({"id": number + 1, "session": session, "created_at": ago[number], "seen_at": ago[number]} for number in people)
    await connection.execute(insert(contacts), list(rows))
    ids = {number: str(first_person + number) for number in people}
    rows = (
        {
            "contact_id": number + 1,
            "channel": "telegram",
            "chat": database.chat("telegram", ids[number]),
            "address": database.sealer.seal(ids[number]),
        }
        for number in people
    )
    await connection.execute(insert(contact_addresses), list(rows))
    asking = [number for number in people if number % ASKS == 0]
    await connection.execute(insert(requests), [_request(database.sealer, number, ago[number]) for number in asking])
    rows = ({"request_id": number // ASKS + 1, "at": ago[number], "who": "caller", "what": "sent", "note": ""} for number in asking)
    await connection.execute(insert(request_events), list(rows))
    rows = ({"contact_id": n + 1, "version": "2026-11", "language": "en", "text": "I agree", "given_at": ago[n]} for n in asking)
    await connection.execute(insert(consents), list(rows))


def _request(sealer: Sealer, number: int, at: datetime) -> dict[str, Any]:
    is_open = number % IS_OPEN == 0
    return {
        "id": number // ASKS + 1,
        "reference": reference(number + 1, 1),
        "contact_id": number + 1,
        "topic": "",
        "state": "new" if is_open else "closed",
        "channel": "telegram",
        "language": "en",
        "call_language": "en",
        "details": sealer.seal(ANSWERS),
        "created_at": at,
        "due_at": at + timedelta(days=1),
        "next_at": at + timedelta(days=1),
        "claimed_by": None if is_open else "Staff",
        "ended_at": None if is_open else at + timedelta(hours=1),
    }


if __name__ == "__main__":
    asyncio.run(seed(Settings(_env_file=None), int(sys.argv[1]), int(sys.argv[2])))  # type: ignore[call-arg]
