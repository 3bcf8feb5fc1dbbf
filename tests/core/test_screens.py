"""Pages are drawn once for all who see the same: nobody sees what was drawn for somebody else."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from bot.core import screens
from bot.core.library import Content
from bot.core.model import Draft, Profile, Session
from bot.core.navigation import draw
from bot.core.scene import Scene

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
PHONES = ("", "+49 1577 0000000", "+1 202 555 0100")  # made up: nowhere, Germany, the United States


def scenes(content: Content) -> list[Scene]:
    """People of every kind that pages tell apart."""
    ways, drafts = ((), ("page:symptoms",)), (None, Draft(NOW))
    return [
        Scene(content, Session(language=code, path=way, draft=draft, profile=Profile(phone=phone)), NOW)
        for code, way, draft, phone in product(content.languages, ways, drafts, PHONES)
    ]


def test_a_page_is_the_same_for_whoever_it_was_drawn_first(content: Content) -> None:
    """Each person gets every page as if they were the first to ask, in whatever order people come."""
    for order in (scenes(content), scenes(content)[::-1]):
        shared = replace(content)
        for path in ("emergency", "symptoms", "symptoms/eyes", content.structure.pages["sources"], content.structure.pages["talk"]):
            for scene in order:
                alone = replace(scene, content=replace(content))
                assert draw(replace(scene, content=shared), f"page:{path}") == draw(alone, f"page:{path}")


def test_a_page_is_drawn_once(content: Content) -> None:
    """Two people who see the same get the same object; who has begun a request gets another."""
    first, second = (Scene(content, Session(number, "en"), NOW) for number in (1, 2))
    assert screens.page(first, "symptoms/eyes") is screens.page(second, "symptoms/eyes")
    begun = replace(second, session=replace(second.session, draft=Draft(NOW)))
    assert screens.page(begun, "symptoms/eyes") != screens.page(first, "symptoms/eyes")


def test_what_is_kept_is_bounded(content: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages are read, no more than so many are kept, and they are right all the same."""
    monkeypatch.setattr(screens, "_DRAWN", 3)
    scene = Scene(replace(content), Session(language="en"), NOW)
    pages = scene.language.pages
    for path in [path for path in pages if path not in ("", scene.structure.pages["sources"])] * 2:
        assert screens.page(scene, path).title == pages[path].title
        assert len(scene.content.drawn) <= 3
