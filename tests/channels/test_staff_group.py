"""The staff's Telegram group: a card for each request that is always up to date, and buttons that work for staff only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from bot_api import BotApi, Message, Person
from people import ADA, NOW, go_through, open_turnstile, queue
from program import Program
from published import check_calls
from serving import queued, served, settings
from sqlalchemy import func, select, update

from bot.app import App
from bot.channels.telegram import WEBHOOK
from bot.core.library import Content
from bot.staff.actions import act
from bot.staff.desk import NOTHING, Actor, Given
from bot.store import cards, requests, staff
from bot.store.database import Database
from bot.store.requests import StoredRequest
from bot.store.tables import outbox, request_events
from bot.store.tables import requests as table

GROUP = -100500
SECRET = "a-secret-of-telegram-and-ours"
PHONE = "4915155501234"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        server.person(1, "Nobody", chat_id=GROUP)  # the group is there
        yield server
        check_calls(server)


def running(api: BotApi, content: Content, folder: Path, key: str, **more: object) -> AbstractAsyncContextManager[App]:
    """The app with a staff group."""
    telegram = {"telegram_token": api.token, "telegram_api_url": api.url, "telegram_chat_rate": 1000}
    group = {"telegram_staff_chat": str(GROUP), "public_url": "https://bot.example.org"}
    return App.running(settings(folder, key, **telegram, **group, **more), content=content)


@pytest.fixture
async def app(api: BotApi, content: Content, tmp_path: Path, key: str) -> AsyncIterator[App]:
    async with running(api, content, tmp_path, key) as opened:
        yield opened


@pytest.fixture
def maria(api: BotApi) -> Person:
    return api.person(4711, "Maria", language_code="en")


async def hire(app: App, api: BotApi, user: int, name: str, *, role: str = "staff", language: str = "en") -> Person:
    """A member of staff in the group, with an account that knows their Telegram."""
    now = datetime.now(UTC)
    async with app.database.write() as connection:
        member = await staff.add(connection, name, role, language, "", now)
        await staff.make_link_code(connection, app.database, member.id, f"CODE-{user}", now)
        assert await staff.link_telegram(connection, app.database, f"CODE-{user}", str(user), now)
    return api.person(user, name, chat_id=GROUP)


async def ask(maria: Person) -> None:
    """From the wish to be called to the queued request."""
    for label, answer in (("callback", "Do you agree?"), ("I agree", "Which number")):
        await maria.say(label)
        await maria.wait_for(answer)
    await maria.share_contact(own=True, phone=PHONE)
    await maria.wait_for("Is this right?")
    await maria.press("Send")
    await maria.wait_for("has reached us")


def in_group(api: BotApi) -> list[Message]:
    """What the bot has written there about requests, as it stands now: in office hours a digest may stand among it."""
    return [message for message in api.chat(GROUP) if message.by_bot and not message.text.startswith("The desk today")]


async def card_saying(api: BotApi, words: str) -> Message:
    """The card, once these words stand on it."""
    return await api.until(
        lambda: next((each for each in in_group(api) if words in each.text), None), repr(words), lambda: str(in_group(api))
    )


async def told(api: BotApi, words: str) -> dict[str, Any]:
    """The answer to a press that holds these words."""

    def answers() -> list[dict[str, Any]]:
        return [call.params for call in api.calls if call.method == "answerCallbackQuery"]

    return await api.until(
        lambda: next((each for each in answers() if words in each.get("text", "")), None), repr(words), lambda: str(answers())
    )


def labels(api: BotApi) -> list[str]:
    """Of all buttons in the group."""
    return [label for message in in_group(api) for row in message.buttons for label, _ in row]


def press(person: Person, message: Message, button: str) -> dict[str, Any]:
    """Presses a button as it once stood on the message, though it may have been edited since."""
    query = {"id": str(next(person.api.ids)), "from": person.user, "chat_instance": "1", "message": message.wire, "data": button}
    return person.api.happen("callback_query", query)


async def do(app: App, name: str, who: str, given: Given = NOTHING, *, deliver: bool = True) -> None:
    """Somebody acts elsewhere: in the console, say."""
    [request] = await queued(app)
    async with app.database.write() as connection:
        letters = await act(app.desk, connection, name, request, Actor(who), datetime.now(UTC), given)
    if deliver:
        app.outbox.deliver(letters)


async def history(app: App, request: StoredRequest) -> list[tuple[str, str]]:
    async with app.database.read() as connection:
        return [(entry.who, entry.what) for entry in await requests.history(connection, app.database.sealer, request.id)]


async def handled(api: BotApi, update: dict[str, Any]) -> None:
    """Returns when the update is confirmed: everything about it is committed."""
    await api.until(lambda: update not in api._queue or None, "a confirmation")


async def test_a_request_brings_a_card(app: App, api: BotApi, maria: Person) -> None:
    """A new request is a card with what may be told, and nothing about who asks."""
    await ask(maria)
    [request] = await queued(app)
    card = await card_saying(api, f"{request.reference}: new")
    assert card.buttons == [
        [("Claim", f"desk:claim:{request.reference}"), ("Open", f"https://bot.example.org/staff/requests/{request.reference}")]
    ]
    assert "English" in card.text
    assert "Telegram" in card.text
    for private in ("Maria", PHONE, PHONE[-5:], "4711"):
        assert private not in card.text


async def test_claimed_in_the_group(app: App, api: BotApi, maria: Person) -> None:
    """Who is known presses, gets the request, is told so, and the card says so with what can be done next."""
    bea = await hire(app, api, 501, "Bea")
    await ask(maria)
    await card_saying(api, ": new")
    await bea.press("Claim")
    card = await card_saying(api, "Bea has it")
    [request] = await queued(app)
    assert (request.state, request.claimed_by) == ("claimed", "Bea")
    assert [label for row in card.buttons for label, _ in row] == ["No answer", "Reached", "Release", "Open"]
    assert len(in_group(api)) == 1
    await told(api, f"{request.reference} is yours.")


async def test_every_button_does_its_action(app: App, api: BotApi, maria: Person) -> None:
    """No answer, reached, release: each stands in the history under the member's name and on the card."""
    bea = await hire(app, api, 501, "Bea")
    await ask(maria)

    def pressable(button: str) -> bool:
        return button in labels(api)

    for button, words in (("Claim", "Bea has it"), ("No answer", "Attempts: 1"), ("Reached", "Attempts: 2"), ("Release", ": new")):
        await api.until(partial(pressable, button), button)
        await bea.press(button)
        await card_saying(api, words)
    [request] = await queued(app)
    assert (request.state, request.attempts) == ("new", 2)
    assert (await history(app, request))[1:] == [("Bea", "claim"), ("Bea", "attempt"), ("Bea", "attempt"), ("Bea", "release")]


