"""Signing in: who comes in, what others learn from trying, how slow guessing gets, how a session ends."""

import asyncio
from datetime import datetime, timedelta

import pytest
from desk_people import PASSWORD, Counting, hire
from people import NOW, contents
from pyotp import TOTP, random_base32
from sqlalchemy import select

from bot import upkeep
from bot.core.library import Content
from bot.staff.accounts import Accounts
from bot.staff.auth import Auth, SignInRefused
from bot.staff.passwords import Passwords
from bot.store import staff
from bot.store.database import Database
from bot.store.staff import Member, StaffEvent
from bot.store.staff_tables import sign_ins, staff_sessions
from bot.store.staff_tables import staff as accounts_table

HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
STEP = timedelta(seconds=30)  # a one-time code lasts


@pytest.fixture
def hasher() -> Counting:
    return Counting()


@pytest.fixture
def auth(database: Database, hasher: Counting) -> Auth:
    return Auth(database, Passwords(hasher))


@pytest.fixture
async def bea(database: Database) -> Member:
    return await hire(database, "Bea")


@pytest.fixture
async def secret(database: Database, bea: Member) -> str:
    """Of Bea's one-time codes; one of long ago has been used to set it up."""
    made = random_base32()
    await Accounts(database).set_totp(bea, made, TOTP(made).at(NOW - HOUR), NOW - HOUR)
    return made


async def tries(
    auth: Auth, name: str = "Bea", password: str = PASSWORD, code: str = "", where: str = HOME, now: datetime = NOW
) -> tuple[str, timedelta]:
    """What came of it: "in", or why not, and how long there is to wait."""
    try:
        await auth.sign_in(name, password, code, where, now)
    except SignInRefused as refused:
        return refused.refusal, refused.wait
    return "in", timedelta(0)


async def outcome(auth: Auth, **more: str) -> str:
    return (await tries(auth, **more))[0]  # type: ignore[arg-type]


async def fail(auth: Auth, times: int, name: str = "Bea", where: str = HOME, now: datetime = NOW) -> None:
    for _ in range(times):
        assert await tries(auth, name, "wrong", where=where, now=now) == ("wrong", timedelta(0))


async def trail(database: Database) -> list[StaffEvent]:
    """Oldest first."""
    async with database.read() as connection:
        return (await staff.events(connection))[::-1]


@pytest.mark.parametrize("name", ["Bea", "bea", " BEA "])
async def test_who_knows_the_password_is_in(auth: Auth, bea: Member, name: str) -> None:
    """The right password gives a token under which the member is known, however a phone's keyboard writes the name."""
    token = await auth.sign_in(name, PASSWORD, "", HOME, NOW)
    assert await auth.member(token, NOW) == bea


async def test_strangers_learn_nothing(auth: Auth, database: Database, bea: Member, hasher: Counting) -> None:
    """Unknown, wrong and disabled are refused in the same words, after the same one hash, with the same traces."""
    disabled = await hire(database, "Kim")
    await Accounts(database).disable("test", disabled, NOW)
    before = len(await trail(database))
    for number, (name, password) in enumerate([("nobody", PASSWORD), ("Bea", "wrong"), ("Kim", PASSWORD), ("Kim", "wrong")], 1):
        with pytest.raises(SignInRefused, match=r"^Name or password is wrong\.$"):
            await auth.sign_in(name, password, "", HOME, NOW)
        assert hasher.verified == number
    assert [event.what for event in (await trail(database))[before:]] == ["sign-in refused"] * 4


async def test_that_a_code_is_needed_is_a_secret(auth: Auth, secret: str) -> None:
    """A wrong password is only wrong, with or without a code; with the right one it is told that a code is missing, which is no failure."""
    code = TOTP(secret).at(NOW)
    assert [await outcome(auth, password="wrong"), await outcome(auth, password="wrong", code=code)] == ["wrong", "wrong"]
    assert [await outcome(auth, code=" ") for _ in range(10)] == ["code"] * 10
    assert await outcome(auth, code=code) == "in"


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_codes_of_a_clock_that_is_off(auth: Auth, secret: str, steps: int, counts: bool) -> None:
    """A code of the step before or after still counts, for clocks differ; one further off does not."""
    assert await outcome(auth, code=TOTP(secret).at(NOW + steps * STEP)) == ("in" if counts else "wrong code")


async def test_a_code_counts_once(auth: Auth, secret: str) -> None:
    """A code that was used, and any before it, is refused; the next one counts. It may be typed in groups."""
    code = TOTP(secret).at(NOW)
    assert await outcome(auth, code=f"{code[:3]} {code[3:]}") == "in"
    assert await outcome(auth, code=code) == "wrong code"
    assert await outcome(auth, code=TOTP(secret).at(NOW - STEP)) == "wrong code"
    assert await outcome(auth, code=TOTP(secret).at(NOW + STEP)) == "in"


