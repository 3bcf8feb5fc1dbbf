"""The program running, staff at the command line, the caller on their messenger: what one does the other hears."""

import asyncio
from pathlib import Path

import httpx
from bot_api import BotApi
from graph_api import GraphApi
from program import Program, Served
from published import check_messages
from visitor import Visitor, consent, press

from bot.store.requests import StoredRequest

SECRET = "a-secret-of-telegram"
STEPS = (("callback", "Do you agree?"), ("I agree", "Which number"), ("+44 20 7946 0018", "Is this right?"), ("Send", "has reached us"))


async def asked(program: Program) -> StoredRequest:
    """The one request as it is now."""
    [request] = await asyncio.to_thread(program.queue)
    return request


async def staff(program: Program, reference: str, action: str, *words: str) -> None:
    """What staff do with it."""
    await asyncio.to_thread(program.ok, "requests", action, reference, *words, "--as", "bea")


async def test_a_caller_on_telegram_hears_of_it_and_answers(tmp_path: Path) -> None:
    """A call in vain noted at a terminal is told on Telegram within seconds, once; the caller's button is seen at the desk."""
    async with BotApi() as api:
        webhook = {"TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_SECRET": SECRET, "PUBLIC_URL": "https://bot.example.org"}
        program = Program(tmp_path, settings={"TELEGRAM_TOKEN": api.token, "TELEGRAM_API_URL": api.url, **webhook})
        maria = api.person(4711, "Maria")
        with program.serving() as server:

            async def deliver(update: dict[str, object]) -> None:
                headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
                async with httpx.AsyncClient(trust_env=False) as client:
                    answer = await client.post(f"{server.address}/telegram/webhook", json=update, headers=headers)
                assert answer.status_code == 200

            for step, words in STEPS:
                await deliver(await maria.say(step))
                await maria.wait_for(words)
            reference = (await asked(program)).reference
            await staff(program, reference, "attempt", "no-answer")
            await maria.wait_for("Our team called you and did not reach you.")
            await deliver(await maria.press("A better time"))
            await maria.wait_for("When is a good time to call?")
            await deliver(await maria.press("Any time"))
            await maria.wait_for("Your request is changed")
            await staff(program, reference, "close", "--outcome", "helped")
            await maria.wait_for("Did we help you?")
            await deliver(await maria.press("Yes, it helped"))
            await maria.wait_for("We are glad that we could help")
        assert sum("did not reach you" in message.text for message in maria.received) == 1


async def test_a_caller_on_whatsapp_hears_of_it_and_answers(tmp_path: Path) -> None:
    """The same on WhatsApp, where the buttons stand in a list, and a word answers too."""
    async with GraphApi() as api:
        names = {"WHATSAPP_TOKEN": api.token, "WHATSAPP_PHONE_NUMBER_ID": api.phone_number_id, "WHATSAPP_APP_SECRET": api.app_secret}
        program = Program(tmp_path, settings={**names, "WHATSAPP_VERIFY_TOKEN": api.verify_token, "WHATSAPP_API_URL": api.url})
        maria = api.person("Maria", phone="447700900123", user_id="GB.13491208655302741918")
        with program.serving() as server:
            api.webhook = f"{server.address}/whatsapp/webhook"
            for step, words in STEPS:
                await maria.say(step)
                await maria.wait_for(words)
            reference = (await asked(program)).reference
            await staff(program, reference, "attempt", "voicemail", "--at", "2099-01-05 10:00")
            await maria.wait_for("Next try: *Monday, 5 January, 09:00*")
            await maria.press("Call me again")
            await maria.wait_for("would like another call")
            assert (await asked(program)).next_at.year < 2099
            await staff(program, reference, "close", "--outcome", "helped")
            await maria.wait_for("Did we help you?")
            await maria.say("no")
            await maria.wait_for("We are sorry")
        check_messages(api)


def test_a_visitor_of_the_web_page_finds_it_there(tmp_path: Path) -> None:
    """On the web page the message waits to be fetched, though the program that serves it has not written it."""
    program = Program(tmp_path)
    with program.serving() as server:
        ada = _who_has_asked(server)
        [request] = program.queue()
        program.ok("requests", "attempt", request.reference, "no-answer", "--as", "bea")
        assert "did not reach you" in ada.everything(server)[-1]["html"]


def _who_has_asked(server: Served) -> Visitor:
    ada = Visitor(server)
    yes = consent(ada.sends(server, press("callback")))
    for event in (press(yes), {"type": "text", "text": "+44 20 7946 0018"}, press("send")):
        ada.sends(server, event)
    return ada
