"""WhatsApp against a Cloud API on the loopback: whole conversations, who is who, and what goes wrong on the way."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from graph_api import PATIENCE, Fault, GraphApi, Message, Person
from published import description, faults_of
from serving import queued
from sqlalchemy import func, select, update
from whatsapp_side import meta, whatsapp

from bot.app import App
from bot.channels.base import Delivery, NotSent
from bot.channels.http import READ, Caller, Unreached
from bot.core.library import Content
from bot.core.markup import Paragraph
from bot.core.model import Reply
from bot.store import requests
from bot.store.requests import StoredRequest
from bot.store.tables import contact_addresses, contacts, outbox, set_aside

NUMBER, OTHER_NUMBER = "447700900123", "447700900777"
ID, OTHER_ID = "GB.13491208655302741918", "GB.9999999999999"


@pytest.fixture
async def api() -> AsyncIterator[GraphApi]:
    async with meta() as server:
        yield server


@pytest.fixture
async def app(api: GraphApi, content: Content, tmp_path: Path, key: str) -> AsyncIterator[App]:
    async with whatsapp(api, content, tmp_path, key) as running:
        yield running


@pytest.fixture
def maria(api: GraphApi) -> Person:
    return api.person("Maria", phone=NUMBER, user_id=ID)


def first_line(content: Content, language: str, text: str) -> str:
    document = content.languages[language].texts[text]
    assert isinstance(document[0], Paragraph)
    return "".join(run.text for run in document[0].runs)


async def walk(person: Person, *steps: tuple[str, str]) -> None:
    """Presses, each with a word of the answer."""
    for button, words in steps:
        await person.press(button)
        await person.wait_for(words)


async def ask_for_a_call(person: Person) -> Message:
    """A whole request with the number WhatsApp knows; what is said at the end."""
    await person.say("callback")
    await person.wait_for("Do you agree?")
    await walk(person, ("I agree", "Which number"), ("Use this number", "Is this right?"), ("Send", "has reached us"))
    return person.newest


async def history(app: App, request: StoredRequest) -> list[tuple[str, str]]:
    async with app.database.read() as connection:
        return [(entry.what, entry.note) for entry in await requests.history(connection, app.database.sealer, request.id)]


async def rows(app: App) -> list[tuple[str, str, str]]:
    """State, what WhatsApp has said, and why not, of every row of the outbox."""
    async with app.database.read() as connection:
        return [
            tuple(row) for row in await connection.execute(select(outbox.c.state, outbox.c.status, outbox.c.error).order_by(outbox.c.id))
        ]


async def eventually(app: App, api: GraphApi, expected: list[tuple[str, str, str]]) -> None:
    for _ in range(500):
        if (found := await rows(app)) == expected:
            return
    raise AssertionError(found)


async def people(app: App) -> int:
    async with app.database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(contacts)) or 0


def test_messages_are_checked_against_metas_description() -> None:
    """Where the published description is at hand, a message that breaks it is found."""
    if description("whatsapp_payload") is None:
        pytest.skip(
            "WHATSAPP MESSAGES ARE NOT CHECKED: no folder `shared` with the published description beside the checkout (or in $SHARED)"
        )
    fine = {"messaging_product": "whatsapp", "to": NUMBER, "type": "text", "text": {"body": "x"}}
    assert faults_of(fine) == []
    assert faults_of(fine | {"text": {"body": ""}}) != []
    assert faults_of({name: value for name, value in fine.items() if name != "to"} | {"recipient": ID}) == []


async def test_home_to_sent_takes_five_taps_and_no_typing(app: App, api: GraphApi, maria: Person) -> None:
    """From the home menu a request is queued by five taps, without one typed character."""
    await maria.say("hello")
    await maria.wait_for("Choose a topic")
    steps = (
        ("Free consultation", "free"),
        ("Request a callback", "Do you agree?"),
        ("I agree", "Which number"),
        ("Use this number", "Is this right?"),
        ("Send", "has reached us"),
    )
    await walk(maria, *steps)
    [request] = await queued(app)
    assert (request.answers["phone"], request.answers["name"], request.state) == (f"+{NUMBER}", "Maria", "new")
    assert (request.channel, request.answers["zone"]) == ("whatsapp", "Europe/London")
    assert request.reference in maria.newest.text


async def test_a_hidden_number_is_asked_for_by_whatsapps_own_button(app: App, api: GraphApi) -> None:
    """Whose number is not told shares it with one tap; answers went to the user id, and nothing had to be typed."""
    hidden = api.person("Ana", user_id=ID)
    await hidden.say("callback")
    await hidden.wait_for("Do you agree?")
    await walk(hidden, ("I agree", "Which number"))
    await api.until(lambda: hidden.newest.kind == "request_contact_info", "the question for the number")
    assert [message.addressed for message in hidden.received] == ["recipient"] * len(hidden.received)
    await hidden.share_contact(phone=NUMBER)
    await hidden.wait_for("Is this right?")
    await walk(hidden, ("Send", "has reached us"))
    [request] = await queued(app)
    assert request.answers["phone"] == f"+{NUMBER}"
    assert not any("All right" in message.text for message in hidden.received)


async def test_somebody_elses_card_is_asked_about(app: App, api: GraphApi) -> None:
    """A card from the address book is used only after a yes."""
    hidden = api.person("Ana", user_id=ID)
    await hidden.say("callback")
    await hidden.wait_for("Do you agree?")
    await walk(hidden, ("I agree", "Which number"))
    await hidden.share_contact(own=False, phone=OTHER_NUMBER)
    await hidden.wait_for("belongs to someone else")
    assert await queued(app) == []
    await walk(hidden, ("Call this number", "Is this right?"))


async def test_typing_works_as_well_as_tapping(app: App, maria: Person) -> None:
    """Numbers, labels, half labels, words and ids typed by hand lead where the buttons lead."""
    for typed, words in (
        ("symptoms", "OMS can affect"),
        ("2", "opsoclonus"),
        ("main m", "Choose a topic"),
        ("/menu", "Choose a topic"),
        ("eye movements", "opsoclonus"),
        ("callback", "Do you agree?"),
        ("yes", "Which number"),
        ("use this", "Is this right?"),
        ("send", "has reached us"),
    ):
        await maria.say(typed)
        await maria.wait_for(words)
    assert len(await queued(app)) == 1


async def test_menus_are_buttons_lists_or_numbers(app: App, maria: Person) -> None:
    """Up to three ways on are buttons, up to ten a list with the ways back apart, more are numbered text."""
    await maria.say("menu")
    home = await maria.wait_for("Choose a topic")
    assert (home.kind, len(home.buttons)) == ("list", 10)
    await walk(maria, ("Free consultation", "free"), ("Request a callback", "Do you agree?"))
    assert [title for _, title in maria.newest.buttons] == ["I agree", "No, cancel", "Privacy"]
    await walk(maria, ("I agree", "Which number"))
    await maria.say("main menu")
    await maria.wait_for("Choose a topic")
    assert (maria.newest.kind, "11. Continue my request" in maria.newest.text) == ("text", True)
    await maria.say("11")
    await maria.wait_for("Which number")
    await maria.say("what is rituximab")
    page = await maria.wait_for("ituximab")
    assert page.payload["interactive"]["footer"]["text"] == "General information, not medical advice."
    assert page.payload["interactive"]["header"]["type"] == "text"


async def test_a_warning_stands_alone(app: App, maria: Person) -> None:
    """Words of danger bring the emergency line first, as a text of its own with nothing beside it, with her country's number."""
    await maria.say("he cannot breathe")
    await maria.wait_for("emergency")
    first, second = await maria.api.until(lambda: maria.received if len(maria.received) == 2 else None, "two messages")
    assert (first.kind, "999" in first.text) == ("text", True)
    assert "footer" not in second.payload["interactive"]


