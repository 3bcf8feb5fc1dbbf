"""Single rules of the dialogue that a transcript would hide: what must not happen, on whatever screen."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core.engine import advance
from bot.core.library import Content
from bot.core.markup import plain
from bot.core.model import EndConsent, Event, Hurried, Media, Press, Profile, Session, SharedContact, Started, Text, Turn

SHARES = Profile(name="Ana", shares_contact="keyboard")
ASKED = (Text("callback"), Press("consent:yes:2026-11b"))
NUMBER = SharedContact("+4930123456", own=True)
SENT = (*ASKED, NUMBER, Press("send"))


def after(content: Content, now: datetime, *events: Event | timedelta, profile: Profile = SHARES) -> Turn:
    """The turn of the last event; a timedelta lets time pass."""
    turn = Turn(Session(number=7))
    for event in events:
        if isinstance(event, timedelta):
            now += event
        else:
            turn = advance(replace(turn.session, profile=profile), event, content, now)
    return turn


def said(turn: Turn) -> str:
    return "\n".join(plain(reply.body) for reply in turn.replies)


@pytest.mark.parametrize("number", ["+49 30 112 1234", "0911 999 1234", "my number is +1 212 911 5555"])
def test_a_phone_number_is_no_emergency(number: str, content: Content, now: datetime) -> None:
    """Emergency numbers inside a phone number, where one is asked, are part of the answer."""
    assert after(content, now, *ASKED, Text(number)).session.screen == "summary"


@pytest.mark.parametrize("text", ["112", "call 112 for me", "911!", "112 she is 3 years old"])
def test_an_emergency_number_alone_is_one(text: str, content: Content, now: datetime) -> None:
    """The same digits on their own are a cry for help, also where a number is asked."""
    turn = after(content, now, *ASKED, Text(text))
    assert turn.session.screen == "danger:emergency"


@pytest.mark.parametrize("text", ["1", "Share my number", "share my"])
def test_typing_instead_of_sharing_keeps_the_question(text: str, content: Content, now: datetime) -> None:
    """Whoever types the name of the key that shares the number stays at the question."""
    turn = after(content, now, *ASKED, Text(text))
    assert turn.session.screen == "ask:phone"


@pytest.mark.parametrize("text", ["?", " ? ", "help", "/help", "HELP!"])
def test_help_is_always_one_word_away(text: str, content: Content, now: datetime) -> None:
    """A lone question mark is a call for help like the word."""
    assert after(content, now, Started(), Text(text)).session.screen == "notice:help"


@pytest.mark.parametrize("event", [Media(), Text("is it oms"), Text("1"), Press("send")])
def test_an_expired_request_shows_no_summary(event: Event, content: Content, now: datetime) -> None:
    """What expired cannot be sent or looked at any more; nobody sees an empty summary."""
    turn = after(content, now, *ASKED, NUMBER, timedelta(hours=50), event)
    assert turn.session.screen != "summary"
    assert "Is this right?" not in said(turn)


def test_back_from_privacy_leads_to_the_consent(content: Content, now: datetime) -> None:
    """Whoever reads the privacy page before agreeing comes back to the question."""
    turn = after(content, now, Text("callback"), Press("page:more/privacy"), Press("back"))
    assert turn.session.screen == "consent"


@pytest.mark.parametrize(
    "text",
    [
        "he stopped breathing",
        "short of breath",
        "he fainted after IVIG",
        "swollen face after rituximab",
        "seizure during rituximab",
        "she is not responding, treatment centre?",
        "she won't wake up after the MRI",
        "overdose of prednisolone",
    ],
)
def test_danger_leads_to_no_form(text: str, content: Content, now: datetime) -> None:
    """After words of danger comes the emergency line and a page with the emergency signs: no form, no offer."""
    turn = after(content, now, Started(), Text(text))
    assert turn.replies[0].style == "warning"
    assert turn.session.screen.startswith("danger:")
    targets = {button.id for button in turn.replies[-1].buttons}
    assert "callback" not in targets
    assert turn.session.screen == "danger:emergency" or {"emergency", "page:emergency"} & targets


@pytest.mark.parametrize("text", ["he stopped breathing", "short of breath", "he is not breathing", "she is unresponsive"])
def test_danger_alone_opens_the_emergency_page(text: str, content: Content, now: datetime) -> None:
    """The words of danger themselves never choose another topic."""
    assert after(content, now, Started(), Text(text)).session.screen == "danger:emergency"


def test_a_question_about_danger_gets_its_topic(content: Content, now: datetime) -> None:
    """ "EEG seizure?" is answered with the line first and then the page about EEG."""
    turn = after(content, now, Started(), Text("EEG seizure?"))
    assert "This may be an emergency" in plain(turn.replies[0].body)
    assert turn.session.screen == "danger:diagnosis/eeg"
    assert "page:emergency" in {button.id for button in turn.replies[-1].buttons}


def test_cancelling_a_change_does_not_deny_the_request(content: Content, now: datetime) -> None:
    """Whoever leaves a change unsaved is not told that nothing was sent: the request stands."""
    turn = after(content, now, *SENT, Press("change"), Press("ask:when"), Press("cancel"))
    assert turn.session.request is not None
    assert "Nothing was sent" not in said(turn)


def test_pressing_send_twice_sends_once(content: Content, now: datetime) -> None:
    """The second press of *Send* shows the request that is there."""
    turn = after(content, now, *SENT, Press("send"))
    assert turn.session.sent == 1
    assert turn.session.screen == "status"
    assert not turn.effects


def test_an_old_consent_is_asked_again(content: Content, now: datetime) -> None:
    """Agreeing to a text that has changed since shows the one that counts."""
    turn = after(content, now, Text("callback"), Press("consent:yes:2020-01"))
    assert turn.session.screen == "consent"
    assert turn.session.consent == ""


def test_someone_elses_number_is_not_taken(content: Content, now: datetime) -> None:
    """A shared contact counts only if the platform vouches that it is the sender's own."""
    turn = after(content, now, *ASKED, SharedContact("+4930123456", own=False))
    assert turn.session.screen == "ask:phone"
    assert turn.session.draft is not None
    assert "phone" not in turn.session.draft.answers


