"""Deliberate mistakes: the shipped content, changed in one place, and the errors that follow."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).parents[2] / "content"
STRUCTURE, TEXTS = "structure.yaml", "en/texts.yaml"
PAGE = "en/pages/about-oms/who.md"  # no page refers to it: its mistakes stay its own
Edit = Callable[[Path], None]


@dataclass(frozen=True)
class Error:
    file: str
    text: str  # message and advice
    at: str = ""  # what stands on the line that is named; "" when no line is


@dataclass(frozen=True)
class Case:
    mistake: str
    edit: Edit
    errors: tuple[Error, ...]


MORE = Error("", "…")


def swap(file: str, old: str, new: str) -> Edit:
    """Replaces `old`, which must be there once at least, the first time it stands in `file`."""

    def edit(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{file} no longer holds {old!r}: adapt this case"
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def begin(file: str, text: str) -> Edit:
    """The body of a page begins with `text`."""
    return swap(file, "review: pending\n---\n", f"review: pending\n---\n{text}\n\n")


def remove(file: str) -> Edit:
    return lambda folder: (folder / file).unlink()


def write(file: str, content: str | bytes) -> Edit:
    def edit(folder: Path) -> None:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)

    return edit


def new_page(path: str, front: str = "title: New\ndescription: d", body: str = "Words.") -> Edit:
    return write(f"en/pages/{path}.md", f"---\n{front}\n---\n{body}\n")


def second_language(*, without: str = "", extra: str = "", texts: tuple[str, str] = ("", "")) -> Edit:
    """A folder "eo" that says everything in English, except for a page it lacks, one it has alone, or a text it has otherwise."""

    def edit(folder: Path) -> None:
        shutil.copytree(folder / "en", folder / "eo")
        for page in (folder / "eo/pages").rglob("*.md"):
            front, body = page.read_text(encoding="utf-8").removeprefix("---\n").split("\n---\n", 1)
            kept = "\n".join(line for line in front.splitlines() if line.startswith(("title:", "description:", "review:")))
            page.write_text(f"---\n{kept}\n---\n{body}", encoding="utf-8")
        if without:
            (folder / "eo/pages" / without).unlink()
        if extra:
            shutil.copy(folder / "eo/pages/index.md", folder / "eo/pages" / extra)
        if texts[0]:
            swap("eo/texts.yaml", *texts)(folder)

    return edit


def page(mistake: str, edit: Edit, text: str, at: str = "") -> Case:
    return Case(mistake, edit, (Error(PAGE, text, at),))


def structure(mistake: str, edit: Edit, text: str, at: str = "", *more: Error) -> Case:
    return Case(mistake, edit, (Error(STRUCTURE, text, at), *more))


def texts(mistake: str, edit: Edit, text: str, at: str, *more: Error) -> Case:
    return Case(mistake, edit, (Error(TEXTS, text, at), *more))


def translated(mistake: str, edit: Edit, text: str, at: str = "") -> Case:
    """A mistake in the translation of PAGE, beside an English one that has none."""

    def both(folder: Path) -> None:
        second_language()(folder)
        edit(folder)

    return Case(mistake, both, (Error(PAGE.replace("en", "eo", 1), text, at),))


def one(mistake: str, edit: Edit, file: str, text: str, *more: Error, at: str = "") -> Case:
    return Case(mistake, edit, (Error(file, text, at), *more))
