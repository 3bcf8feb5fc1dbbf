"""The conversation in a terminal: `oms-bot chat`. A pull channel with one person, for trying texts out."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from starlette.routing import BaseRoute

from bot.channels.base import Delivery, History, Kept, NotSent, Submit
from bot.core.markup import plain
from bot.core.model import Event, Inbound, Press, Profile, Reply, Started, Text

NAME = "terminal"


def show(reply: Reply) -> str:
    """A reply as text: buttons are numbered, and the numbers can be typed."""
    rows = [f"  {number}. {button.label}" for number, button in enumerate(reply.buttons, 1) if button.kind == "press"]
    return "\n".join([plain(reply.body), "", *rows])


class Terminal:
    """The channel: `talk` hands in a line and returns the answers to it."""

    name = NAME
    pull = True
    window = None

    def __init__(self, submit: Submit, history: History, chat_of: Callable[[str], str]) -> None:
        self._submit = submit
        self._history = history
        self._chat_of = chat_of
        self._shown: int | None = None  # the newest message shown; None until the first line

    def routes(self) -> Sequence[BaseRoute]:
        return ()

    async def run(self) -> None:
        """Lines come from `talk`."""

    def reserve(self, address: str) -> float:
        return 0.0

    async def send(self, delivery: Delivery) -> str:
        raise NotSent("people fetch their messages here", permanent=True)

    def arrived(self, chat: str) -> None:
        """`talk` looks by itself."""

    def trouble(self) -> str:
        return ""

    def close_streams(self) -> None:
        """There are none."""

    async def close(self) -> None:
        """Nothing is open."""

    async def talk(self, who: str, line: str) -> list[Reply]:
        """The answers to `line` from the person called `who`; an empty line opens the conversation."""
        if self._shown is None:
            before = await self._history(self._chat_of(who), 0)
            self._shown = before[-1].id if before else 0
        event: Event = Text(line) if line else Started()
        if line.startswith(":"):  # a button id, for authors who test an old button
            event = Press(line[1:])
        await self._submit(Inbound(NAME, who, uuid4().hex, datetime.now(UTC), event, Profile(language="en")))
        kept: Sequence[Kept] = await self._history(self._chat_of(who), self._shown)
        if kept:
            self._shown = kept[-1].id
        return [each.reply for each in kept]