def test_withdrawing_ends_the_consent(content: Content, now: datetime) -> None:
    """After *Withdraw* the next request asks for consent anew."""
    turn = after(content, now, *SENT, Press("withdraw:yes"), Press("callback"))
    assert turn.session.screen == "consent"


@pytest.mark.parametrize("screen", [(), (*ASKED,), (*ASKED, NUMBER), SENT])
def test_despair_is_heard_everywhere(screen: tuple[Event, ...], content: Content, now: datetime) -> None:
    """Words of despair open the crisis page on every screen, with no offer beside it."""
    turn = after(content, now, *screen, Text("I want to die"))
    assert turn.session.screen == "page:crisis"
    assert "callback" not in {button.id for button in turn.replies[-1].choices}


@pytest.mark.parametrize("text", ["topic", "all", "1000", "xyzzy", "sleepy"])
def test_the_main_menu_is_offered_once(text: str, content: Content, now: datetime) -> None:
    """Where several pages are offered, the main menu is not one of them: it has its button anyway."""
    buttons = after(content, now, Started(), Text(text)).replies[-1].buttons
    assert [button.label for button in buttons].count("Main menu") <= 1


@pytest.mark.parametrize("phone", ["garbage", "+", "+999", "0"])
def test_a_spoilt_profile_number_is_not_used(phone: str, content: Content, now: datetime) -> None:
    """*Use this number* with a number that is none asks for one instead of failing."""
    turn = after(content, now, *ASKED, Press("set:phone:profile"), profile=Profile(phone=phone))
    assert turn.session.screen == "ask:phone"


def test_absurd_button_arguments_are_survived(content: Content, now: datetime) -> None:
    """A number of thousands of digits in a button id leads to a sensible screen."""
    turn = after(content, now, Press("sources:more/sources:" + "9" * 5000))
    assert turn.replies


def test_danger_in_other_languages_is_heard_already(content: Content, now: datetime) -> None:
    """Emergency words in German, Arabic and Russian count before there are texts in these languages."""
    for text in ("Mein Kind atmet nicht!", "طفلي لا يتنفس", "Она не дышит", "Krampfanfall"):
        assert after(content, now, Text(text)).session.screen == "danger:emergency"


