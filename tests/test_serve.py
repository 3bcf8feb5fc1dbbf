"""The server as a process: it can be killed at any moment, and it stops when it is told to."""

import base64
import json
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from program import Program, bearer
from visitor import Visitor, consent, press

PHONE = "+442079460018"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_a_killed_server_goes_on_where_it_was(program: Program) -> None:
    """Killed in the middle of an intake and started again, the conversation goes on, and its request is queued once."""
    with program.serving() as server:
        ada = Visitor(server)
        yes = consent(ada.sends(server, press("callback")))
        ada.sends(server, press(yes))
        last = {"type": "text", "text": "+44 20 7946 0018"}
        last_id = str(uuid4())
        summary = ada.sends(server, last, last_id)
        server.kill()
    assert program.queue() == []
    with program.serving() as server:
        shown = ada.everything(server)
        assert shown[-1] == summary[-1]
        assert ada.sends(server, last, last_id) == []
        assert ada.everything(server) == shown
        send_id = str(uuid4())
        [sent] = ada.sends(server, press("send"), send_id)
        server.kill()
    [request] = program.queue()
    assert request.answers["phone"] == PHONE
    assert request.reference in sent["html"]
    with program.serving() as server:
        assert ada.sends(server, press("send"), send_id) == []
        assert ada.everything(server)[-1] == sent
    assert program.queue() == [request]


def test_killed_while_events_pour_in(program: Program) -> None:
    """Of events sent while the server is killed, each one acknowledged is there afterwards, and each one resent is there once."""
    words = [f"word {number}" for number in range(12)]
    ids = [str(uuid4()) for _ in words]
    with program.serving() as server:
        ada = Visitor(server)
        for number, (word, event_id) in enumerate(zip(words, ids, strict=True)):
            if number == 6:
                server.kill()
            try:
                ada.sends(server, {"type": "text", "text": word}, event_id)
            except httpx.TransportError:
                break
    assert number == 6
    with program.serving() as server:
        assert len(ada.everything(server)) == 1 + 6
        for word, event_id in zip(words, ids, strict=True):
            ada.sends(server, {"type": "text", "text": word}, event_id)
        assert len(ada.everything(server)) == 1 + len(words)


def test_an_address_is_nowhere_in_clear(program: Program) -> None:
    """What a web conversation is known by stands nowhere in the database's files, not even in part."""
    with program.serving() as server:
        ada = Visitor(server)
        ada.sends(server, {"type": "text", "text": "sleep"})
        server.kill()
    address = json.loads(base64.urlsafe_b64decode(ada.token.partition(".")[0]))["address"]
    written = b"".join(file.read_bytes() for file in (program.folder / "data").rglob("*") if file.is_file())
    assert len(written) > 10_000
    assert [part for part in (address, address[:16], address[16:]) if part.encode() in written] == []


def test_a_signal_stops_it_within_five_seconds(program: Program) -> None:
    """Told to stop, also while somebody listens to an endless event stream, the server ends cleanly within 5 seconds."""
    with program.serving() as server:
        ada = Visitor(server)
        with httpx.stream("GET", f"{server.address}/chat/api/stream", headers=bearer(ada.token), timeout=20, trust_env=False) as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": welcome"
            begun = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=20) == 0
            assert time.monotonic() - begun < 5
            assert [line for line in lines if line.startswith("event:")] == ["event: message"]  # and then an orderly end


def test_behind_a_proxy_strangers_stay_strangers(program: Program) -> None:
    """What only this machine may see is not shown to those for whom a web server on this machine asks."""
    asked_for: list[dict[str, str]] = [{}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "203.0.113.7"}]
    with program.serving() as server:
        answers = [httpx.get(f"{server.address}/metrics", headers=headers, trust_env=False) for headers in asked_for]
    assert [answer.status_code for answer in answers] == [200, 200, 404]


def test_a_stranger_who_wants_a_websocket_gives_no_advice(program: Program, capfd: pytest.CaptureFixture[str]) -> None:
    """There are none here: the page is given instead, and nobody who reads the log is told to install anything."""
    with program.serving() as server:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert httpx.get(server.address, headers=headers, trust_env=False).status_code == 200
    assert "install" not in capfd.readouterr().err


def test_a_stop_leaves_nothing_half_done(program: Program) -> None:
    """After Ctrl-C too the write-ahead log is merged, and the next start shows everything."""
    with program.serving() as server:
        ada = Visitor(server)
        ada.sends(server, {"type": "text", "text": "sleep"})
        shown = ada.everything(server)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=20) == 0
    assert not (program.folder / "data" / "bot.db-wal").exists()
    with closing(sqlite3.connect(program.folder / "data" / "bot.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with program.serving() as server:
        assert ada.everything(server) == shown


def test_an_occupied_port_is_said(program: Program, tmp_path: Path) -> None:
    """A second server on the same port ends with code 1 and says what to do; the first one goes on."""
    with program.serving() as server:
        port = server.address.rpartition(":")[2]
        second = Program(tmp_path / "second")
        second.folder.mkdir()
        done = second.run("serve", PORT=port)
        assert done.returncode == 1
        assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
        assert "Traceback" not in done.stderr
        assert httpx.get(f"{server.address}/health/live", trust_env=False).status_code == 200
