"""What staff are told outside the console: by e-mail, and in their Telegram group. Never anything about the caller.

Everything here is letters, to be written in the transaction of what they tell. A card in the group follows its request: the letter
says only which card, and what stands on it is read when it is sent, so the newest state is what people see.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path

import yaml
from babel.dates import format_timedelta
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.markup import Document, Line, Listing, Paragraph, Run
from bot.core.model import Button, Reply
from bot.shelf import Shelf
from bot.staff.pages import Words
from bot.staff.reminders import Kind
from bot.store import cards, requests
from bot.store.database import Database
from bot.store.outbox import Letter
from bot.store.reminders import Numbers
from bot.store.requests import StoredRequest

EMAIL, GROUP = "email", "telegram_staff"  # the channels
MAX_LISTED = 20  # requests in one reminder
_TITLED = 3  # of them named in the subject
_BUTTONS = {"new": ("claim",), "claimed": ("no-answer", "reached", "release")}  # what can be done from a card
PREFIX = "desk:"  # of the buttons' ids


class Phrases(Words):
    """The words of alerts in one language."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.texts = yaml.safe_load((Path(__file__).parent / "alerts.yaml").read_text())[code]


phrases = cache(Phrases)


@dataclass(frozen=True, slots=True)
class Alerts:
    """Where alerts go, and in which words. A place that is "" gets none."""

    database: Database
    shelf: Shelf
    email: str = ""
    group: str = ""
    url: str = ""  # where the world reaches us
    language: str = "en"

    @property
    def wanted(self) -> bool:
        """Whether there is anywhere to say anything."""
        return bool(self.email or self.group)

    @property
    def say(self) -> Phrases:
        return phrases(self.language)

    async def sent(self, connection: AsyncConnection, reference: str, now: datetime) -> list[Letter]:
        """The e-mail about a request that has just come, and its card."""
        request = await requests.find(connection, self.database.sealer, reference) if self.email else None
        mail = self._letters(self.card(request), now, EMAIL) if request else []
        return [*mail, *self.changed(reference, now)]

    def changed(self, reference: str, now: datetime) -> list[Letter]:
        """The card is to say what is so now. Nothing else tells of it."""
        return self._letters(Reply((), title=reference, in_place=True), now, GROUP)

    def remind(self, told: Sequence[tuple[StoredRequest, Kind]], admins: Sequence[str], now: datetime) -> list[Letter]:
        """One message about all that staff must be reminded of now, and another one about what has come to the worst."""
        urgent = [each for each in told if each[1] == "escalation"]
        usual = [each for each in told if each[1] != "escalation"]
        letters = self._letters(self._reminder("subject-reminders", usual, now), now) if usual else []
        if urgent:
            lead = (Paragraph((Run(self.say("admins", names=", ".join(admins))),)),) if admins else ()
            letters += self._letters(self._reminder("subject-escalation", urgent, now, lead), now)
        return letters

    def digest(self, numbers: Numbers, since: datetime, now: datetime) -> list[Letter]:
        """How the desk stands this morning."""
        values = {name: getattr(numbers, name) for name in Numbers.__slots__} | {"at": self._moment(since)}
        keys = ["open", "due", "overdue", "since", *(["kept"] if numbers.promised else [])]
        title = self.say("subject-digest", **values)
        items = Listing(tuple((Run(self.say(f"digest-{key}", **values)),) for key in keys))
        return self._letters(Reply((Paragraph((Run(title, "bold"),)), items), self._link(""), title=title), now)

    def card(self, request: StoredRequest) -> Reply:
        """The request as it stands, and what can be done with it."""
        say, reference = self.say, request.reference
        lines = [say("asked", at=self._moment(request.created_at))]
        if request.state == "new":
            lines.append(say("promised", at=self._moment(request.due_at)))
        if request.ended_at is None and request.next_at != request.due_at:
            lines.append(say("next", at=self._moment(request.next_at)))
        if request.attempts:
            lines.append(say("attempts", count=request.attempts))
        if request.outcome:
            lines.append(say("outcome", outcome=say.named("outcome", request.outcome)))
        heading = Run(say(f"state-{request.state}", reference=reference, who=request.claimed_by or ""), "bold")
        presses = [Button(f"{PREFIX}{name}:{reference}", say(f"button-{name}")) for name in _BUTTONS.get(request.state, ())]
        return Reply(
            _lines([(heading,), (Run(self._facts(request)),), *((Run(line),) for line in lines)]),
            navigation=(*presses, *self._link(f"requests/{reference}")),
            title=say("subject-new", reference=reference),
        )

    async def erased(self, connection: AsyncConnection, contact: int, now: datetime) -> list[Letter]:
        """What stays of the cards of somebody who is about to be erased."""
        placed = await cards.of_contact(connection, contact) if self.group else []
        return [replace(letter, origin=card.message) for card in placed for letter in self._letters(self.blank(card.reference), now, GROUP)]

    def blank(self, reference: str) -> Reply:
        """The card of a request that is no more."""
        return Reply((Paragraph((Run(self.say("state-erased", reference=reference)),)),), in_place=True)

    def _reminder(self, subject: str, told: Sequence[tuple[StoredRequest, Kind]], now: datetime, lead: Document = ()) -> Reply:
        listed = Listing(tuple(self._reminded(request, kind, now) for request, kind in told[:MAX_LISTED]))
        left = len(told) - MAX_LISTED
        rest = (Paragraph((Run(self.say("more", count=left)),)),) if left > 0 else ()
        references = ", ".join(request.reference for request, _ in told[:_TITLED]) + (" …" if len(told) > _TITLED else "")
        title = self.say(subject, references=references)
        return Reply((Paragraph((Run(title, "bold"),)), *lead, listed, *rest), self._link(""), title=title)

    def _reminded(self, request: StoredRequest, kind: Kind, now: datetime) -> Line:
        what = self.say(f"reminder-{kind}", who=request.claimed_by or "", at=self._moment(request.next_at))
        age = format_timedelta(now - request.created_at, granularity="minute", locale=self.language)
        link = f"{self.url}/staff/requests/{request.reference}" if self.url else ""
        told = f" · {self._facts(request)} · {self.say('waiting', age=age)}: {what}"
        return Run(request.reference, "bold", link), Run(told)

    def _facts(self, request: StoredRequest) -> str:
        """What may be told to everybody in the room."""
        labels = self.shelf.content.language(self.language).labels
        topic = labels.get(f"option-topic-{request.topic}", "")
        speaks = self.say.language(request.answers.get("language", request.language))
        return " · ".join(filter(None, (speaks, topic, self.say.named("channel", request.channel))))

    def _moment(self, at: datetime) -> str:
        return self.say.moment(at, self.shelf.content.structure.hours.zone)

    def _link(self, page: str) -> tuple[Button, ...]:
        return (Button(f"{self.url}/staff/{page}", self.say("button-open"), kind="link"),) if self.url else ()

    def _letters(self, reply: Reply, now: datetime, *places: str) -> list[Letter]:
        """The message to these places, to all if none is named."""
        addresses = {EMAIL: self.email, GROUP: self.group}
        return [
            Letter(place, self.database.chat(place, address), address, reply, at=now)
            for place, address in addresses.items()
            if address and (not places or place in places)
        ]


def _lines(lines: Sequence[Line]) -> Document:
    """One paragraph of these lines."""
    runs: list[Run] = []
    for line in lines:
        runs += [Run("\n"), *line] if runs else line
    return (Paragraph(tuple(runs)),)
