"""Which contact an address belongs to.

Most people have one address. On WhatsApp there are two, of which a message shows either or both: a number, which
can pass to somebody else, and the platform's own id of the person, which lasts. Both seen together are one person;
a number that is seen with another id has changed hands, and so has one that comes with an id after a long silence.
Nobody is ever joined with somebody who has another id.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.model import SESSION_JSON, Session
from bot.store import requests
from bot.store.bulk import Bulk
from bot.store.contacts import Contact, Key, sealed_session
from bot.store.crypto import Sealer
from bot.store.inserts import insert_numbered
from bot.store.tables import consents, contact_addresses, contacts, outbox, set_aside
from bot.store.tables import requests as queue

_theirs = contact_addresses.alias()
# A chat is a hash of its channel too. SQLite finds pairs (channel, chat) by reading every address there is.
_asked = select(contact_addresses.c.contact_id).where(
    contact_addresses.c.channel.in_(bindparam("channels", expanding=True)),
    contact_addresses.c.chat.in_(bindparam("chats", expanding=True)),
)
_BEHIND = (
    select(_theirs.c.channel, _theirs.c.chat, _theirs.c.lasting, contacts.c.id, contacts.c.session, contacts.c.seen_at)
    .select_from(contacts.join(_theirs))
    .where(contacts.c.id.in_(_asked))
    .order_by(contacts.c.id, _theirs.c.id)
    .with_for_update(of=contacts)  # several instances take the rows in the same order (SQLite ignores it)
)
_NEW_ADDRESSES = Bulk(insert(contact_addresses))

RECYCLED = timedelta(days=45)  # WhatsApp forgets accounts that were silent for so long, and their numbers go to others
UNSHARP = timedelta(minutes=1)  # between the times of two things the platform tells


@dataclass(frozen=True, slots=True)
class Name:
    """One address of a sender, with the key it is found by."""

    key: Key
    address: str
    lasting: bool = False


async def of_contact(connection: AsyncConnection, sealer: Sealer, contact: int, channel: str) -> list[str]:
    """Where a person can be written to on a channel: a number first, then the id."""
    rows = contact_addresses
    query = select(rows.c.address).where(rows.c.contact_id == contact, rows.c.channel == channel).order_by(rows.c.lasting, rows.c.id)
    return [sealer.open(address).decode() for address in await connection.scalars(query)]


async def person(connection: AsyncConnection, sealer: Sealer, contact: int, channel: str) -> Contact | None:
    """Somebody who has an address on the channel; their messages there are kept under the one they had first."""
    query = select(contacts.c.session, contacts.c.seen_at, contact_addresses.c.chat).join(contact_addresses)
    theirs = (contacts.c.id == contact, contact_addresses.c.channel == channel)
    row = (await connection.execute(query.where(*theirs).order_by(contact_addresses.c.id).limit(1))).first()
    return Contact(contact, SESSION_JSON.validate_json(sealer.open(row.session)), row.chat, row.seen_at) if row else None


class Directory:
    """The people behind some addresses, within one transaction; kept true through the changes made here."""

    def __init__(self, connection: AsyncConnection, sealer: Sealer, now: datetime) -> None:
        self._connection = connection
        self._sealer = sealer
        self._now = now
        self._people: dict[int, Contact] = {}
        self._holders: dict[Key, int] = {}
        self._lasting: set[Key] = set()  # those of the addresses that are ids

    async def look_up(self, keys: Collection[Key]) -> None:
        """Reads the people at these addresses, their rows locked, with all addresses they have."""
        channels, chats = {channel for channel, _ in keys}, [chat for _, chat in keys]
        found = await self._connection.execute(_BEHIND, {"channels": list(channels), "chats": chats})
        for channel, chat, lasting, person, session, seen_at in found:
            if person not in self._people:
                self._people[person] = Contact(person, SESSION_JSON.validate_json(self._sealer.open(session)), chat, seen_at)
            self._holders[channel, chat] = person
            if lasting:
                self._lasting.add((channel, chat))

    def who(self, keys: Collection[Key]) -> set[int]:
        """The contacts these addresses belong to."""
        return {self._holders[key] for key in keys if key in self._holders}

    async def settle(self, names: Sequence[Name]) -> Contact | None:
        """Whose names these are, the lasting one first; what is stored is put straight. None: nobody's yet."""
        owner = self._holders.get(names[0].key)
        if len(names) > 1:
            lasting, number = names
            holder = self._holders.get(number.key)
            known = owner is not None and holder == owner
            if holder is not None and holder != owner:
                silent = self._now - self._people[holder].seen_at
                if self._ids(holder) or silent > RECYCLED:  # the number has changed hands
                    await self._detach(number.key)
                elif owner is None:
                    owner = holder
                    await self._attach(owner, lasting)
                else:
                    await self._join(gone=holder, kept=owner)
            if owner is not None and not known:
                await self._replace(owner, number)
        return self._people[owner] if owner is not None else None

    async def move(self, names: Sequence[Name], new: Sequence[Name], at: datetime) -> None:
        """The platform has said at `at` that who went by `names` goes by `new` ones. Nothing happens for people not known.

        Such notes come late and in any order: one about a number says nothing of who has written from it since. Who
        wrote under a new name before the note came is the same person, unless they have another id. Who wrote from a
        number before its change had it before, and is somebody else.
        """
        by = next((name for name in names if name.key in self._holders), None)
        if by is None:
            return
        person = self._holders[by.key]
        if not by.lasting:
            seen = self._people[person].seen_at
            strange = len(names) > 1 and (self._ids(person) or self._now - seen > RECYCLED)
            if seen > at or strange:  # the number is somebody else's by now
                return
            if len(names) > 1:  # an id that is seen for the first time, with the number they had
                await self._attach(person, names[0])
        for name in new:
            holder = self._holders.get(name.key)
            if holder is not None and holder != person:
                theirs, before = self._ids(holder), self._people[holder].seen_at < at - UNSHARP
                if theirs - {each.key for each in new} or (before and not theirs):  # somebody else
                    await self._detach(name.key)
                else:
                    for key in self._ids(person) if self._ids(holder) else ():
                        await self._detach(key)
                    await self._join(gone=holder, kept=person)
            await self._replace(person, name)

    def _ids(self, person: int) -> set[Key]:
        return {key for key in self._lasting if self._holders[key] == person}

    async def add(self, newcomers: Sequence[Sequence[Name]]) -> list[Contact]:
        """Makes contacts, each under its names."""
        if not newcomers:
            return []
        blank = {"session": sealed_session(self._sealer, Session()), "created_at": self._now, "seen_at": self._now}
        made = await insert_numbered(self._connection, contacts, [blank] * len(newcomers))
        # The first of their rows is what the messages of somebody known are kept under: so are those of a newcomer, or their first
        # message and the next ones would wait in two lines, and overtake each other.
        people = [
            Contact(number, Session(), min(name.key[1] for name in names), self._now) for number, names in zip(made, newcomers, strict=True)
        ]
        rows = [self._row(person.id, name) for person, names in zip(people, newcomers, strict=True) for name in names]
        rows.sort(key=lambda row: (str(row["channel"]), str(row["chat"])))  # two instances wait for each other in one order only
        await _NEW_ADDRESSES.write(self._connection, rows)
        return people

    def _row(self, person: int, name: Name) -> dict[str, object]:
        channel, chat = name.key
        address = self._sealer.seal(name.address)
        return {"contact_id": person, "channel": channel, "chat": chat, "address": address, "lasting": name.lasting}

    async def _attach(self, person: int, name: Name) -> None:
        await self._connection.execute(insert(contact_addresses).values(self._row(person, name)))
        self._holders[name.key] = person
        if name.lasting:
            self._lasting.add(name.key)

    async def _replace(self, person: int, name: Name) -> None:
        """Gives the person this name, in place of the one of its kind they had."""
        for key, holder in list(self._holders.items()):
            same_kind = (key in self._lasting) == name.lasting
            if holder == person and key != name.key and key[0] == name.key[0] and same_kind:
                await self._detach(key)
        if name.key not in self._holders:
            await self._attach(person, name)

    async def _detach(self, key: Key) -> None:
        channel, chat = key
        for table in (contact_addresses, set_aside):  # an erasure would not find what was set aside there any more
            await self._connection.execute(delete(table).where(table.c.channel == channel, table.c.chat == chat))
        del self._holders[key]
        self._lasting.discard(key)

    async def _join(self, *, gone: int, kept: int) -> None:
        """Two contacts were one person all along: the conversation heard last goes on, requests and consents come together."""
        old, person = self._people.pop(gone), self._people[kept]
        later = old if old.seen_at > person.seen_at else person
        # References are made from the contact's number and count: none is given twice, and who counts none has sent none.
        session = replace(later.session, sent=old.session.sent + person.session.sent)
        self._people[kept] = replace(person, session=session, seen_at=later.seen_at)
        values = {"session": sealed_session(self._sealer, session), "seen_at": later.seen_at}
        begun = session.draft.started_at if session.draft else None
        await self._connection.execute(update(contacts).where(contacts.c.id == kept).values(**values, draft_at=begun))
        self._holders = {key: kept if holder == gone else holder for key, holder in self._holders.items()}
        await requests.join(self._connection, gone=gone, kept=kept, now=self._now)
        for table in (queue, consents, outbox, contact_addresses):
            await self._connection.execute(update(table).where(table.c.contact_id == gone).values(contact_id=kept))
        await self._connection.execute(delete(contacts).where(contacts.c.id == gone))
