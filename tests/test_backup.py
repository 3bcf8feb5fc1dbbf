"""Backups: made while everything goes on, whole, private, few; and a lost database comes back from one."""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from migrated import migrated
from people import ADA, NOW, acquainted, file_of, go_through, open_turnstile
from program import Program
from prometheus_client import CollectorRegistry
from sqlalchemy import func, insert, select
from visitor import Visitor, consent, press

from bot import metrics, upkeep
from bot.core.library import Content
from bot.store import counts
from bot.store.backup import BackupFailed, back_up, look_at
from bot.store.crypto import Sealer, new_key
from bot.store.database import Database
from bot.store.tables import inbox

DAY = timedelta(days=1)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """These begin with an SQLite file."""
    return migrated(tmp_path / "test.db")


async def test_a_backup_is_a_consistent_moment(database: Database, tmp_path: Path) -> None:
    """A backup made while rows pour in holds whole transactions only, and all that were committed before it began."""
    stop = asyncio.Event()
    written = 0

    async def pour() -> None:
        nonlocal written
        while not stop.is_set():
            async with database.write() as connection:  # always two of a kind
                for side in ("left", "right"):
                    await connection.execute(insert(inbox).values(channel=side, update_id=str(written), at=NOW))
            written += 1

    pouring = asyncio.create_task(pour())
    for number in range(5):
        while written < 20 * (number + 1):  # noqa: ASYNC110 the writer does not tell
            await asyncio.sleep(0.002)
        before = written
        moment = NOW + timedelta(seconds=number)
        made = await asyncio.to_thread(back_up, file_of(database), tmp_path / "kept", database.sealer, moment, 0)
        with closing(sqlite3.connect(made.file)) as copy:
            left, right = (
                copy.execute("SELECT count(*) FROM inbox WHERE channel = ?", (side,)).fetchone()[0] for side in ("left", "right")
            )
        assert left == right >= before
    stop.set()
    await pouring


async def test_a_backup_is_private_and_whole(database: Database, tmp_path: Path, key: str) -> None:
    """Only its owner can read a backup, its name says when in UTC, no half file stays, and the key is not in it."""
    await acquainted(database, ADA)
    moment = datetime(2026, 11, 23, 23, 30, tzinfo=UTC).astimezone()
    made = back_up(file_of(database), tmp_path / "kept", database.sealer, moment, 3)
    assert made.file.name == "test-20261123T233000Z.db"
    assert [each.name for each in made.file.parent.iterdir()] == [made.file.name]
    assert made.file.stat().st_mode & 0o777 == 0o600
    assert key.encode() not in made.file.read_bytes()
    assert (made.findings.problems, made.findings.counts["contacts"]) == ([], 1)


async def test_what_was_deleted_is_in_no_backup(database: Database, tmp_path: Path) -> None:
    """What was erased before a backup is not in it, not even in unused pages."""
    async with database.write() as connection:
        await connection.execute(insert(inbox), [{"channel": "post", "update_id": f"erased-{n}", "at": NOW} for n in range(500)])
    async with database.write() as connection:
        await connection.execute(inbox.delete())
    made = back_up(file_of(database), tmp_path / "kept", database.sealer, NOW, 3)
    assert b"erased-" not in made.file.read_bytes()


async def test_old_backups_go(database: Database, tmp_path: Path) -> None:
    """Of each day the last backup stays, of the newest days only, of today all; files of others are left alone."""
    folder = tmp_path / "kept"
    moments = [NOW - days * DAY - hours * timedelta(hours=1) for days in (4, 3, 2, 1) for hours in (2, 1)] + [NOW]
    folder.mkdir()
    (folder / "mine.db").touch()
    (folder / "other-20200101T000000Z.db").touch()
    for moment in moments:
        back_up(file_of(database), folder, database.sealer, moment, 3)
    stayed = sorted(each.name for each in folder.glob("test-*"))
    assert stayed == [f"test-{moment:%Y%m%dT%H%M%SZ}.db" for moment in (NOW - 2 * DAY - DAY / 24, NOW - DAY - DAY / 24, NOW)]
    assert {"mine.db", "other-20200101T000000Z.db"} <= {each.name for each in folder.iterdir()}


