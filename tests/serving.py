"""The app as it runs: its own database, real channels, a real port on the loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from migrated import migrated
from starlette.types import ASGIApp

from bot.app import App
from bot.config import Settings
from bot.store import requests
from bot.store.requests import StoredRequest
from bot.store.tables import REQUEST_STATES


def settings(folder: Path, key: str, **more: object) -> Settings:
    """Settings of a test; nothing from the environment's `.env`."""
    return Settings(_env_file=None, database_url=migrated(folder / "app.db"), data_keys=key, **more)  # type: ignore[arg-type, call-arg]


@asynccontextmanager
async def served(web: ASGIApp) -> AsyncIterator[str]:
    """The address under which `web` is served."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server._serve([listening]))
    try:
        yield "http://{}:{}".format(*listening.getsockname())
    finally:
        server.should_exit = True
        await task


async def queued(app: App) -> list[StoredRequest]:
    """Every request in the queue."""
    async with app.database.read() as connection:
        return await requests.listed(connection, app.database.sealer, REQUEST_STATES)
