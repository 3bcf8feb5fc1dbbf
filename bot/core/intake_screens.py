"""What the screens of the intake and of the request show."""

from dataclasses import replace
from typing import Literal

from bot.core.answers import options, say, say_option, value, vouched
from bot.core.intake import MAX_TRIES, next_step, promised, zone
from bot.core.markup import Document
from bot.core.material import Question
from bot.core.model import Button, Reply
from bot.core.scene import Render, Scene
from bot.core.schedule import spoken_moment, spoken_week
from bot.core.screens import lines, navigation

_KEYBOARD: dict[str, Literal["", "phone", "email", "text"]] = {"phone": "phone", "email": "email", "name": "text", "timezone": "text"}


def _consent(scene: Scene, _: str) -> Reply:
    privacy = scene.button(f"page:{scene.structure.pages['privacy']}", "privacy")
    yes = scene.button(f"consent:yes:{scene.structure.consent_version}", "consent:yes", answer="yes", primary=True)
    return Reply(
        scene.flow_text("callback"),
        (yes, scene.button("consent:no", answer="no")),
        (privacy, scene.home_button),
    )


def _ask(scene: Scene, name: str) -> Reply:
    question = scene.structure.question(name)
    draft = scene.session.draft
    if question is None or draft is None:
        return _summary(scene, "")
    choices = _shortcuts(scene, question) + tuple(_option(scene, question, option) for option in options(question, scene))
    if draft.tries >= MAX_TRIES:
        choices += (scene.page_button(scene.structure.pages["talk"]),)
    done = next_step(scene) == "summary"
    way_out = (scene.button("summary", "to-summary"),) if done else ()
    expects = _KEYBOARD.get(question.kind, "")
    body = scene.text(f"ask-{question.id}")
    if question.kind == "phone":
        body += _how_to_give_a_number(scene, question)
    return Reply(body, choices, (*way_out, scene.button("cancel"), scene.home_button), expects=expects)


def _how_to_give_a_number(scene: Scene, question: Question) -> Document:
    profile = scene.session.profile
    if known := vouched(profile.phone):
        return scene.text("phone-known", phone_number=say(question, known, "", scene))
    return scene.text("phone-share" if profile.shares_contact else "phone-type")


def _shortcuts(scene: Scene, question: Question) -> tuple[Button, ...]:
    """What spares typing: the number the platform knows or can share, and the other way to be reached."""
    choices: tuple[Button, ...] = ()
    if question.kind == "phone":
        if scene.session.draft and scene.session.draft.offered:
            choices += (scene.button(f"set:{question.id}:offered", "use-offered", answer="yes"),)
        if vouched(scene.session.profile.phone):
            offered = bool(choices)  # then a yes means that one
            choices += (scene.button(f"set:{question.id}:profile", "use-number", answer="" if offered else "yes", primary=True),)
        elif scene.session.profile.shares_contact:
            choices += (Button("share-phone", scene.language.labels["share-phone"], kind="share_phone", primary=True),)
    if question.instead:
        choices += (scene.button(f"ask:{question.instead}"),)
    return choices


def _option(scene: Scene, question: Question, option: str) -> Button:
    label = say_option(question, option, scene)
    spoken = say(question, option, zone(scene, scene.session.draft.answers if scene.session.draft else {}), scene)
    return Button(f"set:{question.id}:{option}", label, spoken.partition(" · ")[2])


def _rows(scene: Scene, answers: dict[str, str]) -> Document:
    own = zone(scene, answers)
    given = ((question, value(question, answers, scene)) for question in scene.structure.questions)
    return lines([(scene.language.labels[f"question-{question.id}"], say(question, said, own, scene)) for question, said in given if said])


def _summary(scene: Scene, _: str) -> Reply:
    draft = scene.session.draft
    if draft is None:
        return _status(scene, "")
    choices = [scene.button("send", "save" if scene.session.request else "send", answer="yes", primary=True)]
    for question in scene.structure.questions:
        current = value(question, draft.answers, scene)
        if question.on_summary:
            choices += [replace(_option(scene, question, option), aside=True) for option in options(question, scene) if option != current]
        elif question.optional and not current:
            choices.append(scene.button(f"ask:{question.id}", f"question-{question.id}", aside=True))
    choices.append(scene.button("change"))
    body = scene.text("summary-head") + _rows(scene, draft.answers) + scene.text("summary-foot")
    return Reply(body, tuple(choices), (scene.button("cancel"), scene.home_button))


def _change(scene: Scene, _: str) -> Reply:
    if scene.session.draft is None:
        return _status(scene, "")
    choices = tuple(scene.button(f"ask:{question.id}", f"question-{question.id}") for question in scene.structure.questions)
    return Reply(scene.text("change"), choices, (scene.button("summary", "to-summary"), scene.home_button))


def _status(scene: Scene, _: str) -> Reply:
    request = scene.session.request
    if request is None:
        start = () if scene.session.draft else (scene.button("callback"),)
        return Reply(scene.text("status-none"), start, navigation(scene))
    own = zone(scene, request.answers)
    promise = promised(scene, request)
    values = {
        "reference": request.reference,
        "due": spoken_moment(promise, own, scene.language.code) if promise else "",
        "hours": spoken_week(scene.structure.hours, scene.language.code),
    }
    body = scene.text(f"status-{request.state}", **values) + _rows(scene, request.answers)
    return Reply(body, (scene.button("change"), scene.button("withdraw")), navigation(scene))


def _withdraw(scene: Scene, _: str) -> Reply:
    if scene.session.request is None:
        return _status(scene, "")
    return Reply(
        scene.flow_text("withdraw"),
        (scene.button("withdraw:yes", answer="yes"),),
        (scene.button("status", "keep", answer="no"), scene.home_button),
    )


SCREENS: dict[str, Render] = {
    "consent": _consent,
    "ask": _ask,
    "summary": _summary,
    "change": _change,
    "status": _status,
    "withdraw": _withdraw,
}
