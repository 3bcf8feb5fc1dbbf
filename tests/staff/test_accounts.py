"""Accounts: who may be called what, which passwords are good enough, who is left in charge, how a Telegram account is linked."""

import asyncio
from datetime import timedelta

import pytest
from desk_people import PASSWORD, Counting, hire
from people import NOW, contents
from pyotp import TOTP, parse_uri
from sqlalchemy import insert

from bot.staff.accounts import FIRST_ADMIN, AccountRefused, Accounts, new_totp
from bot.staff.auth import Auth
from bot.staff.passwords import Passwords, WeakPassword, generated, weakness
from bot.store import staff
from bot.store.database import Database
from bot.store.staff import CODE_LASTS, Member, NameTaken
from bot.store.staff_tables import staff as accounts_table

SECOND = timedelta(seconds=1)
ADA_ON_TELEGRAM, BOB_ON_TELEGRAM = "700000001", "700000002"


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database, Passwords(Counting()))


@pytest.fixture
async def bea(database: Database) -> Member:
    return await hire(database, "Bea", role="admin")


async def find(database: Database, name: str) -> Member:
    async with database.read() as connection:
        found = await staff.by_name(connection, name)
    assert found
    return found


async def link(database: Database, code: str, user: str, after: timedelta = SECOND) -> Member | None:
    async with database.write() as connection:
        return await staff.link_telegram(connection, database, code, user, NOW + after)


async def on_telegram(database: Database, user: str) -> Member | None:
    async with database.read() as connection:
        return await staff.by_telegram(connection, staff.telegram_key(database, user))


async def test_a_new_account(accounts: Accounts, database: Database) -> None:
    """It is there as it was asked for, with spaces put in order, and everybody is listed by name."""
    await accounts.add("test", "  Kim   van Dam ", PASSWORD, "staff", "de", NOW)
    await accounts.add("test", "bea", PASSWORD, "admin", "en", NOW)
    async with database.read() as connection:
        bea, kim = await staff.members(connection)
    assert (kim.name, kim.role, kim.language, kim.admin) == ("Kim van Dam", "staff", "de", False)
    assert (bea.name, bea.admin, bea.has_totp, bea.linked, bea.disabled) == ("bea", True, False, False, False)


@pytest.mark.parametrize("name", ["Bea", "bea", "ＢＥＡ", " Bea"])
async def test_a_name_is_one_persons(accounts: Accounts, bea: Member, name: str) -> None:
    """A name that looks like somebody else's is refused, whatever its capitals and kind of letters."""
    with pytest.raises(NameTaken, match="already"):
        await accounts.add("test", name, PASSWORD, "staff", "en", NOW)


async def test_a_name_taken_at_the_same_moment(accounts: Accounts, database: Database) -> None:
    """Of two who take a name at once one gets it, and the other is told."""
    made = await asyncio.gather(*(accounts.add("test", "Kim", PASSWORD, "staff", "en", NOW) for _ in range(2)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in made) == ["Member", "NameTaken"]


async def test_the_database_keeps_names_apart(database: Database, bea: Member) -> None:
    """When the name was free a moment ago and is not any more, that is a taken name too and no failure of the database."""
    async with database.write() as connection:
        row = {"name": "\u0130x", "role": "staff", "language": "en", "password_hash": "", "created_at": NOW}
        await connection.execute(insert(accounts_table).values(row))
        with pytest.raises(NameTaken):
            await staff.add(connection, "\u0130x", "staff", "en", "", NOW)
        assert await staff.by_name(connection, "Bea")  # the transaction goes on


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "Kim\x00", "Kim\u202e", "caller", "Bot", "somebody", "\udcff"], ids=ascii)
async def test_names_that_cannot_be(accounts: Accounts, name: str) -> None:
    """Nobody is called nothing, something endless or invisible, or like another voice in a history."""
    with pytest.raises(AccountRefused):
        await accounts.add("test", name, PASSWORD, "staff", "en", NOW)


