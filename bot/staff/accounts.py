"""What is changed about accounts, by admins and by staff about their own. Every change is a line of the audit trail.

Console and command line build on this; each function is one transaction, and `by` is who asks for it.
"""

import asyncio
import secrets
import unicodedata
from datetime import datetime

from pyotp import TOTP, random_base32
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.staff.auth import NOBODY, name_key, totp_step
from bot.staff.passwords import Passwords, WeakPassword, generated, weakness
from bot.store import staff, throttle
from bot.store.database import Database
from bot.store.requests import CALLER, SYSTEM
from bot.store.staff import MAX_NAME, Member, NameTaken
from bot.store.staff_tables import ROLES

LANGUAGES = ("en", "de")  # of the console
FIRST_ADMIN = "admin"
_RESERVED = (CALLER, SYSTEM, NOBODY)  # who else stands in histories
_SECRET = 32  # letters, 160 bits
_CODE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class AccountRefused(Exception):
    """The change is not made; the text says why."""


class Accounts:
    """The accounts in a database."""

    def __init__(self, database: Database, passwords: Passwords | None = None) -> None:
        self._database = database
        self._passwords = passwords or Passwords()
        self._turn = asyncio.Lock()

    async def add(self, by: str, name: str, password: str, role: str, language: str, now: datetime) -> Member:
        """Raises NameTaken, AccountRefused, WeakPassword."""
        name = _fit(name)
        _one_of(role, ROLES, "role")
        _one_of(language, LANGUAGES, "language")
        password_hash = await self._hashed(password, name)
        async with self._database.write() as connection:
            member = await staff.add(connection, name, role, language, password_hash, now)
            await staff.note(connection, by, "account added", now, f"{name}, {role}")
        return member

    async def begin(self, now: datetime) -> str | None:
        """The password of a first admin, made because nobody has an account; None when somebody has."""
        async with self._database.read() as connection:
            if await staff.members(connection):
                return None
        password = generated()
        try:
            await self.add(SYSTEM, FIRST_ADMIN, password, "admin", LANGUAGES[0], now)
        except NameTaken:  # by another program that starts at the same moment
            return None
        return password

    async def set_password(self, by: str, member: Member, password: str, now: datetime, *, keep: str = "") -> None:
        """Signs them out everywhere but from the session with the token `keep`. Raises WeakPassword."""
        password_hash = await self._hashed(password, member.name)
        async with self._database.write() as connection:
            await staff.set_password(connection, member.id, password_hash, keep=keep)
            await staff.note(connection, by, "password set", now, member.name)

    async def change_password(self, member: Member, old: str, new: str, now: datetime, *, keep: str) -> None:
        """One's own, as who knows the old one may; guessing it is as slow as at the door. Raises AccountRefused, WeakPassword."""
        await self._require(member, old, now, "password change refused")
        await self.set_password(member.name, member, new, now, keep=keep)

    async def _require(self, member: Member, password: str, now: datetime, otherwise: str) -> None:
        """Raises AccountRefused unless it is theirs; `otherwise` is what the audit trail then says."""
        async with self._turn:  # of guesses made at once each sees the failure of the one before
            await self._compare(member, password, now, otherwise)

    async def _compare(self, member: Member, password: str, now: datetime, otherwise: str) -> None:
        key = name_key(self._database, member.name)
        async with self._database.read() as connection:
            wait = await throttle.waits(connection, [key], now)
            found = await staff.credentials(connection, self._database.sealer, member.name)
        if wait:
            raise AccountRefused("There were too many attempts: wait, then try again.")
        if not await self._passwords.right(found.password_hash if found else None, password):
            async with self._database.write() as connection:
                await throttle.failed(connection, [key], now)
                await staff.note(connection, member.name, otherwise, now)
            raise AccountRefused("That is not the password you have now.")

    async def set_role(self, by: str, member: Member, role: str, now: datetime) -> None:
        """Raises AccountRefused, for the last admin too."""
        _one_of(role, ROLES, "role")
        async with self._database.write() as connection:
            if role != "admin":
                await _need_admin(connection, member)
            await staff.set_role(connection, member.id, role)
            await staff.note(connection, by, "role changed", now, f"{member.name}, {role}")

    async def set_language(self, member: Member, language: str, now: datetime) -> None:
        """Raises AccountRefused."""
        _one_of(language, LANGUAGES, "language")
        async with self._database.write() as connection:
            await staff.set_language(connection, member.id, language)
            await staff.note(connection, member.name, "language changed", now, language)

    async def disable(self, by: str, member: Member, now: datetime) -> None:
        """Signs them out everywhere at once. Raises AccountRefused for the last admin."""
        async with self._database.write() as connection:
            await _need_admin(connection, member)
            await staff.disable(connection, member.id, now)
            await staff.note(connection, by, "account disabled", now, member.name)

    async def enable(self, by: str, member: Member, now: datetime) -> None:
        async with self._database.write() as connection:
            await staff.enable(connection, member.id)
            await staff.note(connection, by, "account enabled", now, member.name)

    async def set_totp(self, member: Member, secret: str, code: str, now: datetime) -> None:
        """One's own, once a code shows that the app has the secret. Raises AccountRefused.

        What is on is not replaced: whoever sits at an unlocked screen would need no code for that.
        """
        if member.has_totp:
            raise AccountRefused("One-time codes are on: end them first.")
        step = totp_step(secret, code, now) if len(secret) == _SECRET else None
        if step is None:
            raise AccountRefused("This is not the code the app shows now: try the next one, and look at the clock of the phone.")
        async with self._database.write() as connection:
            await staff.set_totp(connection, self._database.sealer, member.id, secret, step)
            await staff.note(connection, member.name, "one-time codes on", now, member.name)

    async def end_totp(self, member: Member, password: str, now: datetime) -> None:
        """One's own, as who knows the password may. Raises AccountRefused."""
        await self._require(member, password, now, "one-time codes stay on")
        await self.clear_totp(member.name, member, now)

    async def clear_totp(self, by: str, member: Member, now: datetime) -> None:
        async with self._database.write() as connection:
            await staff.clear_totp(connection, member.id)
            await staff.note(connection, by, "one-time codes off", now, member.name)

    async def make_link_code(self, member: Member, now: datetime) -> str:
        """What the member writes to the bot on Telegram, within 15 minutes, to be known there. It is shown once."""
        code = "".join(secrets.choice(_CODE) for _ in range(8))
        async with self._database.write() as connection:
            await staff.make_link_code(connection, self._database, member.id, code, now)
            await staff.note(connection, member.name, "link code made", now)
        return code

    async def unlink_telegram(self, by: str, member: Member, now: datetime) -> None:
        async with self._database.write() as connection:
            await staff.unlink_telegram(connection, member.id)
            await staff.note(connection, by, "Telegram unlinked", now, member.name)

    async def _hashed(self, password: str, name: str) -> str:
        if why := weakness(password, name):
            raise WeakPassword(why)
        return await self._passwords.hashed(password)


def new_totp(member: Member, issuer: str) -> tuple[str, str]:
    """A secret for one-time codes, and the address that an app reads from a QR code; nothing is stored yet."""
    secret = random_base32(_SECRET)
    return secret, TOTP(secret).provisioning_uri(name=member.name, issuer_name=issuer)


def _fit(name: str) -> str:
    """The name as it is stored. Raises AccountRefused."""
    fit = " ".join(unicodedata.normalize("NFC", name).split())
    if not 1 <= len(fit) <= MAX_NAME or not fit.isprintable():
        raise AccountRefused(f"A name has 1 to {MAX_NAME} letters.")
    if staff.folded(fit) in _RESERVED:
        raise AccountRefused(f"Nobody can be called {fit!r}: it stands for somebody else in histories.")
    return fit


def _one_of(value: str, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        raise AccountRefused(f"The {what} is one of {', '.join(known)}.")


async def _need_admin(connection: AsyncConnection, leaving: Member) -> None:
    if leaving.admin and not leaving.disabled and not await staff.other_admins(connection, leaving.id):
        raise AccountRefused(f"{leaving.name} is the last admin: make somebody else one first.")
