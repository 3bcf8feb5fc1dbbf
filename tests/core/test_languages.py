"""Which language somebody is answered in: where they are, what they write, what they have chosen."""

from dataclasses import replace
from datetime import datetime

import pytest

from bot.core.engine import advance
from bot.core.languages import of_country, script, written
from bot.core.library import Content
from bot.core.markup import plain
from bot.core.model import HOME, Event, Press, Profile, Session, Started, Text, Turn

ENGLISH = Session(language="en")
FOUR = ("en", "de", "ar", "ru")


@pytest.mark.parametrize(
    ("country", "language"),
    [
        ("DE", "de"), ("AT", "de"), ("CH", "de"), ("EG", "ar"), ("AE", "ar"), ("SA", "ar"), ("RU", "ru"), ("KZ", "ru"), ("BY", ""),
        ("GB", "en"), ("US", "en"), ("UA", ""), ("IL", ""), ("ES", ""), ("BR", ""), ("XX", ""), ("", ""), ("001", ""),
    ],
)  # fmt: skip
def test_most_people_of_a_country_are_greeted_in_their_language(country: str, language: str) -> None:
    """Where most people speak one of our languages officially strangers are greeted in it, elsewhere in the default one."""
    assert of_country(country, FOUR) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("was sind die symptome", "de"), ("Mein Kind schläft nicht", "de"), ("не спит по ночам", "ru"),
        ("Привет", "ru"),
        ("كيف يتم التشخيص", "ar"), ("مرحبا", "ar"), ("what are the symptoms", "en"), ("sleep", "en"), ("rituximab", "en"), ("MRT", "en"),
        ("", "en"), ("😀", "en"), ("123", "en"), ("Привет rituximab как давать", "ru"), ("hola amigos", "en"), ("γεια", "en"), ("ok", "en"),
    ],
)  # fmt: skip
def test_what_is_written_tells_the_language(text: str, language: str, content: Content) -> None:
    """Another script, or mostly words of another language; a name of a medicine or a single short word tells nothing."""
    assert content.speech.of(written(text), "en") == language


def test_a_script_is_that_of_most_letters() -> None:
    """Digits and signs are in no script."""
    assert [script(text) for text in ("abc", "где Rx", "م1", "12 !?", "")] == ["LATIN", "CYRILLIC", "ARABIC", "", ""]


def play(content: Content, now: datetime, session: Session, *events: Event) -> Turn:
    turn = Turn(session)
    for event in events:
        turn = advance(turn.session, event, content, now)
    return turn


def offers(turn: Turn, language: str) -> bool:
    return any(button.id == f"language:{language}" for button in turn.replies[-1].buttons)


@pytest.mark.parametrize(("asked", "language"), [("Schlafprobleme", "de"), ("плохо спит", "ru"), ("مشاكل النوم", "ar")])
def test_a_question_is_answered_in_its_language(asked: str, language: str, content: Content, now: datetime) -> None:
    """Who has chosen English and asks in German gets the German page and the way to stay in German; the choice stays as it was."""
    turn = play(content, now, ENGLISH, Text(asked))
    page = content.languages[language].pages["symptoms/mood-sleep"]
    assert page.title in (turn.replies[-1].title, *(button.label for button in turn.replies[-1].choices))
    assert (turn.session.language, turn.session.speaks, turn.replies[-1].language) == ("en", language, language)
    assert offers(turn, language)


def test_the_conversation_goes_on_in_the_language_of_the_question(content: Content, now: datetime) -> None:
    """Pressing buttons of a German answer leads to German pages, until they write English again."""
    turn = play(content, now, ENGLISH, Text("Was sind die Symptome?"), Press("page:symptoms/eyes"))
    assert turn.replies[-1].title == content.languages["de"].pages["symptoms/eyes"].title
    turn = play(content, now, turn.session, Text("what about the sleep problems"))
    assert (turn.session.speaks, turn.replies[-1].language) == ("", "en")
    assert not offers(turn, "de")