def _garble(file: Path) -> None:
    written = bytearray(file.read_bytes())
    middle = len(written) // 2 // 4096 * 4096
    written[middle : middle + 8192] = b"\xff" * 8192
    file.write_bytes(written)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:10_000])


def _run(*statements: str) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA ignore_check_constraints=ON")
            for statement in statements:
                connection.execute(statement)

    return change


_REQUEST = (
    "INSERT INTO requests (reference, contact_id, topic, state, channel, language, details, created_at, due_at) "
    "SELECT 'OMS-1', {contact}, '', '{state}', 'post', 'en', session, created_at, created_at FROM contacts"
)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(_garble, "damaged", id="garbled"),
        pytest.param(_cut, "damaged", id="cut off"),
        pytest.param(lambda file: file.write_bytes(b"no database " * 900), "no database", id="foreign file"),
        pytest.param(_run("DROP TABLE vault"), "no database of oms-bot", id="foreign database"),
        pytest.param(_run("UPDATE alembic_version SET version_num = '9999'"), "version 9999", id="from the future"),
        pytest.param(_run("UPDATE contacts SET session = x'00'"), "contacts: 1 of 1 values", id="a session under another key"),
        pytest.param(
            _run(_REQUEST.format(contact="id", state="new"), "UPDATE requests SET details = x'00'"), "requests: 1 of 1", id="a request"
        ),
        pytest.param(_run(_REQUEST.format(contact="id", state="claimed")), "claimed by nobody", id="claimed by nobody"),
        pytest.param(_run(_REQUEST.format(contact="id", state="closed")), "requests: 1 are ended and open", id="closed without end"),
        pytest.param(_run(_REQUEST.format(contact="77", state="new")), "rows that are not there", id="a request of nobody"),
        pytest.param(_run("UPDATE sqlite_sequence SET seq = 0"), "number was given before", id="numbers begin again"),
    ],
)
async def test_what_is_wrong_is_found(database: Database, tmp_path: Path, damage: Callable[[Path], object], says: str) -> None:
    """Of a database that is whole nothing is said; each kind of damage is found and named."""
    await acquainted(database, ADA)
    file = back_up(file_of(database), tmp_path / "kept", database.sealer, NOW, 3).file
    assert look_at(file, database.sealer).problems == []
    damage(file)
    assert says in " ".join(look_at(file, database.sealer).problems)


async def test_another_key_is_noticed(database: Database) -> None:
    """With data keys that are not the database's own the look at it says so, and a backup that cannot be read is not kept."""
    folder = file_of(database).parent / "kept"
    assert "data keys do not fit" in look_at(file_of(database), Sealer([new_key()]), live=True).problems[0]
    with pytest.raises(BackupFailed, match="data keys do not fit"):
        back_up(file_of(database), folder, Sealer([new_key()]), NOW, 3)
    assert list(folder.iterdir()) == []


async def test_a_damaged_database_drives_out_no_backup(database: Database, tmp_path: Path) -> None:
    """When the database is damaged there is no new backup, and the good old ones stay."""
    good = back_up(file_of(database), tmp_path / "kept", database.sealer, NOW - 9 * DAY, 1).file
    await database.close()
    _garble(file_of(database))
    with pytest.raises(BackupFailed):
        back_up(file_of(database), tmp_path / "kept", database.sealer, NOW, 1)
    assert list(good.parent.iterdir()) == [good]


