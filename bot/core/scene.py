"""Where a turn takes place: the content, the person's session and the time, in one hand."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from bot.core.country import country_of
from bot.core.effects import Effect
from bot.core.library import Content
from bot.core.markup import Document, fill
from bot.core.material import Flow, Language, Page, Structure
from bot.core.model import HOME, Button, Reply, Session


@dataclass(frozen=True)  # no slots: the language is looked up once
class Scene:
    content: Content
    session: Session
    now: datetime

    @cached_property
    def language(self) -> Language:
        return self.content.language(self.session.speaks or self.session.language)

    @property
    def structure(self) -> Structure:
        return self.content.structure

    @cached_property
    def country(self) -> str:
        """Where the person is, as far as the platform tells; "" when it does not."""
        return country_of(self.session.profile)

    def text(self, key: str, **values: str) -> Document:
        return fill(self.language.texts[key], {**self.content.values(self.language.code, self.country), **values})

    def body(self, page: Page) -> Document:
        return self.content.body(self.language.code, page.path, self.country)

    def flow_text(self, flow: Flow) -> Document:
        """The words above the buttons of a flow: the body of its page."""
        return self.content.flows[self.language.code, flow]

    def button(
        self, target: str, label: str = "", *, answer: Literal["", "yes", "no"] = "", primary: bool = False, aside: bool = False
    ) -> Button:
        """A button that leads to `target`; without a label of its own, the one named like the target."""
        return Button(target, self.language.labels[label or target], answer=answer, primary=primary, aside=aside)

    def page_button(self, path: str) -> Button:
        return self.content.page_buttons[self.language.code, path]

    @property
    def home_button(self) -> Button:
        return self.button(HOME, aside=True)


@dataclass(frozen=True, slots=True)
class Move:
    """What an action decides: the session after it, the screen to show, and what to say on the way."""

    session: Session
    screen: str
    effects: tuple[Effect, ...] = ()
    notice: Document = ()  # said above the screen, in the same message
    before: tuple[Reply, ...] = ()  # messages of their own, sent first


# `argument` is what follows the first colon of a button id or of a screen's name.
Action = Callable[[Scene, str], Move]
Render = Callable[[Scene, str], Reply]
