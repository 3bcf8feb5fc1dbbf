"""The test server keeps Telegram's promises, as python-telegram-bot's Bot sees them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio
from bot_api import BotApi, Person
from httpx_aiohttp import AiohttpTransport
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, KeyboardButton, ReplyKeyboardMarkup, Update
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut
from telegram.request import HTTPXRequest

pytestmark = pytest.mark.asyncio

MENU = InlineKeyboardMarkup([[InlineKeyboardButton("Symptoms", callback_data="page:symptoms")]])


def connect(api: BotApi, token: str = "") -> Bot:
    def request() -> HTTPXRequest:
        return HTTPXRequest(httpx_kwargs={"transport": AiohttpTransport()})

    return Bot(token or api.token, f"{api.url}/bot", request=request(), get_updates_request=request())


@pytest_asyncio.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest_asyncio.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    async with connect(api) as client:
        yield client


@pytest.fixture
def ada(api: BotApi) -> Person:
    return api.person(7, "Ada", language_code="de")


async def ids(bot: Bot, offset: int = 0, limit: int = 100) -> list[int]:
    return [update.update_id for update in await bot.get_updates(offset, limit)]


async def waiting_poll(api: BotApi, bot: Bot) -> asyncio.Task[tuple[Update, ...]]:
    """A long poll that has reached the server."""
    before = api.polls
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await api.until(lambda: api.polls > before, "a poll")
    return poll


async def test_an_offset_confirms_what_is_before_it(bot: Bot, ada: Person) -> None:
    """Updates come again until a higher offset confirms them, and then never."""
    first, second, third = [(await ada.say(word))["update_id"] for word in ("one", "two", "three")]
    assert await ids(bot, limit=2) == [first, second]
    assert await ids(bot) == [first, second, third]
    assert await ids(bot, second) == [second, third]
    assert await ids(bot) == [second, third]
    assert await ids(bot, third + 1000) == [second, third]
    assert await ids(bot, -1) == [third]
    assert await ids(bot, third + 1) == []
    assert await ids(bot) == []


async def test_a_redelivered_update_comes_once_more(api: BotApi, bot: Bot, ada: Person) -> None:
    """A redelivered update comes though it was confirmed, exactly once."""
    update = (await ada.say("hello"))["update_id"]
    assert await ids(bot, update + 1) == []
    api.redeliver(update)
    assert await ids(bot, update + 1) == [update]
    assert await ids(bot, update + 1) == []


async def test_a_poll_that_was_given_up_swallows_nothing(api: BotApi, bot: Bot, ada: Person) -> None:
    """A redelivery goes to the next poll when the client of the waiting one has gone."""
    update = (await ada.say("hello"))["update_id"]
    assert await ids(bot, update + 1) == []
    poll = await waiting_poll(api, bot)
    poll.cancel()
    await asyncio.wait([poll])
    await bot.get_me()  # comes after the end of the poll's connection
    api.redeliver()
    assert await ids(bot, update + 1) == [update]


async def test_a_long_poll_wakes_up(api: BotApi, bot: Bot, ada: Person) -> None:
    """A waiting poll answers when something is said, long before its time is over."""
    async with asyncio.timeout(5):
        poll = await waiting_poll(api, bot)
        said = await ada.say("/start flyer")
        (update,) = await poll
    assert update.update_id == said["update_id"]
    assert update.message
    assert update.message.text == "/start flyer"
    assert update.effective_user
    assert update.effective_user.language_code == "de"


async def test_of_two_pollers_the_older_gets_a_conflict(api: BotApi, bot: Bot, ada: Person) -> None:
    """A second poll ends the first with Telegram's 409, and gets the updates itself."""
    async with connect(api) as second, asyncio.timeout(5):
        older = await waiting_poll(api, bot)
        newer = await waiting_poll(api, second)
        with pytest.raises(Conflict, match="terminated by other getUpdates request; make sure that only one bot"):
            await older
        await ada.say("hello")
        assert len(await newer) == 1


async def test_a_webhook_ends_polling(api: BotApi, bot: Bot) -> None:
    """While a webhook is set, waiting and new polls get a 409."""
    async with asyncio.timeout(5):
        poll = await waiting_poll(api, bot)
        await bot.set_webhook("https://bot.example/telegram", secret_token="secret")
        with pytest.raises(Conflict, match="terminated by setWebhook request"):
            await poll
    with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    assert (await bot.get_webhook_info()).url == "https://bot.example/telegram"
    await bot.delete_webhook()
    assert await bot.get_updates() == ()


