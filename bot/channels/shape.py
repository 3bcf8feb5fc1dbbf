"""Reading what comes from outside: of bounded size, and of whatever shape."""

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

Json = Mapping[str, Any]


def part(whole: object, name: str, kind: Any = dict) -> Any:
    """`whole[name]` if it is there and of that type, else an empty one."""
    found = whole.get(name) if isinstance(whole, Mapping) else None
    return found if isinstance(found, kind) and not isinstance(found, bool) else kind()


async def read_body(request: Request, limit: int) -> bytes:
    """The body of a request. Raises HTTPException: 413 beyond `limit` bytes, 400 when the sender goes away."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise HTTPException(413)
    except ClientDisconnect:
        raise HTTPException(400) from None
    return bytes(body)
