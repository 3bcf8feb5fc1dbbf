"""What admins see and change: the accounts of staff, and the audit trail."""

from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute

from bot.staff.accounts import AccountRefused
from bot.staff.gate import Gate, Visit, leave_for, page_number
from bot.staff.pages import LANGUAGES
from bot.staff.passwords import WeakPassword, generated
from bot.store import staff
from bot.store.staff import MAX_NAME, Member, NameTaken
from bot.store.staff_tables import ROLES

ADMIN = "/staff/admin"
AUDIT = "/staff/audit"
PAGE = 100  # lines of the audit trail
_BY_PASSWORD = ("password", "totp-off")  # for one's own account there is the account's page, which asks for the password


class Admin:
    """The pages only admins may see."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._accounts = gate.accounts

    def routes(self) -> Sequence[BaseRoute]:
        return (
            self._gate.page(ADMIN, self._look, admin=True),
            self._gate.page(AUDIT, self._audit, admin=True),
            self._gate.change(f"{ADMIN}/add", self._add, admin=True),
            self._gate.change(f"{ADMIN}/{{member:int}}/{{what}}", self._change, admin=True),
        )

    async def _look(self, visit: Visit) -> Response:
        return await self._show(visit)

    async def _show(self, visit: Visit, *, error: str = "", status: int = 200, name: str = "", password: str = "") -> Response:
        """`name` and `password` are those of an account that has just got a new one: it is shown this once."""
        async with self._gate.database.read() as connection:
            people = await staff.members(connection)
        shown: dict[str, Any] = {"people": people, "roles": ROLES, "error": error, "longest": MAX_NAME, "form": visit.form}
        return await self._gate.show(visit, "admin", status=status, name=name, password=password, done=_done(visit), **shown)

    async def _add(self, visit: Visit) -> Response:
        words, form, password = self._gate.words(visit), visit.form, generated()
        role = next((role for role in ROLES if role == form.get("role")), ROLES[0])
        language = next((code for code in LANGUAGES if code == form.get("language")), visit.member.language)
        try:
            member = await self._accounts.add(visit.member.name, form.get("name", ""), password, role, language, visit.now)
        except (NameTaken, AccountRefused, WeakPassword) as refused:
            key = "account-taken" if isinstance(refused, NameTaken) else "account-name"
            return await self._show(visit, error=words(key, longest=MAX_NAME), status=422)
        return await self._show(visit, name=member.name, password=password)

    async def _change(self, visit: Visit) -> Response:
        accounts, by, now = self._accounts, visit.member.name, visit.now
        async with self._gate.database.read() as connection:
            member = await staff.by_id(connection, min(visit.path["member"], 2**31 - 1))
        if member is None:
            raise HTTPException(404)
        if member.id == visit.member.id and visit.path["what"] in _BY_PASSWORD:
            return await self._show(visit, error=self._gate.words(visit)("account-own"), status=409)
        try:
            match visit.path["what"]:
                case "role":
                    await accounts.set_role(by, member, _wanted_role(visit), now)
                case "disable":
                    await accounts.disable(by, member, now)
                case "enable":
                    await accounts.enable(by, member, now)
                case "totp-off":
                    await accounts.clear_totp(by, member, now)
                case "password":
                    return await self._new_password(visit, member)
                case _:
                    raise HTTPException(404)
        except AccountRefused:
            return await self._show(visit, error=self._gate.words(visit)("account-last", name=member.name), status=409)
        return leave_for(f"{ADMIN}?done=1")

    async def _new_password(self, visit: Visit, member: Member) -> Response:
        password = generated()
        await self._accounts.set_password(visit.member.name, member, password, visit.now)
        return await self._show(visit, name=member.name, password=password)

    async def _audit(self, visit: Visit) -> Response:
        page = page_number(visit.request.query_params.get("page", ""))
        async with self._gate.database.read() as connection:
            events = await staff.events(connection, limit=PAGE + 1, skip=page * PAGE)
        words = self._gate.words(visit)
        lines = [(words.moment(event.at, visit.zone), event.who, event.what, event.about) for event in events[:PAGE]]
        return await self._gate.show(visit, "audit", lines=lines, page=page, more=len(events) > PAGE)


def _wanted_role(visit: Visit) -> str:
    """The role the form names: of two who press the same button at once neither undoes what the other did. Raises HTTPException."""
    wanted = visit.form.get("role", "")
    if wanted not in ROLES:
        raise HTTPException(400)
    return wanted


def _done(visit: Visit) -> bool:
    return "done" in visit.request.query_params