@pytest.mark.parametrize(("role", "language"), [("boss", "en"), ("", "en"), ("staff", "tlh"), ("staff", "")])
async def test_roles_and_languages_are_known_ones(accounts: Accounts, bea: Member, role: str, language: str) -> None:
    """A role or a language we do not have is refused, at the beginning and later."""
    with pytest.raises(AccountRefused, match="one of"):
        await accounts.add("test", "Kim", PASSWORD, role, language, NOW)
    with pytest.raises(AccountRefused, match="one of"):
        await (accounts.set_role("test", bea, role, NOW) if role != "staff" else accounts.set_language(bea, language, NOW))


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("elevenlettr", "short"),
        ("", "short"),
        ("twelve chars", ""),
        ("x" * 30, "obvious"),
        ("123456789012", "obvious"),
        ("098765432109", "obvious"),
        ("123456789123", "obvious"),
        (" " * 12, "obvious"),
        ("!$%&/()=?+*#", ""),
        ("password1234", "obvious"),
        ("P-A-S-S-W-O-R-D-1", "obvious"),
        ("Passwort-2026!", "obvious"),
        ("qwertzuiop12", "obvious"),
        ("abcabcabcabc", "obvious"),
        ("hallohallohallo", "obvious"),
        ("anna maria s", "name"),
        ("Anna-Maria-S", "name"),
        ("annamariasannamarias", "name"),
        ("anna maria s.", "name"),
        ("anna maria skis", ""),
        ("pferde fressen keinen gurkensalat", ""),
        ("лошади едят овёс", ""),
        ("الخيول تأكل الشوفان", ""),
        ("873164920517", ""),
        ("nothing-but-letters", ""),
        ("wild horses" + "é" * 189, ""),
        ("x1" * 101, "long"),
    ],
)
def test_which_passwords_are_good_enough(password: str, why: str) -> None:
    """Long enough, not the name, not what everybody takes; no rule asks for signs or capitals."""
    assert weakness(password, "Anna Maria S") == why


def test_made_passwords_are_good_enough() -> None:
    """What the program makes passes its own rule and is different each time."""
    made = {generated() for _ in range(50)}
    assert len(made) == 50
    assert {weakness(password, "admin") for password in made} == {""}


async def test_weak_passwords_are_refused_everywhere(accounts: Accounts, database: Database, bea: Member) -> None:
    """A weak one is refused for a new account, by an admin and by oneself, and nothing has changed."""
    before = await contents(database)
    for attempt in (
        accounts.add("test", "Kim", "short", "staff", "en", NOW),
        accounts.set_password("test", bea, "short", NOW),
        accounts.change_password(bea, PASSWORD, "short", NOW, keep=""),
    ):
        with pytest.raises(WeakPassword, match="at least 12 characters"):
            await attempt
    assert await contents(database) == before


async def test_however_it_is_composed(accounts: Accounts, database: Database) -> None:
    """A password typed on a keyboard that composes letters differently is the same password."""
    await accounts.add("test", "Kim", "caf\u00e9 caf\u00e9 caf\u00e9", "staff", "en", NOW)
    assert await Auth(database, Passwords(Counting())).sign_in("Kim", "cafe\u0301 cafe\u0301 cafe\u0301", "", "", NOW)


async def test_ones_own_password(accounts: Accounts, bea: Member) -> None:
    """Who does not know the old password sets no new one, and guessing it there is as slow as at the door."""
    for _ in range(5):
        with pytest.raises(AccountRefused, match="not the password"):
            await accounts.change_password(bea, "wrong", "five tame horses", NOW, keep="")
    with pytest.raises(AccountRefused, match="wait"):
        await accounts.change_password(bea, PASSWORD, "five tame horses", NOW, keep="")
    await accounts.change_password(bea, PASSWORD, "five tame horses", NOW + timedelta(seconds=30), keep="")


