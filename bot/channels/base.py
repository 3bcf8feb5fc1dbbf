"""What a channel is. Channels know core types and their platform; the app hands them whatever else they call."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from starlette.routing import BaseRoute

from bot.core.model import Errand, Inbound, Receipt, Reply

# Hands an event to the turnstile; returns once it is committed. Raises Unavailable when it could not be.
Submit = Callable[[Inbound], Awaitable[None]]

# Hands on what a platform says about sent messages; returns once it is committed. Raises Unavailable too.
Report = Callable[[Sequence[Receipt]], Awaitable[None]]

# Hands on what staff want of the desk; returns what to tell them, once it is committed. Raises Unavailable too.
Errands = Callable[[Errand], Awaitable[str]]

# Returns once this instance is the one that does what only one may do.
Turn = Callable[[], Awaitable[None]]


async def alone() -> None:
    """The turn of an instance that is the only one."""


class Unavailable(Exception):
    """The event was not taken in: tell the platform to deliver it again. `retry_after` in seconds."""

    def __init__(self, retry_after: float = 5) -> None:
        super().__init__("the event was not taken in")
        self.retry_after = retry_after


class NotSent(Exception):
    """A message could not be delivered. `permanent`: trying again is useless. Holds no personal data.

    `passing`: the platform is at fault (away, busy, a revoked token) and not the message, so this try does not count.
    """

    def __init__(
        self, reason: str, *, permanent: bool = False, gone: bool = False, passing: bool = False, retry_after: float = 0, parts: int = 0
    ) -> None:
        super().__init__(reason)
        self.parts = parts  # of the message that were delivered, if it has several
        self.permanent = permanent or gone
        self.passing = passing
        self.gone = gone  # the person blocked us or is no more: stop writing to them
        self.retry_after = retry_after  # seconds the platform asks us to wait, 0: our own back-off


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message for a channel to deliver."""

    address: str
    reply: Reply
    origin: str = ""  # the message it may replace, when `reply.in_place`
    late: bool = False  # the channel's window for free words has closed
    parts: int = 0  # of it that were delivered before
    number: int = 0  # of the letter: the same at every try


@dataclass(frozen=True, slots=True)
class Kept:
    """One message that waits to be fetched."""

    id: int
    reply: Reply
    at: datetime


# The newest messages of a chat with an id above the given one, oldest first.
History = Callable[[str, int], Awaitable[Sequence[Kept]]]


class Channel(Protocol):
    """One messenger. `pull`: people fetch their messages, nothing is sent to them."""

    @property
    def name(self) -> str: ...

    @property
    def pull(self) -> bool: ...

    @property
    def window(self) -> timedelta | None:
        """For how long after somebody's last message they may be written to freely; None: always."""
        ...

    def routes(self) -> Sequence[BaseRoute]:
        """The HTTP routes it needs."""
        ...

    async def run(self) -> None:
        """Receives until cancelled (a poller); returns at once when events come in by routes."""
        ...

    def reserve(self, address: str) -> float:
        """Seconds to wait before the next message to this address, whose turn is kept."""
        ...

    async def send(self, delivery: Delivery) -> str:
        """Delivers or raises NotSent. What receipts will call the message; "" where the platform sends none."""
        ...

    def arrived(self, chat: str) -> None:
        """Something waits for `chat` to fetch it (pull channels only)."""
        ...

    def trouble(self) -> str:
        """What keeps it from working, in words for the operator; "" when all is well."""
        ...

    def close_streams(self) -> None:
        """Ends answers without end, so that the server can stop."""
        ...

    async def close(self) -> None: ...
