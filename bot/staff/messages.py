"""What staff say to callers: by what they do (`after`), and in words of their own (`write`, while the `window` is open).

The letters are written in the transaction of what caused them; who calls these hands them to the outbox after the commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.engine import tell
from bot.core.followup import News
from bot.core.markup import fill_lines
from bot.core.material import Canned
from bot.staff.desk import MAX_WORDS, Actor, Desk, Given, Refused
from bot.store import addresses, contacts, outbox, requests
from bot.store.outbox import Letter
from bot.store.requests import StoredRequest

WROTE = "wrote"  # in the history
_RESULTS: Mapping[str, News] = {
    "no-answer": News("tried", ""),
    "voicemail": News("tried", ""),
    "wrong-number": News("wrong-number", ""),
    "emailed": News("emailed", ""),
}
_OUTCOMES: Mapping[str, News] = {"helped": News("helped", ""), "unreachable": News("unreached", "")}


@dataclass(frozen=True, slots=True)
class Window:
    """Whether the caller can be written to in free words."""

    until: datetime | None = None  # None: without end
    closed: Refused | None = None  # why they cannot; None when they can


async def after(desk: Desk, connection: AsyncConnection, name: str, request: StoredRequest, given: Given, now: datetime) -> list[Letter]:
    """Tells the caller of an action that concerns them: nobody else learns that we tried. `request` is as it was before."""
    news = {"attempt": _RESULTS.get(given.result), "close": _OUTCOMES.get(given.outcome)}.get(name)
    if news is None:
        return []
    return await _tell(desk, connection, request, replace(news, reference=request.reference, at=now, planned=given.at is not None), now)


async def write(desk: Desk, connection: AsyncConnection, request: StoredRequest, words: str, actor: Actor, now: datetime) -> list[Letter]:
    """Sends words of a staff member to the caller and notes them in the request's history. Raises Refused with the reason."""
    if not words.strip():
        raise Refused("empty")
    if len(words) > MAX_WORDS:
        raise Refused("long", longest=str(MAX_WORDS))
    await contacts.lock(connection, request.contact)
    current = await requests.find(connection, desk.database.sealer, request.reference)
    if current is None:
        raise Refused("erased", reference=request.reference)
    if closed := (await window(desk, connection, current, now)).closed:
        raise closed
    sealed = desk.database.sealer.seal(words.strip())
    await requests.note(connection, request.id, actor.name, WROTE, now, request.channel, sealed)
    return await _tell(desk, connection, current, News("written", request.reference, now, words=words.strip()), now)


async def window(desk: Desk, connection: AsyncConnection, request: StoredRequest, now: datetime) -> Window:
    """Until when free words reach the caller where they asked from."""
    reference, channel = request.reference, request.channel
    if request.state == "withdrawn":
        return Window(closed=Refused("withdrawn", reference=reference))
    person = await addresses.person(connection, desk.database.sealer, request.contact, channel)
    if person is None:
        return Window(closed=Refused("addressless", reference=reference, channel=channel))
    if person.session.left:
        return Window(closed=Refused("unwanted", reference=reference, channel=channel))
    length = desk.windows.get(channel)
    until = person.seen_at + length if length else None
    if until is not None and until <= now:
        return Window(until, Refused("window", reference=reference, channel=channel))
    return Window(until)


def canned(desk: Desk, request: StoredRequest) -> list[Canned]:
    """The prepared texts in the caller's language, their blanks filled in."""
    values = {"name": request.answers.get("name", ""), "reference": request.reference}
    return [replace(each, text=fill_lines(each.text, values)) for each in desk.shelf.content.language(request.language).canned]


async def _tell(desk: Desk, connection: AsyncConnection, request: StoredRequest, news: News, now: datetime) -> list[Letter]:
    """Writes the letters, unless the person wants none; what they see now is what they answer to."""
    sealer = desk.database.sealer
    person = await addresses.person(connection, sealer, request.contact, request.channel)
    to = await addresses.of_contact(connection, sealer, request.contact, request.channel)
    if person is None or not to:
        return []
    open_ = await requests.open_requests(connection, sealer, [person.id])
    turn = tell(replace(person.session, number=person.id, request=open_.get(person.id)), news, desk.shelf.content, now)
    await contacts.remember(connection, sealer, person.id, turn.session)
    held = request.channel in desk.held
    letters = [
        Letter(request.channel, person.chat, to[0], reply, contact=person.id, held=held, at=now, heard_at=person.seen_at)
        for reply in turn.replies
    ]
    lease = desk.lease if desk.owner else timedelta()
    return await outbox.queue(connection, sealer, letters, desk.owner, now, lease)
