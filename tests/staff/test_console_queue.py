"""The queue in the console: what stands where, who finds whom, and what is said about the caller's clock."""

import re
from datetime import timedelta

import httpx
import pytest
from desk_browser import HOME, Office, open_office
from desk_people import hire
from people import ADA, BOB, NOW, Person
from sqlalchemy import insert, update

from bot.core.library import Content
from bot.store import desk, finding, staff
from bot.store.database import Database
from bot.store.staff_tables import request_keys
from bot.store.tables import contacts, requests

SCRIPT = Person("chat-of-mallory", "<script>alert(1)</script>", "+442079460077")


@pytest.fixture
async def office(database: Database, content: Content) -> Office:
    await hire(database, "Bea", role="admin")
    await hire(database, "Kim")
    return open_office(database, content)


def names(answer: httpx.Response) -> list[str]:
    """Who is listed, in order."""
    assert answer.status_code == 200
    return re.findall(r'id="to-[^"]+"><bdi>(.*?)</bdi>', answer.text)


async def test_views(office: Office) -> None:
    """Every view shows what belongs there, with how many there are; what is overdue stands on top and says so in words."""
    ada, bob = await office.request(ADA), await office.request(BOB)
    async with office.browser("Bea") as browser:
        await browser.post(f"/staff/requests/{bob.reference}/claim")
        office.clock.now = ada.next_at + timedelta(minutes=75)
    async with office.browser("Bea") as browser:
        await browser.post(f"/staff/requests/{bob.reference}/snooze", data={"plan": "soon"})
        every = await browser.get(HOME)
        assert names(every) == ["Ada Fictional", "Bob Fictional"]
        assert re.findall(r'data-view="(\w+)".*?count[^>]*>(\d+)', every.text) == [
            ("mine", "1"),
            ("unassigned", "1"),
            ("due", "1"),
            ("all", "2"),
        ]
        assert ("overdue for 75 minutes" in every.text, "in 2 hours" in every.text) == (True, True)
        for view, listed in {"mine": ["Bob Fictional"], "unassigned": ["Ada Fictional"], "due": ["Ada Fictional"], "closed": []}.items():
            assert names(await browser.get(HOME, params={"view": view})) == listed
        await browser.post(f"/staff/requests/{bob.reference}/close", data={"outcome": "helped"})
        assert names(await browser.get(HOME, params={"view": "closed"})) == ["Bob Fictional"]


async def test_a_name_is_never_markup(office: Office) -> None:
    """Whatever people call themselves is shown, not run, on every page it stands on."""
    request = await office.request(SCRIPT)
    async with office.browser("Bea") as browser:
        for answer in (
            await browser.get(HOME),
            await browser.get(f"/staff/requests/{request.reference}"),
            await browser.post("/staff/search", data={"text": SCRIPT.name}),
            await browser.post("/staff/search", data={"text": '"><img src=x>'}),
        ):
            assert answer.status_code == 200
            assert ("<script>alert" in answer.text, "<img" in answer.text) == (False, False)


@pytest.mark.parametrize("text", ["ada", "FICT", "0018", "+44 20 7946 0018", "{reference}", "{short}"])
async def test_searching(office: Office, text: str) -> None:
    """By the beginning of a name, the end of a number, the reference or its second half; that somebody searched is noted, not for whom."""
    ada = await office.request(ADA)
    await office.request(Person("chat-3", "Cleo Other", "+442079460055"))
    typed = text.format(reference=ada.reference.lower(), short=ada.reference.removeprefix("OMS-"))
    async with office.browser("Kim") as browser:
        answer = await browser.post("/staff/search", data={"text": typed})
        assert names(answer) == ["Ada Fictional"]
        assert str(answer.url) == "https://desk.test/staff/search"
    async with office.database.read() as connection:
        newest = (await staff.events(connection))[0]
    assert (newest.who, newest.what, newest.about) == ("Kim", "searched", "1 found")


async def test_searching_for_nothing_is_noted(office: Office) -> None:
    """It lists a whole view, names and all: the audit trail says so as of any other look at the queue."""
    await office.request(ADA)
    async with office.browser("Kim") as browser:
        assert names(await browser.post("/staff/search", data={"text": " "})) == ["Ada Fictional"]
    async with office.database.read() as connection:
        newest = (await staff.events(connection))[0]
    assert (newest.who, newest.what, newest.about.endswith(", page 1")) == ("Kim", "saw the queue", True)


