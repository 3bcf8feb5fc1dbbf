"""The command line as people and scripts meet it: what it prints, its exit codes, one sentence for a mistake."""

import asyncio
import csv
import getpass
import io
import json
import subprocess
from pathlib import Path

import pytest
from program import Program

from bot.store import staff
from bot.store.crypto import Sealer
from bot.store.database import open_database

PHONE = "+442079460018"
ASKING = "callback\nI agree\n+44 20 7946 0018\nSend\n"  # typed into `chat`, which ends where the input does


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program with one request in its queue, asked for in the terminal."""
    fresh = Program(tmp_path_factory.mktemp("program"))
    fresh.ok("chat", said=ASKING)
    return fresh


@pytest.fixture(scope="module")
def reference(program: Program) -> str:
    return program.queue()[0].reference


def refused(done: subprocess.CompletedProcess[str], code: int, says: str) -> None:
    """The command ended with this code and one sentence, no traceback, and nothing on standard output."""
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_check_is_content_with_the_content(program: Program) -> None:
    """The shipped content is checked without errors, and the last line says how much there was to check."""
    last = program.ok("check").strip().splitlines()[-1]
    pages, rest = last.split(" pages, ")
    assert int(pages) > 50
    assert rest.startswith("0 errors")


def test_check_finds_mistakes(program: Program, tmp_path: Path) -> None:
    """A folder that is no content is refused with exit code 1."""
    done = program.run("check", "--content", str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_the_map_is_a_chart(program: Program) -> None:
    """`check --map` prints a Mermaid chart of the menus and nothing else."""
    lines = program.ok("check", "--map").splitlines()
    assert lines[0].startswith(("graph", "flowchart"))
    assert any("Symptoms" in line for line in lines)


def test_a_chat_in_the_terminal_queues_a_request(program: Program) -> None:
    """What was asked for in the terminal stands in the list with every field others rely on."""
    [row] = program.rows("--all")
    assert row.keys() >= {"reference", "state", "name", "phone", "email", "channel", "language", "created_at"}
    assert (row["phone"], row["email"], row["channel"], row["language"]) == (PHONE, "", "terminal", "en")
    assert row["reference"].startswith("OMS-")
    assert row["created_at"].endswith("+00:00")


def test_a_chat_goes_on_where_it_was(program: Program, reference: str) -> None:
    """The same person finds their request again in a new process; somebody else has none."""
    assert reference in program.ok("chat", said="status\n")
    assert reference not in program.ok("chat", "--as", "stranger", said="status\n")


def test_the_list_can_be_read(program: Program, reference: str) -> None:
    """Without --json the list is a table for people."""
    assert reference in program.ok("requests", "list", "--all")


def test_show_tells_everything_and_leaves_a_trace(program: Program, reference: str) -> None:
    """Showing a request tells answers and history, and the look itself stands in the history with its author."""
    shown = json.loads(program.ok("requests", "show", reference.lower(), "--as", "bea", "--json"))
    assert shown["answers"]["phone"] == PHONE
    first, *_, last = shown["history"]
    assert (first["who"], first["what"]) == ("caller", "sent")
    assert (last["who"], last["what"]) == ("bea", "viewed")
    assert PHONE in program.ok("requests", "show", reference, "--as", "bea")


def test_the_export_is_csv(program: Program, reference: str) -> None:
    """The export holds every request as CSV, and a phone number keeps its plus."""
    [row] = csv.DictReader(io.StringIO(program.ok("requests", "export")))
    assert (row["reference"], row["phone"]) == (reference, PHONE)


def trail(program: Program) -> list[tuple[str, str, str]]:
    """The audit trail, the oldest first."""

    async def read() -> list[tuple[str, str, str]]:
        database = await open_database(program.environment["OMSBOT_DATABASE_URL"], Sealer([program.key]))
        try:
            async with database.read() as connection:
                return [(event.who, event.what, event.about) for event in reversed(await staff.events(connection))]
        finally:
            await database.close()

    return asyncio.run(read())


def test_who_lists_or_exports_is_on_record(tmp_path: Path) -> None:
    """The audit trail says who saw how many requests and how, not whose; listing again at once adds no line, exporting does."""
    fresh = Program(tmp_path)
    fresh.ok("chat", said=ASKING)
    for _ in range(2):
        fresh.ok("requests", "list", "--json", "--as", "bea")
        fresh.ok("requests", "export", "--as", "bea")
    fresh.ok("requests", "list", "--all", "--as", "kim")
    fresh.ok("requests", "list")
    assert trail(fresh) == [
        ("bea", "listed", "1, open, json"),
        ("bea", "exported", "1, all, csv"),
        ("bea", "exported", "1, all, csv"),
        ("kim", "listed", "1, all, table"),
        (getpass.getuser(), "listed", "1, open, table"),
    ]


def test_a_list_is_for_somebody(program: Program) -> None:
    """Who gives no name is shown nothing."""
    for command in ("list", "export", "show"):
        done = program.run("requests", command, *(["OMS-NONE"] if command == "show" else []), "--as", " ")
        assert (done.returncode, done.stdout) == (2, "")


def test_the_fields_of_a_script_stay(program: Program) -> None:
    """What --json lists is a contract with scripts outside: these fields, in this order."""
    told = "reference state name phone email channel language when zone who topic created_at due_at next_at claimed_by attempts outcome"
    assert [list(row) for row in program.rows("--all")] == [told.split()]


def test_a_hostile_name_is_only_a_name(tmp_path: Path) -> None:
    """A name that looks like markup for the terminal or like a formula is shown as it is and runs nowhere."""
    fresh = Program(tmp_path)
    fresh.ok("chat", said=ASKING.replace("Send", "Name\n=[/] [red]1+1\nSend"))
    [row] = fresh.rows()
    assert row["name"] == "=[/] [red]1+1"
    assert row["name"] in fresh.ok("requests", "list")
    [exported] = csv.DictReader(io.StringIO(fresh.ok("requests", "export")))
    assert (exported["name"], exported["email"]) == (f"'{row['name']}", "")


def test_a_request_is_one_persons(tmp_path: Path) -> None:
    """From claim to close: the second person is refused with code 1, the first one closes, and the list is empty again."""
    fresh = Program(tmp_path)
    fresh.ok("chat", said=ASKING)
    [row] = fresh.rows()
    name = str(row["reference"])
    assert name in fresh.ok("requests", "claim", name, "--as", "bea")
    refused(fresh.run("requests", "claim", name, "--as", "kim"), 1, f"{name} is claimed by bea")
    refused(fresh.run("requests", "close", name, "--as", "kim"), 1, f"{name} is bea's")
    assert name in fresh.ok("requests", "close", name, "--as", "bea")
    assert fresh.rows() == []
    assert [(request.state, request.claimed_by) for request in fresh.queue()] == [("closed", "bea")]


@pytest.mark.parametrize("command", ["show", "claim"])
def test_an_unknown_reference_is_not_found(program: Program, command: str) -> None:
    """A reference that nobody has is refused with code 1 and a hint where to look."""
    refused(program.run("requests", command, "oms-none", "--as", "bea"), 1, "There is no request OMS-NONE")


def test_an_empty_export_is_empty(tmp_path: Path) -> None:
    """Without requests the list is an empty list and the export a head line."""
    fresh = Program(tmp_path)
    assert fresh.rows() == []
    assert fresh.ok("requests", "export").strip() == "reference"


def test_wrong_settings_are_said(program: Program) -> None:
    """A wrong setting ends with code 2 and the sentence that names it."""
    refused(program.run("requests", "list", LOG_FORMAT="xml"), 2, "OMSBOT_LOG_FORMAT")
    refused(program.run("serve", TELEGRAM_TOKEN="4711:made-up", DATA_KEYS=""), 2, "OMSBOT_DATA_KEYS must be set")


def test_wrong_usage_is_said(program: Program) -> None:
    """A command that does not exist ends with code 2."""
    done = program.run("requests", "burn")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_a_wrong_key_is_said(program: Program, tmp_path: Path) -> None:
    """A key the database was not made with ends with code 2 and names the setting."""
    other = Program(tmp_path).key
    refused(program.run("requests", "list", DATA_KEYS=other), 2, "The data key does not fit this database")


@pytest.mark.parametrize("place", ["a folder", "under a file", "no database", "/proc/nowhere/bot.db"])
def test_an_unusable_database_is_said(program: Program, tmp_path: Path, place: str) -> None:
    """A database that cannot be opened or written ends with code 1 and what to check, whatever the reason."""
    (tmp_path / "a folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "no database").write_text("This is a letter and no database. " * 200)
    path = tmp_path / "file" / "bot.db" if place == "under a file" else tmp_path / place
    refused(program.run("requests", "list", DATABASE_URL=f"sqlite+aiosqlite:///{path}"), 1, "OMSBOT_DATABASE_URL")


def test_a_new_key_is_a_key(program: Program, tmp_path: Path) -> None:
    """`key` prints one key that the program then takes."""
    key = program.ok("key").strip()
    assert Program(tmp_path, key).rows() == []


def test_upgrading_twice_is_no_mistake(program: Program) -> None:
    """`db upgrade` on a database that is up to date says so and changes nothing."""
    before = program.queue()
    assert "up to date" in program.ok("db", "upgrade")
    assert program.queue() == before
