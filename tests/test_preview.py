"""The preview: every screen as it is, complete in itself."""

import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import pytest

from bot.channels import telegram_render
from bot.core.library import Content
from bot.core.markup import words
from bot.core.model import Session
from bot.preview import Meter, _whatsapp_text, as_page
from bot.preview_scenes import Scene, Stage, scenes

NOW = datetime.fromisoformat("2026-11-23T09:00:00+00:00")
ARRIVES = {
    "home": "home", "callback": "consent", "summary": "summary", "send": "status", "status": "status", "change": "change",
    "withdraw": "withdraw", "withdraw:yes": "home", "cancel": "home", "stop": "stop", "help": "notice:help", "stale": "home",
}  # fmt: skip


class Tags(HTMLParser):
    """The tags of a page, and whether they are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, attribute: str) -> list[str]:
        return [value for _, attrs in self.seen if (value := attrs.get(attribute))]


@pytest.fixture(scope="module")
def page(content: Content) -> str:
    return as_page(content, NOW)


@pytest.fixture(scope="module")
def tags(page: str) -> Tags:
    return Tags(page)


def played(scene: Scene, content: Content, code: str) -> Stage:
    return scene.play(Stage(content, Session(number=7, language=code), NOW))


def test_every_page_stands_there_in_every_language(tags: Tags, content: Content) -> None:
    """No page of any language is left out, nor any step of a callback."""
    ids = tags.all("id")
    wanted = {f"{code}/page:{path}" for code, language in content.languages.items() for path in language.pages if path}
    wanted |= {
        f"{code}/{screen}" for code in content.languages for screen in ("home", "callback", "summary", "send", "emergency", "crisis")
    }
    wanted |= {f"{code}/ask:{question.id}" for code in content.languages for question in content.structure.questions}
    assert wanted - set(ids) == set()
    assert len(ids) == len(set(ids))


def test_the_page_is_sound_and_needs_nothing_else(page: str, tags: Tags) -> None:
    """It loads nothing from anywhere, runs nothing, its tags are closed, and its own links lead somewhere."""
    assert tags.open == []
    assert {tag for tag, _ in tags.seen} & {"script", "link", "img", "iframe", "object", "video"} == set()
    assert tags.all("src") == []
    assert not re.search(r"@import|url\(", page)
    ids = set(tags.all("id"))
    inside = [link.removeprefix("#") for link in tags.all("href") if link.startswith("#")]
    assert len(inside) > 1000
    assert [link for link in inside if link not in ids] == []


def test_the_renderers_words_are_shown(page: str, content: Content) -> None:
    """What Telegram would get stands there as it is, in each language."""
    for code in content.languages:
        for scene in scenes(content):
            [*_, reply] = played(scene, content, code).replies
            if scene.path is not None:  # elsewhere the person asked may make a difference
                assert all(text in page for text in telegram_render.texts(reply.body)), (code, scene.id)


def test_a_scene_is_what_it_is_called(content: Content) -> None:
    """In every language the way to each screen leads there."""
    for code in content.languages:
        stages = {scene.id: played(scene, content, code) for scene in scenes(content)}
        assert {name: stages[name].session.screen for name in ARRIVES} == ARRIVES, code
        assert stages["emergency"].replies[0].style == "warning"
        assert stages["crisis"].session.screen == f"page:{content.structure.pages['crisis']}"
        assert stages["send"].session.request is not None
        assert stages["unknown"].session.screen.startswith("found:nearest")
        assert stages["advice"].session.screen == "notice:no-diagnosis"


def test_arabic_runs_from_the_right(tags: Tags) -> None:
    """A screen has its language and its direction."""
    directions = {(attrs["lang"], attrs["dir"]) for tag, attrs in tags.seen if tag == "article"}
    assert directions == {("en", "ltr"), ("de", "ltr"), ("ar", "rtl"), ("ru", "ltr")}


def test_words_are_no_markup(content: Content) -> None:
    """What looks like HTML in a title, a reviewer's name or a text is shown and does nothing."""
    english = content.languages["en"]
    evil = "<script>x</script>"
    eyes = replace(english.pages["symptoms/eyes"], title=evil, body=words(evil), review=f"{evil}, none; 2026-11-30")
    other = replace(content, languages={"en": replace(english, pages={**english.pages, "symptoms/eyes": eyes})})
    page = as_page(other, NOW)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 5
    assert "Reviewed: &lt;script&gt;" in page


def test_a_meter_warns_in_time() -> None:
    """A meter tells what fits, what nearly fills a long text, and what is too long."""
    assert [Meter("text", used, 900).state for used in (0, 810, 811, 900, 901)] == ["fine", "fine", "tight", "tight", "over"]
    assert [Meter("title", used, 24).state for used in (24, 25)] == ["fine", "over"]
    assert Meter("text", 1800, 900).percent == 100


def test_whatsapp_marks_are_drawn_as_whatsapp_sees_them(content: Content) -> None:
    """Bold words are bold, and a star that is none stays one."""
    assert _whatsapp_text("*Call* 2*3 now, _really_!") == "<b>Call</b> 2*3 now, <i>really</i>!"
    assert _whatsapp_text("\u2060*\u2060no\u2060*\u2060 <b>") == "\u2060*\u2060no\u2060*\u2060 &lt;b&gt;"
