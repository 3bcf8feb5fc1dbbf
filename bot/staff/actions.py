"""What staff can do with a request. Everything that offers it to them (command line, console, group) builds on `ACTIONS`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.staff import messages
from bot.staff.desk import MAX_WORDS as MAX_WORDS
from bot.staff.desk import NOTHING as NOTHING
from bot.staff.desk import Actor as Actor
from bot.staff.desk import Desk as Desk
from bot.staff.desk import Given as Given
from bot.staff.desk import Refused as Refused
from bot.store import contacts, finding, requests
from bot.store.database import Database
from bot.store.desk import VIEWED
from bot.store.outbox import Letter
from bot.store.requests import StoredRequest
from bot.store.staff_tables import staff
from bot.store.tables import OPEN_STATES

RESULTS = ("reached", "no-answer", "voicemail", "wrong-number", "emailed")  # of an attempt
OUTCOMES = ("helped", "not-interested", "unreachable", "duplicate", "spam")  # of a closed request
_ANSWERS = ("name", "phone", "email", "language", "when", "zone")  # that staff may correct
_FARTHEST = timedelta(days=36_525)  # ahead: at the end of all years there are moments that not every zone can say


Takes = Literal["to", "result", "outcome", "at", "words", "answers"]


@dataclass(frozen=True, slots=True)
class Action:
    was: tuple[str, ...]  # the states it starts from
    state: Literal["", "new", "claimed", "closed"] = ""  # the state it leads to, "" for the one it is in
    only_claimant: bool = False  # somebody else's request is not touched
    needs: tuple[Takes, ...] = ()  # without which it is refused
    takes: tuple[Takes, ...] = ()  # what may come with it besides


ACTIONS: Mapping[str, Action] = {
    "claim": Action(("new",), "claimed"),
    "release": Action(("claimed",), "new", only_claimant=True),
    "assign": Action(OPEN_STATES, "claimed", needs=("to",)),
    "attempt": Action(OPEN_STATES, "claimed", only_claimant=True, needs=("result",), takes=("at", "words")),
    "snooze": Action(OPEN_STATES, only_claimant=True, needs=("at",), takes=("words",)),
    "note": Action((*OPEN_STATES, "closed"), needs=("words",)),
    "correct": Action(OPEN_STATES, only_claimant=True, needs=("answers",)),
    "close": Action(OPEN_STATES, "closed", only_claimant=True, takes=("outcome", "words")),
    "reopen": Action(("closed",), "claimed", takes=("at", "words")),
}


def available(request: StoredRequest, actor: Actor) -> tuple[str, ...]:
    """The actions that fit the request as it is."""
    return tuple(name for name in ACTIONS if not _hindrance(name, request, actor))


async def act(
    desk: Desk, connection: AsyncConnection, name: str, request: StoredRequest, actor: Actor, now: datetime, given: Given = NOTHING
) -> list[Letter]:
    """Does the action, notes it in the request's history and tells the caller; the letters to send once it is committed.

    Raises Refused with the reason. The change itself decides between two people who act at once: it is made only if the
    request is still as it was read.
    """
    action = ACTIONS[name]
    if why := _hindrance(name, request, actor) or _lack(action, given) or await _unfit(connection, action, request, given, now):
        raise why
    values = _values(name, request, actor, given, now, desk.due(request.answers, now))
    sealer = desk.database.sealer
    await contacts.lock(connection, request.contact)
    if "answers" in action.needs:
        values |= requests.answered(sealer, _corrected(request, given))
    try:
        async with connection.begin_nested():
            done = await (requests.put(connection, request, values) if values else _stands(connection, desk.database, request))
    except IntegrityError:
        raise Refused("another", reference=request.reference) from None
    if not done:
        raise await _beaten(connection, desk.database, request)
    if "answers" in action.needs:
        await finding.index(connection, desk.database.lookup, request.id, _corrected(request, given))
    words = sealer.seal(given.words.strip()) if given.words.strip() and "words" in (*action.needs, *action.takes) else None
    await requests.note(connection, request.id, actor.name, name, now, _about(action, given), words)
    told = await messages.after(desk, connection, name, request, given, now)
    return [*told, *await desk.queue(connection, desk.alerts.changed(request.reference, now), now)]


def _hindrance(name: str, request: StoredRequest, actor: Actor) -> Refused | None:
    """Why the action does not fit the request; None when it does."""
    action, reference = ACTIONS[name], request.reference
    if request.state not in action.was:
        values = {"reference": reference, "state": request.state, "action": name, "was": " or ".join(action.was)}
        if request.claimed_by and request.state in ("claimed", "closed"):
            return Refused("state-by", who=request.claimed_by, **values)
        return Refused("state", **values)
    if action.only_claimant and request.claimed_by not in (None, actor.name) and not actor.admin:
        return Refused("theirs", reference=reference, who=request.claimed_by or "")
    return None


def _lack(action: Action, given: Given) -> Refused | None:
    for name in action.needs:
        value = getattr(given, name)
        if not (value.strip() if isinstance(value, str) else value):
            return Refused("missing", missing=name)
    return None


async def _unfit(connection: AsyncConnection, action: Action, request: StoredRequest, given: Given, now: datetime) -> Refused | None:
    """Why what was given cannot be; None when it can."""
    taken = (*action.needs, *action.takes)
    if "result" in taken and given.result not in RESULTS:
        return Refused("result", known=", ".join(RESULTS))
    if "outcome" in taken and given.outcome and given.outcome not in OUTCOMES:
        return Refused("outcome", known=", ".join(OUTCOMES))
    if "outcome" in taken and given.outcome == "unreachable" and not request.attempts:
        return Refused("untried", reference=request.reference)
    if "at" in taken and given.at is not None and not now < given.at < now + _FARTHEST:
        return Refused("time")
    if len(given.words) > MAX_WORDS:
        return Refused("long", longest=str(MAX_WORDS))
    if unknown := given.answers.keys() - set(_ANSWERS):
        return Refused("fixed", names=", ".join(sorted(unknown)))
    if "answers" in taken and not any(_corrected(request, given).get(name) for name in ("phone", "email")):
        return Refused("unreachable")
    if "to" in taken:
        active = select(staff.c.id).where(staff.c.name == given.to, staff.c.disabled_at.is_(None))
        if await connection.scalar(active) is None:
            return Refused("nobody", name=given.to)
    return None


def _values(name: str, request: StoredRequest, actor: Actor, given: Given, now: datetime, due: datetime) -> dict[str, object]:
    """What the action changes about the request."""
    action = ACTIONS[name]
    values: dict[str, object] = {}
    if action.state:
        keeper = {"new": None, "claimed": given.to or request.claimed_by or actor.name, "closed": request.claimed_by or actor.name}
        values = {"state": action.state, "claimed_by": keeper[action.state], "ended_at": now if action.state == "closed" else None}
    if "at" in (*action.needs, *action.takes):
        values["next_at"] = given.at or due
    if "result" in action.needs:
        values |= {"attempts": request.attempts + 1, "first_attempt_at": request.first_attempt_at or now}
    if "outcome" in action.takes:
        values["outcome"] = given.outcome
    elif request.state == "closed" and action.state:
        values |= {"outcome": "", "claimed_by": actor.name}
    return values


def _corrected(request: StoredRequest, given: Given) -> dict[str, str]:
    return {name: answer for name, answer in {**request.answers, **given.answers}.items() if answer}


def _about(action: Action, given: Given) -> str:
    """What of the given may stand in the history for all to read: nothing about the caller."""
    taken = (*action.needs, *action.takes)
    told = [getattr(given, name) for name in ("to", "result", "outcome") if name in taken]
    told += [f"next {given.at:%Y-%m-%d %H:%M} UTC"] if "at" in taken and given.at else []
    told += [", ".join(sorted(given.answers))] if "answers" in taken else []
    return " ".join(filter(None, told))


async def _stands(connection: AsyncConnection, database: Database, request: StoredRequest) -> bool:
    """Whether it is in the state it was read in, for what changes nothing: words on a request withdrawn meanwhile would stay there."""
    current = await requests.find(connection, database.sealer, request.reference)
    return current is not None and current.state == request.state


async def _beaten(connection: AsyncConnection, database: Database, request: StoredRequest) -> Refused:
    """Who has been faster. Whoever has only looked has not."""
    current = await requests.find(connection, database.sealer, request.reference)
    entries = [entry for entry in await requests.history(connection, database.sealer, request.id) if entry.what != VIEWED]
    if current is None or not entries:
        return Refused("erased", reference=request.reference)
    return Refused("beaten", who=entries[-1].who, reference=request.reference, event=entries[-1].what)
