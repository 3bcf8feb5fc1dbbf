"""What people are told of what staff did, and what their answers do: on time, on old messages, twice, in the middle of something."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.channels import telegram_render, whatsapp_render
from bot.core.effects import CallAgain, ChangeRequest, Helped, SendRequest
from bot.core.engine import advance, tell
from bot.core.followup import SCREENS, News, NewsKind
from bot.core.library import Content
from bot.core.markup import plain
from bot.core.model import Draft, OpenRequest, Press, Profile, Session, Text, Turn
from bot.core.wording import MAX_BUTTON_ID, TITLE

NAME = "OMS-7K3F"
LANGUAGES = ("en", "de", "ar", "ru")
HOUR = timedelta(hours=1)
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
KINDS: list[NewsKind] = ["tried", "wrong-number", "emailed", "helped", "unreached", "written"]


@pytest.fixture
def request_(now: datetime) -> OpenRequest:
    """Tried once in vain; staff mean to call again tomorrow."""
    answers = {"name": "Ana", "phone": "+4930123456", "when": "any", "language": "en", "zone": BERLIN}
    return OpenRequest(NAME, "claimed", now - 5 * HOUR, now - HOUR, answers, attempts=1, next_at=now + 24 * HOUR)


@pytest.fixture
def session(request_: OpenRequest, content: Content) -> Session:
    return Session(number=7, language="en", consent=content.structure.consent_version, sent=1, request=request_)


def tried(now: datetime, *, planned: bool = False) -> News:
    return News("tried", NAME, now, planned=planned)


def said(turn: Turn) -> str:
    return "\n".join(plain(reply.body) for reply in turn.replies)


def labels(turn: Turn) -> list[str]:
    return [button.label for button in turn.replies[-1].choices]


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
def test_a_call_in_vain_is_told_in_the_callers_own_time(zone: str, session: Session, request_: OpenRequest, content: Content) -> None:
    """When it was, when the next one is and what can be done, by the clock on the caller's wall."""
    at = datetime.fromisoformat("2026-11-23T15:05+00:00")
    known = replace(request_, answers={**request_.answers, "zone": zone}, next_at=at + 24 * HOUR)
    turn = tell(replace(session, request=known), tried(at, planned=True), content, at)
    clock = "16:05" if zone == BERLIN else "10:05"
    assert f"Monday, 23 November, {clock} (your time)" in said(turn)
    assert f"Next try: Tuesday, 24 November, {clock} (your time)" in said(turn)
    assert "again by" not in said(turn)
    assert NAME in said(turn)
    assert labels(turn) == ["Call me again", "A better time", "By e-mail instead", "Withdraw"]


def test_a_try_nobody_has_planned_is_promised_as_such(session: Session, content: Content, now: datetime) -> None:
    """Where staff have named no moment, the message says by when, not when."""
    words = said(tell(session, tried(now), content, now))
    assert "We will try again by Tuesday, 24 November, 10:00 (your time)." in words
    assert "Next try" not in words


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_news_fit_every_channel_and_leave_nothing_blank(
    kind: NewsKind, language: str, session: Session, content: Content, now: datetime
) -> None:
    """In each language: words, no open blanks, buttons that fit, and one message on each messenger."""
    ended = replace(session, language=language, request=session.request if kind not in ("helped", "unreached") else None)
    [reply] = tell(ended, News(kind, NAME, now, words="Guten Tag"), content, now).replies
    assert reply.language == language
    assert "{" not in plain(reply.body)
    assert NAME in plain(reply.body)
    assert len({button.label for button in reply.buttons}) == len(reply.buttons)
    assert all(len(button.label) <= TITLE and len(button.id.encode()) <= MAX_BUTTON_ID for button in reply.buttons)
    assert len(whatsapp_render.render(reply, content.languages[language])) == 1
    assert len(telegram_render.texts(reply.body)) == 1
    assert not reply.in_place


def test_who_wants_no_messages_gets_none(session: Session, content: Content, now: datetime) -> None:
    """After *Stop*, or behind a block, nothing is said unasked, and nothing is remembered of it."""
    left = replace(session, left=True)
    assert tell(left, tried(now), content, now) == Turn(left)


def test_a_call_again_is_wanted_soon(session: Session, content: Content, now: datetime) -> None:
    """One tap: staff are to act now, and the caller is promised a call counted from now."""
    turn = advance(session, Press(f"again:{NAME}"), content, now)
    assert turn.effects == (CallAgain(NAME),)
    assert turn.session.request is not None
    assert turn.session.request.next_at == now
    assert "We will contact you by Tuesday, 24 November, 10:00 (your time)" in said(turn)


