"""Calls to platforms by aiohttp itself: measured, httpx in front of it costs twice as much as the rest of a call."""

from collections.abc import Mapping

import aiohttp
import attrs

CONNECTIONS = 256  # rate times answer time, and a margin: 80/s at a second each, and as many again while it is slow
READ, CONNECT = 20.0, 10.0  # seconds to wait, unless said otherwise
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=2 * CONNECT, sock_connect=CONNECT, sock_read=READ)


class Unreached(Exception):
    """No answer came; whether the call took effect is not known. Holds the kind of failure only."""

    def __init__(self, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.timed_out = isinstance(error, TimeoutError)


class Caller:
    """Connections to one platform, opened by the first call and closed at the end."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self._headers = headers
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self, method: str, url: str, body: bytes | None = None, params: Mapping[str, str] | None = None, *, read: float = READ
    ) -> tuple[int, bytes]:
        """Status and body of the answer. `body` is JSON. Raises Unreached."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers, connector=aiohttp.TCPConnector(limit=CONNECTIONS), cookie_jar=aiohttp.DummyCookieJar()
            )
        headers = {"Content-Type": "application/json"} if body is not None else None
        timeout = _TIMEOUT if read == READ else attrs.evolve(_TIMEOUT, sock_read=read)
        try:
            async with self._session.request(
                method, url, data=body, params=params, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:  # ValueError: an address that is none
            raise Unreached(error) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
