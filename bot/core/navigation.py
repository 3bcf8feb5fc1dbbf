"""Where buttons lead and how screens are drawn: the two tables the dialogue consists of.

An *action* decides where the person goes (a `Move`: session, screen, effects); a *screen* draws itself from the
session alone, so that it can be drawn again to find out what "2" or "main m" meant on it.
"""

from dataclasses import replace

from bot.core import intake, intake_screens, screens
from bot.core.markup import Document
from bot.core.model import HOME, Count, EraseContact, Reply, Session
from bot.core.scene import Action, Move, Render, Scene

_SCREENS: dict[str, Render] = screens.SCREENS | intake_screens.SCREENS


def draw(scene: Scene, screen: str, notice: Document = ()) -> Reply:
    """`screen` as it looks now, `notice` above it; the main menu for a screen there is no more."""
    kind, _, argument = screen.partition(":")
    try:
        reply = _SCREENS[kind](scene, argument)
    except KeyError:  # a screen or page that no longer exists
        reply = screens.home(scene, "")
    # News above the main menu stands alone: its welcome would bury it.
    return replace(reply, body=notice if screen == HOME else notice + reply.body) if notice else reply


def press(scene: Scene, button: str) -> Move:
    """What the button does; one that is not known any more leads to the main menu."""
    kind, _, argument = button.partition(":")
    action = _ACTIONS.get(kind)
    return action(scene, argument) if action else Move(scene.session, HOME, notice=scene.text("stale"))


def open_page(scene: Scene, path: str) -> Move:
    while path not in scene.language.pages:  # moved or gone since the button was made: the menu it stood in
        path = path.rpartition("/")[0]
    flow = scene.language.pages[path].flow
    if flow:
        return press(scene, flow)
    return Move(scene.session, f"page:{path}" if path else HOME)


def _open_sources(scene: Scene, argument: str) -> Move:
    known = argument.partition(":")[0] in scene.language.pages
    return Move(scene.session, f"sources:{argument}") if known else open_page(scene, argument)


def _back(scene: Scene, _: str) -> Move:
    return Move(scene.session, screens.back_from(scene))


def _language(scene: Scene, code: str) -> Move:
    if code not in scene.content.languages:
        return Move(scene.session, "language")
    chosen = replace(scene, session=replace(scene.session, language=code, speaks=""))
    return Move(chosen.session, HOME, notice=chosen.text("language-set"))


def _erase(scene: Scene, argument: str) -> Move:
    if argument != "yes":
        return Move(scene.session, "erase")
    blank = Session(language=scene.session.language, profile=scene.session.profile)
    return Move(blank, HOME, (EraseContact(), Count("erased")), scene.text("erased"))


def _stop(scene: Scene, argument: str) -> Move:
    if argument != "yes":  # who says stop is heard at once, whatever they choose then
        return Move(replace(scene.session, left=True), "stop")
    return Move(replace(scene.session, left=True), "notice:stopped", (Count("stopped"),))


def _feedback(scene: Scene, argument: str) -> Move:
    if argument not in ("yes", "no"):
        return Move(scene.session, "feedback")
    return Move(scene.session, "notice:feedback-thanks", (Count("feedback", argument),))


def _helpful(scene: Scene, argument: str) -> Move:
    answer, _, path = argument.partition(":")
    if answer not in ("yes", "no") or path not in scene.language.pages:
        return Move(scene.session, f"helpful:{argument}")
    return Move(scene.session, f"page:{path}", (Count("helpful", f"{answer} {scene.language.code} {path}"),), scene.text("feedback-thanks"))


_ACTIONS: dict[str, Action] = intake.ACTIONS | {
    HOME: lambda scene, _: Move(scene.session, HOME),
    "back": _back,
    "page": open_page,
    "sources": _open_sources,
    "language": _language,
    "erase": _erase,
    "stop": _stop,
    "feedback": _feedback,
    "helpful": _helpful,
    "thanks": lambda scene, _: say(scene, "thanks"),
    "help": lambda scene, _: Move(scene.session, "notice:help"),
}
TARGETS = frozenset(_ACTIONS)  # what a button id may begin with


def say(scene: Scene, key: str) -> Move:
    """One of the fixed texts: above the question that is open, else on its own."""
    if scene.session.screen.partition(":")[0] in intake_screens.SCREENS:
        return Move(scene.session, scene.session.screen, notice=scene.text(key))
    return Move(scene.session, f"notice:{key}")


def label_of(scene: Scene, button: str) -> str:
    path = button.removeprefix("page:")
    if path in scene.language.pages:  # called the same wherever it stands, which spares drawing the screen
        return scene.language.pages[path].title
    shown = next((b.label for b in draw(scene, scene.session.screen).buttons if b.id == button), "")
    return shown or scene.language.labels.get(button, "")
