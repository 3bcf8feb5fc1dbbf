"""What staff want of the desk, out of Telegram's updates: buttons of their group, and the code that links somebody. Pure."""

import re

from bot.channels.shape import Json, part
from bot.channels.telegram_parse import NAME
from bot.core.model import Errand

_LINK = re.compile(r"/link(?:@(\w{1,64}))?\s+(\S{1,64})\s*", re.ASCII)


def joined(update: object) -> int:
    """The number of the group the bot was just made a member of; 0 for everything else."""
    change = part(update, "my_chat_member")
    chat, now = part(change, "chat"), part(part(change, "new_chat_member"), "status", str)
    group = chat.get("type") in ("group", "supergroup") and now in ("member", "administrator")
    return int(part(chat, "id", int)) if group else 0


def errand(update: object, staff_chat: str, me: Json) -> Errand | None:
    """The errand an update stands for; None for everything else. `me`: the bot's own User."""
    query = part(update, "callback_query")
    message = part(query, "message") if query else part(update, "message")
    user, chat = part(query or message, "from"), part(message, "chat")
    number, address = part(update, "update_id", int), str(part(chat, "id", int))
    sender = part(user, "id", int)
    if not staff_chat or not number or not sender or user.get("is_bot"):
        return None
    ours = address == staff_chat
    if query:
        button = part(query, "data", str)
        return Errand(NAME, address, str(number), str(sender), button=button) if ours and button else None
    said = _LINK.fullmatch(part(message, "text", str))
    if said is None or not (ours or chat.get("type") == "private"):
        return None
    if said[1] and said[1].lower() != str(me.get("username", "")).lower():  # another bot's
        return None
    return Errand(NAME, address, str(number), str(sender), code=said[2])
