"""The accounts of staff and what they are found by. Which changes somebody may make is decided in `bot/staff/accounts.py`."""

import hmac
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import staff_sessions as sessions
from bot.store.crypto import Sealer
from bot.store.database import Database
from bot.store.staff_tables import staff, staff_events

MAX_NAME = 60
CODE_LASTS = timedelta(minutes=15)


class NameTaken(Exception):
    """Somebody is called so already; the text says it."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the staff, as others may see them."""

    id: int
    name: str
    role: str
    language: str  # of the console
    has_totp: bool
    linked: bool  # to their Telegram
    disabled: bool

    @property
    def admin(self) -> bool:
        return self.role == "admin"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is checked against."""

    member: Member
    password_hash: str = field(repr=False)
    totp: str = field(repr=False)  # the secret of the one-time codes, "" when none are asked for


def folded(name: str) -> str:
    """The name as it is compared: however a phone's keyboard has begun it, it is the same."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


async def members(connection: AsyncConnection) -> list[Member]:
    """Everybody, the disabled too, by name."""
    return [_member(row) for row in await connection.execute(select(staff).order_by(func.lower(staff.c.name), staff.c.id))]


async def by_name(connection: AsyncConnection, name: str) -> Member | None:
    """The one who is called so; capitals do not matter."""
    wanted = folded(name)
    return next((member for member in await members(connection) if folded(member.name) == wanted), None)


async def by_id(connection: AsyncConnection, member: int) -> Member | None:
    row = (await connection.execute(select(staff).where(staff.c.id == member))).first()
    return _member(row) if row else None


async def credentials(connection: AsyncConnection, sealer: Sealer, name: str, *, lock: bool = False) -> Credentials | None:
    """`lock`: nobody changes the account before this transaction ends."""
    member = await by_name(connection, name)
    if member is None:
        return None
    query = select(staff).where(staff.c.id == member.id)
    row = (await connection.execute(query.with_for_update() if lock else query)).one()
    return Credentials(_member(row), row.password_hash, sealer.open(row.totp).decode() if row.totp else "")


async def add(connection: AsyncConnection, name: str, role: str, language: str, password_hash: str, now: datetime) -> Member:
    """Raises NameTaken."""
    taken = NameTaken(f"There is somebody called {name!r} already: take another name.")
    if await by_name(connection, name):
        raise taken
    row = {"name": name, "role": role, "language": language, "password_hash": password_hash, "created_at": now}
    try:
        async with connection.begin_nested():
            number = await connection.scalar(insert(staff).values(row).returning(staff.c.id)) or 0
    except IntegrityError:
        raise taken from None
    return Member(number, name, role, language, has_totp=False, linked=False, disabled=False)


async def set_password(connection: AsyncConnection, member: int, password_hash: str, *, keep: str = "") -> None:
    """Ends their sessions with the old one, but for the one with the token `keep`; a link code made in one of them is void."""
    await _set(connection, member, password_hash=password_hash, link_code=None, link_until=None)
    await sessions.end_sessions(connection, member, keep=keep)


async def renew_hash(connection: AsyncConnection, member: int, password_hash: str) -> None:
    """The same password, hashed anew."""
    await _set(connection, member, password_hash=password_hash)


async def set_role(connection: AsyncConnection, member: int, role: str) -> None:
    await _set(connection, member, role=role)


async def set_language(connection: AsyncConnection, member: int, language: str) -> None:
    await _set(connection, member, language=language)


async def set_totp(connection: AsyncConnection, sealer: Sealer, member: int, secret: str, step: int) -> None:
    """From now on a one-time code of `secret` is asked for, later than that of `step`."""
    await _set(connection, member, totp=sealer.seal(secret), totp_step=step)


async def clear_totp(connection: AsyncConnection, member: int) -> None:
    await _set(connection, member, totp=None, totp_step=None)


async def use_totp(connection: AsyncConnection, member: int, step: int) -> bool:
    """Whether the one-time code of `step` counts: only once, and none before it afterwards."""
    unused = or_(staff.c.totp_step.is_(None), staff.c.totp_step < step)
    return (await connection.execute(update(staff).where(staff.c.id == member, unused).values(totp_step=step))).rowcount == 1


