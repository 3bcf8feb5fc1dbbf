"""New rows know their numbers, however many come at once and whatever was there before."""

import pytest
from people import NOW
from sqlalchemy import delete, select

from bot.store.database import Database
from bot.store.inserts import insert_numbered
from bot.store.tables import outbox

ROW = {"channel": "post", "address": b"", "body": b"", "state": "ready", "created_at": NOW}


@pytest.mark.parametrize("number", [1, 2, 40])
async def test_rows_know_their_numbers(database: Database, number: int) -> None:
    """In order, also after the newest rows are gone: a number that is another row's would mark that one as sent."""
    async with database.write() as connection:
        for turn in range(3):
            chats = [f"{turn}-{each}" for each in range(number)]
            numbers = await insert_numbered(connection, outbox, [ROW | {"chat": chat} for chat in chats])
            found = await connection.execute(select(outbox.c.id, outbox.c.chat).where(outbox.c.id.in_(numbers)))
            assert {row.id: row.chat for row in found} == dict(zip(numbers, chats, strict=True))
            await connection.execute(delete(outbox).where(outbox.c.id.in_(numbers[-1:])))
