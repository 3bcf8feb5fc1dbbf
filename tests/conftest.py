"""What every test may use: the shipped content, a fixed time, an open database of its own on SQLite and on PostgreSQL."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import postgres
import pytest
from migrated import migrated

from bot.content_rules import load
from bot.core.library import Content
from bot.store.crypto import Sealer, new_key
from bot.store.database import Database, open_database

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def content() -> Content:
    content = load(ROOT / "content")
    content.learn()
    return content


@pytest.fixture
def now() -> datetime:
    """A Monday morning, 10:00 in Berlin."""
    return datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def key() -> str:
    return new_key()


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server for the tests, if the machine has its programs."""
    programs = postgres.programs()
    if programs is None:
        if os.environ.get(postgres.REQUIRED):
            pytest.fail(postgres.ABSENT)
        pytest.skip(postgres.ABSENT)
    with postgres.running_cluster(programs) as running:
        yield running


@pytest.fixture
def postgresql_url(cluster: postgres.Cluster) -> str:
    return cluster.migrated()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the test's database is, or will be: every test that asks runs on both kinds, unless it is marked (people.py)."""
    return migrated(tmp_path / "test.db") if request.param == "sqlite" else str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
async def database(url: str, key: str) -> AsyncIterator[Database]:
    opened = await open_database(url, Sealer([key]))
    yield opened
    await opened.close()
