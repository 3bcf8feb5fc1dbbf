"""The platforms' published descriptions, where they are at hand: a folder `shared` beside the checkout, or named by $SHARED."""

import importlib.util
import os
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

from bot_api import BotApi
from graph_api import GraphApi

SHARED = Path(os.environ.get("SHARED", Path(__file__).parents[2] / "shared"))


def description(name: str = "telegram_calls") -> ModuleType | None:
    """The checker of calls, or None on a machine that does not have it."""
    file = SHARED / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, file) if file.exists() else None
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # they leave their files open
        spec.loader.exec_module(module)
    return module


_TELEGRAM, _WHATSAPP = description(), description("whatsapp_payload")


def check_calls(api: BotApi) -> None:
    """Every call the server has had is valid by the description, if that is here."""
    if _TELEGRAM is not None:
        for call in api.calls:
            assert _TELEGRAM.check(call.method, call.params) == [], call


def faults_of(payload: dict[str, Any]) -> list[str]:
    """What is wrong with a WhatsApp message by the description; nothing if that is not here."""
    if _WHATSAPP is None:
        return []
    if "recipient" in payload and "to" not in payload:  # the description is older than user ids and wants a number
        payload = {name: value for name, value in payload.items() if name != "recipient"} | {"to": payload["recipient"]}
    return [str(fault) for fault in _WHATSAPP.outgoing(payload)]


def check_messages(api: GraphApi) -> None:
    """Every message the server was sent, accepted or not, is valid by the description, if that is here."""
    for call in api.calls:
        if call.name in ("messages", "read"):
            assert faults_of(call.params) == [], call