async def test_the_second_hears_who_was_faster(app: App, api: BotApi, maria: Person) -> None:
    """Two press *Claim* on the same card: one has it, the other is told by whom they were beaten, in their own language."""
    bea, kim = await hire(app, api, 501, "Bea"), await hire(app, api, 502, "Kim", language="de")
    await ask(maria)
    card = await card_saying(api, ": new")
    await bea.press("Claim")
    await card_saying(api, "Bea has it")
    [request] = await queued(app)
    press(kim, card, f"desk:claim:{request.reference}")
    await told(api, "Bea war schneller")
    press(bea, card, f"desk:claim:{request.reference}")
    await told(api, "yours already")
    [request] = await queued(app)
    assert request.claimed_by == "Bea"


async def test_a_refusal_speaks_the_members_language(app: App, api: BotApi, maria: Person) -> None:
    """Who presses what does not fit any more is told why, each in their own language."""
    people = {"en": await hire(app, api, 501, "Bea"), "de": await hire(app, api, 502, "Kim", language="de")}
    await ask(maria)
    card = await card_saying(api, ": new")
    await do(app, "close", "Bea", Given(outcome="spam"), deliver=False)
    [request] = await queued(app)
    for language, why in (("en", "is closed (Bea). “I take it” does not fit that."), ("de", "ist geschlossen (Bea). „Ich übernehme“")):
        press(people[language], card, f"desk:claim:{request.reference}")
        await told(api, f"{request.reference} {why}")


async def test_strangers_are_told_how_to_link(app: App, api: BotApi, maria: Person) -> None:
    """Somebody in the group whose Telegram is not known changes nothing, and hears what to do."""
    eve = api.person(666, "Bea", chat_id=GROUP)  # a name proves nothing
    await ask(maria)
    await card_saying(api, ": new")
    await eve.press("Claim")
    assert (await told(api, "/link CODE"))["show_alert"]
    [request] = await queued(app)
    assert request.state == "new"


