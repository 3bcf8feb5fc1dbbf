"""Everything from one database into another, empty one, of the same kind or not: all of it and exactly it, or nothing."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import RowMapping, Table, func, insert, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.store.crypto import Sealer
from bot.store.database import connect, open_database
from bot.store.outages import is_outage
from bot.store.schema import upgrade
from bot.store.tables import metadata

BATCH = 500  # rows


class CopyRefused(Exception):
    """Nothing was copied; the text says why."""


async def copy_database(source: str, target: str, sealer: Sealer) -> dict[str, int]:
    """Copies all tables in one transaction; how many rows of each. Raises CopyRefused, WrongKey.

    The rows are read back and compared with a second look at the source before the transaction ends.
    """
    if make_url(source) == make_url(target):
        raise CopyRefused("That is the database itself: name another one.")
    _need_there(source)
    old = await open_database(source, sealer)
    new = connect(target)
    try:
        await _need_answer(new)
        async with new.begin() as connection:
            await _need_empty(connection)
            await connection.run_sync(upgrade)
        async with new.begin() as connection:
            async with old.engine.connect() as reader:
                for table in metadata.sorted_tables:
                    await _copy_table(await _snapshot(reader), connection, table)
            async with old.engine.connect() as reader:
                await _snapshot(reader)
                return {table.name: await _compare(reader, connection, table) for table in metadata.sorted_tables}
    finally:
        await new.dispose()
        await old.close()


def _need_there(source: str) -> None:
    """An SQLite file that is not there would be made."""
    url = make_url(source)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise CopyRefused(f"There is no database {url.database}.")


async def _need_answer(engine: AsyncEngine) -> None:
    try:
        async with engine.connect() as connection:
            await connection.execute(select(1))
    except Exception as error:  # each driver has its own for no server, no such database, a wrong password
        kind = type(getattr(error, "orig", None) or error).__name__
        raise CopyRefused(f"The other database cannot be used ({kind}): check that it is there, and the address given with --to.") from None


async def _snapshot(connection: AsyncConnection) -> AsyncConnection:
    """The connection, with one view of the database until it is given back."""
    if connection.dialect.name == "sqlite":
        return await connection.execution_options(reads_only=True)
    if not connection.in_transaction():
        await connection.execution_options(isolation_level="REPEATABLE READ")
    return connection


async def _need_empty(connection: AsyncConnection) -> None:
    present = set(await connection.run_sync(lambda plain: inspect(plain).get_table_names()))
    if present and "alembic_version" not in present:
        raise CopyRefused("The other database holds tables that are not ours: make an empty one for the bot.")
    for table in metadata.sorted_tables:
        if table.name in present and await connection.scalar(select(func.count()).select_from(table)):
            raise CopyRefused(f"The other database is not empty ({table.name}): make a new one, nothing was copied.")


async def _copy_table(reader: AsyncConnection, writer: AsyncConnection, table: Table) -> None:
    try:
        async for rows in _batches(reader, table):
            await writer.execute(insert(table), [dict(row) for row in rows])
        await _go_on_from(writer, table, await _last_number(reader, table))
    except DBAPIError as error:
        if is_outage(error):
            raise
        raise CopyRefused(f"{table.name}: a row does not fit there ({type(error.orig).__name__}); nothing was copied.") from None


async def _batches(connection: AsyncConnection, table: Table) -> AsyncIterator[Sequence[RowMapping]]:
    query = select(table).order_by(*table.primary_key.columns)
    async with connection.stream(query, execution_options={"yield_per": BATCH}) as found:
        async for rows in found.mappings().partitions():
            yield rows


async def _compare(reader: AsyncConnection, writer: AsyncConnection, table: Table) -> int:
    """How many rows both have; raises when they are not the same."""
    old, new = await _digest(reader, table), await _digest(writer, table)
    if old != new:
        raise CopyRefused(f"{table.name}: the copy differs. Stop the program, then copy again; nothing was copied.")
    return new[0]


async def _digest(connection: AsyncConnection, table: Table) -> tuple[int, int]:
    """How many rows and the sum of their hashes: the order, which is each database's own for texts, does not count."""
    count = total = 0
    async for rows in _batches(connection, table):
        for row in rows:
            hashed = hashlib.sha256(b"".join(_canonical(value) for value in row.values())).digest()
            count, total = count + 1, (total + int.from_bytes(hashed, "big")) % 2**256
    return count, total


def _canonical(value: object) -> bytes:
    """The value with its kind and length, the same from every database."""
    match value:
        case bytes():
            written = value
        case datetime() | date():
            written = value.isoformat().encode()
        case _:
            written = str(value).encode("utf-8", "surrogatepass")
    return f"{type(value).__name__}:{len(written)}:".encode() + written


async def _last_number(connection: AsyncConnection, table: Table) -> int:
    """The highest number a row of the table has had; 0 when it was none, or the table counts nothing."""
    if "id" not in table.columns:
        return 0
    highest: int = await connection.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0
    if connection.dialect.name != "sqlite":
        query = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM "  # our own names
        return max(highest, await connection.scalar(text(query + await _sequence(connection, table))) or 0)
    if not table.dialect_options["sqlite"]["autoincrement"]:
        return highest
    query = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = :name"
    return max(highest, await connection.scalar(text(query), {"name": table.name}) or 0)


async def _go_on_from(connection: AsyncConnection, table: Table, number: int) -> None:
    """The next row gets a number above `number`."""
    if not number:
        return
    if connection.dialect.name != "sqlite":
        await connection.execute(text("SELECT setval(CAST(:name AS regclass), :number)"), {
            "name": await _sequence(connection, table), "number": number,
        })  # fmt: skip
    elif table.dialect_options["sqlite"]["autoincrement"]:
        await connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
        values = {"name": table.name, "number": number}
        await connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)"), values)


async def _sequence(connection: AsyncConnection, table: Table) -> str:
    return str(await connection.scalar(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table.name}))
