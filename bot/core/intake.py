"""Asking for a callback: consent, the questions that are still open, one summary, and what can be done afterwards.

The questions are data (structure.yaml, intake.questions). One is asked only when it has neither an answer nor
a default, is not optional, and the question it could be replaced by (`instead`) is not answered either.
"""

from dataclasses import replace
from datetime import datetime

from bot.core.answers import ANY_TIME, is_unusual, options, read_answer, say, value, vouched
from bot.core.effects import ChangeRequest, Count, EndConsent, GiveConsent, SendRequest, WithdrawRequest
from bot.core.markup import plain
from bot.core.material import Question, QuestionKind
from bot.core.model import HOME, Draft, OpenRequest, Session
from bot.core.reference import reference
from bot.core.scene import Action, Move, Scene
from bot.core.schedule import is_zone

MAX_TRIES = 3  # failed tries at one question before the other way and a person are offered
_REACHED_BY = ("phone", "email")


def next_step(scene: Scene) -> str:
    """The screen the intake continues with: consent, the first open question, or the summary."""
    draft = scene.session.draft
    if scene.session.consent != scene.structure.consent_version:
        return "consent"
    answers = draft.answers if draft else {}
    for question in scene.structure.questions:
        open_ = not value(question, answers, scene) and not question.optional
        if open_ and question.instead not in answers:
            return f"ask:{question.id}"
    return "summary"


def asked(scene: Scene) -> Question | None:
    """The question on the screen, if the screen is one."""
    kind, _, name = scene.session.screen.partition(":")
    return scene.structure.question(name) if kind == "ask" and scene.session.draft else None


def zone(scene: Scene, answers: dict[str, str]) -> str:
    known = (value(question, answers, scene) for question in scene.structure.questions if question.kind == "timezone")
    return next((name for name in known if is_zone(name)), scene.structure.hours.zone)


def complete(scene: Scene, answers: dict[str, str]) -> dict[str, str]:
    """The answers with every default filled in, as they are queued."""
    pairs = ((question.id, value(question, answers, scene)) for question in scene.structure.questions)
    return {name: answer for name, answer in pairs if answer}


def answer(scene: Scene, question: Question, given: str, *, sure: bool = False) -> Move:
    """Keep an answer and go on. Of two questions that replace each other only one stays answered.

    `sure`: the platform vouches for it, so there is nothing to doubt.
    """
    draft = scene.session.draft or Draft(scene.now)
    kept = {name: old for name, old in draft.answers.items() if name != question.instead}
    session = replace(scene.session, draft=Draft(draft.started_at, {**kept, question.id: given}, single=draft.single))
    effects = (Count("funnel", "reachable"),) if question.kind in _REACHED_BY else ()
    doubt = scene.text("unusual-phone") if question.kind == "phone" and not sure and is_unusual(given) else ()
    changed = replace(scene, session=session)
    if draft.single and session.request and not doubt and next_step(changed) == "summary":
        return _send(changed, "")
    return Move(session, next_step(changed), effects, doubt)


def typed(scene: Scene, question: Question, text: str) -> Move | None:
    """The move a typed answer leads to; None when `text` is no answer to anything open."""
    twins = [other for other in scene.structure.questions if other.id == question.instead]
    for candidate in (question, *twins):
        if given := read_answer(candidate, text, scene):
            return answer(scene, candidate, given)
    return None


def looks_like_an_answer(question: Question, text: str) -> bool:
    """Whether `text` was meant as an answer to `question`, however wrong, and not as a question of its own."""
    match question.kind:
        case "phone":
            return sum(c.isdigit() for c in text) >= 3
        case "email":
            return "@" in text
        case _:
            return False


def volunteered(scene: Scene, text: str) -> Move | None:
    """A number or address typed on another screen while a request is unfinished."""
    if scene.session.draft is None or next_step(scene) == "consent":
        return None
    waiting = [q for q in scene.structure.questions if q.kind in _REACHED_BY and looks_like_an_answer(q, text)]
    return typed(scene, waiting[0], text) if waiting else None


