"""A Reply as Telegram shows it. Pure: text in Telegram's HTML, buttons as one of its two keyboards, as JSON."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from bot.channels.parting import parted
from bot.core.markup import Block, Document, Line, Paragraph
from bot.core.model import Button, Reply

MAX_TEXT = 4096  # characters after entity parsing
Markup = Mapping[str, Any]  # one of the API's kinds of `reply_markup`
_TAGS = {"": "{}", "bold": "<b>{}</b>", "italic": "<i>{}</i>"}
_NAVIGATION_ROW = 2  # buttons side by side that still show their whole label on a narrow phone


def block(written: Block) -> str:
    if isinstance(written, Paragraph):
        return _line(written.runs)
    marks = (f"{number}." if written.ordered else "•" for number in range(1, len(written.items) + 1))
    return "\n".join(f"{mark} {_line(item)}" for mark, item in zip(marks, written.items, strict=True))


def texts(document: Document, write: Callable[[Block], str] = block) -> list[str]:
    """The document as the texts of one message or, when it is too long for one, of several."""
    # Markup does not count for Telegram; counting it errs on the safe side.
    return parted(map(write, document), MAX_TEXT) or [""]


def markup(reply: Reply) -> Markup | None:
    """The keyboard of a message: inline buttons, or the one kind that can share a phone number."""
    if reply.closes_keyboard:
        return {"remove_keyboard": True}
    rows = [[button] for button in reply.choices] + _rows(reply.navigation)
    if any(button.kind == "share_phone" for button in reply.buttons):
        # Other buttons of this keyboard come back as typed labels, which the dialogue understands.
        keys = [[_key(button) for button in row] for row in rows]
        return {"keyboard": keys, "resize_keyboard": True, "one_time_keyboard": True}
    inline = [[{"text": button.label, "url" if button.kind == "link" else "callback_data": button.id} for button in row] for row in rows]
    return {"inline_keyboard": inline} if inline else None


def _key(button: Button) -> dict[str, Any]:
    return {"text": button.label} | ({"request_contact": True} if button.kind == "share_phone" else {})


def _rows(buttons: tuple[Button, ...]) -> list[list[Button]]:
    return [list(buttons[at : at + _NAVIGATION_ROW]) for at in range(0, len(buttons), _NAVIGATION_ROW)]


def _line(line: Line) -> str:
    return "".join(_run(run.text, run.style, run.href) for run in line)


def _run(content: str, style: str, href: str) -> str:
    shown = _TAGS[style].format(escape(content, quote=False))
    # Telegram links only web addresses; phone numbers and e-mail addresses it recognises by itself.
    return f'<a href="{escape(href)}">{shown}</a>' if href.startswith("http") else shown
