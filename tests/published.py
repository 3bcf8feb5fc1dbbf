"""Telegram's published description, where it is at hand: a folder `shared` beside the checkout, or named by $SHARED."""

import importlib.util
import os
import warnings
from pathlib import Path
from types import ModuleType

from bot_api import BotApi

SHARED = Path(os.environ.get("SHARED", Path(__file__).parents[2] / "shared"))


def description() -> ModuleType | None:
    """The checker of calls, or None on a machine that does not have it."""
    file = SHARED / "tools" / "telegram_calls.py"
    spec = importlib.util.spec_from_file_location("telegram_calls", file) if file.exists() else None
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its file open
        spec.loader.exec_module(module)
    return module


_CHECKER = description()


def check_calls(api: BotApi) -> None:
    """Every call the server has had is valid by the description, if that is here."""
    if _CHECKER is not None:
        for call in api.calls:
            assert _CHECKER.check(call.method, call.params) == [], call
