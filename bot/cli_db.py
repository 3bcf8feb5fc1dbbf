"""`oms-bot db`: backups, what is in a database, and moving to another one."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import make_url

from bot.cli_requests import with_database
from bot.config import Settings, WrongSettings, known_database, load_settings, sealer
from bot.logs import configure
from bot.store import backup
from bot.store.copy import copy_database
from bot.store.database import Database, connect
from bot.store.inspection import Findings, examine

app = typer.Typer(no_args_is_help=True, help="The database.")


class NotWhole(Exception):
    """Something is wrong with a database; the text says what."""


@app.command()
def upgrade() -> None:
    """Bring the schema up to date (every start does it by itself)."""

    async def opening_is_enough(_database: Database) -> None: ...

    with_database(opening_is_enough)
    print("The database is up to date.")


@app.command("backup")
def back_up(
    to: Annotated[Path | None, typer.Option(file_okay=False, help="The folder; `backups` beside the database if none.")] = None,
) -> None:
    """Copy the SQLite database while the program serves; the copy is looked at before it counts."""
    settings = _settings()
    file = settings.database_file
    if file is None:
        raise WrongSettings("A PostgreSQL database is backed up by its own means, for example pg_dump: see README, Backups.")
    made = backup.back_up(file, to or backup.folder_beside(file), sealer(settings), datetime.now(UTC), settings.backups)
    print(f"{made.file}: {sum(made.findings.counts.values())} rows, whole, and the data keys open it.")
    if made.removed:
        print(f"{made.removed} older ones were removed (OMSBOT_BACKUPS).")
    where = "OMSBOT_DATA_KEYS" if settings.keys else str(settings.key_file)
    print(f"The key is not in it. It is in {where}: keep a copy of it somewhere else, without it the backup cannot be read.")


@app.command()
def verify(file: Annotated[Path | None, typer.Argument(help="A backup; the database in use if none.")] = None) -> None:
    """Check that a database is whole, is ours, fits the key, and says nothing impossible."""
    settings = _settings()
    keys, live = sealer(settings), file is None
    file = file or settings.database_file
    name = str(file or "The PostgreSQL database")
    findings = backup.look_at(file, keys, live=live) if file else asyncio.run(_look_at_server(settings))
    if findings.problems:
        raise NotWhole("\n".join((f"{name} is not as it should be.", *findings.problems)))
    for table, count in findings.counts.items():
        print(f"{table:20}{count:>10}")
    print(f"{name} is whole: schema {findings.version}, the data keys fit.")


async def _look_at_server(settings: Settings) -> Findings:
    engine = connect(settings.database_url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(examine, sealer(settings))
    finally:
        await engine.dispose()


@app.command()
def copy(to: Annotated[str, typer.Option(help="postgresql+asyncpg://… or sqlite+aiosqlite:///…, of an empty database.")]) -> None:
    """Copy everything into another, empty database. Stop the program first."""
    settings = _settings()
    try:
        known_database(to)
    except ValueError as mistake:
        raise WrongSettings(f"--to: {mistake}.") from None
    counts = asyncio.run(copy_database(settings.database_url, to, sealer(settings)))
    for table, count in counts.items():
        print(f"{table:20}{count:>10}")
    shown = make_url(to).render_as_string(hide_password=True)
    print(
        f"{sum(counts.values())} rows copied to {shown}; each was read back and is the same. Set OMSBOT_DATABASE_URL to it, keep the keys."
    )


def _settings() -> Settings:
    settings = load_settings()
    configure("WARNING", settings.log_format)
    return settings
