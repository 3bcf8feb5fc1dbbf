"""Where a person is, and the numbers of that country in what they are told."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.core.country import country_of
from bot.core.engine import advance
from bot.core.library import Content
from bot.core.markup import Document, Listing, plain
from bot.core.model import Profile, Reply, Session, Text

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
EGYPT, RUSSIA, UNKNOWN = Profile(phone="+201001234567"), Profile(phone="+79123456789"), Profile()


def told(content: Content, language: str, profile: Profile, text: str) -> tuple[Reply, ...]:
    return advance(Session(language=language, profile=profile), Text(text), content, NOW).replies


def links(document: Document) -> set[str]:
    lines = [line for block in document for line in (block.items if isinstance(block, Listing) else (block.runs,))]
    return {run.href for line in lines for run in line if run.href}


@pytest.mark.parametrize(
    ("profile", "country"),
    [
        (Profile(phone="+4915112345678"), "DE"),
        (Profile(phone="+77011234567"), "KZ"),
        (Profile(phone="+12125552368", language="ru-RU"), "US"),
        (Profile(phone="+12125552368", timezone="Europe/Berlin"), "US"),
        (Profile(phone="+80012345678"), ""),
        (Profile(phone="nonsense", language="de-AT"), "AT"),
        (Profile(timezone="Africa/Cairo", language="en-US"), "EG"),
        (Profile(timezone="Mars/Olympus", language="en-US"), "US"),
        (Profile(language="ru-KZ"), "KZ"),
        (Profile(language="pt-br"), "BR"),
        (Profile(language="zh-Hans-CN"), "CN"),
        (Profile(language="es-419"), ""),
        (Profile(language="ru"), ""),
        (Profile(), ""),
    ],
)
def test_the_country_of_a_person(profile: Profile, country: str) -> None:
    """The number they write from tells most, then their clock, then the region of their language."""
    assert country_of(profile) == country


def test_emergency_texts_name_the_number_of_the_country(content: Content) -> None:
    """Who writes from Egypt is told 123, as a link, and still that another number may be right where they are."""
    for reply in told(content, "ar", EGYPT, "لا يتنفس"):
        assert "tel:123" in links(reply.body)
        assert "tel:112" not in links(reply.body)
    here = plain(told(content, "en", EGYPT, "he can't breathe")[0].body)
    assert "123 now (Egypt) or your local emergency number" in here


@pytest.mark.parametrize("profile", [UNKNOWN, Profile(phone="+4915112345678"), Profile(language="ja-JP")])
def test_without_a_number_of_the_country_the_general_one_stays(profile: Profile, content: Content) -> None:
    """112 (EU) for who is in the EU, and for who may be anywhere."""
    for reply in told(content, "en", profile, "he can't breathe"):
        assert "112 now (EU) or your local emergency number" in plain(reply.body)


def test_the_crisis_page_shows_the_line_of_the_country(content: Content) -> None:
    """Instead of the German one; the way to lines of other countries stays."""
    (reply,) = told(content, "ru", RUSSIA, "хочу умереть")
    assert "tel:+74959895050" in links(reply.body)
    assert "tel:116123" not in links(reply.body)
    assert "https://findahelpline.com" in links(reply.body)


@pytest.mark.parametrize("profile", [UNKNOWN, Profile(language="ru-KZ")])
def test_the_crisis_page_shows_the_general_line_otherwise(profile: Profile, content: Content) -> None:
    """Without a country, or without a line we are sure of there."""
    (reply,) = told(content, "en", profile, "suicide")
    assert "tel:116123" in links(reply.body)
    assert "In Germany" in plain(reply.body)


def test_hours_are_told(content: Content) -> None:
    """A line that is not there at night says when it is."""
    (italy,) = told(content, "en", Profile(phone="+390612345678"), "suicide")
    assert "(10:00–24:00)" in plain(italy.body)
    (france,) = told(content, "en", Profile(phone="+33123456789"), "suicide")
    assert "(24/7)" in plain(france.body)


def test_pages_without_such_numbers_are_the_same_for_all(content: Content) -> None:
    """They are filled once; pages with a number once a country."""
    for code, language in content.languages.items():
        for path in language.pages:
            same = content.body(code, path, "EG") is content.bodies[code, path]
            assert same is ((code, path) not in content.local)
            assert content.body(code, path, "EG") is content.body(code, path, "EG")
            assert content.body(code, path, "JP") is content.bodies[code, path]
    assert ("en", "crisis") in content.local
    assert ("en", "about-oms/basics") not in content.local


def test_no_blank_is_left_for_any_country(content: Content) -> None:
    """In no language and no country does a page show an open blank or grow too long."""
    structure = content.structure
    for country in {*structure.emergency_numbers, *structure.crisis_lines}:
        for code, path in content.local:
            text = plain(content.body(code, path, country))
            assert "{" not in text
            assert len(text) <= 900, (code, path, country)


def test_the_number_is_the_one_at_the_time(content: Content) -> None:
    """A session that moves to another number sees the other country's."""
    session = Session(language="en", profile=EGYPT)
    moved = replace(session, profile=RUSSIA)
    pages = [plain(advance(one, Text("help"), content, NOW).replies[-1].body) for one in (session, moved)]
    assert "123 now (Egypt)" in pages[0]
    assert "112 now (Russia)" in pages[1]
