"""The queue in its views, and the search. What is searched for is a person's data: it comes by POST and stands in no address."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, get_args

from starlette.responses import Response
from starlette.routing import BaseRoute

from bot.core.library import Content
from bot.staff.gate import HOME, Gate, Visit, leave_for, page_number
from bot.staff.rows import Reader, row
from bot.store import desk, staff
from bot.store.desk import View, Wanted

PAGE = 50  # requests
MAX_TEXT = 100  # letters of a search
_FIRST: View = "all"
SEARCH = "/staff/search"


class Queue:
    """The pages that list requests."""

    def __init__(self, gate: Gate, channels: Sequence[str]) -> None:
        self._gate = gate
        self._channels = channels

    def routes(self) -> Sequence[BaseRoute]:
        return (self._gate.page(HOME, self._list), self._gate.change(SEARCH, self._search), self._gate.page(SEARCH, self._leave))

    async def _leave(self, visit: Visit) -> Response:
        """An address that was kept of a search finds nothing: what was searched for does not stand in it."""
        return leave_for(HOME)

    async def _list(self, visit: Visit) -> Response:
        asked = visit.request.query_params
        wanted, page = wanted_of(asked, visit.member.name), page_number(asked.get("page", ""))
        await self._note(visit, f"{wanted.view}, page {page + 1}")
        async with self._gate.database.read() as connection:
            found = await desk.page(connection, self._gate.database, wanted, visit.now, limit=PAGE + 1, skip=page * PAGE)
        return await self._show(visit, wanted, found, page)

    async def _note(self, visit: Visit, about: str) -> None:
        """Names stand in the list: that somebody sees it is noted before, unless they just have. An open page asks again and again."""
        line = (visit.member.name, "saw the queue")
        async with self._gate.database.read() as connection:
            if await staff.noted(connection, *line, about, visit.now - desk.ONE_VIEW):
                return
        async with self._gate.database.write() as connection:
            await staff.note(connection, *line, visit.now, about)

    async def _search(self, visit: Visit) -> Response:
        wanted, page = (
            wanted_of(visit.form, visit.member.name, searched(visit.form)),
            page_number(visit.form.get("page", "")),
        )
        async with self._gate.database.read() as connection:  # callers' messages do not wait for it
            found = await desk.page(connection, self._gate.database, wanted, visit.now, limit=PAGE + 1, skip=page * PAGE)
        if wanted.text:
            async with self._gate.database.write() as connection:
                await staff.note(connection, visit.member.name, "searched", visit.now, f"{min(len(found), PAGE)} found")
        else:
            await self._note(visit, f"{wanted.view}, page {page + 1}")
        return await self._show(visit, wanted, found, page)

    async def _show(self, visit: Visit, wanted: Wanted, found: Sequence[Any], page: int) -> Response:
        reader = Reader(self._gate.words(visit), visit.zone, visit.now, self._gate.content)
        topic = self._gate.content.structure.question("topic")
        filters = {
            "language": {code: reader.words.language(code) for code in _languages(self._gate.content)},
            "topic": {option: reader.topic(option) for option in (topic.options if topic else ())},
            "channel": {name: reader.words.named("channel", name) for name in self._channels},
        }
        rows = [row(request, reader) for request in found[:PAGE]]
        return await self._gate.show(
            visit, "queue", wanted=wanted, rows=rows, page=page, more=len(found) > PAGE, filters=filters, views=get_args(View)
        )


def _languages(content: Content) -> Collection[str]:
    """What calls may be held in; and what chats are, for a request that does not say."""
    return dict.fromkeys((*content.structure.call_languages, *content.languages))


def searched(form: Mapping[str, str]) -> str:
    """What is searched for, "" for nothing."""
    return form.get("text", "")[:MAX_TEXT].strip()


def wanted_of(asked: Mapping[str, str], who: str, text: str = "") -> Wanted:
    """What is to be listed, as an address or a form says it; what makes no sense is left out."""
    view = next((view for view in get_args(View) if view == asked.get("view")), _FIRST)
    language, topic, channel = (asked.get(name, "")[:20].replace("\0", "") for name in ("language", "topic", "channel"))
    return Wanted(view, who, text, language, topic, channel)
