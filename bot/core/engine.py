"""The dialogue: `advance` takes one event of one person and says what follows; `tell` what staff did, and who hears of it.

Press ──────────────► navigation.press ─┐
Text ── reading.read ─► a press, an answer, a page, or "not found" ─┤
Started, contact … ─► one action ───────┴─► Move ─► navigation.draw ─► Turn
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bot.core import followup, intake, screens
from bot.core.country import country_of
from bot.core.effects import Count, EraseContact, WithdrawRequest
from bot.core.followup import News, show
from bot.core.languages import of_country, written
from bot.core.library import Content
from bot.core.model import (
    HOME,
    Addressed,
    Event,
    Hurried,
    Left,
    Media,
    Moved,
    Press,
    Reply,
    Returned,
    Session,
    SharedContact,
    Started,
    Text,
    Turn,
)
from bot.core.navigation import draw, label_of, open_page, press, say
from bot.core.reading import danger, read
from bot.core.scene import Move, Scene

_REMEMBERED = ("page", "danger", "sources", "found", *screens.NEEDS_DRAFT)  # screens *Back* returns to
_MAX_PATH = 12


def advance(session: Session, event: Event, content: Content, now: datetime) -> Turn:
    """The turn that follows `event`. Total: whatever comes, there is a reply with a way to the menu.

    The exceptions: Left, which nobody could read an answer to, Returned and Moved, which nobody said, and whoever was
    told to wait a little and goes on. `now` is aware.
    """
    if isinstance(event, Moved):
        return Turn(session)
    if isinstance(event, Left | Returned):
        return Turn(replace(session, left=isinstance(event, Left)))
    if isinstance(event, Addressed):
        scene = Scene(content, session, now)
        return Turn(session, (Reply(scene.text("group", link=event.link), language=scene.language.code),))
    new = not session.language
    scene = Scene(content, _awake(session, content, now), now)
    if isinstance(event, Hurried) and session.hurried and not danger(scene, event.text):
        return Turn(session)  # told once
    if isinstance(event, Text):
        scene = _hear(scene, event.text, new=new)
    expired = session.draft is not None and scene.session.draft is None
    move = _decide(scene, event)
    if expired:
        move = replace(move, notice=scene.text("expired") + move.notice)
    urgent = move.before or move.screen == f"page:{content.structure.pages['crisis']}"
    if new and not urgent and (move.screen != HOME or move.notice):  # the home menu says it itself
        move = replace(move, notice=scene.text("disclaimer") + move.notice)
    pressed = label_of(scene, event.button) if isinstance(event, Press) else ""
    turn = _arrive(scene, move, in_place=isinstance(event, Press) and not move.before and not _stays(session, event), echo=pressed)
    return _without_keyboard(scene, turn) if _offered_sharing(scene, session) else turn


def _stays(session: Session, pressed: Press) -> bool:
    """Whether the message whose button was pressed is to stay: it tells what staff did or wrote, and stands nowhere else."""
    return session.screen.partition(":")[0] in followup.SCREENS or pressed.button.partition(":")[0] in followup.ACTIONS


def apology(session: Session, content: Content, now: datetime) -> Reply:
    """What a person reads whose message we could not handle: sorry, and the menu."""
    scene = Scene(content, session, now)
    return replace(draw(scene, HOME, scene.text("apology")), language=scene.language.code)


def tell(session: Session, news: News, content: Content, now: datetime) -> Turn:
    """The turn that follows what staff did, unasked: no replies for who wants none.

    What is typed then answers it, unless something else was asked before and is still open.
    """
    if session.left:
        return Turn(session)
    scene = Scene(content, session, now)
    after = session if session.draft else _travel(session, f"{news.kind}:{news.reference}")
    return Turn(after, (replace(show(scene, news), language=scene.language.code),))


def _awake(session: Session, content: Content, now: datetime) -> Session:
    language = content.language(
        session.language or session.profile.language or of_country(country_of(session.profile), content.languages)
    ).code
    expired = session.draft is not None and now - session.draft.started_at > content.structure.draft_expires
    if expired and session.screen.partition(":")[0] in screens.NEEDS_DRAFT:
        session = replace(session, screen=HOME)
    if (session.language, session.left, session.hurried, expired) == (language, False, False, False):  # as nearly always
        return session
    return replace(session, language=language, left=False, hurried=False, draft=None if expired else session.draft)


def _hear(scene: Scene, text: str, *, new: bool) -> Scene:
    """The scene in the language of what was typed; a stranger of whom nothing else is known speaks that. An answer may be anything."""
    if intake.asked(scene) is not None:
        return scene
    session = scene.session
    spoken = scene.content.speech.of(written(text), session.language)
    if new and not session.profile.language:
        return replace(scene, session=replace(session, language=spoken))
    return replace(scene, session=replace(session, speaks=spoken if spoken != session.language else ""))


def _decide(scene: Scene, event: Event) -> Move:
    match event:
        case Started(payload):
            return _start(scene, payload)
        case Press(button):
            return press(scene, button)
        case Text(text):
            return read(scene, text)
        case SharedContact(phone, own):
            return intake.contact(scene, phone, own)
        case Media(caption):
            return danger(scene, caption) or say(scene, "media")
        case Hurried(text):
            told = replace(scene, session=replace(scene.session, hurried=True))
            return danger(told, text) or say(told, "too-fast")
        case Left() | Returned() | Addressed() | Moved():
            return Move(scene.session, HOME)
        case _:
            assert_never(event)


def _arrive(scene: Scene, move: Move, *, in_place: bool, echo: str) -> Turn:
    """Draw the screen the move leads to, with everything that belongs around it."""
    was = scene.session.screen
    session = _travel(move.session, move.screen)
    if session.speaks and session.draft:  # who asks for a call in it is called in it
        session = replace(session, language=session.speaks, speaks="")
    there, language = Scene(scene.content, session, scene.now), session.speaks or session.language
    drawn = draw(there, move.screen, move.notice)
    gone = any(isinstance(effect, EraseContact | WithdrawRequest) for effect in move.effects)
    reply = replace(drawn, in_place=in_place, echo=echo, style="erased" if gone else drawn.style, language=language)
    if session.speaks:
        reply = screens.offering(there, reply)
    kind, _, path = move.screen.partition(":")
    judged = any(isinstance(effect, Count) and effect.name == "helpful" for effect in move.effects)  # it was read before that
    seen = (Count("page", path),) if kind in ("page", "danger") and was != move.screen and not judged else ()
    before = tuple(replace(each, language=language) for each in move.before)
    return Turn(session, (*before, reply), (*move.effects, *seen))


def _offered_sharing(scene: Scene, session: Session) -> bool:
    """Whether a "share my number" keyboard stood there before this turn, even if the request has expired since."""
    kind, _, name = session.screen.partition(":")
    question = scene.structure.question(name) if kind == "ask" else None
    return question is not None and question.kind == "phone" and session.profile.shares_contact == "keyboard" and not session.profile.phone


def _without_keyboard(scene: Scene, turn: Turn) -> Turn:
    """The turn, with the keyboard taken away unless it is shown again.

    A message can take it away or carry buttons, not both: a warning without buttons does it, else a short one of
    its own, which must fit what follows. Nobody in fear is told "all right".
    """
    *before, last = turn.replies
    if any(button.kind == "share_phone" for button in last.buttons):
        return turn
    if before:
        first = replace(before[0], closes_keyboard=True)
        return replace(turn, replies=(first, *before[1:], last))
    text = scene.text("read-this" if last.style == "warning" else "noted")
    noted = Reply(text, closes_keyboard=True, language=last.language)
    return replace(turn, replies=(noted, replace(last, in_place=False)))


def _travel(session: Session, screen: str) -> Session:
    """Keep the way back: the screens read on the way here, without going in circles."""
    path = session.path
    if screen == HOME:
        path = ()
    elif screen in path:
        path = path[: path.index(screen)]
    elif screen != session.screen and session.screen.partition(":")[0] in _REMEMBERED:
        path = (*path, session.screen)[-_MAX_PATH:]
    return replace(session, screen=screen, path=path)


def _start(scene: Scene, payload: str) -> Move:
    if payload == "callback":
        return press(scene, payload)
    path = payload.replace("__", "/")  # deep links allow only letters, digits, _ and -
    return open_page(scene, path) if path in scene.language.pages else Move(scene.session, HOME)
