"""One's own account and everybody's, in the console; and the audit trail."""

import re
from datetime import timedelta

import pytest
from desk_browser import HOME, SIGN_IN, Office, open_office
from desk_people import PASSWORD, hire
from people import contents, on_sqlite
from pyotp import TOTP, random_base32

from bot.core.library import Content
from bot.staff.accounts import Accounts
from bot.staff.gate import COOKIE
from bot.store import staff
from bot.store.database import Database
from bot.store.staff import Member

ACCOUNT, ADMIN, AUDIT = "/staff/account", "/staff/admin", "/staff/audit"
BETTER = "seven tame camels"


@pytest.fixture
async def office(database: Database, content: Content) -> Office:
    await hire(database, "Bea", role="admin")
    await hire(database, "Kim")
    return open_office(database, content)


async def member(office: Office, name: str) -> Member:
    async with office.database.read() as connection:
        found = await staff.by_name(connection, name)
    assert found
    return found


async def test_a_new_password(office: Office) -> None:
    """It counts from then on, for the browser it was changed in too; everywhere else one is signed out."""
    async with office.browser("Kim") as here, office.browser("Kim") as there:
        answer = await here.post(f"{ACCOUNT}/password", data={"old": PASSWORD, "new": BETTER, "again": BETTER})
        assert answer.headers["location"] == f"{ACCOUNT}?done=password"
        assert (await here.get(HOME)).status_code == 200
        assert (await there.get(HOME)).status_code == 303
        assert (await there.post(SIGN_IN, data={"name": "Kim", "password": BETTER})).status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "again", "why"),
    [
        ("wrong", BETTER, BETTER, "not the password you have now"),
        (PASSWORD, BETTER, "another camel", "differ"),
        (PASSWORD, "short", "short", "at least 12"),
        (PASSWORD, "passwordpassword", "passwordpassword", "among the first"),
        (PASSWORD, "x" * 300, "x" * 300, "too long"),
    ],
)
async def test_a_refused_password(office: Office, old: str, new: str, again: str, why: str) -> None:
    """The page says why; nothing has changed and no password stands in it."""
    async with office.browser("Kim") as browser:
        answer = await browser.post(f"{ACCOUNT}/password", data={"old": old, "new": new, "again": again})
        assert (answer.status_code, why in answer.text, new in answer.text) == (422, True, False)
        assert (await browser.post(SIGN_IN, data={"name": "Kim", "password": PASSWORD})).status_code == 303


async def test_one_time_codes(office: Office) -> None:
    """The square is shown once; a code from the app switches them on, and from then on one is asked for after the password."""
    async with office.browser("Kim") as browser:
        shown = await browser.post(f"{ACCOUNT}/totp-begin")
        assert "<svg" in shown.text
        [secret] = re.findall(r'name="secret" value="(\w+)"', shown.text)
        wrong = await browser.post(f"{ACCOUNT}/totp", data={"secret": secret, "code": "000000"})
        assert (wrong.status_code, (await member(office, "Kim")).has_totp) == (422, False)
        assert (await browser.post(f"{ACCOUNT}/totp", data={"secret": "<no base32>", "code": "000000"})).status_code == 422
        await browser.post(f"{ACCOUNT}/totp", data={"secret": secret, "code": TOTP(secret).at(office.clock.now)})
        assert secret not in (await browser.get(ACCOUNT)).text
    async with office.visitor() as browser:
        asked = await browser.post(SIGN_IN, data={"name": "Kim", "password": PASSWORD})
        assert (asked.status_code, 'name="code"' in asked.text, COOKIE in browser.cookies) == (401, True, False)
        office.clock.forward(timedelta(seconds=30))
        code = TOTP(secret).at(office.clock.now)
        assert (await browser.post(SIGN_IN, data={"name": "Kim", "password": PASSWORD, "code": code})).status_code == 303
        await browser.post(f"{ACCOUNT}/totp-off", data={"old": PASSWORD})
    assert not (await member(office, "Kim")).has_totp


async def test_a_stolen_session_cannot_get_rid_of_the_codes(office: Office) -> None:
    """Who only has somebody's session neither ends nor replaces their one-time codes, nor gets them a new password: for an admin too."""
    secret, other = random_base32(32), random_base32(32)
    async with office.browser("Bea") as browser:
        bea = await member(office, "Bea")
        await Accounts(office.database).set_totp(bea, secret, TOTP(secret).at(office.clock.now), office.clock.now)
        for old in ("", "not the password"):
            assert (await browser.post(f"{ACCOUNT}/totp-off", data={"old": old})).status_code == 422
        code = TOTP(other).at(office.clock.now)
        assert (await browser.post(f"{ACCOUNT}/totp", data={"secret": other, "code": code})).status_code == 422
        for what in ("password", "totp-off"):
            answer = await browser.post(f"{ADMIN}/{bea.id}/{what}")
            assert (answer.status_code, "under Account" in answer.text) == (409, True)
        assert f"/admin/{bea.id}/password" not in (await browser.get(ADMIN)).text
    assert (await member(office, "Bea")).has_totp
    async with office.visitor() as browser:
        office.clock.forward(timedelta(minutes=30))
        signed_in = await browser.post(SIGN_IN, data={"name": "Bea", "password": PASSWORD, "code": TOTP(secret).at(office.clock.now)})
        assert signed_in.status_code == 303