async def test_a_code_counts_once_at_two_instances(database: Database, secret: str) -> None:
    """Of two who bring the same code to two instances at once, one is let in."""
    code = TOTP(secret).at(NOW)
    instances = [Auth(database, Passwords(Counting())) for _ in range(2)]
    assert sorted(await asyncio.gather(*(outcome(each, code=code) for each in instances))) == ["in", "wrong code"]


async def test_codes_cannot_be_guessed(auth: Auth, secret: str) -> None:
    """Wrong codes with the right password count as failures."""
    wrong = str((int(TOTP(secret).at(NOW)) + 500_000) % 1_000_000).zfill(6)
    assert [await outcome(auth, code=wrong) for _ in range(6)] == ["wrong code"] * 5 + ["wait"]


async def test_the_code_that_set_it_up_is_used(auth: Auth, database: Database, bea: Member) -> None:
    """The code that showed that the app has the secret does not let anybody in any more."""
    made = random_base32()
    code = TOTP(made).at(NOW)
    await Accounts(database).set_totp(bea, made, code, NOW)
    assert await outcome(auth, code=code) == "wrong code"


HOSTILE = ["", " ", "\x00", "\udcff", "x" * 100_000, "’; DROP TABLE staff; --", "٠١٢٣٤٥", "١" * 6, "-1", "1e5", "\u202eaeB", "🐎" * 500]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_whatever_is_typed_is_only_wrong(auth: Auth, secret: str, text: str) -> None:
    """Whatever stands in name, password, code or token: it is refused, and nothing breaks."""
    assert await outcome(auth, name=text) == "wrong"
    assert await outcome(auth, password=text) == "wrong"
    assert await outcome(auth, code=text, where=ELSEWHERE) in ("wrong code", "code")
    assert await auth.member(text, NOW) is None
    await auth.sign_out(text, NOW)


async def test_guessing_gets_slow(auth: Auth, bea: Member, hasher: Counting) -> None:
    """After five failures there is a wait of 30 s, after each further one twice as long, up to 15 minutes, even with the right password."""
    now = NOW
    await fail(auth, 5)
    for seconds in (30, 60, 120, 240, 480, 900, 900):
        verified = hasher.verified
        assert await tries(auth, where=ELSEWHERE, now=now) == ("wait", timedelta(seconds=seconds))
        assert await tries(auth, now=now + timedelta(seconds=seconds) - SECOND) == ("wait", SECOND)
        assert hasher.verified == verified  # nobody looked at the password
        now += timedelta(seconds=seconds)
        await fail(auth, 1, now=now)
    assert await tries(auth, now=now + 15 * MINUTE) == ("in", timedelta(0))


async def test_names_and_places_wait_by_themselves(auth: Auth, database: Database, bea: Member) -> None:
    """Failures under one name keep it waiting everywhere; failures from one place keep every name waiting there, and no other elsewhere."""
    await hire(database, "Kim")
    await fail(auth, 5, name="nobody", where=HOME)
    assert await outcome(auth, name="Kim", where=HOME) == "wait"
    assert await outcome(auth, name="Kim", where=ELSEWHERE) == "in"
    assert await outcome(auth, name="nobody", where=ELSEWHERE) == "wait"


