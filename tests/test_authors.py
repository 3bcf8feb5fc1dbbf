"""The commands for those who write what the bot says: check as a companion, the list of what is awaited, the preview."""

import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from program import PATIENCE, ROOT, Program

from bot.content_problems import Problem
from bot.core.library import Content
from bot.review import outstanding

TITLE = "title: Eye movements"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped content in English alone."""
    shutil.copytree(ROOT / "content/en", tmp_path / "content/en")
    shutil.copy(ROOT / "content/structure.yaml", tmp_path / "content")
    return tmp_path / "content"


@pytest.fixture
def program(tmp_path: Path, folder: Path) -> Program:
    return Program(tmp_path, settings={"CONTENT_DIR": str(folder)})


@contextmanager
def watching(program: Program) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "check", "--watch"],
        env=program.environment, cwd=program.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    watchdog = threading.Timer(PATIENCE, process.kill)  # ends the reading
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def outcome(process: subprocess.Popen[str]) -> list[str]:
    """What is printed until it waits again."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        if "Waiting for the next change" in line:
            return lines
        lines.append(line.strip())
    raise AssertionError(lines)


def test_watch_checks_whenever_something_is_saved(program: Program, folder: Path) -> None:
    """A mistake is told of as soon as it is saved, a correction and a new file too; Ctrl+C ends it without a word."""
    page = folder / "en/pages/symptoms/eyes.md"
    before = page.read_text(encoding="utf-8")
    with watching(program) as process:
        assert ", 0 errors, " in outcome(process)[-1]
        page.write_text(before.replace(TITLE, f"title: {'x' * 25}"), encoding="utf-8")
        assert "content/en/pages/symptoms/eyes.md:2: title has 25 characters, 24 fit: shorten it" in outcome(process)
        page.write_text(before, encoding="utf-8")
        assert ", 0 errors, " in outcome(process)[-1]
        (folder / "en/pages/symptoms/ears.md").write_text("Words.", encoding="utf-8")
        assert "content/en/pages/symptoms/ears.md:1: has no front matter" in "\n".join(outcome(process))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_review_lists_what_is_awaited(program: Program) -> None:
    """The operator's empty values are named with their line; every page stands with its menu."""
    said = program.ok("check", "--review")
    assert re.search(r"content/structure.yaml:\d+: operator.operator_name is not filled in", said)
    assert re.search(r"English \(en\): \d+ of \d\d pages are reviewed", said)
    assert "awaited, symptoms: index, balance, eyes" in said
    assert len(said.splitlines()) < 40


def test_review_names_the_reviewers(content: Content) -> None:
    """Reviewed pages stand with who reviewed them and when; with nothing left to fill in, the operator is not bothered."""
    english = content.languages["en"]
    review = "Dr Ada Example, neurologist; 2026-11-20"
    pages = {path: replace(page, review="pending" if path == "crisis" else review) for path, page in english.pages.items()}
    said = outstanding(replace(content, languages={"en": replace(english, pages=pages)}), [Problem("a.md", 1, "x", "y")])
    assert said.startswith("Nothing is awaited from the operator.")
    assert f"{len(pages) - 1} of {len(pages)} pages are reviewed" in said
    assert "  2026-11-20 by Dr Ada Example, neurologist: about-oms, about-oms/adults" in said
    assert "awaited, at the top: crisis" in said


def test_review_of_broken_content_tells_what_is_broken(program: Program, folder: Path) -> None:
    """Where nothing can be listed, the mistakes are printed instead, and the exit code is 1."""
    (folder / "structure.yaml").write_text("default_language: [", encoding="utf-8")
    done = program.run("check", "--review")
    assert done.returncode == 1
    assert "is not YAML" in done.stdout


def test_preview_writes_one_file(program: Program) -> None:
    """The preview lies where it was asked for, and the command says how to open it."""
    said = program.ok("preview", "--out", "shown.html")
    assert (program.folder / "shown.html").as_uri() in said
    assert "Eye movements" in (program.folder / "shown.html").read_text(encoding="utf-8")


def test_preview_of_content_with_mistakes_is_refused(program: Program, folder: Path) -> None:
    """Content that cannot be used is not drawn; the mistakes are."""
    (folder / "en/pages/crisis.md").unlink()
    done = program.run("preview")
    assert done.returncode == 1
    assert "pages.crisis names no page" in done.stderr
    assert not (program.folder / "preview.html").exists()
