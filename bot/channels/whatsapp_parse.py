"""WhatsApp's webhook bodies as events. Pure and total: whatever the JSON holds, all that is for us is found.

A body holds several entries, each several changes, each several messages and statuses. Of a sender it tells a
number, a business-scoped user id, or both.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.channels.shape import Json, part
from bot.channels.whatsapp_errors import Meaning, of_code
from bot.core.model import Event, Inbound, Media, Moved, Press, Profile, Receipt, SharedContact, Started, Text

NAME = "whatsapp"
MAX_TEXT = 4096  # characters of a message that are looked at
MAX_ID = 512  # characters of anything that is called an id
ALBUM_SECONDS = 20  # pictures sent within so many seconds are answered once
_DIGITS = 32  # of what a message is called: 128 bits, and the less of them, the smaller the indexes
DELIVERED_FOR = timedelta(days=8)  # Meta tries for up to seven days [PLATFORMS]
_NUMBER = re.compile(r"\d{5,20}", re.ASCII)
_STAMP = re.compile(r"\d{1,10}", re.ASCII)  # seconds
_USER_ID = re.compile(r"[A-Za-z]{2}\.[\w.-]{1,150}", re.ASCII)
# What a person sends on purpose. Reactions, edits, calls and whatever comes in the future are passed over.
_MEDIA = ("audio", "document", "image", "location", "order", "sticker", "unknown", "unsupported", "video", "voice")
_CHANGED = ("user_changed_number", "user_changed_user_id", "customer_changed_number")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a body holds for us, in its order."""

    heard: list[tuple[Inbound, str]] = field(default_factory=list)  # and the platform's id of the message
    receipts: list[Receipt] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)  # kinds


def parse(body: object, now: datetime, phone_number_id: str, key: bytes) -> Parsed:
    """`phone_number_id`: our own; what is for another number is ignored. `key` hashes what must not be guessed."""
    parsed = Parsed()
    if part(body, "object", str) != "whatsapp_business_account":
        parsed.ignored.append("object")
        return parsed
    for change in _all(body, "entry", "changes"):
        value = part(change, "value")
        if part(change, "field", str) != "messages":
            parsed.ignored.append("field")
        elif part(part(value, "metadata"), "phone_number_id", str) != phone_number_id:
            parsed.ignored.append("other_number")
        else:
            _read_value(value, parsed, now, key)
    return parsed