async def test_the_contact_page_brings_a_card(app: App, maria: Person) -> None:
    """Who wants a person gets a card to keep, with number and address, before the page."""
    await maria.say("talk to a person")
    await maria.wait_for("You can reach a person")
    card, page = maria.received
    assert card.kind == "contacts"
    assert "+49 1577 8577 507" in str(card.payload)
    assert page.kind in ("button", "list")


async def test_number_and_id_are_one_person(app: App, api: GraphApi, maria: Person) -> None:
    """A message that shows both, one that shows the number only, one that shows the id only: one conversation."""
    await maria.say("callback")
    await maria.wait_for("Do you agree?")
    by_number, by_id = api.person("Maria", phone=NUMBER), api.person("Maria", user_id=ID)
    for shown in (by_number, by_id):
        await shown.say("yes" if shown is by_number else "use +44 7700 900123")
    await api.until(lambda: "Is this right?" in str([m.text for m in (*maria.received, *by_id.received)]), "the summary")
    assert await people(app) == 1


async def test_two_who_turn_out_to_be_one_are_joined(app: App, api: GraphApi) -> None:
    """Somebody known by number and somebody known by id write under both: one person, the newest conversation, both requests kept."""
    by_number, by_id, both = api.person("Jo", phone=NUMBER), api.person("Jo", user_id=ID), api.person("Jo", phone=NUMBER, user_id=ID)
    await ask_for_a_call(by_number)
    await by_id.say("symptoms")
    await api.until(lambda: any("OMS can affect" in m.text for m in by_id.received), "the menu")
    assert await people(app) == 2
    await both.say("my request")
    await api.until(lambda: "reference" in "".join(m.text for m in (*both.received, *by_number.received, *by_id.received)), "the request")
    assert await people(app) == 1
    assert [request.state for request in await queued(app)] == ["new"]


