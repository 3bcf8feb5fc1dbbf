"""When staff are reminded: by a table of moments, and each once, however many look at the same time."""

import asyncio
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from desk_browser import open_office
from desk_people import hire
from people import ADA, BOB, NOW, Person, go_through, open_turnstile, queue
from sqlalchemy import delete, func, insert, select, update

from bot.core.library import Content
from bot.core.markup import plain
from bot.core.model import Press
from bot.core.schedule import Hours
from bot.shelf import Shelf
from bot.staff.actions import act
from bot.staff.alerts import EMAIL, GROUP, Alerts, phrases
from bot.staff.desk import Actor, Desk, Given
from bot.staff.reminders import due
from bot.staff.watch import Watch
from bot.store import counts, staff
from bot.store.database import Database
from bot.store.outbox import Letter
from bot.store.reminders import Open
from bot.store.requests import StoredRequest
from bot.store.staff_tables import reminders
from bot.store.tables import outbox, requests

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    """A moment on the office's clock: "23 Nov 09:30". The 23rd of November 2026 is a Monday."""
    return datetime.strptime(f"2026 {text}", "%Y %d %b %H:%M").replace(tzinfo=BERLIN).astimezone(UTC)


def waiting(state: str, promised: str, then: str = "", *, attempted: bool = False) -> Open:
    return Open(1, state, at(promised), at(then or promised), attempted)


@pytest.mark.parametrize(
    ("request_", "now", "kinds"),
    [
        # nobody has it
        (waiting("new", "24 Nov 14:00"), "24 Nov 13:59", ()),
        (waiting("new", "24 Nov 14:00"), "24 Nov 14:00", ("unclaimed",)),
        (waiting("new", "24 Nov 14:00"), "25 Nov 13:59", ("unclaimed",)),
        (waiting("new", "24 Nov 14:00"), "25 Nov 14:00", ("unclaimed", "escalation")),
        # over a weekend an office day is longer, over Christmas longer still
        (waiting("new", "20 Nov 14:00"), "21 Nov 14:00", ("unclaimed",)),  # Saturday: see below
        (waiting("new", "20 Nov 14:00"), "23 Nov 13:59", ("unclaimed",)),
        (waiting("new", "20 Nov 14:00"), "23 Nov 14:00", ("unclaimed", "escalation")),
        (waiting("new", "24 Dec 14:00"), "28 Dec 13:59", ("unclaimed",)),
        (waiting("new", "24 Dec 14:00"), "28 Dec 14:00", ("unclaimed", "escalation")),
        # snoozed
        (waiting("new", "24 Nov 14:00", "26 Nov 10:00"), "25 Nov 14:00", ()),
        (waiting("new", "24 Nov 14:00", "26 Nov 10:00"), "26 Nov 10:00", ("unclaimed",)),
        (waiting("claimed", "24 Nov 14:00", "26 Nov 10:00"), "26 Nov 09:59", ()),
        # somebody has it
        (waiting("claimed", "24 Nov 14:00"), "24 Nov 13:59", ()),
        (waiting("claimed", "24 Nov 14:00"), "24 Nov 14:00", ("next",)),
        (waiting("claimed", "24 Nov 14:00"), "24 Nov 15:59", ("next",)),
        (waiting("claimed", "24 Nov 14:00"), "24 Nov 16:00", ("next", "idle")),
        (waiting("claimed", "24 Nov 14:00"), "25 Nov 16:00", ("next", "idle")),
        (waiting("claimed", "20 Nov 10:00", "20 Nov 16:00", attempted=True), "20 Nov 16:30", ("next",)),
        (waiting("claimed", "20 Nov 10:00", "20 Nov 16:00", attempted=True), "23 Nov 09:59", ("next",)),
        (waiting("claimed", "20 Nov 10:00", "20 Nov 16:00", attempted=True), "23 Nov 10:00", ("next", "idle")),
        # outside the hours: what has been tried already waits for the opening, however late it is
        (waiting("claimed", "20 Nov 10:00", "20 Nov 20:00", attempted=True), "20 Nov 20:00", ()),
        (waiting("claimed", "20 Nov 10:00", "20 Nov 20:00", attempted=True), "22 Nov 12:00", ()),
        (waiting("claimed", "20 Nov 10:00", "20 Nov 20:00", attempted=True), "23 Nov 09:00", ("next",)),
        (waiting("claimed", "23 Dec 10:00", "25 Dec 10:00", attempted=True), "25 Dec 10:00", ()),  # Christmas
        (waiting("claimed", "23 Dec 10:00", "25 Dec 10:00", attempted=True), "28 Dec 09:00", ("next",)),
        # a promise that would be broken by the next opening does not wait for it
        (waiting("new", "24 Nov 17:00"), "24 Nov 17:00", ("unclaimed",)),
        (waiting("claimed", "20 Nov 17:00"), "20 Nov 17:01", ("next",)),
        # promised for after the opening, put off till the night: that is early enough in the morning
        (waiting("new", "25 Nov 12:00", "24 Nov 22:00"), "24 Nov 22:00", ()),
        (waiting("new", "25 Nov 12:00", "24 Nov 22:00"), "25 Nov 09:00", ("unclaimed",)),
        # over
        (waiting("closed", "24 Nov 14:00"), "25 Nov 14:00", ()),
        (waiting("withdrawn", "24 Nov 14:00"), "25 Nov 14:00", ()),
    ],
)
def test_when(content: Content, request_: Open, now: str, kinds: tuple[str, ...]) -> None:
    """Which reminders about a request should have been sent by a moment."""
    assert due(request_, at(now), content.structure.hours) == kinds


