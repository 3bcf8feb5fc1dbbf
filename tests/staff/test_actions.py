"""What staff may do with a request: who may, in which state, and that two people never both get it."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from people import ADA, NOW, go_through, open_turnstile, queue
from sqlalchemy import insert

from bot.core.library import Content
from bot.core.model import Press
from bot.shelf import Shelf
from bot.staff.actions import ACTIONS, act, available
from bot.staff.desk import Actor, Desk, Given, Refused
from bot.store import requests
from bot.store.database import Database
from bot.store.requests import Entry, StoredRequest
from bot.store.staff_tables import staff

BEA, KIM = "bea", "kim"
LATER = NOW + timedelta(hours=3)
FITTING = {  # what each action needs
    "assign": Given(to=KIM),
    "attempt": Given(result="no-answer"),
    "snooze": Given(at=LATER),
    "note": Given(words="asks for Anna"),
    "correct": Given(answers={"name": "Ada B."}),
}


@pytest.fixture
async def request_(database: Database, content: Content) -> StoredRequest:
    """A new request, as a caller has sent it."""
    async with open_turnstile(database, content) as turnstile:
        await go_through(turnstile, ADA.intake(content))
    return (await queue(database))[0]


@pytest.fixture
def desk(database: Database, content: Content) -> Desk:
    return Desk(database, Shelf(content))


async def do(desk: Desk, *steps: tuple[str, str], now: datetime = NOW, **given: Any) -> StoredRequest:
    """Staff act one after the other, each on the request as it then is; how it ends. `given` comes with the last step."""
    for number, (name, who) in enumerate(steps, 1):
        [request] = await queue(desk.database)
        async with desk.database.write() as connection:
            brought = Given(**given) if number == len(steps) else FITTING.get(name, Given())
            await act(desk, connection, name, request, Actor(who), now, brought)
    return (await queue(desk.database))[0]


async def entries(database: Database, request: StoredRequest) -> list[Entry]:
    async with database.read() as connection:
        return await requests.history(connection, database.sealer, request.id)


async def history(database: Database, request: StoredRequest) -> list[tuple[str, str]]:
    return [(entry.who, entry.what) for entry in await entries(database, request)]


async def hire(database: Database, name: str, *, disabled: bool = False) -> None:
    row = {
        "name": name,
        "role": "staff",
        "language": "en",
        "password_hash": "",
        "created_at": NOW,
        "disabled_at": NOW if disabled else None,
    }
    async with database.write() as connection:
        await connection.execute(insert(staff).values(row))


@pytest.mark.parametrize(
    ("steps", "state", "keeper"),
    [
        ([("claim", BEA)], "claimed", BEA),
        ([("claim", BEA), ("release", BEA)], "new", None),
        ([("claim", BEA), ("release", BEA), ("claim", KIM)], "claimed", KIM),
        ([("claim", BEA), ("close", BEA)], "closed", BEA),
        ([("close", KIM)], "closed", KIM),
    ],
    ids=lambda value: "-".join(f"{name}:{who}" for name, who in value) if isinstance(value, list) else str(value),
)
async def test_what_staff_may_do(desk: Desk, request_: StoredRequest, steps: list[tuple[str, str]], state: str, keeper: str | None) -> None:
    """The action leads to its state, names who keeps the request, and stands in the history after the caller's own."""
    after = await do(desk, *steps)
    assert (after.state, after.claimed_by) == (state, keeper)
    assert (after.ended_at is not None) == (state == "closed")
    assert await history(desk.database, request_) == [("caller", "sent"), *((who, name) for name, who in steps)]


@pytest.mark.parametrize(
    ("before", "name", "who", "why"),
    [
        ([("claim", BEA)], "claim", KIM, "is claimed by bea"),
        ([("claim", BEA)], "claim", BEA, "is claimed by bea"),
        ([("claim", BEA)], "release", KIM, "is bea's"),
        ([("claim", BEA)], "close", KIM, "is bea's"),
        ([], "release", BEA, "is new"),
        ([("close", BEA)], "claim", KIM, "is closed by bea"),
        ([("close", BEA)], "close", BEA, "is closed by bea"),
        ([("close", BEA)], "release", BEA, "is closed"),
    ],
)
async def test_what_staff_may_not_do(
    desk: Desk, request_: StoredRequest, before: list[tuple[str, str]], name: str, who: str, why: str
) -> None:
    """What does not fit is refused with the reference and the reason, and changes nothing, the history included."""
    was = await do(desk, *before)
    past = await history(desk.database, request_)
    with pytest.raises(Refused, match=f"^{request_.reference} {why}"):
        await do(desk, (name, who))
    assert (await queue(desk.database))[0] == was
    assert await history(desk.database, request_) == past


