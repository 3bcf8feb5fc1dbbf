"""Transcripts of conversations: the lines of a file replayed through `advance`, and written as people read them.

A file begins with a title, what it shows, and settings (`name:`, `phone:`, `time zone:`, `shares contact: yes`,
`time:` as the office's clock shows it). A line that begins with ">" is what happens, everything else what the bot says:

> typed text                          > (sends a photo)              > (2 hours later)
> [Label of a button]                 > (shares own number +49 …)    > (staff claim the request)
> [Label] (in an older message)       > (shares another number …)    > (staff close the request)
> /start or /start page               > (blocks the bot)             > (presses a button that is gone)
> (staff call in vain)                > (staff call a wrong number)  > (staff write an e-mail)
> (staff close the request as helped) > (staff close the request as unreachable)
> (staff write: their words)
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.effects import (
    CallAgain,
    ChangeRequest,
    Count,
    Effect,
    EndConsent,
    EraseContact,
    GiveConsent,
    Helped,
    SendRequest,
    WithdrawRequest,
)
from bot.core.engine import advance, tell
from bot.core.followup import News, NewsKind
from bot.core.library import Content
from bot.core.markup import plain
from bot.core.model import SESSION_JSON, Button, Event, Left, Media, Press, Profile, Reply, Session, SharedContact, Started, Text, Turn
from bot.core.schedule import spoken_moment

_NEWS: dict[str, NewsKind] = {
    "(staff call in vain)": "tried",
    "(staff call a wrong number)": "wrong-number",
    "(staff write an e-mail)": "emailed",
    "(staff close the request as helped)": "helped",
    "(staff close the request as unreachable)": "unreached",
}
_SETTINGS = ("name", "phone", "time zone", "language", "shares contact", "time")
_HOURS_LATER = re.compile(r"\((\d+) hours? later\)")
_SHARES = re.compile(r"\(shares (own|another) number (.+)\)")
_BUTTON = re.compile(r"\[(.+)\](?: \((in an older message)\))?")


class WrongLine(Exception):
    """A line of the transcript cannot be played; the text says why and what could be."""


@dataclass
class Player:
    """One person, their clock and what they have on the screen."""

    content: Content
    profile: Profile
    now: datetime
    session: Session
    last: tuple[Reply, ...] = ()
    earlier: tuple[Button, ...] = ()  # on older messages, newest first

    def play(self, line: str) -> str:
        """What the bot answers to `line`, as text; "" when only time passes or staff do something."""
        if later := _HOURS_LATER.fullmatch(line):
            self.now += timedelta(hours=int(later[1]))
            return ""
        request = self.session.request
        if line.startswith("(staff write: ") or line in _NEWS:
            return self._hear(line)
        if line in ("(staff claim the request)", "(staff close the request)"):
            if request is None:
                raise WrongLine(f"{line}: there is no open request")
            self.session = replace(self.session, request=replace(request, state="claimed") if "claim" in line else None)
            return ""
        return self._show(advance(replace(self.session, profile=self.profile), self._event(line), self.content, self.now))

    def _show(self, turn: Turn) -> str:
        self.session = _through_json(turn, self.session.number)
        self.earlier = tuple(button for reply in self.last for button in reply.buttons) + self.earlier
        self.last = turn.replies or self.last
        shown = [show_reply(reply) for reply in turn.replies]
        noted = [say for effect in turn.effects if (say := self._show_effect(effect))]
        return "\n\n---\n\n".join(shown) + ("\n\n" + "\n".join(noted) if noted else "")

    def _hear(self, line: str) -> str:
        """What the person is told of what staff have done."""
        request = self.session.request
        if request is None:
            raise WrongLine(f"{line}: there is no open request")
        kind = _NEWS.get(line, "written")
        if kind in ("helped", "unreached"):
            self.session = replace(self.session, request=None)
        elif kind != "written":
            next_at = self.content.structure.hours.due(self.now)
            self.session = replace(self.session, request=replace(request, state="claimed", attempts=request.attempts + 1, next_at=next_at))
        words = line.removeprefix("(staff write: ").removesuffix(")") if kind == "written" else ""
        turn = tell(self.session, News(kind, request.reference, self.now, words=words), self.content, self.now)
        return self._show(turn)

    def _event(self, line: str) -> Event:
        if line.startswith("/start"):
            return Started(line.removeprefix("/start").strip())
        if found := _BUTTON.fullmatch(line):
            return self._press(found[1], older=bool(found[2]))
        if found := _SHARES.fullmatch(line):
            return SharedContact(found[2], own=found[1] == "own")
        special: dict[str, Event] = {
            "(sends a photo)": Media(),
            "(blocks the bot)": Left(),
            "(presses a button that is gone)": Press("gone:for-good"),
        }
        if line.startswith("(") and line not in special:
            raise WrongLine(f"{line}: unknown; {', '.join(special)} and those on top of tests/transcript.py are known")
        return special.get(line) or Text(line)

    def _press(self, label: str, *, older: bool) -> Event:
        on_screen = tuple(button for reply in self.last for button in reply.buttons)
        buttons = self.earlier if older else on_screen
        button = next((button for button in buttons if button.label == label), None)
        if button is None:
            raise WrongLine(f"there is no button [{label}]; there are {' '.join(f'[{b.label}]' for b in on_screen) or 'none'}")
        if button.kind == "share_phone":
            raise WrongLine(f"[{label}] is pressed by writing: > (shares own number +49 …)")
        # Beside a button that shares the number the others are keys of a keyboard, which type their label.
        keys = not older and any(other.kind == "share_phone" for other in on_screen)
        return Text(label) if keys else Press(button.id)

    def _show_effect(self, effect: Effect) -> str:
        match effect:
            case GiveConsent(version):
                return f"* consent to {version} is stored"
            case SendRequest(name, answers, _, topic, due):
                office = self.content.structure.hours.zone
                about = f", topic {topic}" if topic else ""
                return f"* request {name} is queued{about}, due {spoken_moment(due, office, 'en')} ({office}): {_listed(answers)}"
            case ChangeRequest(name, answers, _, next_at):
                office = self.content.structure.hours.zone
                soon = f", to be called by {spoken_moment(next_at, office, 'en')} ({office})" if next_at else ""
                return f"* request {name} is changed{soon}: {_listed(answers)}"
            case CallAgain() | Helped():
                return f"* request {effect.reference} {_heard_back(effect)}"
            case EndConsent():
                return "* the consent is ended"
            case WithdrawRequest(name):
                return f"* request {name} is withdrawn"
            case EraseContact():
                return "* everything about the person is erased"
            case Count("page"):
                return ""
            case Count(name, detail):
                return f"* counted: {name} {detail}".rstrip()


def replay(text: str, content: Content) -> str:
    """The transcript `text` with what the bot says now. Raises WrongLine with the number of the line."""
    lines = text.splitlines()
    head = next((at for at, line in enumerate(lines) if line.startswith(">")), len(lines))
    player = _player(lines[:head], content)
    parts = ["\n".join(lines[:head]).strip()]
    for number, line in enumerate(lines[head:], head + 1):
        if line.startswith(">"):
            try:
                answer = player.play(line.removeprefix(">").strip())
            except WrongLine as wrong:
                raise WrongLine(f"line {number}: {wrong}") from wrong
            parts.append(f"{line}\n\n{answer}" if answer else line)
    return "\n\n".join(parts) + "\n"


def show_reply(reply: Reply) -> str:
    """A message as a reader of a transcript sees it: its text, a line for each choice, one for the navigation."""
    body = ("(! warning)\n" if reply.style == "warning" else "") + plain(reply.body)
    choices = [f"  [{b.label}] {'' if b.id.startswith('page:') else b.description}".rstrip() for b in reply.choices]
    navigation = "  " + " ".join(f"[{b.label}]" for b in reply.navigation) if reply.navigation else ""
    return "\n\n".join(part for part in (body, "\n".join(choices), navigation) if part)


def _player(head: list[str], content: Content) -> Player:
    known = {key: value.strip() for key, colon, value in (line.partition(":") for line in head) if colon and key in _SETTINGS}
    profile = Profile(
        name=known.get("name", ""),
        phone=known.get("phone", ""),
        language=known.get("language", "en"),
        timezone=known.get("time zone", ""),
        shares_contact="keyboard" if known.get("shares contact") == "yes" else "",
    )
    office = ZoneInfo(content.structure.hours.zone)
    begin = datetime.fromisoformat(known.get("time", "2026-11-23 10:00")).replace(tzinfo=office).astimezone(ZoneInfo("UTC"))
    return Player(content, profile, begin, Session(number=7))


def _through_json(turn: Turn, number: int) -> Session:
    if any(isinstance(effect, EraseContact) for effect in turn.effects):
        return Session(number=number + 1)  # the next event makes a new contact
    return replace(SESSION_JSON.validate_json(SESSION_JSON.dump_json(turn.session)), number=number)


def _heard_back(effect: CallAgain | Helped) -> str:
    if isinstance(effect, CallAgain):
        return "is to be called again"
    return "has helped" if effect.yes else "has not helped"


def _listed(answers: dict[str, str]) -> str:
    return ", ".join(f"{name} {answer}" for name, answer in answers.items())
