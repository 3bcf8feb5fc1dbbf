"""Serving: one process, one event loop, a clean stop on SIGTERM."""

import socket
from pathlib import Path
from types import FrameType

import structlog
import uvicorn
from sqlalchemy.engine import make_url

from bot.app import App
from bot.config import Settings

STOP_SECONDS = 3  # requests under way get to finish

log = structlog.get_logger()


class AddressInUse(Exception):
    """The port cannot be had; the text says what to do."""


class _Server(uvicorn.Server):
    """Ends the open streams first: uvicorn would wait for them."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._app.close_streams()
        super().handle_exit(sig, frame)


async def serve_forever(settings: Settings) -> None:
    """Serves until a signal. Raises AddressInUse, and what `App.running` raises."""
    listening = _listen(settings)
    fresh = _is_new(settings)
    async with App.running(settings) as app:
        config = uvicorn.Config(
            app.web, log_config=None, access_log=False, server_header=False, lifespan="off", timeout_graceful_shutdown=STOP_SECONDS
        )
        host, port = listening.getsockname()[:2]
        address = f"http://{host}:{port}"
        log.info("ready", address=address, channels=sorted(app.channels))
        if fresh:
            print(_FIRST_STEPS.format(address=address), flush=True)
        await _Server(config, app).serve(sockets=[listening])
    log.info("stopped")


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        where = f"{settings.host}:{settings.port}"
        raise AddressInUse(f"Cannot listen on {where} ({error.strerror}): stop the other program or set OMSBOT_PORT.") from None
    return listening


def _is_new(settings: Settings) -> bool:
    url = make_url(settings.database_url)
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()


_FIRST_STEPS = """
  Open {address} and talk to the bot, or type `.venv/bin/oms-bot chat`.
  Ask for a callback there; `.venv/bin/oms-bot requests list` shows it.
  Connect Telegram and others: see .env.example. Change what the bot says: content/, then `.venv/bin/oms-bot check`.
"""