def test_an_office_day_by_the_clock(content: Content) -> None:
    """Later by office time and by an office day: nights, weekends, holidays and the change of the clocks do not count."""
    hours: Hours = content.structure.hours
    assert hours.later(at("20 Nov 16:30"), timedelta(hours=2)) == at("23 Nov 10:30")
    assert hours.same_time_next_day(at("23 Oct 12:00")) == at("26 Oct 12:00")  # the clocks have changed
    assert hours.next_opening(at("23 Nov 09:00")) == at("24 Nov 09:00")
    assert hours.next_opening(at("24 Dec 18:00")) == at("28 Dec 09:00")


@dataclass
class Places:
    """What e-mail and the group were told."""

    letters: list[Letter] = field(default_factory=list)

    def deliver(self, letters: list[Letter]) -> None:
        self.letters += [letter for letter in letters if letter.reply.body]  # what is empty is a card

    def titles(self, place: str = EMAIL) -> list[str]:
        return [letter.reply.title for letter in self.letters if letter.channel == place]

    def said(self) -> str:
        return "\n".join(f"{letter.reply.title}\n{plain(letter.reply.body)}" for letter in self.letters)


@pytest.fixture
def alerts(database: Database, content: Content) -> Alerts:
    return Alerts(database, Shelf(content), "callbacks@example.org", "-100", "https://bot.example.org")


@pytest.fixture
def places() -> Places:
    return Places()


@pytest.fixture
def desk(database: Database, alerts: Alerts) -> Desk:
    return Desk(database, alerts.shelf, "test", places=alerts)


@pytest.fixture
def watch(desk: Desk, places: Places) -> Watch:
    return Watch(desk, places.deliver)


@pytest.fixture
async def request_(database: Database, content: Content) -> StoredRequest:
    """Ada's, sent on Monday at ten and promised for Tuesday at ten."""
    await ask(database, content, ADA)
    [sent] = await queue(database)
    assert sent.due_at == at("24 Nov 10:00")
    return sent


async def ask(database: Database, content: Content, person: Person) -> None:
    async with open_turnstile(database, content) as turnstile:
        await go_through(turnstile, person.intake(content))


async def do(desk: Desk, name: str, now: datetime, given: Given) -> None:
    [request] = await queue(desk.database)
    async with desk.database.write() as connection:
        await act(desk, connection, name, request, Actor("Bea"), now, given)


def without_digest(titles: list[str]) -> list[str]:
    return [title for title in titles if not title.startswith("The desk today")]


async def test_each_reminder_comes_once(watch: Watch, places: Places, request_: StoredRequest) -> None:
    """Minute after minute the same is due: it is said once, at both places, and the worst once more after an office day."""
    for moment in (
        "24 Nov 09:59",
        "24 Nov 10:00",
        "24 Nov 10:01",
        "24 Nov 16:59",
        "25 Nov 09:00",
        "25 Nov 10:00",
        "25 Nov 10:01",
        "27 Nov 12:00",
    ):
        await watch.look(at(moment))
    for place in (EMAIL, GROUP):
        assert without_digest(places.titles(place)) == [
            f"Reminder: {request_.reference}",
            f"[URGENT] Nobody has called: {request_.reference}",
        ]


