"""Calls to platforms over real sockets: what a server may do to a connection, and that no answer ever reaches another question."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from certificates import self_signed

from bot.channels import http
from bot.channels.http import Answer, Caller, Unreached

Handle = Callable[["Served"], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Served:
    """One connection as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader, self.writer, self.number = reader, writer, number

    async def asked(self) -> tuple[bytes, bytes]:
        """Head and body of the next question."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = [line.lower() for line in head.split(b"\r\n")]
        size = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
        return head, await self.reader.readexactly(size)

    async def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)  # lets it go out as a piece of its own


class Server:
    """Plays `handle` on each connection."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self.connections = 0
        self.open = 0
        self.most = 0

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await self._handle(Served(reader, writer, self.connections))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the other side has gone
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def serving(handle: Handle, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Server, str]]:
    """A server and its address."""
    server = Server(handle)
    listening = await asyncio.start_server(server.play, "127.0.0.1", 0, ssl=tls)
    try:
        yield server, f"{'https' if tls else 'http'}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    made = Caller({"Authorization": "Bearer secret"})
    yield made
    await made.close()


async def noticed(caller: Caller) -> None:
    """Returns when our side knows that no connection is good any more."""
    while any(connection.usable for idle in caller._idle.values() for connection in idle):  # noqa: ASYNC110 a condition
        await asyncio.sleep(0)


async def always(served: Served) -> None:
    """Answers every question."""
    while True:
        await served.asked()
        await served.say(OK)


async def test_what_is_asked(caller: Caller) -> None:
    """Method, path, query, host, headers and body arrive as they were given."""
    heard: list[tuple[bytes, bytes]] = []

    async def handle(served: Served) -> None:
        for _ in range(2):
            heard.append(await served.asked())
            await served.say(OK)

    async with serving(handle) as (_, url):
        assert await caller.call("POST", f"{url}/v23.0/1/messages", b'{"a":1}') == Answer(200, b"{}")
        assert await caller.call("GET", f"{url}/v23.0/1", params={"fields": "id,name", "q": "a b&c"}) == (200, b"{}")
    (post, body), (get, nothing) = heard
    assert post.startswith(b"POST /v23.0/1/messages HTTP/1.1\r\nHost: " + url.removeprefix("http://").encode() + b"\r\n")
    assert b"Authorization: Bearer secret\r\n" in post
    assert b"Content-Type: application/json\r\nContent-Length: 7\r\n" in post
    assert body == b'{"a":1}'
    assert get.startswith(b"GET /v23.0/1?fields=id%2Cname&q=a+b%26c HTTP/1.1\r\n")
    assert b"Content-Length" not in get
    assert nothing == b""