async def test_a_disabled_member_is_a_stranger(app: App, api: BotApi, maria: Person) -> None:
    """Whose account is disabled can press nothing any more."""
    bea = await hire(app, api, 501, "Bea")
    async with app.database.write() as connection:
        member = await staff.by_name(connection, "Bea")
        assert member
        await staff.disable(connection, member.id, datetime.now(UTC))
    await ask(maria)
    await card_saying(api, ": new")
    await bea.press("Claim")
    await told(api, "/link CODE")
    [request] = await queued(app)
    assert request.state == "new"


@pytest.mark.parametrize("chat", [-100501, 0], ids=["another group", "in private"])
async def test_buttons_work_in_the_group_only(app: App, api: BotApi, maria: Person, chat: int) -> None:
    """A press that claims to be the desk's, from any other chat, does nothing there, even by a member."""
    await hire(app, api, 501, "Bea")
    forger = api.person(501, "Bea", chat_id=chat)
    await ask(maria)
    [request] = await queued(app)
    card = await card_saying(api, ": new")
    wire = {**card.wire, "chat": api.rooms[chat or 501]}
    query = {"id": "1", "from": forger.user, "chat_instance": "1", "message": wire, "data": f"desk:claim:{request.reference}"}
    await handled(api, api.happen("callback_query", query))
    assert await history(app, request) == [("caller", "sent")]


@pytest.mark.parametrize(
    "button", ["desk:", "desk:claim", "desk:claim:", "desk:claim:OMS-0000", "desk:close:{}", "desk:erase:{}", "claim:{}", "\u0000"]
)
async def test_odd_buttons_harm_nothing(app: App, api: BotApi, maria: Person, button: str) -> None:
    """What is no button of a card, or of a request that is not there, changes nothing and stops nothing."""
    bea = await hire(app, api, 501, "Bea")
    await ask(maria)
    card = await card_saying(api, ": new")
    [request] = await queued(app)
    press(bea, card, button.format(request.reference))
    await bea.press("Claim")
    await card_saying(api, "Bea has it")
    assert await history(app, request) == [("caller", "sent"), ("Bea", "claim")]


async def test_a_press_delivered_twice_counts_once(app: App, api: BotApi, maria: Person) -> None:
    """Telegram may deliver a press again, even when the request has been released meanwhile."""
    bea = await hire(app, api, 501, "Bea")
    await ask(maria)
    await card_saying(api, ": new")
    update = await bea.press("Claim")
    await card_saying(api, "Bea has it")
    await do(app, "release", "Bea")
    await card_saying(api, ": new")
    api.redeliver(update["update_id"])
    await maria.say("sleep")
    await maria.wait_for("sleeps")
    [request] = await queued(app)
    assert request.state == "new"
    assert len(await history(app, request)) == 3


