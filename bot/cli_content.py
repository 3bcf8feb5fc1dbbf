"""`oms-bot check` and `oms-bot preview`: for those who write what the bot says."""

import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import click
import typer

from bot import content_rules
from bot.config import load_settings
from bot.content_problems import Problem
from bot.preview import as_page
from bot.review import outstanding

_MANY = 10  # notes of one kind that are worth a line each
_POLL = 0.3  # seconds between looks at the files
_Folder = Annotated[Path | None, typer.Option("--content", help="The folder to read.")]


def check(
    menu_map: Annotated[bool, typer.Option("--map", help="Print the menus as a Mermaid chart instead.")] = False,
    folder: _Folder = None,
    notes: Annotated[bool, typer.Option("--notes", help="List every note, also where there are many of a kind.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file is saved; Ctrl+C ends it.")] = False,
    review: Annotated[bool, typer.Option("--review", help="List what awaits reviewers and the operator instead.")] = False,
) -> None:
    """Check the content: every mistake with its file and what to do."""

    def look() -> bool:
        return _look(where, menu_map=menu_map, notes=notes, review=review)

    where = _where(folder)
    if watch:
        _watch(where, look)
    elif not look():
        raise typer.Exit(1)


def preview(
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("preview.html"),
    folder: _Folder = None,
) -> None:
    """Draw every screen in every language as each channel shows it, on one page to open in a browser or print."""
    content = content_rules.load(_where(folder))
    out.write_text(as_page(content, datetime.now(UTC)), encoding="utf-8")
    print(f"{out} is written ({out.stat().st_size / 1e6:.1f} MB): open {out.resolve().as_uri()}")


def _where(folder: Path | None) -> Path:
    return (folder or load_settings().content_dir).resolve()


def _look(folder: Path, *, menu_map: bool, notes: bool, review: bool) -> bool:
    """Prints what was asked for, or every problem when there is something wrong; whether there is nothing wrong."""
    content, problems = content_rules.check(folder)
    errors = [problem for problem in problems if not problem.note]
    if content is not None and menu_map:
        print(content_rules.menu_map(content))
        return True
    if content is not None and review:
        print(outstanding(content, problems))
        return True
    _print_notes([problem for problem in problems if problem.note], everyone=notes)
    for error in errors:
        print(error)
    pages = sum(len(language.pages) for language in content.languages.values()) if content else 0
    print(f"{pages} pages, {len(errors)} errors, {len(problems) - len(errors)} notes")
    return not errors


def _print_notes(notes: list[Problem], *, everyone: bool) -> None:
    kinds: dict[str, list[Problem]] = {}
    for problem in notes:
        kinds.setdefault(problem.message, []).append(problem)
    for message, alike in kinds.items():
        if len(alike) > _MANY and not everyone:
            print(f"note: {message} in {len(alike)} places: `oms-bot check --notes` lists them")
        else:
            print("\n".join(f"note: {problem}" for problem in alike))


def _watch(folder: Path, look: Callable[[], bool]) -> None:
    ended = threading.Event()  # not in the middle of a look, which would leave folders open
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    while not ended.is_set():
        seen = _stamps(folder)  # before looking: what is saved meanwhile is looked at again
        click.clear()  # nothing where nobody would see it
        look()
        print(f"{datetime.now().astimezone():%H:%M:%S}  Waiting for the next change; Ctrl+C ends.", flush=True)
        while not ended.wait(_POLL) and _stamps(folder) == seen:
            pass


def _stamps(folder: Path) -> Mapping[Path, int]:
    """When each file was last saved."""
    stamps: dict[Path, int] = {}
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):  # editors save by writing another file and renaming it
            if file.suffix in (".md", ".yaml"):
                stamps[file] = file.stat().st_mtime_ns
    return stamps
