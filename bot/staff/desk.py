"""The desk: where staff act, who acts, and what comes with an action."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.schedule import Hours
from bot.shelf import Shelf
from bot.staff.alerts import Alerts
from bot.staff.refusals import Refused as Refused
from bot.store import outbox
from bot.store.database import Database
from bot.store.outbox import LEASE, Letter

MAX_WORDS = 2000  # letters staff may write at once


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. An admin may act on what others have claimed."""

    name: str
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What comes with an action; which of it is looked at stands in `Action.takes`."""

    to: str = ""  # a staff member
    result: str = ""  # of an attempt
    outcome: str = ""  # of a request
    at: datetime | None = None  # when to act next
    words: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)  # corrected ones, in stored form; an empty one is taken away


NOTHING = Given()


@dataclass(frozen=True, slots=True)
class Desk:
    """Where staff act, and how what they do reaches the callers."""

    database: Database
    shelf: Shelf
    owner: str = ""  # the instance that sends what is written here; "": whichever finds it first
    held: frozenset[str] = frozenset()  # channels whose people fetch their messages
    windows: Mapping[str, timedelta] = field(
        default_factory=dict
    )  # of the channels that take free words only so long after the last message
    lease: timedelta = LEASE
    places: Alerts | None = None  # where staff are told of it

    async def queue(self, connection: AsyncConnection, letters: list[Letter], now: datetime) -> list[Letter]:
        """Writes the letters; the same with their ids, to be delivered after the commit."""
        return await outbox.queue(connection, self.database.sealer, letters, self.owner, now, self.lease if self.owner else timedelta())

    @property
    def alerts(self) -> Alerts:
        return self.places or Alerts(self.database, self.shelf)

    @property
    def hours(self) -> Hours:
        """Of the office."""
        return self.shelf.content.structure.hours

    def due(self, answers: Mapping[str, str], now: datetime) -> datetime:
        """When to act next for a caller who gave these answers, if nobody says otherwise: as for a new request."""
        window = self.shelf.content.structure.call_times.get(answers.get("when", ""))
        return self.hours.due(now, window, answers.get("zone") or self.hours.zone)
