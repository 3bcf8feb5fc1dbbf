"""The small Markdown that content is written in, as data.

`parse` turns text into blocks, `fill` puts values into its {blanks}. Values are inserted after parsing, so a
person's name full of asterisks stays a name. Each channel renders the blocks in its own way.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(["html_block", "html_inline", "entity"])
_BLANK = re.compile(r"\{([a-z_]+)\}")
_LINK_SCHEMES = ("https://", "mailto:", "tel:")
_STYLES: dict[str, Literal["bold", "italic"]] = {"strong": "bold", "em": "italic"}


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one style. "\\n" is a line break the author made."""

    text: str
    style: Literal["", "bold", "italic"] = ""
    href: str = ""


Line = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    runs: Line


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[Line, ...]
    ordered: bool = False


Block = Paragraph | Listing
Document = tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something outside the subset; `line` counts from 0 within the parsed text."""

    message: str
    line: int


def parse(text: str) -> tuple[Document, list[Mistake]]:
    """Blocks of `text`, and what is in it that no messenger shows: headings, images, nesting …"""
    blocks: list[Block] = []
    mistakes: list[Mistake] = []
    tokens = iter(_MARKDOWN.parse(text))
    for token in tokens:
        line = token.map[0] if token.map else 0
        match token.type:
            case "paragraph_open":
                blocks.append(Paragraph(_runs(next(tokens), line, mistakes)))
            case "bullet_list_open" | "ordered_list_open":
                blocks.append(_listing(token, tokens, line, mistakes))
            case "paragraph_close":
                pass
            case kind:
                mistakes.append(Mistake(f"{kind.removesuffix('_open').replace('_', ' ')} is not allowed here", line))
                _skip(token, tokens)
    return tuple(blocks), mistakes


def _skip(opening: Token, tokens: Iterator[Token]) -> None:
    """Passes over everything inside `opening`."""
    if opening.nesting == 1:
        next((token for token in tokens if token.nesting == -1 and token.level == opening.level), None)


def _listing(opening: Token, tokens: Iterator[Token], line: int, mistakes: list[Mistake]) -> Listing:
    items: list[Line] = []
    closing = opening.type.replace("_open", "_close")
    for token in tokens:
        line = token.map[0] if token.map else line
        if token.type == closing:
            break
        if token.type == "inline":
            items.append(_runs(token, line, mistakes))
        elif token.type not in ("list_item_open", "list_item_close", "paragraph_open", "paragraph_close"):
            mistakes.append(Mistake("only plain lines may stand in a list", line))
            _skip(token, tokens)
    return Listing(tuple(items), ordered=opening.type == "ordered_list_open")


def _runs(inline: Token, line: int, mistakes: list[Mistake]) -> Line:
    runs: list[Run] = []
    styles: list[Literal["", "bold", "italic"]] = [""]  # the innermost last
    href = ""
    for token in inline.children or ():
        match token.type:
            case "text":
                runs.append(Run(token.content, styles[-1], href))
            case "softbreak" | "hardbreak":
                runs.append(Run("\n"))
                line += 1
            case "strong_open" | "em_open":
                styles.append(_STYLES[token.tag])
            case "strong_close" | "em_close":
                styles.pop()
            case "link_open":
                href = str(token.attrGet("href")).replace("%7B", "{").replace("%7D", "}")
                if not href.startswith(_LINK_SCHEMES):
                    mistakes.append(Mistake(f"the link {href!r} must begin with https://, mailto: or tel:", line))
            case "link_close":
                href = ""
            case kind:
                mistakes.append(Mistake(f"{kind.replace('_', ' ')} is not allowed here", line))
    return tuple(run for run in runs if run.text)


def fill(document: Document, values: Mapping[str, str]) -> Document:
    """Put `values` into the blanks they name; other blanks stay.

    A line one of whose values is empty falls away, and with its last line the block: texts can mention what
    may be unknown (a name, the operator's address) on a line of its own.
    """
    blocks: list[Block] = []
    for block in document:
        if isinstance(block, Paragraph):
            lines = [filled for line in _lines(block.runs) if (filled := _fill_line(line, values))]
            if lines:
                blocks.append(Paragraph(_joined(lines)))
        else:
            items = tuple(filled for item in block.items if (filled := _fill_line(item, values)))
            if items:
                blocks.append(Listing(items, block.ordered))
    return tuple(blocks)


def blanks(document: Document) -> set[str]:
    """The names of the {blanks} still open."""
    return {name for run in _all_runs(document) for part in (run.text, run.href) for name in _BLANK.findall(part)}


def fill_text(text: str, values: Mapping[str, str]) -> str:
    """The same for a plain label: known blanks filled, others left."""
    return _BLANK.sub(lambda found: values.get(found[1], found[0]), text)


def fill_lines(text: str, values: Mapping[str, str]) -> str:
    """The same for text without markup: lines with an empty value fall away."""
    lines = (line for line in text.splitlines() if all(values.get(name, name) for name in _BLANK.findall(line)))
    return fill_text("\n".join(lines), values).strip()


def blanks_of(text: str) -> set[str]:
    """The names of the {blanks} in text without markup."""
    return set(_BLANK.findall(text))


def plain(document: Document) -> str:
    """The text a reader sees, without styles: for counting, for a terminal, for people who can't see bold."""
    return "\n\n".join(_plain_block(block) for block in document)


def words(text: str) -> Document:
    """Ready text as one paragraph, nothing in it taken for markup."""
    return (Paragraph((Run(text),)),) if text else ()


def _plain_block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return "".join(run.text for run in block.runs)
    marks = (f"{n}." if block.ordered else "•" for n in range(1, len(block.items) + 1))
    return "\n".join(f"{mark} {''.join(run.text for run in item)}" for mark, item in zip(marks, block.items, strict=True))


def _all_runs(document: Document) -> Iterator[Run]:
    for block in document:
        for line in (block.runs,) if isinstance(block, Paragraph) else block.items:
            yield from line


def _lines(runs: Line) -> Iterator[Line]:
    line: list[Run] = []
    for run in runs:
        if run.text == "\n":
            yield tuple(line)
            line = []
        else:
            line.append(run)
    yield tuple(line)


def _joined(lines: list[Line]) -> Line:
    runs = list(lines[0])
    for line in lines[1:]:
        runs += [Run("\n"), *line]
    return tuple(runs)


def _fill_line(line: Line, values: Mapping[str, str]) -> Line:
    named = {name for run in line for name in _BLANK.findall(run.text)}
    if any(values.get(name, name) == "" for name in named):
        return ()
    dial = {name: value.replace(" ", "") for name, value in values.items()} if any(run.href for run in line) else {}
    return tuple(Run(fill_text(run.text, values), run.style, fill_text(run.href, dial)) for run in line)