def hashed(message: str) -> str:
    """What we call a message: WhatsApp's own ids hold the number they were sent to or from, and much that is random."""
    return hashlib.sha256(message.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _read_value(value: Json, parsed: Parsed, now: datetime, key: bytes) -> None:
    contacts = list(_all(value, "contacts"))
    for message in _all(value, "messages"):
        inbound = _inbound(message, contacts, now, key)
        if inbound is None:
            kind = part(message, "type", str)
            parsed.ignored.append(kind if kind in ("reaction", "system") else "message")
        else:
            parsed.heard.append((inbound, part(message, "id", str)))
    for status in _all(value, "statuses"):
        receipt = _receipt(status)
        if receipt is None:
            parsed.ignored.append("status")
        else:
            parsed.receipts.append(receipt)


def _inbound(message: Json, contacts: list[Json], now: datetime, key: bytes) -> Inbound | None:
    identity = part(message, "id", str)
    if not identity or len(identity) > MAX_ID or "group_id" in message:
        return None
    if part(message, "type", str) == "system":
        return _moved(message, now)
    contact = _contact(message, contacts)
    number, user_id = _names(message, contact)
    event = _event(message, number)
    if event is None or not (number or user_id):
        return None
    at = _at(message, now)
    update_id = hashed(identity)
    if isinstance(event, Media) and not event.caption:  # the pictures of an album are several messages and one thing to answer
        moment = f"{user_id or number}:{int(at.timestamp()) // ALBUM_SECONDS}"
        update_id = f"album:{hmac.new(key, moment.encode(), hashlib.sha256).hexdigest()}"
    profile = Profile(
        name=part(part(contact, "profile"), "name", str)[:200],
        phone=f"+{number}" if number else "",
        shares_contact="" if number else "message",
    )
    return Inbound(NAME, number or user_id, update_id, at, event, profile, user_id=user_id)


def _event(message: Json, number: str) -> Event | None:
    kind = part(message, "type", str)
    content = part(message, kind)
    match kind:
        case "text":
            text = part(content, "body", str)[:MAX_TEXT]
            return Text(text) if text else None
        case "interactive":
            reply = part(content, part(content, "type", str))
            pressed = part(reply, "id", str)
            return Press(pressed[:MAX_ID]) if pressed else Media()
        case "button":  # of a template: its words mean what they say
            text = part(content, "text", str) or part(content, "payload", str)
            return Text(text[:MAX_TEXT]) if text else None
        case "request_welcome":
            return Started()
        case "contacts":
            return _shared(message, number)
    return Media(part(content, "caption", str)[:MAX_TEXT]) if kind in _MEDIA else None


def _shared(message: Json, number: str) -> Event:
    card = next(_all(message, "contacts"), {})
    phone = next(_all(card, "phones"), {})
    given = part(phone, "phone", str) or part(phone, "wa_id", str)
    asked = "contact_request" in (part(card, "origin", str), part(message, "origin", str))
    own = asked or (number != "" and part(phone, "wa_id", str) == number)
    return SharedContact(given[:100], own) if given else Media()


def _moved(message: Json, now: datetime) -> Inbound | None:
    """The person has another number or id. Which field holds the old and which the new one has changed over the years."""
    system = part(message, "system")
    if part(system, "type", str) not in ("", *_CHANGED):
        return None
    said = {name: part(system, name, str) for name in ("customer", "wa_id", "new_wa_id", "user_id", "new_user_id", "previous_user_id")}
    new_number = said["new_wa_id"] or said["wa_id"]
    old_number = said["customer"] if said["customer"] != new_number else ""
    old_number = old_number or part(message, "from", str)
    if said["new_user_id"]:
        old_id, new_id = said["user_id"] or said["previous_user_id"], said["new_user_id"]
    else:
        old_id, new_id = said["previous_user_id"], said["user_id"]
    sender = part(message, "from_user_id", str)
    old_id = old_id or (sender if sender != new_id else "")  # else it tells the new one already
    new = Moved(
        new_number if _NUMBER.fullmatch(new_number) and new_number != old_number else "",
        new_id if _USER_ID.fullmatch(new_id) and new_id != old_id else "",
    )
    old_number = old_number if _NUMBER.fullmatch(old_number) else ""
    old_id = old_id if _USER_ID.fullmatch(old_id) and old_id != new.user_id else ""
    if new == Moved() or not (old_number or old_id):
        return None
    return Inbound(NAME, old_number or old_id, hashed(part(message, "id", str)), _at(message, now), new, user_id=old_id)


def _contact(message: Json, contacts: list[Json]) -> Json:
    """What the body tells about the sender of this message."""
    for field_, name in (("from_user_id", "user_id"), ("from", "wa_id"), ("from", "user_id")):
        said = part(message, field_, str)
        found = next((contact for contact in contacts if said and part(contact, name, str) == said), None)
        if found is not None:
            return found
    told = part(message, "from", str) or part(message, "from_user_id", str)
    return contacts[0] if len(contacts) == 1 and not told else {}


def _names(message: Json, contact: Json) -> tuple[str, str]:
    """Number and user id of the sender; "" for what is not told."""
    said = [part(message, "from", str), part(message, "from_user_id", str), part(contact, "wa_id", str), part(contact, "user_id", str)]
    number = next((name for name in said if _NUMBER.fullmatch(name)), "")
    return number, next((name for name in said if _USER_ID.fullmatch(name)), "")


def _receipt(status: Json) -> Receipt | None:
    message, said = part(status, "id", str), part(status, "status", str)
    if not message or len(message) > MAX_ID:
        return None
    match said:
        case "sent" | "delivered" | "read":
            return Receipt(NAME, hashed(message), said)
        case "failed":
            error = next(_all(status, "errors"), {})
            code = part(error, "code", int)
            meaning = of_code(code) if code else Meaning("final", "WhatsApp gives no reason")
            return Receipt(NAME, hashed(message), "failed", meaning.reason, meaning.kind in ("passing", "down"), meaning.kind == "window")
    return None


def _at(message: Json, now: datetime) -> datetime:
    """When it was sent. A stamp from the future, or from before anything is still delivered, is none."""
    stamp = part(message, "timestamp", str)
    sent = datetime.fromtimestamp(int(stamp), UTC) if _STAMP.fullmatch(stamp) else now
    return sent if now - DELIVERED_FOR <= sent <= now else now


def _all(whole: object, *names: str) -> Iterator[Json]:
    """The objects in the list called `names[0]`, in the lists of the next name within those, and so on."""
    name, *deeper = names
    for each in part(whole, name, list):
        if isinstance(each, dict):
            yield from _all(each, *deeper) if deeper else (each,)
