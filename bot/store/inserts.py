"""What INSERT does differently in each database: conflicts, and the numbers that new rows get."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import Insert, Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.bulk import Bulk

_LAST = "SELECT last_insert_rowid()"


@cache
def upsert(dialect: str, table: Table) -> Any:
    """An insert into `table` that can say what to do on a conflict. Only the dialect that is used is loaded."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)


@cache
def _numbering(table: Table) -> Insert:
    return insert(table).returning(table.c.id, sort_by_parameter_order=True)


@cache
def _plain(table: Table, _columns: frozenset[str]) -> Bulk:
    return Bulk(insert(table))


async def insert_numbered(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, object]]) -> list[int]:
    """Inserts the rows, all with the same columns; the numbers they got, in order. In SQLite the table must be AUTOINCREMENT."""
    if connection.dialect.name != "sqlite":
        return list(await connection.scalars(_numbering(table), rows))
    # Whoever writes is alone, so they are counted on one by one [sqlite.org/autoinc.html]. RETURNING needs another statement for each
    # number of rows, and SQLite would have to parse it nearly every time: half again as slow.
    await _plain(table, frozenset(rows[0])).write(connection, rows)
    last: int = (await connection.exec_driver_sql(_LAST)).scalar_one()
    return list(range(last - len(rows) + 1, last + 1))
