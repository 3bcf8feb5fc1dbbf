"""The list of the queue, whole, as a file for spreadsheets. Who took one along, and how much, stands in the audit trail."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from bot.core.schedule import zone_of
from bot.staff.console_queue import searched, wanted_of
from bot.staff.gate import HOME, Gate, Visit, leave_for
from bot.staff.pages import HEADERS
from bot.staff.rows import Reader
from bot.staff.sheets import FORMATS
from bot.store import desk, requests, staff
from bot.store.database import Database, uninterrupted
from bot.store.requests import StoredRequest

EXPORT = "/staff/export"
BATCH = 200  # requests that are opened at once
COLUMNS = (
    "reference", "state", "name", "phone", "email", "channel", "language", "when", "zone", "who", "topic",
    "created", "due", "next", "claimed", "attempts", "first-attempt", "ended", "outcome",
)  # fmt: skip


class Export:
    """Where the list is taken from."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def routes(self) -> Sequence[BaseRoute]:
        return (self._gate.change(EXPORT, self._take), self._gate.page(EXPORT, self._leave))

    async def _leave(self, visit: Visit) -> Response:
        """There is nothing to look at."""
        return leave_for(HOME)

    async def _take(self, visit: Visit) -> Response:
        ending, wanted = visit.form.get("format", ""), wanted_of(visit.form, visit.member.name, searched(visit.form))
        if ending not in FORMATS:
            raise HTTPException(400)
        make, kind = FORMATS[ending]
        view = "search" if wanted.text else wanted.view
        async with self._gate.database.read() as connection:
            numbers = await desk.numbers(connection, self._gate.database, wanted, visit.now)
        async with self._gate.database.write() as connection:
            await staff.note(connection, visit.member.name, "exported", visit.now, f"{len(numbers)}, {view}, {ending}")
        zone = self._gate.desk.hours.zone
        reader = Reader(self._gate.words(visit), zone, visit.now, self._gate.content)
        name = f"requests-{view}-{visit.now.astimezone(zone_of(zone)):%Y-%m-%d}.{ending}"
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(make(_rows(self._gate.database, numbers, reader)), media_type=kind, headers=headers)


async def _rows(database: Database, numbers: Sequence[int], reader: Reader) -> AsyncIterator[Sequence[Sequence[str]]]:
    """The heading, then the requests; one that has been erased meanwhile is left out."""
    yield [[reader.words(f"export-{column}") for column in COLUMNS]]
    for first in range(0, len(numbers), BATCH):
        yield await uninterrupted(_some(database, numbers[first : first + BATCH], reader))


async def _some(database: Database, numbers: Sequence[int], reader: Reader) -> Sequence[Sequence[str]]:
    async with database.read() as connection:
        found = {request.id: request for request in await requests.of_ids(connection, database.sealer, numbers)}
    return [_cells(found[number], reader) for number in numbers if number in found]


def _cells(request: StoredRequest, reader: Reader) -> tuple[str, ...]:
    """In the order of COLUMNS."""
    words, answers = reader.words, request.answers
    labels = reader.content.language(words.code).labels

    def chosen(question: str) -> str:
        option = answers.get(question, "")
        return labels.get(f"option-{question}-{option}", option)

    return (
        request.reference, words(f"state-{request.state}"), *(answers.get(name, "") for name in ("name", "phone", "email")),
        words.named("channel", request.channel), words.language(answers.get("language", request.language)),
        chosen("when"), answers.get("zone", ""), chosen("who"), reader.topic(request.topic),
        _moment(request.created_at, reader), _moment(request.due_at, reader),
        _moment(None if request.ended_at else request.next_at, reader), request.claimed_by or "", str(request.attempts),
        _moment(request.first_attempt_at, reader), _moment(request.ended_at, reader),
        words.named("outcome", request.outcome) if request.outcome else "",
    )  # fmt: skip


def _moment(at: datetime | None, reader: Reader) -> str:
    """In the office's time, as spreadsheets of every language read it."""
    return f"{at.astimezone(zone_of(reader.zone)):%Y-%m-%d %H:%M}" if at else ""
