"""The app with WhatsApp as its messenger, and Meta's side of it, both on the loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from graph_api import GraphApi
from published import check_messages
from serving import served, settings

from bot.app import App
from bot.core.library import Content


@asynccontextmanager
async def meta() -> AsyncIterator[GraphApi]:
    """A Cloud API, all of whose calls were valid in the end."""
    async with GraphApi() as api:
        yield api
        check_messages(api)


@asynccontextmanager
async def whatsapp(api: GraphApi, content: Content, folder: Path, key: str, **more: object) -> AsyncIterator[App]:
    """The app, served where the deliveries of `api` go."""
    chosen = settings(
        folder,
        key,
        whatsapp_token=api.token,
        whatsapp_phone_number_id=api.phone_number_id,
        whatsapp_app_secret=api.app_secret,
        whatsapp_verify_token=api.verify_token,
        whatsapp_api_url=api.url,
        **{"whatsapp_rate": 1000, **more},
    )
    async with App.running(chosen, content=content) as app, served(app.web) as address:
        api.webhook = f"{address}/whatsapp/webhook"
        yield app