async def test_searching_behind_many_others(office: Office) -> None:
    """Who asked before more than 500 others whose names begin with the same letters is found by the whole name."""
    ada = await office.request(ADA)
    sealed = office.database.sealer.seal('{"name": "Adam Ficus", "phone": "+442079460018"}')
    added = range(ada.id + 1, ada.id + 511)
    rows = [
        {
            "id": n, "reference": f"OMS-{n:05}", "contact_id": ada.contact, "topic": "", "state": "closed", "channel": "web",
            "language": "en", "details": sealed, "created_at": NOW, "due_at": NOW, "next_at": NOW, "ended_at": NOW,
        }
        for n in added
    ]  # fmt: skip
    keys = finding.keys(office.database.lookup, "Ada Fic")
    async with office.database.write() as connection:
        await connection.execute(insert(requests), rows)
        await connection.execute(insert(request_keys), [{"key": key, "request_id": n} for n in added for key in keys])
    async with office.browser("Kim") as browser:
        assert names(await browser.post("/staff/search", data={"text": ADA.name})) == [ADA.name]


async def test_filters(office: Office) -> None:
    """Language, topic and channel narrow every view and every search down."""
    ada = await office.request(ADA)
    await office.request(BOB)
    async with office.database.write() as connection:
        await connection.execute(update(requests).where(requests.c.id == ada.id).values(call_language="de", topic="costs", channel="web"))
    async with office.browser("Bea") as browser:
        for wanted in ({"language": "de"}, {"topic": "costs"}, {"channel": "web"}):
            assert names(await browser.get(HOME, params=wanted)) == ["Ada Fictional"]
            assert names(await browser.post("/staff/search", data={"text": "fictional", **wanted})) == ["Ada Fictional"]
        assert names(await browser.get(HOME, params={"language": "de", "channel": "post"})) == []


async def test_the_language_filter_goes_by_the_call(office: Office) -> None:
    """A request is found under the language it shows, which is that of the call, and no longer under the one it had before."""
    ada = await office.request(ADA)
    await office.request(BOB)
    async with office.browser("Bea") as browser:
        assert names(await browser.get(HOME, params={"language": "de"})) == []
        await browser.post(f"/staff/requests/{ada.reference}/correct", data={"language": "de"})
        assert names(await browser.get(HOME, params={"language": "de"})) == ["Ada Fictional"]
        assert names(await browser.get(HOME, params={"language": "en"})) == ["Bob Fictional"]


async def test_pages_of_fifty(office: Office) -> None:
    """However many there are, a page shows fifty, and leads to the next."""
    sealed = office.database.sealer.seal('{"name": "Many", "phone": "+442079460018"}')
    rows = [
        {
            "reference": f"OMS-{n:04}", "contact_id": n, "topic": "", "state": "new", "channel": "web", "language": "en",
            "details": sealed, "created_at": NOW, "due_at": NOW, "next_at": NOW + timedelta(minutes=n),
        }
        for n in range(1, 71)
    ]  # fmt: skip
    async with office.database.write() as connection:
        people = [{"id": n, "session": b"", "created_at": NOW, "seen_at": NOW} for n in range(1, 71)]
        await connection.execute(insert(contacts), people)
        await connection.execute(insert(requests), rows)
    async with office.browser("Bea") as browser:
        first, second = await browser.get(HOME), await browser.get(HOME, params={"page": "1"})
        assert (len(names(first)), len(names(second))) == (50, 20)
        assert ("page=1" in first.text, "page=1" in second.text) == (True, False)


@pytest.mark.parametrize(
    ("when", "utc", "clock", "suits"),
    [
        ("morning", 9, "Mon 13:00", False),
        ("afternoon", 9, "Mon 13:00", True),
        ("any", 9, "Mon 13:00", True),
        ("any", 20, "Tue 00:00", False),
    ],
)
async def test_the_clock_of_the_caller(office: Office, when: str, utc: int, clock: str, suits: bool) -> None:
    """What it shows now, where, and whether a call would come when they wished for it."""
    ada = await office.request(ADA)
    sealed = office.database.sealer.seal(f'{{"name": "Ada", "phone": "+442079460018", "zone": "Asia/Dubai", "when": "{when}"}}')
    async with office.database.write() as connection:
        await connection.execute(update(requests).where(requests.c.id == ada.id).values(details=sealed))
    office.clock.now = NOW.replace(hour=utc)
    async with office.browser("Bea") as browser:
        page = (await browser.get(HOME)).text
    assert clock in page
    assert ("Dubai" in page, "good time" in page, "not their time" in page) == (True, suits, not suits)


async def test_the_page_speaks_the_language_of_its_reader(office: Office) -> None:
    """And shows times by the reader's own clock."""
    await office.request(ADA)
    async with office.browser("Kim") as browser:
        await browser.post("/staff/account/language", data={"language": "de"})
        page = await browser.get(HOME)
        assert ("Nächster Schritt" in page.text, '<html lang="de">' in page.text) == (True, True)


async def test_looking_is_no_news(office: Office) -> None:
    """Open pages are told of what happens to requests, and not of others looking at them."""
    request = await office.request(ADA)

    async def latest() -> int:
        async with office.database.read() as connection:
            return await desk.latest(connection)

    before = await latest()
    async with office.browser("Bea") as browser:
        await browser.get(f"/staff/requests/{request.reference}")
        assert await latest() == before
        await browser.post(f"/staff/requests/{request.reference}/claim")
        assert await latest() > before
