"""A request in the words of whoever reads it: what is to be done when, what the caller's clock says, what has happened."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.core.answers import ANY_TIME, say, zone_of_region
from bot.core.country import region_of
from bot.core.library import Content
from bot.core.material import Structure
from bot.core.model import Session
from bot.core.scene import Scene
from bot.core.schedule import is_zone, spoken_city, zone_of
from bot.staff.pages import Words
from bot.store.desk import VIEWED
from bot.store.requests import Entry, StoredRequest

_NEXT = re.compile(r"next (\d{4}-\d\d-\d\d \d\d:\d\d) UTC")  # as actions.py notes it


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: their words, their clock, the content their labels come from."""

    words: Words
    zone: str
    now: datetime
    content: Content

    def topic(self, topic: str) -> str:
        return self.content.language(self.words.code).labels.get(f"option-topic-{topic}", topic)


@dataclass(frozen=True, slots=True)
class Row:
    """A request in the queue."""

    request: StoredRequest
    name: str
    speaks: str
    topic: str
    step: str  # when something must be done next, in words; "" when nothing is
    overdue: bool
    clock: str  # what the caller's clock says now; "" when their zone is not known
    place: str  # where that clock hangs
    suits: bool  # a call now fits what they wished


def row(request: StoredRequest, reader: Reader) -> Row:
    """The request as a line of the queue."""
    zone, is_open = caller_zone(request.answers), request.ended_at is None
    return Row(
        request=request,
        name=request.answers.get("name", ""),
        speaks=reader.words.language(request.answers.get("language", request.language)),
        topic=reader.topic(request.topic),
        step=_step(request, reader) if is_open else "",
        overdue=is_open and request.next_at <= reader.now,
        clock=reader.words.clock(reader.now, zone) if zone else "",
        place=spoken_city(zone, reader.words.code) if zone else "",
        suits=bool(zone) and suits(request.answers, reader.content.structure, reader.now),
    )


def _step(request: StoredRequest, reader: Reader) -> str:
    if request.next_at > reader.now:
        return reader.words.ahead(request.next_at, reader.now)
    return reader.words("overdue", length=reader.words.length(request.next_at, reader.now))


def caller_zone(answers: dict[str, str]) -> str:
    """The time zone the caller lives by; "" when nothing tells."""
    told = answers.get("zone", "")
    if is_zone(told):
        return told
    return zone_of_region(region_of(answers["phone"])) if answers.get("phone") else ""


def suits(answers: dict[str, str], structure: Structure, at: datetime) -> bool:
    """Whether the caller's clock is in the window they wished; for any time, between the first window and the last."""
    windows = structure.call_times
    if not windows:
        return True
    wished = windows.get(answers.get("when", ANY_TIME)) or (
        min(start for start, _ in windows.values()),
        max(end for _, end in windows.values()),
    )
    return wished[0] <= at.astimezone(zone_of(caller_zone(answers))).time() < wished[1]


def answers_in_words(request: StoredRequest, reader: Reader) -> list[tuple[str, str, str]]:
    """The question's id, its label and the answer, for every question that was answered."""
    scene = Scene(reader.content, Session(language=reader.words.code), reader.now)
    labels, zone = scene.language.labels, caller_zone(request.answers)
    return [
        (question.id, labels[f"question-{question.id}"], say(question, answer, zone or reader.zone, scene))
        for question in scene.structure.questions
        if (answer := request.answers.get(question.id))
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the history as it is read."""

    at: datetime
    moment: str
    who: str
    what: str
    about: str
    words: str


def timeline(history: Sequence[Entry], reader: Reader) -> tuple[list[Line], list[Line]]:
    """What has happened, the newest first; and apart from it, who has looked."""
    lines = [_line(entry, reader) for entry in reversed(history)]
    looked = [entry.what == VIEWED for entry in reversed(history)]
    happened = [line for line, only in zip(lines, looked, strict=True) if not only]
    return happened, [line for line, only in zip(lines, looked, strict=True) if only]


def _line(entry: Entry, reader: Reader) -> Line:
    words = reader.words
    who = words.named("who", entry.who)
    return Line(entry.at, words.moment(entry.at, reader.zone), who, words.named("event", entry.what), _about(entry, reader), entry.words)


def _about(entry: Entry, reader: Reader) -> str:
    """The note of a line in the reader's words: results and outcomes by name, times by their clock."""
    planned = _NEXT.search(entry.note)
    told = _NEXT.sub("", entry.note).strip()
    kind = {"attempt": "result", "close": "outcome", "closed": "outcome"}.get(entry.what, "about")
    said = ", ".join(reader.words.named(kind, part.strip()) for part in told.split(",")) if told else ""
    if planned:
        at = datetime.strptime(planned[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        said = ", ".join(filter(None, (said, reader.words("planned", at=reader.words.moment(at, reader.zone)))))
    return said
