"""Searching by the beginning of a name: how few letters are enough, in which script, and what was written before."""

from dataclasses import replace
from datetime import timedelta

import pytest
from people import NOW, Person, acquainted
from sqlalchemy import delete

from bot.core.effects import SendRequest
from bot.store import desk, finding, requests
from bot.store.database import Database
from bot.store.desk import Wanted
from bot.store.staff_tables import request_keys

PHONE = "+442079460018"
NAMES = ("Li Wang", "王伟", "Lindgren", "Łucja Ó", "さくら", "김 민수", "Яна", "Bo")


async def ask(database: Database, *names: str) -> None:
    """A request of somebody of each name."""
    for number, name in enumerate(names):
        [contact] = await acquainted(database, replace(Person(), address=f"chat-{number}"))
        effect = SendRequest(f"OMS-A{number:03}", {"name": name, "phone": PHONE}, "en", "", NOW + timedelta(hours=8))
        async with database.write() as connection:
            await requests.send(connection, database, contact.id, "post", effect, NOW)


async def found(database: Database, typed: str) -> set[str]:
    async with database.read() as connection:
        return {request.answers["name"] for request in await desk.page(connection, database, Wanted(text=typed), NOW)}


async def test_short_names_are_found(database: Database) -> None:
    """Two letters are enough, one sign where names are written in such; one letter of an alphabet is not."""
    await ask(database, *NAMES)
    for typed, expected in {
        "Li": {"Li Wang", "Lindgren"},
        "LI w": {"Li Wang"},
        "li wang": {"Li Wang"},
        "lin": {"Lindgren"},
        "王": {"王伟"},
        "王伟": {"王伟"},
        "王明": set(),
        "さ": {"さくら"},
        "김": {"김 민수"},
        "Ян": {"Яна"},
        "bo": {"Bo"},
        "bob": set(),
        "l": set(),
        "0018": set(NAMES),
        "18": set(),
    }.items():
        assert await found(database, typed) == expected, typed


async def test_earlier_requests_are_found_as_before(database: Database) -> None:
    """A request from before short words were looked for is found by three letters, also with a short word beside; by two it is not."""
    await ask(database, "Li Wang")
    old = finding.keys(database.lookup, "wang")
    async with database.write() as connection:
        await connection.execute(delete(request_keys).where(request_keys.c.key.not_in(old)))
    assert [await found(database, typed) for typed in ("wang", "li wang", "li")] == [{"Li Wang"}, {"Li Wang"}, set()]


@pytest.mark.parametrize(("typed", "many"), [("li", 1), ("lindgren", 1), ("li lindgren", 1), ("li bo", 2), ("l", 0), ("12", 0), ("!", 0)])
def test_keys_of_what_is_typed(typed: str, many: int) -> None:
    """Each word leads by one key, a short one only where no longer one does; other databases have other keys."""
    mine, others = finding.keys(b"secret", typed), finding.keys(b"another", typed)
    assert (len(mine), set(mine) & set(others)) == (many, set())
