"""The page of one request: how to reach the caller, what has happened, everything that can be done now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute

from bot.core.answers import ANY_TIME, read_email, read_name, read_phone, read_zone
from bot.core.markup import fill, plain
from bot.core.schedule import is_zone
from bot.staff import messages
from bot.staff.actions import ACTIONS, OUTCOMES, RESULTS, act, available
from bot.staff.desk import MAX_WORDS, Actor, Given, Refused
from bot.staff.gate import Gate, Visit, leave_for
from bot.staff.planning import Plan, Unclear
from bot.staff.refusals import said
from bot.staff.rows import Reader, answers_in_words, row, timeline
from bot.store import desk, outbox, requests, staff
from bot.store.outbox import Letter
from bot.store.requests import StoredRequest

PAGE = "/staff/requests/{reference}"
MESSAGE = "message"  # to the caller, beside the actions
_MESSAGES = 10  # to the caller that are listed


@dataclass(frozen=True, slots=True)
class Failure:
    """A form that was refused: it is shown again as it was sent, with the reason."""

    action: str
    why: str  # in the reader's words
    form: Mapping[str, str]
    status: int = 422


class Wrong(Exception):
    """A field holds nothing that can be used; the text is the key of the words that say so."""


class RequestPage:
    """One request, and the forms for it."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def routes(self) -> Sequence[BaseRoute]:
        return (self._gate.page(PAGE, self._look), self._gate.change(PAGE + "/{action}", self._act))

    async def _look(self, visit: Visit) -> Response:
        return await self._shown(visit)

    async def _act(self, visit: Visit) -> Response:
        name = visit.path["action"]
        if name not in ACTIONS and name != MESSAGE:
            raise HTTPException(404)
        words = self._gate.words(visit)
        try:
            async with self._gate.database.write() as connection:
                request = await self._found(connection, visit)
                if faster := await self._overtaken(connection, visit, request):
                    raise faster
                letters = await self._do(connection, visit, name, request)
        except Wrong as wrong:
            return await self._shown(visit, Failure(name, words(str(wrong)), visit.form))
        except Refused as refused:
            return await self._shown(visit, Failure(name, said(refused, words), visit.form, 409))
        self._gate.deliver(letters)
        return leave_for(f"/staff/requests/{request.reference}?done={name}")

    async def _do(self, connection: AsyncConnection, visit: Visit, name: str, request: StoredRequest) -> list[Letter]:
        """The letters to send once it is committed. Raises Refused, Wrong."""
        given, actor, desk_ = self._given(visit, request), Actor(visit.member.name, visit.member.admin), self._gate.desk
        if name == MESSAGE:
            return await messages.write(desk_, connection, request, given.words, actor, visit.now)
        return await act(desk_, connection, name, request, actor, visit.now, given)

    async def _found(self, connection: AsyncConnection, visit: Visit) -> StoredRequest:
        reference = visit.path["reference"]
        found = await requests.find(connection, self._gate.database.sealer, reference) if _plain(reference) else None
        if found is None:
            raise HTTPException(404)
        return found

    async def _overtaken(self, connection: AsyncConnection, visit: Visit, request: StoredRequest) -> Refused | None:
        """Who has changed the request since the page was made; None when it is as it was shown."""
        action = ACTIONS.get(visit.path["action"])
        adds = action is None or not (action.state or action.only_claimant)  # and changes nothing
        if adds or visit.form.get("seen", seen(request)) == seen(request):
            return None
        entries = await requests.history(connection, self._gate.database.sealer, request.id)
        last = next((entry for entry in reversed(entries) if entry.what != desk.VIEWED), None)
        who, event = (last.who, last.what) if last else ("?", "?")
        return Refused("beaten", who=who, reference=request.reference, event=event)

    def _given(self, visit: Visit, request: StoredRequest) -> Given:
        form = visit.form
        try:
            at = Plan(self._gate.desk.hours, visit.zone, visit.now).moment(form.get("plan", ""), form.get("exact", ""))
        except Unclear:
            raise Wrong("wrong-time") from None
        if at is not None and at <= visit.now:
            raise Wrong("wrong-past")
        if len(form.get("words", "")) > MAX_WORDS:
            raise Wrong("wrong-long")
        return Given(
            to=form.get("to", ""),
            result=form.get("result", ""),
            outcome=form.get("outcome", ""),
            at=at,
            words=form.get("words", ""),
            answers=self._corrected(visit, request) if visit.path["action"] == "correct" else {},
        )

    def _corrected(self, visit: Visit, request: StoredRequest) -> dict[str, str]:
        """The answers that were changed in the form, in stored form. Raises Wrong for one that cannot be read."""
        structure, code = self._gate.content.structure, visit.member.language
        read: Mapping[str, Callable[[str], str]] = {
            "name": read_name,
            "phone": lambda text: read_phone(text, structure.default_region),
            "email": read_email,
            "language": lambda text: text if text in structure.call_languages else "",
            "when": lambda text: text if text == ANY_TIME or text in structure.call_times else "",
            "zone": lambda text: text if is_zone(text) else read_zone(text, code),
        }
        changed = {}
        for name, reader in read.items():
            now_is = request.answers.get(name, "")
            shown = visit.form.get(f"was-{name}", now_is)  # what the form began with: the caller may have changed it since
            typed = visit.form.get(name, shown).strip()
            if typed in (shown, now_is):
                continue
            changed[name] = reader(typed)
            if typed and not changed[name]:
                raise Wrong(f"wrong-{name}")
        if not changed:
            raise Wrong("wrong-nothing")
        return changed

    async def _shown(self, visit: Visit, failure: Failure | None = None) -> Response:
        gate, database = self._gate, self._gate.database
        async with database.write() as connection:  # who has looked is noted before anything is shown
            request = await self._found(connection, visit)
            await desk.note_view(connection, request.id, visit.member.name, visit.now)
            history = await requests.history(connection, database.sealer, request.id)
            consent = await desk.consent(connection, request.contact)
            sent = await outbox.of_contact(connection, request.contact, _MESSAGES)
            window = await messages.window(gate.desk, connection, request, visit.now)
            people = [member.name for member in await staff.members(connection) if not member.disabled]
        reader = Reader(gate.words(visit), visit.zone, visit.now, gate.content)
        happened, looked = timeline(history, reader)
        plan = Plan(gate.desk.hours, visit.zone, visit.now)
        shown: dict[str, Any] = {
            "row": row(request, reader),
            "request": request,
            "seen": seen(request),
            "reach": self._reach(request),
            "answers": answers_in_words(request, reader),
            "consent": consent,
            "happened": happened,
            "looked": looked,
            "messages": [message for message in sent if message["state"] != "held"],
            "window": window,
            "canned": messages.canned(gate.desk, request),
            "actions": available(request, Actor(visit.member.name, visit.member.admin)),
            "people": people,
            "plans": {name: reader.words.moment(at, visit.zone) for name, at in plan.moments.items()},
            "results": RESULTS,
            "outcomes": OUTCOMES if request.attempts else tuple(name for name in OUTCOMES if name != "unreachable"),
            "languages_of_calls": gate.content.structure.call_languages,
            "windows": (ANY_TIME, *gate.content.structure.call_times),
            "labels": gate.content.language(visit.member.language).labels,
            "moment": lambda at: reader.words.moment(at, visit.zone),
            "longest": MAX_WORDS,
            "failure": failure,
            "done": _done(visit),
        }
        return await gate.show(visit, "request", status=failure.status if failure else 200, **shown)

    def _reach(self, request: StoredRequest) -> dict[str, str]:
        """The links that dial and write: `mailto:` with a subject and a greeting in the caller's language."""
        links = {"call": "", "mail": ""}
        if phone := request.answers.get("phone"):
            links["call"] = f"tel:{quote(phone, safe='+')}"
        if address := request.answers.get("email"):
            texts = self._gate.content.language(request.answers.get("language", request.language)).texts
            name, reference = request.answers.get("name", ""), request.reference
            subject, body = (plain(fill(texts[key], {"name": name, "reference": reference})) for key in ("mail-subject", "mail-greeting"))
            links["mail"] = f"mailto:{quote(address, safe='@')}?subject={quote(subject.strip())}&body={quote(body.strip() + chr(10) * 2)}"
        return links


def seen(request: StoredRequest) -> str:
    """The state a page shows, to tell when it is sent in whether it still is so."""
    return f"{request.state}:{request.claimed_by or ''}:{request.attempts}"


def _plain(reference: str) -> bool:
    return len(reference) <= 20 and reference.isascii() and reference.isprintable()


def _done(visit: Visit) -> str:
    done = visit.request.query_params.get("done", "")
    return done if done in ACTIONS or done == MESSAGE else ""
