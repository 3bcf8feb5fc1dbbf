"""Bringing the schema up to date, with Alembic where there is something to do."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect, text

_MIGRATIONS = Path(__file__).parents[2] / "migrations"
_VERSION = "alembic_version"


def versions() -> list[str]:
    """Every version of the schema there has been, the newest first: what the migrations' file names begin with."""
    return sorted((file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py")), reverse=True)


def behind(file: Path) -> bool:
    """Whether there may be something to do for the SQLite database in the file."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            version: object = connection.execute(f"SELECT version_num FROM {_VERSION}").fetchone()  # noqa: S608
    except sqlite3.Error:  # there is none yet, or opening it will say what is wrong
        return True
    return version != (versions()[0],)


def upgrade(connection: Connection) -> None:
    """Brings the schema up to date."""
    if inspect(connection).has_table(_VERSION) and connection.scalar(text(f"SELECT version_num FROM {_VERSION}")) == versions()[0]:  # noqa: S608
        return
    # At nearly every start there is nothing to do, and Alembic would cost a fifth of a second and 8 MB.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
