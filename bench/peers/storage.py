"""SQLite in the handlers, committed at every step: who is there, what they see, what they asked for."""

import os
from datetime import UTC, datetime

import aiosqlite

_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS people (id INTEGER PRIMARY KEY, name TEXT, screen TEXT, seen_at TEXT);
CREATE TABLE IF NOT EXISTS requests (id INTEGER PRIMARY KEY, person INTEGER, phone TEXT, created_at TEXT);
"""
_SEEN = "INSERT INTO people VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET screen = excluded.screen, seen_at = excluded.seen_at"


class Storage:
    async def open(self) -> None:
        self._connection = await aiosqlite.connect(os.environ["DATABASE"])
        await self._connection.executescript(_TABLES)

    async def seen(self, person: int, name: str, screen: str) -> None:
        await self._connection.execute(_SEEN, (person, name, screen, datetime.now(UTC).isoformat()))
        await self._connection.commit()

    async def request(self, person: int, phone: str) -> None:
        values = (person, phone, datetime.now(UTC).isoformat())
        await self._connection.execute("INSERT INTO requests (person, phone, created_at) VALUES (?, ?, ?)", values)
        await self._connection.commit()

    async def close(self) -> None:
        await self._connection.close()
