"""How python-telegram-bot's Bot makes its calls here."""

from typing import Any

from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

from bot.channels.http import READ, Caller, Unreached


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
