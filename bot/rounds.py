"""One round of the turnstile, as it happens inside its transaction: people, dialogue, everything that is written."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.effects import (
    CallAgain,
    ChangeRequest,
    Count,
    Effect,
    EndConsent,
    EraseContact,
    GiveConsent,
    Helped,
    SendRequest,
    WithdrawRequest,
)
from bot.core.library import Content
from bot.core.model import Addressed, Event, Inbound, Left, Moved, Returned, Session, Turn
from bot.staff.alerts import Alerts
from bot.store import contacts, counts, outbox, requests
from bot.store.addresses import Directory, Name
from bot.store.contacts import Contact, Key
from bot.store.database import Database
from bot.store.outbox import LEASE, Letter
from bot.store.statistics import BY_CHANNEL, BY_LANGUAGE

Advance = Callable[[Session, Event, Content, datetime], Turn]
# Where two contacts may turn out to be one. What the other one had sent was not counted then by earlier versions.
_JOINED = frozenset({"whatsapp"})
_PASSING = (Left, Returned, Addressed, Moved)  # who does this without having written is not stored by it


@dataclass(slots=True, eq=False)
class Waiting:
    """An event at the turnstile."""

    inbound: Inbound
    names: tuple[Name, ...]  # of the sender, the lasting one first
    new_names: tuple[Name, ...]  # they go by from now on, if the event says so
    keys: frozenset[Key]  # of all these
    done: asyncio.Future[None]

    @property
    def chat(self) -> str:
        return self.names[0].key[1]


def waiting(database: Database, inbound: Inbound) -> Waiting:
    """The event with the names it is about."""

    def named(user_id: str, address: str) -> tuple[Name, ...]:
        given = {name: name == user_id for name in (user_id, address) if name}
        return tuple([Name((inbound.channel, database.chat(inbound.channel, name)), name, lasting) for name, lasting in given.items()])

    moved = inbound.event
    names = named(inbound.user_id, inbound.address)
    new_names = named(moved.user_id, moved.address) if isinstance(moved, Moved) else ()
    keys = frozenset([name.key for name in (*names, *new_names)])
    return Waiting(inbound, names, new_names, keys, asyncio.get_running_loop().create_future())


@dataclass(slots=True)
class Round:
    """What is handled in one transaction and what follows from it."""

    database: Database
    content: Content
    step: Advance
    held: frozenset[str]
    owner: str
    now: datetime
    alerts: Alerts
    lease: timedelta = LEASE
    letters: list[Letter] = field(default_factory=list)  # with their ids, when all is written
    later: list[Waiting] = field(default_factory=list)  # turned out to be of a person who has an event in this round already
    outcomes: list[tuple[Waiting, str]] = field(default_factory=list)  # what became of the others
    _people: list[Contact] = field(default_factory=list)
    _effects: list[tuple[int, str, Effect]] = field(default_factory=list)
    _counts: list[Count] = field(default_factory=list)

    async def handle(self, connection: AsyncConnection, batch: Sequence[Waiting]) -> None:
        directory = Directory(connection, self.database.sealer, self.now)
        await directory.look_up({key for each in batch for key in each.keys})
        batch = self._one_each(directory, batch)
        fresh = await contacts.first_seen(connection, [each.inbound for each in batch], self.now)
        first = {(each.inbound.channel, each.inbound.update_id): each for each in reversed(batch)}
        new = {id(each) for key, each in first.items() if key in fresh}
        self.outcomes = [(each, "handled" if id(each) in new else "repeated") for each in batch]
        batch = [each for each in batch if id(each) in new]
        people = await self._who(directory, batch)
        joined = [each.inbound.channel in _JOINED and contact.id > 0 for each, contact in zip(batch, people, strict=True)]
        asked = [contact.id for contact, maybe in zip(people, joined, strict=True) if contact.session.sent or maybe]
        open_ = await requests.open_requests(connection, self.database.sealer, asked) if asked else {}
        for each, contact in zip(batch, people, strict=True):
            session = replace(contact.session, number=contact.id, profile=each.inbound.sender, request=open_.get(contact.id))
            self._note(each, contact, self.step(session, each.inbound.event, self.content, self.now))
        await contacts.save(connection, self.database.sealer, self._people)
        for contact_id, channel, effect in self._effects:
            await self._apply(connection, contact_id, channel, effect)
        await counts.add(connection, self._counts, self.now.date())
        self.letters = await outbox.queue(connection, self.database.sealer, self.letters, self.owner, self.now, self.lease)

    def _one_each(self, directory: Directory, batch: Sequence[Waiting]) -> list[Waiting]:
        """The first event of each person: one may have written under different names."""
        taken: set[int] = set()
        first: list[Waiting] = []
        for each in batch:
            who = directory.who(each.keys)
            (self.later if who & taken else first).append(each)
            taken |= who
        return first

    async def _who(self, directory: Directory, batch: Sequence[Waiting]) -> list[Contact]:
        """The contact of each event; new ones are made, but not for those who only pass."""
        for each in batch:
            if each.new_names:
                await directory.move(each.names, each.new_names, each.inbound.at)
        found = [None if each.new_names else await directory.settle(each.names) for each in batch]
        new = [each for each, contact in zip(batch, found, strict=True) if contact is None and not isinstance(each.inbound.event, _PASSING)]
        self._counts += [Count("funnel", "wrote")] * len(new)
        added = zip(new, await directory.add([each.names for each in new]), strict=True)
        made = {id(each): replace(contact, seen_at=each.inbound.at) for each, contact in added}
        return [contact or made.get(id(each)) or self._nobody(each) for each, contact in zip(batch, found, strict=True)]

    def _nobody(self, each: Waiting) -> Contact:
        return Contact(0, Session(), each.chat, self.now)

    def _note(self, each: Waiting, contact: Contact, turn: Turn) -> None:
        inbound = each.inbound
        erased = contact.id == 0 or any(isinstance(effect, EraseContact) for effect in turn.effects)
        if not erased:
            self._people.append(Contact(contact.id, turn.session, contact.chat, max(contact.seen_at, inbound.at)))
        for effect in turn.effects:
            if isinstance(effect, Count):
                self._counts.append(effect)
            else:
                self._effects.append((contact.id, inbound.channel, effect))
        owner = None if erased else contact.id
        self.letters += [
            Letter(
                inbound.channel,
                contact.chat,
                inbound.address,
                reply,
                inbound.origin if reply.in_place else "",
                owner,
                inbound.channel in self.held,
                at=self.now,
                heard_at=inbound.at,
            )
            for reply in turn.replies
        ]

    async def _apply(self, connection: AsyncConnection, contact: int, channel: str, effect: Effect) -> None:
        now = self.now
        match effect:
            case GiveConsent():
                await requests.give_consent(connection, contact, effect, now)
            case EndConsent():
                await requests.end_consent(connection, contact, now)
            case SendRequest():
                await requests.send(connection, self.database, contact, channel, effect, now)
                self._counts += [Count(BY_CHANNEL, channel), Count(BY_LANGUAGE, requests.call_language(effect.answers, effect.language))]
                self.letters += await self.alerts.sent(connection, effect.reference, now)
            case ChangeRequest(reference):
                await requests.change(connection, self.database, effect, now)
                self.letters += self.alerts.changed(reference, now)
            case CallAgain(reference):
                await requests.call_again(connection, contact, reference, now)
                self.letters += self.alerts.changed(reference, now)
            case Helped():
                await requests.helped(connection, contact, effect, now)
            case WithdrawRequest(reference):
                await outbox.forget(connection, contact)  # its summary stands there
                await requests.withdraw(connection, self.database, reference, now)
                self.letters += self.alerts.changed(reference, now)
            case EraseContact():
                self.letters += await self.alerts.erased(connection, contact, now)
                await contacts.erase(connection, contact)
            case Count():
                await counts.add(connection, [effect], now.date())
            case _:
                assert_never(effect)
