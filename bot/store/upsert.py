"""INSERT … ON CONFLICT, which each database has in a dialect of its own."""

from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import Table


@cache
def upsert(dialect: str, table: Table) -> Any:
    """An insert into `table` that can say what to do on a conflict. Only the dialect that is used is loaded."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
