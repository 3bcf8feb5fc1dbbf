"""Personal data at rest: sealed with a key kept outside the database, found again by a keyed hash."""

import hmac
import os
from base64 import urlsafe_b64decode

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

LOOKUP_SECRET = "lookup"  # noqa: S105 the name of the vault's entry, not a secret
_SEALED = b"\x01"  # what is sealed begins with this; a token of Fernet, as rows of before are, with "g"
_NONCE = 12  # bytes [RFC 8452]


class WrongKey(Exception):
    """None of the data keys opens what is stored."""


def new_key() -> str:
    return Fernet.generate_key().decode()


class Sealer:
    """Seals and opens the sealed columns. The first key seals; all of them open (so keys can be changed).

    AES-256-GCM-SIV [RFC 8452], which a nonce that comes twice does not break. Fernet takes ten times as long for what
    a row holds, a tenth of all the time of a message; it only opens what was sealed with it before.
    """

    def __init__(self, keys: list[str]) -> None:
        """Raises ValueError when a key is not 32 bytes in URL-safe base64."""
        self._before = MultiFernet([Fernet(key) for key in keys])
        self._ciphers = [AESGCMSIV(hmac.digest(urlsafe_b64decode(key), b"AES-256-GCM-SIV", "sha256")) for key in keys]

    def seal(self, text: str | bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return _SEALED + nonce + self._ciphers[0].encrypt(nonce, text.encode() if isinstance(text, str) else text, _SEALED)

    def open(self, sealed: bytes) -> bytes:
        if not sealed.startswith(_SEALED):
            return self._open_token(sealed)
        nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, text, _SEALED)
            except (InvalidTag, ValueError):  # a ValueError: too short to be anything
                continue
        raise WrongKey

    def _open_token(self, token: bytes) -> bytes:
        try:
            return self._before.decrypt(token)
        except InvalidToken:
            raise WrongKey from None


def lookup_key() -> bytes:
    return os.urandom(32)


def chat_key(secret: bytes, channel: str, address: str) -> str:
    """What an address is found by: the same for the same address, and of no use without `secret`."""
    return hmac.digest(secret, f"{channel}:{address}".encode(), "sha256").hex()
