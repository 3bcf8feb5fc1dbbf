"""Whether the database can be written, from the last real write or, when that is long ago or failed, from a probe."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

PATIENCE = 1.5  # seconds a question may wait for the probe's answer; then the answer is that it takes too long
TRUSTED = 30.0  # seconds a write that went well is taken as a sign that the next one will

MOVED = "SQLITE_READONLY_DBMOVED"  # SQLite's own name for it
DAMAGED = "damaged"

_WORDS = (
    (("READONLY_DBMOVED",), "the file was replaced"),
    (("FULL",), "the disk is full"),
    (("READONLY",), "read-only"),
    (("BUSY", "LOCKED"), "locked by another program"),
    (("NOTADB", "CORRUPT"), DAMAGED),
    (("IOERR",), "the disk fails"),
    (("CANTOPEN",), "cannot be opened"),
)
SLOW = "does not answer in time"


def word(error: BaseException) -> str:
    """Why the database cannot be used, without any value."""
    name = str(getattr(getattr(error, "orig", error), "sqlite_errorname", "")).removeprefix("SQLITE_")
    return next((said for names, said in _WORDS if name.startswith(names)), "unreachable")


class Health:
    """`probe` writes and raises what keeps it from writing."""

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self.trusted = TRUSTED
        self._probe = probe
        self._probing: asyncio.Task[str] | None = None
        self._trouble = ""
        self._at = float("-inf")

    @contextmanager
    def of_writing(self, is_outage: Callable[[BaseException], bool]) -> Iterator[None]:
        """Remembers how the write in the block went; refused data says nothing about the disk."""
        try:
            yield
        except Exception as error:
            if is_outage(error):
                self._trouble, self._at = word(error), time.monotonic()
            raise
        self._trouble, self._at = "", time.monotonic()

    async def trouble(self) -> str:
        """What keeps the database from being written, "" when nothing does. Answers within `PATIENCE`."""
        if not self._trouble and time.monotonic() - self._at < self.trusted:
            return ""
        # One probe at a time, and never cancelled: a driver stopped half-way would keep its lock.
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._ask())
        done, _ = await asyncio.wait([self._probing], timeout=PATIENCE)
        return self._probing.result() if done else self._trouble or SLOW

    async def _ask(self) -> str:
        try:
            await self._probe()
        except Exception as error:
            return word(error)
        return ""

    async def close(self) -> None:
        """Waits for a probe under way."""
        if self._probing:
            await asyncio.wait([self._probing])
