"""Telegram against a Bot API server on the loopback: a whole conversation, and what goes wrong on the way."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bot_api import BotApi, Person
from published import check_calls, description
from serving import queued, settings
from sqlalchemy import func, select

from bot.app import App
from bot.core.library import Content
from bot.store.tables import contacts, inbox


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server
        check_calls(server)


@pytest.fixture
async def app(api: BotApi, content: Content, tmp_path: Path, key: str) -> AsyncIterator[App]:
    async with App.running(
        settings(tmp_path, key, telegram_token=api.token, telegram_api_url=api.url, telegram_chat_rate=1000), content=content
    ) as running:
        yield running


@pytest.fixture
def maria(api: BotApi) -> Person:
    return api.person(4711, "Maria", language_code="en")


def test_calls_are_checked_against_telegrams_description() -> None:
    """Where the published description is at hand, a call that breaks it is found."""
    checker = description()
    if checker is None:
        pytest.skip("TELEGRAM CALLS ARE NOT CHECKED: no folder `shared` with the published description beside the checkout (or in $SHARED)")
    assert checker.check("sendMessage", {"chat_id": 1, "text": "x"}) == []
    assert checker.check("sendMessage", {"chat_id": 1, "text": ""}) != []


async def test_home_to_sent_takes_five_taps_and_no_typing(app: App, api: BotApi, maria: Person) -> None:
    """From the home menu a request is queued by five taps, without one typed character."""
    await maria.say("/start")
    await maria.wait_for("Choose a topic")
    taps = 0
    for label, answer in (
        ("Free consultation", "free"),
        ("Request a callback", "Do you agree?"),
        ("I agree", "Which number"),
        ("Share my number", "Is this right?"),
        ("Send", "has reached us"),
    ):
        if label == "Share my number":
            await maria.share_contact(own=True, phone="4915155501234")
        else:
            await maria.press(label)
        taps += 1
        await maria.wait_for(answer)
    assert taps <= 5
    [request] = await queued(app)
    assert request.answers["phone"] == "+4915155501234"
    assert request.answers["name"] == "Maria"
    assert request.state == "new"
    assert request.reference in maria.newest.text


async def test_browsing_edits_one_message(app: App, api: BotApi, maria: Person) -> None:
    """Menus and pages replace each other in place instead of flooding the chat, and every press is answered."""
    await maria.say("/start")
    await maria.wait_for("Choose a topic")
    for label, words in (("Symptoms", "OMS can affect"), ("Eye movements", "opsoclonus"), ("Back", "OMS can affect")):
        await maria.press(label)
        await maria.wait_for(words)
    assert len(maria.received) == 1
    assert await api.until(lambda: [call.method for call in api.calls].count("answerCallbackQuery") == 3, "three answers")


async def test_the_number_keyboard_goes_away(app: App, api: BotApi, maria: Person) -> None:
    """The keyboard that shares a number is gone after it, also when the number is typed instead."""
    for label in ("/start", "callback", "I agree"):
        await maria.say(label)
    await maria.wait_for("Which number")
    assert maria.keyboard
    await maria.say("+44 20 7946 0018")
    await maria.wait_for("Is this right?")
    assert not maria.keyboard


async def test_somebody_elses_number_is_asked_about(app: App, api: BotApi, maria: Person) -> None:
    """A shared contact that is not the sender's own is used only after a yes."""
    for label in ("callback", "I agree"):
        await maria.say(label)
    await maria.wait_for("Which number")
    await maria.share_contact(own=False, phone="4915155509999")
    await maria.wait_for("belongs to someone else: ⁦+49 1515 5509999⁩ (Germany)")
    await maria.say("Call this number")
    await maria.wait_for("Is this right?")
    await maria.press("Send")
    await maria.wait_for("has reached us")
    [request] = await queued(app)
    assert request.answers["phone"] == "+4915155509999"


async def test_ten_messages_at_once_are_answered_in_order(app: App, api: BotApi, maria: Person) -> None:
    """Messages of one moment are answered one by one in the order they were written."""
    topics = ["sleep", "speech", "EEG", "rituximab", "IVIG", "vaccines", "school", "help", "privacy", "menu"]
    for topic in topics:
        await maria.say(topic)
    await api.until(lambda: len(maria.received) >= len(topics), "ten answers")
    texts = [message.text for message in maria.received]
    assert len(texts) == len(topics)
    expected = ["sleeps", "Speech", "EEG", "ituximab", "IVIG", "accin", "chool", "I answer questions", "we store", "This bot explains"]
    for text, words in zip(texts, expected, strict=True):
        assert words in text