async def test_two_open_requests_become_one(app: App, api: GraphApi) -> None:
    """When both of them had asked for a call, one request goes on and the other one says why it is closed."""
    by_number, by_id, both = api.person("Jo", phone=NUMBER), api.person("Jo", user_id=ID), api.person("Jo", phone=NUMBER, user_id=ID)
    await ask_for_a_call(by_number)
    await by_id.say("callback")
    await by_id.wait_for("Do you agree?")
    await walk(by_id, ("I agree", "Which number"))
    await by_id.say("+44 7700 900123")
    await by_id.wait_for("Is this right?")
    await walk(by_id, ("Send", "has reached us"))
    await both.say("hello")
    await api.until(lambda: any("Choose a topic" in m.text for m in (*both.received, *by_number.received, *by_id.received)), "the menu")
    found = {request.state: request for request in await queued(app)}
    assert sorted(found) == ["closed", "new"]
    assert ("closed", f"same person as {found['new'].reference}") in await history(app, found["closed"])


async def test_a_number_that_changes_hands_tells_nothing(app: App, api: GraphApi, maria: Person) -> None:
    """Somebody else with Maria's old number starts anew; Maria is still known by her id."""
    await ask_for_a_call(maria)
    stranger = api.person("Eve", phone=NUMBER, user_id=OTHER_ID)
    await stranger.say("my request")
    await api.until(lambda: any("no open callback" in m.text for m in (*stranger.received, *maria.received)), "nothing to see")
    by_id = api.person("Maria", user_id=ID)
    await by_id.say("my request")
    await api.until(lambda: any("Your reference" in m.text for m in (*by_id.received, *maria.received)), "her request")
    assert await people(app) == 2


