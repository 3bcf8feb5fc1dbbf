"""The way into the console: who gets in, what a page brings along, and what no page may do."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from desk_browser import HOME, SIGN_IN, URL, Office, open_office
from desk_people import PASSWORD, hire
from people import ADA, contents
from starlette.routing import Route

from bot.core.library import Content
from bot.staff.gate import COOKIE, MAX_BODY, own_path
from bot.staff.pages import HERE, LANGUAGES, Words
from bot.store.database import Database

CHANGES = (
    "/staff/sign-out", "/staff/search", "/staff/export",
    "/staff/requests/OMS-1/claim", "/staff/requests/OMS-1/message", "/staff/account/password",
    "/staff/account/language", "/staff/account/totp-begin", "/staff/account/totp", "/staff/account/totp-off",
    "/staff/account/link-code", "/staff/account/unlink", "/staff/admin/add", "/staff/admin/1/disable",
)  # fmt: skip
PAGES = (
    HOME,
    "/staff/requests/OMS-1",
    "/staff/account",
    "/staff/admin",
    "/staff/audit",
    "/staff/events",
    "/staff",
    "/staff/search",
    "/staff/export",
    "/staff/statistics",
    "/staff/nowhere",
)


@pytest.fixture
async def office(database: Database, content: Content) -> Office:
    await hire(database, "Bea", role="admin")
    await hire(database, "Kim")
    return open_office(database, content)


async def test_signing_in_and_out(office: Office) -> None:
    """With name and password one is in, in a cookie that no script and no other site gets; signed out, one is out everywhere at once."""
    async with office.visitor() as browser:
        asked = await browser.get(SIGN_IN)
        assert (asked.status_code, 'name="password"' in asked.text) == (200, True)
        answer = await browser.post(SIGN_IN, data={"name": "Bea", "password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, HOME)
        cookie = answer.headers["set-cookie"].lower()
        assert all(part in cookie for part in ("httponly", "samesite=lax", "secure", "path=/staff"))
        assert "max-age" not in cookie
        token = browser.cookies[COOKIE]
        assert (await browser.get(HOME)).status_code == 200
        out = await browser.post("/staff/sign-out")
        assert (out.headers["location"], COOKIE in browser.cookies) == (SIGN_IN, False)
        assert (await browser.get(HOME, headers={"Cookie": f"{COOKIE}={token}"})).headers["location"] == SIGN_IN


@pytest.mark.parametrize("typed", [{}, {"name": "Bea"}, {"name": "Bea", "password": "wrong"}, {"name": "Max", "password": PASSWORD}])
async def test_nobody_else_gets_in(office: Office, typed: dict[str, str]) -> None:
    """The same words for every mistake; the name comes back, the password never does."""
    async with office.visitor() as browser:
        answer = await browser.post(SIGN_IN, data=typed)
    assert (answer.status_code, "Name or password is wrong." in answer.text) == (401, True)
    assert "set-cookie" not in answer.headers
    assert PASSWORD not in answer.text


async def test_the_sign_in_speaks_german(office: Office) -> None:
    """To whose browser prefers it."""
    async with office.visitor() as browser:
        assert "Anmelden" in (await browser.get(SIGN_IN, headers={"Accept-Language": "de-AT,en;q=0.5"})).text


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_needs_a_session(office: Office, path: str) -> None:
    """Who is not signed in is sent to do so, and finds the page afterwards; nothing is said about what is there."""
    async with office.visitor() as browser:
        answer = await browser.get(path)
        assert answer.status_code == 303
        there = answer.headers["location"]
        assert there in (SIGN_IN, f"{SIGN_IN}?next={path}")
        forged = await browser.get(path, headers={"Cookie": f"{COOKIE}=forged"})
        assert forged.headers["location"] == there


@pytest.mark.parametrize("path", CHANGES)
async def test_no_change_by_looking(office: Office, path: str) -> None:
    """A link or a picture changes nothing: what changes something is no page."""
    async with office.browser("Bea") as browser:
        before = await contents(office.database)
        assert (await browser.get(path)).status_code in (303, 404, 405)
        assert await contents(office.database) == before


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "", "https://desk.test.evil.test", "http://[", f"{URL}@evil.test"])
async def test_no_change_from_elsewhere(office: Office, origin: str) -> None:
    """A form on a page that is not ours, or on one that hides where it is, changes nothing."""
    async with office.browser("Bea") as browser:
        before = await contents(office.database)
        for path in (*CHANGES, SIGN_IN):
            answer = await browser.post(path, data={"name": "Bea", "password": PASSWORD}, headers={"Origin": origin})
            assert answer.status_code == 403, path
        assert await contents(office.database) == before


async def test_a_browser_that_names_only_the_page(office: Office) -> None:
    """Where there is no Origin the Referer says where a form stood."""
    async with office.browser("Bea") as browser:
        del browser.headers["Origin"]
        assert (await browser.post("/staff/search", headers={"Referer": f"{URL}/staff/"})).status_code == 200
        assert (await browser.post("/staff/search", headers={"Referer": "https://evil.test/staff/"})).status_code == 403
        assert (await browser.post("/staff/search")).status_code == 403


@pytest.mark.parametrize("path", [*PAGES[:5], SIGN_IN, "/staff/nowhere"])
async def test_pages_are_private(office: Office, path: str) -> None:
    """No page is kept, shown in a frame, or runs anything from elsewhere."""
    async with office.browser("Bea") as browser:
        headers = (await browser.get(path, follow_redirects=True)).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "same-origin")


async def test_pages_bring_nothing_inline(office: Office) -> None:
    """No script, no style, no address of somebody else in any template: the policy would stop them."""
    for file in (HERE / "templates").glob("*.html"):
        assert not re.search(r"<style| style=|<script(?![^>]* src=\"/staff/static/)| on\w+=|https?://|javascript:", file.read_text()), (
            file.name
        )


async def test_a_session_that_ended_under_a_form(office: Office) -> None:
    """What was typed comes back after the next sign-in, and is sent only when its writer says so."""
    request = await office.request(ADA)
    path = f"/staff/requests/{request.reference}/note"
    async with office.browser("Bea") as browser:
        office.clock.forward(timedelta(hours=13))
        lost = await browser.post(path, data={"words": 'asks for "Anna" & <Bob>'})
        assert (lost.status_code, "You were signed out" in lost.text) == (401, True)
        kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', lost.text))
        fields = {
            name: value.replace("&#34;", '"').replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
            for name, value in kept.items()
        }
        again = await browser.post(SIGN_IN, data={**fields, "name": "Bea", "password": PASSWORD})
        assert (again.status_code, f'action="{path}"' in again.text) == (200, True)
        assert [entry.what for entry in await office.history(request)] == ["sent"]
        await browser.post(path, data={"words": fields["kept:words"]})
    assert (await office.history(request))[-1].words == 'asks for "Anna" & <Bob>'


async def test_idle_sessions_end(office: Office) -> None:
    """Pages that ask for news by themselves do not keep a session alive; work does."""
    async with office.browser("Bea") as browser:
        for _ in range(3):
            office.clock.forward(timedelta(minutes=50))
            assert (await browser.get(HOME)).status_code == 200
        for status in (200, 200, 303):
            office.clock.forward(timedelta(minutes=50))
            assert (await browser.get(HOME, headers={"X-By-Itself": "1"})).status_code == status


async def test_disabling_works_at_once(office: Office) -> None:
    """The next thing somebody does who was disabled is signing in in vain."""
    async with office.browser("Kim") as kim, office.browser("Bea") as bea:
        assert (await bea.post("/staff/admin/2/disable")).status_code == 303
        assert (await kim.get(HOME)).headers["location"] == SIGN_IN
        assert (await kim.post(SIGN_IN, data={"name": "Kim", "password": PASSWORD})).status_code == 401


@pytest.mark.parametrize(
    "body",
    [b"a=" + b"x" * MAX_BODY, b"&".join(b"a=1" for _ in range(100)), b"\xff\xfe=\x00", b"text=%00%ff%ed%a0%80", b"=&=&&;", b"{}" * 99],
    ids=["long", "many fields", "no text", "odd bytes", "empty", "json"],
)
async def test_hostile_forms(office: Office, body: bytes) -> None:
    """Whatever is sent in is answered with a page, never with an error of ours."""
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in (*CHANGES, SIGN_IN):
        office.clock.forward(timedelta(minutes=20))  # so that nobody has to wait for having failed
        async with office.browser("Bea") as browser:
            answer = await browser.post(path, content=body, headers=sent)
            assert (answer.status_code < 500, answer.text[:15]) in ((True, "<!doctype html>"), (True, "")), path


@pytest.mark.parametrize("path", ["?page=9999999999999999", "?page=-1", "?page=٣", "?view=x&language=%00&topic=" + "x" * 5000])
async def test_hostile_addresses(office: Office, path: str) -> None:
    """Odd addresses show a page or say that there is none."""
    async with office.browser("Bea") as browser:
        for start in (HOME, "/staff/audit", "/staff/admin", "/staff/account", "/staff/requests/%00%ff", "/staff/requests/" + "x" * 3000):
            assert (await browser.get(start + path)).status_code in (200, 404)
        for number in (0, 99, 2**31, 2**70):
            assert (await browser.post(f"/staff/admin/{number}/disable")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "",
        "https://evil.test",
        "//evil.test",
        "/\\evil.test",
        "/staff/../x",
        "/staff//evil.test",
        "/staff/\n",
        "staff/",
        "/staff/ä",
        "/other",
    ],
)
def test_only_our_own_paths(path: str) -> None:
    """After a sign-in one stays with us."""
    assert own_path(path) == HOME


def test_a_path_of_ours_is_kept() -> None:
    """The page somebody was on their way to."""
    assert own_path("/staff/requests/OMS-7K3F") == "/staff/requests/OMS-7K3F"


async def test_the_cookie_fits_the_address(database: Database, content: Content) -> None:
    """Without a public https address, as at home, the cookie works over plain HTTP."""
    await hire(database, "Bea")
    office = open_office(database, content, public_url="")
    async with office.visitor() as browser:
        answer = await browser.post(SIGN_IN, data={"name": "Bea", "password": PASSWORD})
    assert "secure" not in answer.headers["set-cookie"].lower()


def test_every_change_is_tried_here(office: Office) -> None:
    """The lists above name every form and every page there is."""

    def fits(route: Route, path: str) -> bool:
        return route.path_regex.match(path) is not None

    routes = [route for route in office.console.routes() if isinstance(route, Route)]
    for route in routes:
        tried = PAGES if "GET" in (route.methods or ()) else CHANGES
        assert any(fits(route, path) for path in (*tried, SIGN_IN)), route.path


def _words(code: str) -> dict[str, str]:
    return dict(yaml.safe_load((HERE / "words" / f"{code}.yaml").read_text()))


def _said() -> Iterator[str]:
    """Every key that templates and modules say, and the beginnings of those they put together."""
    for file in (*(HERE / "templates").glob("*.html"), *HERE.glob("*.py")):
        source = file.read_text()
        if file.suffix == ".html":
            yield from re.findall(r'"([a-zA-Z][\w -]*)"', source)
        else:
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_words_are_whole() -> None:
    """Every language has the same keys with the same blanks, and every key is used."""
    first, *others = (_words(code) for code in LANGUAGES)
    for other in others:
        assert first.keys() == other.keys()
        assert {key: set(re.findall(r"{\w+}", text)) for key, text in first.items()} == {
            key: set(re.findall(r"{\w+}", text)) for key, text in other.items()
        }
    said = set(_said())
    beginnings = tuple(each for each in said if each.endswith("-")) + tuple(f"{kind}-" for kind in KINDS)
    assert [key for key in first if key not in said and not key.startswith(beginnings)] == []


KINDS = (
    "who",
    "event",
    "result",
    "outcome",
    "about",
    "channel",
    "message",
    "audit",
    "wrong",
    "missing",
    "password",
    "trouble",
)  # whose rest is data


def test_words_say_what_is_put_in() -> None:
    """A name full of braces is a name."""
    assert "{x}" in Words("en")("refused-beaten", who="{x}", event="took it")


def test_static_files_are_ours() -> None:
    """The script asks nobody but us."""
    for file in (HERE / "static").iterdir():
        assert not re.search(r"https?://(?!www\.w3\.org)", Path(file).read_text()), file.name
