"""Calls to platforms: JSON out, a small answer in, over connections that stay open. The parser is httptools', as in uvicorn.

By aiohttp a call costs four times as much processor time, a third of all that a message costs (bench/README.md). Left out is what
no platform of ours needs: redirects, cookies, proxies, compression.
"""

import asyncio
import re
import socket
import ssl
from collections import defaultdict, deque
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, cast
from urllib.parse import urlencode, urlsplit

import aiohappyeyeballs
import httptools

CONNECTIONS = 256  # rate times answer time, and a margin: 80/s at a second each, and as many again while it is slow
READ, CONNECT = 20.0, 10.0  # seconds to wait for an answer, unless said otherwise, and for a connection
KEPT = 15.0  # seconds an idle connection is trusted: soon afterwards servers close theirs
MAX_ANSWER = 10_000_000  # bytes
_NEXT_ADDRESS = 0.25  # seconds until the next address of a host is tried beside one that is silent [RFC 8305]
_PLAIN = re.compile(r"[!-~]+", re.ASCII)  # all that may stand in an address: nothing that ends a line


class Unreached(Exception):
    """No answer came; whether the call took effect is not known. Holds the kind of failure only."""

    def __init__(self, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.timed_out = isinstance(error, TimeoutError)


class Answer(NamedTuple):
    status: int
    body: bytes


class _Origin(NamedTuple):
    """Whom a connection leads to."""

    host: str
    port: int
    secure: bool


class _Connection(asyncio.Protocol):
    """One question at a time, each with its answer. `usable` until it is closed or out of step."""

    def __init__(self) -> None:
        self.usable = True
        self.idle_since = 0.0
        self._answer: asyncio.Future[Answer] | None = None  # what is waited for

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by descent

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """Sends it; the answer, or why there is none, comes as the result."""
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._size = 0
        self._begun = self._measured = False
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self, error: Exception | None = None) -> None:
        """Nothing more is asked or heard here; who waits hears why."""
        self.usable = False
        self._transport.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionAbortedError())

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():  # nobody has asked: what follows could pass for the next answer
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.close(error)

    def connection_lost(self, error: Exception | None) -> None:
        # A body of no stated length ends with the connection.
        if error is None and self._begun and not self._measured and self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(self._parser.get_status_code(), b"".join(self._body)))
        self.close(ConnectionResetError())

    # -- the parser tells

    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.done():  # more than was asked for, in the same breath
            self.close()

    def on_header(self, name: bytes, _value: bytes) -> None:
        self._measured |= name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self._begun = True

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > MAX_ANSWER:
            self.close(ValueError("too long an answer"))
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # the answer itself is still to come
            self._begun = self._measured = False
        elif self._answer is not None and not self._answer.done():
            self.usable = self.usable and self._parser.should_keep_alive()
            self._answer.set_result(Answer(status, b"".join(self._body)))


class Caller:
    """Connections to platforms, opened as they are needed and closed at the end. `headers` go with every call."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        lines = {name: " ".join(value.split()) for name, value in (headers or {}).items()}  # a token pasted with its line end is one line
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._idle: defaultdict[_Origin, deque[_Connection]] = defaultdict(deque)
        self._tls: ssl.SSLContext | None = None

    async def call(
        self, method: str, url: str, body: bytes | None = None, params: Mapping[str, str] | None = None, *, read: float = READ
    ) -> Answer:
        """Status and body of the answer. `body` is JSON, `read` how many seconds it may take. Raises Unreached."""
        try:
            origin, head = _addressed(method, url, urlencode(params) if params else "", self._headers)
            sized = b"" if body is None else b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
            return await self._exchange(origin, b"%b%b\r\n%b" % (head, sized, body or b""), read)
        except (OSError, ValueError, httptools.HttpParserError, httptools.HttpParserUpgrade) as error:  # TimeoutError is an OSError
            raise Unreached(error) from None

    async def close(self) -> None:
        """Closes what is idle. The calls under way should have ended."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _exchange(self, origin: _Origin, request: bytes, read: float) -> Answer:
        loop = asyncio.get_running_loop()
        await self._room.acquire()
        try:
            connection = self._kept(origin, loop.time()) or await self._open(origin)
            late = loop.call_later(read, connection.close, TimeoutError())
            try:
                answer = await connection.ask(request)
            except BaseException:  # a cancelled caller's answer is nobody else's
                connection.close()
                raise
            finally:
                late.cancel()
            if connection.usable:
                connection.idle_since = loop.time()
                self._idle[origin].append(connection)
            else:
                connection.close()
            return answer
        finally:
            self._room.release()

    def _kept(self, origin: _Origin, now: float) -> _Connection | None:
        """An open connection; the one used last, so that those not needed grow old and go."""
        idle = self._idle[origin]
        while idle and (not idle[0].usable or now - idle[0].idle_since > KEPT):
            idle.popleft().close()
        while idle:
            if (connection := idle.pop()).usable:
                return connection
        return None

    async def _open(self, origin: _Origin) -> _Connection:
        loop = asyncio.get_running_loop()
        if origin.secure and self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        async with asyncio.timeout(CONNECT):
            found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
            # Beside a silent address the next one is tried soon, which uvloop does not do by itself.
            raw = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS, interleave=1)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                tls, name = (self._tls, origin.host) if origin.secure else (None, None)
                _, connection = await loop.create_connection(_Connection, sock=raw, ssl=tls, server_hostname=name)
            except BaseException:
                raw.close()
                raise
            return connection


@lru_cache(maxsize=256)
def _addressed(method: str, url: str, query: str, headers: str) -> tuple[_Origin, bytes]:
    """Whom to ask, and how the question begins. Raises ValueError for what is no address, or would be more than one line."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not _PLAIN.fullmatch(url):
        raise ValueError("no address")
    secure = parts.scheme == "https"
    origin = _Origin(parts.hostname, parts.port or (443 if secure else 80), secure)
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = (parts.path or "/") + (f"?{query or parts.query}" if query or parts.query else "")
    port = f":{parts.port}" if parts.port else ""
    return origin, f"{method} {target} HTTP/1.1\r\nHost: {host}{port}\r\nAccept: application/json\r\n{headers}".encode()
