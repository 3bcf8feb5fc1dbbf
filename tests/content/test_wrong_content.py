"""What `oms-bot check` says about mistakes: the shipped content with one deliberate mistake per case.

A case changes one file and lists every error that follows. "…" at the end of a text stands for the rest of a long
advice, `MORE` for further errors that follow from the first.
"""

import re
import shutil
from pathlib import Path

import pytest
from mistakes import (
    MORE,
    PAGE,
    SHIPPED,
    STRUCTURE,
    TEXTS,
    Case,
    Error,
    begin,
    new_page,
    one,
    page,
    remove,
    second_language,
    structure,
    swap,
    texts,
    translated,
    write,
)

from bot.content_problems import ContentError
from bot.content_rules import check, load
from bot.core.markup import plain

MARKUP = "use paragraphs, lists, bold, italic and links only"
ORDER = "order: 3\n"
UNUSED = "is not used: remove it or correct its name"
NOWHERE = "leads nowhere: name a target such as callback or page:symptoms"
MOVE = "move some to another menu"
WEEK = re.findall(r"  week:\n(?:    .*\n)+", (SHIPPED / STRUCTURE).read_text(encoding="utf-8"))
MONDAY = "mon: [09:00-17:00]"

PAGES = [
    Case(
        "no front matter",
        write(PAGE, "Just words.\n"),
        (Error(PAGE, "has no front matter: begin with ---, title: …, and --- again", "Just words"),),
    ),
    page("unknown key", swap(PAGE, ORDER, f"{ORDER}colour: red\n"), "unknown key 'colour': use one of card, context, …", "colour"),
    page("key twice", swap(PAGE, ORDER, f"{ORDER}order: 4\n"), "the key 'order' stands twice: keep one", "order: 4"),
    page(
        "broken YAML",
        swap(PAGE, "title: ", 'title: "'),
        "is not YAML (did not find expected key): mind indents, colons and quotes",
        "description:",
    ),
    page("no title", swap(PAGE, "title:", "#"), "'title' is missing: add a line title: …", "description:"),
    page(
        "order is a word",
        swap(PAGE, ORDER, "order: last\n"),
        "'order': last is no whole number: write figures such as 3, without quotes",
        "order: last",
    ),
    page(
        "unknown context",
        swap(PAGE, ORDER, f"{ORDER}context: x\n"),
        "'context': x is not known here: write 'none', 'callback' or 'emergency'",
        "context: x",
    ),
    page(
        "unknown grade",
        swap(PAGE, "grade: A", "grade: D"),
        "'sources.0.grade': D is not known here: write 'A', 'B', 'C' or 'U'",
        "grade: D",
    ),
    page("order is empty", swap(PAGE, ORDER, "order:\n"), "'order' is empty: write figures such as 3, without quotes", "order:"),
    page(
        "order is a fraction",
        swap(PAGE, ORDER, "order: 2.5\n"),
        "'order': 2.5 is no whole number: write figures such as 3, …",
        "order: 2.5",
    ),
    page("neither yes nor no", swap(PAGE, ORDER, f"{ORDER}hidden: maybe\n"), "'hidden': maybe is neither yes nor no: …", "hidden: maybe"),
    page(
        "title is a date",
        swap(PAGE, "title:", "title: 2026-11-30 #"),
        "'title': 2026-11-30 is no text: write words; put them in quotes if they look like a number, a date, true or false",
        "title: 2026",
    ),
    page(
        "title is true", swap(PAGE, "title:", "title: yes #"), "'title': true is no text: write words; put them in quotes …", "title: yes"
    ),
    page("title is empty", swap(PAGE, "title:", "title: #"), "'title' is empty: write words; …", "title: #"),
    page(
        "no list",
        swap(PAGE, "related: [about-oms/causes, about-oms/adults]", "related: about-oms/causes"),
        "'related': about-oms/causes is no list: write [one, another], or each on a line of its own that begins with a dash",
        "related:",
    ),
    page("title too long", swap(PAGE, "title: ", f"title: {'x' * 25} #"), "title has 25 characters, 24 fit: shorten it", "title:"),
    page("no description", swap(PAGE, "description:", "description: '' #"), "description is empty: write it", "description:"),
    page(
        "description too long",
        swap(PAGE, "description:", f"description: {'d' * 73} #"),
        "description has 73 characters, 72 fit: shorten it",
        "description:",
    ),
    page("empty text", write(PAGE, "---\ntitle: Who\ndescription: d\n---\n \n"), "the text is empty: write it", " "),
    page(
        "text too long",
        write(PAGE, f"---\ntitle: Who\ndescription: d\n---\n{'x' * 901}\n"),
        "the text has 901 characters, 900 fit: shorten it",
        "xxx",
    ),
    page(
        "text too long once its blanks are filled",
        write(PAGE, f"---\ntitle: Who\ndescription: d\n---\n{'x' * 890} {{phone}}\n"),
        "the text has 908 characters, 900 fit: shorten it",
        "xxx",
    ),
    page("a review without a date", swap(PAGE, "review: pending", "review: Dr Who"), "'review': must be pending, or look …", "review:"),
    page(
        "a review on no day",
        swap(PAGE, "review: pending", "review: Dr Who, neurologist; 2026-02-30"),
        "'review': must be pending, or look …",
        "review:",
    ),
    page(
        "unknown blank",
        begin(PAGE, "Call {telefon}."),
        "the text has the unknown blank {telefon}: use one of checked_by, checked_on, …",
        "Call",
    ),
    page(
        "unknown blank in a link",
        begin(PAGE, "[x](tel:{telefon})"),
        "the text has the unknown blank {telefon}: use one of checked_by, …",
        "[x]",
    ),
    page(
        "related to nothing",
        swap(PAGE, "related: [", "related: [symptoms/ears, "),
        "related: there is no page 'symptoms/ears': correct the path",
        "related:",
    ),
    page("heading", begin(PAGE, "# Who"), f"heading is not allowed here: {MARKUP}", "# Who"),
    page("image", begin(PAGE, "A\n\n![x](https://example.org/x.png)"), f"image is not allowed here: {MARKUP}", "![x]"),
    page("nested list", begin(PAGE, "- one\n  - two"), f"only plain lines may stand in a list: {MARKUP}", "  - two"),
    page("local link", begin(PAGE, "[x](eyes)"), f"the link 'eyes' must begin with https://, mailto: or tel:: {MARKUP}", "[x](eyes)"),
    Case("not UTF-8", write(PAGE, "---\ntitle: Fähig\n---\n".encode("latin-1")), (Error(PAGE, "is not UTF-8: save it as UTF-8"), MORE)),
]
MENUS = [
    one("no menu above", new_page("a/b"), "en/pages/a/b.md", "cannot be reached, its menu is missing: write a/index.md"),
    one("menu too long", new_page("treatment/z"), "en/pages/treatment/index.md", f"has 10 entries, a list holds 9: {MOVE}"),
    one("home too long", new_page("z"), "en/pages/index.md", f"has 11 entries, a list holds 10: {MOVE}"),
    one(
        "same title",
        new_page("more/z", "title: Sources\ndescription: d"),
        "en/pages/more/index.md",
        "two entries of this menu are called 'Sources': rename one",
    ),
    one(
        "path too long",
        new_page(f"more/{'p' * 60}"),
        f"en/pages/more/{'p' * 60}.md",
        "its path is too long for a button: shorten file and folder names",
    ),
    one("no home", remove("en/pages/index.md"), STRUCTURE, "there is no home menu: write en/pages/index.md", MORE),
    one(
        "two callback pages",
        swap(PAGE, ORDER, f"{ORDER}flow: callback\n"),
        STRUCTURE,
        "2 pages have `flow: callback`: give it to exactly one page",
    ),
    one(
        "role without page",
        remove("en/pages/crisis.md"),
        STRUCTURE,
        "pages.crisis names no page: name an existing page",
        MORE,
        at="  crisis: crisis",
    ),
]
TEXTS_CASES = [
    texts(
        "misspelt text",
        swap(TEXTS, "  noted:", "  notted:"),
        "texts.noted is missing: write it",
        "texts:",
        Error(TEXTS, f"texts.notted {UNUSED}", "notted:"),
    ),
    texts(
        "canned text twice",
        swap(TEXTS, "  - id: number\n", "  - id: time\n"),
        "two canned texts are called 'time': rename one",
        "canned: # texts staff can send to a caller; {name} and {reference} are filled in, a line with an empty one falls away",
    ),
    texts(
        "blank nobody fills in a canned text",
        swap(TEXTS, "your request {reference}. Please look", "your request {due}. Please look"),
        "the canned text 'spam' has the unknown blank {due}: use {name} or {reference}",
        "  - id: spam",
    ),
    texts("missing label", swap(TEXTS, "  save:", "  # save:"), "labels.save is missing: write it", "labels:"),
    texts("unused label", swap(TEXTS, "  save:", "  hurry: Hurry\n  save:"), f"labels.hurry {UNUSED}", "hurry:"),
    texts(
        "label too long", swap(TEXTS, "  back: Back", f"  back: {'b' * 21}"), "labels.back has 21 characters, 20 fit: shorten it", "  back:"
    ),
    texts("empty label", swap(TEXTS, "  back: Back", "  back: ''"), "labels.back is empty: write it", "  back:"),
    texts(
        "blank of another text",
        swap(TEXTS, "noted: All right.", "noted: '{due}'"),
        "texts.noted has the unknown blank {due}: use one of …",
        "noted:",
    ),
    texts(
        "heading in a text",
        swap(TEXTS, "noted: All right.", "noted: '# Thanks'"),
        f"heading is not allowed here: {MARKUP}",
        "noted:",
        Error(TEXTS, "texts.noted is empty: write it", "noted:"),
    ),
    texts(
        "a star in a phrase",
        swap(TEXTS, "  cannot: not, cant,", "  cannot: not, not* able, cant,"),
        "signs.cannot: the star in 'not* able' means nothing: put it at the end of a single word",
        "  cannot:",
    ),
    texts(
        "sign without words", swap(TEXTS, "  cannot: not,", "  can_not: not,"), "danger names the sign 'cannot', which has no words…", ""
    ),
    texts("command to nowhere", swap(TEXTS, "  feedback: [", "  feedbak: ["), f"commands: 'feedbak' {NOWHERE}", "  feedbak:"),
    texts("command to no page", swap(TEXTS, '"page:emergency":', '"page:x":'), f"commands: 'page:x' {NOWHERE}", "page:x"),
    texts(
        "listed, no command", swap(TEXTS, "  stop: [stop, ", "  stop: ["), "menu.stop is no command: list it under commands too", "  stop: "
    ),
    texts(
        "plural form missing",
        swap(TEXTS, '  one: "{count} day"', "  #"),
        "days.one is missing: write how English counts days, for example 1 of them",
        "days:",
    ),
    texts(
        "plural form of another language",
        swap(TEXTS, '  one: "{count} day"', '  one: "{count} day"\n  few: "{count} days"'),
        "days.few is no plural form of English: use one, other",
        "  few:",
    ),
    texts(
        "days without their number",
        swap(TEXTS, '  other: "{count} days"', "  other: some days"),
        "days.other lacks the blank {count}: put it where the number belongs",
        "  other: some days",
    ),
    texts(
        "unknown blank in days",
        swap(TEXTS, '  one: "{count} day"', "  one: '{number} day'"),
        "days.one has the unknown blank {number}: use {count}",
        "  one: '{number}",
    ),
    Case(
        "direction",
        swap(TEXTS, "direction: ltr", "direction: up"),
        (Error(TEXTS, "'direction': up is not known here: write 'ltr' or 'rtl'", "direction: up"),),
    ),
]
STRUCTURE_CASES = [
    structure(
        "missing key",
        swap(STRUCTURE, "  retention_days:", "  #"),
        "'privacy.retention_days' is missing: add a line retention_days: … under 'privacy'",
        "privacy:",
    ),
    structure(
        "unknown key",
        swap(STRUCTURE, "default_language:", "fax: 1\ndefault_language:"),
        "unknown key 'fax': use one of crisis_lines, default_language, …",
        "fax: 1",
    ),
    structure(
        "wrong hours", swap(STRUCTURE, MONDAY, "mon: [9-17]"), "'hours.week.mon.0': must look like 09:00-17:00: correct it", "mon: [9-17]"
    ),
    structure(
        "backward hours",
        swap(STRUCTURE, MONDAY, "mon: [17:00-09:00]"),
        "'hours.week.mon.0': must end after it starts: correct it",
        "mon: [17",
    ),
    structure(
        "no such hour", swap(STRUCTURE, MONDAY, "mon: [09:00-25:00]"), "'hours.week.mon.0': hour must be in 0..23: correct it", "mon: [09"
    ),
    structure(
        "wrong zone",
        swap(STRUCTURE, "zone: Europe/", "zone: "),
        "'hours.zone': is not a time zone; write it like Europe/Berlin: correct it",
        "zone: Berlin",
    ),
    structure("no such country", swap(STRUCTURE, "holidays: DE", "holidays: XX"), "'hours.holidays': …", "holidays: XX"),
    structure(
        "no time to answer",
        swap(STRUCTURE, "hours: 8", "hours: 0"),
        "'hours.answer_within_hours': Input should be greater than 0: correct it",
        "hours: 0",
    ),
    structure("never open", swap(STRUCTURE, WEEK[0], "  week: {}\n"), "'hours': the office must be open on some day: correct it", "hours:"),
    structure(
        "no such language", swap(STRUCTURE, "call_languages: [en", "call_languages: [zz"), "'intake.call_languages…", "call_languages:"
    ),
    structure(
        "question twice", swap(STRUCTURE, "{id: topic,", "{id: who,"), "two questions are called 'who': rename one", "  questions:", MORE
    ),
    structure(
        "no options",
        swap(STRUCTURE, "options: [child, self, other, doctor], ", ""),
        "question 'who' has no options: list them",
        "{id: who",
        MORE,
    ),
    structure(
        "instead of nothing",
        swap(STRUCTURE, "instead: email", "instead: fax"),
        "question 'phone': instead names no question: name another question",
        "{id: phone",
    ),
    structure("unknown default", swap(STRUCTURE, "default: any", "default: noon"), "question 'when': …", "{id: when"),
    structure(
        "role without a name", swap(STRUCTURE, "  crisis: crisis\n", ""), "pages.crisis names no page: name an existing page", "pages:"
    ),
    structure("no file", remove(STRUCTURE), "is missing: create it", "", MORE),
    structure(
        "number to call is no number",
        swap(STRUCTURE, 'phone: "116 123", source: "https://www.tel', 'phone: "ask us", source: "https://www.tel'),
        "'crisis_lines.DE.phone': …",
        'phone: "ask us"',
    ),
    structure(
        "number from nowhere",
        swap(STRUCTURE, 'source: "https://www.911.gov"', 'source: "911.gov"'),
        "'emergency_numbers.US.source': …",
        '"911.gov"',
    ),
    structure("number of no country", swap(STRUCTURE, '  US: {name: "988', '  XX: {name: "988'), "'crisis_lines.XX.[key]': …", "XX: {"),
    structure(
        "no keys",
        swap(STRUCTURE, "crisis_lines:", "crisis_lines: 112\nunused:"),
        "'crisis_lines': 112 stands where keys belong: write lines such as key: value below it, indented by two spaces",
        "crisis_lines: 112",
        MORE,
    ),
    structure(
        "hours in words",
        swap(STRUCTURE, "answer_within_hours:", "answer_within_hours: one day #"),
        "'hours.answer_within_hours': one day is no number: write figures such as 24 or 1.5, without quotes",
        "  answer_within_hours:",
    ),
    structure(
        "name of a crisis line too long",
        swap(STRUCTURE, 'name: "Lifeline"', f"name: {'x' * 61}"),
        "'crisis_lines.AU.name': has 61 characters, 60 fit: shorten it",
        "  AU: {name: xxx",
    ),
]
LANGUAGES = [
    one(
        "no default language",
        swap(STRUCTURE, "language: en", "language: fr"),
        "fr/texts.yaml",
        "the default language has no texts: write this file or change default_language in structure.yaml",
    ),
    one(
        "page not translated",
        second_language(without="about-oms/who.md"),
        "eo/pages/about-oms/who.md",
        "this page is missing: translate it from en",
    ),
    one(
        "menu not translated",
        second_language(without="more/index.md"),
        "eo/pages/more/index.md",
        "this page is missing: translate it from en",
        MORE,
    ),
    one(
        "text not translated", second_language(texts=("  noted:", "  #")), "eo/texts.yaml", "texts.noted is missing: write it", at="texts:"
    ),
    one(
        "page only translated",
        second_language(extra="about-oms/whose.md"),
        "eo/pages/about-oms/whose.md",
        "there is no such page in en: write en/pages/about-oms/whose.md first, or remove this one",
    ),
    translated(
        "broken translation",
        swap("eo/pages/about-oms/who.md", "description:", "about:"),
        "unknown key 'about': use one of description, keywords, review, title",
        "about:",
    ),
    translated(
        "other numbers",
        swap("eo/pages/about-oms/who.md", "18 months", "16 months"),
        "the text lacks 18 and adds 16: write the same numbers as content/en/pages/about-oms/who.md, in digits",
        "OMS is very rare",
    ),
    translated(
        "a number twice",
        swap("eo/pages/about-oms/who.md", "OMS is", "1,000 times: OMS is"),
        "the text adds 1000: write …",
        "OMS is very rare",
    ),
    one(
        "a word with two meanings",
        second_language(texts=("  feedback: [feedback]", "  feedback: [status]")),
        TEXTS,
        "the command 'status' leads to 'status' here and to 'feedback' elsewhere: keep one",
        MORE,
        at="  status: [",
    ),
]
MISTAKES = [*PAGES, *MENUS, *TEXTS_CASES, *STRUCTURE_CASES, *LANGUAGES]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped content in its default language: a mistake must not be told of in translations too."""
    folder = tmp_path / "content"
    shutil.copytree(SHIPPED / "en", folder / "en")
    shutil.copy(SHIPPED / STRUCTURE, folder)
    return folder


def test_numbers_are_the_same_in_every_script(folder: Path) -> None:
    """Other digits and other marks between thousands are no other numbers."""
    second_language()(folder)
    swap("eo/pages/about-oms/who.md", "18 months", "١٨ months")(folder)
    swap(PAGE, "OMS is", "1,000: OMS is")(folder)
    swap("eo/pages/about-oms/who.md", "OMS is", "1\u202f000: OMS is")(folder)
    assert [problem for problem in check(folder)[1] if not problem.note] == []


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case.mistake)
def test_a_mistake_is_reported_where_it_is(case: Case, folder: Path) -> None:
    """A single mistake is named with its file, its line where it has one, and what to do; nothing else is complained about."""
    case.edit(folder)
    found = [str(problem) for problem in check(folder)[1] if not problem.note]
    expected = [error for error in case.errors if error is not MORE]
    for error in expected:
        wanted = f"content/{error.file}{_line(folder / error.file, error.at)}: {error.text}"
        assert any(text == wanted or (wanted.endswith("…") and text.startswith(wanted[:-1])) for text in found), (wanted, found)
    assert MORE in case.errors or len(found) == len(expected), found


def _line(file: Path, at: str) -> str:
    if not at:
        return ""
    lines = file.read_text(encoding="utf-8").splitlines()
    whole = (number for number, line in enumerate(lines, 1) if line == at)
    return f":{next(whole, 0) or next(number for number, line in enumerate(lines, 1) if at in line)}"


def test_every_mistake_is_found_at_once(folder: Path) -> None:
    """Whoever corrects content sees all mistakes of all files in one go, in order of place."""
    for case in (PAGES[1], MENUS[1], TEXTS_CASES[3], STRUCTURE_CASES[12]):
        case.edit(folder)
    problems = [problem for problem in check(folder)[1] if not problem.note]
    assert {problem.file.removeprefix("content/") for problem in problems} >= {PAGE, "en/pages/treatment/index.md", TEXTS, STRUCTURE}
    assert problems == sorted(problems)
    with pytest.raises(ContentError) as refused:
        load(folder)
    assert refused.value.problems == problems


def test_a_second_language_is_accepted(folder: Path) -> None:
    """A complete translation, its front matter holding words only, is no mistake."""
    second_language()(folder)
    assert set(load(folder).languages) == {"en", "eo"}


def test_one_day_may_be_told_without_its_figure(folder: Path) -> None:
    """A language with a word for one day says the same number as its original, and check does not miss the figure."""
    second_language(texts=('  one: "{count} day"', "  one: a single day"))(folder)
    swap(STRUCTURE, "retention_days: 30", "retention_days: 1")(folder)
    assert [str(problem) for problem in check(folder)[1] if not problem.note] == []
    content = load(folder)
    assert "We delete your details a single day after" in plain(content.bodies["eo", "free-consultation/callback"])
    assert "We delete your details 1 day after" in plain(content.bodies["en", "free-consultation/callback"])


def test_a_language_without_texts_is_missed(folder: Path) -> None:
    """A folder with pages and no texts.yaml is no language, and does not pass unseen."""
    second_language()(folder)
    (folder / "eo" / "texts.yaml").unlink()
    advice = "is missing, this language has pages only: translate it from the default language, or remove the folder"
    assert [str(problem) for problem in check(folder)[1] if not problem.note] == [f"content/eo/texts.yaml: {advice}"]


def test_windows_line_ends_are_no_mistake(folder: Path) -> None:
    """A file saved on Windows reads the same."""
    file = folder / PAGE
    before = load(folder).languages["en"].pages["about-oms/who"]
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert load(folder).languages["en"].pages["about-oms/who"] == before