@pytest.mark.parametrize(
    ("here", "there", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
async def test_an_ipv6_network_is_one_place(auth: Auth, bea: Member, here: str, there: str, same: bool) -> None:
    """Who has a whole IPv6 network cannot guess from each of its addresses anew."""
    await fail(auth, 5, name="nobody", where=here)
    assert await outcome(auth, where=there) == ("wait" if same else "in")


async def test_success_clears_the_name_only(auth: Auth, bea: Member) -> None:
    """Who gets in may fail again five times; but an account of one's own is no way to guess others' passwords from there."""
    await fail(auth, 4)
    assert await outcome(auth) == "in"
    await fail(auth, 1)
    assert await outcome(auth) == "wait"  # the fifth from here
    await fail(auth, 3, where=ELSEWHERE)
    assert await outcome(auth, where=ELSEWHERE) == "in"


async def test_guesses_at_once_are_no_shortcut(auth: Auth, bea: Member, hasher: Counting) -> None:
    """Of many guesses at the same moment five are looked at."""
    found = await asyncio.gather(*(outcome(auth, password=f"guess {number}") for number in range(20)))
    assert sorted(found) == ["wait"] * 15 + ["wrong"] * 5
    assert hasher.verified == 5


async def test_neither_restarts_nor_instances_are_a_shortcut(auth: Auth, database: Database, bea: Member) -> None:
    """What one instance has counted holds at another one."""
    await fail(auth, 5)
    assert await outcome(Auth(database, Passwords(Counting())), where=ELSEWHERE) == "wait"


async def test_a_flood_is_turned_away(auth: Auth, bea: Member) -> None:
    """More sign-ins at once than staff ever are find no place in the queue, and it is free again afterwards."""
    found = await asyncio.gather(*(outcome(auth, name=f"nobody {n}", where=f"10.0.0.{n}") for n in range(60)))
    assert sorted(found) == ["busy"] * 10 + ["wrong"] * 50
    assert await outcome(auth) == "in"


async def test_staff_come_in_together(auth: Auth, database: Database) -> None:
    """Many who sign in at nine from the same office all get in, each as themselves."""
    members = [await hire(database, f"Kim {number}") for number in range(8)]
    tokens = await asyncio.gather(*(auth.sign_in(member.name, PASSWORD, "", HOME, NOW) for member in members))
    assert await asyncio.gather(*(auth.member(token, NOW) for token in tokens)) == members


async def test_failures_are_forgotten(auth: Auth, database: Database, content: Content, bea: Member) -> None:
    """A day after the last failure nobody waits and nothing of it is stored; until then it is."""
    await fail(auth, 4)
    day = timedelta(days=1)
    assert (await upkeep.run_once(database, content.structure, NOW + day - SECOND))["forget_sign_ins"] == 0
    assert (await upkeep.run_once(database, content.structure, NOW + day))["forget_sign_ins"] == 2
    await fail(auth, 5, now=NOW + day)


async def test_a_session_ends_by_itself(auth: Auth, bea: Member) -> None:
    """Two hours without use end a session, and twelve hours end it however much it is used."""
    token = await auth.sign_in("Bea", PASSWORD, "", HOME, NOW)
    assert await auth.member(token, NOW + 2 * HOUR) is None
    for hours in range(1, 12):
        assert await auth.member(token, NOW + hours * HOUR) == bea
    assert await auth.member(token, NOW + 12 * HOUR - SECOND) == bea
    assert await auth.member(token, NOW + 12 * HOUR) is None


async def test_news_keep_no_session_alive(auth: Auth, bea: Member) -> None:
    """A page left open that asks for news does not count as use."""
    token = await auth.sign_in("Bea", PASSWORD, "", HOME, NOW)
    for minutes in range(0, 119, 10):
        assert await auth.member(token, NOW + minutes * MINUTE, using=False) == bea
    assert await auth.member(token, NOW + 2 * HOUR, using=False) is None


async def test_use_is_written_once_a_minute(auth: Auth, database: Database, bea: Member) -> None:
    """A click seconds after another one writes nothing."""

    async def ends() -> datetime | None:
        async with database.read() as connection:
            return await connection.scalar(select(staff_sessions.c.expires_at))

    token = await auth.sign_in("Bea", PASSWORD, "", HOME, NOW)
    await auth.member(token, NOW + 59 * SECOND)
    assert await ends() == NOW + 2 * HOUR
    await auth.member(token, NOW + 60 * SECOND)
    assert await ends() == NOW + 2 * HOUR + MINUTE


async def test_ended_sessions_are_removed(auth: Auth, database: Database, content: Content, bea: Member) -> None:
    """Upkeep removes sessions that have run out and leaves the others."""
    await auth.sign_in("Bea", PASSWORD, "", HOME, NOW)
    token = await auth.sign_in("Bea", PASSWORD, "", HOME, NOW + HOUR)
    assert (await upkeep.run_once(database, content.structure, NOW + 2 * HOUR))["forget_sessions"] == 1
    assert await auth.member(token, NOW + 2 * HOUR) == bea


async def test_the_trail_is_forgotten(auth: Auth, database: Database, content: Content, bea: Member) -> None:
    """The audit trail is kept for a year."""
    await fail(auth, 1, now=NOW + SECOND)
    assert (await upkeep.run_once(database, content.structure, NOW + upkeep.KEPT_TRAIL + SECOND))["forget_trail"] == 1
    assert [event.what for event in await trail(database)] == ["sign-in refused"]


async def test_a_stolen_database_opens_no_session(auth: Auth, database: Database, bea: Member) -> None:
    """The token stands nowhere in the database, and what stands there is no token."""
    token = await auth.sign_in("Bea", PASSWORD, "", HOME, NOW)
    stored = await contents(database)
    assert token not in repr(stored)
    async with database.read() as connection:
        [found] = await connection.scalars(select(staff_sessions.c.token_hash))
    assert await auth.member(found, NOW) is None


async def test_disabling_works_at_once(auth: Auth, database: Database, bea: Member) -> None:
    """Who is disabled is out wherever they were in, and stays out of those sessions when enabled again."""
    accounts = Accounts(database)
    tokens = [await auth.sign_in("Bea", PASSWORD, "", HOME, NOW) for _ in range(2)]
    await accounts.disable("test", bea, NOW)
    assert [await auth.member(token, NOW) for token in tokens] == [None, None]
    await accounts.enable("test", bea, NOW)
    assert [await auth.member(token, NOW) for token in tokens] == [None, None]
    assert await outcome(auth) == "in"


@pytest.mark.parametrize("change", ["disabled", "password"])
async def test_changed_while_signing_in(database: Database, bea: Member, change: str) -> None:
    """Who is disabled, or gets another password, while theirs is being looked at does not slip in."""

    class Slow(Passwords):
        """In the time it takes somebody else is quick."""

        async def right(self, password_hash: str | None, password: str) -> bool:
            accounts = Accounts(database, Passwords(Counting()))
            if change == "disabled":
                await accounts.disable("test", bea, NOW)
            else:
                await accounts.set_password("test", bea, "another password", NOW)
            return await super().right(password_hash, password)

    assert await outcome(Auth(database, Slow(Counting()))) == "wrong"
    async with database.read() as connection:
        assert (await connection.execute(select(staff_sessions))).all() == []


async def test_signing_out_ends_one_session(auth: Auth, bea: Member) -> None:
    """Who signs out is out there and nowhere else; doing it twice harms nobody."""
    here, there = [await auth.sign_in("Bea", PASSWORD, "", HOME, NOW) for _ in range(2)]
    await auth.sign_out(here, NOW)
    await auth.sign_out(here, NOW)
    assert await auth.member(here, NOW) is None
    assert await auth.member(there, NOW) == bea


async def test_a_new_password_ends_the_others(auth: Auth, database: Database, bea: Member) -> None:
    """Who changes their password stays in where they did it and is out everywhere else; the old one opens nothing."""
    here, there = [await auth.sign_in("Bea", PASSWORD, "", HOME, NOW) for _ in range(2)]
    await Accounts(database, Passwords(Counting())).change_password(bea, PASSWORD, "five tame horses", NOW, keep=here)
    assert [await auth.member(here, NOW), await auth.member(there, NOW)] == [bea, None]
    assert [await outcome(auth), await outcome(auth, password="five tame horses")] == ["wrong", "in"]


async def test_hashes_keep_up(database: Database, bea: Member) -> None:
    """When hashing gets more careful, a password is hashed anew at its next right use, and it is still the same password."""

    async def stored() -> str:
        async with database.read() as connection:
            return str(await connection.scalar(select(accounts_table.c.password_hash)))

    old = await stored()
    careful = Auth(database, Passwords(Counting(memory_cost=16)))
    assert await outcome(careful, password="wrong") == "wrong"
    assert await stored() == old
    assert await outcome(careful) == "in"
    assert "m=16," in await stored()
    assert await outcome(careful) == "in"


async def test_an_account_without_a_password_opens_to_nobody(auth: Auth, database: Database, bea: Member) -> None:
    """A hash that is none fits no password."""
    for hash_ in ("", "x", "$argon2id$v=19$m=8,t=1,p=1$x$y"):
        async with database.write() as connection:
            await staff.renew_hash(connection, bea.id, hash_)
        assert await outcome(auth, password="") == "wrong"


async def test_everything_is_in_the_trail(auth: Auth, database: Database, bea: Member) -> None:
    """Each sign-in, refusal and sign-out has its line, with the name if it is one of ours and otherwise without what was typed."""
    start = len(await trail(database))
    await outcome(auth, password="my other password", where=HOME)
    await outcome(auth, name="a password in the wrong field")
    token = await auth.sign_in("bea", PASSWORD, "", HOME, NOW)
    await auth.sign_out(token, NOW + SECOND)
    await fail(auth, 3, where=HOME)
    told = [(event.who, event.what, event.about) for event in (await trail(database))[start:]]
    refused = "sign-in refused"
    assert told == [
        ("Bea", refused, ""),
        ("somebody", refused, ""),
        ("Bea", "signed in", ""),
        ("Bea", "signed out", ""),
        ("Bea", refused, ""),
        ("Bea", refused, ""),
        ("Bea", refused, "then 30 s to wait"),
    ]
    everything = repr(await contents(database))
    assert not [word for word in (HOME, PASSWORD, "my other password", "in the wrong field") if word in everything]


async def test_failures_are_counted_without_names(auth: Auth, database: Database, bea: Member) -> None:
    """What is counted under is of no use without the key."""
    await fail(auth, 1)
    async with database.read() as connection:
        keys = list(await connection.scalars(select(sign_ins.c.key)))
    assert sorted(map(len, keys)) == [64, 64]
