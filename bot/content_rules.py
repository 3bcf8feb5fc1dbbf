"""What must hold for a content folder as a whole: nothing missing, nothing unreachable, nothing too long.

`check` is what `oms-bot check` prints and what every start relies on.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from babel import Locale

from bot.content import page_path, read
from bot.content_files import Line, Reading
from bot.content_problems import ContentError, Problem
from bot.core.library import Content
from bot.core.markup import Document, blanks, blanks_of, fill, plain
from bot.core.material import DAYS, Flow, Language, Page, QuestionKind, Role, Structure
from bot.core.navigation import TARGETS
from bot.core.search import find
from bot.core.wording import BODY, CANNED, DESCRIPTION, MAX_BUTTON_ID, MAX_HOME_ROWS, MAX_ROWS, MAX_STARTERS, STARTER, TITLE, wanted
from bot.core.words import normal

_DEFAULTS: dict[QuestionKind, tuple[str, ...]] = {"name": ("profile",), "language": ("conversation",), "timezone": ("country",)}
_LIST_MARK = re.compile(r"^\d+\. ", re.MULTILINE)
_THOUSANDS = re.compile(r"(?<=\d)[.,٬\u00a0\u202f](?=\d{3}(?!\d))")
_COUNTED = 1000  # among the numbers below it each plural form of whole numbers occurs
_ROLES: tuple[Role, ...] = get_args(Role)
_FLOWS: tuple[Flow, ...] = get_args(Flow)


def load(folder: Path) -> Content:
    """The content of `folder`. Raises ContentError with every problem when it cannot be used."""
    content, errors = check(folder, notes=False)
    if content is None or errors:
        raise ContentError(errors)
    content.prepare()
    return content


def check(folder: Path, *, notes: bool = True) -> tuple[Content | None, list[Problem]]:
    """The content, if it could be read at all, and everything that is wrong or, with `notes`, unfinished, in order of place."""
    reading = Reading(folder, notes)
    content = read(reading)
    if content is not None:
        _check_structure(reading, content)
        _check_questions(reading, content.structure)
        for language in content.languages.values():
            _check_words(reading, content, language)
            _check_days(reading, language)
            _check_commands(reading, content, language)
            _check_starters(reading, language)
            _check_canned(reading, content, language)
            _check_parity(reading, content, language)
            for page in language.pages.values():
                _check_page(reading, content, language, page)
                _check_numbers(reading, content, language, page)
    return content, sorted(set(reading.problems))


def menu_map(content: Content) -> str:
    """The menus as a Mermaid flow chart."""
    pages = content.languages[content.structure.default_language].pages
    rows = [f'    {_node(page.path)}["{page.title}"]' for page in pages.values() if not page.hidden]
    rows += [f"    {_node(page.path)} --> {_node(child)}" for page in pages.values() for child in page.children]
    return "\n".join(["flowchart LR", *rows])


def _node(path: str) -> str:
    return path.replace("/", "__").replace("-", "_") or "home"


def _check_structure(reading: Reading, content: Content) -> None:
    file, structure = reading.folder / "structure.yaml", content.structure
    pages = content.languages[structure.default_language].pages
    for role in _ROLES:
        if structure.pages.get(role) not in pages:
            reading.report(file, ("pages", role), f"pages.{role} names no page", "name an existing page")
    flows = Counter(page.flow for page in pages.values() if page.flow)
    for flow in _FLOWS:
        if flows[flow] != 1:
            reading.report(file, 0, f"{flows[flow]} pages have `flow: {flow}`", "give it to exactly one page")
    if "" not in pages:
        reading.report(file, 0, "there is no home menu", f"write {structure.default_language}/pages/index.md")


def _check_questions(reading: Reading, structure: Structure) -> None:
    file = reading.folder / "structure.yaml"
    names = {question.id for question in structure.questions}
    for number, question in enumerate(structure.questions):
        line = "intake", "questions", number
        if question.instead and question.instead not in names:
            reading.report(file, line, f"question {question.id!r}: instead names no question", "name another question")
        if question.kind == "choice" and not question.options:
            reading.report(file, line, f"question {question.id!r} has no options", "list them")
        defaults = {**_DEFAULTS, "choice": question.options, "time": ("any", *structure.call_times)}.get(question.kind, ())
        if question.default and question.default not in defaults:
            advice = f"use one of {', '.join(defaults)}" if defaults else "leave it out"
            reading.report(file, line, f"question {question.id!r}: {question.default!r} is no default for it", advice)
    for name, times in Counter(question.id for question in structure.questions).items():
        if times > 1:
            reading.report(file, ("intake", "questions"), f"two questions are called {name!r}", "rename one")


def _check_words(reading: Reading, content: Content, language: Language) -> None:
    file = reading.folder / language.code / "texts.yaml"
    given = {
        **{("labels", key): text for key, text in language.labels.items()},
        **{("chat", key): text for key, text in language.chat.items()},
        **{("about", key): text for key, text in language.about.items()},
        **{("menu", key): text for key, text in language.menu.items()},
        **{("texts", key): plain(fill(text, content.values(language.code))) for key, text in language.texts.items()},
    }
    expected = {(word.section, word.key): word for word in wanted(content.structure.questions, content.structure.call_times)}
    for section, key in expected.keys() - given.keys():
        reading.report(file, (section,), f"{section}.{key} is missing", "write it")
    for section, key in given.keys() - expected.keys():
        reading.report(file, (section, key), f"{section}.{key} is not used", "remove it or correct its name")
    for place, word in expected.items():
        _check_length(reading, file, place, ".".join(place), given.get(place, "-"), word.limit)
        if word.section == "texts" and word.key in language.texts:
            _check_blanks(reading, file, place, ".".join(place), language.texts[word.key], word.blanks | content.structure.values.keys())


def _check_days(reading: Reading, language: Language) -> None:
    """Each plural form the language has (CLDR knows which), and no other."""
    file, locale = reading.folder / language.code / "texts.yaml", Locale.parse(language.code)
    numbers: defaultdict[str, list[int]] = defaultdict(list, {"other": []})
    for number in range(_COUNTED):
        numbers[locale.plural_form(number)].append(number)
    name = locale.get_display_name("en")
    for form in numbers.keys() - language.days.keys():
        such = ", ".join(map(str, numbers[form][:4])) or "1.5"
        reading.report(file, ("days",), f"days.{form} is missing", f"write how {name} counts days, for example {such} of them")
    for form in language.days.keys() - numbers.keys():
        reading.report(file, ("days", form), f"days.{form} is no plural form of {name}", f"use {', '.join(sorted(numbers))}")
    for form in language.days.keys() & numbers.keys():
        text, place = language.days[form], ("days", form)
        _check_length(reading, file, place, f"days.{form}", text, DESCRIPTION)
        for unknown in sorted(blanks_of(text) - {"count"}):
            reading.report(file, place, f"days.{form} has the unknown blank {{{unknown}}}", "use {count}")
        if len(numbers[form]) != 1 and "{count}" not in text:
            reading.report(file, place, f"days.{form} lacks the blank {{count}}", "put it where the number belongs")


def _check_starters(reading: Reading, language: Language) -> None:
    file = reading.folder / language.code / "texts.yaml"
    if not 0 < len(language.starters) <= MAX_STARTERS:
        reading.report(file, ("starters",), f"there are {len(language.starters)} starters", f"write 1 to {MAX_STARTERS}")
    for number, starter in enumerate(language.starters):
        line = "starters", number
        _check_length(reading, file, line, "a starter", starter, STARTER)
        if normal(starter) not in language.commands and find(language.index, starter).fit == "near":
            reading.report(file, line, f"the starter {starter!r} is not understood", "make it a command or a keyword of a page")


def _check_canned(reading: Reading, content: Content, language: Language) -> None:
    """The texts prepared for staff are the same ones in every language: who calls chooses by the English label."""
    file, default = reading.folder / language.code / "texts.yaml", content.structure.default_language
    here, there = ([each.id for each in content.languages[code].canned] for code in (language.code, default))
    for name in (name for name, times in Counter(here).items() if times > 1):
        reading.report(file, ("canned",), f"two canned texts are called {name!r}", "rename one")
    for name in set(there) - set(here):
        reading.report(file, ("canned",), f"the canned text {name!r} is missing", f"translate it from {default}")
    for number, each in enumerate(language.canned):
        line = "canned", number
        if each.id not in there:
            reading.report(file, line, f"there is no canned text {each.id!r} in {default}", "write it there first, or remove this one")
        _check_length(reading, file, line, f"the label of the canned text {each.id!r}", each.label, DESCRIPTION)
        _check_length(reading, file, line, f"the canned text {each.id!r}", each.text, BODY)
        for name in sorted(blanks_of(each.text) - CANNED):
            reading.report(file, line, f"the canned text {each.id!r} has the unknown blank {{{name}}}", "use {name} or {reference}")


def _check_commands(reading: Reading, content: Content, language: Language) -> None:
    file = reading.folder / language.code / "texts.yaml"
    for word in language.menu.keys() - content.commands.keys():
        reading.report(file, ("menu", word), f"menu.{word} is no command", "list it under commands too")
    for word, target in language.commands.items():
        kind, _, argument = target.partition(":")
        line = "commands", target
        if kind not in TARGETS or (kind == "page" and argument not in language.pages):
            reading.report(file, line, f"commands: {target!r} leads nowhere", "name a target such as callback or page:symptoms")
        if content.commands[word] != target:
            other = content.commands[word]
            reading.report(file, line, f"the command {word!r} leads to {target!r} here and to {other!r} elsewhere", "keep one")


def _check_parity(reading: Reading, content: Content, language: Language) -> None:
    """Each language has the pages the default language has, and no others. What is there and could not be read has been said."""
    default = content.structure.default_language
    root = reading.folder / language.code / "pages"
    files = {page_path(root, file): file for file in root.rglob("*.md")}
    known = {page_path(base, file) for base in [reading.folder / default / "pages"] for file in base.rglob("*.md")}
    origin = content.languages[default].pages
    for path in origin.keys() - files.keys():
        name = f"{path}.md" if not origin[path].children else f"{path}/index.md"
        reading.report(root / name.lstrip("/"), 0, "this page is missing", f"translate it from {default}")
    for path in files.keys() - known:
        reading.report(files[path], 0, f"there is no such page in {default}", f"write {default}/pages/{path}.md first, or remove this one")


def _check_numbers(reading: Reading, content: Content, language: Language, page: Page) -> None:
    """A translation holds the numbers of its original, each as often: a dose, an age or a telephone number must not go astray."""
    default = content.structure.default_language
    if (default, page.path) not in content.bodies or language.code == default:
        return
    # A language may say "one day" or have a word for two: the numbers of days are compared as figures.
    plain_days = {name: content.structure.values[name] for name in DAYS}
    there, here = (
        _numbers(fill(content.languages[code].pages[page.path].body, {**content.values(code), **plain_days}))
        for code in (default, language.code)
    )
    said = [f"{what} {', '.join(sorted(some.elements()))}" for what, some in (("lacks", there - here), ("adds", here - there)) if some]
    if said:
        file = _file(reading, language, page)
        original = reading.name(_file(reading, content.languages[default], page))
        reading.report(file, reading.bodies[file], f"the text {' and '.join(said)}", f"write the same numbers as {original}, in digits")


def _numbers(document: Document) -> Counter[str]:
    """The numbers in a text, in whatever digits they are written and thousands are parted: "1,000", "1.000" and "١٠٠٠" are the same."""
    digits = re.sub(r"\d", lambda found: str(unicodedata.digit(found[0])), _LIST_MARK.sub("", plain(document)))
    return Counter(re.findall(r"\d+", _THOUSANDS.sub("", digits)))


def _check_page(reading: Reading, content: Content, language: Language, page: Page) -> None:
    file = _file(reading, language, page)
    body = reading.bodies[file]
    _check_length(reading, file, ("title",), "title", page.title, TITLE)
    name = reading.name(file)
    told = any(problem.file == name for problem in reading.problems)  # its markup could not be read
    shown = plain(content.bodies[language.code, page.path]) if page.body else "-" * told
    _check_length(reading, file, body, "the text", shown, BODY)
    _check_blanks(reading, file, body, "the text", page.body, content.structure.values.keys())
    if page.path:
        _check_length(reading, file, ("description",), "description", page.description, DESCRIPTION)
        if page.parent not in language.pages:
            reading.report(file, 0, "cannot be reached, its menu is missing", f"write {page.parent}/index.md")
    limit = MAX_ROWS if page.path else MAX_HOME_ROWS
    rows = len(page.children) + len(page.related) + (page.context != "none" and not page.children)
    if rows > limit:
        reading.report(file, 0, f"has {rows} entries, a list holds {limit}", "move some to another menu")
    original = content.languages[content.structure.default_language]
    for other in page.related:
        if language is original and other not in language.pages:
            reading.report(file, ("related",), f"related: there is no page {other!r}", "correct the path")
    if len(f"helpful:yes:{page.path}".encode()) > MAX_BUTTON_ID:
        reading.report(file, 0, "its path is too long for a button", "shorten file and folder names")
    titles = Counter(language.pages[child].title for child in page.children)
    for title in (title for title, times in titles.items() if times > 1):
        reading.report(file, 0, f"two entries of this menu are called {title!r}", "rename one")
    if page.review == "pending":
        reading.report(file, ("review",), "review is pending", "have it reviewed and write who did and when", note=True)


def _file(reading: Reading, language: Language, page: Page) -> Path:
    root = reading.folder / language.code / "pages"
    single = root / f"{page.path}.md"
    return single if page.path and single.exists() else root / page.path / "index.md"


def _check_length(reading: Reading, file: Path, line: Line, what: str, text: str, limit: int) -> None:
    if not text.strip():
        reading.report(file, line, f"{what} is empty", "write it")
    elif len(text) > limit:
        reading.report(file, line, f"{what} has {len(text)} characters, {limit} fit", "shorten it")


def _check_blanks(reading: Reading, file: Path, line: Line, what: str, document: Document, known: Iterable[str]) -> None:
    for name in blanks(document) - set(known):
        reading.report(file, line, f"{what} has the unknown blank {{{name}}}", f"use one of {', '.join(sorted(known))}")