async def test_somebody_stays_in_charge(accounts: Accounts, database: Database, bea: Member) -> None:
    """The last admin can be neither disabled nor made less; a disabled admin is none."""
    kim = await hire(database, "Kim", role="admin")
    await accounts.disable("test", kim, NOW)
    with pytest.raises(AccountRefused, match="Bea is the last admin"):
        await accounts.disable("test", bea, NOW)
    with pytest.raises(AccountRefused, match="Bea is the last admin"):
        await accounts.set_role("test", bea, "staff", NOW)
    await accounts.set_role("test", bea, "admin", NOW)
    await accounts.enable("test", await find(database, "Kim"), NOW)
    await accounts.disable("test", bea, NOW)
    assert (await find(database, "Bea")).disabled


async def test_two_admins_disable_each_other(accounts: Accounts, database: Database, bea: Member) -> None:
    """When the two last admins disable each other at once, one stays."""
    kim = await hire(database, "Kim", role="admin")
    done = await asyncio.gather(accounts.disable("Kim", bea, NOW), accounts.disable("Bea", kim, NOW), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["AccountRefused", "NoneType"]
    async with database.read() as connection:
        assert sorted(member.disabled for member in await staff.members(connection)) == [False, True]


async def test_one_time_codes_are_asked_for_when_they_work(accounts: Accounts, database: Database, bea: Member) -> None:
    """They are on once a code shows that the app has the secret; what an app reads is the secret with name and issuer."""
    secret, address = new_totp(bea, "Callback desk")
    app = parse_uri(address)
    assert isinstance(app, TOTP)
    assert (app.secret, app.name, app.issuer) == (secret, "Bea", "Callback desk")
    for wrong in ("", "12345", "abcdef", app.at(NOW + timedelta(minutes=5))):
        with pytest.raises(AccountRefused, match="not the code"):
            await accounts.set_totp(bea, secret, wrong, NOW)
    assert not (await find(database, "Bea")).has_totp
    await accounts.set_totp(bea, secret, app.at(NOW), NOW)
    assert (await find(database, "Bea")).has_totp
    assert secret not in repr(await contents(database))
    await accounts.clear_totp("test", bea, NOW)
    assert await Auth(database, Passwords(Counting())).sign_in("Bea", PASSWORD, "", "", NOW)


@pytest.mark.parametrize("secret", ["", "A", "not base32 at all, 32 letters !!!", "A" * 31 + "1", "A" * 33], ids=range(5))
async def test_foreign_secrets_are_refused(accounts: Accounts, database: Database, bea: Member, secret: str) -> None:
    """A secret that we have not made, which a forged form may hold, is refused like a wrong code."""
    with pytest.raises(AccountRefused):
        await accounts.set_totp(bea, secret, "123456", NOW)


async def test_linking_telegram(accounts: Accounts, database: Database, bea: Member) -> None:
    """Who writes the code from the console is known on Telegram from then on, however they type it; the code counts once."""
    code = await accounts.make_link_code(bea, NOW)
    assert await link(database, f" {code[:4].lower()}-{code[4:]}", ADA_ON_TELEGRAM) == await find(database, "Bea")
    assert await on_telegram(database, ADA_ON_TELEGRAM) == await find(database, "bea")
    assert (await find(database, "Bea")).linked
    assert await link(database, code, BOB_ON_TELEGRAM) is None
    assert await on_telegram(database, BOB_ON_TELEGRAM) is None
    stored = repr(await contents(database))
    assert code not in stored
    assert ADA_ON_TELEGRAM not in stored


async def test_codes_that_link_nobody(accounts: Accounts, database: Database, bea: Member) -> None:
    """A code that is old, replaced, invented, or of somebody disabled links nobody."""
    first = await accounts.make_link_code(bea, NOW)
    code = await accounts.make_link_code(bea, NOW)
    assert await link(database, first, ADA_ON_TELEGRAM) is None
    assert await link(database, code, ADA_ON_TELEGRAM, CODE_LASTS) is None
    for invented in ("", "-", "x" * 10_000, "\udcff", "AAAAAAAA"):
        assert await link(database, invented, ADA_ON_TELEGRAM) is None
    await hire(database, "Kim", role="admin")
    await accounts.disable("test", bea, NOW)
    assert await link(database, code, ADA_ON_TELEGRAM) is None
    assert await on_telegram(database, ADA_ON_TELEGRAM) is None


async def test_one_telegram_account_is_one_member(accounts: Accounts, database: Database, bea: Member) -> None:
    """Who links the same Telegram account to another member moves it; disabled and unlinked members are not found by it."""
    kim = await hire(database, "Kim")
    for member in (bea, kim):
        assert await link(database, await accounts.make_link_code(member, NOW), ADA_ON_TELEGRAM)
    assert await on_telegram(database, ADA_ON_TELEGRAM) == await find(database, "Kim")
    assert not (await find(database, "Bea")).linked
    await accounts.disable("test", kim, NOW)
    assert await on_telegram(database, ADA_ON_TELEGRAM) is None
    await accounts.enable("test", kim, NOW)
    await accounts.unlink_telegram("Kim", kim, NOW)
    assert await on_telegram(database, ADA_ON_TELEGRAM) is None


async def test_the_first_admin(accounts: Accounts, database: Database) -> None:
    """With no accounts one of an admin is made, whose password works; with any, disabled or not, none is."""
    password = await accounts.begin(NOW)
    assert password
    assert await Auth(database, Passwords(Counting())).sign_in(FIRST_ADMIN, password, "", "", NOW)
    assert (await find(database, FIRST_ADMIN)).admin
    assert await accounts.begin(NOW) is None
    assert password not in repr(await contents(database))


async def test_two_programs_begin_at_once(accounts: Accounts, database: Database) -> None:
    """Two that start at the same moment make one admin, and one tells the password."""
    made = await asyncio.gather(accounts.begin(NOW), accounts.begin(NOW))
    assert sorted(map(bool, made)) == [False, True]


async def test_every_change_is_in_the_trail(accounts: Accounts, database: Database, bea: Member) -> None:
    """Each change has its line with who asked for it and whose account it is, newest first and page by page, and no secret in it."""
    kim = await accounts.add("Bea", "Kim", PASSWORD, "staff", "de", NOW)
    secret, _ = new_totp(kim, "desk")
    await accounts.set_password("Bea", kim, "five tame horses", NOW)
    await accounts.change_password(kim, "five tame horses", PASSWORD, NOW, keep="")
    await accounts.set_role("Bea", kim, "admin", NOW)
    await accounts.set_language(kim, "en", NOW)
    await accounts.set_totp(kim, secret, TOTP(secret).at(NOW), NOW)
    await accounts.clear_totp("Bea", kim, NOW)
    await accounts.make_link_code(kim, NOW)
    await accounts.unlink_telegram("Kim", kim, NOW)
    await accounts.disable("Bea", kim, NOW)
    await accounts.enable("Bea", kim, NOW)
    async with database.read() as connection:
        pages = [await staff.events(connection, limit=6, skip=skip) for skip in (0, 6)]
    told = [(event.who, event.what, event.about) for page in pages for event in page][::-1]
    assert told == [
        ("test", "account added", "Bea, admin"),
        ("Bea", "account added", "Kim, staff"),
        ("Bea", "password set", "Kim"),
        ("Kim", "password set", "Kim"),
        ("Bea", "role changed", "Kim, admin"),
        ("Kim", "language changed", "en"),
        ("Kim", "one-time codes on", "Kim"),
        ("Bea", "one-time codes off", "Kim"),
        ("Kim", "link code made", ""),
        ("Kim", "Telegram unlinked", "Kim"),
        ("Bea", "account disabled", "Kim"),
        ("Bea", "account enabled", "Kim"),
    ]
