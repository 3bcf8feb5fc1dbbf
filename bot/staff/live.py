"""Telling open pages that something has changed. One look at the database every few seconds, however many pages are open."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from bot.logs import place
from bot.staff.gate import Gate, Visit
from bot.staff.pages import HEADERS
from bot.store import desk
from bot.store.database import uninterrupted

EVERY = 3.0  # seconds between looks
MAX_STREAMS = 300
MAX_STREAMS_EACH = 4  # of one member: browsers open six connections to one server, and pages need some
_HEARTBEAT = 6  # looks without news until a sign of life is sent, and the session looked up again
_RETRY = 5000  # milliseconds until a browser whose stream broke opens it again

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class News:
    """What is told: no personal data."""

    latest: int  # number of the last thing that happened
    unassigned: int
    due: int


class Live:
    """The streams, and what they tell."""

    def __init__(self, gate: Gate, every: float) -> None:
        self._gate = gate
        self._every = every
        self._open: Counter[int] = Counter()
        self._closing = asyncio.Event()
        self._turn = asyncio.Lock()
        self._news = News(0, 0, 0)
        self._looked = -every  # when, by the loop's clock

    def routes(self) -> Sequence[BaseRoute]:
        return (self._gate.page("/staff/events", self._stream),)

    def close(self) -> None:
        """Ends all streams."""
        self._closing.set()

    async def _stream(self, visit: Visit) -> Response:
        if self._closing.is_set() or self._open.total() >= MAX_STREAMS:
            raise HTTPException(503)
        if self._open[visit.member.id] >= MAX_STREAMS_EACH:
            return Response(status_code=204)  # which tells a browser not to try again
        return StreamingResponse(self._tell(visit), media_type="text/event-stream", headers={**HEADERS, "X-Accel-Buffering": "no"})

    async def _tell(self, visit: Visit) -> AsyncIterator[str]:
        self._open[visit.member.id] += 1
        try:
            yield f"retry: {_RETRY}\n\n"
            told, silent = None, 0
            while not self._closing.is_set():
                news = await self._current()
                silent = 0 if news != told else silent + 1
                if silent % _HEARTBEAT == 0:
                    if await self._gate.member(visit.request, using=False) is None:
                        return
                    yield f"data: {json.dumps(asdict(news))}\n\n" if news != told else ": still here\n\n"
                told = news
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), self._every)
        finally:
            self._open[visit.member.id] -= 1

    async def _current(self) -> News:
        """The news as it was at most `every` seconds ago."""
        async with self._turn:
            now = asyncio.get_running_loop().time()
            if now - self._looked >= self._every:
                self._looked = now
                try:
                    self._news = await uninterrupted(self._look())
                except Exception as error:  # the database is away: pages keep what they show
                    log.warning("no_news_for_pages", error=place(error))
        return self._news

    async def _look(self) -> News:
        async with self._gate.database.read() as connection:
            latest = await desk.latest(connection)
            numbers = await desk.counts(connection, "", self._gate.clock())
        return News(latest, numbers["unassigned"], numbers["due"])