@pytest.mark.parametrize("change", ["number", "id"])
async def test_a_changed_number_or_id_keeps_the_person(app: App, api: GraphApi, maria: Person, change: str) -> None:
    """After WhatsApp's note of a change the person still has their request, under the new name alone."""
    await ask_for_a_call(maria)
    if change == "number":
        await maria.change_number(OTHER_NUMBER)
        known = api.person("Maria", phone=OTHER_NUMBER)
    else:
        await maria.change_user_id(OTHER_ID)
        known = api.person("Maria", user_id=OTHER_ID)
    await known.say("my request")
    await api.until(lambda: any("Your reference" in m.text for m in (*known.received, *maria.received[-1:])), "the request")
    assert await people(app) == 1
    async with app.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(contact_addresses)) == 2


async def test_who_changed_before_writing_is_joined_by_the_note(app: App, api: GraphApi, maria: Person) -> None:
    """A message from the new number that overtakes WhatsApp's note makes no second person in the end."""
    await ask_for_a_call(maria)
    early = api.person("Maria", phone=OTHER_NUMBER)
    await early.say("hello")
    await early.wait_for("Choose a topic")
    assert await people(app) == 2
    await maria.change_number(OTHER_NUMBER)
    assert await people(app) == 1
    await early.say("my request")
    await api.until(lambda: any("Your reference" in m.text for m in (*early.received, *maria.received)), "the request")


async def test_eight_messages_in_one_body_are_eight_answers(app: App, api: GraphApi) -> None:
    """Two entries of two changes of two messages: every one is answered, once."""
    crowd = [api.person(f"Person {number}", phone=f"44770090012{number}") for number in range(8)]
    values = [
        api.value(a, b, messages=[api.message(each, "text", text={"body": "hello"}) for each in (a, b)])
        for a, b in zip(crowd[::2], crowd[1::2], strict=True)
    ]
    body = api.envelope(values[:2], values[2:])
    assert [len(entry["changes"]) for entry in body["entry"]] == [2, 2]
    assert await api.deliver(body) == 200
    assert await api.deliver(body) == 200
    for person in crowd:
        await person.wait_for("Choose a topic")
    assert sum(len(person.received) for person in crowd) == 8


async def test_a_repeated_message_is_answered_once(app: App, api: GraphApi, maria: Person) -> None:
    """The same message delivered again, also after a restart would forget it in memory, is dropped."""
    await maria.say("hello")
    await maria.wait_for("Choose a topic")
    assert await api.redeliver() == 200
    await maria.say("symptoms")
    await maria.wait_for("OMS can affect")
    assert len(maria.received) == 2


async def test_messages_are_marked_read_with_a_sign_of_typing(app: App, api: GraphApi, maria: Person) -> None:
    """Each message is marked read once, before its answer goes out."""
    said = await maria.say("hello")
    await maria.wait_for("Choose a topic")
    assert api.receipts == [(said["id"], True)]
    names = [call.name for call in api.calls if call.name in ("read", "messages")]
    assert names == ["read", "messages"]


async def test_pictures_of_an_album_are_answered_once(app: App, api: GraphApi, maria: Person) -> None:
    """Three pictures at once bring one kind answer, words of danger under a fourth their warning; nothing is kept of any."""
    picture = {"id": "1", "mime_type": "image/jpeg", "sha256": "x"}
    messages = [api.message(maria, "image", image=picture) for _ in range(3)]
    messages.append(api.message(maria, "image", image=picture | {"caption": "she is unconscious"}))
    assert await api.deliver(api.envelope(api.value(maria, messages=messages))) == 200
    await maria.wait_for("emergency")
    await maria.say("menu")
    await maria.wait_for("Choose a topic")
    assert sum("I can only read text" in message.text for message in maria.received) == 1


@pytest.mark.parametrize("kind", ["sticker", "location", "order", "audio", "video", "document", "unsupported"])
async def test_what_cannot_be_read_is_answered_kindly(app: App, maria: Person, kind: str) -> None:
    """Whatever a person sends that is no text, they hear that it was not kept."""
    await maria.send(kind, **{kind: {"id": "1"}})
    await maria.wait_for("I did not keep what you sent")