async def test_a_header_is_one_line() -> None:
    """A token that was pasted with its line end asks nothing else."""
    heard: list[bytes] = []

    async def handle(served: Served) -> None:
        heard.append((await served.asked())[0])
        await served.say(OK)

    caller = Caller({"Authorization": "Bearer secret\r\n", "User-Agent": "a\r\nX-Evil: b"})
    async with serving(handle) as (_, url):
        await caller.call("GET", url)
        await caller.close()
    assert heard[0].endswith(b"\r\nAuthorization: Bearer secret\r\nUser-Agent: a X-Evil: b\r\n\r\n")


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([OK[:9], OK[9:30], OK[30:-1], OK[-1:]], Answer(200, b"{}")),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1\r\n}\r\n0\r\n\r\n"], Answer(200, b"{}")),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK], Answer(200, b"{}")),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], Answer(204, b"")),
        ([b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops"], Answer(502, b"oops")),
        ([b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"], Answer(302, b"")),
    ],
    ids=["in pieces", "chunked", "after interim answers", "without a body", "an error", "elsewhere"],
)
async def test_answers_of_every_form(caller: Caller, pieces: list[bytes], expected: Answer) -> None:
    """However an answer is framed, it is read to its end and no further, and the connection goes on."""

    async def handle(served: Served) -> None:
        while True:
            await served.asked()
            await served.say(*pieces)

    async with serving(handle) as (server, url):
        for _ in range(3):
            assert await caller.call("POST", url, b"{}") == expected
        assert server.connections == 1


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"])
async def test_an_answer_that_ends_with_the_connection(caller: Caller, head: bytes) -> None:
    """Without a stated length the end of the connection is the end of the answer."""

    async def handle(served: Served) -> None:
        await served.asked()
        await served.say(head, b"{", b"}")

    async with serving(handle) as (server, url):
        assert await caller.call("POST", url, b"{}") == (200, b"{}")
        assert await caller.call("POST", url, b"{}") == (200, b"{}")
        assert server.connections == 2


async def test_connections_are_used_again(caller: Caller) -> None:
    """Calls one after another share a connection; calls at once have one each, and those are kept."""
    async with serving(always) as (server, url):
        for _ in range(5):
            await caller.call("POST", url, b"{}")
        assert server.connections == 1
        for _ in range(3):
            await asyncio.gather(*(caller.call("POST", url, b"{}") for _ in range(4)))
        assert server.connections <= 4


async def test_a_server_that_says_close_is_believed(caller: Caller) -> None:
    """The answer counts, and the next question goes by another connection."""

    async def handle(served: Served) -> None:
        await served.asked()
        await served.say(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
        await served.reader.read()

    async with serving(handle) as (server, url):
        for _ in range(2):
            assert await caller.call("POST", url, b"{}") == (200, b"{}")
        assert server.connections == 2


async def test_a_connection_closed_while_idle_costs_nothing(caller: Caller) -> None:
    """Servers close what is idle: the next call notices and opens another connection."""
    closed = asyncio.Event()

    async def handle(served: Served) -> None:
        await served.asked()
        await served.say(OK)
        served.writer.close()
        await served.writer.wait_closed()
        closed.set()

    async with serving(handle) as (_, url):
        for _ in range(3):
            closed.clear()
            assert await caller.call("POST", url, b"{}") == (200, b"{}")
            await closed.wait()
            await noticed(caller)


async def test_old_connections_are_let_go(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was idle for long is not trusted any more."""
    monkeypatch.setattr(http, "KEPT", -1.0)
    async with serving(always) as (server, url):
        for _ in range(3):
            await caller.call("POST", url, b"{}")
        assert server.connections == 3


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"\x00\xff" * 100,
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk", "another protocol", "two lengths", "an upgrade", "noise"],
)
async def test_what_is_no_answer(caller: Caller, said: bytes) -> None:
    """Whatever breaks off or is no HTTP is a failed call, said by its kind only, and the connection is not used again."""

    async def handle(served: Served) -> None:
        await served.asked()
        await served.say(said if served.number == 1 else OK)

    async with serving(handle) as (server, url):
        with pytest.raises(Unreached) as failure:
            await caller.call("POST", f"{url}/bot123:secret/x", b"{}")
        assert "secret" not in str(failure.value)
        assert not failure.value.timed_out
        assert await caller.call("POST", url, b"{}") == (200, b"{}")
        assert server.connections == 2


async def test_an_answer_too_long_to_be_one(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on and on is cut off."""
    monkeypatch.setattr(http, "MAX_ANSWER", 1000)

    async def handle(served: Served) -> None:
        await served.asked()
        await served.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", b"x" * 600, b"x" * 600)
        await served.reader.read()

    async with serving(handle) as (_, url):
        with pytest.raises(Unreached):
            await caller.call("POST", url, b"{}")


@pytest.mark.parametrize("impatient", [True, False], ids=["waited too long", "cancelled"])
async def test_a_late_answer_is_nobody_elses(caller: Caller, *, impatient: bool) -> None:
    """Who has waited too long is told so; what comes after all, to them or to a cancelled call, is not taken for the next answer."""
    asked, again = asyncio.Event(), asyncio.Event()

    async def handle(served: Served) -> None:
        await served.asked()
        asked.set()
        if served.number == 1:
            await again.wait()
            await served.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        else:
            await served.say(OK)

    async with serving(handle) as (_, url):
        call = asyncio.create_task(caller.call("POST", url, b"{}", read=0.05 if impatient else 20))
        await asked.wait()
        if impatient:
            with pytest.raises(Unreached) as failure:
                await call
            assert failure.value.timed_out
        else:
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        again.set()
        assert await caller.call("POST", url, b"{}") == (200, b"{}")


@pytest.mark.parametrize("more", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"])
@pytest.mark.parametrize("pieces", [1, 2])
async def test_words_nobody_asked_for_are_no_answer(caller: Caller, more: bytes, pieces: int) -> None:
    """A second answer to one question would be taken for that of the next one: the connection is dropped."""

    async def handle(served: Served) -> None:
        await served.asked()
        if served.number == 1:
            await served.say(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            await served.reader.read()
        else:
            await served.say(OK)

    async with serving(handle) as (server, url):
        assert await caller.call("POST", url, b"{}") == (200, b"{}")
        await noticed(caller)
        assert await caller.call("POST", url, b"{}") == (200, b"{}")
        assert server.connections == 2


async def test_so_many_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound calls wait for their turn, and all get it."""
    monkeypatch.setattr(http, "CONNECTIONS", 3)
    caller = Caller()

    async def handle(served: Served) -> None:
        while True:
            await served.asked()
            await asyncio.sleep(0.005)
            await served.say(OK)

    async with serving(handle) as (server, url):
        answers = await asyncio.gather(*(caller.call("POST", url, b"{}") for _ in range(12)))
        assert answers == [(200, b"{}")] * 12
        assert server.most == 3
        await caller.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/nobody-listens",
        "http://127.0.0.1:99999/",
        "http:///x",
        "ftp://127.0.0.1/",
        "nonsense",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX-Evil: 1",
        "http://[::1/",
    ],
)
async def test_addresses_that_lead_nowhere(caller: Caller, url: str) -> None:
    """A wrong address in the settings is a failed call like any other."""
    with pytest.raises(Unreached):
        await caller.call("POST", url, b"{}")


async def test_only_a_trusted_server_is_talked_to(caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By https a server whose certificate nobody vouches for hears nothing; one that is vouched for, and is who was asked for, does."""
    certificate, tls, heard = self_signed(tmp_path), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), list[bytes]()
    tls.load_cert_chain(certificate)

    async def handle(served: Served) -> None:
        while True:
            heard.append((await served.asked())[1])
            await served.say(OK)

    async with serving(handle, tls) as (server, url):
        with pytest.raises(Unreached):
            await caller.call("POST", url, b"secret")
        assert heard == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusting = Caller()
        for _ in range(2):
            assert await trusting.call("POST", url, b"{}") == (200, b"{}")
        with pytest.raises(Unreached):  # the certificate is not for this name
            await trusting.call("POST", url.replace("127.0.0.1", "127.1"), b"secret")
        assert heard == [b"{}", b"{}"]
        assert server.connections <= 3
        await trusting.close()