def contact(scene: Scene, phone: str, own: bool) -> Move:
    """A shared contact: the answer to "which number", when it is asked; somebody else's number is asked about."""
    question = asked(scene)
    number = next((q for q in scene.structure.questions if q.kind == "phone"), None)
    if question is None or number is None or question.kind not in _REACHED_BY:
        return start(scene, "")
    plus = phone if phone.startswith("+") else f"+{phone}"  # platforms leave the plus out
    given = read_answer(number, plus, scene)
    if not given or scene.session.draft is None:
        return failed(scene, number)
    if own:
        return answer(scene, number, given, sure=True)
    session = replace(scene.session, draft=replace(scene.session.draft, offered=given))
    spoken = say(number, given, "", scene)
    return Move(session, f"ask:{number.id}", notice=scene.text("contact-other", phone_number=spoken))


def failed(scene: Scene, question: Question) -> Move:
    draft = scene.session.draft or Draft(scene.now)
    session = replace(scene.session, draft=replace(draft, tries=draft.tries + 1))
    enough = session.draft is not None and session.draft.tries >= MAX_TRIES
    notice = scene.text("tried-enough" if enough else f"wrong-{question.kind}")
    return Move(session, scene.session.screen, notice=notice)


def start(scene: Scene, _: str) -> Move:
    """Begin, or go on with what was begun; an open request is shown instead of a second one."""
    if scene.session.draft:
        return Move(scene.session, next_step(scene))
    if scene.session.request:
        return Move(scene.session, "status", notice=scene.text("already-open"))
    session = replace(scene.session, draft=Draft(scene.now))
    return Move(session, next_step(replace(scene, session=session)), (Count("funnel", "started"),))


def _answer_consent(scene: Scene, argument: str) -> Move:
    said, _, version = argument.partition(":")
    if said != "yes":
        return _cancel(scene, "refused")
    if version != scene.structure.consent_version:  # the text has changed since: show the one that counts
        return start(scene, "")
    session = replace(scene.session, consent=version, draft=scene.session.draft or Draft(scene.now))
    receipt = GiveConsent(version, scene.language.code, plain(scene.flow_text("callback")))
    return Move(session, next_step(replace(scene, session=session)), (receipt, Count("funnel", "consented")))


def _open_question(scene: Scene, name: str) -> Move:
    if not _ready(scene) or scene.structure.question(name) is None:
        return start(scene, "")
    draft = scene.session.draft or Draft(scene.now)
    return Move(replace(scene.session, draft=replace(draft, tries=0)), f"ask:{name}")


def _set(scene: Scene, argument: str) -> Move:
    name, _, option = argument.partition(":")
    question = scene.structure.question(name)
    if question is None or not _ready(scene):
        return start(scene, "")
    known = {"profile": vouched(scene.session.profile.phone), "offered": scene.session.draft.offered if scene.session.draft else ""}
    if question.kind == "phone" and option in known:
        given = known[option]
        return answer(scene, question, given, sure=option == "profile") if given else Move(scene.session, f"ask:{name}")
    if option not in options(question, scene):
        return Move(scene.session, f"ask:{name}")
    return answer(scene, question, option)


def _phone(scene: Scene) -> str:
    return next((question.id for question in scene.structure.questions if question.kind == "phone"), "")


def _review(scene: Scene, _: str) -> Move:
    if scene.session.draft is None:
        return start(scene, "")
    # What is to be looked at as a whole is sent as a whole.
    return Move(replace(scene.session, draft=replace(scene.session.draft, single=False)), next_step(scene))


def _send(scene: Scene, _: str) -> Move:
    session, draft = scene.session, scene.session.draft
    if draft is None or next_step(scene) != "summary":
        return start(scene, "")
    answers = complete(scene, draft.answers)
    topic = answers.get("topic", "")
    if session.request:
        next_at = _due(scene, answers, scene.now) if _calls_for_another_plan(scene, session.request, answers) else None
        changed = replace(session.request, answers=answers, next_at=next_at or session.request.next_at)
        effect = ChangeRequest(changed.reference, answers, topic, next_at)
        return Move(replace(session, draft=None, request=changed), "status", (effect,), scene.text("changed"))
    due = _due(scene, answers, scene.now)
    name = reference(session.number, session.sent + 1)
    request = OpenRequest(name, "new", scene.now, due, answers)
    effects = (SendRequest(name, answers, scene.language.code, topic, due), Count("funnel", "sent"))
    sent = replace(session, draft=None, request=request, sent=session.sent + 1)
    return Move(sent, "status", effects, scene.text("sent"))