@pytest.mark.parametrize("kind", ["reaction", "edit", "a type of next year"])
async def test_notices_are_passed_over(app: App, maria: Person, kind: str) -> None:
    """A reaction, an edit, a type nobody knows yet: no answer, and the next message is handled."""
    await maria.send(kind, **{kind: {"emoji": "👍"}})
    await maria.say("hello")
    await maria.wait_for("Choose a topic")
    assert len(maria.received) == 1


@pytest.mark.parametrize(
    ("word", "language"),
    [("STOP", "en"), ("Stopp", "en"), ("unsubscribe", "en"), ("abmelden", "de"), ("إيقاف", "ar"), ("стоп", "ru"), ("отписаться", "ru")],
)
async def test_stop_works_in_every_language(app: App, content: Content, maria: Person, word: str, language: str) -> None:
    """STOP and its sisters, in their language, offer to stop, to delete everything, or to change nothing; writing again comes back."""
    labels = content.languages[language].labels
    await maria.say(word)
    await maria.wait_for(labels["stop:yes"])
    assert [button for button, _ in maria.newest.buttons] == ["stop:yes", "erase", "home"]
    await maria.press("stop:yes")
    await maria.wait_for(first_line(content, language, "stopped"))
    await maria.say("hello")
    await maria.api.until(lambda: "page:emergency" in {button for button, _ in maria.newest.buttons}, "the main menu")


@pytest.mark.parametrize(
    ("word", "language"), [("delete everything", "en"), ("alles löschen", "de"), ("احذف بياناتي", "ar"), ("удалить мои данные", "ru")]
)
async def test_erasing_leaves_nothing(app: App, content: Content, maria: Person, word: str, language: str) -> None:
    """Delete everything, in every language: after a yes there is no contact, no address, no message, no request."""
    await ask_for_a_call(maria)
    await maria.say(word)
    await maria.wait_for(content.languages[language].labels["erase:yes"])
    await maria.press("erase:yes")
    await maria.wait_for(first_line(content, language, "erased"))
    assert (await people(app), await queued(app)) == (0, [])
    async with app.database.read() as connection:
        assert [await connection.scalar(select(func.count()).select_from(table)) for table in (contact_addresses, set_aside)] == [0, 0]


async def test_what_becomes_of_a_message_is_kept(app: App, api: GraphApi, maria: Person) -> None:
    """Sent, delivered and read are noted on the row, in whatever order they come, and never backwards."""
    await maria.say("hello")
    message = await maria.wait_for("Choose a topic")
    for status, noted in (("sent", "sent"), ("read", "read"), ("delivered", "read")):
        await api.status(message, status)
        await eventually(app, api, [("sent", noted, "")])


async def test_a_failure_is_noted_on_the_request(app: App, api: GraphApi, maria: Person) -> None:
    """When WhatsApp says later that a message was not delivered, its row is dead and the request shows why."""
    sent = await ask_for_a_call(maria)
    await api.status(sent, "failed", code=131026, title="Message undeliverable")
    [request] = await queued(app)
    assert ("message not delivered", "whatsapp: WhatsApp cannot deliver to this person") in await history(app, request)


async def test_a_passing_failure_is_sent_once_more(app: App, api: GraphApi, maria: Person) -> None:
    """A message that failed for a reason of WhatsApp's own goes out again."""
    await maria.say("hello")
    message = await maria.wait_for("Choose a topic")
    await api.status(message, "failed", code=131016, title="Service unavailable")
    await api.until(lambda: len(maria.received) == 2, "the same once more")
    await eventually(app, api, [("sent", "", "")])


