"""What the *Sources* view tells a reader: where the facts are from, and who has reviewed the page."""

from dataclasses import replace
from datetime import datetime

import pytest

from bot.channels.telegram_render import texts
from bot.channels.web_render import html
from bot.channels.whatsapp_render import render
from bot.core.engine import advance
from bot.core.library import Content
from bot.core.markup import plain
from bot.core.model import Press, Reply, Session

EYES = "symptoms/eyes"
LANGUAGES = ("en", "de", "ar", "ru")


def sources(content: Content, code: str, now: datetime) -> Reply:
    session = Session(language=code, screen=f"page:{EYES}")
    return advance(session, Press(f"sources:{EYES}"), content, now).replies[-1]


def reviewed(content: Content, code: str) -> Content:
    language = content.languages[code]
    eyes = replace(language.pages[EYES], review="Dr Ada Example, neurologist; 2026-11-30")
    return replace(content, languages={**content.languages, code: replace(language, pages={**language.pages, EYES: eyes})})


@pytest.mark.parametrize("code", LANGUAGES)
def test_titles_years_and_addresses_are_shown(content: Content, now: datetime, code: str) -> None:
    """In every language and on every channel each source stands there with its title, its year and its address."""
    reply = sources(content, code, now)
    message = str(render(reply, content.languages[code]))
    for source in content.languages[code].pages[EYES].sources:
        assert f"{source.title} ({'' if source.year == 'n.d.' else source.year}" in plain(reply.body)
        assert f'href="{source.url.replace("&", "&amp;")}"' in "".join(texts(reply.body))
        assert f'href="{source.url.replace("&", "&amp;")}"' in html(reply.body)
        assert source.url in message


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_unknown_year_is_left_out(content: Content, now: datetime, code: str) -> None:
    """Where no year is known none is named, in any language: "n.d." means nothing to a parent."""
    undated = [page for page in content.languages[code].pages.values() if any(source.year == "n.d." for source in page.sources)]
    assert len(undated) > 20
    for page in undated:
        reply = advance(Session(language=code, screen=f"page:{page.path}"), Press(f"sources:{page.path}"), content, now).replies[-1]
        assert "n.d." not in plain(reply.body), page.path
    first = next(source for source in content.languages[code].pages[EYES].sources if source.year == "n.d.")
    assert f"{first.title} ({first.grade})" in plain(sources(content, code, now).body)


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_page_nobody_has_reviewed_says_so(content: Content, now: datetime, code: str) -> None:
    """While a review is pending, the reader is told."""
    assert plain(content.languages[code].texts["review-pending"]) in plain(sources(content, code, now).body)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", "Reviewed by: Dr Ada Example, neurologist; 30 November 2026"),
        ("de", "Dr Ada Example, neurologist; 30 November 2026"),
        ("ar", "Dr Ada Example, neurologist; 30 نوفمبر 2026"),
        ("ru", "Dr Ada Example, neurologist; 30 ноября 2026"),
    ],
)
def test_a_reviewed_page_says_who_and_when(content: Content, now: datetime, code: str, said: str) -> None:
    """The reviewer, their qualification and the day stand there, the day in the reader's language; other languages keep their own mark."""
    other = reviewed(content, code)
    assert said in plain(sources(other, code, now).body)
    elsewhere = next(each for each in LANGUAGES if each != code)
    assert "Ada Example" not in plain(sources(other, elsewhere, now).body)