async def test_by_webhook(api: BotApi, content: Content, maria: Person, tmp_path: Path, key: str) -> None:
    """By webhook the group works the same, and 200 means that the press is committed."""
    webhook = {"telegram_mode": "webhook", "telegram_webhook_secret": SECRET}
    async with (
        running(api, content, tmp_path, key, **webhook) as app,
        served(app.web) as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        await api.until(lambda: any(call.method == "getWebhookInfo" for call in api.calls) or None, "a look at the webhook")

        async def deliver(update: dict[str, Any]) -> None:
            answer = await client.post(WEBHOOK, json=update, headers={"X-Telegram-Bot-Api-Secret-Token": SECRET})
            assert answer.status_code == 200

        bea = await hire(app, api, 501, "Bea")
        for label, answer in (("callback", "Do you agree?"), ("I agree", "Which number")):
            await deliver(await maria.say(label))
            await maria.wait_for(answer)
        await deliver(await maria.share_contact(own=True, phone=PHONE))
        await maria.wait_for("Is this right?")
        await deliver(await maria.press("Send"))
        await card_saying(api, ": new")
        update = await bea.press("Claim")
        await asyncio.gather(*(deliver(update) for _ in range(3)))
        [request] = await queued(app)
        assert request.claimed_by == "Bea"
        assert await history(app, request) == [("caller", "sent"), ("Bea", "claim")]
        await card_saying(api, "Bea has it")


async def test_the_card_follows_whoever_changes_the_request(app: App, api: BotApi, maria: Person) -> None:
    """What is done elsewhere shows in place: claimed, tried, planned, closed, and at last without buttons that would not work."""
    await ask(maria)
    await card_saying(api, ": new")
    await do(app, "claim", "Kim")
    await card_saying(api, "Kim has it")
    await do(app, "attempt", "Kim", Given(result="voicemail", at=datetime(2099, 1, 5, 9, 30, tzinfo=UTC)))
    card = await card_saying(api, "Attempts: 1")
    assert "Next step: Mon 5 Jan, 10:30" in card.text  # the office is in Berlin
    await do(app, "close", "Kim", Given(outcome="helped"))
    card = await card_saying(api, "closed by Kim")
    assert "Outcome: helped" in card.text
    assert [label for row in card.buttons for label, _ in row] == ["Open"]
    assert len(in_group(api)) == 1


async def test_the_caller_changes_the_card_too(app: App, api: BotApi, maria: Person) -> None:
    """A withdrawn request says so; an erased one says only that."""
    await ask(maria)
    await card_saying(api, ": new")
    await maria.say("withdraw")
    await maria.wait_for("?")
    await maria.press("withdraw:yes")
    card = await card_saying(api, "withdrawn by the caller")
    assert "Claim" not in str(card.buttons)
    await maria.say("/delete")
    await maria.wait_for("?")
    await maria.press("erase:yes")
    card = await card_saying(api, "erased at the caller's wish")
    assert card.buttons == []
    assert len(card.text.splitlines()) == 1


async def test_a_burst_of_changes_needs_few_calls(api: BotApi, content: Content, maria: Person, tmp_path: Path, key: str) -> None:
    """Only the newest state is shown: what was changed twenty times while Telegram was away is edited once."""
    async with running(api, content, tmp_path, key) as app:
        await ask(maria)
        await card_saying(api, ": new")
        for _ in range(10):
            await do(app, "claim", "Kim", deliver=False)
            await do(app, "release", "Kim", deliver=False)
        await do(app, "claim", "Kim", deliver=False)
    before = len(api.calls)
    async with running(api, content, tmp_path, key) as app:
        await card_saying(api, "Kim has it")
        await app.outbox.drained()
    assert [call.method for call in api.calls[before:]].count("editMessageText") == 1


async def test_a_kill_between_action_and_card_loses_nothing(api: BotApi, content: Content, maria: Person, tmp_path: Path, key: str) -> None:
    """What was committed when the program died shows on the card after the next start."""
    async with running(api, content, tmp_path, key) as app:
        await ask(maria)
        await card_saying(api, ": new")
        await do(app, "claim", "Kim", deliver=False)
    assert ": new" in in_group(api)[0].text
    async with running(api, content, tmp_path, key):
        await card_saying(api, "Kim has it")


async def test_kills_of_the_program_lose_no_state(api: BotApi, maria: Person, tmp_path: Path) -> None:
    """The program is killed at the moment a card appears, and somebody acts at the terminal while it is down: the next start
    shows what is so (on a new card if it was not noted what the first one is called), and soon what the terminal does then."""
    group = {"TELEGRAM_STAFF_CHAT": str(GROUP), "TELEGRAM_CHAT_RATE": "1000"}
    program = Program(tmp_path, settings={"TELEGRAM_TOKEN": api.token, "TELEGRAM_API_URL": api.url, **group})
    with program.serving() as server:
        await ask(maria)
        [message] = await api.until(lambda: in_group(api), "a card")
        server.kill()
    reference = message.text.partition(":")[0]
    assert "is yours" in await asyncio.to_thread(program.ok, "requests", "claim", reference, "--as", "Kim")
    with program.serving():
        await card_saying(api, "Kim has it")
        await asyncio.to_thread(program.ok, "requests", "release", reference, "--as", "Kim")
        with suppress(AssertionError):  # it looks every five seconds, which is as long as one may wait here
            await api.until(lambda: ": new" in in_group(api)[-1].text, "the newest card")
        await api.until(lambda: ": new" in in_group(api)[-1].text, "the newest card")
    assert len(in_group(api)) <= 2


async def test_the_same_state_is_not_sent_again(app: App, api: BotApi, maria: Person) -> None:
    """A change that does not show on the card costs no call."""
    await ask(maria)
    await card_saying(api, ": new")
    await app.outbox.drained()
    calls = len(api.calls)
    await do(app, "note", "Kim", Given(words="asks for Anna"))
    await app.outbox.drained()
    assert "editMessageText" not in [call.method for call in api.calls[calls:]]
    assert "Anna" not in str(in_group(api))


async def test_a_deleted_card_comes_back(app: App, api: BotApi, maria: Person) -> None:
    """Somebody has deleted the card: the next change sends it anew, and it is the one that is edited from then on."""
    await ask(maria)
    card = await card_saying(api, ": new")
    api._messages[GROUP].pop(card.wire["message_id"])
    await do(app, "claim", "Kim")
    await card_saying(api, "Kim has it")
    await do(app, "release", "Kim")
    await card_saying(api, ": new")
    assert len(in_group(api)) == 1


async def test_while_the_bot_is_no_member_cards_wait(api: BotApi, content: Content, maria: Person, tmp_path: Path, key: str) -> None:
    """An alert is not lost because the bot was not (yet) in the group: it is said as trouble, and sent when it works."""
    room = api.rooms.pop(GROUP)
    async with running(api, content, tmp_path, key) as app:
        await ask(maria)
        await api.until(lambda: app.channels["telegram_staff"].trouble() or None, "trouble")
        assert "is it a member" in app.channels["telegram_staff"].trouble()
        assert "-100" not in app.channels["telegram_staff"].trouble()
        api.rooms[GROUP] = room
    async with running(api, content, tmp_path, key) as app:
        await card_saying(api, ": new")
        await app.outbox.drained()
        assert app.channels["telegram_staff"].trouble() == ""


async def test_lost_answers_make_no_second_card_later(app: App, api: BotApi, maria: Person) -> None:
    """An edit whose answer is lost is repeated, and "not modified" is as good as done."""
    await ask(maria)
    await card_saying(api, ": new")
    await app.outbox.drained()
    api.fail_next("editMessageText", drop_after=True)
    await do(app, "claim", "Kim")
    await card_saying(api, "Kim has it")
    await app.outbox.drained()
    assert len(in_group(api)) == 1


async def test_the_watch_catches_up_with_cards(app: App, api: BotApi, maria: Person) -> None:
    """What has changed a request without saying so to its card shows within a minute: the watch looks, once for each change."""
    await ask(maria)
    await card_saying(api, ": new")
    await app.outbox.drained()
    [request] = await queued(app)
    now = datetime.now(UTC)
    async with app.database.write() as connection:
        await connection.execute(update(table).values(state="closed", ended_at=now, outcome="duplicate"))
        await requests.note(connection, request.id, requests.SYSTEM, "closed", now, "same person as OMS-0000")
    async with app.database.write() as connection:
        assert await cards.overtaken(connection, now) == [request.reference]
        assert await cards.overtaken(connection, now) == []
        await requests.note(connection, request.id, requests.SYSTEM, "closed", now + timedelta(seconds=1))
    await app.watch.look(now + timedelta(seconds=2))
    await card_saying(api, "Outcome: duplicate")


async def test_who_floods_with_codes_is_not_answered(app: App, api: BotApi) -> None:
    """Ten codes a person are looked at, and one more each minute: the others cost nothing."""
    eve = api.person(666, "Eve")
    for number in range(30):
        await eve.say(f"/link WRONG-{number}")
    await handled(api, await eve.say("sleep"))
    await eve.wait_for("sleeps")
    await app.outbox.drained()
    assert sum("not valid" in message.text for message in eve.received) == 10


@asynccontextmanager
async def code_of(app: App, name: str, code: str) -> AsyncIterator[None]:
    """An account with a code that is to be used."""
    now = datetime.now(UTC)
    async with app.database.write() as connection:
        member = await staff.add(connection, name, "staff", "en", "", now)
        await staff.make_link_code(connection, app.database, member.id, code, now)
    yield


@pytest.mark.parametrize("chat", [0, GROUP], ids=["in private", "in the group"])
async def test_linking(app: App, api: BotApi, maria: Person, chat: int) -> None:
    """Who writes the code of their account is known from then on, by their id and not by their name; the code is used up."""
    bea = api.person(501, "Anybody", chat_id=chat)
    async with code_of(app, "Bea", "ABCD-EFGH"):
        await bea.say("/link@test_bot abcdefgh" if chat else "/link ABCD-EFGH")
        await bea.wait_for("You are linked, Bea.")
    await ask(maria)
    await card_saying(api, ": new")
    await api.person(501, "Anybody", chat_id=GROUP).press("Claim")
    await card_saying(api, "Bea has it")
    eve = api.person(666, "Eve")
    await eve.say("/link ABCD-EFGH")
    await eve.wait_for("not valid")
    async with app.database.read() as connection:
        [event] = [each for each in await staff.events(connection) if each.what == "telegram linked"]
        assert event.who == "Bea"


async def test_guessing_a_code_gets_slow(app: App, api: BotApi) -> None:
    """After some wrong codes even the right one has to wait."""
    eve = api.person(666, "Eve")
    async with code_of(app, "Bea", "ABCD-EFGH"):
        for number in range(6):
            await eve.say(f"/link WRONG-{number}")
            await eve.wait_for("not valid")
        await eve.say("/link ABCD-EFGH")
        await eve.wait_for("not valid")
    async with app.database.read() as connection:
        member = await staff.by_name(connection, "Bea")
        assert member
        assert not member.linked


@pytest.mark.parametrize(("chat", "text"), [(-100501, "/link ABCD-EFGH"), (GROUP, "/link@other_bot ABCD-EFGH")])
async def test_codes_are_read_where_they_belong(app: App, api: BotApi, chat: int, text: str) -> None:
    """A code in a strange group, or meant for another bot, links nobody and is not answered."""
    bea = api.person(501, "Bea", chat_id=chat)
    async with code_of(app, "Bea", "ABCD-EFGH"):
        await handled(api, await bea.say(text))
    async with app.database.read() as connection:
        member = await staff.by_name(connection, "Bea")
        assert member
        assert not member.linked
    assert bea.received == []


async def test_nothing_is_said_without_a_group(api: BotApi, content: Content, maria: Person, tmp_path: Path, key: str) -> None:
    """No staff chat, no letters: nothing piles up in the outbox, and `/link` is a word like any other."""
    bare = settings(tmp_path, key, telegram_token=api.token, telegram_api_url=api.url, telegram_chat_rate=1000)
    async with App.running(bare, content=content) as app:
        await ask(maria)
        await maria.say("/link ABCD")
        await app.outbox.drained()
        async with app.database.read() as connection:
            assert await connection.scalar(select(func.count()).select_from(outbox).where(outbox.c.channel == "telegram_staff")) == 0
            assert await connection.scalar(select(func.count()).select_from(request_events)) == 1
    assert in_group(api) == []


async def test_the_number_of_a_group_is_found_in_the_log(app: App, api: BotApi, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever sets the group up adds the bot to it and reads what to set."""
    anna = api.person(7, "Anna", chat_id=-100777)
    await handled(api, anna._become("member", before="left"))
    assert "OMSBOT_TELEGRAM_STAFF_CHAT=-100777" in capsys.readouterr().out
    assert anna.received == []


async def test_one_instance_sends_the_first_card(database: Database, content: Content) -> None:
    """Of several instances one begins, the others wait; one that died in between is waited for only so long, and alone not at all."""
    async with open_turnstile(database, content) as turnstile:
        await go_through(turnstile, ADA.intake(content))
    [request] = await queue(database)
    later = NOW + cards.SENDING + timedelta(seconds=1)
    async with database.write() as connection:
        assert await cards.begin(connection, request.id, NOW, alone=False)
        assert not await cards.begin(connection, request.id, NOW, alone=False)
        assert await cards.begin(connection, request.id, NOW, alone=True)
        assert await cards.begin(connection, request.id, later, alone=False)
        assert await cards.of_request(connection, request.id) is None
        await cards.abandon(connection, request.id)
        assert await cards.begin(connection, request.id, NOW, alone=False)
        assert await cards.keep(connection, request.id, "77", "digest", NOW)
        assert not await cards.begin(connection, request.id, later, alone=True)
        assert not await cards.begin(connection, 999_999, NOW, alone=True)
        assert not await cards.keep(connection, 999_999, "78", "digest", NOW)
        assert await cards.of_contact(connection, request.contact) == [cards.Placed(request.reference, "77", "digest")]
