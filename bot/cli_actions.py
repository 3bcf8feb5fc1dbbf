"""`oms-bot requests claim|release|…`: what staff do with a request, at a terminal."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli_requests import Reference, Who, with_request
from bot.cli_requests import app as app
from bot.config import load_settings
from bot.content_rules import load
from bot.core.answers import read_email, read_name, read_phone
from bot.core.schedule import zone_of
from bot.parts import HELD, WINDOWS, alerts_of
from bot.shelf import Shelf
from bot.staff.actions import OUTCOMES, RESULTS, act
from bot.staff.desk import NOTHING, Actor, Desk, Given
from bot.store.database import Database
from bot.store.requests import StoredRequest

_Words = Annotated[str, typer.Option("--note", help="What the others should know; may tell about the caller, it is encrypted.")]
_At = Annotated[str, typer.Option("--at", help="When to act next, in the office's time: 2026-11-25 14:00.")]


@app.command()
def claim(reference: Reference, who: Who) -> None:
    """Take a request: nobody else will call."""
    _act("claim", reference, who)
    print(f"{reference.upper()} is yours.")


@app.command()
def release(reference: Reference, who: Who) -> None:
    """Give a request back to the queue."""
    _act("release", reference, who)
    print(f"{reference.upper()} is free again.")


@app.command()
def assign(reference: Reference, to: Annotated[str, typer.Argument(help="The name of a staff member.")], who: Who) -> None:
    """Give a request to somebody."""
    _act("assign", reference, who, to=to)
    print(f"{reference.upper()} is {to}'s.")


@app.command()
def attempt(
    reference: Reference, result: Annotated[str, typer.Argument(help=f"{', '.join(RESULTS)}.")], who: Who, at: _At = "", words: _Words = ""
) -> None:
    """Note that you have tried to reach the caller, and what came of it."""
    _act("attempt", reference, who, at=at, result=result, words=words)
    print(f"Noted: {reference.upper()}, {result}.")


@app.command()
def snooze(reference: Reference, at: _At, who: Who, words: _Words = "") -> None:
    """Come back to a request at a time."""
    _act("snooze", reference, who, at=at, words=words)
    print(f"{reference.upper()} waits until {at}.")


@app.command()
def note(reference: Reference, words: Annotated[str, typer.Argument(help="What the others should know.")], who: Who) -> None:
    """Write something about a request."""
    _act("note", reference, who, words=words)
    print(f"Noted: {reference.upper()}.")


@app.command()
def correct(
    reference: Reference,
    who: Who,
    name: Annotated[str | None, typer.Option(help="The caller's name.")] = None,
    phone: Annotated[str | None, typer.Option(help="With the country code; empty takes it away.")] = None,
    email: Annotated[str | None, typer.Option(help="Empty takes it away.")] = None,
) -> None:
    """Put right how the caller can be reached."""
    read = {"name": read_name, "phone": lambda text: read_phone(text, ""), "email": read_email}
    answers = {}
    for key, typed in {"name": name, "phone": phone, "email": email}.items():
        if typed is not None:
            answers[key] = read[key](typed)
            if typed.strip() and not answers[key]:
                raise typer.BadParameter(f"this is no {key}")
    _act("correct", reference, who, answers=answers)
    print(f"{reference.upper()} is corrected.")


@app.command()
def close(
    reference: Reference,
    who: Who,
    outcome: Annotated[str, typer.Option(help=f"{', '.join(OUTCOMES)}.")] = "",
    words: _Words = "",
) -> None:
    """End a request; its data is erased after the retention time."""
    _act("close", reference, who, outcome=outcome, words=words)
    print(f"{reference.upper()} is closed.")


@app.command()
def reopen(reference: Reference, who: Who, at: _At = "", words: _Words = "") -> None:
    """Take up a closed request again; it is yours."""
    _act("reopen", reference, who, at=at, words=words)
    print(f"{reference.upper()} is open again, and yours.")


def _act(
    name: str,
    reference: str,
    who: str,
    *,
    at: str = "",
    to: str = "",
    result: str = "",
    outcome: str = "",
    words: str = "",
    answers: Mapping[str, str] = NOTHING.answers,
) -> None:
    settings = load_settings()
    shelf = Shelf(load(settings.content_dir))
    given = Given(to, result, outcome, _moment(at, shelf.content.structure.hours.zone), words, answers)

    async def work(database: Database, connection: AsyncConnection, request: StoredRequest) -> None:
        # What the caller hears waits in the outbox for the running program.
        desk = Desk(database, shelf, held=HELD, windows=WINDOWS, places=alerts_of(settings, database, shelf))
        await act(desk, connection, name, request, Actor(who), datetime.now(UTC), given)

    with_request(reference, work)


def _moment(typed: str, zone: str) -> datetime | None:
    """What was typed, in the office's time unless it names an offset. None for nothing."""
    if not typed:
        return None
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise typer.BadParameter("write the time like 2026-11-25 14:00") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone_of(zone))).astimezone(UTC)