async def disable(connection: AsyncConnection, member: int, now: datetime) -> None:
    """Ends all their sessions at once, and voids a link code."""
    await _set(connection, member, disabled_at=now, link_code=None, link_until=None)
    await sessions.end_sessions(connection, member)


async def enable(connection: AsyncConnection, member: int) -> None:
    await _set(connection, member, disabled_at=None)


async def other_admins(connection: AsyncConnection, member: int) -> int:
    """How many admins would be left without this one. They cannot change before the transaction ends."""
    active = (staff.c.role == "admin", staff.c.disabled_at.is_(None))
    found = await connection.scalars(select(staff.c.id).where(*active).order_by(staff.c.id).with_for_update())
    return sum(1 for number in found if number != member)


async def make_link_code(connection: AsyncConnection, database: Database, member: int, code: str, now: datetime) -> None:
    """From now on `code` links a Telegram account to the member, once and for 15 minutes; an earlier code no more."""
    await _set(connection, member, link_code=_code_key(database, code), link_until=now + CODE_LASTS)


async def link_telegram(connection: AsyncConnection, database: Database, code: str, user: str, now: datetime) -> Member | None:
    """The member whose code it is, from now on known by this Telegram user id; None when the code does not count."""
    fits = (staff.c.link_code == _code_key(database, code), staff.c.link_until > now, staff.c.disabled_at.is_(None))
    number = await connection.scalar(update(staff).where(*fits).values(link_code=None, link_until=None).returning(staff.c.id))
    if number is None:
        return None
    key = telegram_key(database, user)
    await connection.execute(update(staff).where(staff.c.telegram == key).values(telegram=None))  # they had another account
    await _set(connection, number, telegram=key)
    return await by_id(connection, number)


async def unlink_telegram(connection: AsyncConnection, member: int) -> None:
    await _set(connection, member, telegram=None)


async def by_telegram(connection: AsyncConnection, key: str) -> Member | None:
    """The active member who is known by this `telegram_key`."""
    row = (await connection.execute(select(staff).where(staff.c.telegram == key, staff.c.disabled_at.is_(None)))).first()
    return _member(row) if row else None


def telegram_key(database: Database, user: str) -> str:
    """What a member is found by when they write to the bot on Telegram."""
    return database.chat("staff telegram", user)


@dataclass(frozen=True, slots=True)
class StaffEvent:
    """A line of the audit trail: what somebody did that concerns no single request."""

    id: int
    at: datetime
    who: str
    what: str
    about: str


async def note(connection: AsyncConnection, who: str, what: str, now: datetime, about: str = "") -> None:
    """Adds to the audit trail. `about` must not tell anything about a caller, nor a secret, nor where somebody sat."""
    await connection.execute(insert(staff_events).values(at=now, who=who, what=what, about=about))


async def noted(connection: AsyncConnection, who: str, what: str, about: str, since: datetime) -> bool:
    """Whether this stands in the audit trail since then."""
    columns = staff_events.c
    lines = select(columns.id).where(columns.at > since, columns.who == who, columns.what == what, columns.about == about)
    return await connection.scalar(lines.limit(1)) is not None


async def events(connection: AsyncConnection, *, limit: int = 50, skip: int = 0) -> list[StaffEvent]:
    """The newest first."""
    query = select(staff_events).order_by(staff_events.c.id.desc()).limit(limit).offset(skip)
    return [StaffEvent(row.id, row.at, row.who, row.what, row.about) for row in await connection.execute(query)]


async def forget_events(connection: AsyncConnection, before: datetime) -> int:
    return (await connection.execute(delete(staff_events).where(staff_events.c.at < before))).rowcount


def _code_key(database: Database, code: str) -> str:
    typed = "".join(c for c in code.upper() if c.isalnum()).encode(errors="replace")
    return hmac.digest(database.lookup, b"link code:" + typed, "sha256").hex()


async def _set(connection: AsyncConnection, member: int, **values: object) -> None:
    await connection.execute(update(staff).where(staff.c.id == member).values(**values))


def _member(row: Row[tuple[object, ...]]) -> Member:
    return Member(
        row.id, row.name, row.role, row.language, has_totp=row.totp is not None, linked=row.telegram is not None,
        disabled=row.disabled_at is not None,
    )  # fmt: skip
