"""Whatever people and platforms send, in whatever order: what holds after every single turn of the dialogue.

The same sequences are tried on every run; `EXAMPLES=20000 pytest tests/core/test_properties.py` tries that many new ones.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.content_rules import load
from bot.core.engine import advance, apology
from bot.core.markup import plain
from bot.core.model import (
    HOME,
    REPLY_JSON,
    SESSION_JSON,
    ChangeRequest,
    Event,
    Left,
    Media,
    Press,
    Profile,
    Reply,
    SendRequest,
    Session,
    SharedContact,
    Started,
    Text,
    Turn,
    WithdrawRequest,
)
from bot.core.navigation import TARGETS
from bot.core.wording import MAX_BUTTON_ID, TITLE

CONTENT = load(Path(__file__).parents[2] / "content")  # strategies are made of it, before any fixture
BEGIN = datetime(2026, 11, 20, 15, tzinfo=UTC)
MAX_MESSAGE = 4096  # characters, Telegram's limit for one message
Step = Event | timedelta | Callable[[Session], Session]  # a function is something staff do meanwhile
_PROFILES = (
    Profile(),
    Profile("Ana *López*", language="de-AT", timezone="Europe/Vienna", shares_contact="keyboard"),
    Profile("\u202e{phone}", "+4915112345678", "zz", "America/New_York"),
    Profile("😀", language="ar", timezone="Mars/Olympus", shares_contact="keyboard"),
)
_WORDS = (
    "menu", "back", "callback", "status", "change my request", "withdraw", "delete my data", "stop", "help", "?", "feedback", "language",
    "1", "2", "9", "10", "99", "٣", "no", "yes", "I agree", "send", "cancel", "main m",
    "my daughter can't breathe", "EEG seizure?", "I want to die",
    "what dose of rituximab", "+49 171 1234567", "0171 1234567", "+1 212 555 2368", "123", "ana@example.org", "@",
    "Madrid", "Spain", "Ana",
    "Привет, что такое ОМС?", "ما هي المتلازمة؟", "Was ist das?", "/start", "{phone} **x**", "page:symptoms",
    "\x00\u202e", "", " ", "ﷺ" * 50,
)  # fmt: skip


def _claim(session: Session) -> Session:
    return replace(session, request=replace(session.request, state="claimed")) if session.request else session


def _close(session: Session) -> Session:
    return replace(session, request=None)


_ASKED = (Press("callback"), Press("consent:yes:2026-11b"))
_READY = (*_ASKED, Text("+49 171 1234567"))
_STRETCHES: tuple[tuple[Step, ...], ...] = (
    _ASKED,
    _READY,
    (*_READY, Press("send")),
    (Press("send"),),
    (Press("change"), Press("ask:email"), Text("ana@example.org"), Press("send")),
    (Press("withdraw"), Press("withdraw:yes")),
    (Press("erase:yes"),),
    (),
)


def _steps() -> st.SearchStrategy[list[Step]]:
    pages = CONTENT.languages["en"].pages
    names = [question.id for question in CONTENT.structure.questions]
    arguments = st.one_of(
        st.sampled_from(
            [*pages, *names, "", "yes", "no", "en", "xx", "yes:2026-11b", "yes:1", "profile", ":", "more/sources:10", "more/sources:999"]
        ),
        st.builds(
            "{}:{}".format,
            st.sampled_from(names),
            st.sampled_from(["any", "evening", "de", "child", "opinion", "Europe/Berlin", "profile", "x"]),
        ),
        st.text(max_size=30),
    )
    target = st.sampled_from(sorted(TARGETS))
    press: st.SearchStrategy[Event] = st.one_of(st.builds("{}:{}".format, target, arguments), target, st.text(max_size=64)).map(Press)
    other: st.SearchStrategy[Step] = st.one_of(
        st.builds(SharedContact, st.sampled_from(["+4917112345678", "34612345678", "", "x", "+1"]), st.booleans()),
        st.sampled_from([Media(), Left(), Started(), Started("callback"), Started("symptoms__eyes"), Started("x_y")]),
        st.sampled_from([timedelta(hours=1), timedelta(hours=49), timedelta(days=400)]),
        st.sampled_from([_claim, _close]),
    )
    text: st.SearchStrategy[Event] = st.one_of(st.sampled_from(_WORDS), st.text(max_size=60)).map(Text)
    number = st.integers(0, 12).map(lambda n: Text(str(n)))  # a button on the screen
    chance = st.lists(st.one_of(press, text, other, number, text, press, number), max_size=3)
    # Stretches of the usual way between, or chance would hardly ever get as far as a request.
    parts = st.tuples(*(strategy for _ in range(4) for strategy in (st.sampled_from(_STRETCHES), chance)))
    return parts.map(lambda drawn: [step for part in drawn for step in part])


def _play(steps: list[Step], profile: Profile, check: Callable[[Session, Event, Turn], None]) -> None:
    session, now = Session(number=7), BEGIN
    for step in steps:
        if isinstance(step, timedelta):
            now += step
        elif callable(step):
            session = step(session)
        else:
            before = replace(session, profile=profile)
            turn = advance(before, step, CONTENT, now)
            check(before, step, turn)
            session = SESSION_JSON.validate_json(SESSION_JSON.dump_json(turn.session))
            assert session == turn.session


def _fits(reply: Reply) -> None:
    """What every message must be, so that every channel can show it."""
    assert plain(reply.body).strip(), "a message without words"
    assert len(plain(reply.body)) <= MAX_MESSAGE
    assert reply.language in CONTENT.languages
    for button in reply.buttons:
        assert 0 < len(button.label.strip()) <= TITLE, button
        assert 0 < len(button.id.encode()) <= MAX_BUTTON_ID, button
    assert len({button.label for button in reply.buttons}) == len(reply.buttons), "two buttons read the same"
    assert REPLY_JSON.validate_json(REPLY_JSON.dump_json(reply)) == reply


def _is_home(reply: Reply) -> bool:
    menu = CONTENT.languages[reply.language].pages[""].children
    return [button.id for button in reply.choices] == [f"page:{path}" for path in menu]


def _check_replies(before: Session, event: Event, turn: Turn) -> None:
    if isinstance(event, Left):
        assert turn.replies == ()
        assert turn.session.left
        return
    assert turn.replies
    for reply in turn.replies:
        _fits(reply)
    last = turn.replies[-1]
    assert any(button.id == HOME for button in last.buttons) or _is_home(last), "no way to the menu"


def _check_requests(before: Session, event: Event, turn: Turn) -> None:
    version = CONTENT.structure.consent_version
    concerned = [effect for effect in turn.effects if isinstance(effect, SendRequest | ChangeRequest | WithdrawRequest)]
    assert len(concerned) <= 1
    for effect in concerned:
        match effect:
            case SendRequest(answers=answers):
                assert before.request is None, "two open requests"
                assert turn.session.request is not None
            case ChangeRequest(reference, answers):
                assert before.request is not None
                assert before.request.reference == reference
            case WithdrawRequest(reference):
                assert before.request is not None
                assert before.request.reference == reference
                assert (turn.session.consent, turn.session.draft, turn.session.request) == ("", None, None)
                continue
        assert before.consent == version
        assert answers.get("phone", "").startswith("+") != ("@" in answers.get("email", "")), "no way to reach them, or two"


_EXAMPLES = os.environ.get("EXAMPLES", "")
_quick = settings(
    max_examples=int(_EXAMPLES or 500), derandomize=not _EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@_quick
@given(steps=_steps(), profile=st.sampled_from(_PROFILES))
def test_there_is_always_an_answer_and_a_way_to_the_menu(steps: list[Step], profile: Profile) -> None:
    """Any events in any order: never an error, always words, always the menu, buttons every channel can show, a session JSON can hold."""
    _play(steps, profile, _check_replies)


def test_no_request_without_consent_and_a_way_to_reach_the_person() -> None:
    """A request is sent only with consent to the current text, a number or an address, and never beside an open one."""
    seen: Counter[str] = Counter()

    def check(before: Session, event: Event, turn: Turn) -> None:
        _check_requests(before, event, turn)
        seen.update(type(effect).__name__ for effect in turn.effects)

    @_quick
    @given(steps=_steps(), profile=st.sampled_from(_PROFILES))
    def play(steps: list[Step], profile: Profile) -> None:
        _play(steps, profile, check)

    play()
    assert min(seen[name] for name in ("SendRequest", "ChangeRequest", "WithdrawRequest", "GiveConsent", "EraseContact")) > 10, seen


@_quick
@given(text=st.text(max_size=400))
def test_no_text_makes_a_first_message_fail(text: str) -> None:
    """Whatever somebody's first words are, the answer begins with the disclaimer or the menu, danger excepted."""
    turn = advance(Session(), Text(text), CONTENT, BEGIN)
    _check_replies(Session(), Text(text), turn)
    danger = len(turn.replies) > 1 or turn.session.screen == f"page:{CONTENT.structure.pages['crisis']}"
    said = plain(CONTENT.language(turn.session.language).texts["disclaimer"]).split(".")[0]
    assert danger or said[:12].casefold() in "".join(plain(reply.body) for reply in turn.replies).casefold()


@_quick
@given(screen=st.text(max_size=40), path=st.lists(st.text(max_size=20), max_size=3), version=st.text(max_size=10))
def test_a_session_of_another_version_still_gets_the_menu(screen: str, path: list[str], version: str) -> None:
    """Screens that no longer exist, as after an update, lead to the menu; so does the apology."""
    session = Session(language="gone", screen=screen, path=tuple(path), consent=version)
    for event in (Text("2"), Press("back"), Media()):
        _check_replies(session, event, advance(session, event, CONTENT, BEGIN))
    _fits(apology(session, CONTENT, BEGIN))
