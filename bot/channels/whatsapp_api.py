"""Calls to the Cloud API: one place that knows its address, the token, and what a refusal looks like."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport

from bot.channels.shape import Json
from bot.channels.whatsapp_errors import Meaning, meaning

_CONNECTIONS = 256  # rate times answer time, and a margin: 80/s at a second each, and as many again while it is slow
_TIMEOUT = httpx.Timeout(20.0, connect=10.0, pool=10.0)


class Refused(Exception):
    """The call failed; `meaning` says what that means. Holds no personal data."""

    def __init__(self, meaning: Meaning) -> None:
        super().__init__(meaning.reason)
        self.meaning = meaning


class Graph:
    """The Graph API under `base` (with its version), as the owner of `token`."""

    def __init__(self, base: str, token: str) -> None:
        self._base = base
        # The aiohttp transport carries several times as many calls as the default one [DESIGN 7].
        transport = AiohttpTransport(limits=httpx.Limits(max_connections=_CONNECTIONS))
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._client = httpx.AsyncClient(transport=transport, headers=headers, timeout=_TIMEOUT, trust_env=False)

    async def get(self, path: str, **params: str) -> Json:
        return await self._call("GET", path, params=params)

    async def post(self, path: str, body: Mapping[str, Any]) -> Json:
        return await self._call("POST", path, content=json.dumps(body))

    async def close(self) -> None:
        await self._client.aclose()

    async def _call(self, method: str, path: str, **more: Any) -> Json:
        """The answer. Raises Refused."""
        try:
            response = await self._client.request(method, f"{self._base}/{path}", **more)
        except httpx.HTTPError as error:  # whether it has arrived is not known: once too often is better than never
            raise Refused(Meaning("passing", f"the network: {type(error).__name__}")) from None
        try:
            answer = response.json()
        except (ValueError, RecursionError):
            answer = None
        if not response.is_success:
            raise Refused(meaning(response.status_code, answer))
        if not isinstance(answer, dict):
            raise Refused(Meaning("passing", "what answers there is not the Graph API: check OMSBOT_WHATSAPP_API_URL"))
        return answer
