"""The content changes while the program runs: on SIGHUP, all at once or not at all."""

import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bot_api import BotApi
from program import ROOT, Program, Served
from serving import settings
from visitor import Visitor, press

from bot.app import App
from bot.channels.parting import Written
from bot.core.engine import advance
from bot.core.library import Content
from bot.core.markup import Block, plain, words
from bot.core.model import Draft, Press, Profile, Reply, Session
from bot.shelf import Shelf

EYES = "page:symptoms/eyes"
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
OLD, NEW = "The eyes jump at random", "The eyes dart about at random"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(ROOT / "content", tmp_path / "content")


@pytest.fixture
def program(tmp_path: Path, folder: Path) -> Program:
    return Program(tmp_path, settings={"CONTENT_DIR": str(folder)})


@pytest.fixture
def server(program: Program) -> Iterator[Served]:
    with program.serving() as served:
        yield served


def edit(folder: Path, old: str, new: str, file: str = "en/pages/symptoms/eyes.md") -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_corrected_page_is_shown_without_a_restart(server: Served, folder: Path) -> None:
    """After SIGHUP the next answer has the new text, the page around the chat too, and the conversation goes on."""
    ada = Visitor(server)
    assert OLD in ada.sends(server, press(EYES))[-1]["html"]
    edit(folder, OLD, NEW)
    edit(folder, "placeholder: Type a question", "placeholder: Ask away", "en/texts.yaml")
    server.process.send_signal(signal.SIGHUP)
    assert server.said("content_read")["languages"] == ["en", "ar", "de", "ru"]
    assert NEW in ada.sends(server, press(EYES))[-1]["html"]
    assert "Ask away" in server.page()
    assert len(ada.everything(server)) == 3


def test_content_with_a_mistake_is_refused_as_a_whole(server: Served, folder: Path) -> None:
    """A mistake in one file keeps every file as it was, and the log says how many there are and where; corrected, all of it counts."""
    ada = Visitor(server)
    edit(folder, OLD, NEW)
    edit(folder, "order: 3\n", "order: third\n", "en/pages/about-oms/who.md")
    server.process.send_signal(signal.SIGHUP)
    refused = server.said("content_refused")
    assert refused["errors"] >= 1
    assert "content/en/pages/about-oms/who.md:4: 'order': third is no whole number" in refused["first"][0]
    assert OLD in ada.sends(server, press(EYES))[-1]["html"]
    edit(folder, "order: third\n", "order: 3\n", "en/pages/about-oms/who.md")
    server.process.send_signal(signal.SIGHUP)
    server.said("content_read")
    assert NEW in ada.sends(server, press(EYES))[-1]["html"]


def test_a_folder_that_is_gone_changes_nothing(server: Served, folder: Path) -> None:
    """While the folder is being exchanged by somebody, the program goes on with what it has read."""
    folder.rename(folder.with_name("elsewhere"))
    server.process.send_signal(signal.SIGHUP)
    server.said("content_refused")
    assert OLD in Visitor(server).sends(server, press(EYES))[-1]["html"]


def test_a_page_taken_away_leads_to_its_menu(server: Served, folder: Path) -> None:
    """Who stands on a page that is gone, or presses a button to it, is answered from the menu above."""
    ada = Visitor(server)
    ada.sends(server, press("page:about-oms/who"))
    for language in ("en", "de", "ar", "ru"):
        (folder / language / "pages/about-oms/who.md").unlink()
    server.process.send_signal(signal.SIGHUP)
    server.said("content_read")
    [menu] = ada.sends(server, press("page:about-oms/who"))
    shown = [choice["id"] for choice in menu["choices"]]
    assert "page:about-oms/basics" in shown
    assert "page:about-oms/who" not in shown


async def test_messengers_follow(folder: Path, tmp_path: Path, key: str) -> None:
    """Telegram answers with the new text and shows the new commands after the content was read anew."""
    async with BotApi() as api:
        chosen = settings(tmp_path, key, content_dir=folder, telegram_token=api.token, telegram_api_url=api.url, telegram_chat_rate=1000)
        async with App.running(chosen) as app:
            maria = api.person(4711, "Maria", language_code="en")
            await maria.say("/start symptoms__eyes")
            await maria.wait_for(OLD)
            edit(folder, OLD, NEW)
            edit(folder, "  language: Change the language", "  language: Speak otherwise", "en/texts.yaml")
            assert await app.reread()
            await maria.say("/start symptoms__eyes")
            await maria.wait_for(NEW)
            await api.until(lambda: [c for c in api.calls if "Speak otherwise" in str(c.params)] or None, "the new commands")


def test_texts_of_the_content_are_made_once(content: Content) -> None:
    """Texts of the content are written once, also those for a country, and once more when there is another content; others are not kept."""
    written: list[str] = []

    def write(block: Block) -> str:
        written.append(plain((block,)))
        return written[-1]

    english = content.languages["en"]
    page = replace(english.pages["crisis"], body=words("Another text."))
    shelf = Shelf(content)
    texts = Written(write, shelf)
    for document in (content.body("en", "crisis"), content.body("en", "crisis", "US"), content.body("en", "crisis", "DE")):
        for block in (*document, *document):
            assert texts(block) == plain((block,))
        assert written == [plain((block,)) for block in document]
        written.clear()
    somebody = words("+1 555 0100")[0]
    assert [texts(somebody), texts(somebody)] == written
    shelf.content = replace(content, languages={"en": replace(english, pages={"crisis": page})})
    assert texts(shelf.content.bodies["en", "crisis"][0]) == "Another text."


def test_pages_are_rendered_once(content: Content) -> None:
    """What a messenger makes of a page is made once for all; with a notice above it, and where it is no page, each time."""
    rendered: list[Reply] = []
    texts = Written(lambda block: plain((block,)), Shelf(content))

    def render(reply: Reply) -> str:
        rendered.append(reply)
        return plain(reply.body)

    def shown(session: Session, button: str) -> Reply:
        reply = advance(session, Press(button), content, NOW).replies[-1]
        assert texts.page(reply, render) == plain(reply.body)
        return reply

    ada, bob = Session(1, "en", profile=Profile(name="Ada")), Session(2, "en")
    for session in (ada, bob):
        shown(session, EYES)
        shown(session, "page:symptoms")
    assert len(rendered) == 2
    shown(replace(bob, draft=Draft(NOW)), EYES)
    assert len(rendered) == 3
    for _ in range(2):
        shown(Session(3), EYES)  # a stranger, who is told first what this is
        shown(bob, "callback")
    assert len(rendered) == 7


def test_an_update_waits_for_a_start(program: Program, folder: Path) -> None:
    """Content read by another version of the program is not for the one that runs: it is refused, and why is said."""
    for part in ("bot", "migrations"):
        shutil.copytree(ROOT / part, program.folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    with program.serving() as server:
        edit(folder, OLD, NEW)
        edit(program.folder, '"""', '"""Of another version. ', "bot/core/search.py")
        server.process.send_signal(signal.SIGHUP)
        assert server.said("content_refused")["advice"] == "the old content stays: start the program again"
        assert OLD in Visitor(server).sends(server, press(EYES))[-1]["html"]


def test_a_closed_terminal_is_a_stop(program: Program) -> None:
    """Run in a terminal that is closed, which sends the same signal, the program stops as it should."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *program.serve],
        env=program.environment, cwd=program.folder, stdin=slave, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        os.close(slave)
        Served(process, "").said("ready")
        os.close(master)
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.communicate()
