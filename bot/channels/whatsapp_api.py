"""Calls to the Cloud API: one place that knows its address, the token, and what a refusal looks like."""

from collections.abc import Mapping
from typing import Any

from bot.channels.http import Caller, Unreached
from bot.channels.shape import Json, read_json, write_json
from bot.channels.whatsapp_errors import Meaning, meaning


class Refused(Exception):
    """The call failed; `meaning` says what that means. Holds no personal data."""

    def __init__(self, meaning: Meaning) -> None:
        super().__init__(meaning.reason)
        self.meaning = meaning


class Graph:
    """The Graph API under `base` (with its version), as the owner of `token`."""

    def __init__(self, base: str, token: str) -> None:
        self._base = base
        self._caller = Caller({"Authorization": f"Bearer {token}"})

    async def get(self, path: str, **params: str) -> Json:
        return await self._call("GET", path, params=params)

    async def post(self, path: str, body: Mapping[str, Any]) -> Json:
        return await self._call("POST", path, write_json(body))

    async def close(self) -> None:
        await self._caller.close()

    async def _call(self, method: str, path: str, body: bytes | None = None, params: Mapping[str, str] | None = None) -> Json:
        """The answer. Raises Refused."""
        try:
            status, raw = await self._caller.call(method, f"{self._base}/{path}", body, params)
        except Unreached as failure:  # whether it has arrived is not known: once too often is better than never
            raise Refused(Meaning("passing", f"the network: {failure}")) from None
        try:
            answer = read_json(raw)
        except (ValueError, RecursionError):
            answer = None
        if not 200 <= status < 300:
            raise Refused(meaning(status, answer))
        if not isinstance(answer, dict):
            raise Refused(Meaning("passing", "what answers there is not the Graph API: check OMSBOT_WHATSAPP_API_URL"))
        return answer
