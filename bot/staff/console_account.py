"""What staff change about their own account: password, one-time codes, language, their Telegram."""

import io
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from bot.staff.accounts import AccountRefused, new_totp
from bot.staff.gate import COOKIE, Gate, Visit, leave_for
from bot.staff.pages import LANGUAGES
from bot.staff.passwords import SHORTEST, WeakPassword

ACCOUNT = "/staff/account"
_ISSUER = "OMS bot"  # how an app lists the codes
_DONE = ("password", "language", "totp", "totp-off", "unlink")


class Account:
    """The page of one's own account."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._accounts = gate.accounts

    def routes(self) -> Sequence[BaseRoute]:
        change = self._gate.change
        return (
            self._gate.page(ACCOUNT, self._look),
            change(f"{ACCOUNT}/password", self._password),
            change(f"{ACCOUNT}/language", self._language),
            change(f"{ACCOUNT}/totp-begin", self._totp_begin),
            change(f"{ACCOUNT}/totp", self._totp),
            change(f"{ACCOUNT}/totp-off", self._totp_off),
            change(f"{ACCOUNT}/link-code", self._link_code),
            change(f"{ACCOUNT}/unlink", self._unlink),
        )

    async def _look(self, visit: Visit) -> Response:
        return await self._show(visit)

    async def _show(self, visit: Visit, *, error: str = "", status: int = 200, code: str = "", secret: str = "", uri: str = "") -> Response:
        done = visit.request.query_params.get("done", "")
        shown: dict[str, Any] = {
            "error": error,
            "done": done if done in _DONE else "",
            "code": code,
            "secret": secret,
            "square": _qr(uri) if uri else "",
            "shortest": SHORTEST,
        }
        return await self._gate.show(visit, "account", status=status, **shown)

    async def _password(self, visit: Visit) -> Response:
        words, form = self._gate.words(visit), visit.form
        if form.get("new", "") != form.get("again", ""):
            return await self._show(visit, error=words("password-differs"), status=422)
        token = visit.request.cookies.get(COOKIE, "")
        try:
            await self._accounts.change_password(visit.member, form.get("old", ""), form.get("new", ""), visit.now, keep=token)
        except WeakPassword as weak:
            return await self._show(visit, error=words(f"password-{weak.weakness}", shortest=SHORTEST), status=422)
        except AccountRefused:
            return await self._show(visit, error=words("password-old"), status=422)
        return leave_for(f"{ACCOUNT}?done=password")

    async def _language(self, visit: Visit) -> Response:
        if visit.form.get("language", "") in LANGUAGES:
            await self._accounts.set_language(visit.member, visit.form["language"], visit.now)
        return leave_for(f"{ACCOUNT}?done=language")

    async def _totp_begin(self, visit: Visit) -> Response:
        secret, uri = new_totp(visit.member, _ISSUER)
        return await self._show(visit, secret=secret, uri=uri)

    async def _totp(self, visit: Visit) -> Response:
        """The secret comes back with the form: nothing is stored before a code has shown that the app knows it."""
        try:
            await self._accounts.set_totp(visit.member, visit.form.get("secret", "")[:64], visit.form.get("code", ""), visit.now)
        except (AccountRefused, ValueError):  # a secret that was not made by us is no base32
            return await self._show(visit, error=self._gate.words(visit)("totp-wrong"), status=422)
        return leave_for(f"{ACCOUNT}?done=totp")

    async def _totp_off(self, visit: Visit) -> Response:
        try:
            await self._accounts.end_totp(visit.member, visit.form.get("old", ""), visit.now)
        except AccountRefused:
            return await self._show(visit, error=self._gate.words(visit)("password-old"), status=422)
        return leave_for(f"{ACCOUNT}?done=totp-off")

    async def _link_code(self, visit: Visit) -> Response:
        return await self._show(visit, code=await self._accounts.make_link_code(visit.member, visit.now))

    async def _unlink(self, visit: Visit) -> Response:
        await self._accounts.unlink_telegram(visit.member.name, visit.member, visit.now)
        return leave_for(f"{ACCOUNT}?done=unlink")


def _qr(uri: str) -> str:
    """A QR code as SVG that stands in the page."""
    import segno

    drawn = io.BytesIO()
    segno.make(uri, error="m").save(drawn, kind="svg", xmldecl=False, svgns=False, scale=5, border=3, light="#fff", dark="#000")
    return drawn.getvalue().decode()
