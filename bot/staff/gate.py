"""Who may pass into the console: a session for every page, our own origin for every change, forms of bounded size."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.channels.shape import read_body
from bot.core.library import Content
from bot.core.schedule import is_zone
from bot.staff.accounts import Accounts
from bot.staff.auth import Auth
from bot.staff.desk import Desk
from bot.staff.pages import HEADERS, Pages, Words, preferred
from bot.staff.passwords import Passwords
from bot.store.database import Database, uninterrupted
from bot.store.desk import counts
from bot.store.outages import is_outage
from bot.store.outbox import Letter
from bot.store.staff import Member

HOME = "/staff/"
SIGN_IN = "/staff/sign-in"
COOKIE = "omsbot_staff"
ZONE_COOKIE = "omsbot_zone"  # the browser's time zone, as the page's script tells it
BY_ITSELF = "x-by-itself"  # header of what a page asks for without anybody having touched it
MAX_BODY = 32_768  # bytes of a form
MAX_FIELDS = 60
_MAX_PAGES = 10_000
_KEEPS = "/staff/requests/"  # below are the forms whose words come back after a sign-in; in others there are passwords

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request to the console by somebody who is signed in."""

    request: Request
    member: Member
    now: datetime
    zone: str  # of the reader
    form: Form = field(default_factory=dict)  # empty when it only looks

    @property
    def path(self) -> dict[str, Any]:
        return self.request.path_params


Deliver = Callable[[list[Letter]], None]  # hands letters that are committed to the outbox
Handler = Callable[[Visit], Awaitable[Response]]


class Gate:
    """What all parts of the console share, and the way into them."""

    def __init__(self, desk: Desk, deliver: Deliver, public_url: str, clock: Callable[[], datetime], passwords: Passwords) -> None:
        self.desk = desk
        self.deliver = deliver
        self.auth = Auth(desk.database, passwords)
        self.accounts = Accounts(desk.database, passwords)
        self.pages = Pages()
        self._public = urlsplit(public_url)
        self.clock = clock

    @property
    def database(self) -> Database:
        return self.desk.database

    @property
    def content(self) -> Content:
        return self.desk.shelf.content

    @property
    def secure(self) -> bool:
        """Whether browsers reach us by https."""
        return self._public.scheme == "https"

    def page(self, path: str, handler: Handler, *, admin: bool = False) -> Route:
        """A page to look at."""

        async def look(request: Request) -> Response:
            member = await self.member(request)
            if member is None:
                there = request.url.path if request.url.path != "/staff" else HOME
                return leave_for(f"{SIGN_IN}?next={there}" if there != HOME else SIGN_IN)
            return await uninterrupted(self._answer(self._visit(request, member), handler, admin=admin))

        return Route(path, look, methods=["GET"])

    def change(self, path: str, handler: Handler, *, admin: bool = False) -> Route:
        """A form that is sent in; whose session has ended meanwhile keeps what they typed about a request."""

        async def take(request: Request) -> Response:
            language = preferred(request.headers.get("accept-language", ""))
            try:
                self.require_own_origin(request)
                form = await read_form(request)
            except HTTPException as error:
                return self.trouble(language, error.status_code)
            member = await self.member(request)
            if member is None:
                kept, there = (form, request.url.path) if request.url.path.startswith(_KEEPS) else ({}, HOME)
                return self.pages("sign-in", language, status=401, next=there, kept=kept, needs_code=False, name="", error="ended")
            return await uninterrupted(self._answer(self._visit(request, member, form), handler, admin=admin))

        return Route(path, take, methods=["POST"])

    async def _answer(self, visit: Visit, handler: Handler, *, admin: bool) -> Response:
        try:
            if admin and not visit.member.admin:
                raise HTTPException(403)
            return await handler(visit)
        except HTTPException as error:
            return self.trouble(visit.member.language, error.status_code)
        except Exception as error:
            if not is_outage(error):
                raise
            return self.trouble(visit.member.language, 503)

    def trouble(self, language: str, status: int) -> Response:
        """A page that says in words what the status means."""
        known = status if status in (403, 404, 413, 429, 503) else 400
        return self.pages("trouble", language, status=status, code=known)

    async def member(self, request: Request, *, using: bool = True) -> Member | None:
        """Who asks; None when nobody is signed in. A page that asks by itself does not keep the session alive."""
        using = using and BY_ITSELF not in request.headers
        return await self.auth.member(request.cookies.get(COOKIE, ""), self.clock(), using=using)

    def _visit(self, request: Request, member: Member, form: Form | None = None) -> Visit:
        zone = unquote(request.cookies.get(ZONE_COOKIE, ""))[:50]
        return Visit(request, member, self.clock(), zone if is_zone(zone) else self.desk.hours.zone, form or {})

    def require_own_origin(self, request: Request) -> None:
        """Raises HTTPException (403) unless the form was on a page of ours."""
        origin = request.headers.get("origin") or request.headers.get("referer", "")
        try:
            came_from = urlsplit(origin)
        except ValueError:
            raise HTTPException(403) from None
        if came_from.netloc and came_from.netloc == self._public.netloc:
            own = came_from.scheme == self._public.scheme  # whoever can change what comes by http is not us
        else:
            own = came_from.netloc != "" and came_from.netloc == request.headers.get("host", "")
        if not own:
            raise HTTPException(403)

    def words(self, visit: Visit) -> Words:
        return self.pages.words.get(visit.member.language) or next(iter(self.pages.words.values()))

    async def show(self, visit: Visit, page: str, /, *, status: int = 200, **values: Any) -> Response:
        """A page with the navigation around it."""
        async with self.database.read() as connection:
            numbers = await counts(connection, visit.member.name, visit.now)
        common = {"me": visit.member, "now": visit.now, "zone": visit.zone, "counts": numbers, "here": visit.request.url.path}
        return self.pages(page, visit.member.language, status=status, **common, **values)


async def read_form(request: Request) -> Form:
    """The fields of a form, the first of each name. Raises HTTPException for one that is too large or none at all."""
    body = await read_body(request, MAX_BODY)
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace")
    except ValueError:
        raise HTTPException(400) from None
    return {name: _line_ends(value) for name, value in reversed(fields)}


def _line_ends(text: str) -> str:
    """Browsers send line ends of typewriters; no database wants NUL."""
    return text.replace("\r\n", "\n").replace("\0", "")


def leave_for(path: str) -> Response:
    return RedirectResponse(path, 303, headers=HEADERS)


def own_path(text: str) -> str:
    """`text` if it is a path within the console, else the console's beginning."""
    plain = text.isascii() and text.isprintable() and len(text) <= 200 and "\\" not in text and "//" not in text
    return text if plain and text.startswith(HOME) and ".." not in text else HOME


def page_number(text: str) -> int:
    """Which page of a long list is asked for; the first one when that makes no sense."""
    return min(int(text), _MAX_PAGES) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
