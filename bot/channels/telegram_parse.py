"""Telegram's updates as events. Pure and total: whatever the JSON holds, the result is an event or nothing.

Read from the plain JSON and not from the library's types, since one update the library cannot read would keep it
from returning all the others.
"""

import re
from datetime import datetime

from bot.channels.shape import Json, part
from bot.core.model import Addressed, Event, Inbound, Left, Media, Press, Profile, Returned, SharedContact, Started, Text

NAME = "telegram"
# What we ask for. Not edits: they also come when nothing of the text has changed, and must never answer a question again.
UPDATES = ("message", "callback_query", "my_chat_member")
# What a person sends on purpose; everything else that is no text is a notice of the platform.
_MEDIA = (
    "animation", "audio", "document", "live_photo", "paid_media", "photo", "sticker", "story", "video", "video_note", "voice",
    "checklist", "dice", "game", "poll", "venue", "location", "rich_message",
)  # fmt: skip
_GROUPS = ("group", "supergroup")


def parse(update: object, now: datetime, me: Json) -> Inbound | None:
    """The event an update stands for; None for what is not for us. `me`: the bot's own User."""
    kind = kind_of(update)
    content = part(update, kind)
    message = part(content, "message") if kind == "callback_query" else content
    user, chat = part(content, "from"), part(message, "chat")
    number, address = part(update, "update_id", int), part(chat, "id", int)
    if not user or user.get("is_bot") or not number or not address:
        return None
    event: Event | None
    if chat.get("type") in _GROUPS:
        event = Addressed(f"https://t.me/{me.get('username', '')}") if kind == "message" and _speaks_to(content, me) else None
    elif chat.get("type") == "private":
        event = _event(kind, content, user)
    else:
        event = None
    if event is None:
        return None
    album = part(content, "media_group_id", str)
    origin = str(part(message, "message_id", int) or "") if kind == "callback_query" else ""
    # The pictures of an album are several updates and one thing to answer.
    together = isinstance(event, Media) and re.fullmatch(r"[\w-]{1,64}", album, re.ASCII)
    identity = f"album:{album}" if together else str(number)
    return Inbound(NAME, str(address), identity, now, event, _profile(user), origin)


def kind_of(update: object) -> str:
    """Which kind of update it is: one of UPDATES or "other"."""
    return next((name for name in UPDATES if part(update, name)), "other")


def _event(kind: str, content: Json, user: Json) -> Event | None:
    if kind == "callback_query":
        data = part(content, "data", str)
        return Press(data) if data else None
    if kind == "my_chat_member":
        status = part(part(content, "new_chat_member"), "status", str)
        return Left() if status in ("kicked", "left") else Returned()
    text = part(content, "text", str)
    if text:
        return _text(text)
    if contact := part(content, "contact"):
        phone = part(contact, "phone_number", str)
        return SharedContact(phone, own=part(contact, "user_id", int) == user.get("id")) if phone else Media()
    return Media(part(content, "caption", str)) if any(name in content for name in _MEDIA) else None


def _text(text: str) -> Event:
    """Commands may carry the bot's name ("/menu@our_bot"); /start may carry where a link leads."""
    if not text.startswith("/"):
        return Text(text)
    command, *rest = text.split(maxsplit=1)
    word = command.partition("@")[0]
    if word == "/start":
        return Started("".join(rest).strip()[:64])
    return Text(" ".join([word.removeprefix("/"), *rest]))


def _speaks_to(message: Json, me: Json) -> bool:
    """Whether the bot is meant: by its name, by a reply to it, by a command with its name."""
    said = f"{part(message, 'text', str)} {part(message, 'caption', str)}"
    answered = part(part(message, "reply_to_message"), "from")
    name = re.escape(str(me.get("username", "")))
    named = re.search(rf"(?<!\w)@{name}(?![\w.])|^/\w+@{name}\b", said, re.IGNORECASE) if name else None
    return named is not None or (bool(answered) and answered.get("id") == me.get("id"))


def _profile(user: Json) -> Profile:
    names = (part(user, "first_name", str), part(user, "last_name", str))
    return Profile(" ".join(filter(None, names)), language=part(user, "language_code", str)[:35], shares_contact="keyboard")
