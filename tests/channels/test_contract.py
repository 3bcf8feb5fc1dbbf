"""What holds for every channel: each screen of the content fits, and every channel is registered in one place."""

import itertools
from datetime import datetime
from html import unescape

import pytest

from bot.channels import telegram_render, web_render
from bot.channels.telegram import Telegram
from bot.core.library import Content
from bot.core.model import OpenRequest, Profile, Reply, Session
from bot.core.navigation import draw
from bot.core.scene import Scene
from bot.parts import CHANNELS, HELD, WINDOWS

PROFILE = Profile(name="Maria Musterfrau", shares_contact="keyboard")


def screens(content: Content, now: datetime) -> dict[str, Reply]:
    """Every screen of every language, in the states it can be in."""
    answers = {"phone": "+4915155501234", "who": "child", "topic": "treatment", "name": "Maria Musterfrau"}
    request = OpenRequest("OMS-7K3F", "new", now, now, answers)
    drawn: dict[str, Reply] = {}
    for code, language in content.languages.items():
        names = ["home", *(f"page:{path}" for path in language.pages if path), *(f"sources:{path}" for path in language.pages)]
        names += [f"sources:more/sources:{first}" for first in range(10, 200, 10)]
        names += ["consent", "summary", "change", "status", "withdraw", "language", "erase", "stop", "feedback"]
        names += [f"ask:{question.id}" for question in content.structure.questions]
        names += [f"notice:{key}" for key in language.texts]
        names += ["found:several:symptoms|treatment|diagnosis", "found:nearest:symptoms|treatment"]
        from bot.core.model import Draft

        sessions = {
            "blank": Session(1, code, profile=PROFILE),
            "draft": Session(1, code, draft=Draft(now, answers, tries=3), consent=content.structure.consent_version, profile=PROFILE),
            "sent": Session(1, code, request=request, profile=PROFILE),
        }
        for name, (state, session) in itertools.product(names, sessions.items()):
            drawn[f"{code} {name} {state}"] = draw(Scene(content, session, now), name)
    return drawn


def test_every_screen_fits_telegram(content: Content, now: datetime) -> None:
    """Text, keyboards and callback data stay within Telegram's limits on every screen."""
    for name, reply in screens(content, now).items():
        [text] = telegram_render.texts(reply.body)  # one message each
        assert 0 < len(unescape(text)) <= telegram_render.MAX_TEXT, name
        markup = telegram_render.markup(reply)
        rows = getattr(markup, "inline_keyboard", ())
        assert len(rows) <= 25, name
        for button in itertools.chain.from_iterable(rows):
            assert 0 < len(str(button.callback_data).encode()) <= 64, name
            assert 0 < len(button.text) <= 64, name


def test_every_screen_is_sound_html(content: Content, now: datetime) -> None:
    """On the web every tag of every screen is opened and closed in turn."""
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "br":
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    for name, reply in screens(content, now).items():
        reader = Reader()
        reader.feed(web_render.html(reply.body))
        assert reader.open == [], name


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_is_called_like_its_line(name: str) -> None:
    """The name in CHANNELS is the name of the channel's module, so a reader finds it."""
    import importlib

    module = importlib.import_module(f"bot.channels.{name}")
    assert name == module.NAME


def test_telegram_is_as_parts_takes_it_to_be() -> None:
    """It is left out where kept messages and windows are listed, so as not to be imported there: it has neither."""
    assert not Telegram.pull
    assert not Telegram.window
    assert Telegram.name not in HELD | WINDOWS.keys()
