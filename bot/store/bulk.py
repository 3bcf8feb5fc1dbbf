"""One statement for many rows, as every round writes them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, UpdateBase
from sqlalchemy.ext.asyncio import AsyncConnection

_Value = Callable[[Any], object]  # what the database gets for a value


class Bulk:
    """A statement to write rows with, all of them with the same columns; nothing is returned.

    SQLAlchemy works out parameters row by row, which takes it longer than SQLite takes to write them. What there is to work out is the
    same for all rows, so here it is done once.
    """

    def __init__(self, statement: UpdateBase) -> None:
        self._statement = statement
        self._sql = ""
        self._values: Sequence[tuple[str, _Value | None]] = ()  # of a row, in the order of the statement

    async def write(self, connection: AsyncConnection, rows: Sequence[Mapping[str, object]]) -> int:
        """How many rows that has added or changed."""
        if connection.dialect.name != "sqlite":
            return (await connection.execute(self._statement, rows)).rowcount
        if not self._sql:
            self._prepare(connection.dialect, rows[0])
        values = [tuple([value(row[name]) if value else row[name] for name, value in self._values]) for row in rows]
        return (await connection.exec_driver_sql(self._sql, values)).rowcount

    def _prepare(self, dialect: Dialect, row: Mapping[str, object]) -> None:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=list(row))
        kinds = [(name, compiled.binds[name].type.dialect_impl(dialect)) for name in compiled.positiontup]
        self._values = [(name, kind.bind_processor(dialect)) for name, kind in kinds]
        self._sql = compiled.string