async def test_updates_the_bot_did_not_ask_for_do_not_come(bot: Bot, ada: Person) -> None:
    """Only the kinds in allowed_updates are queued."""
    await bot.get_updates(allowed_updates=["message"])
    await ada.block()
    said = await ada.say("hello")
    assert await ids(bot) == [said["update_id"]]


async def test_what_the_person_sees(api: BotApi, bot: Bot, ada: Person) -> None:
    """HTML is shown as text, an edit takes the message's place and a press goes to the newest such button."""
    await ada.say("hello")
    sent = await bot.send_message(7, "<b>Welcome</b> &amp; hello", parse_mode="HTML", reply_markup=MENU)
    assert [message.text for message in api.chat(7)] == ["hello", "Welcome & hello"]
    assert ada.newest.buttons == [[("Symptoms", "page:symptoms")]]
    pressed = await ada.press("Symptoms")
    (update,) = await bot.get_updates(pressed["update_id"])
    assert update.callback_query
    assert update.callback_query.data == "page:symptoms"
    await update.callback_query.answer()
    await bot.edit_message_text("Eyes", 7, sent.message_id)
    assert (await ada.wait_for("Eyes")).buttons == []
    assert [message.text for message in api.chat(7)] == ["hello", "Eyes"]
    with pytest.raises(AssertionError, match=r"no button 'Symptoms'; seen:\n  'Eyes' \[\]"):
        await ada.press("Symptoms")
    await bot.delete_message(7, sent.message_id)
    assert ada.received == []


async def test_a_number_is_shared_only_when_asked_for(bot: Bot, ada: Person) -> None:
    """Sharing one's own number needs the key for it, and says whose number it is."""
    with pytest.raises(AssertionError, match="no key to share the number"):
        await ada.share_contact()
    keyboard = ReplyKeyboardMarkup([[KeyboardButton("Share my number", request_contact=True)]])
    await bot.send_message(7, "Your number?", reply_markup=keyboard)
    assert ada.newest.keyboard
    await ada.share_contact(phone="4930123456")
    (update,) = await bot.get_updates()
    assert update.message
    assert update.message.contact
    assert update.message.contact.user_id == 7


async def test_a_blocked_bot_cannot_write(bot: Bot, ada: Person) -> None:
    """After a block, which comes as my_chat_member, writing is a 403 until the person unblocks."""
    await ada.block()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(7, "Hello?")
    await ada.unblock()
    await bot.send_message(7, "Hello again")
    statuses = [update.my_chat_member.new_chat_member.status for update in await bot.get_updates() if update.my_chat_member]
    assert statuses == ["kicked", "member"]


async def test_an_edit_must_change_something(bot: Bot, ada: Person) -> None:
    """The same text and buttons once more are refused as not modified, other buttons aren't."""
    sent = await bot.send_message(7, "<b>Menu</b>", parse_mode="HTML", reply_markup=MENU)
    with pytest.raises(BadRequest, match="essage is not modified: specified new message content and reply markup"):
        await bot.edit_message_text("<b>Menu</b>", 7, sent.message_id, parse_mode="HTML", reply_markup=MENU)
    await bot.edit_message_reply_markup(7, sent.message_id)
    assert (ada.newest.text, ada.newest.buttons) == ("Menu", [])
    with pytest.raises(BadRequest, match="essage is not modified"):
        await bot.edit_message_reply_markup(7, sent.message_id)
    with pytest.raises(BadRequest, match="essage to edit not found"):
        await bot.edit_message_text("Menu", 7, 1)


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        ("one<br>two", 'unsupported start tag "br" at byte offset 3'),
        ("é<p>two</p>", 'unsupported start tag "p" at byte offset 2'),
        ("<b>one", 'can\'t find end tag corresponding to start tag "b"'),
        ("<b><i>one</b></i>", 'unmatched end tag at byte offset 9, expected "</i>", found "</b>"'),
        ("one</b>", "unexpected end tag at byte offset 3"),
        ("1 <2", "unclosed start tag at byte offset 2"),
        ("<b></b>", "text must be non-empty"),
        ("", "message text is empty"),
        ("a" * 4097, "message is too long"),
    ],
)
async def test_text_that_cannot_be_shown(bot: Bot, ada: Person, html: str, complaint: str) -> None:
    """Broken, empty and too long HTML is refused in Telegram's words."""
    with pytest.raises(BadRequest) as refusal:
        await bot.send_message(7, html, parse_mode="HTML")
    assert complaint in refusal.value.message.lower()
    await bot.send_message(7, f"<b>{'a' * 4096}</b>", parse_mode="HTML")


