"""The bots that are compared, and how each is started."""

import base64
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.platforms import PHONE_ID, SECRET, TOKEN, Platform, Telegram, WhatsApp

ROOT = Path(__file__).parents[1]
DATABASE = "bench.db"


@dataclass(frozen=True, slots=True)
class Contestant:
    name: str
    platform: Callable[[], Platform]
    command: tuple[str, ...]
    scenarios: Mapping[str, str]  # what is compared, and the file of this bot's dialogue
    settings: Callable[[int, str, Path], dict[str, str]]  # from its port, the API's address and its folder
    webhook: str = "/webhook"
    ready: str = ""  # asked until it answers 200; empty: any answer of the webhook will do

    def environment(self, port: int, api: str, folder: Path) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("OMSBOT_")}
        return outside | {"PYTHONPATH": str(ROOT)} | self.settings(port, api, folder)


def comparisons() -> list[tuple[str, str, list[str]]]:
    """What is measured side by side: platform, scenario, and who takes part, the product first."""
    return [
        ("Telegram", "menu", ["product", "ptb", "ptb-concurrent", "aiogram"]),
        ("Telegram", "intake", ["product", "ptb", "ptb-concurrent", "aiogram"]),
        ("WhatsApp", "echo", ["product-whatsapp", "pywa"]),
        ("WhatsApp", "menu", ["product-whatsapp"]),
        ("WhatsApp", "intake", ["product-whatsapp"]),
    ]


def data_key(folder: Path) -> str:
    """The key of the product's database in this folder; made once."""
    file = folder / "key"
    if not file.exists():
        file.write_text(base64.urlsafe_b64encode(os.urandom(32)).decode())  # what `oms-bot key` does
    return file.read_text()


def database_url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / DATABASE}"


def _product(port: int, api: str, folder: Path) -> dict[str, str]:
    settings = {"DATABASE_URL": database_url(folder), "PORT": str(port), "DATA_KEYS": data_key(folder), "LOG_LEVEL": "WARNING"}
    return {f"OMSBOT_{name}": value for name, value in settings.items()}


def _product_telegram(port: int, api: str, folder: Path) -> dict[str, str]:
    return _product(port, api, folder) | {
        "OMSBOT_TELEGRAM_TOKEN": TOKEN,
        "OMSBOT_TELEGRAM_MODE": "webhook",
        "OMSBOT_TELEGRAM_WEBHOOK_SECRET": SECRET,
        "OMSBOT_TELEGRAM_API_URL": api,
        "OMSBOT_TELEGRAM_RATE": "100000",
        "OMSBOT_TELEGRAM_CHAT_RATE": "100000",
        "OMSBOT_PUBLIC_URL": "https://bot.example.org",
    }


def _product_whatsapp(port: int, api: str, folder: Path) -> dict[str, str]:
    return _product(port, api, folder) | {
        "OMSBOT_WHATSAPP_TOKEN": TOKEN,
        "OMSBOT_WHATSAPP_PHONE_NUMBER_ID": PHONE_ID,
        "OMSBOT_WHATSAPP_APP_SECRET": SECRET,
        "OMSBOT_WHATSAPP_VERIFY_TOKEN": SECRET,
        "OMSBOT_WHATSAPP_API_URL": f"{api}/v23.0",
        "OMSBOT_WHATSAPP_RATE": "100000",
    }


def _peer(port: int, api: str, folder: Path) -> dict[str, str]:
    return {"BOT_PORT": str(port), "API": api, "SECRET": SECRET, "TOKEN": TOKEN, "PHONE_ID": PHONE_ID, "DATABASE": str(folder / DATABASE)}


def _concurrent(port: int, api: str, folder: Path) -> dict[str, str]:
    return _peer(port, api, folder) | {"CONCURRENT": "1"}


def _plain(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"bench.peers.{module}")


_SERVE = (str(ROOT / ".venv/bin/python"), "-m", "bot", "serve")
_DIALOGUE = {"menu": "plain-menu", "intake": "plain-intake"}

CONTESTANTS = {
    each.name: each
    for each in (
        Contestant(
            "product", Telegram, _SERVE, {"menu": "menu", "intake": "intake", "visit": "visit"}, _product_telegram,
            "/telegram/webhook", "/health/ready",
        ),
        Contestant("ptb", Telegram, _plain("ptb"), _DIALOGUE, _peer),
        Contestant("ptb-concurrent", Telegram, _plain("ptb"), _DIALOGUE, _concurrent),
        Contestant("aiogram", Telegram, _plain("aiogram_bot"), _DIALOGUE, _peer),
        Contestant(
            "product-whatsapp", WhatsApp, _SERVE, {"menu": "whatsapp-menu", "echo": "whatsapp-text", "intake": "whatsapp-intake"},
            _product_whatsapp, "/whatsapp/webhook", "/health/ready",
        ),
        Contestant("pywa", WhatsApp, _plain("pywa_echo"), {"echo": "plain-echo"}, _peer),
    )
}  # fmt: skip