def test_a_statement_of_danger_opens_the_emergency_signs(content: Content, now: datetime) -> None:
    """Only a question gets its topic after the warning; whoever reports danger gets the emergency signs."""
    assert after(content, now, Text("EEG seizure?")).session.screen == "danger:diagnosis/eeg"
    assert after(content, now, Text("seizure during the EEG")).session.screen == "danger:emergency"


@pytest.mark.parametrize("text", ["he fainted, can i delete my data?", "collapsed, how do i cancel my request?"])
def test_no_flow_starts_after_danger(text: str, content: Content, now: datetime) -> None:
    """Beside a warning nothing is started: no form, no deletion."""
    assert after(content, now, Text(text)).session.screen == "danger:emergency"


def test_a_question_is_not_a_name(content: Content, now: datetime) -> None:
    """A question asked where a name is expected is answered, not taken for a name."""
    turn = after(content, now, *ASKED, NUMBER, Press("ask:name"), Text("what does it cost?"))
    assert turn.session.draft is not None
    assert "name" not in turn.session.draft.answers


def test_a_no_or_a_cancel_ends_the_consent(content: Content, now: datetime) -> None:
    """Who agreed and then says no, or cancels, is asked again before anything is stored."""
    for no in (Press("consent:no"), Press("cancel")):
        turn = after(content, now, *ASKED, no)
        assert EndConsent() in turn.effects
        assert after(content, now, *ASKED, no, Press("callback")).session.screen == "consent"


@pytest.mark.parametrize("text", ["my baby turn blue", "he dont wake up", "he stop breath", "i can not breath", "112 my son"])
def test_broken_english_is_understood_in_danger(text: str, content: Content, now: datetime) -> None:
    """People in fear, and those new to the language, leave small words out."""
    assert after(content, now, Text(text)).session.screen == "danger:emergency"


@pytest.mark.parametrize("text", ["i dont want live", "i want die", "i wanna die", "i will kill me", "i cant take it anymore"])
def test_broken_english_is_understood_in_despair(text: str, content: Content, now: datetime) -> None:
    """The same for words of despair."""
    assert after(content, now, Text(text)).session.screen == "page:crisis"


def test_the_number_keyboard_goes_when_the_request_has_expired(content: Content, now: datetime) -> None:
    """Whoever comes back after days does not find the keyboard of a question that is no longer asked."""
    turn = after(content, now, *ASKED, timedelta(hours=50), Press("home"))
    assert turn.replies[0].closes_keyboard


def test_fear_is_not_answered_with_all_right(content: Content, now: datetime) -> None:
    """Where the share-number keyboard has to go, the first words still fit: the warning itself, or a word that leads to it."""
    danger = after(content, now, *ASKED, Text("he is not breathing")).replies
    assert danger[0].closes_keyboard
    assert "emergency" in plain(danger[0].body)
    despair = after(content, now, *ASKED, Text("I want to die")).replies
    assert [reply.closes_keyboard for reply in despair] == [True, False]
    assert all("All right" not in plain(reply.body) for reply in (*danger, *despair))


def test_stop_counts_before_anything_is_chosen(content: Content, now: datetime) -> None:
    """Who says stop is not written to unasked from then on, and is again after choosing to go back."""
    assert after(content, now, Text("stop")).session.left
    assert not after(content, now, Text("stop"), Press("home")).session.left


def test_a_number_the_platform_vouches_for_is_not_doubted(content: Content, now: datetime) -> None:
    """The number a person writes from is shown where it is asked, and taken without "this looks unusual"."""
    known = Profile(name="Ana", phone="+447700900123")  # Ofcom keeps it for drama: no range holds it
    assert "+44 7700 900123" in said(after(content, now, *ASKED, profile=known))
    assert "unusual" not in said(after(content, now, *ASKED, Press("set:phone:profile"), profile=known))
    assert "unusual" in said(after(content, now, *ASKED, Text("+447700900123"), profile=known))


def test_who_hurries_is_told_once_and_heard_in_danger(content: Content, now: datetime) -> None:
    """Who sends more than can be answered is told so once; words of danger count all the same, and calm ones again later."""
    assert "Please wait a moment" in said(after(content, now, Hurried("and another thing")))
    assert after(content, now, Hurried("one"), Hurried("two")).replies == ()
    assert "112" in said(after(content, now, Hurried("one"), Hurried("he cannot breathe")))
    assert after(content, now, Hurried("one"), Text("symptoms"), Hurried("two")).replies != ()