async def test_a_backup_can_be_stopped(database: Database, tmp_path: Path) -> None:
    """A backup that is told to stop ends early and leaves nothing behind."""
    async with database.write() as connection:
        await connection.execute(insert(inbox), [{"channel": "post", "update_id": f"update-{n}", "at": NOW} for n in range(5000)])
    stop = threading.Event()
    stop.set()
    with pytest.raises(BackupFailed, match="interrupted"):
        back_up(file_of(database), tmp_path / "kept", database.sealer, NOW, 3, stop)
    assert list((tmp_path / "kept").iterdir()) == []


async def test_one_backup_a_day_by_itself(database: Database, tmp_path: Path) -> None:
    """The upkeep makes one backup a day, each with its proof in `job_runs`, and no second one on the same day."""
    backups = upkeep.Backups(file_of(database), tmp_path / "kept", 14)
    moments = (NOW, NOW + timedelta(hours=1), NOW + DAY)
    assert [await upkeep.back_up_daily(database, backups, moment) for moment in moments] == [True, False, True]
    assert len(list(backups.folder.iterdir())) == 2
    async with database.read() as connection:
        assert await counts.last_run(connection, upkeep.BACK_UP) == NOW + DAY


async def test_a_failed_backup_stops_nothing(database: Database, content: Content, tmp_path: Path) -> None:
    """A backup that cannot be written is counted, the other jobs run, and once it can be written it is made."""
    (tmp_path / "a file").touch()
    backups = upkeep.Backups(file_of(database), tmp_path / "a file" / "kept", 14)
    before = _failures(metrics.registry)
    assert not await upkeep.back_up_daily(database, backups, NOW)
    assert _failures(metrics.registry) == before + 1
    async with open_turnstile(database, content) as turnstile:
        await go_through(turnstile, ADA.intake(content))
    (tmp_path / "a file").unlink()
    assert await upkeep.back_up_daily(database, backups, NOW)


def _failures(registry: CollectorRegistry) -> float:
    return registry.get_sample_value("omsbot_jobs_failed_total", {"job": upkeep.BACK_UP}) or 0


def test_a_lost_database_comes_back(tmp_path: Path) -> None:
    """A request made, a backup while serving, the database lost and put back: the request is there, the conversation goes on."""
    program = Program(tmp_path)
    file = tmp_path / "data" / "bot.db"
    with program.serving() as server:
        ada = Visitor(server)
        yes = consent(ada.sends(server, press("callback")))
        for event in (press(yes), {"type": "text", "text": "+44 20 7946 0018"}, press("send")):
            ada.sends(server, event)
        [request] = program.queue()
        said = program.ok("db", "backup", "--to", str(tmp_path / "kept"))
        assert "key is not in it" in said
        assert "OMSBOT_DATA_KEYS" in said
        shown = ada.everything(server)
        server.kill()
    for each in file.parent.glob("bot.db*"):
        each.unlink()
    [kept] = (tmp_path / "kept").iterdir()
    assert "is whole" in program.ok("db", "verify", str(kept))
    shutil.copy(kept, file)
    with program.serving() as server:
        assert ada.everything(server) == shown
        [status] = ada.sends(server, {"type": "text", "text": "status"}, str(uuid4()))
        assert request.reference in status["html"]
        assert "is whole" in program.ok("db", "verify")
    assert program.queue() == [request]
    _garble(kept)
    done = program.run("db", "verify", str(kept))
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not as it should be" in done.stderr
    assert "Traceback" not in done.stderr


async def test_looking_changes_nothing(database: Database, tmp_path: Path) -> None:
    """A look at a backup leaves no file beside it and the backup as it was, also where nothing may be written."""
    made = back_up(file_of(database), tmp_path / "kept", database.sealer, NOW, 3)
    before = made.file.read_bytes()
    made.file.parent.chmod(0o500)
    assert look_at(made.file, database.sealer).problems == []
    made.file.parent.chmod(0o700)
    assert ([*made.file.parent.iterdir()], made.file.read_bytes()) == ([made.file], before)
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(inbox)) == 0
