"""Every screen of the content as each channel shows it: one page of HTML, complete in itself, to read, print and hand on.

The words come from the dialogue (`bot.preview_scenes`), their looks from the channels' own renderers; the template only
draws the messages around them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from bot.channels import telegram_render, web_render, whatsapp_render
from bot.channels.base import Kept
from bot.core import wording
from bot.core.library import Content
from bot.core.markup import plain
from bot.core.material import LOCAL, Language, Page
from bot.core.model import Profile, Reply, Session
from bot.preview_scenes import Scene, Stage, scenes

_TEMPLATE = "preview.html"
# What each channel tells of its made-up person; the dialogue asks accordingly.
_PEOPLE: Mapping[str, Profile] = {
    "Telegram": Profile(name="Ada Example", shares_contact="keyboard"),
    "WhatsApp": Profile(name="Ada Example", phone="+442079460018"),
    "Web chat": Profile(timezone="Europe/London"),
}
# WhatsApp's marks, as it sees them: beside a word's edge, and with nothing around that keeps them from being marks.
_MARKED = re.compile(r"(?<![\w\u2060])([*_])(?![\s\u2060])([^\n]+?)(?<![\s\u2060])\1(?![\w\u2060])")
_WORTH_A_WARNING = 100  # characters: who writes a title or a button's label fills it on purpose
_TAGS = {"*": "b", "_": "i"}


@dataclass(frozen=True, slots=True)
class Meter:
    """How much of what fits is used."""

    what: str
    used: int
    limit: int

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.used / self.limit))

    @property
    def state(self) -> str:
        if self.used > self.limit:
            return "over"
        return "tight" if self.limit >= _WORTH_A_WARNING and self.used > 0.9 * self.limit else "fine"


@dataclass(frozen=True, slots=True)
class View:
    """A screen on one channel."""

    channel: str
    messages: Sequence[Mapping[str, Any]]  # as the renderer makes them
    meters: Sequence[Meter]


@dataclass(frozen=True, slots=True)
class Shown:
    """A screen in one language."""

    language: Language
    page: Page | None
    views: Sequence[View]
    meters: Sequence[Meter]


def as_page(content: Content, now: datetime) -> str:
    """The whole page. `now` is aware; every date in the made-up conversations follows from it."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["whatsapp"] = _whatsapp_text
    everything = list(scenes(content))
    flows = {page.flow: f"page:{page.path}" for page in content.language("").pages.values() if page.flow}
    known = flows | {scene.id: scene.id for scene in everything}

    def target(code: str, button: str) -> str:
        """Where in the page a button leads; "" for a screen that is not drawn."""
        scene = known.get(button) or known.get(button.partition(":")[0])
        return f"#{code}/{scene}" if scene else ""

    environment.globals["target"] = target
    return environment.get_template(_TEMPLATE).render(
        content=content,
        now=now,
        languages=list(content.languages.values()),
        groups=_grouped(everything),
        draw=lambda scene: [_shown(scene, content, language, now) for language in content.languages.values()],
        empty=sorted(name for name, value in content.structure.values.items() if not value and name not in LOCAL),
    )


def _grouped(everything: Sequence[Scene]) -> Mapping[str, Sequence[Scene]]:
    groups: dict[str, list[Scene]] = {}
    for scene in everything:
        groups.setdefault(scene.group, []).append(scene)
    return groups


def _shown(scene: Scene, content: Content, language: Language, now: datetime) -> Shown:
    page = language.pages.get(scene.path) if scene.path is not None else None
    views = [_view(channel, _replies(scene, content, language, channel, now), language, now) for channel in _PEOPLE]
    return Shown(language, page, views, list(_page_meters(content, language, page)) if page else [])


def _replies(scene: Scene, content: Content, language: Language, channel: str, now: datetime) -> tuple[Reply, ...]:
    session = Session(number=7, language=language.code, profile=_PEOPLE[channel])
    return scene.play(Stage(content, session, now)).replies


def _page_meters(content: Content, language: Language, page: Page) -> Iterator[Meter]:
    yield Meter("title", len(page.title), wording.TITLE)
    if page.path:
        yield Meter("description", len(page.description), wording.DESCRIPTION)
    yield Meter("text", len(plain(content.bodies[language.code, page.path])), wording.BODY)


def _view(channel: str, replies: tuple[Reply, ...], language: Language, now: datetime) -> View:
    match channel:
        case "Telegram":
            return View(channel, list(map(_telegram, replies)), list(_telegram_meters(replies)))
        case "WhatsApp":
            messages = [message for reply in replies for message in whatsapp_render.render(reply, language)]
            return View(channel, messages, list(_whatsapp_meters(messages)))
        case _:
            return View(channel, [web_render.message(Kept(0, reply, now), language) for reply in replies], [])


def _telegram(reply: Reply) -> Mapping[str, Any]:
    keyboard = telegram_render.markup(reply) or {}
    return {"texts": [Markup(text) for text in telegram_render.texts(reply.body)], **keyboard}  # noqa: S704 the renderer escapes


def _telegram_meters(replies: tuple[Reply, ...]) -> Iterator[Meter]:
    buttons = [button for reply in replies for button in reply.buttons]
    yield Meter("text", max(len(plain(reply.body)) for reply in replies), telegram_render.MAX_TEXT)
    yield Meter("button", max((len(button.label) for button in buttons), default=0), wording.TITLE)
    yield Meter("button data", max((len(button.id.encode()) for button in buttons), default=0), wording.MAX_BUTTON_ID)


def _whatsapp_meters(messages: Sequence[Mapping[str, Any]]) -> Iterator[Meter]:
    """The fullest of each part over the messages, in WhatsApp's own way of counting."""
    used: dict[str, Meter] = {}
    for what, length, limit in (part for message in messages for part in _whatsapp_parts(message)):
        used[what] = max(used.get(what, Meter(what, 0, limit)), Meter(what, length, limit), key=lambda meter: meter.used)
    yield from used.values()


def _whatsapp_parts(message: Mapping[str, Any]) -> Iterator[tuple[str, int, int]]:
    w = whatsapp_render
    if message["type"] == "text":
        yield "text", w.size(message["text"]["body"]), w.MAX_TEXT
    shown = message.get("interactive", {})
    for part, limit in (("body", w.MAX_BODY), ("header", w.MAX_HEADER), ("footer", w.MAX_FOOTER)):
        if part in shown:
            yield part, w.size(shown[part]["text"]), limit
    action = shown.get("action", {})
    if buttons := action.get("buttons"):
        yield "buttons", len(buttons), w.MAX_BUTTONS
        yield "button", max(w.size(button["reply"]["title"]) for button in buttons), w.MAX_BUTTON
    if rows := [row for section in action.get("sections", ()) for row in section["rows"]]:
        yield "list button", w.size(action["button"]), w.MAX_BUTTON
        yield "rows", len(rows), w.MAX_ROWS
        yield "row", max(w.size(row["title"]) for row in rows), w.MAX_ROW
        yield "row's description", max(w.size(row.get("description", "")) for row in rows), w.MAX_DESCRIPTION


def _whatsapp_text(text: str) -> Markup:
    """A text as WhatsApp's reader sees it."""
    return Markup(_MARKED.sub(lambda mark: f"<{_TAGS[mark[1]]}>{mark[2]}</{_TAGS[mark[1]]}>", escape(text)))  # noqa: S704 escaped here
