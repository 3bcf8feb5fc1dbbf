"""What all tables are made of."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Dialect, Index, Integer, MetaData, TypeDecorator, event, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """An aware moment, in UTC. SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], object]:
        # Every message writes several, mostly the same; SQLAlchemy's own way takes four times as long and gives the same.
        return _text if dialect.name == "sqlite" else _utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


def _utc(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return value.astimezone(UTC) if value else None


def _text(value: datetime | None) -> str | None:
    moment = _utc(value)
    return _written(moment) if moment else None


@lru_cache
def _written(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def identity() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def partial(name: str, *columns: Column[Any], where: str, unique: bool = False) -> Index:
    """An index of some rows only."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where))


@event.listens_for(metadata, "before_create")
def _partial_too(_: MetaData, connection: Connection, **__: object) -> None:
    """Partial indexes are so in PostgreSQL too. Said where they are defined, it would load all that SQLAlchemy knows of it: 2 MB."""
    for index in (index for table in metadata.tables.values() for index in table.indexes):
        index.dialect_options[connection.dialect.name]["where"] = index.dialect_options["sqlite"]["where"]
