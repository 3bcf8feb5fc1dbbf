"""Telegram's Bot API and WhatsApp's Cloud API, as far as a bot under load touches them. Both sides of each."""

import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from typing import Any, Protocol, cast

import orjson

from bench.people import Button, Person
from bench.wire import Fields

SECRET = "bench-secret-of-16-or-more"  # noqa: S105 nothing outside this machine knows or needs it
TOKEN = "1:BENCH"  # noqa: S105
PHONE_ID = "106540352242922"

_ME = {"id": 1, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A message that the bot shows to a person."""

    person: int
    text: str
    buttons: list[Button]
    keyboard: bytes = b""
    message: int | None = None  # the one that it replaces
    new: int = 0  # the number it got


class Platform(Protocol):
    first_person: int  # the number people are counted from

    def heard(self, person: Person, text: str, pressed: str | None) -> dict[str, Any]:
        """The update: the person typed `text` or pressed the button that sends `pressed`."""

    def headers(self, body: bytes) -> bytes:
        """Which prove that the platform sends it."""

    def called(self, method: str, said: Fields) -> tuple[bytes, Shown | None]:
        """The answer to a call of the bot, and what people see of it."""


class Telegram:
    first_person = 100_000

    def __init__(self) -> None:
        self._update = int(time.time() * 1000)  # a database may have seen another run: what it knows it does not answer
        self._message = 1_000_000

    def headers(self, body: bytes) -> bytes:
        return b"X-Telegram-Bot-Api-Secret-Token: %b\r\n" % SECRET.encode()

    def heard(self, person: Person, text: str, pressed: str | None) -> dict[str, Any]:
        self._update += 1
        who = {"id": person.id, "is_bot": False, "first_name": "User", "last_name": "Test", "language_code": "en"}
        chat = {"id": person.id, "first_name": "User", "last_name": "Test", "type": "private"}
        if pressed is None:
            self._message += 1
            message: dict[str, Any] = {"message_id": self._message, "from": who, "chat": chat, "date": int(time.time()), "text": text}
            if text.startswith("/"):
                message["entities"] = [{"offset": 0, "length": len(text), "type": "bot_command"}]
            return {"update_id": self._update, "message": message}
        below = {"message_id": person.message, "from": _ME, "chat": chat, "date": int(time.time()), "text": person.seen}
        if person.keyboard:
            below["reply_markup"] = orjson.Fragment(person.keyboard)
        query = {"id": str(self._update), "from": who, "message": below, "chat_instance": "7", "data": pressed}
        return {"update_id": self._update, "callback_query": query}

    def called(self, method: str, said: Fields) -> tuple[bytes, Shown | None]:
        match method:
            case "sendMessage" | "editMessageText":
                return self._show(said)
            case "getMe":
                return orjson.dumps({"ok": True, "result": _ME}), None
            case "getWebhookInfo":
                return (
                    b'{"ok":true,"result":{"url":"https://bot.example.org/telegram/webhook","has_custom_certificate":false,"pending_update_count":0}}',
                    None,
                )
            case _:
                return b'{"ok":true,"result":true}', None

    def _show(self, said: Fields) -> tuple[bytes, Shown]:
        chat, text, markup = int(cast(str, said["chat_id"])), str(said["text"]), said.get("reply_markup")
        keyboard = markup.encode() if isinstance(markup, str) else orjson.dumps(markup) if markup else b""
        read = orjson.loads(keyboard) if keyboard else {}
        inline = [(key["text"], key["callback_data"]) for row in read.get("inline_keyboard", ()) for key in row if "callback_data" in key]
        typed = [key if isinstance(key, str) else key["text"] for row in read.get("keyboard", ()) for key in row]
        replaces = int(cast(str, said["message_id"])) if "message_id" in said else None
        if replaces is None:
            self._message += 1
        number = replaces or self._message
        keyboard = keyboard if inline else b""
        result = {
            "message_id": number,
            "from": _ME,
            "chat": {"id": chat, "first_name": "User", "type": "private"},
            "date": int(time.time()),
            "text": text,
        }
        if keyboard:
            result["reply_markup"] = orjson.Fragment(keyboard)
        shown = Shown(chat, text, inline + [(key, "") for key in typed], keyboard, replaces, number)
        return orjson.dumps({"ok": True, "result": result}), shown


class WhatsApp:
    first_person = 12025500000  # a bot may look whether it can be dialled, and what is spoken there

    def __init__(self) -> None:
        self._count = int(time.time() * 1000)

    def headers(self, body: bytes) -> bytes:
        return b"X-Hub-Signature-256: sha256=%b\r\n" % hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest().encode()

    def heard(self, person: Person, text: str, pressed: str | None) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"from": str(person.id), "from_user_id": f"US.{person.id}", "id": f"wamid.IN{self._count:024}"}
        message["timestamp"] = str(int(time.time()))
        if pressed is None:
            message |= {"type": "text", "text": {"body": text}}
        else:
            kind, _, sends = pressed.partition(" ")
            title = next(says for says, this in person.buttons if this == pressed)
            message |= {"type": "interactive", "interactive": {"type": kind, kind: {"id": sends, "title": title}}}
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550783881", "phone_number_id": PHONE_ID},
            "contacts": [{"profile": {"name": "User Test"}, "wa_id": str(person.id), "user_id": f"US.{person.id}"}],
            "messages": [message],
        }
        entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
        return {"object": "whatsapp_business_account", "entry": [entry]}

    def called(self, method: str, said: Fields) -> tuple[bytes, Shown | None]:
        to = str(said.get("to") or said.get("recipient") or "")
        if method != "messages" or not to or said.get("status") == "read":
            return b'{"success":true}', None
        number = int(re.sub(r"\D", "", to))
        self._count += 1
        sent = {"messages": [{"id": f"wamid.OUT{self._count:020}"}], "contacts": [{"input": str(number), "wa_id": str(number)}]}
        answer = orjson.dumps({"messaging_product": "whatsapp"} | sent)
        if said.get("type") != "interactive":
            return answer, Shown(number, str(cast(dict[str, Any], said.get("text") or {}).get("body", "")), [])
        card = cast(dict[str, Any], said["interactive"])
        action = card.get("action", {})
        buttons = [(key["reply"]["title"], f"button_reply {key['reply']['id']}") for key in action.get("buttons", ())]
        rows = [(row["title"], f"list_reply {row['id']}") for section in action.get("sections", ()) for row in section.get("rows", ())]
        return answer, Shown(number, card.get("body", {}).get("text", ""), buttons + rows)
