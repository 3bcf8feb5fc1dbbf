"""Who of the staff is signed in. A session is known by its token, of which only a hash is stored."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.staff_tables import staff, staff_sessions

LASTS = timedelta(hours=12)
IDLE = timedelta(hours=2)  # without use ends it too
_OFTEN = timedelta(minutes=1)  # its use is written down no more often than this


@dataclass(frozen=True, slots=True)
class StaffSession:
    """Somebody's being signed in."""

    member: int
    created_at: datetime
    expires_at: datetime

    def prolonged(self, now: datetime) -> datetime | None:
        """Until when it lasts now that it is used; None when that is too little to be written down."""
        until = _until(self.created_at, now)
        return until if until - self.expires_at >= _OFTEN else None


def _until(created: datetime, now: datetime) -> datetime:
    return min(created + LASTS, now + IDLE)


async def begin_session(connection: AsyncConnection, member: int, now: datetime) -> str:
    """Its token."""
    token = secrets.token_urlsafe(32)
    row = {"token_hash": _hash(token), "staff_id": member, "created_at": now, "expires_at": _until(now, now)}
    await connection.execute(insert(staff_sessions).values(row))
    return token


async def of_session(connection: AsyncConnection, token: str, now: datetime) -> StaffSession | None:
    """The session, if it lasts and its member is not disabled."""
    query = select(staff_sessions).join(staff, staff.c.id == staff_sessions.c.staff_id)
    lasting = (staff_sessions.c.token_hash == _hash(token), staff_sessions.c.expires_at > now, staff.c.disabled_at.is_(None))
    row = (await connection.execute(query.where(*lasting))).first()
    return StaffSession(row.staff_id, row.created_at, row.expires_at) if row else None


async def prolong_session(connection: AsyncConnection, token: str, until: datetime) -> None:
    await connection.execute(update(staff_sessions).where(staff_sessions.c.token_hash == _hash(token)).values(expires_at=until))


async def end_session(connection: AsyncConnection, token: str) -> int | None:
    """The id of the member whose session it was; None when there was none."""
    ended = delete(staff_sessions).where(staff_sessions.c.token_hash == _hash(token))
    member: int | None = await connection.scalar(ended.returning(staff_sessions.c.staff_id))
    return member


async def end_sessions(connection: AsyncConnection, member: int, *, keep: str = "") -> None:
    """All of a member but the one with the token `keep`."""
    others = (staff_sessions.c.staff_id == member, staff_sessions.c.token_hash != _hash(keep))
    await connection.execute(delete(staff_sessions).where(*others))


async def forget_sessions(connection: AsyncConnection, now: datetime) -> int:
    """Removes those that have run out."""
    return (await connection.execute(delete(staff_sessions).where(staff_sessions.c.expires_at <= now))).rowcount


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
