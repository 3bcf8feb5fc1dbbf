"""What staff do from their Telegram group: the buttons of the cards, and making themselves known to the bot."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.base import Unavailable
from bot.core.markup import words
from bot.core.model import Errand, Reply
from bot.logs import place
from bot.staff.actions import act
from bot.staff.alerts import GROUP, PREFIX, Phrases, phrases
from bot.staff.desk import NOTHING, Actor, Desk, Given, Refused
from bot.staff.pages import Words
from bot.staff.refusals import said
from bot.store import contacts, requests, staff, throttle
from bot.store.database import uninterrupted
from bot.store.outages import is_conflict, is_outage
from bot.store.outbox import Letter
from bot.store.requests import StoredRequest
from bot.store.staff import Member

_ACTIONS = {  # button -> action, and what comes with it
    "claim": ("claim", NOTHING),
    "release": ("release", NOTHING),
    "no-answer": ("attempt", Given(result="no-answer")),
    "reached": ("attempt", Given(result="reached")),
}
_TRIES = 5  # of a transaction that another instance keeps from passing
_words = cache(Words)

log = structlog.get_logger()


class Group:
    """Handles each errand once, in one transaction; `deliver` gets the letters that follow, after the commit."""

    def __init__(
        self, desk: Desk, deliver: Callable[[list[Letter]], None], clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._desk = desk
        self._deliver = deliver
        self._clock = clock

    async def handle(self, errand: Errand) -> str:
        """Does it; what to say to who has pressed a button. Raises Unavailable when it was not taken in."""
        for _ in range(_TRIES):
            try:
                said, letters = await uninterrupted(self._handle(errand))
            except Exception as error:
                if is_conflict(error):
                    continue
                if is_outage(error):
                    raise Unavailable from None
                log.error("errand_failed", error=place(error))
                return self._desk.alerts.say("broken")
            self._deliver(letters)
            return said
        raise Unavailable

    async def _handle(self, errand: Errand) -> tuple[str, list[Letter]]:
        database, now = self._desk.database, self._clock()
        async with database.write() as connection:
            if not await contacts.first_seen(connection, [errand], now):
                return "", []
            if errand.code:
                return "", await self._desk.queue(connection, [await self._link(connection, errand, now)], now)
            name, _, reference = errand.button.removeprefix(PREFIX).partition(":")
            if name not in _ACTIONS or not errand.button.startswith(PREFIX):
                return "", []
            member = await staff.by_telegram(connection, staff.telegram_key(database, errand.sender))
            if member is None:
                return self._desk.alerts.say("link-first"), []
            return await self._press(connection, member, name, reference, now)

    async def _press(
        self, connection: AsyncConnection, member: Member, button: str, reference: str, now: datetime
    ) -> tuple[str, list[Letter]]:
        """What came of it, in the member's language, and the letters."""
        desk, say = self._desk, phrases(member.language)
        request = await requests.find(connection, desk.database.sealer, reference)
        if request is None:
            return say("gone", reference=reference), []
        action, given = _ACTIONS[button]
        try:
            letters = await act(desk, connection, action, request, Actor(member.name, member.admin), now, given)
        except Refused as refused:
            current = await requests.find(connection, desk.database.sealer, reference)
            letters = await desk.queue(connection, desk.alerts.changed(reference, now), now)  # what they saw may be old
            return _refusal(say, current, member, refused), letters
        return say(f"done-{button}", reference=reference), letters

    async def _link(self, connection: AsyncConnection, errand: Errand, now: datetime) -> Letter:
        """Makes somebody known by their code, and the answer to them. Who guesses has to wait ever longer."""
        desk, say = self._desk, self._desk.alerts.say
        key = staff.telegram_key(desk.database, errand.sender)
        member = None
        if not await throttle.waits(connection, [key], now):
            member = await staff.link_telegram(connection, desk.database, errand.code, errand.sender, now)
            if member is None:
                await throttle.failed(connection, [key], now)
            else:
                await throttle.succeeded(connection, key)
                await staff.note(connection, member.name, "telegram linked", now)
        said = phrases(member.language)("linked", who=member.name) if member else say("unlinkable")
        channel = GROUP if errand.address == desk.alerts.group else errand.channel
        return Letter(channel, desk.database.chat(channel, errand.address), errand.address, Reply(words(said)), at=now)


def _refusal(say: Phrases, request: StoredRequest | None, member: Member, refused: Refused) -> str:
    """Why nothing was done, in the member's language: most often somebody else has just done it."""
    if request and request.state == "claimed" and request.claimed_by:
        mine = request.claimed_by == member.name
        return say("yours" if mine else "faster", who=request.claimed_by, reference=request.reference)
    return said(refused, _words(member.language))
