"""Texts of a messenger: those of the content made once, long ones in several messages."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from bot.core.library import Content
from bot.core.markup import Block
from bot.core.model import Reply
from bot.shelf import Shelf

_PAGES = 300  # kept at most, some kilobytes each

T = TypeVar("T")


class Written:
    """What a messenger makes of the content, made once. What else is said, perhaps about somebody, is not kept.

    All by identity: the content keeps its texts, and draws the same page with the same buttons.
    """

    def __init__(self, write: Callable[[Block], str], shelf: Shelf) -> None:
        self._write = write
        self._shelf = shelf
        self._begin(None)

    def _begin(self, content: Content | None) -> None:
        self._content: Content | None = content
        self._documents: int = 0  # of the content that are known
        self._bodies: set[int] = set()
        self._blocks: dict[int, str] = {}  # "" is not written yet
        self._pages: dict[tuple[object, ...], tuple[Reply, Any]] = {}

    def __call__(self, block: Block) -> str:
        """The block as the messenger writes it."""
        self._look()
        text = self._blocks.get(id(block))
        if text:
            return text
        written = self._write(block)
        if text is not None:
            self._blocks[id(block)] = written
        return written

    def page(self, reply: Reply, render: Callable[[Reply], T]) -> T:
        """What `render`, always the same, makes of the reply."""
        self._look()
        if not reply.title or id(reply.body) not in self._bodies:
            return render(reply)
        shown = (id(reply.body), id(reply.choices), id(reply.navigation), reply.style, reply.language)
        if shown not in self._pages:
            if len(self._pages) >= _PAGES:
                self._pages.clear()
            self._pages[shown] = reply, render(reply)  # with the reply, so that nothing else gets its place in memory
        made: T = self._pages[shown][1]
        return made

    def _look(self) -> None:
        """Takes note of a new content, and of texts that have come to it."""
        content = self._shelf.content
        if content is not self._content:
            self._begin(content)
        if self._documents < len(content.documents):
            new = content.documents[self._documents :]
            self._documents = len(content.documents)
            self._bodies |= set(map(id, new))
            self._blocks |= {id(block): "" for document in new for block in document}


def parted(blocks: Iterable[str], limit: int, size: Callable[[str], int] = len) -> list[str]:
    """The blocks, a blank line between them, as few texts of at most `limit`; parted between blocks where that is possible.

    A block that is too long is parted between its lines, a line between its words, a word anywhere.
    """
    return _filled(blocks, limit, size, ("\n\n", "\n", " ", ""))


def _filled(pieces: Iterable[str], limit: int, size: Callable[[str], int], glues: tuple[str, ...]) -> list[str]:
    glue, *finer = glues
    texts: list[str] = []
    for piece in pieces:
        if texts and size(texts[-1]) + size(glue) + size(piece) <= limit:
            texts[-1] += glue + piece
        elif size(piece) <= limit:
            texts.append(piece)
        else:
            texts += _filled(piece.split(finer[0]) if finer[0] else piece, limit, size, tuple(finer))
    return [text for text in texts if text.strip()]