async def test_after_a_day_nothing_is_said_freely(app: App, api: GraphApi, maria: Person) -> None:
    """A message that reaches us two days late is answered by nothing but a note on the request: the window has closed."""
    await ask_for_a_call(maria)
    calls = len([call for call in api.calls if call.name == "messages"])
    old = api.message(maria, "text", text={"body": "hello"}) | {"timestamp": str(int((datetime.now(UTC) - timedelta(days=2)).timestamp()))}
    async with app.database.write() as connection:
        await connection.execute(update(contacts).values(seen_at=datetime.now(UTC) - timedelta(days=3)))
    assert await api.deliver(api.envelope(api.value(maria, messages=[old]))) == 200
    [request] = await queued(app)
    noted = ("message not delivered", "whatsapp: more than 24 hours since the person last wrote, and no template is set")
    for _ in range(500):
        if noted in await history(app, request):
            break
    assert noted in await history(app, request)
    assert len([call for call in api.calls if call.name == "messages"]) == calls


async def test_after_a_day_a_template_goes_out(api: GraphApi, content: Content, tmp_path: Path, key: str, maria: Person) -> None:
    """With an approved template the words go out in it, on one line."""
    api.templates.add("news_for_you")
    async with whatsapp(api, content, tmp_path, key, whatsapp_template="news_for_you"):
        old = api.message(maria, "text", text={"body": "hello"}) | {
            "timestamp": str(int((datetime.now(UTC) - timedelta(days=2)).timestamp()))
        }
        assert await api.deliver(api.envelope(api.value(maria, messages=[old]))) == 200
        message = await api.until(lambda: maria.received[-1] if maria.received else None, "a template")
        parameter = message.payload["template"]["components"][0]["parameters"][0]["text"]
        assert (message.kind, "\n" in parameter, "Choose a topic" in parameter) == ("template", False, True)


async def test_when_whatsapp_says_the_window_is_closed_the_template_goes_out(
    api: GraphApi, content: Content, tmp_path: Path, key: str, maria: Person
) -> None:
    """The platform's clock counts: its 131047 leads to the template too."""
    api.templates.add("news_for_you")
    api.fail_next("messages", status=400, code=131047)
    async with whatsapp(api, content, tmp_path, key, whatsapp_template="news_for_you"):
        await maria.say("hello")
        await api.until(lambda: [message.kind for message in maria.received] == ["template"], "a template")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "code": 131000},
        {"status": 503, "raw": "<html>no</html>"},
        {"status": 200, "raw": "<html>log in to the hotel's network</html>"},
        {"status": 429, "code": 130429},
        {"status": 429, "raw": "slow down"},
        {"drop": True},
        {"drop_after": True},
        {"status": 401, "code": 190},
    ],
    ids=str,
)
async def test_what_passes_is_tried_again(app: App, api: GraphApi, maria: Person, fault: dict[str, object]) -> None:
    """Whatever goes wrong on WhatsApp's side, the answer arrives once it works again."""
    api.fail_next("messages", times=2, **fault)
    await maria.say("hello")
    await maria.wait_for("Choose a topic")
    await api.until(lambda: len([c for c in api.calls if c.name == "messages"]) == 3, "the third try")


async def test_too_fast_for_one_person_waits_as_long_as_asked(app: App, api: GraphApi, maria: Person) -> None:
    """131056 makes this person's messages wait six seconds; another's do not."""
    from bot.channels.whatsapp_errors import of_code

    assert (of_code(131056).kind, of_code(131056).wait) == ("passing", 6.0)
    api.fail_next("messages", status=400, code=131056)
    await maria.say("hello")
    await api.until(lambda: any(call.name == "messages" and not call.ok for call in api.calls), "the refusal")
    other = api.person("Bo", phone=OTHER_NUMBER)
    await other.say("hello")
    await other.wait_for("Choose a topic")
    assert maria.received == []


async def test_what_cannot_be_delivered_is_given_up(app: App, api: GraphApi, maria: Person) -> None:
    """131026 ends the message at once, and the next one is tried."""
    api.fail_next("messages", status=400, code=131026)
    await maria.say("hello")
    await maria.say("symptoms")
    await maria.wait_for("OMS can affect")
    assert ("dead", "", "WhatsApp cannot deliver to this person") in await rows(app)