async def test_two_claims_at_once_have_one_winner(desk: Desk, request_: StoredRequest) -> None:
    """Two people who both see the request as new and claim it at once: one gets it, the other is told who was faster."""

    async def claim(who: str) -> None:
        async with desk.database.write() as connection:
            await act(desk, connection, "claim", request_, Actor(who), NOW)

    outcomes = await asyncio.gather(claim(BEA), claim(KIM), return_exceptions=True)
    [refusal] = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(refusal, Refused)
    [after] = await queue(desk.database)
    winner = (BEA, KIM)[outcomes.index(None)]
    assert str(refusal) == f"{winner} has just changed {request_.reference} (claim): look again"
    assert (after.state, after.claimed_by) == ("claimed", winner)
    assert await history(desk.database, request_) == [("caller", "sent"), (winner, "claim")]


async def test_a_closed_request_belongs_to_nobody(desk: Desk, request_: StoredRequest) -> None:
    """Who comes late to a request that somebody else has closed hears that it is closed, not to ask for its release."""
    await do(desk, ("close", BEA))
    with pytest.raises(Refused, match="is closed"):
        await do(desk, ("close", KIM))


async def test_a_withdrawn_request_cannot_be_called(desk: Desk, request_: StoredRequest, content: Content) -> None:
    """After the caller withdraws, nobody can do anything with the request, and nobody of staff is said to have withdrawn it."""
    await do(desk, ("claim", BEA))
    await do(desk, ("note", BEA), words="a private word")
    async with open_turnstile(desk.database, content) as turnstile:
        await turnstile.submit(ADA.does(Press("withdraw:yes")))
    for name in ACTIONS:
        with pytest.raises(Refused, match=f"^{request_.reference} is withdrawn") as refusal:
            await do(desk, (name, KIM))
        assert BEA not in str(refusal.value)
    assert [entry.words for entry in await entries(desk.database, request_) if entry.words] == []


async def test_a_refused_claim_can_follow_a_release(desk: Desk, request_: StoredRequest) -> None:
    """What was refused because of somebody else works after they have let the request go."""
    await do(desk, ("claim", BEA))
    with pytest.raises(Refused):
        await do(desk, ("claim", KIM))
    assert (await do(desk, ("release", BEA), ("claim", KIM))).claimed_by == KIM


async def test_history_keeps_the_time(desk: Desk, request_: StoredRequest) -> None:
    """Each entry of the history says when it happened."""
    await do(desk, ("claim", BEA), now=LATER)
    assert [entry.at for entry in await entries(desk.database, request_)] == [NOW, LATER]


@pytest.mark.parametrize("name", ACTIONS)
async def test_an_admin_helps_out(desk: Desk, request_: StoredRequest, name: str) -> None:
    """What is somebody else's is not touched by colleagues, and may be by an admin."""
    await do(desk, ("close" if name == "reopen" else "claim", BEA)) if name != "claim" else None
    [request] = await queue(desk.database)
    await hire(desk.database, KIM)
    assert (name in available(request, Actor(KIM))) != ACTIONS[name].only_claimant
    assert name in available(request, Actor(KIM, admin=True))
    async with desk.database.write() as connection:
        await act(desk, connection, name, request, Actor(KIM, admin=True), NOW, FITTING.get(name, Given()))
    assert (await history(desk.database, request_))[-1] == (KIM, name)


