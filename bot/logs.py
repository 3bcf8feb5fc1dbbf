"""Logging: one line per event, no personal data. Exceptions are logged as kind and place, never with their values."""

import logging
from typing import Literal

import structlog


def configure(level: str, form: Literal["console", "json"]) -> None:
    renderer = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # httpx and PTB write request addresses, and with them the bot's token, at INFO.
    for name in ("httpx", "httpcore", "aiosqlite", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_useful)
    # The Telegram library logs whole answers it cannot read, messages of people included. Its errors reach us anyway.
    logging.getLogger("telegram").setLevel(logging.CRITICAL + 1)


def _useful(record: logging.LogRecord) -> bool:
    """Anybody can ask for a WebSocket; uvicorn, told to have none, then advises to install what is there."""
    return "WebSocket library" not in str(record.msg)


def place(error: BaseException) -> str:
    """What went wrong and where, without the values that were being handled: "KeyError at draw:41"."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    where = f" at {frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else ""
    return f"{type(error).__name__}{where}"
