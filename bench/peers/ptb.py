"""A plain bot with python-telegram-bot: its own webhook server, a ConversationHandler, SQLite in the handlers."""

import logging
import os
from typing import Any

import uvloop
from telegram import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update, User
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, ConversationHandler, MessageHandler, filters

from bench.peers import dialogue
from bench.peers.storage import Storage

CONSENT, PHONE, CHECK = range(3)

Context = ContextTypes.DEFAULT_TYPE
storage = Storage()


def keyboard(*buttons: tuple[str, str]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(says, callback_data=sends)] for says, sends in buttons])


KEYBOARDS = {name: keyboard(*buttons) for name, (_, buttons) in dialogue.PAGES.items()}


def pressed(update: Update) -> CallbackQuery:
    assert update.callback_query
    return update.callback_query


def written(update: Update) -> tuple[Message, User]:
    assert update.message
    assert update.effective_user
    return update.message, update.effective_user


async def start(update: Update, context: Context) -> None:
    message, user = written(update)
    await storage.seen(user.id, user.full_name, "home")
    await message.reply_text(dialogue.MENU, reply_markup=KEYBOARDS["home"])


async def page(update: Update, context: Context) -> None:
    query = pressed(update)
    name = (query.data or "").removeprefix("page:")
    await query.answer()
    await storage.seen(query.from_user.id, query.from_user.full_name, name)
    await query.edit_message_text(dialogue.PAGES[name][0], reply_markup=KEYBOARDS[name])


async def callback(update: Update, context: Context) -> int:
    query = pressed(update)
    await query.answer()
    await storage.seen(query.from_user.id, query.from_user.full_name, "consent")
    await query.edit_message_text(dialogue.CONSENT, reply_markup=keyboard(("I agree", "yes"), ("No, cancel", "no")))
    return CONSENT


async def agreed(update: Update, context: Context) -> int:
    query = pressed(update)
    await query.answer()
    await storage.seen(query.from_user.id, query.from_user.full_name, "phone")
    await query.edit_message_text(dialogue.PHONE)
    return PHONE


async def phone(update: Update, context: Context) -> int:
    message, user = written(update)
    assert context.user_data is not None
    context.user_data["phone"] = message.text
    await storage.seen(user.id, user.full_name, "check")
    await message.reply_text(dialogue.CHECK.format(phone=message.text), reply_markup=keyboard(("Send", "send"), ("Cancel", "no")))
    return CHECK


async def send(update: Update, context: Context) -> int:
    query = pressed(update)
    assert context.user_data is not None
    await query.answer()
    await storage.request(query.from_user.id, context.user_data.pop("phone"))
    await query.edit_message_text(dialogue.THANKS, reply_markup=keyboard(("Main menu", "page:home")))
    return ConversationHandler.END


async def cancel(update: Update, context: Context) -> int:
    query = pressed(update)
    await query.answer()
    await query.edit_message_text(dialogue.NO, reply_markup=keyboard(("Main menu", "page:home")))
    return ConversationHandler.END


async def opened(application: Any) -> None:
    await storage.open()


async def closed(application: Any) -> None:
    await storage.close()


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    uvloop.install()
    builder = Application.builder().token(os.environ["TOKEN"]).base_url(f"{os.environ['API']}/bot").post_init(opened).post_shutdown(closed)
    if os.environ.get("CONCURRENT"):
        builder = builder.concurrent_updates(True)
    application = builder.build()
    conversation = ConversationHandler(
        entry_points=[CallbackQueryHandler(callback, pattern="^callback$")],
        states={
            CONSENT: [CallbackQueryHandler(agreed, pattern="^yes$")],
            PHONE: [MessageHandler(filters.TEXT & ~filters.COMMAND, phone)],
            CHECK: [CallbackQueryHandler(send, pattern="^send$")],
        },
        fallbacks=[CallbackQueryHandler(cancel, pattern="^no$")],
    )
    application.add_handler(conversation)
    application.add_handler(CommandHandler("start", start))
    application.add_handler(CallbackQueryHandler(page, pattern="^page:"))
    application.run_webhook(
        listen="127.0.0.1",
        port=int(os.environ["BOT_PORT"]),
        url_path="webhook",
        secret_token=os.environ["SECRET"],
        webhook_url="https://bot.example.org/webhook",
    )


if __name__ == "__main__":
    main()
