"""Made-up people who ask for a call: what they do, what they have to read after it, and what they have read."""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

# Numbers that belong to nobody: Ofcom keeps the last thousand of each of these for drama.
_AREAS = ("20 7946", "113 496", "114 496", "116 496", "117 496", "118 496", "121 496", "131 496", "141 496", "151 496", "161 496")
_NUMBER = re.compile(r"\+44[\d ]+")
_REFERENCE = re.compile(r"OMS-[0-9A-Z-]+")
REACHED = "has reached us"


class Step(NamedTuple):
    """What somebody does: a text, or a button with this label or id. The hasty type labels too, without waiting."""

    does: str
    press: bool = False


class Answer(NamedTuple):
    """A message of the bot, known by a few words."""

    words: str
    step: int  # that it answers
    part: bool = False  # the second of two messages that are one letter


@dataclass(frozen=True)
class Sight:
    """One message as it was seen."""

    answer: int  # which one, -1: none of those the person should ever see
    done: int  # steps they had done by then
    at: float
    text: str


@dataclass(eq=False)
class Caller:
    """`hasty`: does all steps at once and does not wait for answers."""

    name: str
    phone: str
    steps: list[Step]
    answers: list[Answer]
    hasty: bool = False
    done: int = 0
    seen: list[Sight] = field(default_factory=list)
    trace: list[tuple[float, str]] = field(default_factory=list)
    side: Any = None  # the platform's person
    events: list[Any] = field(default_factory=list)  # as delivered, to be delivered again
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def sees(self, text: str) -> None:
        answer = next((number for number, answer in enumerate(self.answers) if answer.words in text), -1)
        self.seen.append(Sight(answer, self.done, time.monotonic(), text))
        self.trace.append((time.monotonic(), f"sees {answer}: {text.strip()[:50]!r}"))
        self.news.set()

    def does(self, what: str) -> None:
        """Noted before it is done, so that no answer can come earlier."""
        self.done += 1
        self.trace.append((time.monotonic(), f"does {what!r}"))

    @property
    def furthest(self) -> int:
        return max((sight.answer for sight in self.seen), default=-1)

    async def answered(self) -> None:
        """Returns when the last message that answers the last step has been seen."""
        last = max(number for number, answer in enumerate(self.answers) if answer.step < self.done)
        while self.furthest < last:
            self.news.clear()
            await self.news.wait()

    @property
    def references(self) -> set[str]:
        """What they were told their request is called."""
        return {found for sight in self.seen if REACHED in sight.text for found in _REFERENCE.findall(sight.text)}

    def missed(self) -> Iterator[str]:
        """Answers never seen."""
        seen = {sight.answer for sight in self.seen}
        yield from (answer.words for number, answer in enumerate(self.answers) if answer.step < self.done and number not in seen)

    def disordered(self) -> Iterator[str]:
        """Answers that came before what they answer, or with one left out before them. Repeated ones are allowed."""
        before = -1
        for sight in self.seen:
            if sight.answer > before + 1:
                yield f"{self.answers[sight.answer].words!r} after {self.answers[before].words!r}"
            if sight.answer >= 0 and self.answers[sight.answer].step >= sight.done:
                yield f"{self.answers[sight.answer].words!r} before it was asked for"
            before = sight.answer

    def foreign(self) -> Iterator[str]:
        """What was meant for somebody else."""
        for sight in self.seen:
            numbers = {"+" + re.sub(r"\D", "", number) for number in _NUMBER.findall(sight.text)}
            named = "Is this right?" not in sight.text or self.name in sight.text
            if sight.answer < 0 or numbers - {self.phone} or not named:
                yield f"sight {self.seen.index(sight)}: {sight.text[:80]!r}"

    @property
    def repeated(self) -> int:
        return len(self.seen) - len({sight.answer for sight in self.seen})

    @property
    def letters(self) -> int:
        """Rows of the outbox their steps make."""
        return sum(answer.step < self.done and not answer.part for answer in self.answers)


def phones() -> Iterator[str]:
    """+44…, each once."""
    for number in count():
        yield f"+44 {_AREAS[number // 1000]} {number % 1000:04}".replace(" ", "")
