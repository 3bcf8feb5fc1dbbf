"""What somebody typed: danger first, then commands, what is on the screen, answers, and at last a search."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from bot.core import intake, intake_screens
from bot.core.alarms import Alarm, Heard
from bot.core.effects import Count
from bot.core.languages import Written, written
from bot.core.likeness import Cut, cutter
from bot.core.material import Language
from bot.core.model import Button, Reply
from bot.core.navigation import draw, open_page, press, say
from bot.core.scene import Move, Scene
from bot.core.search import Found, look_up
from bot.core.words import label

_MIN_PREFIX = 3  # letters of a label that are enough to mean it
_MIN_PART = 4  # letters from within a label


@dataclass(frozen=True)  # no slots: what several readers ask about is worked out once
class Said:
    """What somebody typed."""

    scene: Scene
    text: str

    @cached_property
    def written(self) -> Written:
        return written(self.text)

    @property
    def normal(self) -> str:
        return self.written.normal

    @cached_property
    def cut(self) -> Cut:
        return cutter()

    @cached_property
    def heard(self) -> Heard:
        """Of danger, despair, and what only a doctor may answer."""
        scene = self.scene
        languages = {scene.session.language, scene.language.code, scene.content.speech.of(self.written, scene.language.code)}
        return scene.content.alarms.heard(self.normal, languages, asked=_asks(self.text), cut=self.cut)

    @cached_property
    def found(self) -> Found:
        return self.found_in(self.scene.language)

    def found_in(self, language: Language) -> Found:
        return look_up(language.index, self.normal, cut=self.cut)

    @cached_property
    def on_screen(self) -> Reply:
        """What they had before them."""
        return draw(self.scene, self.scene.session.screen)


def read(scene: Scene, text: str) -> Move:
    said = Said(scene, text)
    for reader in _READERS:
        if move := reader(scene, said):
            return move
    return _not_found(scene, said)


def danger(scene: Scene, text: str) -> Move | None:
    """What words of danger or despair in `text` lead to; None when there are none."""
    return _danger(scene, Said(scene, text))


def _danger(scene: Scene, said: Said) -> Move | None:
    if "crisis" in said.heard:
        before = (_stop(scene),) if _means(said, "emergency") else ()
        return Move(scene.session, f"page:{scene.structure.pages['crisis']}", (Count("crisis"),), before=before)
    if not _means(said, "emergency"):
        return None
    topic = (_harmless_topic(scene, said.heard["emergency"].rest) if _asks(said.text) else "") or scene.structure.pages["emergency"]
    return Move(scene.session, f"danger:{topic}", (Count("emergency"),), before=(_stop(scene),))


def _stop(scene: Scene) -> Reply:
    return Reply(scene.text("emergency-stop"), style="warning")


def _means(said: Said, kind: Alarm) -> bool:
    """Whether it was said; what is only written like it may be a question that a page answers."""
    mention = said.heard.get(kind)
    return mention is not None and (mention.surely or said.found.fit != "clear")


def _asks(text: str) -> bool:
    return any(mark in text for mark in "?؟")


def _harmless_topic(scene: Scene, rest: str) -> str:
    """The page that answers what was asked besides the danger, if it neither starts something nor sells anything."""
    topic = look_up(scene.language.index, rest)
    if topic.fit != "clear":
        return ""
    page = scene.language.pages[topic.paths[0]]
    return page.path if page.flow is None and page.context != "callback" and not page.children else ""


def _command(scene: Scene, said: Said) -> Move | None:
    target = scene.content.commands.get(said.normal or said.text.strip())
    return press(scene, target) if target else None


def _choice(scene: Scene, said: Said) -> Move | None:
    """A number or the whole label of a button on the screen, or yes or no where that is the question."""
    buttons = said.on_screen.buttons
    if said.normal.isdecimal() and len(said.normal) <= 2 and 0 < int(said.normal) <= len(buttons):
        return press(scene, buttons[int(said.normal) - 1].id)
    meant = "yes" if said.normal in scene.content.yes else "no" if said.normal in scene.content.no else "?"
    button = _only(button for button in buttons if said.normal and (label(button.label) == said.normal or button.answer == meant))
    return press(scene, button.id) if button else None


def _half_choice(scene: Scene, said: Said) -> Move | None:
    """Part of a choice beside a question of the intake: "email" for "By e-mail instead" leads to no page about e-mail there."""
    if intake.asked(scene) is None or len(said.normal) < _MIN_PART:
        return None
    part = said.normal.replace(" ", "")
    choices = draw(scene, scene.session.screen).choices
    button = _only(button for button in choices if part in label(button.label).replace(" ", ""))
    return press(scene, button.id) if button else None


def _answer(scene: Scene, said: Said) -> Move | None:
    question = intake.asked(scene)
    return intake.typed(scene, question, said.text) if question else intake.volunteered(scene, said.text)


def _prefix(scene: Scene, said: Said) -> Move | None:
    if len(said.normal) < _MIN_PREFIX:
        return None
    button = _only(button for button in said.on_screen.buttons if label(button.label).startswith(said.normal))
    return press(scene, button.id) if button else None


def _advice(scene: Scene, said: Said) -> Move | None:
    return say(scene, "no-diagnosis") if _means(said, "advice") else None


def _search(scene: Scene, said: Said) -> Move | None:
    question = intake.asked(scene)
    if question and intake.looks_like_an_answer(question, said.text):
        return intake.failed(scene, question)
    results = said.found
    if results.fit == "near" and not question and (other := _elsewhere(scene, said)):
        scene, results = other
    # Who is asked for an answer and tells a story wants no page about it.
    if results.fit == "clear" and (question is None or results.relevance == 1 or _asks(said.text)):
        return open_page(scene, results.paths[0])
    if question:
        return intake.failed(scene, question)
    return Move(scene.session, f"found:several:{'|'.join(results.paths)}") if results.fit == "several" else None


_READERS: tuple[Callable[[Scene, Said], Move | None], ...] = (
    _danger,
    _choice,
    _half_choice,
    _command,
    _answer,
    _prefix,
    _advice,
    _search,
)


def _elsewhere(scene: Scene, said: Said) -> tuple[Scene, Found] | None:
    """What is found in another language, and the scene in that: a word of ours may be one nobody could tell the language by."""
    for code, language in scene.content.languages.items():
        if code == scene.language.code or scene.content.speech.of(said.written, code) != code:
            continue
        if (found := said.found_in(language)).fit != "near":
            chosen = scene.session.language
            return replace(scene, session=replace(scene.session, speaks=code if code != chosen else "")), found
    return None


def _not_found(scene: Scene, said: Said) -> Move:
    if scene.session.draft and scene.session.screen.partition(":")[0] in intake_screens.SCREENS:
        return Move(scene.session, scene.session.screen, notice=scene.text("wrong-choice"))
    near = said.found.paths or scene.language.pages[""].children[1:4]
    return Move(scene.session, f"found:nearest:{'|'.join(near)}", (Count("not-found"),))


def _only(buttons: Iterable[Button]) -> Button | None:
    """The one button, when they all lead to the same place."""
    found = {button.id: button for button in buttons}
    return next(iter(found.values())) if len(found) == 1 else None
