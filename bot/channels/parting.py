"""Texts of a messenger: those of the content made once, long ones in several messages."""

from collections.abc import Callable, Iterable

from bot.core.library import Content
from bot.core.markup import Block
from bot.shelf import Shelf


class Written:
    """Blocks as a messenger writes them. Those of the content are written once; what else is said, perhaps about somebody, is not kept."""

    def __init__(self, write: Callable[[Block], str], shelf: Shelf) -> None:
        self._write = write
        self._shelf = shelf
        self._content: Content | None = None
        self._known: dict[int, str] = {}  # by identity: the content keeps its blocks; "" is not written yet
        self._documents = 0  # of the content that are known

    def __call__(self, block: Block) -> str:
        content = self._shelf.content
        if content is not self._content:
            self._content, self._known, self._documents = content, {}, 0
        text = self._known.get(id(block))
        if text is None and self._documents < len(content.documents):
            self._known |= {id(each): "" for document in content.documents[self._documents :] for each in document}
            self._documents = len(content.documents)
            text = self._known.get(id(block))
        if text:
            return text
        written = self._write(block)
        if text is not None:
            self._known[id(block)] = written
        return written


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
