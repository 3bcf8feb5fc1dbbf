"""Statistics: every figure from a few requests of known fate, the page that shows them, and that no person is in any."""

from datetime import timedelta

import pytest
from desk_browser import Office, open_office
from desk_people import hire
from people import ADA, BOB, NOW, Person, go_through, open_turnstile

from bot.cli_stats import as_data
from bot.core.library import Content
from bot.core.model import Press, Text
from bot.shelf import Shelf
from bot.staff.actions import act
from bot.staff.charts import bars, lines
from bot.staff.desk import Actor, Desk, Given
from bot.staff.statistics import PERIODS, STATISTICS
from bot.store.database import Database
from bot.store.requests import StoredRequest
from bot.store.statistics import Share, Statistics, Verdict, statistics

CLEO = Person("chat-of-cleo-4713", "Cleo Fictional", "+442079460055")
DORA = Person("chat-of-dora-4714", "Dora Fictional", "+442079460066")


@pytest.fixture
async def office(database: Database, content: Content) -> Office:
    await hire(database, "Bea", role="admin")
    return open_office(database, content)


async def does(office: Office, request: StoredRequest, name: str, given: Given) -> None:
    desk = Desk(office.database, Shelf(office.content))
    async with office.database.write() as connection:
        await act(desk, connection, name, await office.look(request), Actor("Bea"), office.clock.now, given)


async def figures(office: Office, days: int = 30) -> Statistics:
    async with office.database.read() as connection:
        return await statistics(connection, days, office.clock.now)


async def test_nothing_yet(office: Office) -> None:
    """An empty database has figures too: none."""
    found = await figures(office)
    assert (found.requests, found.median, found.ninetieth, found.reached, found.kept) == (0, None, None, Share(0, 0), Share(0, 0))
    assert (len(found.days), found.days[-1]) == (30, NOW.date())
    async with office.browser("Bea") as browser:
        assert (await browser.get(STATISTICS)).status_code == 200


async def test_the_work(office: Office) -> None:
    """Ada is reached within an hour, Bob after two hours not, Cleo much too late, Dora never."""
    ada, bob, cleo = [await office.request(person) for person in (ADA, BOB, CLEO)]
    await office.request(DORA)
    office.clock.forward(timedelta(minutes=50))
    await does(office, ada, "attempt", Given(result="reached"))
    await does(office, ada, "close", Given(outcome="helped"))
    office.clock.forward(timedelta(minutes=70))
    await does(office, bob, "attempt", Given(result="no-answer"))
    office.clock.now = max(request.due_at for request in (ada, bob, cleo)) + timedelta(days=1)
    await does(office, cleo, "attempt", Given(result="reached", at=office.clock.now + timedelta(hours=2)))
    found = await figures(office)
    assert (found.by_channel, found.by_language) == ({"post": {NOW.date(): 4}}, {"en": {NOW.date(): 4}})
    assert (found.median, found.ninetieth) == (timedelta(hours=2), office.clock.now - NOW)
    assert (found.reached, found.kept, found.outcomes) == (Share(2, 3), Share(2, 4), {"helped": 1})
    assert found.funnel == {"wrote": 4, "started": 4, "consented": 4, "reachable": 4, "sent": 4}


async def test_who_was_helped_was_reached(office: Office) -> None:
    """Closed as helped counts as reached though nobody noted the call, and once where somebody did; closed otherwise does not."""
    for person, outcome in ((ADA, "helped"), (BOB, "not-interested"), (CLEO, "helped")):
        request = await office.request(person)
        if person is CLEO:
            await does(office, request, "attempt", Given(result="reached"))
        await does(office, request, "close", Given(outcome=outcome))
    assert (await figures(office)).reached == Share(2, 3)


async def test_languages_are_those_of_calls(office: Office, content: Content) -> None:
    """A request counts in the language its call is to be held in, whatever the chat was held in."""
    *before, send = ADA.intake(content)
    async with open_turnstile(office.database, content) as turnstile:
        await go_through(turnstile, [*before, ADA.does(Press("set:language:de")), send])
    assert (await figures(office)).by_language == {"de": {NOW.date(): 1}}


async def test_who_withdraws_in_time_was_promised_nothing(office: Office, content: Content) -> None:
    """A request taken back before its time is no broken promise, and one whose time has not come is none yet."""
    await office.request(ADA)
    assert (await figures(office)).kept == Share(0, 0)
    async with open_turnstile(office.database, content, clock=office.clock) as turnstile:
        await go_through(turnstile, [ADA.does(Press("withdraw:yes"))])
    office.clock.forward(timedelta(days=7))
    found = await figures(office)
    assert (found.kept, found.reached, found.requests) == (Share(0, 0), Share(0, 0), 1)


