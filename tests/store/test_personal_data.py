"""Personal data has one home: sealed with a key that is not in the database, and gone when it is erased."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from people import ADA, BOB, Person, answers, file_of, go_through, on_sqlite, open_turnstile, queue
from sqlalchemy import func, select

from bot.core.engine import advance
from bot.core.library import Content
from bot.core.model import Event, Press, Session, Text, Turn
from bot.store.crypto import Sealer, WrongKey, new_key
from bot.store.database import Database, open_database
from bot.store.tables import metadata, vault

EMAIL = "ada.fictional@example.com"
POISON = "poisonous words"
IN_CLEAR = {"inbox", "daily_counts", "vault"}  # tables about nobody: update ids, sums, the lookup secret


def poisonous(session: Session, event: Event, content: Content, now: datetime) -> Turn:
    """The dialogue, with a fault that one text brings out."""
    if event == Text(POISON):
        raise RuntimeError("a fault")
    return advance(session, event, content, now)


async def everything(database: Database, content: Content, person: Person) -> None:
    """A request by phone, changed to e-mail, and a message that could not be handled."""
    change = [person.does(event) for event in (Press("change"), Press("ask:email"), Text(EMAIL), Press("send"))]
    async with open_turnstile(database, content, step=poisonous, held=frozenset({"post"})) as turnstile:
        await go_through(turnstile, [*person.intake(content), *change, person.does(Text(POISON))])


def spellings(person: Person) -> Iterator[str]:
    # Nothing shorter than five letters: that stands in anything encrypted, by chance.
    yield from (person.name, person.name.split()[1], person.phone, person.phone[3:], "20 7946", EMAIL, person.address, POISON)
    yield from ("has reached us", "Is this right")  # words of the messages


@on_sqlite
async def test_nothing_personal_stands_in_the_files(database: Database, content: Content) -> None:
    """After a whole intake no name, number, address or message can be read in the database's files."""
    await everything(database, content, ADA)
    [request] = await queue(database)
    assert request.answers["email"] == EMAIL
    files = list(file_of(database).parent.glob("test.db*"))
    assert {file.name for file in files} >= {"test.db", "test.db-wal"}
    written = b"".join(file.read_bytes() for file in files)
    assert request.reference.encode() in written
    assert [words for words in spellings(ADA) if words.encode() in written] == []


async def test_a_chat_is_found_by_a_keyed_hash(database: Database, tmp_path: Path) -> None:
    """Two databases know the same address by different names, so a leaked one cannot be searched for a number."""
    other = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'other.db'}", database.sealer)
    await other.close()
    assert database.chat("post", ADA.address) != other.chat("post", ADA.address)
    assert database.chat("post", ADA.address) != database.chat("web", ADA.address)


async def test_another_key_opens_nothing(database: Database, url: str) -> None:
    """A database is not opened with a key it was not made with."""
    with pytest.raises(WrongKey):
        await open_database(url, Sealer([new_key()]))


async def test_a_new_first_key_still_opens_the_old(database: Database, url: str, content: Content, key: str) -> None:
    """With a second key put first everything stays readable and people found; the new key alone is not enough."""
    await everything(database, content, ADA)
    new = new_key()
    reopened = await open_database(url, Sealer([new, key]))
    [request] = await queue(reopened)
    assert request.answers["email"] == EMAIL
    async with open_turnstile(reopened, content) as turnstile:
        await turnstile.submit(ADA.does(Press("status")))
    assert request.reference in (await answers(reopened, ADA))[-1]
    await reopened.close()
    with pytest.raises(WrongKey):
        Sealer([new]).open(database.sealer.seal("old"))
    assert Sealer([new]).open(reopened.sealer.seal("fresh")) == b"fresh"


async def _sizes(database: Database) -> dict[str, int]:
    """How many rows each table about people holds."""
    async with database.read() as connection:
        about_people = [table for table in metadata.sorted_tables if table.name not in IN_CLEAR]
        return {table.name: await connection.scalar(select(func.count()).select_from(table)) or 0 for table in about_people}


async def _erase(database: Database, content: Content, person: Person) -> None:
    async with open_turnstile(database, content) as turnstile:
        await turnstile.submit(person.does(Press("erase:yes")))


async def test_erasing_leaves_no_row(database: Database, content: Content) -> None:
    """Erasing a person with a request leaves, in any table, only the farewell on its way out; others keep all theirs."""
    async with open_turnstile(database, content, held=frozenset({"post"})) as turnstile:
        await go_through(turnstile, BOB.intake(content))
        before = await _sizes(database)
        await go_through(turnstile, ADA.intake(content))
    assert all(count >= before[name] for name, count in (await _sizes(database)).items())
    await _erase(database, content, ADA)
    assert await _sizes(database) == before | {"outbox": before["outbox"] + 1}
    [farewell] = await answers(database, ADA)
    assert "deleted everything" in farewell
    assert [request.answers["name"] for request in await queue(database)] == [BOB.name]


async def test_erasing_reaches_what_was_set_aside(database: Database, content: Content) -> None:
    """A message that could not be handled, and the apology for it, are erased with the person too."""
    await everything(database, content, ADA)
    await _erase(database, content, ADA)
    sizes = await _sizes(database)
    assert {name: count for name, count in sizes.items() if count} == {"outbox": 1}


async def test_who_comes_back_after_erasing_is_new(database: Database, content: Content) -> None:
    """After erasing the same address is a new person with a new number, so no reference is given twice."""
    async with open_turnstile(database, content) as turnstile:
        await go_through(turnstile, ADA.intake(content))
        [first] = await queue(database)
        await turnstile.submit(ADA.does(Press("erase:yes")))
        await go_through(turnstile, replace(ADA, name="Ada Again").intake(content))
    [second] = await queue(database)
    assert second.answers["name"] == "Ada Again"
    assert second.reference != first.reference


async def test_the_lookup_secret_is_made_once(database: Database, url: str) -> None:
    """Opening again keeps the lookup secret: nobody becomes a stranger by a restart."""
    reopened = await open_database(url, database.sealer)
    await reopened.close()
    assert reopened.lookup == database.lookup
    async with database.read() as connection:
        assert database.lookup not in list(await connection.scalars(select(vault.c.secret)))


def test_sealing_twice_tells_nothing(key: str) -> None:
    """The same words sealed twice look different, so equal answers cannot be seen."""
    sealer = Sealer([key])
    assert sealer.seal(ADA.phone) != sealer.seal(ADA.phone)


def test_what_was_sealed_before_is_opened(key: str) -> None:
    """Rows of earlier versions are tokens of Fernet; those of a former key among them."""
    former = new_key()
    for made_with in (key, former):
        assert Sealer([key, former]).open(Fernet(made_with).encrypt(b"before")) == b"before"
    with pytest.raises(WrongKey):
        Sealer([key]).open(Fernet(former).encrypt(b"before"))


def test_what_was_changed_is_not_opened(key: str) -> None:
    """One bit, anywhere, or an end that is missing: it is refused, not read as something else."""
    sealer = Sealer([key])
    sealed = sealer.seal("4")
    changed = [bytes([*sealed[:at], sealed[at] ^ 1, *sealed[at + 1 :]]) for at in range(len(sealed))]
    for other in (*changed, *(sealed[:length] for length in range(len(sealed))), sealed + b"0"):
        with pytest.raises(WrongKey):
            sealer.open(other)
