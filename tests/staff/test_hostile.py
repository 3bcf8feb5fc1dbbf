"""The desk under attack: sessions that should be over, forms from elsewhere, moments no clock can say, names that bite."""

import asyncio
import html
from datetime import timedelta
from urllib.parse import unquote

import pytest
from desk_browser import HOME, SIGN_IN, URL, Office, open_office
from desk_people import PASSWORD, Counting, hire
from people import ADA, NOW, Person, go_through, open_turnstile

from bot.core.library import Content
from bot.core.model import Press
from bot.shelf import Shelf
from bot.staff.accounts import AccountRefused, Accounts
from bot.staff.actions import act
from bot.staff.desk import Actor, Desk, Given, Refused
from bot.staff.gate import COOKIE, ZONE_COOKIE
from bot.staff.passwords import Passwords
from bot.store import staff
from bot.store.database import Database
from bot.store.throttle import FREE

EVIL = "\u202eevil\nBcc: eve@evil.test\r\n<script>alert(1)</script>\"'><img src=x> {{7*7}}"
OTHER = "five tame zebras"


@pytest.fixture
async def office(database: Database, content: Content) -> Office:
    await hire(database, "Bea", role="admin")
    await hire(database, "Kim")
    return open_office(database, content)


async def test_a_session_that_was_put_in_is_not_taken_up(office: Office) -> None:
    """Who signs in gets a token of their own, whatever cookie the browser was given before."""
    async with office.visitor() as browser:
        browser.cookies.set(COOKIE, "x" * 43, path="/staff")
        answer = await browser.post(SIGN_IN, data={"name": "Bea", "password": PASSWORD})
        assert f"{COOKIE}={'x' * 43}" not in answer.headers["set-cookie"]
        assert (await browser.get(HOME, headers={"Cookie": f"{COOKIE}={'x' * 43}"})).status_code == 303


async def test_signing_in_again_ends_the_session_before(office: Office) -> None:
    """Of one browser there is one session, so what was written down of an older one opens nothing."""
    async with office.browser("Kim") as browser, office.visitor() as thief:
        old = browser.cookies[COOKIE]
        assert (await browser.post(SIGN_IN, data={"name": "Bea", "password": PASSWORD})).status_code == 303
        assert (await browser.get(HOME)).status_code == 200
        assert (await thief.get(HOME, headers={"Cookie": f"{COOKIE}={old}"})).status_code == 303


async def test_a_stolen_session_ends_with_the_password(office: Office) -> None:
    """Who changes their password stays; whoever else was in by the old one is out, and so is everybody when an admin sets it."""
    async with office.browser("Kim") as kim, office.browser("Kim") as thief, office.browser("Bea") as bea:
        changed = await kim.post("/staff/account/password", data={"old": PASSWORD, "new": OTHER, "again": OTHER})
        assert changed.status_code == 303, changed.text
        assert [(await each.get(HOME)).status_code for each in (kim, thief)] == [200, 303]
        assert (await bea.post("/staff/admin/2/password")).status_code == 200
        assert (await kim.get(HOME)).status_code == 303


@pytest.mark.parametrize(
    "origin", [URL.replace("https", "http"), f"{URL}:8443", URL.upper() + ".", "https://desk.test:443@evil.test", "file://"]
)
async def test_addresses_that_look_like_ours(office: Office, origin: str) -> None:
    """Another port, or the same name without TLS, is not our page."""
    async with office.browser("Bea") as browser:
        assert (await browser.post("/staff/search", data={"text": "x"}, headers={"Origin": origin})).status_code == 403


@pytest.mark.parametrize("path", ["/staff/account/password", "/staff/account/totp", "/staff/search"])
async def test_no_password_comes_back(office: Office, path: str) -> None:
    """When the session has ended under a form that is not about a request, nothing of it stands in the answer."""
    async with office.browser("Kim") as browser:
        office.clock.forward(timedelta(hours=13))
        lost = await browser.post(path, data={"old": PASSWORD, "new": OTHER, "secret": OTHER, "text": OTHER})
        assert lost.status_code == 401
        assert not [said for said in (PASSWORD, OTHER) if said in lost.text]
        again = await browser.post(SIGN_IN, data={"name": "Kim", "password": PASSWORD})
        assert again.headers["location"] == HOME


@pytest.mark.parametrize("exact", ["9999-12-31T23:59", "9999-12-31T23:59+00:00", "2999-01-01T00:00"])
@pytest.mark.parametrize("action", ["snooze", "attempt"])
async def test_the_end_of_time(office: Office, exact: str, action: str) -> None:
    """A moment that some zone cannot say is refused, so it breaks no page and no card of anybody."""
    request = await office.request(ADA)
    page = f"/staff/requests/{request.reference}"
    async with office.browser("Bea") as browser:
        answer = await browser.post(f"{page}/{action}", data={"plan": "exact", "exact": exact, "result": "reached"})
        assert answer.status_code == 409
        browser.cookies.set(ZONE_COOKIE, "Pacific%2FAuckland", path="/staff")
        assert [(await browser.get(path)).status_code for path in (page, HOME)] == [200, 200]


