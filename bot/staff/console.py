"""The web console of staff under /staff/: its routes, and the way in and out. Each subject has a module of its own."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http.cookies import SimpleCookie

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.staff.auth import SignInRefused
from bot.staff.console_account import Account
from bot.staff.console_admin import Admin
from bot.staff.console_queue import Queue
from bot.staff.console_request import RequestPage
from bot.staff.desk import Desk
from bot.staff.export import Export
from bot.staff.gate import COOKIE, HOME, SIGN_IN, Deliver, Form, Gate, Visit, leave_for, own_path, read_form
from bot.staff.live import EVERY, Live
from bot.staff.pages import HERE, preferred
from bot.staff.passwords import Passwords
from bot.staff.statistics import StatisticsPage

_KEPT = "kept:"  # begins the names of fields that somebody had typed when their session was found to have ended


def _now() -> datetime:
    return datetime.now(UTC)


class Console:
    """Everything under /staff/. `channels` are those a request may have come by, `public_url` is where browsers find us; open pages hear
    of news after `every` seconds."""

    def __init__(
        self,
        desk: Desk,
        deliver: Deliver,
        channels: Sequence[str],
        public_url: str = "",
        *,
        clock: Callable[[], datetime] = _now,
        passwords: Passwords | None = None,
        every: float = EVERY,
    ) -> None:
        self._gate = Gate(desk, deliver, public_url, clock, passwords or Passwords())
        self._live = Live(self._gate, every)
        self._parts = (
            Queue(self._gate, channels), Export(self._gate), StatisticsPage(self._gate),
            RequestPage(self._gate), Account(self._gate), Admin(self._gate), self._live,
        )  # fmt: skip

    def routes(self) -> Sequence[BaseRoute]:
        return (
            Mount("/staff/static", StaticFiles(directory=HERE / "static")),
            Route(SIGN_IN, self._ask, methods=["GET"]),
            Route(SIGN_IN, self._sign_in, methods=["POST"]),
            Route("/staff/sign-out", self._sign_out, methods=["POST"]),
            *(route for part in self._parts for route in part.routes()),
            self._gate.page("/staff", self._begin),
            self._gate.page("/staff/{rest:path}", self._nowhere),
        )

    def close_streams(self) -> None:
        """Ends answers without end, so that the server can stop."""
        self._live.close()

    async def _begin(self, visit: Visit) -> Response:
        return leave_for(HOME)

    async def _nowhere(self, visit: Visit) -> Response:
        raise HTTPException(404)

    async def _ask(self, request: Request) -> Response:
        there = own_path(request.query_params.get("next", ""))
        if await self._gate.member(request):
            return leave_for(there)
        return self._asked(request, there)

    async def _sign_in(self, request: Request) -> Response:
        language = preferred(request.headers.get("accept-language", ""))
        try:
            self._gate.require_own_origin(request)
            form = await read_form(request)
        except HTTPException as error:
            return self._gate.trouble(language, error.status_code)
        there = own_path(form.get("next", ""))
        kept = {name.removeprefix(_KEPT): value for name, value in form.items() if name.startswith(_KEPT)}
        where = request.client.host if request.client else ""
        name, password, code = (form.get(field, "") for field in ("name", "password", "code"))
        try:
            token = await self._gate.auth.sign_in(name, password, code, where, self._gate.clock())
        except SignInRefused as refused:
            return self._asked(request, there, kept, form, refused)
        await self._gate.auth.sign_out(request.cookies.get(COOKIE, ""), self._gate.clock())  # what it was signed in with before
        response = self._gate.pages("again", language, path=there, kept=kept) if kept else leave_for(there)
        response.headers["Set-Cookie"] = self._cookie(token)
        return response

    def _asked(
        self, request: Request, there: str, kept: Form | None = None, form: Form | None = None, refused: SignInRefused | None = None
    ) -> Response:
        """The form for signing in, once more with what was typed when it was refused; never with the password."""
        language = preferred(request.headers.get("accept-language", ""))
        name = (form or {}).get("name", "")[:100]
        minutes = int(refused.wait.total_seconds() // 60) + 1 if refused else 0
        return self._gate.pages(
            "sign-in",
            language,
            status=401 if refused else 200,
            next=there,
            kept=kept or {},
            name=name,
            needs_code=refused is not None and refused.refusal in ("code", "wrong code"),
            error=refused.refusal if refused else "",
            minutes=minutes,
        )

    async def _sign_out(self, request: Request) -> Response:
        try:
            self._gate.require_own_origin(request)
        except HTTPException as error:
            return self._gate.trouble(preferred(request.headers.get("accept-language", "")), error.status_code)
        await self._gate.auth.sign_out(request.cookies.get(COOKIE, ""), self._gate.clock())
        response = leave_for(SIGN_IN)
        response.headers["Set-Cookie"] = self._cookie("")
        return response

    def _cookie(self, token: str) -> str:
        """The cookie that holds the session, for as long as the browser is open; an empty token takes it away.

        It comes along when a link in an alert is followed (Lax); changes are asked for from our own pages only (gate.py).
        """
        cookie: SimpleCookie = SimpleCookie({COOKIE: token})
        morsel = cookie[COOKIE]
        morsel["path"], morsel["httponly"], morsel["samesite"], morsel["secure"] = "/staff", True, "Lax", self._gate.secure
        if not token:
            morsel["max-age"] = 0
        return morsel.OutputString()