async def test_callback_data_is_bounded_in_bytes(bot: Bot, ada: Person) -> None:
    """64 bytes of callback data pass, 66 in 33 characters don't."""
    for data, passes in (("x" * 64, True), ("é" * 33, False)):
        markup = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data=data)]])
        async with AsyncExitStack() as stack:
            if not passes:
                stack.enter_context(pytest.raises(BadRequest, match="utton_data_invalid"))
            await bot.send_message(7, "Go", reply_markup=markup)


async def test_a_dropped_call_took_effect_or_not(api: BotApi, bot: Bot, ada: Person) -> None:
    """The bot sees the same error whether the connection broke before or after the message was written."""
    api.fail_next("sendMessage", drop=True)
    api.fail_next("sendMessage", drop_after=True)
    for text in ("lost", "written"):
        with pytest.raises(NetworkError):
            await bot.send_message(7, text)
    assert [message.text for message in ada.received] == ["written"]
    assert [call.ok for call in api.calls if call.method == "sendMessage"] == [False, True]


@pytest.mark.filterwarnings("ignore:.*retry_after")  # its type changes some day
async def test_scripted_failures(api: BotApi, bot: Bot, ada: Person) -> None:
    """Failures come in the order they were asked for, then the method works again."""
    api.fail_next("sendMessage", status=500)
    api.fail_next("sendMessage", retry_after=3)
    api.fail_next("sendMessage", raw="<html>Bad Gateway</html>")
    api.fail_next("sendMessage", status=403, description="user is deactivated")
    failures = [
        (NetworkError, "Internal Server Error"),
        (RetryAfter, "3"),
        (NetworkError, "html"),
        (Forbidden, "deact"),
    ]
    for error, words in failures:
        with pytest.raises(error, match=words):
            await bot.send_message(7, "Hello")
    await bot.send_message(7, "Hello")
    assert len(ada.received) == 1


async def test_a_late_answer(api: BotApi, bot: Bot, ada: Person) -> None:
    """A slow call has taken effect though the bot gave up on it; the server doesn't wait for it to the end."""
    api.fail_next("sendMessage", delay=60)
    with pytest.raises(TimedOut):
        await bot.send_message(7, "Hello", read_timeout=0.05)
    assert ada.newest.text == "Hello"


async def test_calls_are_recorded_decoded(api: BotApi, bot: Bot, ada: Person) -> None:
    """A form, a multipart form and JSON give the same parameters; text that looks like JSON stays text."""
    await bot.send_message(7, "42", reply_markup=MENU)
    form = {"chat_id": "7", "text": "42", "reply_markup": MENU.to_json()}
    async with httpx.AsyncClient() as client:
        url = f"{api.url}/bot{api.token}/sendMessage"
        await client.post(url, json={"chat_id": 7, "text": "42", "reply_markup": MENU.to_dict()})
        await client.post(url, data=form, files={"unused": b"..."})
    first, second, third = [call.params for call in api.calls if call.method == "sendMessage"]
    assert first == second == {"chat_id": 7, "text": "42", "reply_markup": MENU.to_dict()}
    assert third == first | {"unused": "upload"}


async def test_strangers_and_unknown_methods(api: BotApi) -> None:
    """A wrong token is a 401 and an unknown method a 404, in Telegram's shape."""
    async with httpx.AsyncClient(base_url=api.url) as client:
        wrong = await client.post("/bot1:wrong/getMe")
        unknown = await client.post(f"/bot{api.token}/getRich")
    assert (wrong.status_code, wrong.json()) == (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    assert (unknown.status_code, unknown.json()["description"]) == (404, "Not Found: method not found")
    with pytest.raises(InvalidToken):
        async with connect(api, "1:wrong"):
            pass


async def test_commands_are_kept_by_scope_and_language(bot: Bot) -> None:
    """Commands set for one language are not those of another."""
    await bot.set_my_commands([("start", "Anfang")], language_code="de")
    assert [command.description for command in await bot.get_my_commands(language_code="de")] == ["Anfang"]
    assert await bot.get_my_commands() == ()
