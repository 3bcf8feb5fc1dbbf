"""Reading what comes from outside: of bounded size, and of whatever shape."""

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

Json = Mapping[str, Any]


def part(whole: object, name: str, kind: Any = dict) -> Any:
    """`whole[name]` if it is there and of that type, else an empty one."""
    found = whole.get(name) if isinstance(whole, Mapping) else None
    return found if isinstance(found, kind) and not isinstance(found, bool) else kind()


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
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise HTTPException(413)
    except ClientDisconnect:
        raise HTTPException(400) from None
    return bytes(body)
