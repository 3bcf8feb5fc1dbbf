"""A SQLite database with all tables and no row, to copy: running the migrations for each test takes half of the tests' time.

That they run, and what they make, is what `store/test_schema.py` and every test with a program of its own are about.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine

from bot.store.schema import upgrade


@cache
def _template() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "template.db"
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            upgrade(connection)
        engine.dispose()
        return file.read_bytes()


def migrated(file: Path) -> str:
    """The URL of the database in `file`, made if nothing is there."""
    if not file.exists():
        file.write_bytes(_template())
    return f"sqlite+aiosqlite:///{file}"