async def test_an_attempt_takes_and_plans(desk: Desk, request_: StoredRequest) -> None:
    """Who tries to reach the caller has the request; the first time is remembered, and the next one is when they said."""
    after = await do(desk, ("attempt", BEA), result="no-answer", at=LATER, words="a child answered")
    assert (after.state, after.claimed_by, after.attempts) == ("claimed", BEA, 1)
    assert (after.first_attempt_at, after.next_at, after.due_at) == (NOW, LATER, request_.due_at)
    again = await do(desk, ("attempt", BEA), now=LATER, result="voicemail")
    assert (again.attempts, again.first_attempt_at) == (2, NOW)
    assert again.next_at == desk.hours.due(LATER)  # nobody is forgotten who forgot to plan
    first = (await entries(desk.database, request_))[1]
    assert (first.what, first.note, first.words) == ("attempt", f"no-answer next {LATER:%Y-%m-%d %H:%M} UTC", "a child answered")


async def test_a_snoozed_request_comes_back(desk: Desk, request_: StoredRequest) -> None:
    """It changes nothing but when to look at it next."""
    after = await do(desk, ("snooze", BEA), at=LATER)
    assert after == replace(request_, next_at=LATER)


async def test_contact_data_are_corrected(desk: Desk, request_: StoredRequest) -> None:
    """A corrected answer replaces the old one, an empty one takes it away, and the history names the field and no value."""
    after = await do(desk, ("correct", BEA), answers={"name": "Ada Byron", "phone": "", "email": "ada@example.com"})
    assert (after.answers["name"], after.answers["email"], "phone" in after.answers) == ("Ada Byron", "ada@example.com", False)
    assert after.answers.keys() >= request_.answers.keys() - {"phone"}
    last = (await entries(desk.database, request_))[-1]
    assert (last.note, last.words) == ("email, name, phone", "")


async def test_a_closed_request_is_taken_up_again(desk: Desk, request_: StoredRequest) -> None:
    """Reopening takes it: it has no outcome any more, and a time to act."""
    closed = await do(desk, ("attempt", BEA), ("close", BEA), outcome="unreachable")
    assert (closed.state, closed.outcome, closed.claimed_by) == ("closed", "unreachable", BEA)
    after = await do(desk, ("reopen", KIM), at=LATER)
    assert (after.state, after.outcome, after.claimed_by, after.next_at, after.ended_at) == ("claimed", "", KIM, LATER, None)


async def test_one_open_request_of_a_caller_is_enough(desk: Desk, request_: StoredRequest, content: Content) -> None:
    """A closed request is not taken up again beside a newer one on the same."""
    await do(desk, ("close", BEA))
    async with open_turnstile(desk.database, content) as turnstile:
        await go_through(turnstile, ADA.intake(content))
    old = next(request for request in await queue(desk.database) if request.id == request_.id)
    with pytest.raises(Refused, match="has another open request"):
        async with desk.database.write() as connection:
            await act(desk, connection, "reopen", old, Actor(BEA), NOW)


async def test_a_request_is_given_to_somebody(desk: Desk, request_: StoredRequest) -> None:
    """Only to staff who can sign in."""
    await hire(desk.database, KIM)
    await hire(desk.database, "lou", disabled=True)
    assert (await do(desk, ("assign", BEA), to=KIM)).claimed_by == KIM
    for nobody in ("lou", "max"):
        with pytest.raises(Refused, match=f"no active staff member '{nobody}'"):
            await do(desk, ("assign", BEA), to=nobody)


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("assign", {}, "missing: to"),
        ("attempt", {}, "missing: result"),
        ("attempt", {"result": "maybe"}, "one of reached, "),
        ("attempt", {"result": "reached", "at": NOW}, "in the future"),
        ("snooze", {}, "missing: at"),
        ("snooze", {"at": NOW - timedelta(days=1)}, "in the future"),
        ("note", {}, "missing: words"),
        ("note", {"words": "x" * 2001}, "at most 2000"),
        ("correct", {"answers": {"phone": ""}}, "must remain"),
        ("correct", {"answers": {"topic": "x"}}, "cannot be corrected: topic"),
        ("close", {"outcome": "bored"}, "one of helped, "),
        ("close", {"outcome": "unreachable"}, "Nobody has tried"),
    ],
)
async def test_what_is_given_must_fit(desk: Desk, request_: StoredRequest, name: str, given: dict[str, Any], why: str) -> None:
    """What is missing, unknown or impossible is refused, and changes nothing."""
    with pytest.raises(Refused, match=why):
        await do(desk, (name, BEA), **given)
    assert await queue(desk.database) == [request_]
    assert await history(desk.database, request_) == [("caller", "sent")]