async def test_links_lead_into_the_console(
    watch: Watch, places: Places, database: Database, content: Content, request_: StoredRequest
) -> None:
    """Every link of a reminder, an escalation and a digest opens a page of the console for who is signed in."""
    await hire(database, "Bea")
    for moment in ("24 Nov 10:00", "25 Nov 10:00"):
        await watch.look(at(moment))
    titles = " ".join(places.titles())
    assert all(kind in titles for kind in ("Reminder: ", "[URGENT]", "The desk today"))
    said = [[button.id for button in letter.reply.choices if button.kind == "link"] for letter in places.letters]
    assert all(said)
    listed = re.findall(
        rf"https://bot\.example\.org/staff/requests/{request_.reference}", repr([each.reply.body for each in places.letters])
    )
    assert listed
    async with open_office(database, content).browser("Bea") as browser:
        for link in {*(link for links in said for link in links), *listed}:
            assert link.startswith("https://bot.example.org/staff/")
            assert (await browser.get(link.removeprefix("https://bot.example.org"))).status_code == 200, link


async def test_two_instances_say_it_once(desk: Desk, request_: StoredRequest) -> None:
    """Several instances look at the same moment: together they say what one would have said."""
    said = [Places() for _ in range(3)]
    each = [Watch(replace(desk, owner=f"instance {number}"), places.deliver) for number, places in enumerate(said)]
    for moment in ("24 Nov 10:00", "24 Nov 10:05"):
        await asyncio.gather(*(one.look(at(moment)) for one in each))
    titles = [title for places in said for title in places.titles()]
    assert min(titles) == f"Reminder: {request_.reference}"
    assert len(titles) == 2  # and one digest


async def test_what_is_planned_anew_is_reminded_anew(watch: Watch, places: Places, desk: Desk, request_: StoredRequest) -> None:
    """After a reminder somebody tries, and plans: silence until then, and a reminder at that moment."""
    await watch.look(at("24 Nov 10:00"))
    await do(desk, "attempt", at("24 Nov 10:30"), Given(result="no-answer", at=at("26 Nov 11:00")))
    await watch.look(at("25 Nov 16:00"))
    assert len(without_digest(places.titles())) == 1
    await watch.look(at("26 Nov 11:00"))
    assert len(without_digest(places.titles())) == 2
    assert "Bea, it is time for the next step" in places.said()
    await watch.look(at("26 Nov 13:00"))
    assert "Bea, the next step was due Thu 26 Nov, 11:00" in places.said()


@pytest.mark.parametrize("end", ["close", "withdraw", "erase"])
async def test_what_is_over_is_silent(
    watch: Watch, places: Places, desk: Desk, content: Content, request_: StoredRequest, end: str
) -> None:
    """Closed by staff, withdrawn or erased by the caller: no reminder any more."""
    if end == "close":
        await do(desk, "close", NOW, Given())
    else:
        async with open_turnstile(desk.database, content) as turnstile:
            await go_through(turnstile, [ADA.does(Press(f"{end}:yes"))])
    for moment in ("24 Nov 10:00", "25 Nov 10:00"):
        await watch.look(at(moment))
    assert without_digest(places.titles()) == []


async def test_an_escalation_names_the_admins(watch: Watch, places: Places, database: Database, request_: StoredRequest) -> None:
    """Who is responsible is called by name; whose account is disabled is not."""
    async with database.write() as connection:
        await staff.add(connection, "Kim", "staff", "en", "", NOW)
        await staff.add(connection, "Ann", "admin", "en", "", NOW)
        gone = await staff.add(connection, "Zoe", "admin", "en", "", NOW)
        await staff.disable(connection, gone.id, NOW)
    await watch.look(at("25 Nov 10:00"))
    assert "To the admins: Ann\n" in places.said()
    assert without_digest(places.titles()) == [f"[URGENT] Nobody has called: {request_.reference}"]


async def test_many_at_once_are_one_message(watch: Watch, places: Places, database: Database, content: Content) -> None:
    """After a long holiday staff get one list, not a flood; what does not fit is counted, and noted as said."""
    async with open_turnstile(database, content) as turnstile:
        for number in range(25):
            await go_through(turnstile, Person(f"chat-{number}", "Ada", "+442079460018").intake(content))
    await watch.look(at("24 Nov 12:00"))
    [title] = without_digest(places.titles())
    assert title.endswith(" …")
    [letter] = [letter for letter in places.letters if letter.channel == EMAIL and letter.reply.title == title]
    assert plain(letter.reply.body).count("nobody has it") == 20
    assert "and 5 more" in plain(letter.reply.body)
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(reminders)) == 25