async def test_a_note_about_a_number_joins_no_strangers(app: App, api: GraphApi, maria: Person) -> None:
    """Maria gets the number Eve had: both keep their own request, and neither sees the other's."""
    eve = api.person("Eve", phone=OTHER_NUMBER, user_id=OTHER_ID)
    await ask_for_a_call(maria)
    await ask_for_a_call(eve)
    hers = {each.answers["name"]: each.reference for each in await queued(app)}
    eve.phone = ""
    await maria.change_number(OTHER_NUMBER)
    for person in (maria, eve):
        seen = len(maria.received) + len(eve.received)
        await person.say("my request")
        await api.until(lambda seen=seen: len(maria.received) + len(eve.received) > seen, "an answer")  # type: ignore[misc]
        newest = max(maria.received[-1], eve.received[-1], key=lambda message: message.version)
        assert hers[person.name] in newest.text
    assert [each.state for each in await queued(app)] == ["new", "new"]


async def test_a_late_note_says_nothing_of_who_has_the_number_now(app: App, api: GraphApi, maria: Person) -> None:
    """A note that comes after somebody else has written from the old number leaves that person alone."""
    note = api.message(maria, "system", system={"type": "user_changed_number", "wa_id": OTHER_NUMBER, "body": "changed"})
    note["timestamp"] = str(int((datetime.now(UTC) - timedelta(hours=1)).timestamp()))
    note.pop("from_user_id", None)
    await ask_for_a_call(maria)
    eve = api.person("Eve", phone=NUMBER, user_id=OTHER_ID)
    await eve.say("hello")
    await api.until(lambda: any("Choose a topic" in m.text for m in (*eve.received, *maria.received)), "the menu")
    assert await api.deliver(api.envelope(api.value(messages=[note]))) == 200
    await eve.say("my request")
    await api.until(lambda: any("no open callback" in m.text for m in (*eve.received, *maria.received)), "nothing of Maria's")


async def test_a_waiting_message_follows_the_person(app: App, api: GraphApi, maria: Person) -> None:
    """What could not be sent before a number changed hands goes to its person's new number and never to the new owner."""
    await ask_for_a_call(maria)
    api.fail_next("messages", status=500, code=131000)
    await maria.say("my request")
    await api.until(lambda: any(call.name == "messages" and not call.ok for call in api.calls), "the failure")
    await maria.change_number(OTHER_NUMBER)
    eve = api.person("Eve", phone=NUMBER, user_id=OTHER_ID)
    await api.until(lambda: "Your reference" in maria.received[-1].text and maria.received[-1].payload["to"] == OTHER_NUMBER, "her answer")
    assert eve.received == []


async def test_what_was_erased_is_not_sent_any_more(app: App, api: GraphApi, maria: Person) -> None:
    """An answer that waits for the platform goes with everything else when the person erases; the confirmation arrives."""
    await ask_for_a_call(maria)
    api.fail_next("messages", times=2, status=500, code=131000)
    await maria.say("my request")
    await api.until(lambda: any(call.name == "messages" and not call.ok for call in api.calls), "the failure")
    before = len(maria.received)
    await maria.say("delete my data")
    await maria.say("yes")
    await maria.wait_for("We have deleted everything")
    assert not any("Your reference" in message.text for message in maria.received[before:])
    for _ in range(500):
        if await rows(app) == []:
            break
    assert await rows(app) == []


async def test_parts_that_arrived_are_not_repeated(app: App, api: GraphApi, maria: Person) -> None:
    """When the page after the contact card fails, only the page is tried again."""
    await maria.say("hello")
    await maria.wait_for("Choose a topic")
    await maria.say("talk to a person")
    await api.until(lambda: any(m.kind == "contacts" for m in maria.received), "the card")
    await maria.wait_for("You can reach a person")
    failing = [Fault(), Fault(status=500, code=131000), Fault(status=500, code=131000)]
    api._faults["messages"] += failing
    await maria.say("talk to a person")
    await maria.wait_for("You can reach a person")
    assert [message.kind for message in maria.received if message.kind == "contacts"] == ["contacts"] * 2