async def test_a_redelivered_update_is_answered_once(app: App, api: BotApi, maria: Person) -> None:
    """The same update delivered three times gives one answer."""
    update = await maria.say("/start")
    await maria.wait_for("Choose a topic")
    api.redeliver(update["update_id"])
    api.redeliver(update["update_id"])
    await maria.say("sleep")
    await maria.wait_for("sleeps")
    assert len(maria.received) == 2


async def test_trouble_ends_in_the_answer(app: App, api: BotApi, maria: Person) -> None:
    """Errors of Telegram's side delay an answer; none loses it."""
    api.fail_next("sendMessage", status=500, description="Internal Server Error")
    await maria.say("/start")
    await maria.wait_for("Choose a topic")
    api.fail_next("sendMessage", drop=True)
    await maria.say("sleep")
    await maria.wait_for("sleeps")
    api.fail_next("sendMessage", raw="<html>Bad gateway</html>")
    await maria.say("rituximab")
    await maria.wait_for("Rituximab")
    api.fail_next("getUpdates", status=502, description="Bad Gateway")
    await maria.say("help")
    await maria.wait_for("I answer questions")


async def test_an_unchanged_page_is_no_error(app: App, api: BotApi, maria: Person) -> None:
    """Pressing the button of the page that is shown already is fine, and the next press works."""
    await maria.say("/start")
    await maria.wait_for("Choose a topic")
    await maria.press("Symptoms")
    await maria.wait_for("OMS can affect")
    await maria.press("page:symptoms/eyes")
    await maria.wait_for("opsoclonus")
    api.fail_next("editMessageText", status=400, description="Bad Request: message is not modified: specified new …")
    await maria.press("Back")
    await maria.say("sleep")
    await maria.wait_for("sleeps")
    assert [call.ok for call in api.calls if call.method == "sendMessage"] == [True, True]


async def test_an_old_message_that_cannot_be_edited_is_answered_anew(app: App, api: BotApi, maria: Person) -> None:
    """When a message is too old to edit, the answer comes as a new one."""
    await maria.say("/start")
    await maria.wait_for("Choose a topic")
    api.fail_next("editMessageText", status=400, description="Bad Request: message can't be edited")
    await maria.press("Symptoms")
    await maria.wait_for("OMS can affect")
    assert len(maria.received) == 2


async def test_who_blocks_us_is_left_alone_and_can_come_back(app: App, api: BotApi, maria: Person) -> None:
    """After a block nothing is tried again and again; writing brings the person back."""
    await maria.say("/start")
    await maria.wait_for("Choose a topic")
    await maria.block()
    await maria.unblock()
    await maria.say("/start")
    await maria.wait_for("Choose a topic")


@pytest.mark.parametrize(
    "attached",
    [
        {"photo": [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]},
        {"voice": {"file_id": "a", "file_unique_id": "b", "duration": 1}},
        {"document": {"file_id": "a", "file_unique_id": "b"}},
        {"location": {"longitude": 1.0, "latitude": 1.0}},
        {
            "sticker": {
                "file_id": "a",
                "file_unique_id": "b",
                "type": "regular",
                "width": 1,
                "height": 1,
                "is_animated": False,
                "is_video": False,
            }
        },
    ],
    ids=lambda attached: next(iter(attached)),
)
async def test_media_is_answered_kindly(app: App, api: BotApi, maria: Person, attached: dict[str, object]) -> None:
    """Whatever is sent besides text is answered once, with the way to a person."""
    await maria.send(**attached)
    answer = await maria.wait_for("I did not keep what you sent")
    assert any(label == "Talk to a person" for row in answer.buttons for label, _ in row)


async def test_groups_and_bots_are_not_answered(app: App, api: BotApi, maria: Person) -> None:
    """In a group the bot stays silent."""
    member = api.person(4712, "Member", chat_id=-100123)
    await member.say("menu")
    await maria.say("/start")
    await maria.wait_for("Choose a topic")
    assert member.received == []


