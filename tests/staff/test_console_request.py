"""The page of a request in the console: what it shows, what can be done on it, and that two people never both do it."""

import asyncio
import html
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from desk_browser import Office, open_office
from desk_people import hire
from people import ADA, NOW, go_through, open_turnstile

from bot.core.library import Content
from bot.core.model import Press
from bot.staff.actions import ACTIONS
from bot.store.database import Database
from bot.store.outbox import Letter
from bot.store.requests import StoredRequest


@pytest.fixture
async def office(database: Database, content: Content) -> Office:
    await hire(database, "Bea", role="admin")
    await hire(database, "Kim")
    await hire(database, "Lou")
    return open_office(database, content)


@pytest.fixture
async def request_(office: Office) -> StoredRequest:
    return await office.request(ADA)


def page_of(request: StoredRequest) -> str:
    return f"/staff/requests/{request.reference}"


def seen(answer: httpx.Response) -> str:
    """The state that the page's forms were made for."""
    found = re.search(r'name="seen" value="([^"]*)"', answer.text)
    return html.unescape(found[1]) if found else ""


def typed(answer: httpx.Response, action: str) -> dict[str, str]:
    """What a browser sends of the form when nobody has touched it."""
    form = answer.text.partition(f'id="form-{action}"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form):
        fields[name] = next(iter(re.findall(r'value="([^"]*)" selected', options)), "")
    return {name: html.unescape(value) for name, value in fields.items()}


def forms(answer: httpx.Response) -> list[str]:
    return re.findall(r'id="form-(\w+)"', answer.text)


async def test_what_the_page_shows(office: Office, request_: StoredRequest) -> None:
    """How to reach the caller, what they answered, what they agreed to, what has happened."""
    async with office.browser("Kim") as browser:
        answer = await browser.get(page_of(request_))
    page = html.unescape(answer.text)
    assert answer.status_code == 200
    assert 'href="tel:+442079460018"' in page
    assert all(part in page for part in ("Ada Fictional", request_.reference, "+44 20 7946 0018", "United Kingdom", "sent the request"))
    assert f"version {office.content.structure.consent_version}" in page
    assert forms(answer) == ["claim", "attempt", "note", "snooze", "close", "correct", "assign", "message"]


async def test_writing_an_e_mail(office: Office, request_: StoredRequest) -> None:
    """The link begins it: a subject with the reference and a greeting, in the caller's language, each on its own line."""
    async with office.browser("Kim") as browser:
        await browser.post(f"{page_of(request_)}/correct", data={"email": "ada+oms@example.org", "language": "de", "name": "Ada & Co"})
        page = html.unescape((await browser.get(page_of(request_))).text)
    assert f'href="mailto:ada%2Boms@example.org?subject=Ihre%20R%C3%BCckruf-Anfrage%20{request_.reference}&body=' in page
    assert "Ada%20%26%20Co" in page


async def test_looking_is_noted(office: Office, request_: StoredRequest) -> None:
    """Once for each who looks within ten minutes; the queue itself notes nothing."""
    async with office.browser("Bea") as bea, office.browser("Kim") as kim:
        await bea.get("/staff/")
        for browser in (bea, bea, kim, bea):
            await browser.get(page_of(request_))
        office.clock.forward(timedelta(minutes=11))
        page = await bea.get(page_of(request_))
    viewed = [entry.who for entry in await office.history(request_) if entry.what == "viewed"]
    assert viewed == ["Bea", "Kim", "Bea"]
    assert "Looked at 3×" in page.text


@pytest.mark.parametrize(
    ("steps", "state", "keeper"),
    [
        ([("claim", {})], "claimed", "Kim"),
        ([("claim", {}), ("release", {})], "new", None),
        ([("assign", {"to": "Lou"})], "claimed", "Lou"),
        ([("attempt", {"result": "no-answer", "plan": "usual"})], "claimed", "Kim"),
        ([("close", {"outcome": "helped"})], "closed", "Kim"),
        ([("close", {"outcome": "spam"}), ("reopen", {"plan": "morning"})], "claimed", "Kim"),
    ],
)
async def test_actions(
    office: Office, request_: StoredRequest, steps: list[tuple[str, dict[str, str]]], state: str, keeper: str | None
) -> None:
    """Each does what it says, names who did it, leads back to the page, and says that it is done."""
    async with office.browser("Kim") as browser:
        for name, form in steps:
            answer = await browser.post(f"{page_of(request_)}/{name}", data={**form, "seen": seen(await browser.get(page_of(request_)))})
            assert (answer.status_code, answer.headers["location"]) == (303, f"{page_of(request_)}?done={name}")
        shown = await browser.get(answer.headers["location"])
    now = await office.look(request_)
    assert (now.state, now.claimed_by) == (state, keeper)
    assert [entry.what for entry in await office.history(request_) if entry.what in ACTIONS] == [name for name, _ in steps]
    assert 'class="notice good"' in shown.text


@pytest.mark.parametrize(
    ("plan", "exact", "next_at"),
    [
        ("soon", "", NOW + timedelta(hours=2)),
        ("morning", "", datetime(2026, 11, 24, 5, 0, tzinfo=UTC)),  # nine in Dubai, where the reader sits
        ("opening", "", datetime(2026, 11, 24, 8, 0, tzinfo=UTC)),
        ("exact", "2026-11-25T14:30", datetime(2026, 11, 25, 10, 30, tzinfo=UTC)),
    ],
)
async def test_when_to_act_next(office: Office, request_: StoredRequest, plan: str, exact: str, next_at: datetime) -> None:
    """One tap, or a time of one's own by one's own clock."""
    async with office.browser("Kim") as browser:
        browser.cookies.set("omsbot_zone", "Asia%2FDubai", path="/staff")
        answer = await browser.post(f"{page_of(request_)}/snooze", data={"plan": plan, "exact": exact})
        assert answer.status_code == 303
    assert (await office.look(request_)).next_at == next_at


@pytest.mark.parametrize(
    ("action", "form", "why"),
    [
        ("snooze", {"plan": "exact", "exact": "soon"}, "choose a day and a time"),
        ("snooze", {"plan": "exact", "exact": "2020-01-01T10:00"}, "in the future"),
        ("snooze", {"plan": "exact", "exact": "0001-01-01T00:00"}, "choose a day and a time"),
        ("snooze", {}, "missing: when the next step is"),
        ("attempt", {"result": "maybe"}, "from the list what came of it"),
        ("note", {"words": "x" * 2001}, "too long"),
        ("correct", {"phone": "12"}, "no phone number"),
        ("correct", {"email": "nobody"}, "no e-mail address"),
        ("correct", {"name": "???"}, "no name"),
        ("correct", {"zone": "Atlantis"}, "not known"),
        ("correct", {"language": "xx"}, "from the list"),
        ("correct", {"when": "never"}, "from the list"),
        ("correct", {}, "Nothing was changed"),
        ("correct", {"phone": ""}, "must remain"),
        ("assign", {"to": "Max"}, "who can sign in is called Max"),
        ("close", {"outcome": "bored"}, "from the list how it ended"),
        ("message", {"words": " "}, "nothing to send"),
    ],
)
async def test_a_refused_form_comes_back(office: Office, request_: StoredRequest, action: str, form: dict[str, str], why: str) -> None:
    """With the reason and with what was typed; nothing has changed."""
    async with office.browser("Kim") as browser:
        answer = await browser.post(f"{page_of(request_)}/{action}", data={"words": "typed <here>", **form})
    assert answer.status_code in (409, 422)
    assert why in html.unescape(answer.text)
    if action in ("snooze", "attempt", "close"):
        assert "typed &lt;here&gt;</textarea>" in answer.text
    assert await office.look(request_) == request_


@pytest.mark.parametrize(
    ("action", "form", "why"),
    [
        ("claim", {}, "ist übernommen (Lou). „Ich übernehme“ passt dazu nicht."),
        ("close", {"outcome": "spam"}, "liegt bei Lou. Fragen Sie dort nach"),
        ("close", {"seen": "new::0", "outcome": "spam"}, "Lou war schneller: hat sie übernommen."),
        ("assign", {}, "Es fehlt noch etwas: an wen."),
        ("assign", {"to": "Max"}, "Niemand im Team, der sich anmelden kann, heißt Max."),
        ("message", {"words": " "}, "Es gibt nichts zu senden."),
    ],
)
async def test_refusals_speak_german(office: Office, request_: StoredRequest, action: str, form: dict[str, str], why: str) -> None:
    """To whoever has the console in German, nothing about a refusal is English."""
    async with office.browser("Kim") as kim, office.browser("Lou") as lou:
        await kim.post("/staff/account/language", data={"language": "de"})
        await lou.post(f"{page_of(request_)}/claim")
        answer = await kim.post(f"{page_of(request_)}/{action}", data=form)
    assert answer.status_code == 409
    assert why in html.unescape(answer.text)


async def test_correcting(office: Office, request_: StoredRequest) -> None:
    """A form that holds everything changes only what was changed, in stored form; numbers in any spelling, places by name."""
    async with office.browser("Kim") as browser:
        form = {"name": "Ada B.", "phone": "0044 20 7946 0099", "email": "", "zone": "Dubai", "language": "ru", "when": "evening"}
        assert (await browser.post(f"{page_of(request_)}/correct", data=form)).status_code == 303
    now = await office.look(request_)
    told = {name: now.answers[name] for name in ("name", "phone", "zone", "language", "when")}
    assert told == {"name": "Ada B.", "phone": "+442079460099", "zone": "Asia/Dubai", "language": "ru", "when": "evening"}


async def test_correcting_leaves_what_the_caller_has_changed(office: Office, request_: StoredRequest) -> None:
    """The caller finds a better time while somebody corrects the name: the form still holds the old time, and the new one stays."""
    async with office.browser("Kim") as browser:
        await browser.post(f"{page_of(request_)}/attempt", data={"result": "no-answer"})
        form = typed(await browser.get(page_of(request_)), "correct")
        assert {"was-when", "when", "was-name", "name"} <= form.keys()
        async with open_turnstile(office.database, office.content) as turnstile:
            await go_through(turnstile, [ADA.does(Press(f"better-time:{request_.reference}")), ADA.does(Press("set:when:morning"))])
        answer = await browser.post(f"{page_of(request_)}/correct", data={**form, "name": "Ada Byron"})
    assert answer.status_code == 303
    now = await office.look(request_)
    assert (now.answers["name"], now.answers["when"], now.answers["phone"]) == ("Ada Byron", "morning", ADA.phone)


@pytest.mark.parametrize(
    ("action", "form"),
    [("attempt", {}), ("assign", {}), ("close", {"words": "x" * 2001}), ("note", {"words": " \n "}), ("note", {})],
)
async def test_what_a_form_leaves_out(office: Office, request_: StoredRequest, action: str, form: dict[str, str]) -> None:
    """A form without its result, outcome, member or words, or with blanks for words, is refused like any other; nothing is noted."""
    async with office.browser("Kim") as browser:
        answer = await browser.post(f"{page_of(request_)}/{action}", data=form)
    assert (answer.status_code in (409, 422), f'id="wrong-{action}"' in answer.text) == (True, True)
    assert [entry.what for entry in await office.history(request_) if entry.what != "viewed"] == ["sent"]
    assert await office.look(request_) == request_


async def test_who_was_faster(office: Office, request_: StoredRequest) -> None:
    """Two take the same request from the same page: one has it, the other reads who, and sees how it stands now."""
    async with office.browser("Kim") as kim, office.browser("Lou") as lou:
        was = [seen(await browser.get(page_of(request_))) for browser in (kim, lou)]
        took = [browser.post(f"{page_of(request_)}/claim", data={"seen": page}) for browser, page in zip((kim, lou), was, strict=True)]
        answers = await asyncio.gather(*took)
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    now = await office.look(request_)
    beaten = next(answer for answer in answers if answer.status_code == 409)
    assert f"{now.claimed_by} was faster: took it." in beaten.text
    assert "claim" not in forms(beaten)
    assert [entry.what for entry in await office.history(request_)].count("claim") == 1


async def test_what_the_caller_did_meanwhile(office: Office, request_: StoredRequest) -> None:
    """They took it back while somebody was typing: nothing is done, nothing of them is shown any more."""
    async with office.browser("Kim") as browser:
        was = seen(await browser.get(page_of(request_)))
        async with open_turnstile(office.database, office.content) as turnstile:
            await go_through(turnstile, [ADA.does(Press("withdraw")), ADA.does(Press("withdraw:yes"))])
        answer = await browser.post(f"{page_of(request_)}/attempt", data={"result": "reached", "seen": was})
    assert (answer.status_code, "The caller was faster" in answer.text) == (409, True)
    assert ("Ada Fictional" in answer.text, "7946" in answer.text, forms(answer)) == (False, False, [])


async def test_a_note_needs_no_fresh_page(office: Office, request_: StoredRequest) -> None:
    """What only adds to the history is taken whatever has happened meanwhile."""
    async with office.browser("Kim") as kim, office.browser("Lou") as lou:
        was = seen(await kim.get(page_of(request_)))
        await lou.post(f"{page_of(request_)}/claim")
        assert (await kim.post(f"{page_of(request_)}/note", data={"words": "speaks German", "seen": was})).status_code == 303
    assert (await office.history(request_))[-1].words == "speaks German"


async def test_others_requests_are_left_alone(office: Office, request_: StoredRequest) -> None:
    """Only its keeper and admins have the forms that move it, and forging one does not help."""
    async with office.browser("Kim") as kim, office.browser("Lou") as lou, office.browser("Bea") as bea:
        await kim.post(f"{page_of(request_)}/claim")
        assert forms(await lou.get(page_of(request_))) == ["note", "assign", "message"]
        assert (await lou.post(f"{page_of(request_)}/close")).status_code == 409
        assert "release" in forms(await bea.get(page_of(request_)))


async def test_a_message_to_the_caller(database: Database, content: Content) -> None:
    """Words of staff go to the chat the request came from, after the commit, and stand in the history."""
    handed: list[Letter] = []
    await hire(database, "Kim")
    office = open_office(database, content, deliver=handed.extend)
    request = await office.request(ADA)
    async with office.browser("Kim") as browser:
        answer = await browser.post(f"{page_of(request)}/message", data={"words": "May we call at five?"})
        assert answer.headers["location"] == f"{page_of(request)}?done=message"
        assert "May we call at five?" in (await browser.get(page_of(request))).text
    assert [letter.address for letter in handed] == [ADA.address]
    assert ((await office.history(request))[-2].what, (await office.history(request))[-2].words) == ("wrote", "May we call at five?")


async def test_unknown_requests_and_actions(office: Office, request_: StoredRequest) -> None:
    """Are said to be unknown, in words."""
    async with office.browser("Kim") as browser:
        for answer in (
            await browser.get("/staff/requests/OMS-0000"),
            await browser.post("/staff/requests/OMS-0000/claim"),
            await browser.post(f"{page_of(request_)}/erase"),
        ):
            assert (answer.status_code, "There is no such page" in answer.text) == (404, True)
