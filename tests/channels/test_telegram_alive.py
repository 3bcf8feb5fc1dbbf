"""Telegram's side of running: set-up, rates, and noticing when Telegram is out of reach."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from bot_api import BotApi
from program import Program
from published import check_calls
from serving import served, settings

from bot.app import App
from bot.channels.base import Delivery
from bot.channels.limits import RateLimit
from bot.channels.telegram import SILENT_AFTER, Options, Telegram
from bot.core.library import Content
from bot.core.markup import words
from bot.core.model import Inbound, Reply
from bot.outbox import LONGEST_WAIT, wait_before
from bot.shelf import Shelf


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server
        check_calls(server)


def commands(api: BotApi) -> list[str]:
    return [call.method for call in api.calls]


async def test_a_revoked_token_is_said(api: BotApi, content: Content, tmp_path: Path, key: str) -> None:
    """With a token Telegram does not know, the program is not ready and says why; the web chat goes on."""
    chosen = settings(tmp_path, key, telegram_token="7000000001:AAF-another_token", telegram_api_url=api.url)
    async with App.running(chosen, content=content) as app, served(app.web) as address, httpx.AsyncClient(base_url=address) as client:
        answer = await client.get("/health/ready")
        while answer.status_code == 200:
            answer = await client.get("/health/ready")
        assert "OMSBOT_TELEGRAM_TOKEN" in answer.json()["troubles"]["telegram"]
        assert (await client.get("/")).status_code == 200


async def test_a_second_poller_is_said(api: BotApi, content: Content, tmp_path: Path, key: str) -> None:
    """When another program fetches the updates, the operator reads that; when it is gone, all is well again."""
    api.fail_next("getUpdates", status=409, description="Conflict: terminated by other getUpdates request")
    async with App.running(settings(tmp_path, key, telegram_token=api.token, telegram_api_url=api.url), content=content) as app:
        channel = app.channels["telegram"]
        assert isinstance(channel, Telegram)
        channel._options = replace(channel._options, patience=0.1)
        await api.until(lambda: "another program" in channel.trouble() or None, "the trouble")
        maria = api.person(4711, "Maria")
        await channel.send(Delivery("4711", Reply(words("sending works all the same"))))
        assert channel.trouble()
        await maria.say("/start")
        await maria.wait_for("Choose a topic")
        await api.until(lambda: not channel.trouble() or None, "the end of the trouble")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"drop": True},
        {"raw": "<html>"},
        {"raw": "null", "status": 502},
        {"raw": "{}", "status": 200},
        {"raw": "[]", "status": 502},
        {"raw": '{"ok":true,"result":[{}]}', "status": 200},
        {"raw": '{"ok":true,"result":true}', "status": 200},
        {"retry_after": 1},
        {"drop_after": True},
    ],
    ids=str,
)
async def test_polling_survives(api: BotApi, content: Content, tmp_path: Path, key: str, fault: dict[str, Any]) -> None:
    """A poll that fails in any way is tried again, and the message it might have brought is answered once."""
    async with App.running(settings(tmp_path, key, telegram_token=api.token, telegram_api_url=api.url), content=content):
        maria = api.person(4711, "Maria")
        await maria.say("/start")
        await maria.wait_for("Choose a topic")
        api.fail_next("getUpdates", **fault)
        await maria.say("sleep")
        await maria.wait_for("sleeps")
        assert len(maria.received) == 2


async def test_a_refused_announcement_keeps_nobody_waiting(api: BotApi, content: Content, tmp_path: Path, key: str) -> None:
    """When Telegram will not take the descriptions for hours, messages are answered all the same."""
    api.fail_next("setMyDescription", retry_after=36000)
    async with App.running(settings(tmp_path, key, telegram_token=api.token, telegram_api_url=api.url), content=content):
        maria = api.person(4711, "Maria")
        await maria.say("/start")
        await maria.wait_for("Choose a topic")


async def test_a_slow_answer_holds_up_nobody_else(api: BotApi, content: Content, tmp_path: Path, key: str) -> None:
    """While Telegram takes its time with one chat, another is answered; the slow one gets its message once."""
    async with App.running(settings(tmp_path, key, telegram_token=api.token, telegram_api_url=api.url), content=content) as app:
        maria, ada = api.person(4711, "Maria"), api.person(4712, "Ada")
        api.fail_next("sendMessage", delay=1.5)
        await maria.say("/start")
        await api.until(lambda: any(call.method == "sendMessage" for call in api.calls) or None, "the slow call")
        await ada.say("/start")
        await ada.wait_for("Choose a topic")
        await app.outbox.drained()
        assert len(maria.received) == 1


async def test_silence_is_noticed(api: BotApi, content: Content) -> None:
    """A Telegram that has not answered for minutes counts as out of reach."""

    async def ignore(inbound: Inbound) -> None: ...

    channel = Telegram(Options(api.token, api.url), ignore, Shelf(content))
    assert channel.trouble() == ""
    channel._reached -= SILENT_AFTER + 1
    assert "has not answered" in channel.trouble()
    await channel.close()


def test_a_rate_keeps_everybodys_turn() -> None:
    """A few at once, then one after another at the given distance; another chat is not held up."""
    now = [100.0]
    rate = RateLimit(burst=2, every=1.0, clock=lambda: now[0])
    assert [rate.reserve("ada") for _ in range(5)] == [0, 0, 1, 2, 3]
    assert rate.reserve("bob") == 0
    now[0] += 10
    assert rate.reserve("ada") == 0


def test_a_rate_forgets_who_has_not_written_for_long() -> None:
    """A hundred thousand people, one after another, leave no trace beyond those of the last moments."""
    now = [100.0]
    rate = RateLimit(burst=4, every=1.0, clock=lambda: now[0])
    for number in range(100_000):
        rate.reserve(str(number))
        now[0] += 0.01
    assert len(rate._full_at) < 200
    assert [rate.reserve("ada") for _ in range(5)] == [0, 0, 0, 0, 1]


async def test_setup_registers_everything_for_polling(api: BotApi, tmp_path: Path) -> None:
    """`telegram setup` says who the bot is, registers what Telegram shows, removes the webhook, and prints what it did."""
    printed = await _setup(api, tmp_path, 0)
    assert "@test_bot" in printed
    assert "No webhook is set" in printed
    each = ["setMyCommands", "setMyDescription", "setMyShortDescription"]
    assert commands(api) == ["getMe", "deleteWebhook", *each * 4, "setChatMenuButton"]
    told = [call.params.get("language_code") for call in api.calls if call.method == "setMyCommands"]
    assert told == [None, "ar", "de", "ru"]  # English for everybody else


async def test_setup_registers_the_webhook(api: BotApi, tmp_path: Path) -> None:
    """In webhook mode Telegram is told the address, the secret and the kinds of updates."""
    webhook = {"TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_SECRET": "a-secret-of-telegram", "PUBLIC_URL": "https://bot.example.org/"}
    printed = await _setup(api, tmp_path, 0, **webhook)
    assert "https://bot.example.org/telegram/webhook" in printed
    call = next(call for call in api.calls if call.method == "setWebhook")
    assert call.params["url"] == "https://bot.example.org/telegram/webhook"
    assert call.params["secret_token"] == "a-secret-of-telegram"
    assert "my_chat_member" in call.params["allowed_updates"]


async def test_setup_explains_a_wrong_token(api: BotApi, tmp_path: Path) -> None:
    """A token Telegram does not know ends in one clear sentence and code 1."""
    said = await _setup(api, tmp_path, 1, TELEGRAM_TOKEN="7000000001:AAF-another_token")
    assert "the token is wrong or was revoked" in said
    assert "Traceback" not in said


async def _setup(api: BotApi, folder: Path, code: int, **more: str) -> str:
    import asyncio

    chosen = {"TELEGRAM_TOKEN": api.token, "TELEGRAM_API_URL": api.url, **more}
    done = await asyncio.to_thread(lambda: Program(folder).run("telegram", "setup", **chosen))
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


async def test_a_telegram_away_for_days_is_still_waited_for(api: BotApi, content: Content) -> None:
    """The pause between tries stays within its bound after any number of failures."""

    async def ignore(inbound: Inbound) -> None: ...

    channel = Telegram(Options(api.token, api.url), ignore, Shelf(content))
    assert [channel._pause(OSError(), failures) for failures in (1, 2, 7, 5000)] == [1, 2, 60, 60]
    assert wait_before(5000) == LONGEST_WAIT
    await channel.close()
