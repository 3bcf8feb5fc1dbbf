"""`oms-bot stats`: the numbers for people and for scripts."""

import json
from pathlib import Path

import pytest
from program import Program

ASKING = "callback\nI agree\n+44 20 7946 0018\nSend\n"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program with one request, asked for in the terminal."""
    fresh = Program(tmp_path_factory.mktemp("program"))
    fresh.ok("chat", said=ASKING)
    return fresh


def test_for_scripts(program: Program) -> None:
    """--json tells all figures; --days chooses the period."""
    found = json.loads(program.ok("stats", "--days", "7", "--json"))
    assert (found["days"], found["requests"], found["first_attempt_seconds"]) == (7, 1, {"median": None, "p90": None})
    assert (list(found["by_channel"]), list(found["by_language"])) == (["terminal"], ["en"])
    assert found["funnel"] == {"wrote": 1, "started": 1, "consented": 1, "reachable": 1, "sent": 1}


def test_for_people(program: Program) -> None:
    """Without --json there are lines to read, and nobody's number in them."""
    told = program.ok("stats")
    assert ("by terminal" in told, "promise kept" in told, "7946" in told) == (True, True, False)


def test_a_wait_of_zero_is_a_time(tmp_path: Path) -> None:
    """Who was called within the minute waited no time, which is something else than nobody having been called."""
    program = Program(tmp_path)
    program.ok("chat", said=ASKING)
    assert "first attempt, median       –" in program.ok("stats")
    program.ok("requests", "attempt", program.queue()[0].reference, "no-answer", "--as", "bea")
    told = program.ok("stats")
    assert ("first attempt, median       0:00:00" in told, "first attempt, 90 of 100    0:00:00" in told) == (True, True)


def test_an_empty_database(tmp_path: Path) -> None:
    """Without requests there is nothing to divide by, and nothing breaks."""
    assert "requests                    0" in Program(tmp_path).ok("stats")


@pytest.mark.parametrize("days", ["0", "366", "x"])
def test_wrong_periods(program: Program, days: str) -> None:
    """Wrong usage ends with code 2."""
    assert program.run("stats", "--days", days).returncode == 2
