"""A Reply as the chat page and its API show it: safe HTML and plain JSON. Pure."""

from html import escape
from typing import Any

from bot.channels.base import Kept
from bot.core.markup import Block, Document, Line, Paragraph
from bot.core.material import Language

_STYLES = {"": "{}", "bold": "<strong>{}</strong>", "italic": "<em>{}</em>"}


def message(kept: Kept, language: Language) -> dict[str, Any]:
    """One message of the API (docs/api.md)."""
    reply = kept.reply
    return {
        "id": kept.id,
        "language": language.code,
        "direction": language.direction,
        "html": html(reply.body),
        "choices": [{"id": b.id, "label": b.label, "description": b.description, "primary": b.primary} for b in reply.choices],
        "navigation": [{"id": b.id, "label": b.label} for b in reply.navigation],
        "echo": reply.echo,
        "expects": reply.expects,
        "at": kept.at.isoformat(),
        "style": reply.style,
    }


def html(document: Document) -> str:
    return "".join(map(_block, document))


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{_line(block.runs)}</p>"
    tag = "ol" if block.ordered else "ul"
    return f"<{tag}>{''.join(f'<li>{_line(item)}</li>' for item in block.items)}</{tag}>"


def _line(line: Line) -> str:
    return "".join(_run(run.text, run.style, run.href) for run in line)


def _run(text: str, style: str, href: str) -> str:
    shown = _STYLES[style].format(escape(text).replace("\n", "<br>"))
    return f'<a href="{escape(href)}" rel="noopener noreferrer">{shown}</a>' if href else shown
