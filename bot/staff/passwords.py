"""Passwords of staff: which are good enough, and how they are hashed."""

import asyncio
import secrets
import unicodedata
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.store.staff import folded

SHORTEST, LONGEST = 12, 200  # characters
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # without what is mistaken for something else
# What people take who are asked for something long; digits around it and repeating it make it no better.
_OBVIOUS = (
    "password", "passwort", "kennwort", "admin", "administrator", "qwerty", "qwertz", "qwertyuiop", "qwertzuiop", "qwertyuiopas",
    "qwertzuiopas", "qweasdzxc", "qweasdyxc", "abc", "abcd", "abcdef", "abcdefgh", "abcdefghijkl", "letmein", "changeme", "changeit",
    "iloveyou", "welcome", "willkommen", "hello", "hallo", "geheim", "secret", "mypassword", "meinpasswort", "correcthorsebatterystaple",
    "callback", "telegram", "whatsapp", "summer", "sommer", "winter", "deutschland", "germany", "qwertqwert", "asdfghjkl", "staff",
)  # fmt: skip
_ROWS = ("1234567890" * 21, "0987654321" * 21, "123456789" * 23, "987654321" * 23)

Weakness = Literal["", "short", "long", "name", "obvious"]
_SAID: dict[Weakness, str] = {
    "short": f"The password needs at least {SHORTEST} characters: a few words in a row are easy to keep in mind.",
    "long": f"The password may have at most {LONGEST} characters.",
    "name": "The password must not be the name.",
    "obvious": "This password is among the first that are guessed: take another one.",
}


class WeakPassword(Exception):
    """The password is refused; the text says why, and `weakness` says it for a page in another language."""

    def __init__(self, weakness: Weakness) -> None:
        super().__init__(_SAID[weakness])
        self.weakness = weakness


def weakness(password: str, name: str) -> Weakness:
    """What is wrong with the password; "" when nothing is."""
    if len(password) < SHORTEST:
        return "short"
    if len(password) > LONGEST:
        return "long"
    plain = "".join(c for c in folded(password) if c.isalnum()) or folded(password)
    own = "".join(c for c in folded(name) if c.isalnum())
    if own and plain and not plain.replace(own, ""):
        return "name"
    letters = "".join(c for c in plain if not c.isdecimal())
    obvious = any(plain in row for row in _ROWS) or any(letters and not letters.replace(word, "") for word in _OBVIOUS)
    return "obvious" if obvious or len(set(plain)) < 3 else ""


def generated() -> str:
    """A password of 100 bits that can be read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


class Passwords:
    """Hashing, which is slow on purpose, beside the event loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._decoy = ""  # the hash of nobody's password

    async def hashed(self, password: str) -> str:
        return await asyncio.to_thread(self._hasher.hash, _read(password))

    async def right(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password of this hash. None, for somebody there is not, takes as long as a wrong one."""
        self._decoy = self._decoy or await self.hashed(secrets.token_hex())
        return await asyncio.to_thread(self._verify, password_hash or self._decoy, _read(password[:LONGEST]))

    def outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def _read(password: str) -> bytes:
    """What is hashed: the same however the keyboard composes its letters."""
    return unicodedata.normalize("NFKC", password).encode(errors="replace")