async def test_commands_are_registered(app: App, api: BotApi) -> None:
    """Telegram's menu offers the commands of the content."""
    call = await api.until(lambda: next((call for call in api.calls if call.method == "setMyCommands"), None), "setMyCommands")
    assert [command["command"] for command in call.params["commands"]][:2] == ["menu", "callback"]


@pytest.mark.parametrize(
    ("payload", "words"),
    [("symptoms__eyes", "opsoclonus"), ("treatment", "reatment"), ("callback", "Do you agree?"), ("spring-campaign", "Choose a topic")],
)
async def test_deep_links_open_where_they_say(app: App, maria: Person, payload: str, words: str) -> None:
    """`?start=` leads to a page or into the callback; what it does not know leads home."""
    await maria.say(f"/start {payload}")
    await maria.wait_for(words)


async def test_an_album_is_answered_once(app: App, api: BotApi, maria: Person) -> None:
    """Several pictures sent together get one kind answer."""
    for _ in range(3):
        await maria.send(photo=[{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}], media_group_id="g1")
    await maria.say("sleep")
    await maria.wait_for("sleeps")
    assert len(maria.received) == 2


async def test_in_a_group_only_who_asks_is_shown_the_way(app: App, api: BotApi) -> None:
    """In a group the bot is silent until it is spoken to, and then only says where to write."""
    member = api.person(4712, "Member", chat_id=-100123)
    await member.say("hello everybody")
    await member.say("@test_bot what is OMS?")
    pointer = await member.wait_for("https://t.me/test_bot")
    assert len(member.received) == 1
    assert not pointer.buttons


async def test_stop_and_coming_back(app: App, maria: Person) -> None:
    """/stop asks first and then promises silence; writing again is enough to come back."""
    await maria.say("/stop")
    await maria.wait_for("Shall I stop?")
    await maria.press("Stop messages")
    await maria.wait_for("any more messages")
    await maria.say("sleep")
    await maria.wait_for("sleeps")


async def test_delete_and_privacy(app: App, maria: Person) -> None:
    """/privacy tells what is stored, /delete erases it after a yes."""
    await maria.say("/privacy")
    await maria.wait_for("Your rights")
    await maria.say("/delete")
    await maria.wait_for("cannot be undone")
    await maria.press("Yes, delete")
    await maria.wait_for("deleted everything")


async def test_an_edit_never_acts(app: App, api: BotApi, maria: Person) -> None:
    """Telegram sends an edit also when nothing of the text has changed; an old "yes" must not delete anything."""
    old = await maria.say("yes")
    await maria.say("/delete")
    await maria.wait_for("cannot be undone")
    api.happen("edited_message", old["message"] | {"edit_date": 1})
    await maria.say("no")
    answer = await maria.wait_for("Choose a topic")
    assert "deleted" not in answer.text


async def test_danger_in_a_caption_is_heard(app: App, maria: Person) -> None:
    """Words of danger under a photo, or behind a command, lead to the emergency signs."""
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]
    await maria.send(photo=photo, caption="my child is not breathing")
    await maria.wait_for("Call 112 now")
    await maria.say("/help my child is not breathing")
    await maria.wait_for("Call 112 now")


async def test_blocking_after_an_erasure_stores_nothing(app: App, maria: Person) -> None:
    """Who has deleted everything and then blocks the bot is not stored again by that."""
    await maria.say("/delete")
    await maria.wait_for("cannot be undone")
    await maria.press("Yes, delete")
    await maria.wait_for("deleted everything")
    update = await maria.block()
    async with app.database.read() as connection:
        seen = select(func.count()).select_from(inbox).where(inbox.c.update_id == str(update["update_id"]))
        while not await connection.scalar(seen):
            await connection.rollback()
        assert await connection.scalar(select(func.count()).select_from(contacts)) == 0


async def test_any_refused_edit_is_answered_anew(app: App, api: BotApi, maria: Person) -> None:
    """Whatever Telegram has against an edit, the answer is not lost with it."""
    await maria.say("/start")
    await maria.wait_for("Choose a topic")
    api.fail_next("editMessageText", status=400, description="Bad Request: MESSAGE_AUTHOR_REQUIRED")
    await maria.press("Symptoms")
    await maria.wait_for("OMS can affect")