async def test_linking_telegram(office: Office) -> None:
    """The page shows a code once; with it an account on Telegram is linked, and can be unlinked again."""
    async with office.browser("Kim") as browser:
        [code] = re.findall(r"/link (\w+)", (await browser.post(f"{ACCOUNT}/link-code")).text)
        assert code not in (await browser.get(ACCOUNT)).text
        async with office.database.write() as connection:
            assert await staff.link_telegram(connection, office.database, code, "700000001", office.clock.now)
        assert "Your Telegram is linked." in (await browser.get(ACCOUNT)).text
        await browser.post(f"{ACCOUNT}/unlink")
    assert not (await member(office, "Kim")).linked


async def test_adding_somebody(office: Office) -> None:
    """Their password is made by us and shown this once; with it they can sign in."""
    async with office.browser("Bea") as browser:
        answer = await browser.post(f"{ADMIN}/add", data={"name": "Lou <b>", "role": "staff", "language": "de"})
        [password] = re.findall(r"<code>([\w-]+)</code>", answer.text)
        assert "Lou &lt;b&gt;" in answer.text
        assert password not in (await browser.get(ADMIN)).text
        for taken in ("lou <B>", "bot", "", "x" * 61):
            assert (await browser.post(f"{ADMIN}/add", data={"name": taken})).status_code == 422
    async with office.visitor() as browser:
        assert (await browser.post(SIGN_IN, data={"name": "Lou <b>", "password": password})).status_code == 303
        assert '<html lang="de">' in (await browser.get(HOME)).text


async def test_changing_somebody(office: Office) -> None:
    """Role, password, one-time codes, in and out."""
    kim = (await member(office, "Kim")).id
    async with office.browser("Bea") as browser:
        await browser.post(f"{ADMIN}/{kim}/role", data={"role": "admin"})
        assert (await member(office, "Kim")).admin
        await browser.post(f"{ADMIN}/{kim}/disable")
        assert (await member(office, "Kim")).disabled
        await browser.post(f"{ADMIN}/{kim}/enable")
        [password] = re.findall(r"<code>([\w-]+)</code>", (await browser.post(f"{ADMIN}/{kim}/password")).text)
        await browser.post(f"{ADMIN}/{kim}/totp-off")
        assert (await browser.post(f"{ADMIN}/{kim}/nothing")).status_code == 404
    async with office.visitor() as browser:
        assert (await browser.post(SIGN_IN, data={"name": "Kim", "password": password})).status_code == 303


async def test_two_admins_press_the_same_button(office: Office) -> None:
    """The form says which role is meant: "Make staff" pressed twice makes staff, and a form without a role changes nothing."""
    async with office.browser("Bea") as browser:
        path = f"{ADMIN}/{(await member(office, 'Kim')).id}/role"
        await browser.post(path, data={"role": "admin"})
        [wanted] = re.findall(rf'action="{path}"><input type="hidden" name="role" value="(\w+)">', (await browser.get(ADMIN)).text)
        for _ in range(2):
            assert (await browser.post(path, data={"role": wanted})).status_code == 303
            assert (await member(office, "Kim")).role == "staff"
        for odd in ({}, {"role": "boss"}):
            assert (await browser.post(path, data=odd)).status_code == 400
    assert (await member(office, "Kim")).role == "staff"


async def test_the_last_admin_stays(office: Office) -> None:
    """Nobody can lock everybody out of the accounts."""
    bea = (await member(office, "Bea")).id
    async with office.browser("Bea") as browser:
        for what in ("role", "disable"):
            answer = await browser.post(f"{ADMIN}/{bea}/{what}", data={"role": "staff"})
            assert (answer.status_code, "Bea is the last admin" in answer.text) == (409, True)


async def test_only_admins(office: Office) -> None:
    """Others find neither the pages nor the forms, and links to them nowhere."""
    async with office.browser("Kim") as browser:
        before = await contents(office.database)
        for answer in (
            await browser.get(ADMIN),
            await browser.get(AUDIT),
            await browser.post(f"{ADMIN}/add", data={"name": "Mallory"}),
            await browser.post(f"{ADMIN}/1/disable"),
        ):
            assert answer.status_code == 403
        assert await contents(office.database) == before
        assert ADMIN not in (await browser.get(HOME)).text


@on_sqlite
async def test_the_audit_trail(office: Office) -> None:
    """Says who did what, in words, the newest first, page by page; passwords stand nowhere."""
    async with office.browser("Bea") as browser:
        for number in range(101):
            await browser.post("/staff/search", data={"text": f"nobody {number}"})
        first, second = await browser.get(AUDIT), await browser.get(AUDIT, params={"page": "1"})
    assert first.text.count("<td>searched</td>") == 100
    assert ("page=1" in first.text, "signed in" in second.text, "page=2" in second.text) == (True, True, False)
    assert ("nobody" in first.text, PASSWORD in second.text) == (False, False)
