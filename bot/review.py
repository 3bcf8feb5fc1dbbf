"""What awaits whom before the content is finished: values from the operator, pages from their reviewers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from textwrap import fill

from bot.content_problems import Problem
from bot.core.library import Content
from bot.core.material import Language, Page

_WIDTH = 100


def outstanding(content: Content, problems: Iterable[Problem]) -> str:
    """For a person to read: a paragraph for the operator, one for the reviewers of each language."""
    return "\n\n".join([_of_operator(problems), *map(_of_language, content.languages.values())])


def _of_operator(problems: Iterable[Problem]) -> str:
    empty = [
        f"  {problem.file}:{problem.line}: {problem.message}" for problem in problems if problem.note and "operator." in problem.message
    ]
    return "\n".join(["Awaited from the operator:", *empty]) if empty else "Nothing is awaited from the operator."


def _of_language(language: Language) -> str:
    pages = language.pages.values()
    pending = [page for page in pages if page.review == "pending"]
    head = f"{language.name} ({language.code}): {len(pages) - len(pending)} of {len(pages)} pages are reviewed"
    return "\n".join([head, *_reviewed(pages), *_pending(pending)])


def _reviewed(pages: Iterable[Page]) -> Iterator[str]:
    """Who has reviewed what, a line for each reviewer and day."""
    by: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for page in pages:
        if page.review != "pending":
            who, _, day = page.review.rpartition("; ")
            by[day, who].append(page.path or "index")
    for (day, who), paths in sorted(by.items()):
        yield _wrapped(f"  {day} by {who}: ", sorted(paths))


def _pending(pages: Iterable[Page]) -> Iterator[str]:
    """What still awaits a reviewer, a line for each menu."""
    by: defaultdict[str, list[str]] = defaultdict(list)
    for page in pages:
        menu, name = (page.path, "index") if page.children else (page.parent, page.path.rpartition("/")[2])
        by[menu].append(name or "index")
    for menu, names in sorted(by.items()):
        yield _wrapped(f"  awaited, {menu or 'at the top'}: ", names)


def _wrapped(head: str, names: Iterable[str]) -> str:
    return fill(head + ", ".join(names), _WIDTH, subsequent_indent="    ", break_on_hyphens=False)