async def test_a_name_that_bites(office: Office) -> None:
    """What somebody calls themselves is text on every page, turns no line around, and adds nothing to an e-mail to them."""
    request = await office.request(Person("chat-of-eve", EVIL))
    page = f"/staff/requests/{request.reference}"
    async with office.browser("Bea") as browser:
        await browser.post(f"{page}/correct", data={"email": "a+b?bcc=eve@example.org", "name": EVIL})
        shown = [await browser.get(path) for path in (HOME, page)]
        shown += [await browser.post("/staff/search", data={"text": EVIL}), await browser.post(f"{page}/note", data={"words": EVIL * 50})]
        await browser.post(f"{page}/note", data={"words": EVIL})
        shown.append(await browser.get(page))
    for answer in shown:
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
    listed = html.unescape(shown[0].text)
    assert "evil Bcc" in listed
    assert "\u202e" not in listed
    [*_, mail] = [part.partition('"')[0] for part in shown[1].text.split('href="mailto:')]
    assert "\n" not in unquote(mail).partition("&amp;body=")[0]
    assert mail.lower().count("bcc=") <= 0


async def test_who_saw_the_queue_is_on_record(office: Office) -> None:
    """Names stand in the list, so that somebody has seen it is in the trail: once in a while for each view, not for every look."""
    async with office.browser("Kim") as kim:
        for _ in range(3):
            await kim.get(HOME)
        await kim.get(f"{HOME}?view=closed&page=2")
        office.clock.forward(timedelta(minutes=11))
        await kim.get(HOME)
    async with office.database.read() as connection:
        seen = [event.about for event in await staff.events(connection) if (event.who, event.what) == ("Kim", "saw the queue")]
    assert seen == ["all, page 1", "closed, page 3", "all, page 1"]


async def test_a_stolen_session_guesses_slowly(database: Database) -> None:
    """Who is in by somebody's open browser finds out their password no faster than at the door, however many guesses come at once."""
    hasher = Counting()
    accounts = Accounts(database, Passwords(hasher))
    kim = await hire(database, "Kim")
    guesses = (accounts.change_password(kim, f"wrong {number}", OTHER, NOW, keep="") for number in range(4 * FREE))
    said = await asyncio.gather(*guesses, return_exceptions=True)
    assert all(isinstance(refused, AccountRefused) for refused in said)
    assert hasher.verified == FREE


@pytest.mark.parametrize("ends", ["password", "disable"])
async def test_a_code_from_a_stolen_session_is_void(database: Database, ends: str) -> None:
    """A code for linking Telegram does not outlive the sessions that a new password, or disabling, has ended."""
    accounts = Accounts(database, Passwords(Counting()))
    kim = await hire(database, "Kim")
    await hire(database, "Bea", role="admin")
    code = await accounts.make_link_code(kim, NOW)
    if ends == "password":
        await accounts.set_password("Bea", kim, OTHER, NOW)
    else:
        await accounts.disable("Bea", kim, NOW)
        await accounts.enable("Bea", kim, NOW)
    async with database.write() as connection:
        assert await staff.link_telegram(connection, database, code, "666", NOW) is None


@pytest.mark.parametrize("one", ["claim", "attempt", "close", "assign", "correct", "message", "snooze", "note"])
async def test_the_caller_withdraws_at_the_same_moment(office: Office, one: str) -> None:
    """Whatever staff send in while the caller withdraws, and twice over: no error, no second life, and nothing of them stays."""
    request = await office.request(ADA)
    page = f"/staff/requests/{request.reference}"
    form = {"result": "reached", "outcome": "helped", "to": "Kim", "name": "Ada Lovelace", "plan": "soon", "words": "Ada calls back"}
    async with (
        office.browser("Bea") as bea,
        office.browser("Kim") as kim,
        open_turnstile(office.database, office.content, clock=office.clock) as turnstile,
    ):
        answers = await asyncio.gather(
            bea.post(f"{page}/{one}", data=form),
            go_through(turnstile, [ADA.does(Press("withdraw")), ADA.does(Press("withdraw:yes"))]),
            kim.post(f"{page}/{one}", data=form),
        )
        assert {answer.status_code for answer in answers if answer} <= {303, 409, 422}
        shown = await kim.get(page)
    ended = await office.look(request)
    if ended.state == "withdrawn":
        assert (ended.answers, [entry.words for entry in await office.history(request) if entry.words]) == ({}, [])
        assert "Ada" not in shown.text
    else:
        assert (one, ended.state) == ("close", "closed")
    noted = [entry.what for entry in await office.history(request)]
    assert noted.count("wrote" if one == "message" else one) == [answer.status_code for answer in answers if answer].count(303)


async def test_a_note_that_comes_too_late(office: Office) -> None:
    """Words about somebody who has withdrawn between the look at their request and the note are not kept."""
    request = await office.request(ADA)
    async with open_turnstile(office.database, office.content, clock=office.clock) as turnstile:
        await go_through(turnstile, [ADA.does(Press("withdraw")), ADA.does(Press("withdraw:yes"))])
    desk = Desk(office.database, Shelf(office.content))
    with pytest.raises(Refused, match="caller has just changed"):
        async with office.database.write() as connection:
            await act(desk, connection, "note", request, Actor("Bea"), NOW, Given(words="Ada is a nurse"))
    assert [entry.what for entry in await office.history(request)] == ["sent", "withdrawn"]
