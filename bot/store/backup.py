"""Copies of the SQLite file made while the program serves: whole or not there at all, looked at before they count."""

import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, StaticPool, create_engine

from bot.store.crypto import Sealer
from bot.store.inspection import Findings, examine

_BUSY_SECONDS = 5.0
_STEPS = 20_000  # of SQLite's machine between two looks at whether to stop
_PARTIAL = ".part"
_STALE_SECONDS = 86_400  # what a copy that was killed left behind; a younger one may be under way


class BackupFailed(Exception):
    """No backup was made, or the file is no backup; the text says why."""


@dataclass(frozen=True, slots=True)
class Made:
    file: Path
    findings: Findings
    removed: int  # older ones


def folder_beside(file: Path) -> Path:
    """Where backups lie unless told otherwise."""
    return file.parent / "backups"


def back_up(file: Path, folder: Path, sealer: Sealer, now: datetime, keep: int, stop: threading.Event | None = None) -> Made:
    """Copies the database `file` into `folder`, of which the newest of each of `keep` days stay (0: all).

    Blocks, but no writer: it reads one snapshot. `stop`, set from another thread, ends it. Raises BackupFailed.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _need_room(file, folder)
        target = folder / f"{file.stem}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.db"
        partial = folder / f".{target.name}.{os.getpid()}-{threading.get_ident()}{_PARTIAL}"
        try:
            findings = _copy(file, partial, sealer, stop or threading.Event())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        _sync(folder)
        return Made(target, findings, _rotate(folder, file.stem, keep, now))
    except sqlite3.Error as error:
        raise BackupFailed(f"{file} cannot be copied: {error}.") from None
    except OSError as error:
        raise BackupFailed(f"No backup can be written to {folder}: {error.strerror}.") from None


def look_at(file: Path, sealer: Sealer, *, live: bool = False) -> Findings:
    """What is in a database file; `live`: somebody may be writing to it. Raises BackupFailed when there is none."""
    try:
        with _opened(file, threading.Event(), live=live) as connection, _examinable(connection) as examinable:
            return examine(examinable, sealer)
    except sqlite3.Error as error:
        raise BackupFailed(f"{file} cannot be opened: {error}.") from None
    except OSError as error:
        raise BackupFailed(f"{file} cannot be opened: {error.strerror}.") from None


def _copy(file: Path, partial: Path, sealer: Sealer, stop: threading.Event) -> Findings:
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # SQLite fills an empty file
    with _opened(file, stop, live=True) as connection:
        # Unlike a copy of the pages this leaves out what was deleted.
        connection.execute("VACUUM INTO ?", (str(partial),))
    with _opened(partial, stop) as connection, _examinable(connection) as examinable:
        findings = examine(examinable, sealer)
    if findings.problems:
        raise BackupFailed(f"The copy is not kept, because the database is not whole. {findings.problems[0]}")
    _sync(partial)
    return findings


@contextmanager
def _opened(file: Path, stop: threading.Event, *, live: bool = False) -> Iterator[sqlite3.Connection]:
    if not file.stat().st_size:
        raise BackupFailed(f"{file} is empty.")
    # A file at rest is opened as one that nobody changes: nothing is written beside it, which may not be possible.
    at_rest = not live and not file.with_name(f"{file.name}-wal").exists()
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode={'rw' if live else 'ro'}{'&immutable=1' if at_rest else ''}",
        uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False,
    )  # fmt: skip
    connection.set_progress_handler(stop.is_set, _STEPS)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _examinable(connection: sqlite3.Connection) -> Iterator[Connection]:
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool, hide_parameters=True)
    with engine.connect() as examinable:
        examinable.exec_driver_sql("BEGIN")  # all is seen as it was at one moment
        yield examinable


def _need_room(file: Path, folder: Path) -> None:
    """The backup must not be what fills the disk."""
    size = file.stat().st_size
    if shutil.disk_usage(folder).free < 2 * size:
        raise BackupFailed(f"There is not enough room in {folder}: twice the size of the database must be free.")


def _rotate(folder: Path, stem: str, keep: int, now: datetime) -> int:
    """Removes all but the last backup of each day, and days before the newest `keep`; all of today's stay."""
    for partial in folder.glob(f".{stem}-*{_PARTIAL}"):
        with suppress(OSError):
            if now.timestamp() - partial.stat().st_mtime > _STALE_SECONDS:
                partial.unlink()
    if not keep:
        return 0
    pattern = re.compile(rf"{re.escape(stem)}-(\d{{8}})T\d{{6}}Z\.db")
    days: dict[str, list[Path]] = {}
    for each in sorted(folder.iterdir()):
        if found := pattern.fullmatch(each.name):
            days.setdefault(found[1], []).append(each)
    newest, *older = sorted(days, reverse=True)
    stay = {*days[newest], *(days[day][-1] for day in older[: keep - 1])}
    gone = [each for files in days.values() for each in files if each not in stay]
    for each in gone:
        each.unlink(missing_ok=True)
    return len(gone)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
