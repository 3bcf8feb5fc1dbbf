"""Telegram by webhook: who may call, what is bounded, and that 200 means committed."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from bot_api import BotApi, Person
from published import check_calls
from serving import served, settings
from starlette.applications import Starlette

from bot.app import App
from bot.channels.base import Unavailable
from bot.channels.telegram import MAX_BODY, WEBHOOK, Options, Telegram
from bot.core.library import Content
from bot.core.model import Inbound
from bot.shelf import Shelf

SECRET = "a-secret-of-telegram-and-ours"
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server
        check_calls(server)


@pytest.fixture
async def app(api: BotApi, content: Content, tmp_path: Path, key: str) -> AsyncIterator[App]:
    """In webhook mode, and as far as knowing who it is."""
    webhook = {"telegram_mode": "webhook", "telegram_webhook_secret": SECRET, "public_url": "https://bot.example.org"}
    chosen = settings(tmp_path, key, telegram_token=api.token, telegram_api_url=api.url, telegram_chat_rate=1000, **webhook)
    async with App.running(chosen, content=content) as running:
        await api.until(lambda: any(call.method == "getWebhookInfo" for call in api.calls) or None, "a look at the webhook")
        yield running


@pytest.fixture
async def telegram(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """Telegram's side of the webhook."""
    async with served(app.web) as address, httpx.AsyncClient(base_url=address) as client:
        yield client


@pytest.fixture
def maria(api: BotApi) -> Person:
    return api.person(4711, "Maria")


async def deliver(client: httpx.AsyncClient, update: dict[str, Any]) -> None:
    answer = await client.post(WEBHOOK, json=update, headers=HEADERS)
    assert answer.status_code == 200


async def test_a_conversation_by_webhook(telegram: httpx.AsyncClient, maria: Person) -> None:
    """Messages and presses delivered by webhook are answered like polled ones."""
    await deliver(telegram, await maria.say("/start"))
    await maria.wait_for("Choose a topic")
    await deliver(telegram, await maria.press("Symptoms"))
    await maria.wait_for("OMS can affect")


async def test_the_same_update_three_times_is_answered_once(telegram: httpx.AsyncClient, maria: Person) -> None:
    """Telegram delivers again when it has not heard our 200; the person gets one answer."""
    update = await maria.say("/start")
    await asyncio.gather(*(deliver(telegram, update) for _ in range(3)))
    await deliver(telegram, await maria.say("sleep"))
    await maria.wait_for("sleeps")
    assert len(maria.received) == 2


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x", SECRET[:-1], "é"])
async def test_without_the_secret_nobody_is_heard(telegram: httpx.AsyncClient, maria: Person, secret: str | None) -> None:
    """A missing or wrong secret is 401, whatever the body."""
    headers = [] if secret is None else [(b"X-Telegram-Bot-Api-Secret-Token", secret.encode())]
    answer = await telegram.post(WEBHOOK, content=json.dumps(await maria.say("/start")), headers=headers)
    assert answer.status_code == 401
    assert maria.received == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no json", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b"x" * (MAX_BODY + 1), 413),
        (b"[]", 200),
        (b"7", 200),
        (b"{}", 200),
        (b'{"update_id": 1, "gift_from_mars": {}}', 200),
    ],
)
async def test_odd_bodies_harm_nothing(telegram: httpx.AsyncClient, body: bytes, status: int) -> None:
    """What is no JSON is refused; JSON we have no use for is taken and ignored, so that it does not come again."""
    answer = await telegram.post(WEBHOOK, content=body, headers=HEADERS)
    assert answer.status_code == status


async def test_what_is_not_committed_is_not_acknowledged(api: BotApi, content: Content, maria: Person) -> None:
    """When the turnstile does not take an event, Telegram hears 503 and sends it again."""

    async def refuse(inbound: Inbound) -> None:
        raise Unavailable(7)

    channel = Telegram(Options(api.token, api.url, "webhook", SECRET), refuse, Shelf(content))
    channel._me = api.bot
    transport = httpx.ASGITransport(Starlette(routes=list(channel.routes())))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post(WEBHOOK, json=await maria.say("/start"), headers=HEADERS)
    await channel.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


async def test_no_webhook_while_polling(api: BotApi, content: Content, tmp_path: Path, key: str) -> None:
    """In polling mode there is no door to knock on."""
    chosen = settings(tmp_path, key, telegram_token=api.token, telegram_api_url=api.url)
    async with App.running(chosen, content=content) as app, served(app.web) as address, httpx.AsyncClient(base_url=address) as client:
        assert (await client.post(WEBHOOK, json={}, headers=HEADERS)).status_code == 404


async def test_a_missing_webhook_is_noticed(api: BotApi, app: App, telegram: httpx.AsyncClient) -> None:
    """If Telegram knows of no webhook, the program says that it is not ready and what to do."""
    await api.until(lambda: any(call.method == "getWebhookInfo" for call in api.calls), "a look at the webhook")
    async with asyncio.timeout(5):
        while (answer := await telegram.get("/health/ready")).status_code == 200:
            pass
    assert "oms-bot telegram setup" in answer.json()["troubles"]["telegram"]


async def test_a_webhook_that_does_not_work_is_noticed(api: BotApi, content: Content) -> None:
    """A webhook of somebody else's, or one Telegram cannot deliver to, is trouble; ours in good order is none."""

    async def ignore(inbound: Inbound) -> None: ...

    ours = "https://bot.example.org/telegram/webhook"
    channel = Telegram(Options(api.token, api.url, "webhook", SECRET, webhook_url=ours), ignore, Shelf(content))
    channel._trouble = "not looked yet"
    for info, said in (
        ({"url": "https://someone-else.example/x"}, "elsewhere"),
        ({"url": ours, "pending_update_count": 7, "last_error_date": int(time.time()), "last_error_message": "401 Unauthorized"}, "401"),
        ({"url": ours}, ""),
    ):
        result = {"has_custom_certificate": False, "pending_update_count": 0, **info}
        api.fail_next("getWebhookInfo", status=200, raw=json.dumps({"ok": True, "result": result}))
        looking = asyncio.create_task(channel._look_after_webhook())
        async with asyncio.timeout(5):
            while not _says(channel.trouble(), said):  # noqa: ASYNC110 the answer is read some time after the call
                await asyncio.sleep(0)
        looking.cancel()
    await channel.close()


def _says(trouble: str, expected: str) -> bool:
    return expected in trouble if expected else trouble == ""
