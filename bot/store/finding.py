"""How staff find a request by what only sealed columns say: keyed hashes of a few letters and digits lead to candidates.

A word is found by its first two letters, or by its first one in scripts that write a name with one or two signs (王伟). Requests
from before that have keys of three letters alone: until their answers are next written, fewer letters do not find them.
"""

import hmac
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.staff_tables import request_keys

_LETTERS, _DIGITS = 3, 4  # at most, of a name or address, from the beginning, and of a number, from the end
_FEWEST, _FEWEST_DIGITS = 2, 3  # that are looked for
_SIGNS = ("CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO")  # what Unicode calls letters of which one may be a name


async def index(connection: AsyncConnection, secret: bytes, request: int, answers: Mapping[str, str], *, new: bool = False) -> None:
    """Makes the request findable by these answers, and by no others any more."""
    if not new:
        await connection.execute(delete(request_keys).where(request_keys.c.request_id == request))
    told = [*_words(answers.get("name", "")), *_words(answers.get("email", "")), *_numbers(answers.get("phone", ""))]
    rows = [{"key": key, "request_id": request} for key in sorted(_hashed(secret, (part for word in told for part in _parts(word))))]
    if rows:
        await connection.execute(insert(request_keys), rows)


def keys(secret: bytes, typed: str) -> Collection[str]:
    """What a request that fits `typed` is found under: all of them. Empty when too little was typed.

    Short words are left out where a longer one leads to fewer candidates, and to those that have no keys of short words.
    """
    parts = [part for word in [*_numbers(typed)] or [*_words(typed)] for part in _parts(word)[-1:]]
    return _hashed(secret, [part for part in parts if len(part) >= _LETTERS] or parts)


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


def _parts(word: str) -> list[str]:
    """The parts of a word it is found by, the longest last."""
    if word.isdecimal():
        return [word[-_DIGITS:]] if len(word) >= _FEWEST_DIGITS else []
    fewest = 1 if unicodedata.name(word[0], "").startswith(_SIGNS) else _FEWEST
    return [word[:length] for length in range(fewest, min(len(word), _LETTERS) + 1)]


def _hashed(secret: bytes, parts: Iterable[str]) -> set[str]:
    return {hmac.digest(secret, f"found:{part}".encode(), "sha256").hex()[:32] for part in parts}
