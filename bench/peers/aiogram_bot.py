"""A plain bot with aiogram 3: its webhook on aiohttp, states in memory, SQLite in the handlers."""

import logging
import os

import uvloop
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import CommandStart
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message, User
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

from bench.peers import dialogue
from bench.peers.storage import Storage


class Intake(StatesGroup):
    consent = State()
    phone = State()
    check = State()


storage = Storage()
dispatcher = Dispatcher()


def keyboard(*buttons: tuple[str, str]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=says, callback_data=sends)] for says, sends in buttons])


KEYBOARDS = {name: keyboard(*buttons) for name, (_, buttons) in dialogue.PAGES.items()}


def below(query: CallbackQuery) -> Message:
    assert isinstance(query.message, Message)
    return query.message


def sender(message: Message) -> User:
    assert message.from_user
    return message.from_user


@dispatcher.message(CommandStart())
async def start(message: Message) -> None:
    user = sender(message)
    await storage.seen(user.id, user.full_name, "home")
    await message.answer(dialogue.MENU, reply_markup=KEYBOARDS["home"])


@dispatcher.callback_query(F.data.startswith("page:"))
async def page(query: CallbackQuery) -> None:
    name = (query.data or "").removeprefix("page:")
    await query.answer()
    await storage.seen(query.from_user.id, query.from_user.full_name, name)
    await below(query).edit_text(dialogue.PAGES[name][0], reply_markup=KEYBOARDS[name])


@dispatcher.callback_query(F.data == "callback")
async def callback(query: CallbackQuery, state: FSMContext) -> None:
    await state.set_state(Intake.consent)
    await query.answer()
    await storage.seen(query.from_user.id, query.from_user.full_name, "consent")
    await below(query).edit_text(dialogue.CONSENT, reply_markup=keyboard(("I agree", "yes"), ("No, cancel", "no")))


@dispatcher.callback_query(Intake.consent, F.data == "yes")
async def agreed(query: CallbackQuery, state: FSMContext) -> None:
    await state.set_state(Intake.phone)
    await query.answer()
    await storage.seen(query.from_user.id, query.from_user.full_name, "phone")
    await below(query).edit_text(dialogue.PHONE)


@dispatcher.message(Intake.phone, F.text)
async def phone(message: Message, state: FSMContext) -> None:
    await state.set_state(Intake.check)
    await state.update_data(phone=message.text)
    user = sender(message)
    await storage.seen(user.id, user.full_name, "check")
    await message.answer(dialogue.CHECK.format(phone=message.text), reply_markup=keyboard(("Send", "send"), ("Cancel", "no")))


@dispatcher.callback_query(Intake.check, F.data == "send")
async def send(query: CallbackQuery, state: FSMContext) -> None:
    await query.answer()
    await storage.request(query.from_user.id, (await state.get_data())["phone"])
    await state.clear()
    await below(query).edit_text(dialogue.THANKS, reply_markup=keyboard(("Main menu", "page:home")))


@dispatcher.callback_query(F.data == "no")
async def cancel(query: CallbackQuery, state: FSMContext) -> None:
    await state.clear()
    await query.answer()
    await below(query).edit_text(dialogue.NO, reply_markup=keyboard(("Main menu", "page:home")))


async def opened(bot: Bot) -> None:
    await storage.open()
    await bot.set_webhook("https://bot.example.org/webhook", secret_token=os.environ["SECRET"])


async def closed() -> None:
    await storage.close()


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    uvloop.install()
    bot = Bot(os.environ["TOKEN"], session=AiohttpSession(api=TelegramAPIServer.from_base(os.environ["API"])))
    dispatcher.startup.register(opened)
    dispatcher.shutdown.register(closed)
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, secret_token=os.environ["SECRET"]).register(app, path="/webhook")
    setup_application(app, dispatcher, bot=bot)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["BOT_PORT"]), print=None, access_log=None)


if __name__ == "__main__":
    main()