def test_staying_is_one_tap(content: Content, now: datetime) -> None:
    """The offered button makes the language of the question the language of the conversation."""
    turn = play(content, now, ENGLISH, Text("Was sind die Symptome?"), Press("language:de"))
    assert (turn.session.language, turn.session.speaks) == ("de", "")


def test_who_asks_for_a_call_in_a_language_is_called_in_it(content: Content, now: datetime) -> None:
    """A request that is begun in German goes on in German."""
    turn = play(content, now, ENGLISH, Text("Was sind die Symptome?"), Press("callback"))
    turn = play(content, now, turn.session, Press(f"consent:yes:{content.structure.consent_version}"))
    assert (turn.session.language, turn.session.speaks) == ("de", "")


def test_an_answer_to_a_question_is_in_no_language(content: Content, now: datetime) -> None:
    """A name in another script changes nothing."""
    yes = f"consent:yes:{content.structure.consent_version}"
    turn = play(content, now, ENGLISH, Press("callback"), Press(yes), Press("ask:email"), Text("Иванова"))
    assert (turn.session.language, turn.session.speaks) == ("en", "")


@pytest.mark.parametrize(
    ("profile", "event", "language"),
    [
        (Profile(language="ru-KZ"), Started(), "ru"),
        (Profile(language="fr"), Started(), "en"),
        (Profile(phone="+4915112345678"), Started(), "de"),
        (Profile(phone="+201001234567"), Text("rituximab"), "ar"),
        (Profile(phone="+201001234567"), Text("hello"), "en"),
        (Profile(phone="+34612345678"), Text("как лечить"), "ru"),
        (Profile(), Text("Was sind die Symptome?"), "de"),
        (Profile(phone="+"), Started(), "en"),
        (Profile(phone="nonsense"), Started(), "en"),
    ],
)
def test_the_first_language(profile: Profile, event: Event, language: str, content: Content, now: datetime) -> None:
    """The platform's hint, else what a stranger writes, else the country of their number."""
    assert advance(Session(profile=profile), event, content, now).session.language == language


def test_a_language_that_was_chosen_is_remembered(content: Content, now: datetime) -> None:
    """Neither the platform's hint nor a tap changes it."""
    session = replace(ENGLISH, profile=Profile(language="de", phone="+4915112345678"))
    turn = play(content, now, session, Started(), Press("page:symptoms"), Press(HOME))
    assert turn.session.language == "en"


@pytest.mark.parametrize("language", FOUR)
def test_danger_is_answered_in_the_language_of_fear(language: str, content: Content, now: datetime) -> None:
    """Whatever was chosen, words of danger are answered in the language they were said in."""
    cry = {"en": "he can't breathe", "de": "er atmet nicht mehr", "ar": "لا يتنفس", "ru": "он не дышит"}[language]
    chosen = "en" if language != "en" else "de"
    turn = play(content, now, Session(language=chosen), Text(cry))
    if language == "en":  # "he can't breathe" is clear enough in a German conversation, too
        assert turn.session.screen.startswith("danger:")
        return
    assert plain(turn.replies[0].body).split()[0] == plain(content.languages[language].texts["emergency-stop"]).split()[0]


def test_whether_a_page_helped_is_counted_without_a_person(content: Content, now: datetime) -> None:
    """Two taps from the page; counted by page and language, and the page is there again with thanks."""
    turn = play(content, now, ENGLISH, Press("page:symptoms/eyes"), Press("helpful:symptoms/eyes"), Press("helpful:no:symptoms/eyes"))
    assert [(count.name, count.detail) for count in turn.effects] == [("helpful", "no en symptoms/eyes")]  # type: ignore[union-attr]
    assert turn.session.screen == "page:symptoms/eyes"
    assert not [
        button for button in play(content, now, ENGLISH, Press("page:emergency")).replies[-1].buttons if button.id.startswith("helpful")
    ]
    assert play(content, now, ENGLISH, Press("helpful:gone")).session.screen
