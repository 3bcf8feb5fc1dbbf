"""What staff may do with a request: who may, in which state, and that two people never both get it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from people import ADA, NOW, go_through, open_turnstile, queue

from bot.core.library import Content
from bot.core.model import Press
from bot.staff.actions import ACTIONS, Refused, act
from bot.store import requests
from bot.store.database import Database
from bot.store.requests import StoredRequest

BEA, KIM = "bea", "kim"


@pytest.fixture
async def request_(database: Database, content: Content) -> StoredRequest:
    """A new request, as a caller has sent it."""
    async with open_turnstile(database, content) as turnstile:
        await go_through(turnstile, ADA.intake(content))
    return (await queue(database))[0]


async def do(database: Database, *steps: tuple[str, str]) -> StoredRequest:
    """Staff act one after the other, each on the request as it then is; how it ends."""
    for name, who in steps:
        [request] = await queue(database)
        async with database.write() as connection:
            await act(connection, name, request, who, NOW)
    return (await queue(database))[0]


async def history(database: Database, request: StoredRequest) -> list[tuple[str, str]]:
    async with database.read() as connection:
        return [(who, what) for _, who, what, _ in await requests.history(connection, request.id)]


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
async def test_what_staff_may_do(
    database: Database, request_: StoredRequest, steps: list[tuple[str, str]], state: str, keeper: str | None
) -> None:
    """The action leads to its state, names who keeps the request, and stands in the history after the caller's own."""
    after = await do(database, *steps)
    assert (after.state, after.claimed_by) == (state, keeper)
    assert (after.ended_at is not None) == (state == "closed")
    assert await history(database, request_) == [("caller", "sent"), *((who, name) for name, who in steps)]


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
    database: Database, request_: StoredRequest, before: list[tuple[str, str]], name: str, who: str, why: str
) -> None:
    """What does not fit is refused with the reference and the reason, and changes nothing, the history included."""
    was = await do(database, *before)
    past = await history(database, request_)
    with pytest.raises(Refused, match=f"^{request_.reference} {why}"):
        await do(database, (name, who))
    assert (await queue(database))[0] == was
    assert await history(database, request_) == past


async def test_two_claims_at_once_have_one_winner(database: Database, request_: StoredRequest) -> None:
    """Two people who both see the request as new and claim it at once: one gets it, the other is told to look again."""

    async def claim(who: str) -> None:
        async with database.write() as connection:
            await act(connection, "claim", request_, who, NOW)

    outcomes = await asyncio.gather(claim(BEA), claim(KIM), return_exceptions=True)
    [refusal] = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(refusal, Refused)
    assert "changed by somebody else" in str(refusal)
    [after] = await queue(database)
    winner = (BEA, KIM)[outcomes.index(None)]
    assert (after.state, after.claimed_by) == ("claimed", winner)
    assert await history(database, request_) == [("caller", "sent"), (winner, "claim")]


async def test_a_closed_request_belongs_to_nobody(database: Database, request_: StoredRequest) -> None:
    """Who comes late to a request that somebody else has closed hears that it is closed, not to ask for its release."""
    await do(database, ("close", BEA))
    with pytest.raises(Refused, match="is closed"):
        await do(database, ("close", KIM))


async def test_a_withdrawn_request_cannot_be_called(database: Database, request_: StoredRequest, content: Content) -> None:
    """After the caller withdraws, nobody can do anything with the request, and nobody of staff is said to have withdrawn it."""
    await do(database, ("claim", BEA))
    async with open_turnstile(database, content) as turnstile:
        await turnstile.submit(ADA.does(Press("withdraw:yes")))
    for name in ACTIONS:
        with pytest.raises(Refused, match=f"^{request_.reference} is withdrawn") as refusal:
            await do(database, (name, KIM))
        assert BEA not in str(refusal.value)


async def test_a_refused_claim_can_follow_a_release(database: Database, request_: StoredRequest) -> None:
    """What was refused because of somebody else works after they have let the request go."""
    await do(database, ("claim", BEA))
    with pytest.raises(Refused):
        await do(database, ("claim", KIM))
    assert (await do(database, ("release", BEA), ("claim", KIM))).claimed_by == KIM


async def test_history_keeps_the_time(database: Database, request_: StoredRequest) -> None:
    """Each entry of the history says when it happened."""
    later = NOW + timedelta(hours=2)
    async with database.write() as connection:
        await act(connection, "claim", replace(request_), BEA, later)
    async with database.read() as connection:
        assert [at for at, *_ in await requests.history(connection, request_.id)] == [NOW, later]