@pytest.mark.parametrize("typed", ["call me again", "1", "Please call me again"])
def test_the_answer_can_be_typed(typed: str, session: Session, content: Content, now: datetime) -> None:
    """The message that came unasked is the one on the screen: its buttons have numbers and names."""
    after = tell(session, tried(now), content, now).session
    assert CallAgain(NAME) in advance(after, Text(typed), content, now).effects


def test_nobody_moves_up_by_asking_again(session: Session, request_: OpenRequest, content: Content, now: datetime) -> None:
    """Before the first try there is nothing to repeat: the promise is shown, whatever the button of some message."""
    waiting = replace(session, request=replace(request_, state="new", attempts=0))
    for event in (Text("call me again"), Press(f"again:{NAME}"), Press("again")):
        turn = advance(waiting, event, content, now)
        assert (turn.effects, turn.session.screen) == ((), "status")
    assert advance(replace(session, request=None), Text("call me again"), content, now).session.draft is not None


def test_what_is_overdue_makes_no_promise_in_the_past(session: Session, request_: OpenRequest, content: Content, now: datetime) -> None:
    """When staff have missed what they planned, the request is shown without a moment that has passed."""
    late = replace(session, request=replace(request_, next_at=now - 72 * HOUR))
    turn = advance(late, Press("status"), content, now)
    assert NAME in said(turn)
    assert "We will contact you by" not in said(turn)


def test_a_better_time_takes_two_taps(session: Session, content: Content, now: datetime) -> None:
    """The time that is chosen counts at once, and staff are to act by the end of it."""
    asked = advance(session, Press(f"better-time:{NAME}"), content, now)
    assert asked.session.screen == "ask:when"
    turn = advance(asked.session, Press("set:when:afternoon"), content, now)
    by = datetime.fromisoformat("2026-11-24T16:00+00:00")  # in Berlin the afternoon ends at 17:00
    [change] = turn.effects
    assert isinstance(change, ChangeRequest)
    assert (change.reference, change.answers["when"], change.next_at) == (NAME, "afternoon", by)
    assert (turn.session.screen, turn.session.draft) == ("status", None)
    assert "Tuesday, 24 November, 17:00" in said(turn)


def test_an_email_instead_takes_the_place_of_the_number(session: Session, content: Content, now: datetime) -> None:
    """The address is typed, and the request is changed; a wrong one is asked for again and changes nothing."""
    asked = advance(session, Press(f"by-email:{NAME}"), content, now)
    wrong = advance(asked.session, Text("ana@"), content, now)
    assert (wrong.session.screen, wrong.effects) == ("ask:email", ())
    turn = advance(wrong.session, Text("ana@example.org"), content, now)
    [change] = [effect for effect in turn.effects if isinstance(effect, ChangeRequest)]
    assert change.answers["email"] == "ana@example.org"
    assert "phone" not in change.answers
    assert change.next_at is not None


def test_a_doubtful_number_is_looked_at_before_it_counts(session: Session, content: Content, now: datetime) -> None:
    """A new number no range is known for goes to the summary, where it is checked and saved."""
    asked = advance(session, Press(f"new-number:{NAME}"), content, now)
    turn = advance(asked.session, Text("+49 1999 1234567"), content, now)
    assert turn.session.screen == "summary"
    assert not any(isinstance(effect, ChangeRequest) for effect in turn.effects)


def test_a_request_that_ended_meanwhile_is_not_sent_anew(session: Session, content: Content, now: datetime) -> None:
    """Who changes one answer while staff close the request sends nothing by it: the summary asks first."""
    asked = advance(session, Press(f"better-time:{NAME}"), content, now)
    turn = advance(replace(asked.session, request=None), Press("set:when:morning"), content, now)
    assert turn.session.screen == "summary"
    assert not any(isinstance(effect, SendRequest | ChangeRequest) for effect in turn.effects)


def test_a_planned_call_survives_a_corrected_name(session: Session, content: Content, now: datetime) -> None:
    """What staff have planned changes with the wished time or the way to be reached, and with nothing else."""
    asked = advance(session, Press("change"), content, now)
    named = advance(advance(asked.session, Press("ask:name"), content, now).session, Text("Anna"), content, now)
    [change] = [effect for effect in advance(named.session, Press("send"), content, now).effects if isinstance(effect, ChangeRequest)]
    assert (change.answers["name"], change.next_at) == ("Anna", None)


