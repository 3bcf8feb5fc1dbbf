"""Looks at a database without changing it: is it whole, is it ours, does the key fit, can what it says be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, func, inspect, literal_column, select, text
from sqlalchemy.exc import DBAPIError

from bot.store.crypto import Sealer, WrongKey
from bot.store.schema import versions
from bot.store.tables import OPEN_STATES, contact_addresses, contacts, metadata, outbox, request_events, requests, vault

SAMPLE = 20  # sealed values of a column that are opened, oldest and newest
_SEALED: tuple[tuple[Table, Column[Any]], ...] = (
    (contacts, contacts.c.session),
    (contact_addresses, contact_addresses.c.address),
    (requests, requests.c.details),
    (outbox, outbox.c.body),
    (request_events, request_events.c.words),
)
_CANNOT_BE = {
    "claimed by nobody": select(func.count()).where(requests.c.state == "claimed", requests.c.claimed_by.is_(None)),
    "ended and open at once": select(func.count()).where(requests.c.ended_at.is_not(None) == requests.c.state.in_(OPEN_STATES)),
    "of nobody": select(func.count()).where(requests.c.contact_id.not_in(select(contacts.c.id))),
}


@dataclass(frozen=True, slots=True)
class Findings:
    version: str
    counts: dict[str, int]  # rows by table
    problems: list[str]  # sentences without personal data; none: all is well


def examine(connection: Connection, sealer: Sealer) -> Findings:
    """Everything that can be told about the database behind `connection`; never raises for what it finds."""
    version, counts = "", {}
    problems: list[str] = []
    try:
        if connection.dialect.name == "sqlite":
            problems += _damages(connection)
        present = set(inspect(connection).get_table_names())
        if "alembic_version" not in present or "vault" not in present:
            return Findings("", {}, [*problems, "This is no database of oms-bot."])
        version = str(connection.scalar(text("SELECT version_num FROM alembic_version")))
        counts = {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
            if table.name in present
        }
        if version in versions():
            problems += _unreadable(connection, sealer)
            problems += _impossible(connection)
        else:
            problems.append(f"Its schema has the version {version}, which this program does not know: use the program that made it.")
    except DBAPIError as error:
        name = str(getattr(error.orig, "sqlite_errorname", type(error.orig).__name__))
        problems.append(f"It cannot be read to its end ({name}): it is damaged or no database.")
    return Findings(version, counts, problems)


def _damages(connection: Connection) -> Iterator[str]:
    found = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check(5)"))]
    if found != ["ok"]:
        yield f"It is damaged: {'; '.join(line for each in found for line in each.splitlines())[:300]}."
    strays = [str(row[0]) for row in connection.execute(text("PRAGMA foreign_key_check"))]
    for table in sorted(set(strays)):
        yield f"{table}: {strays.count(table)} rows belong to rows that are not there."


def _unreadable(connection: Connection, sealer: Sealer) -> Iterator[str]:
    secrets = connection.scalars(select(vault.c.secret)).all()
    if not secrets:
        yield "Its vault is empty: nobody could be found again by their address."
    if not all(_opens(sealer, secret) for secret in secrets):
        yield "The data keys do not fit: set OMSBOT_DATA_KEYS to the keys it was made with."
        return
    for table, column in _SEALED:
        ends = (table.c.id, table.c.id.desc())
        sample = {
            row.id: row[1]
            for end in ends
            for row in connection.execute(select(table.c.id, column).where(column.is_not(None)).order_by(end).limit(SAMPLE))
        }
        closed = sum(not _opens(sealer, sealed) for sealed in sample.values())
        if closed:
            yield f"{table.name}: {closed} of {len(sample)} values looked at cannot be opened with the data keys."


def _opens(sealer: Sealer, sealed: bytes) -> bool:
    try:
        sealer.open(sealed)
    except (WrongKey, TypeError):  # not even bytes
        return False
    return True


def _impossible(connection: Connection) -> Iterator[str]:
    for what, query in _CANNOT_BE.items():
        if found := connection.scalar(query.select_from(requests)):
            yield f"requests: {found} are {what}."
    if connection.dialect.name == "sqlite":
        for table in metadata.sorted_tables:
            if table.dialect_options["sqlite"]["autoincrement"]:
                given: Select[tuple[int]] = select(literal_column("seq")).select_from(text("sqlite_sequence")).where(text("name = :name"))
                if (connection.scalar(select(func.max(table.c.id))) or 0) > (connection.scalar(given, {"name": table.name}) or 0):
                    yield f"{table.name}: the next number was given before."