@pytest.mark.parametrize("language", ["en", "de"])
async def test_alerts_name_nobody(database: Database, content: Content, alerts: Alerts, places: Places, desk: Desk, language: str) -> None:
    """Whatever is written to e-mail and group holds no name, number or address of a caller, in no language."""
    spoken = replace(alerts, language=language)
    told = Places()
    async with open_turnstile(database, content, lambda letters: told.letters.extend(letters), alerts=spoken) as turnstile:
        for person in (ADA, BOB):
            await go_through(turnstile, person.intake(content))
    watch = Watch(replace(desk, places=spoken), places.deliver)
    for moment in ("24 Nov 10:00", "25 Nov 10:00"):
        await watch.look(at(moment))
    places.letters += [letter for letter in told.letters if letter.channel in (EMAIL, GROUP)]
    said = repr([letter.reply for letter in places.letters])
    assert len([letter for letter in places.letters if letter.channel == EMAIL]) == 2 + 2 + 2  # new, reminder, digest
    assert all(letter.contact is None for letter in places.letters)
    for person in (ADA, BOB):
        assert not any(private in said for private in (*person.name.split(), person.phone, person.phone[-4:], person.address))
    for reference in [request.reference for request in await queue(database)]:
        assert reference in said


def test_every_alert_is_said_in_both_languages() -> None:
    """The same keys with the same blanks."""
    english, german = phrases("en").texts, phrases("de").texts
    assert english.keys() == german.keys()
    for key, text in english.items():
        assert {part.partition("}")[0] for part in text.split("{")[1:]} == {
            part.partition("}")[0] for part in german[key].split("{")[1:]
        }, key


async def test_the_digest_comes_at_the_opening(watch: Watch, places: Places, request_: StoredRequest) -> None:
    """Once on each office day, not before the opening, and not at the weekend."""
    for moment in (
        "26 Nov 08:59",
        "26 Nov 09:00",
        "26 Nov 09:01",
        "26 Nov 12:00",
        "27 Nov 03:00",
        "27 Nov 09:30",
        "28 Nov 12:00",
        "30 Nov 09:00",
    ):
        before = len(places.letters)
        await watch.look(at(moment))
        digests = [letter for letter in places.letters[before:] if letter.reply.title.startswith("The desk today")]
        assert len(digests) == (2 if moment in ("26 Nov 09:00", "27 Nov 09:30", "30 Nov 09:00") else 0), moment


async def test_an_empty_desk_has_no_digest(watch: Watch, places: Places, database: Database, request_: StoredRequest) -> None:
    """Where nobody asks there is nothing to read in the morning, and nothing is made up for it at noon."""
    async with database.write() as connection:
        await connection.execute(delete(requests))
    await watch.look(at("26 Nov 09:00"))
    assert places.letters == []
    async with database.read() as connection:
        assert await counts.last_run(connection, "digest") == at("26 Nov 09:00")


async def test_the_digest_counts(watch: Watch, places: Places, database: Database, content: Content, request_: StoredRequest) -> None:
    """Open, due, overdue; and since Friday, on a Monday, what came, what ended, and which promises were kept."""
    friday, number = at("27 Nov 10:00"), int(request_.contact)
    row = {
        "contact_id": number,
        "channel": "web",
        "language": "en",
        "details": database.sealer.seal("{}"),
        "created_at": friday,
        "topic": "",
    }
    kept = {"due_at": friday, "first_attempt_at": friday, "state": "closed", "ended_at": friday, "next_at": friday}
    late = kept | {"first_attempt_at": friday + timedelta(hours=1)}
    today = {"due_at": at("30 Nov 12:00"), "next_at": at("30 Nov 12:00"), "state": "new", "topic": "x"}
    tomorrow = {"due_at": at("01 Dec 12:00"), "next_at": at("01 Dec 12:00"), "state": "claimed", "claimed_by": "Bea", "topic": "y"}
    async with database.write() as connection:
        for place, values in enumerate((kept, late, today, tomorrow)):
            await connection.execute(insert(requests).values(row | values | {"reference": f"R{place}"}))
        await connection.execute(update(requests).where(requests.c.id == request_.id).values(created_at=at("20 Nov 12:00")))
    await watch.look(at("30 Nov 09:00"))
    for line in (
        "The desk today: 3 open, 1 overdue",
        "Open: 3, of which 2 are nobody's",
        "To do today: 1",
        "Overdue: 1",
        "Since Fri 27 Nov, 00:00: 4 new, 2 closed",
        "Promises kept: 1 of 2",
    ):
        assert line in places.said()


async def test_without_a_place_nothing_is_written(database: Database, content: Content, request_: StoredRequest) -> None:
    """Nobody is to be told: nothing is noted as said, so who is configured later hears of it."""
    places = Places()
    await Watch(Desk(database, Shelf(content), "test"), places.deliver).look(at("25 Nov 10:00"))
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(reminders)) == 0
        assert await connection.scalar(select(func.count()).select_from(outbox).where(outbox.c.channel.in_((EMAIL, GROUP)))) == 0
    assert places.letters == []
