"""What an error of the database means: it is away, somebody else was quicker, or something is wrong with the data."""

from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# SQLSTATEs of PostgreSQL, or their beginnings: no connection, no room, cancelled, stopping or starting, trouble of the
# system, inside, with the files; a standby that takes no writes; a password or database that is not there.
READ_ONLY = "25006"
_OUTAGES = ("08", "53", "57", "58", "XX", "F0", READ_ONLY, "28", "3D", "55P03")
_CONFLICTS = ("40001", "40P01", "23505")  # not serializable, deadlock, the same row made by somebody else meanwhile


class Unreachable(Exception):
    """No connection to the database can be had."""


def is_outage(error: BaseException) -> bool:
    """Whether the database could not be reached, read or written, rather than refusing this very data."""
    if isinstance(error, Unreachable | ConnectionError | TimeoutError | PoolTimeout):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if state := sqlstate(error):
        return state.startswith(_OUTAGES)
    # The plain DatabaseError is SQLite's "not a database" and "malformed"; its other subclasses are about the data.
    return isinstance(error, OperationalError | InterfaceError | InternalError) or type(error) is DatabaseError


def is_conflict(error: BaseException) -> bool:
    """Whether another instance did something at the same time, so that the same transaction may well pass now."""
    return sqlstate(error) in _CONFLICTS


def sqlstate(error: BaseException) -> str:
    """What PostgreSQL calls the error; "" when it is none of its own."""
    return str(getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None) or "")
