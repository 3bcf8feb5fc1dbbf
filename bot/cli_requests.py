"""`oms-bot requests`: the queue, for staff at a terminal and for scripts."""

import asyncio
import csv
import getpass
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.config import load_settings, sealer
from bot.logs import configure
from bot.staff.sheets import harmless_in_csv
from bot.store import outbox, staff
from bot.store import requests as queue
from bot.store.database import Database, open_database
from bot.store.desk import ONE_VIEW
from bot.store.requests import StoredRequest
from bot.store.tables import OPEN_STATES, REQUEST_STATES

MAX_NAME = 60
_SHOWN = 10  # messages of a person
app = typer.Typer(no_args_is_help=True, help="The queue of consultation requests.")

T = TypeVar("T")
_AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
_Every = Annotated[bool, typer.Option("--all", help="Closed and withdrawn ones too.")]


def _somebody(name: str) -> str:
    if not name.strip() or len(name) > MAX_NAME:
        raise typer.BadParameter(f"a name of 1 to {MAX_NAME} letters is needed")
    return name.strip()


def _user() -> str:
    """Who the operating system says is typing. In a container that may be nobody by name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the latter from Python 3.13 on
        return f"user {os.getuid()}"


Who = Annotated[str, typer.Option("--as", help="Your name in the request's history.", default_factory=_user, callback=_somebody)]
Reader = Annotated[str, typer.Option("--as", help="Your name in the audit trail.", default_factory=_user, callback=_somebody)]
Reference = Annotated[str, typer.Argument(help="For example OMS-7K3F.")]


class NotFound(Exception):
    """There is no such request."""


def with_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """What `work` makes of the database, opened for it."""

    async def run() -> T:
        settings = load_settings()
        configure("WARNING", settings.log_format)
        database = await open_database(settings.database_url, sealer(settings))
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


@app.command("list")
def list_(who: Reader, every: _Every = False, as_json: _AsJson = False) -> None:
    """Open requests, the most urgent first. That you have looked is noted in the audit trail."""
    rows = _rows(every=every, who=who, what="listed", how="json" if as_json else "table")
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not rows:
        print("No requests.")
        return
    table = Table("reference", "state", "due (UTC)", "name", box=None)
    table.add_column("reach by", no_wrap=True)
    for title in ("call", "in", "speaks", "topic", "channel", "claimed by"):
        table.add_column(title)
    for row in rows:
        reach = row["phone"] or row["email"]
        due = row["due_at"][:16].replace("T", " ")
        when = [row["when"], row["zone"], row["language"], row["topic"], row["channel"], row["claimed_by"]]
        table.add_row(row["reference"], row["state"], due, row["name"], reach, *when)
    # Without markup: a name in square brackets is a name.
    Console(width=None if sys.stdout.isatty() else 160, markup=False, emoji=False, highlight=False).print(table)


@app.command()
def export(who: Reader) -> None:
    """All requests as CSV, on standard output. Holds personal data: keep it safe and delete it soon. It is noted in the audit trail."""
    rows = _rows(every=True, who=who, what="exported", how="csv")
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]) if rows else ["reference"])
    writer.writeheader()
    writer.writerows({name: harmless_in_csv(cell) for name, cell in row.items()} for row in rows)


@app.command()
def show(reference: Reference, who: Who, as_json: _AsJson = False) -> None:
    """Everything about one request. That you have looked is noted in its history."""

    async def work(database: Database, connection: AsyncConnection, request: StoredRequest) -> dict[str, Any]:
        await queue.note(connection, request.id, who, "viewed", datetime.now(UTC))
        history = [{**asdict(entry), "at": entry.at.isoformat()} for entry in await queue.history(connection, database.sealer, request.id)]
        return {**_row(request), "answers": request.answers, "history": history, "messages": await _messages(connection, request)}

    found = with_request(reference, work)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    history, answers, messages = found.pop("history"), found.pop("answers"), found.pop("messages")
    for name, value in (found | answers).items():
        if value:
            print(f"{name:12}{value}")
    for event in history:
        print(f"  {event['at'][:16]}  {event['who']}: {event['what']} {event['note']} {event['words']}".rstrip())
    if messages:
        print("messages to the caller")
    for message in messages:
        print(f"  {message['at'][:16]}  {message['channel']}: {message['state']} {message['error']}".rstrip())


async def _messages(connection: AsyncConnection, request: StoredRequest) -> list[dict[str, str]]:
    """What became of the newest messages to the caller, where the platform tells; what they said is not shown."""
    rows = await outbox.of_contact(connection, request.contact, _SHOWN)
    told = [row for row in rows if row["state"] != "held"]
    return [
        {
            "at": (row["status_at"] or row["created_at"]).isoformat(),
            "channel": row["channel"],
            "state": row["status"] or ("waiting" if row["state"] == "ready" else row["state"]),
            "error": row["error"],
        }
        for row in told
    ]


def with_request(reference: str, work: Callable[[Database, AsyncConnection, StoredRequest], Awaitable[T]]) -> T:
    """What `work` makes of the request, in one transaction. Raises NotFound."""

    async def run(database: Database) -> T:
        async with database.write() as connection:
            request = await queue.find(connection, database.sealer, reference)
            if request is None:
                raise NotFound(f"There is no request {reference.upper()}: `oms-bot requests list --all` shows all.")
            return await work(database, connection, request)

    return with_database(run)


def _rows(*, every: bool, who: str, what: str, how: str) -> list[dict[str, str]]:
    """The requests, once it is noted who sees them: how many, not whose. What cannot be noted is not shown.

    A script that lists again and again, and finds as many, is noted as seldom as an open page of the console.
    """

    async def work(database: Database) -> list[StoredRequest]:
        now = datetime.now(UTC)
        async with database.read() as connection:
            found = await queue.listed(connection, database.sealer, REQUEST_STATES if every else OPEN_STATES)
            about = f"{len(found)}, {'all' if every else 'open'}, {how}"
            repeated = what == "listed" and await staff.noted(connection, who, what, about, now - ONE_VIEW)
        if not repeated:
            async with database.write() as connection:  # callers' messages do not wait while everything is opened
                await staff.note(connection, who, what, now, about)
        return found

    return [_row(request) for request in with_database(work)]


def _row(request: StoredRequest) -> dict[str, str]:
    answers = request.answers
    return {
        "reference": request.reference,
        "state": request.state,
        "name": answers.get("name", ""),
        "phone": answers.get("phone", ""),
        "email": answers.get("email", ""),
        "channel": request.channel,
        "language": answers.get("language", request.language),
        "when": answers.get("when", ""),
        "zone": answers.get("zone", ""),
        "who": answers.get("who", ""),
        "topic": request.topic,
        "created_at": request.created_at.isoformat(timespec="seconds"),
        "due_at": request.due_at.isoformat(timespec="seconds"),
        "next_at": request.next_at.isoformat(timespec="seconds"),
        "claimed_by": request.claimed_by or "",
        "attempts": str(request.attempts),
        "outcome": request.outcome,
    }
