"""After staff have tried: what a person is told without having asked, and what they can answer to it.

`show` draws what staff did (`News`). Its buttons name the request they are about, so that on an old message they can say
what has become of it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.core import intake
from bot.core.effects import CallAgain, Helped
from bot.core.markup import Block, Document, Paragraph, Run
from bot.core.material import QuestionKind
from bot.core.model import HOME, Button, OpenRequest, Reply
from bot.core.reference import is_reference
from bot.core.scene import Action, Move, Render, Scene
from bot.core.schedule import spoken_moment
from bot.core.screens import unfinished

NewsKind = Literal["tried", "wrong-number", "emailed", "helped", "unreached", "written"]


@dataclass(frozen=True, slots=True)
class News:
    """What staff did, as far as the person is told of it without having asked."""

    kind: NewsKind
    reference: str
    at: datetime | None = None  # when it was
    planned: bool = False  # staff have named the moment of the next try
    words: str = ""  # of staff, to the person


# The buttons below each kind of news, by their labels.
_BUTTONS: dict[NewsKind, tuple[str, ...]] = {
    "tried": ("again", "better-time", "by-email", "withdraw"),
    "wrong-number": ("new-number", "by-email", "withdraw"),
    "emailed": ("status",),
    "unreached": ("callback",),
    "helped": ("helped:yes", "helped:no"),
    "written": ("again", "better-time", "new-number"),
}


def show(scene: Scene, news: News) -> Reply:
    """The news, and what can be answered."""
    request = _open(scene, news.reference)
    choices = tuple(_button(scene, name, news.reference) for name in _BUTTONS[news.kind])
    if news.kind == "written":
        if request is None or not request.attempts:  # there is nothing to be done again
            choices = (scene.button("status"), *choices[1:]) if request else (scene.button("callback"),)
        choices += (scene.page_button(scene.structure.pages["talk"]),)
    return Reply(_body(scene, news, request), choices, (*unfinished(scene), scene.home_button))


def _button(scene: Scene, name: str, reference: str) -> Button:
    if name in ("withdraw", "status", "callback"):
        return scene.button(name)
    if name.startswith("helped:"):
        return scene.button(f"{name}:{reference}", name, answer="yes" if name == "helped:yes" else "no")
    return scene.button(f"{name}:{reference}", name, primary=name in ("again", "new-number"))


def _body(scene: Scene, news: News, request: OpenRequest | None) -> Document:
    """What no screen remembers, such as the words of staff, falls away where it is drawn to find out what was typed."""
    own = intake.zone(scene, request.answers if request else {})

    def spoken(moment: datetime | None) -> str:
        return spoken_moment(moment, own, scene.language.code) if moment else ""

    next_at = request.next_at if request else None
    planned, at_latest = (next_at, None) if news.planned else (None, next_at)
    values = {"reference": news.reference, "at": spoken(news.at), "next": spoken(planned), "by": spoken(at_latest)}
    body = scene.text(f"news-{news.kind}", **values)
    return (*body, *_paragraphs(news.words), *scene.text("news-written-foot")) if news.kind == "written" else body


def _paragraphs(words: str) -> tuple[Block, ...]:
    """What staff wrote as they wrote it; nothing in it is markup."""
    parts = ("\n".join(words.splitlines())).split("\n\n")
    return tuple(Paragraph((Run(part.strip("\n")),)) for part in parts if part.strip())


def _open(scene: Scene, reference: str) -> OpenRequest | None:
    """The request of this name, while it is open."""
    request = scene.session.request
    return request if request and request.reference == reference else None


def _over(scene: Scene) -> Move:
    """The button was about a request that has ended since: that is said, and how things are now."""
    return Move(scene.session, "status", notice=scene.text("request-over"))


def _again(scene: Scene, reference: str) -> Move:
    """Another call soon, for who was called before: nobody moves up in the queue by asking twice. Typed, it names no request."""
    request = _open(scene, reference) if reference else scene.session.request
    if request is None and reference:
        return _over(scene)
    if request is None or not request.attempts:
        return intake.start(scene, "")
    session = intake.with_next(scene.session, min(request.next_at or scene.now, scene.now))
    return Move(session, "status", (CallAgain(request.reference),), scene.text("called-again"))


def _changing(kind: QuestionKind) -> Action:
    return lambda scene, reference: intake.change_one(scene, kind) if _open(scene, reference) else _over(scene)


def _helped(scene: Scene, argument: str) -> Move:
    answer, _, reference = argument.partition(":")
    if answer not in ("yes", "no") or not is_reference(reference):
        return Move(scene.session, HOME, notice=scene.text("stale"))
    return Move(scene.session, f"notice:helped-{answer}", (Helped(reference, answer == "yes"),))


def _redrawing(kind: NewsKind) -> Render:
    return lambda scene, reference: show(scene, News(kind, reference))


ACTIONS: dict[str, Action] = {
    "again": _again,
    "better-time": _changing("time"),
    "by-email": _changing("email"),
    "new-number": _changing("phone"),
    "helped": _helped,
}
SCREENS: dict[str, Render] = {kind: _redrawing(kind) for kind in _BUTTONS}
