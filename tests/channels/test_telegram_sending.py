"""Sending to Telegram when Telegram refuses, waits, or breaks: each fault ends in the right behaviour."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bot_api import BotApi, Person
from published import check_calls

from bot.channels.base import Delivery, NotSent
from bot.channels.telegram import Options, Telegram
from bot.channels.telegram_render import MAX_TEXT, texts
from bot.core.library import Content
from bot.core.markup import Listing, Paragraph, Run, words
from bot.core.model import Button, Inbound, Reply
from bot.shelf import Shelf

HOME = (Button("home", "Main menu"),)


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server
        check_calls(server)


@pytest.fixture
async def channel(api: BotApi, content: Content) -> AsyncIterator[Telegram]:
    async def ignore(inbound: Inbound) -> None: ...

    made = Telegram(Options(api.token, api.url, chat_rate=1000), ignore, Shelf(content))
    yield made
    await made.close()


@pytest.fixture
def maria(api: BotApi) -> Person:
    return api.person(4711, "Maria")


def to_maria(text: str = "hello", *, origin: str = "", buttons: tuple[Button, ...] = HOME) -> Delivery:
    return Delivery("4711", Reply(words(text), navigation=buttons, in_place=bool(origin)), origin)


@pytest.mark.parametrize(
    ("fault", "permanent", "gone", "wait"),
    [
        ({"status": 500, "description": "Internal Server Error"}, False, False, 0),
        ({"raw": "<html>Bad gateway</html>"}, False, False, 0),
        ({"drop": True}, False, False, 0),
        ({"raw": "null", "status": 502}, False, False, 0),
        ({"raw": "{}", "status": 200}, False, False, 0),
        ({"retry_after": 7}, False, False, 7),
        ({"status": 403, "description": "Forbidden: bot was blocked by the user"}, True, True, 0),
        ({"status": 403, "description": "Forbidden: user is deactivated"}, True, True, 0),
        ({"status": 400, "description": "Bad Request: chat not found"}, True, True, 0),
        ({"status": 400, "description": "Bad Request: can't parse entities"}, True, False, 0),
        ({"status": 401, "description": "Unauthorized"}, False, False, 0),
    ],
)
async def test_what_a_refusal_means(
    api: BotApi, channel: Telegram, maria: Person, fault: dict[str, Any], permanent: bool, gone: bool, wait: float
) -> None:
    """Broken answers and revoked tokens are tried again, 429 waits as told, wrong messages and people who left are given up."""
    api.fail_next("sendMessage", **fault)
    with pytest.raises(NotSent) as refused:
        await channel.send(to_maria())
    assert (refused.value.permanent, refused.value.gone, refused.value.retry_after) == (permanent, gone, wait)
    assert "4711" not in str(refused.value)


async def test_an_unchanged_message_is_delivered(channel: Telegram, maria: Person) -> None:
    """ "Message is not modified" is success."""
    await channel.send(to_maria())
    origin = str(maria.newest.wire["message_id"])
    await channel.send(to_maria("new words", origin=origin))
    await channel.send(to_maria("new words", origin=origin))
    assert [message.text for message in maria.received] == ["new words"]


@pytest.mark.parametrize("origin", ["1", "999999"])
async def test_a_message_that_is_gone_is_sent_anew(channel: Telegram, maria: Person, origin: str) -> None:
    """What cannot be edited any more comes as a new message."""
    await channel.send(to_maria("first"))
    await channel.send(to_maria("second", origin=origin))
    assert [message.text for message in maria.received] == ["first", "second"]


async def test_a_moved_group_is_followed(api: BotApi, channel: Telegram, maria: Person) -> None:
    """A group that has become a supergroup gets its message under its new number."""
    group = api.person(8, "Staff", chat_id=-100777)
    moved = {"description": "Bad Request: group chat was upgraded", "parameters": {"migrate_to_chat_id": -100777}}
    api.fail_next("sendMessage", status=400, raw=json.dumps({"ok": False, "error_code": 400, **moved}))
    await channel.send(Delivery("-777", Reply(words("hello"))))
    assert [message.text for message in group.received] == ["hello"]


async def test_a_text_too_long_for_one_message_becomes_several() -> None:
    """Parted between blocks, nothing lost, each part short enough."""
    long = tuple(Paragraph((Run(f"paragraph {n} " + "x" * 900),)) for n in range(10))
    parts = texts(long)
    assert len(parts) == 3
    assert "\n\n".join(parts) == "\n\n".join(block.runs[0].text for block in long)
    assert all(len(part) <= MAX_TEXT for part in parts)
    items = tuple((Run(f"item {n} " + "y" * 90),) for n in range(100))
    assert all(0 < len(part) <= MAX_TEXT for part in texts((Listing(items),)))


async def test_only_the_last_part_has_the_buttons(channel: Telegram, maria: Person) -> None:
    """A long page comes in order, its buttons below the end."""
    body = tuple(Paragraph((Run(f"part {n} " + "x" * 3000),)) for n in range(3))
    await channel.send(Delivery("4711", Reply(body, navigation=HOME)))
    assert [message.text[:6] for message in maria.received] == ["part 0", "part 1", "part 2"]
    assert [bool(message.buttons) for message in maria.received] == [False, False, True]


async def test_right_to_left_and_odd_names_pass(channel: Telegram, maria: Person) -> None:
    """Arabic with Latin drug names, emoji and signs that look like markup arrive as they were written."""
    text = 'ريتوكسيماب (Rituximab) ⁦+49 30 123⁩ <b>&amp; "x" 👩‍👧'
    await channel.send(to_maria(text))
    assert maria.newest.text == text
