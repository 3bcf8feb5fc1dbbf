"""python-telegram-bot's Bot, and plain calls beside it.

Reading and writing the library's own types costs more than the call itself, and one type it does not know yet keeps
`get_updates` from returning all the others: what happens with every message is plain JSON. Errors are the library's.
"""

from collections.abc import Mapping
from typing import Any

from telegram import Bot
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

from bot.channels.http import READ, Caller, Unreached
from bot.channels.shape import write_json


class _Payload:
    """As much of a RequestData as is used of one."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.json_payload = write_json(body)


class PlainRequest(BaseRequest):
    """Calls as JSON; all that is sent is text. Ready at once, `shutdown` ends it."""

    def __init__(self) -> None:
        self._caller = Caller({"User-Agent": self.USER_AGENT})

    @property
    def read_timeout(self) -> float:
        return READ

    async def initialize(self) -> None:
        """The first call opens the connections."""

    async def shutdown(self) -> None:
        await self._caller.close()

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, read_timeout: Any = None, *_: Any, **__: Any
    ) -> tuple[int, bytes]:
        """Raises TimedOut and NetworkError."""
        read = float(read_timeout) if isinstance(read_timeout, int | float) else READ
        try:
            return await self._caller.call(method, url, request_data.json_payload if request_data else b"{}", read=read)
        except Unreached as failure:
            raise (TimedOut() if failure.timed_out else NetworkError(str(failure))) from None


class Line:
    """A line to the Bot API: `bot` for calls by the library's types, `ask` for plain JSON. Whoever opens it closes it."""

    def __init__(self, token: str, api_url: str) -> None:
        self._request = PlainRequest()
        self.bot = Bot(token, base_url=f"{api_url}/bot", request=self._request, get_updates_request=self._request)

    async def ask(self, method: str, body: Mapping[str, Any], read: float = READ) -> object:
        """The `result` of the answer. Raises TelegramError, and KeyError or TypeError for what is no answer of Telegram's."""
        payload: Any = _Payload(body)
        return await self._request.post(f"{self.bot.base_url}/{method}", payload, read_timeout=read)

    async def close(self) -> None:
        await self._request.shutdown()
