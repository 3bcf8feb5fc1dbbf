"""Personal data at rest: sealed with a key kept outside the database, found again by a keyed hash."""

import hmac
import os

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

LOOKUP_SECRET = "lookup"  # noqa: S105 the name of the vault's entry, not a secret


class WrongKey(Exception):
    """None of the data keys opens what is stored."""


def new_key() -> str:
    return Fernet.generate_key().decode()


class Sealer:
    """Seals and opens the sealed columns. The first key seals; all of them open (so keys can be changed)."""

    def __init__(self, keys: list[str]) -> None:
        """Raises ValueError when a key is not 32 bytes in URL-safe base64."""
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, text: str | bytes) -> bytes:
        return self._fernet.encrypt(text.encode() if isinstance(text, str) else text)

    def open(self, sealed: bytes) -> bytes:
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise WrongKey from None


def lookup_key() -> bytes:
    return os.urandom(32)


def chat_key(secret: bytes, channel: str, address: str) -> str:
    """What an address is found by: the same for the same address, and of no use without `secret`."""
    return hmac.digest(secret, f"{channel}:{address}".encode(), "sha256").hex()
