"""What staff can do with a request. Everything that offers it to them (command line, console, group) builds on `ACTIONS`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import requests
from bot.store.requests import StoredRequest


class Refused(Exception):
    """The action does not fit the request as it is now; the text says why."""


@dataclass(frozen=True, slots=True)
class Action:
    was: tuple[str, ...]  # the states it starts from
    state: Literal["new", "claimed", "closed"]  # the state it leads to
    only_claimant: bool = False  # somebody else's request is not touched


ACTIONS = {
    "claim": Action(("new",), "claimed"),
    "release": Action(("claimed",), "new", only_claimant=True),
    "close": Action(("new", "claimed"), "closed", only_claimant=True),
}


async def act(connection: AsyncConnection, name: str, request: StoredRequest, who: str, now: datetime) -> None:
    """Does the action and notes it in the request's history. Raises Refused with the reason.

    The change itself decides between two people who act at once: it is made only if the state is still the one read.
    """
    action = ACTIONS[name]
    if request.state not in action.was:
        by = f" by {request.claimed_by}" if request.claimed_by and request.state in ("claimed", "closed") else ""
        raise Refused(f"{request.reference} is {request.state}{by}: `{name}` is for requests that are {' or '.join(action.was)}")
    if action.only_claimant and request.claimed_by not in (None, who):
        raise Refused(f"{request.reference} is {request.claimed_by}'s: ask them, or let them release it")
    keeper = None if action.state == "new" else who
    if not await requests.move(connection, request.id, request.state, action.state, keeper, now):
        raise Refused(f"{request.reference} has just been changed by somebody else: look again")
    await requests.note(connection, request.id, who, name, now)