async def test_an_answer_to_nobody_survives_a_restart(api: GraphApi, content: Content, tmp_path: Path, key: str, maria: Person) -> None:
    """That everything was deleted is said even when the program is stopped before it could be, and nothing is kept of it."""
    async with whatsapp(api, content, tmp_path, key) as app:
        await maria.say("hello")
        await maria.wait_for("Choose a topic")
        await maria.say("delete my data")
        await maria.wait_for("Yes, delete")
        api.fail_next("messages", times=50, status=500, code=131000)
        await maria.press("Yes, delete")
        await api.until(lambda: sum(call.name == "messages" and not call.ok for call in api.calls) > 0, "a failure")
    api._faults["messages"].clear()
    async with whatsapp(api, content, tmp_path, key) as app:
        await maria.wait_for("We have deleted everything")
        for _ in range(500):
            if await rows(app) == []:
                break
        assert await rows(app) == []


async def says(app: App, words: str) -> None:
    """Waits until the channel's trouble is told in these words; "": until there is none."""
    async with asyncio.timeout(PATIENCE):
        while (words not in (said := app.channels["whatsapp"].trouble())) or (bool(said) != bool(words)):  # noqa: ASYNC110 it does not tell
            await asyncio.sleep(0.005)


async def test_a_revoked_token_is_trouble_until_a_message_goes_out(app: App, api: GraphApi, maria: Person) -> None:
    """190 makes the channel say what to do; the next message that is taken ends it."""
    api.fail_next("messages", status=401, code=190)
    await maria.say("hello")
    await says(app, "OMSBOT_WHATSAPP_TOKEN")
    await maria.wait_for("Choose a topic")
    await says(app, "")


async def test_a_revoked_token_is_noticed_before_anybody_writes(api: GraphApi, content: Content, tmp_path: Path, key: str) -> None:
    """The look at our number tells of a token that is no good, without any message."""
    api.fail_next("phone", status=401, code=190)
    async with whatsapp(api, content, tmp_path, key) as app:
        await says(app, "OMSBOT_WHATSAPP_TOKEN")


async def test_a_window_that_receipts_call_closed_leads_to_the_template(
    api: GraphApi, content: Content, tmp_path: Path, key: str, maria: Person
) -> None:
    """131047 in a receipt, after the message was taken: it goes out again, as the template."""
    api.templates.add("news_for_you")
    async with whatsapp(api, content, tmp_path, key, whatsapp_template="news_for_you"):
        await maria.say("hello")
        await api.status(await maria.wait_for("Choose a topic"), "failed", code=131047, title="Re-engagement message")
        await api.until(lambda: [message.kind for message in maria.received][1:] == ["template"] or None, "a template")


async def test_how_fast_one_person_is_written_to(app: App, api: GraphApi, maria: Person) -> None:
    """45 messages at once, then one each six seconds; 131056 asks for that wait too, and another person has a measure of their own."""
    channel = app.channels["whatsapp"]
    waits = [channel.reserve(NUMBER) for _ in range(46)]
    assert max(waits[:45]) < 1 < 5 < waits[45]
    assert channel.reserve(OTHER_NUMBER) < 1
    api.fail_next("messages", status=400, code=131056)
    with pytest.raises(NotSent) as refused:
        await channel.send(Delivery(NUMBER, Reply(())))
    assert (refused.value.passing, refused.value.retry_after) == (True, 6.0)


async def test_whoever_does_not_answer_is_not_waited_for(api: GraphApi) -> None:
    """A call has its time, and what comes later than that counts as no answer."""
    caller = Caller({"Authorization": f"Bearer {api.token}"})
    api.fail_next("phone", delay=60)
    with pytest.raises(Unreached) as failure:
        await caller.call("GET", f"{api.url}/{api.phone_number_id}", read=0.05)
    await caller.close()
    assert failure.value.timed_out
    assert READ == 20.0
