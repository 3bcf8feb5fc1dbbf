"""A plain echo on WhatsApp with pywa on FastAPI; it stores nothing."""

import os

import uvicorn
from fastapi import FastAPI
from pywa_async import WhatsApp, filters  # type: ignore[attr-defined]
from pywa_async.types import Message  # type: ignore[attr-defined]

app = FastAPI()
wa = WhatsApp(
    phone_id=os.environ["PHONE_ID"],
    token=os.environ["TOKEN"],
    server=app,
    webhook_endpoint="/webhook",
    verify_token=os.environ["SECRET"],
    app_secret=os.environ["SECRET"],
)
wa.api._session.base_url = f"{os.environ['API']}/v23.0"  # noqa: SLF001 there is no setting for it


@wa.on_message(filters.text)  # type: ignore[misc]
async def echo(client: WhatsApp, message: Message) -> None:
    await message.reply(message.text or "")  # type: ignore[misc]


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BOT_PORT"]), log_level="warning", access_log=False)
