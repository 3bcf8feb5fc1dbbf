"""`oms-bot staff` as operators and scripts meet it, and the first login that `serve` makes."""

import asyncio
import json
import re
import subprocess
from pathlib import Path

import pytest
from people import NOW
from program import Program

from bot.staff.auth import Auth, SignInRefused
from bot.store import staff
from bot.store.crypto import Sealer
from bot.store.database import open_database
from bot.store.staff import StaffEvent

PASSWORD = "four wild horses"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def refused(done: subprocess.CompletedProcess[str], code: int, says: str) -> None:
    """The command ended with this code and said this, without a traceback and with nothing on standard output."""
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def listed(program: Program) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in json.loads(program.ok("staff", "list", "--json"))}


def comes_in(program: Program, name: str, password: str) -> bool:
    """Whether somebody could sign in so."""

    async def attempt() -> bool:
        database = await open_database(program.environment["OMSBOT_DATABASE_URL"], Sealer([program.key]))
        try:
            return bool(await Auth(database).sign_in(name, password, "", "", NOW))
        except SignInRefused:
            return False
        finally:
            await database.close()

    return asyncio.run(attempt())


def trail(program: Program) -> list[StaffEvent]:
    """Oldest first."""

    async def read() -> list[StaffEvent]:
        database = await open_database(program.environment["OMSBOT_DATABASE_URL"], Sealer([program.key]))
        try:
            async with database.read() as connection:
                return (await staff.events(connection))[::-1]
        finally:
            await database.close()

    return asyncio.run(read())


def test_from_the_first_account_to_the_last_change(program: Program) -> None:
    """An operator makes accounts and changes them, the list says so, the passwords work, and the trail knows who asked."""
    assert "staff add" in program.ok("staff", "list")
    assert json.loads(program.ok("staff", "list", "--json")) == []
    made = program.ok("staff", "add", "Bea", "--admin", "--language", "de", "--generate", "--as", "operator")
    password = made.split()[-1]
    assert "Bea can sign in now, as admin." in made
    assert comes_in(program, "Bea", password)
    assert program.ok("staff", "add", "Kim", "--password-stdin", said=PASSWORD + "\n") == "Kim can sign in now, as staff.\n"
    assert comes_in(program, "Kim", PASSWORD)
    assert (
        listed(program)["Bea"].items() >= {"role": "admin", "language": "de", "disabled": False, "has_totp": False, "linked": False}.items()
    )
    assert listed(program)["Kim"].items() >= {"role": "staff", "language": "en", "disabled": False}.items()
    program.ok("staff", "disable", "kim")
    assert listed(program)["Kim"]["disabled"] is True
    assert not comes_in(program, "Kim", PASSWORD)
    program.ok("staff", "enable", "Kim")
    program.ok("staff", "role", "Kim", "admin")
    program.ok("staff", "totp-off", "Kim")
    other = program.ok("staff", "password", "Kim", "--generate").split()[-1]
    assert (comes_in(program, "Kim", PASSWORD), comes_in(program, "Kim", other)) == (False, True)
    assert listed(program)["Kim"].items() >= {"role": "admin", "disabled": False}.items()
    assert "Kim" in program.ok("staff", "list")
    events = trail(program)
    assert (events[0].who, events[0].what, events[0].about) == ("operator", "account added", "Bea, admin")
    assert not [word for word in (password, other, PASSWORD) if word in repr(events)]


def test_what_is_refused(program: Program) -> None:
    """What cannot be ends with code 1 and one sentence; wrong usage with code 2; nothing is made of it."""
    program.ok("staff", "add", "Bea", "--admin", "--generate")
    refused(program.run("staff", "add", "bea", "--generate"), 1, "There is somebody called 'bea' already")
    refused(program.run("staff", "add", "caller", "--generate"), 1, "Nobody can be called 'caller'")
    refused(program.run("staff", "add", "Kim", "--password-stdin", said="short\n"), 1, "at least 12 characters")
    refused(program.run("staff", "add", "Kim", "--password-stdin"), 1, "at least 12 characters")
    refused(program.run("staff", "disable", "Bea"), 1, "Bea is the last admin")
    refused(program.run("staff", "role", "Bea", "staff"), 1, "Bea is the last admin")
    for command in ("disable", "enable", "totp-off"):
        refused(program.run("staff", command, "nobody"), 1, "There is nobody called 'nobody'")
    refused(program.run("staff", "password", "nobody", "--generate"), 1, "There is nobody called 'nobody'")
    refused(program.run("staff", "role", "Bea", "boss"), 2, "boss")
    refused(program.run("staff", "add", "Kim", "--language", "tlh", "--generate"), 2, "tlh")
    refused(program.run("staff", "add", "Kim", "--generate", "--password-stdin"), 2, "exclude each other")
    assert list(listed(program)) == ["Bea"]


def test_a_password_is_asked_for_twice(program: Program) -> None:
    """Typed twice the same way it is taken and not shown; typed differently it is asked for again; an end of input makes nothing."""
    done = program.run("staff", "add", "Bea", said=f"{PASSWORD}\nanother horse!!\n{PASSWORD}\n{PASSWORD}\n")
    assert (done.returncode, done.stdout) == (0, "Bea can sign in now, as staff.\n")
    assert PASSWORD not in done.stderr
    assert comes_in(program, "Bea", PASSWORD)
    given_up = program.run("staff", "add", "Kim", said=f"{PASSWORD}\n")
    assert (given_up.returncode, given_up.stdout) == (1, "")
    assert list(listed(program)) == ["Bea"]


def first_words(program: Program) -> tuple[str, str]:
    """What `serve` writes until it is asked to stop: what is for people, and its log."""
    with program.serving() as server:
        server.process.terminate()
        rest, _ = server.process.communicate(timeout=20)
    lines = rest.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("{")), "".join(line for line in lines if line.startswith("{"))


def test_the_first_login_is_told_once(program: Program) -> None:
    """The first start tells name and password of an admin, who can sign in; the log never does, nor a later start."""
    told, logged = first_words(program)
    [(name, password)] = re.findall(r"Sign in as (\S+) with the password (\S+)", told)
    assert comes_in(program, name, password)
    assert listed(program)[name]["role"] == "admin"
    assert password not in logged
    assert first_words(program)[0] == ""


def test_with_an_account_no_other_is_made(program: Program) -> None:
    """Who made an account before the first start gets no second admin."""
    program.ok("staff", "add", "Bea", "--admin", "--generate")
    assert "password" not in first_words(program)[0]
    assert list(listed(program)) == ["Bea"]


def test_on_postgresql_the_operator_makes_the_first_account(tmp_path: Path, postgresql_url: str) -> None:
    """Only the embedded database makes an admin by itself: several instances would tell several people."""
    program = Program(tmp_path, settings={"DATABASE_URL": postgresql_url})
    assert first_words(program)[0] == ""
    assert listed(program) == {}