def _due(scene: Scene, answers: dict[str, str], asked: datetime) -> datetime:
    """By when we promise to have called who has asked for it then."""
    wished = next((answers[q.id] for q in scene.structure.questions if q.kind == "time" and q.id in answers), ANY_TIME)
    return scene.structure.hours.due(asked, scene.structure.call_times.get(wished), zone(scene, answers))


def _calls_for_another_plan(scene: Scene, request: OpenRequest, answers: dict[str, str]) -> bool:
    """Whether what staff planned after a try in vain does not suit any more: another time is wished, or an e-mail."""
    names = [question.id for question in scene.structure.questions if question.kind in ("time", "email")]
    return request.attempts > 0 and any(request.answers.get(name) != answers.get(name) for name in names)


def promised(scene: Scene, request: OpenRequest) -> datetime | None:
    """By when the person may expect us; None when that has passed after a first try, and staff have not said what is next."""
    if not request.attempts or request.next_at is None:
        return request.due_at
    if request.next_at > scene.now:
        return request.next_at
    due = _due(scene, request.answers, request.next_at)
    return due if due > scene.now else None


def with_next(session: Session, at: datetime) -> Session:
    """The session of somebody whose request staff must look at then."""
    return replace(session, request=replace(session.request, next_at=at) if session.request else None)


def _cancel(scene: Scene, argument: str) -> Move:
    if scene.session.request:  # it was being changed, and stays
        return Move(replace(scene.session, draft=None), "status", notice=scene.text("unchanged"))
    if scene.session.draft is None:
        return Move(scene.session, HOME)
    said = "refused" if argument == "refused" else "cancelled"
    ended = (EndConsent(),) if scene.session.consent else ()  # it was for a callback that is not wanted any more
    return Move(replace(scene.session, draft=None, consent=""), HOME, ended, scene.text(said))


def _change_request(scene: Scene, _: str) -> Move:
    session = scene.session
    if session.draft is None:
        if session.request is None:
            return start(scene, "")
        session = replace(session, draft=Draft(scene.now, session.request.answers))
    step = next_step(replace(scene, session=session))
    return Move(session, "change" if step == "summary" else step)


def change_one(scene: Scene, kind: QuestionKind) -> Move:
    """Asks one question about the request in the queue; its answer counts at once. A change that has been begun goes on."""
    session = scene.session
    question = next((question for question in scene.structure.questions if question.kind == kind), None)
    if question is None or session.request is None:
        return _change_request(scene, "")
    session = replace(session, draft=session.draft or Draft(scene.now, session.request.answers, single=True))
    step = next_step(replace(scene, session=session))
    return Move(session, f"ask:{question.id}" if step == "summary" else step)


def _withdraw_request(scene: Scene, argument: str) -> Move:
    request = scene.session.request
    if request is None and scene.session.draft:
        return _cancel(scene, "")
    if argument != "yes" or request is None:
        return Move(scene.session, "withdraw")
    session = replace(scene.session, request=None, draft=None, consent="")
    effects = (WithdrawRequest(request.reference), EndConsent(), Count("funnel", "withdrawn"))
    return Move(session, HOME, effects, scene.text("withdrawn", reference=request.reference))


def _ready(scene: Scene) -> bool:
    return scene.session.draft is not None and scene.session.consent == scene.structure.consent_version


ACTIONS: dict[str, Action] = {
    "callback": start,
    "consent": _answer_consent,
    "ask": _open_question,
    "set": _set,
    "summary": _review,
    "send": _send,
    "share-phone": lambda scene, _: _open_question(scene, _phone(scene)),
    "cancel": _cancel,
    "change": _change_request,
    "status": lambda scene, _: Move(scene.session, "status"),
    "withdraw": _withdraw_request,
}
