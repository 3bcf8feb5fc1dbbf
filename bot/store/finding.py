"""How staff find a request by what only sealed columns say: keyed hashes of a few letters and digits lead to candidates."""

import hmac
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.staff_tables import request_keys

_LETTERS, _DIGITS = 3, 4  # of a name or address, from the beginning, and of a number, from the end


async def index(connection: AsyncConnection, secret: bytes, request: int, answers: Mapping[str, str], *, new: bool = False) -> None:
    """Makes the request findable by these answers, and by no others any more."""
    if not new:
        await connection.execute(delete(request_keys).where(request_keys.c.request_id == request))
    told = [*_words(answers.get("name", "")), *_words(answers.get("email", "")), *_numbers(answers.get("phone", ""))]
    rows = [{"key": key, "request_id": request} for key in sorted(_keys(secret, told))]
    if rows:
        await connection.execute(insert(request_keys), rows)


def keys(secret: bytes, typed: str) -> Collection[str]:
    """What a request that fits `typed` is found under: all of them. Empty when too little was typed."""
    return _keys(secret, [*_numbers(typed)] or [*_words(typed)])


def fits(answers: Mapping[str, str], typed: str) -> bool:
    """Whether these answers hold everything that was typed: beginnings of words of name and address, the end of the number."""
    if numbers := list(_numbers(typed)):
        return all(_digits(answers.get("phone", "")).endswith(number) for number in numbers)
    told = [*_words(answers.get("name", "")), *_words(answers.get("email", ""))]
    return all(any(word.startswith(said) for word in told) for said in _words(typed))


def _words(text: str) -> list[str]:
    bare = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c for c in bare if unicodedata.category(c) != "Mn")
    return "".join(c if c.isalnum() else " " for c in letters).split()


def _numbers(text: str) -> Iterable[str]:
    """The number in `text` as its end looks like in any spelling of it; nothing where there are words."""
    digits = _digits(text)
    bare = digits.lstrip("0")  # of the prefix that is dialled within a country, or out of it
    number = bare if len(bare) >= _DIGITS else digits
    return [number] if len(number) >= _DIGITS and not any(c.isalpha() for c in text) else []


def _digits(text: str) -> str:
    return "".join(str(unicodedata.digit(c)) for c in text if c.isdigit())


def _keys(secret: bytes, told: Iterable[str]) -> set[str]:
    parts = {word[-_DIGITS:] if word.isdecimal() else word[:_LETTERS] for word in told}
    return {hmac.digest(secret, f"found:{part}".encode(), "sha256").hex()[:32] for part in parts if len(part) >= _LETTERS}
