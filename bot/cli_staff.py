"""`oms-bot staff`: the accounts of those who work at the desk."""

import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from bot.cli_requests import NotFound, Who, with_database
from bot.staff.accounts import Accounts
from bot.staff.passwords import generated
from bot.store import staff
from bot.store.database import Database
from bot.store.staff import Member

app = typer.Typer(no_args_is_help=True, help="The accounts of staff.")

T = TypeVar("T")
_Name = Annotated[str, typer.Argument(help="Of the staff member.")]
_Generate = Annotated[bool, typer.Option("--generate", help="Make a password and print it, once.")]
_FromInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")]


@app.command()
def add(
    name: _Name,
    who: Who,
    admin: Annotated[bool, typer.Option("--admin", help="May manage accounts and act on what others have claimed.")] = False,
    language: Annotated[Literal["en", "de"], typer.Option(help="Of the console.")] = "en",
    generate: _Generate = False,
    from_input: _FromInput = False,
) -> None:
    """Make an account; the password is asked for twice, unless an option says otherwise."""
    password = _password(generate=generate, from_input=from_input)
    role = "admin" if admin else "staff"
    member = with_database(lambda database: Accounts(database).add(who, name, password, role, language, datetime.now(UTC)))
    print(f"{member.name} can sign in now, as {role}.")
    _show(password, generate=generate)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """Everybody who has an account."""

    async def work(database: Database) -> list[Member]:
        async with database.read() as connection:
            return await staff.members(connection)

    everybody = with_database(work)
    if as_json:
        print(json.dumps([asdict(member) for member in everybody], ensure_ascii=False, indent=2))
        return
    if not everybody:
        print("Nobody yet: `oms-bot staff add NAME --admin`.")
        return
    table = Table("name", "role", "language", "one-time codes", "Telegram", "disabled", box=None)
    for member in everybody:
        marks = ["yes" if mark else "" for mark in (member.has_totp, member.linked, member.disabled)]
        table.add_row(member.name, member.role, member.language, *marks)
    # Without markup: a name in square brackets is a name.
    Console(width=None if sys.stdout.isatty() else 160, markup=False, emoji=False, highlight=False).print(table)


@app.command()
def disable(name: _Name, who: Who) -> None:
    """Let somebody in no more; where they are signed in they are out at once. What they did stays in the histories."""
    member = _change(name, lambda accounts, member, now: accounts.disable(who, member, now))
    print(f"{member.name} cannot sign in any more.")


@app.command()
def enable(name: _Name, who: Who) -> None:
    """Let somebody in again who was disabled."""
    member = _change(name, lambda accounts, member, now: accounts.enable(who, member, now))
    print(f"{member.name} can sign in again.")


@app.command()
def password(name: _Name, who: Who, generate: _Generate = False, from_input: _FromInput = False) -> None:
    """Set a new password; where they are signed in they are out."""
    new = _password(generate=generate, from_input=from_input)
    member = _change(name, lambda accounts, member, now: accounts.set_password(who, member, new, now))
    print(f"{member.name} has a new password.")
    _show(new, generate=generate)


@app.command()
def role(name: _Name, role: Annotated[Literal["staff", "admin"], typer.Argument(help="staff or admin.")], who: Who) -> None:
    """Change what somebody may do."""
    member = _change(name, lambda accounts, member, now: accounts.set_role(who, member, role, now))
    print(f"{member.name} is {role} now.")


@app.command("totp-off")
def totp_off(name: _Name, who: Who) -> None:
    """Ask somebody for no one-time codes any more, for example when their phone is lost."""
    member = _change(name, lambda accounts, member, now: accounts.clear_totp(who, member, now))
    print(f"{member.name} signs in with the password alone.")


def _change(name: str, work: Callable[[Accounts, Member, datetime], Awaitable[None]]) -> Member:
    """Does something with the account of this name, and says whose it is. Raises NotFound."""

    async def run(database: Database) -> Member:
        async with database.read() as connection:
            member = await staff.by_name(connection, name)
        if member is None:
            raise NotFound(f"There is nobody called {name!r}: `oms-bot staff list` shows all.")
        await work(Accounts(database), member, datetime.now(UTC))
        return member

    return with_database(run)


def _password(*, generate: bool, from_input: bool) -> str:
    if generate and from_input:
        raise typer.BadParameter("--generate and --password-stdin exclude each other")
    if generate:
        return generated()
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
    return typed


def _show(password: str, *, generate: bool) -> None:
    if generate:
        print(f"The password, shown only now: {password}")
