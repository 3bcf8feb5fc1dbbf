"""HTTP/1.1 on raw asyncio protocols: as little work a message as can be, so that the bot is measured and not this."""

import asyncio
import re
import socket
from collections.abc import Callable
from typing import cast
from urllib.parse import parse_qsl

import orjson

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:\s*chunked", re.IGNORECASE)
_TYPE = re.compile(rb"\r\ncontent-type:\s*([^\r]*)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:\s*close", re.IGNORECASE)
_BOUNDARY = re.compile(rb'boundary="?([^";\r]+)')
_PART_NAME = re.compile(rb'name="?([^";\r]+)')

Fields = dict[str, object]


class Connection(asyncio.Protocol):
    """One side of a connection; `received` is called with head and body of each whole message."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.buffer[: end + 2])
            body, stop = _body(self.buffer, head, end + 4)
            if body is None:
                return
            del self.buffer[:stop]
            self.received(head, body)

    def received(self, head: bytes, body: bytes) -> None:
        raise NotImplementedError


class Served(Connection):
    """A connection the bot has made to its platform's API. `answer` gets the method and its fields."""

    def __init__(self, answer: Callable[[str, Fields], tuple[bytes, Callable[[], None]]], delay: float) -> None:
        super().__init__()
        self._answer = answer
        self._delay = delay  # seconds

    def received(self, head: bytes, body: bytes) -> None:
        path = head[head.index(b" ") + 1 : head.index(b" HTTP/")].split(b"?")[0]
        answer, then = self._answer(path[path.rfind(b"/") + 1 :].decode(), fields(head, body))
        loop = asyncio.get_running_loop()

        def accepted() -> None:  # people see a message when the platform has taken it
            if not self.transport.is_closing():
                self.transport.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer)
                )
            loop.call_soon(then)

        if self._delay:
            loop.call_later(self._delay, accepted)
        else:
            accepted()


class Hook(Connection):
    """A connection to the bot's webhook; one request at a time. `done` gets the status, or 0 for a connection lost."""

    def __init__(self, done: Callable[["Hook", int], None]) -> None:
        super().__init__()
        self._done = done
        self._busy = False

    @property
    def usable(self) -> bool:
        return not self.transport.is_closing()

    def post(self, request: bytes) -> None:
        self._busy = True
        self.transport.write(request)

    def received(self, head: bytes, body: bytes) -> None:
        self._busy = False
        if _CLOSE.search(head):
            self.transport.close()
        self._done(self, int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._busy:
            self._done(self, 0)


def fields(head: bytes, body: bytes) -> Fields:
    """What a call says, however the bot's library writes it."""
    found = _TYPE.search(head)
    kind = found.group(1) if found else b""
    if kind.startswith(b"application/json"):
        return dict(orjson.loads(body)) if body else {}
    if kind.startswith(b"multipart/"):
        return _parts(kind, body)
    return dict(parse_qsl(body.decode()))


def _parts(kind: bytes, body: bytes) -> Fields:
    boundary = _BOUNDARY.search(kind)
    parts: Fields = {}
    for part in body.split(b"--" + boundary.group(1)) if boundary else ():
        head, _, value = part.partition(b"\r\n\r\n")
        if name := _PART_NAME.search(head):
            parts[name.group(1).decode()] = value[:-2].decode()
    return parts


def _body(buffer: bytearray, head: bytes, start: int) -> tuple[bytes | None, int]:
    """The body and where it ends; None while it is not all there."""
    if length := _LENGTH.search(head):
        stop = start + int(length.group(1))
        return (bytes(buffer[start:stop]), stop) if len(buffer) >= stop else (None, 0)
    return _chunks(buffer, start) if _CHUNKED.search(head) else (b"", start)


def _chunks(buffer: bytearray, at: int) -> tuple[bytes | None, int]:
    chunks = []
    while (end := buffer.find(b"\r\n", at)) >= 0:
        size = int(bytes(buffer[at:end]).split(b";")[0], 16)
        at = end + 2 + size + 2
        if len(buffer) < at:
            break
        chunks.append(bytes(buffer[end + 2 : at - 2]))
        if size == 0:
            return b"".join(chunks), at
    return None, 0