@pytest.mark.parametrize("button", ["again", "better-time", "by-email", "new-number"])
@pytest.mark.parametrize("since", ["closed", "another"])
def test_old_buttons_say_what_has_changed(
    button: str, since: str, session: Session, request_: OpenRequest, content: Content, now: datetime
) -> None:
    """A button about a request that is finished does nothing to a newer one, and says so with the way to go on."""
    other = None if since == "closed" else replace(request_, reference="OMS-NEXT")
    turn = advance(replace(session, request=other), Press(f"{button}:{NAME}"), content, now)
    assert turn.effects == ()
    assert "no longer open" in said(turn)
    assert ("OMS-NEXT" in said(turn)) == (other is not None)
    assert labels(turn) == (["Request a callback"] if other is None else ["Change", "Withdraw"])


@pytest.mark.parametrize(("typed", "yes"), [("yes", True), ("Not really", False), ("1", True), ("no", False)])
def test_whether_it_helped_takes_one_word(typed: str, yes: bool, session: Session, content: Content, now: datetime) -> None:
    """A tap or a word, and thanks for either answer."""
    asked = tell(replace(session, request=None), News("helped", NAME, now), content, now).session
    turn = advance(asked, Text(typed), content, now)
    assert turn.effects == (Helped(NAME, yes),)
    assert "Thank you" in said(turn)


@pytest.mark.parametrize("button", ["helped", "helped:yes", "helped:maybe:OMS-7K3F", "helped:yes:OMS-\x00", f"helped:no:{'X' * 60}"])
def test_a_made_up_answer_is_none(button: str, session: Session, content: Content, now: datetime) -> None:
    """Ids that are not ours lead to the menu, and no effect carries them to the database."""
    turn = advance(session, Press(button), content, now)
    assert (turn.effects, turn.session.screen) == ((), "home")


def test_a_question_that_is_open_stays_open(session: Session, content: Content, now: datetime) -> None:
    """News in the middle of a request do not take the answer that is being typed; their buttons work all the same."""
    asked = replace(session, screen="ask:phone", draft=Draft(now))
    after = tell(asked, tried(now), content, now)
    assert after.session == asked
    assert [button.id for button in after.replies[0].navigation] == ["callback", "home"]
    assert advance(after.session, Text("+49 30 654321"), content, now).session.draft.answers["phone"] == "+4930654321"  # type: ignore[union-attr]


def test_what_staff_write_is_no_markup(session: Session, content: Content, now: datetime) -> None:
    """Asterisks, blanks and links in their words are shown as they were typed, paragraph by paragraph."""
    words = "Dear *Ana*, {reference}\nhttps://example.org\n\n\n[second](tel:1) paragraph"
    turn = tell(session, News("written", NAME, now, words=words), content, now)
    assert "Dear *Ana*, {reference}\nhttps://example.org" in said(turn)
    assert "[second](tel:1) paragraph" in said(turn)
    assert not any(run.style or run.href for block in turn.replies[0].body[1:-1] for run in block.runs)  # type: ignore[union-attr]
    assert labels(turn) == ["Call me again", "A better time", "Change my number", "Talk to a person"]


@pytest.mark.parametrize("button", ["home", "status", f"again:{NAME}", "page:more/talk-to-person"])
def test_what_staff_wrote_is_not_overwritten(button: str, session: Session, content: Content, now: datetime) -> None:
    """Where a pressed message is replaced by the answer, one from staff stays: its words stand nowhere else."""
    after = tell(session, News("written", NAME, now, words="Bring the letters."), content, now).session
    assert not advance(after, Press(button), content, now).replies[-1].in_place
    assert not advance(replace(after, screen="home"), Press(f"again:{NAME}"), content, now).replies[-1].in_place
    assert advance(replace(after, screen="home"), Press("status"), content, now).replies[-1].in_place


@pytest.mark.parametrize("kind", sorted(SCREENS))
def test_each_of_these_screens_can_be_left_and_found_again(kind: NewsKind, session: Session, content: Content, now: datetime) -> None:
    """From what was being read one comes back to it; the menu is one word away."""
    reading = replace(session, screen="page:about-oms/who", profile=Profile())
    after = tell(reading, News(kind, NAME, now, words="x"), content, now).session
    assert advance(after, Text("back"), content, now).session.screen == "page:about-oms/who"
    assert advance(after, Text("menu"), content, now).session.screen == "home"
