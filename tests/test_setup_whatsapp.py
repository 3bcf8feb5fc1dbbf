"""`oms-bot whatsapp setup`: what it checks, what it sets, what it prints and draws."""

import asyncio
import struct
import subprocess
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
from bot_api import BotApi
from graph_api import GraphApi
from program import Program

from bot.core.engine import advance
from bot.core.library import Content
from bot.core.model import HOME, Session, Started, Text
from bot.posters import MAX_TEXT, telegram_links, whatsapp_links

PUBLIC = "https://bot.example.org"


@pytest.fixture
async def api() -> AsyncIterator[GraphApi]:
    async with GraphApi() as server:
        yield server


async def setup(api: GraphApi, folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    chosen = {
        "WHATSAPP_TOKEN": api.token,
        "WHATSAPP_PHONE_NUMBER_ID": api.phone_number_id,
        "WHATSAPP_APP_SECRET": api.app_secret,
        "WHATSAPP_VERIFY_TOKEN": api.verify_token,
        "WHATSAPP_API_URL": api.url,
        "PUBLIC_URL": PUBLIC,
    }
    return await asyncio.to_thread(Program(folder, settings=chosen).run, "whatsapp", "setup", *words, **settings)


async def test_all_is_set_and_said(api: GraphApi, tmp_path: Path, content: Content) -> None:
    """It names the number, subscribes the app, brings the webhook here, sets ice breakers and commands, and prints links."""
    done = await setup(api, tmp_path, "--account", api.account_id)
    assert (done.returncode, done.stderr) == (0, "")
    assert "'Test clinic'" in done.stdout
    assert api.subscribed
    assert api.callbacks["phone_number"] == f"{PUBLIC}/whatsapp/webhook"
    language = content.languages["en"]
    assert api.automation["prompts"] == list(language.starters)
    assert [command["command_name"] for command in api.automation["commands"]] == list(language.menu)
    assert f"https://wa.me/{api.display_number}?text=callback" in done.stdout


async def test_a_second_time_changes_nothing(api: GraphApi, tmp_path: Path) -> None:
    """A webhook that is right already is not set again; what may be told twice is."""
    await setup(api, tmp_path, "--account", api.account_id)
    before = len(api.calls)
    done = await setup(api, tmp_path, "--account", api.account_id)
    assert done.returncode == 0
    posts = [call.name for call in api.calls[before:] if call.method == "POST"]
    assert posts == ["subscribed_apps", "conversational_automation"]


async def test_another_app_on_the_account_is_not_ours(api: GraphApi, tmp_path: Path) -> None:
    """Our app is subscribed even though somebody else's is."""
    api.subscribed = True
    assert (await setup(api, tmp_path, "--account", api.account_id)).returncode == 0
    assert [call.name for call in api.calls if call.method == "POST"].count("subscribed_apps") == 1


async def test_what_is_not_right_is_said(api: GraphApi, tmp_path: Path) -> None:
    """A declined display name, a number that is not connected and a bad rating are named with what to do."""
    api.number |= {"name_status": "DECLINED", "status": "PENDING", "quality_rating": "RED"}
    done = await setup(api, tmp_path)
    assert done.returncode == 0
    for words in ("DECLINED", "PENDING", "RED", "WhatsApp Manager", "--account"):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"WHATSAPP_TOKEN": "another"}, 1, "OMSBOT_WHATSAPP_TOKEN"),
        ({"WHATSAPP_PHONE_NUMBER_ID": "4711"}, 1, "WhatsApp: "),
        ({"WHATSAPP_API_URL": "http://127.0.0.1:9/v23.0"}, 1, "network"),
        ({"WHATSAPP_TOKEN": ""}, 2, "OMSBOT_WHATSAPP_TOKEN is not set"),
        ({"WHATSAPP_APP_SECRET": ""}, 2, "OMSBOT_WHATSAPP_APP_SECRET"),
        ({"PUBLIC_URL": ""}, 2, "OMSBOT_PUBLIC_URL"),
    ],
    ids=str,
)
async def test_mistakes_are_one_sentence(api: GraphApi, tmp_path: Path, settings: dict[str, str], code: int, words: str) -> None:
    """A wrong token, number, address or a missing setting ends in one sentence that says what to do."""
    done = await setup(api, tmp_path, **settings)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


async def test_codes_for_posters(api: GraphApi, tmp_path: Path) -> None:
    """With --png and --svg every link, Telegram's too, is a QR code of a size that can be printed."""
    async with BotApi() as telegram:
        folders = {"--png": tmp_path / "png", "--svg": tmp_path / "svg"}
        words = [str(word) for pair in folders.items() for word in pair]
        done = await setup(api, tmp_path, *words, TELEGRAM_TOKEN=telegram.token, TELEGRAM_API_URL=telegram.url)
    assert (done.returncode, done.stderr) == (0, "")
    names = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert {"whatsapp-home", "whatsapp-callback", "telegram-callback", "telegram-symptoms"} <= set(names)
    for name in names:
        png = (folders["--png"] / f"{name}.png").read_bytes()
        assert png.startswith(b"\x89PNG")
        assert struct.unpack(">II", png[16:24]) >= (300, 300)
        ElementTree.parse(folders["--svg"] / f"{name}.svg")  # noqa: S314 our own


def test_every_link_leads_where_it_says(content: Content, now: datetime) -> None:
    """What a wa.me link brings along is understood, and what a t.me link carries opens its page."""
    screens = {}
    for link in whatsapp_links("447700900123", content):
        text = unquote(urlsplit(link.url).query.removeprefix("text="))
        assert len(text) <= MAX_TEXT
        screens[link.name.removeprefix("whatsapp-")] = advance(Session(), Text(text or "hello"), content, now).session.screen
    for link in telegram_links("test_bot", content):
        payload = urlsplit(link.url).query.removeprefix("start=")
        opened = advance(Session(), Started(payload), content, now).session.screen
        assert screens[link.name.removeprefix("telegram-")].replace("danger:", "page:") == opened
    assert (screens["home"], screens["callback"], screens["symptoms"]) == (HOME, "consent", "page:symptoms")