async def test_what_is_read(office: Office, content: Content) -> None:
    """Pages are counted by their path, searches without a hit by their number, never by their words; old days are not."""
    async with open_turnstile(office.database, content, clock=office.clock) as turnstile:
        await go_through(turnstile, [ADA.does(Press("page:symptoms")), BOB.does(Press("page:symptoms")), BOB.does(Text("xyzzy qwrtp"))])
    found = await figures(office)
    assert (found.pages, found.views, found.not_found) == ([("symptoms", 2)], 2, 1)
    office.clock.forward(timedelta(days=7))
    assert ((await figures(office, 7)).views, (await figures(office, 8)).views) == (0, 2)


async def test_what_readers_say(office: Office, content: Content) -> None:
    """Yes and no are told by page and language, the most noes first, and of the bot as a whole; to answer is not to read again."""
    presses = {
        ADA: ["page:symptoms/eyes", "helpful:symptoms/eyes", "helpful:yes:symptoms/eyes", "feedback:yes"],
        BOB: ["helpful:no:symptoms/eyes", "helpful:no:treatment/ivig", "helpful:no:treatment/ivig", "feedback:no"],
        CLEO: ["language:de", "helpful:no:symptoms/eyes", "feedback:yes"],
    }
    async with open_turnstile(office.database, content, clock=office.clock) as turnstile:
        await go_through(turnstile, [person.does(Press(button)) for person, buttons in presses.items() for button in buttons])
    found = await figures(office)
    assert found.helpful == [
        Verdict("treatment/ivig", "en", 0, 2),
        Verdict("symptoms/eyes", "en", 1, 1),
        Verdict("symptoms/eyes", "de", 0, 1),
    ]
    assert (found.feedback, found.pages) == (Share(2, 3), [("symptoms/eyes", 1)])
    told = as_data(found)
    assert (told["helpful"][0], told["feedback"]) == ({"page": "treatment/ivig", "language": "en", "yes": 0, "no": 2}, {"yes": 2, "no": 1})
    async with office.browser("Bea") as browser:
        page = (await browser.get(STATISTICS)).text
        title = content.languages["en"].pages["symptoms/eyes"].title
        row = '<th scope="row"><bdi>{}</bdi></th><td><bdi>English</bdi></td><td class="number">1</td><td class="number">1</td>'
        assert row.format(title) in page
        await browser.post("/staff/account/language", data={"language": "de"})
        assert "War diese Seite hilfreich?" in (await browser.get(STATISTICS)).text


@pytest.mark.parametrize("days", [*map(str, PERIODS), "0", "x", "99999", "٣"])
async def test_the_page(office: Office, days: str) -> None:
    """Every period has its page, a senseless one shows the usual; charts have words and tables, and nobody stands in any."""
    await office.request(ADA)
    async with office.browser("Bea") as browser:
        answer = await browser.get(STATISTICS, params={"days": days})
        assert answer.status_code == 200
        page = answer.text
        assert ('role="img" aria-label="Requests a day by channel: post 1"' in page, page.count("<polyline"), "English" in page) == (
            True,
            2,
            True,
        )
        assert page.count("<details>") == 2
        assert not [word for word in ("Fictional", "7946", "OMS-", "<script>") if word in page]
        await browser.post("/staff/account/language", data={"language": "de"})
        assert "Versprechen gehalten" in (await browser.get(STATISTICS)).text


def test_long_periods_are_drawn_by_the_week() -> None:
    """The numbers of a week stand together, and none is lost."""
    days = [NOW.date() + timedelta(days=number) for number in range(365)]
    drawn = lines(days, {"web": dict.fromkeys(days, 2)})
    assert (drawn.weekly, len(drawn.starts), drawn.top, drawn.lines[0].total) == (True, 53, 14, 730)
    assert drawn.lines[0].points.startswith("0.0,0.0 ")
    assert lines(days[:90], {}).weekly is False


def test_bars_are_as_long_as_their_numbers() -> None:
    """The longest is whole, none of nothing is drawn."""
    assert [bar.percent for bar in bars([("a", 4), ("b", 1), ("c", 0)])] == [100.0, 25.0, 0.0]
    assert [bar.percent for bar in bars([("a", 0)])] == [0.0]
