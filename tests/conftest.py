"""What every test may use: the shipped content, a fixed time, an open database of its own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.content_rules import load
from bot.core.library import Content
from bot.store.crypto import Sealer, new_key
from bot.store.database import Database, open_database

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def content() -> Content:
    return load(ROOT / "content")


@pytest.fixture
def now() -> datetime:
    """A Monday morning, 10:00 in Berlin."""
    return datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def key() -> str:
    return new_key()


@pytest.fixture
async def database(tmp_path: Path, key: str) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}", Sealer([key]))
    yield opened
    await opened.close()
