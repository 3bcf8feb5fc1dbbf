"""Reading what comes from outside: of bounded size, and of whatever shape."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from pydantic_core import from_json, to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Json = Mapping[str, Any]


def read_json(raw: bytes) -> object:
    """Raises ValueError and RecursionError. Several times as fast as the standard library, which reads what is odd."""
    try:
        return from_json(raw, cache_strings="keys")
    except ValueError:  # half of a character, for example
        return json.loads(raw)


def write_json(body: Json) -> bytes:
    try:
        return to_json(body)
    except ValueError:
        return json.dumps(body).encode()


def part(whole: object, name: str, kind: Any = dict) -> Any:
    """`whole[name]` if it is there and exactly of that type, as JSON has them, else an empty one."""
    found = whole.get(name) if type(whole) is dict else None
    return found if type(found) is kind else kind()


class Hook:
    """An endpoint that many messages come by, so that whoever serves it may take a shorter way to `handle`."""

    def __init__(self, handle: Callable[[Request], Awaitable[Response]]) -> None:
        self.handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.handle(Request(scope, receive))
        await response(scope, receive, send)


async def together(work: Sequence[Awaitable[None]]) -> None:
    """Does all of it at once, begun in order, to the end. Raises the first failure then."""
    if len(work) == 1:  # as nearly always
        await work[0]
        return
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


BODY_SECONDS = 10.0  # a sender may take for a body
SMALL = 100_000  # bytes; larger bodies are read a few at a time, since anybody can begin one
LARGE = 4  # how many that is


async def read_body(request: Request, limit: int, large: asyncio.Semaphore | None = None) -> bytes:
    """The body of a request; bodies that are not small pass through `large`.

    Raises HTTPException: 413 beyond `limit` bytes, 400 when the sender goes away, 408 when they dawdle.
    """
    declared = request.headers.get("content-length", "")
    small = declared.isdecimal() and len(declared) < 10 and int(declared) <= SMALL
    try:
        async with asyncio.timeout(BODY_SECONDS), nullcontext() if small or large is None else large:
            return await _read(request, limit)
    except TimeoutError:
        raise HTTPException(408) from None


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400)
        body += message.get("body", b"")
        if len(body) > limit:
            raise HTTPException(413)
        if not message.get("more_body"):
            return bytes(body)
