"""Moving to another database: everything arrives exactly, numbers go on, and what cannot be copied leaves nothing behind."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import postgres
import pytest
from migrated import migrated
from people import ADA, BOB, NOW, answers, file_of, go_through, open_turnstile, queue
from program import Program
from sqlalchemy import insert, select, text

from bot.core.library import Content
from bot.core.model import Press, Text
from bot.store import copy
from bot.store.copy import CopyRefused, copy_database
from bot.store.database import Database, connect, open_database
from bot.store.schema import upgrade
from bot.store.staff_tables import cards, reminders, sign_ins, staff, staff_events, staff_sessions
from bot.store.tables import contacts, daily_counts, inbox, job_runs, metadata, requests, set_aside


@pytest.fixture
def url(tmp_path: Path) -> str:
    """These begin with an SQLite file."""
    return migrated(tmp_path / "test.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'target.db'}"
        return
    with request.getfixturevalue("cluster").database() as url:
        yield str(url)


def url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


async def fill(database: Database, content: Content) -> None:
    """Two people, of whom one has asked, and rows in the tables a dialogue does not fill."""
    async with open_turnstile(database, content) as turnstile:
        await go_through(turnstile, [*ADA.intake(content), BOB.does(Text("ein Wort: žluťoučký 🐎"))])
    async with database.write() as connection:
        await connection.execute(insert(contacts).values(id=900, session=database.sealer.seal("{}"), created_at=NOW, seen_at=NOW))
        await connection.execute(contacts.delete().where(contacts.c.id == 900))  # the highest number is not there any more
        await connection.execute(insert(job_runs).values(job="x", at=NOW.replace(microsecond=123456), affected=2**31 - 1))
        await connection.execute(insert(daily_counts).values(day=date(2026, 2, 28), name="Z", detail="", count=0))
        await connection.execute(insert(daily_counts).values(day=date(2026, 2, 28), name="a", detail="é", count=7))
        await connection.execute(insert(inbox), [{"channel": "post", "update_id": f"{n:x}", "at": NOW} for n in range(3 * copy.BATCH + 1)])
        values = {"channel": "post", "update_id": "u", "chat": "c", "event": bytes(range(256)), "error": "", "at": NOW}
        await connection.execute(insert(set_aside).values(values))
        await connection.execute(insert(staff).values(id=5, name="bea", role="admin", language="de", password_hash="h", created_at=NOW))
        await connection.execute(insert(cards).values(request_id=1, message="m", at=NOW))
        await connection.execute(insert(reminders).values(request_id=1, kind="due", about=NOW, at=NOW))
        await connection.execute(insert(sign_ins).values(key="k", failures=2, at=NOW))
        await connection.execute(insert(staff_events).values(at=NOW, who="bea", what="export"))
        await connection.execute(insert(staff_sessions).values(token_hash="t", staff_id=5, created_at=NOW, expires_at=NOW))


async def rows(database: Database) -> dict[str, list[str]]:
    async with database.read() as connection:
        return {table.name: sorted(repr(tuple(row)) for row in await connection.execute(select(table))) for table in metadata.sorted_tables}


async def test_everything_arrives_and_goes_on(database: Database, content: Content, target: str) -> None:
    """Every row of every table arrives as it was, numbers go on above all that were given, and so does the conversation."""
    await fill(database, content)
    counts = await copy_database(url_of(database), target, database.sealer)
    assert counts["inbox"] > 3 * copy.BATCH
    assert all(counts[table] for table in counts if table != "leases"), counts
    moved = await open_database(target, database.sealer)
    try:
        assert await rows(moved) == await rows(database)
        assert moved.lookup == database.lookup
        async with open_turnstile(moved, content) as turnstile:
            await go_through(turnstile, [ADA.does(Text("status")), *BOB.intake(content)])
        assert next(request.reference for request in await queue(database)) in (await answers(moved, ADA))[-1]
        assert len(await queue(moved)) == 2
        async with moved.write() as connection:
            row = insert(contacts).values(session=b"", created_at=NOW, seen_at=NOW).returning(contacts.c.id)
            assert (await connection.scalar(row) or 0) > 900
    finally:
        await moved.close()


async def test_a_database_with_data_is_refused(database: Database, content: Content, target: str) -> None:
    """Into a database that holds anything nothing is copied, and what it holds stays."""
    await copy_database(url_of(database), target, database.sealer)
    before = await rows(database)
    await fill(database, content)
    with pytest.raises(CopyRefused, match="not empty"):
        await copy_database(url_of(database), target, database.sealer)
    moved = await open_database(target, database.sealer)
    assert await rows(moved) == before
    await moved.close()


async def test_a_foreign_database_is_refused(database: Database, target: str) -> None:
    """A database with tables of somebody else gets none of ours."""
    foreign = connect(target)
    async with foreign.begin() as connection:
        await connection.execute(text("CREATE TABLE theirs (id INTEGER)"))
    await foreign.dispose()
    with pytest.raises(CopyRefused, match="not ours"):
        await copy_database(url_of(database), target, database.sealer)


async def test_a_copy_is_whole_or_not_there(database: Database, content: Content, cluster: postgres.Cluster) -> None:
    """A row the other database cannot hold ends the copy in a sentence without its values, and the other stays empty."""
    await fill(database, content)
    async with database.write() as connection:  # longer than its column, which SQLite does not mind
        await connection.execute(requests.update().values(language="a language of great length"))
    with cluster.database() as target:
        with pytest.raises(CopyRefused, match="requests: a row does not fit") as refusal:
            await copy_database(url_of(database), target, database.sealer)
        assert "great length" not in str(refusal.value)
        async with database.write() as connection:
            await connection.execute(requests.update().values(language="en"))
        await copy_database(url_of(database), target, database.sealer)  # which would be refused if anything were there


async def test_a_program_that_still_writes_is_noticed(database: Database, content: Content, target: str) -> None:
    """What is written to the old database during the copy is not lost without a word: the copy is refused."""
    await fill(database, content)
    opened = connect(target)
    async with opened.begin() as connection:
        await connection.run_sync(upgrade)
        async with database.read() as reader:
            await copy._copy_table(reader, connection, inbox)
        async with open_turnstile(database, content) as turnstile:
            await turnstile.submit(BOB.does(Press("callback")))
        async with database.read() as reader:
            with pytest.raises(CopyRefused, match="inbox: the copy differs"):
                await copy._compare(reader, connection, inbox)
    await opened.dispose()


async def test_the_command_copies(database: Database, content: Content, tmp_path: Path, key: str) -> None:
    """`db copy` says how much it copied; a mistake in the address, a missing source, or the database itself is one sentence."""
    await fill(database, content)
    program = Program(tmp_path, key, {"DATABASE_URL": f"sqlite+aiosqlite:///{file_of(database)}"})
    said = program.ok("db", "copy", "--to", f"sqlite+aiosqlite:///{tmp_path / 'new' / 'copy.db'}")
    assert "each was read back and is the same" in said
    assert "is whole" in program.ok("db", "verify", str(tmp_path / "new" / "copy.db"))
    for to, code, says in (
        ("mysql://x", 2, "--to: must begin with"),
        ("postgresql+asyncpg://bot@127.0.0.1:1/none", 1, "cannot be used"),
        (f"sqlite+aiosqlite:///{file_of(database)}", 1, "the database itself"),
        (f"sqlite+aiosqlite:///{tmp_path / 'new' / 'copy.db'}", 1, "not empty"),
    ):
        done = program.run("db", "copy", "--to", to)
        assert (done.returncode, says in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr
