"""Signing in: a name, a password, a one-time code if the account asks for one, and no guessing.

For an unknown name, a wrong password and a disabled account the same is done and the same is said. That a one-time code is
needed is told only to who knows the password. After some failures everybody has to wait (`bot/store/throttle.py`).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Literal

from pyotp import TOTP
from pyotp.exceptions import OTPVerificationError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.staff.passwords import Passwords
from bot.store import staff, throttle
from bot.store import staff_sessions as sessions
from bot.store.database import Database, uninterrupted
from bot.store.staff import Credentials, Member

NOBODY = "somebody"  # who, in the audit trail, is not known: what was typed as a name may be a password
_WAITING = 50  # sign-ins at once; more than staff ever are is a flood

Refusal = Literal["wrong", "code", "wrong code", "wait", "busy"]
_SAID: dict[Refusal, str] = {
    "wrong": "Name or password is wrong.",
    "code": "Type the one-time code of your app too.",
    "wrong code": "This one-time code does not count: wait for the next one.",
    "wait": "There were too many attempts: wait, then try again.",
    "busy": "Too many are signing in at the moment: try again.",
}


class SignInRefused(Exception):
    """Nobody is signed in; the text says why, `refusal` says it for a page in another language, `wait` how long there is to wait."""

    def __init__(self, refusal: Refusal, wait: timedelta = timedelta(0)) -> None:
        super().__init__(_SAID[refusal])
        self.refusal = refusal
        self.wait = wait


class Auth:
    """Who may come in, and who is in."""

    def __init__(self, database: Database, passwords: Passwords | None = None) -> None:
        self._database = database
        self._passwords = passwords or Passwords()
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def sign_in(self, name: str, password: str, code: str, where: str, now: datetime) -> str:
        """The token of a new session. `where` is the address they come from. Raises SignInRefused."""
        async with self._in_turn():
            return await uninterrupted(self._sign_in(name, password, code, where, now))

    async def member(self, token: str, now: datetime, *, using: bool = True) -> Member | None:
        """Who is signed in with this token; None when nobody is, any more. `using`: they are at work, which keeps the session alive."""
        if not token:
            return None
        async with self._database.read() as connection:
            session = await sessions.of_session(connection, token, now)
            member = await staff.by_id(connection, session.member) if session else None
        if session and using and (until := session.prolonged(now)):
            await uninterrupted(self._prolong(token, until))
        return member

    async def sign_out(self, token: str, now: datetime) -> None:
        await uninterrupted(self._sign_out(token, now))

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """One after the other: hashing takes much memory, and of guesses made at once each sees the failure of the one before."""
        if self._waiting >= _WAITING:
            raise SignInRefused("busy")
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    async def _sign_in(self, name: str, password: str, code: str, where: str, now: datetime) -> str:
        keys = self._keys(name, where)
        async with self._database.read() as connection:
            wait = await throttle.waits(connection, keys, now)
            found = await staff.credentials(connection, self._database.sealer, name)
        if wait:
            raise SignInRefused("wait", wait)
        right = await self._passwords.right(found.password_hash if found else None, password)
        renewed = await self._passwords.hashed(password) if found and right and self._passwords.outdated(found.password_hash) else ""
        async with self._database.write() as connection:
            account = await staff.credentials(connection, self._database.sealer, name, lock=True) if found else None
            same = found is not None and account is not None and account.password_hash == found.password_hash
            refusal = await self._refusal(connection, account, code, now) if account and same and right else "wrong"
            if account and not refusal:
                return await self._let_in(connection, account, keys[0], renewed, now)
            if refusal != "code":
                await self._failed(connection, account, keys, now)
        raise SignInRefused(refusal or "wrong")

    async def _refusal(self, connection: AsyncConnection, account: Credentials, code: str, now: datetime) -> Refusal | None:
        """Why somebody with the right password does not come in; None when they do, and their one-time code is used up."""
        if account.member.disabled:
            return "wrong"
        if not account.totp:
            return None
        if not code.strip():
            return "code"
        step = totp_step(account.totp, code, now)
        return None if step and await staff.use_totp(connection, account.member.id, step) else "wrong code"

    async def _let_in(self, connection: AsyncConnection, account: Credentials, key: str, renewed: str, now: datetime) -> str:
        await throttle.succeeded(connection, key)
        if renewed:
            await staff.renew_hash(connection, account.member.id, renewed)
        await staff.note(connection, account.member.name, "signed in", now)
        return await sessions.begin_session(connection, account.member.id, now)

    async def _failed(self, connection: AsyncConnection, account: Credentials | None, keys: list[str], now: datetime) -> None:
        pause = throttle.pause(await throttle.failed(connection, keys, now))
        about = f"then {pause.seconds} s to wait" if pause else ""
        await staff.note(connection, account.member.name if account else NOBODY, "sign-in refused", now, about)

    async def _prolong(self, token: str, until: datetime) -> None:
        async with self._database.write() as connection:
            await sessions.prolong_session(connection, token, until)

    async def _sign_out(self, token: str, now: datetime) -> None:
        async with self._database.write() as connection:
            number = await sessions.end_session(connection, token)
            if number and (member := await staff.by_id(connection, number)):
                await staff.note(connection, member.name, "signed out", now)

    def _keys(self, name: str, where: str) -> list[str]:
        """What failures are counted under: the name, and where they come from."""
        return [name_key(self._database, name), self._database.chat("sign-in from", _neighbourhood(where))]


def name_key(database: Database, name: str) -> str:
    """What failures to know the password of this name are counted under."""
    return database.chat("sign-in name", staff.folded(name).encode(errors="replace").decode())


def totp_step(secret: str, code: str, now: datetime) -> int | None:
    """Which of the steps of 30 s around now this is the one-time code of; None when it is of none."""
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdigit()):
        return None
    try:
        return TOTP(secret).verify_and_get_timecode(typed, for_time=now, valid_window=1)
    except (OTPVerificationError, ValueError):  # ValueError: a secret that we have not made
        return None


def _neighbourhood(where: str) -> str:
    """The address; of IPv6 the part that a household or a hoster gets as a whole."""
    try:
        address = ip_address(where)
    except ValueError:
        return where
    return str(IPv6Address(int(address) >> 64 << 64)) if isinstance(address, IPv6Address) and not address.ipv4_mapped else where
