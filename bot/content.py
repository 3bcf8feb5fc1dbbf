"""Reads a content folder into core types. Collects every problem it meets; never stops at the first.

Layout and keys: README, "Content". What must hold across files (links, reachability, limits) is in `content_rules`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Literal

import holidays
from babel import Locale, UnknownLocaleError

from bot.content_files import Reading, shaped
from bot.content_shapes import ExamplesFile, Facts, StructureFile, TextsFile, Words
from bot.core.alarms import KINDS, Wording, unknown_signs
from bot.core.library import Content
from bot.core.likeness import Kinds
from bot.core.markup import Document, parse, plain
from bot.core.material import LOCAL, Canned, Helpline, Language, Page, Question, Source, Structure
from bot.core.schedule import Hours
from bot.core.search import Entry, build
from bot.core.signs import rule
from bot.core.words import normal, normals

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YEARS = 30  # nobody runs the program for longer without reading the content anew


def read(reading: Reading) -> Content | None:
    """What the files say; None when too little could be read to go on."""
    structure = _read_structure(reading)
    if structure is None:
        return None
    codes = sorted({path.parent.name for name in ("texts.yaml", "pages") for path in reading.folder.glob(f"*/{name}")})
    where = reading.folder / structure.default_language / "texts.yaml"
    if not where.exists():
        reading.report(where, 0, "the default language has no texts", "write this file or change default_language in structure.yaml")
        return None
    codes.sort(key=lambda code: code != structure.default_language)
    languages: dict[str, Language] = {}
    for code in codes:
        origin = languages.get(structure.default_language)
        if not _is_language(code):
            reading.report(reading.folder / code / "texts.yaml", 0, f"{code!r} is not a language", "name the folder like en or de")
        elif language := _read_language(reading, code, origin.pages if origin else {}):
            languages[code] = language
        elif origin is None:
            return None
    commands = {word: target for language in languages.values() for word, target in language.commands.items()}
    return Content(structure, languages, commands)


def _is_language(code: str) -> bool:
    try:
        Locale.parse(code)
    except (ValueError, UnknownLocaleError):
        return False
    return True


def _read_structure(reading: Reading) -> Structure | None:
    file = reading.folder / "structure.yaml"
    raw = shaped(reading, file, _read_text(reading, file), 1, StructureFile)
    if raw is None:
        return None
    for name, value in raw.operator.items():
        if value is None:
            reading.report(file, ("operator", name), f"operator.{name} is not filled in", "ask the operator for it", note=True)
    values = dict.fromkeys(LOCAL, "") | {name: value or "" for name, value in raw.operator.items()} | raw.emergency
    values["retention_days"] = str(raw.privacy.retention_days)
    values["contact_days"] = str(raw.privacy.contact_days)
    this_year = datetime.now(UTC).year
    hours = Hours(
        zone=raw.hours.zone,
        week={_DAYS.index(day): windows for day, windows in raw.hours.week.items()},
        answer_within=timedelta(hours=raw.hours.answer_within_hours),
        holidays=dict(holidays.country_holidays(raw.hours.holidays, years=range(this_year - 5, this_year + _YEARS))),
    )
    return Structure(
        default_language=raw.default_language,
        questions=tuple(Question(**question.model_dump()) for question in raw.intake.questions),
        draft_expires=timedelta(hours=raw.intake.expires_hours),
        consent_version=raw.privacy.consent_version,
        hours=hours,
        call_times=raw.intake.call_times,
        call_languages=raw.intake.call_languages,
        default_region=raw.intake.default_region,
        values=values,
        emergency_numbers={country: Helpline(**line.model_dump()) for country, line in raw.emergency_numbers.items()},
        crisis_lines={country: Helpline(**line.model_dump()) for country, line in raw.crisis_lines.items()},
        pages=raw.pages,
        retention=timedelta(days=raw.privacy.retention_days),
        contact_retention=timedelta(days=raw.privacy.contact_days),
    )


def _read_language(reading: Reading, code: str, origin: Mapping[str, Page]) -> Language | None:
    file = reading.folder / code / "texts.yaml"
    if not file.exists():  # said once, instead of each of its keys
        reading.report(file, 0, "is missing, this language has pages only", "translate it from the default language, or remove the folder")
        return None
    raw = shaped(reading, file, _read_text(reading, file), 1, TextsFile)
    if raw is None:
        return None
    texts = {key: _markup(reading, file, reading.line(file, "texts", key), text, step=0) for key, text in raw.texts.items()}
    pages = _with_children(_read_pages(reading, code, origin))
    commands = {normal(word) or word.strip(): target for target, words in raw.commands.items() for word in words}
    examples = _read_examples(reading, code, pages)
    entries = [
        Entry(page.path, (page.title, *page.keywords), plain(page.body), examples.pages.get(page.path, ()))
        for page in pages.values()
        if page.path
    ]
    wording = Wording(
        code,
        {"crisis": normals(raw.crisis), "emergency": normals(raw.emergency), "advice": normals(raw.advice)},
        _spelt(raw.signs),
        {kind: tuple(map(rule, rules)) for kind, rules in raw.danger.items()},
        normals(raw.harmless),
        normals(raw.filler),
        _like(examples),
    )
    for sign, words in raw.signs.items():
        for word in words:
            if "*" in word[:-1] or (" " in word and word.endswith("*")):
                reading.report(
                    file, ("signs", sign), f"signs.{sign}: the star in {word!r} means nothing", "put it at the end of a single word"
                )
    for sign in unknown_signs(wording):
        reading.report(file, 0, f"danger names the sign {sign!r}, which has no words", "list them under signs, or correct the name")
    return Language(
        code=code,
        name=raw.name,
        direction=raw.direction,
        labels=raw.labels,
        chat=raw.chat,
        about=raw.about,
        menu=raw.menu,
        starters=raw.starters,
        texts=texts,
        pages=pages,
        commands=commands,
        index=build(code, entries, raw.noise, raw.elsewhere, examples.other),
        wording=wording,
        yes=normals(raw.yes_words),
        no=normals(raw.no_words),
        canned=tuple(Canned(each.id, each.label, each.text.strip()) for each in raw.canned),
        days=raw.days,
    )


def _read_examples(reading: Reading, code: str, pages: Mapping[str, Page]) -> ExamplesFile:
    """A language may have none."""
    file = reading.folder / code / "examples.yaml"
    found = shaped(reading, file, _read_text(reading, file), 1, ExamplesFile) if file.exists() else None
    for path in sorted(found.pages.keys() - pages.keys()) if found else ():
        reading.report(file, ("pages", path), f"pages: there is no page {path!r}", "correct the path, or remove its examples", note=True)
    return found or ExamplesFile()


def _like(examples: ExamplesFile) -> Kinds:
    return Kinds({kind: getattr(examples, kind) for kind in KINDS}, tuple(chain(examples.other, *examples.pages.values())))


def _spelt(signs: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """The words of each sign in normal form; one with a star stands for all that begin so."""
    written = [word for words in signs.values() for word in words]
    normal_of = dict(zip(written, normals(written), strict=True))
    return {sign: tuple(normal_of[word] + "*" * word.endswith("*") for word in words) for sign, words in signs.items()}


def _read_pages(reading: Reading, code: str, origin: Mapping[str, Page]) -> dict[str, Page]:
    root = reading.folder / code / "pages"
    pages: dict[str, Page] = {}
    for file in sorted(root.rglob("*.md"), key=lambda file: (len(file.parts), file.name != "index.md", file)):
        path = page_path(root, file)
        if page := _read_page(reading, file, path, pages, origin.get(path), first=not origin):
            pages[path] = page
    return pages


def page_path(root: Path, file: Path) -> str:
    """What the page in `file` is called: "symptoms/eyes", "symptoms" for the menu in symptoms/index.md, "" for the main menu."""
    relative = file.relative_to(root).with_suffix("")
    return "/".join(relative.parts[:-1] if relative.name == "index" else relative.parts)


def _read_page(reading: Reading, file: Path, path: str, pages: Mapping[str, Page], origin: Page | None, *, first: bool) -> Page | None:
    found = re.match(r"---\n(.*?\n)---\n(.*)", _read_text(reading, file), re.DOTALL)
    if not found:
        reading.report(file, 1, "has no front matter", "begin with ---, title: …, and --- again")
        return None
    reading.bodies[file] = found[1].count("\n") + 3
    body = _markup(reading, file, reading.bodies[file], found[2], step=1)
    if not first:
        words = shaped(reading, file, found[1], 2, Words)
        if words and origin:
            return replace(origin, **words.model_dump(), body=body)
        return None
    front = shaped(reading, file, found[1], 2, Facts)
    if front is None:
        return None
    parent = pages.get(path.rpartition("/")[0])
    facts = {name: getattr(front, name) for name in type(front).model_fields}
    facts["sources"] = tuple(Source(**source.model_dump()) for source in front.sources)
    facts["context"] = front.context or (parent.context if parent and parent.path else "none")
    return Page(path=path, body=body, **facts)


def _with_children(pages: Mapping[str, Page]) -> dict[str, Page]:
    shown = sorted((page for page in pages.values() if page.path and not page.hidden), key=lambda page: (page.order, page.path))
    return {path: replace(page, children=tuple(p.path for p in shown if p.parent == path)) for path, page in pages.items()}


def _read_text(reading: Reading, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").replace("\r\n", "\n")
    except FileNotFoundError:
        reading.report(file, 0, "is missing", "create it")
    except UnicodeDecodeError:
        reading.report(file, 0, "is not UTF-8", "save it as UTF-8")
    return ""


def _markup(reading: Reading, file: Path, line: int, text: str, *, step: Literal[0, 1]) -> Document:
    """`text`, which begins at `line` of `file`, as blocks. `step`: lines of the file to a line of the text; 0 where YAML may fold it."""
    document, mistakes = parse(text)
    for mistake in mistakes:
        reading.report(file, line + step * mistake.line, mistake.message, "use paragraphs, lists, bold, italic and links only")
    return document
