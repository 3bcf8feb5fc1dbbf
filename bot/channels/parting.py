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
        self._know(shelf.content)

    def __call__(self, block: Block) -> str:
        if self._content is not self._shelf.content:
            self._know(self._shelf.content)
        _, text = self._known.get(id(block), (block, None))
        return self._write(block) if text is None else text

    def _know(self, content: Content) -> None:
        self._content = content
        self._known = {id(block): (block, self._write(block)) for document in content.bodies.values() for block in document}


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
