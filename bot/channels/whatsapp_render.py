"""A Reply as WhatsApp shows it: messages of the Cloud API, without the address. Pure.

Up to three buttons stand below the text, up to ten in a list, more are written out and typed [PLATFORMS]. A list
opens only by a tap of its own: where leaving out what is aside spares it, that is left out.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from bot.channels.parting import parted
from bot.core.markup import Block, Document, Line, Paragraph, Run
from bot.core.material import Language
from bot.core.model import Button, Card, Reply

MAX_TEXT, MAX_BODY, MAX_HEADER, MAX_FOOTER = 4096, 1024, 60, 60  # characters
MAX_BUTTONS, MAX_BUTTON, MAX_ROWS, MAX_ROW, MAX_DESCRIPTION = 3, 20, 10, 24, 72
MAX_PARAMETER = 900  # characters of a template's variable
Message = dict[str, Any]
_MARKS = {"": "", "bold": "*", "italic": "_"}
_JOINER = "\u2060"  # takes no room and keeps a mark from being one: WhatsApp knows no escape
_LOOSE = re.compile(r"(?<![^\W_])[*_~`]|[*_~`](?![^\W_])")  # within a word a mark is none
_TAIL = re.compile(r"[\s\u200d\ufe0f\u0300-\u036f\u064b-\u065f]+$")  # what must not be left behind where a text is cut


def size(text: str) -> int:
    """Its length in UTF-16 code units, at least as many as whatever WhatsApp counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """`text`, shortened if it must be."""
    if (len(text) <= limit and text.isascii()) or size(text) <= limit:  # the first says it sooner
        return text
    while size(text) > limit - 1:
        text = text[:-1]
    return f"{_TAIL.sub('', text)}…"


def block(written: Block) -> str:
    if isinstance(written, Paragraph):
        return _line(written.runs)
    marks = (f"{number}." if written.ordered else "•" for number in range(1, len(written.items) + 1))
    return "\n".join(f"{mark} {_line(item)}" for mark, item in zip(marks, written.items, strict=True))


def render(reply: Reply, language: Language, write: Callable[[Block], str] = block) -> list[Message]:
    """The messages of a reply, in order; the last one carries the buttons."""
    buttons = [button for button in reply.buttons if button.kind == "press"]
    asking = [button for button in reply.buttons if button.kind == "share_phone"]
    blocks = [write(part) for part in reply.body] or [reply.title or "…"]
    messages = [_card(reply.card)] if reply.card else []
    if not buttons:
        messages += _texts(_titled(reply, blocks))
    elif len(buttons) > MAX_ROWS:
        menu = "\n".join(f"{number}. {_clean(button.label)}" for number, button in enumerate(reply.buttons, 1))
        messages += _texts([*_titled(reply, blocks), menu])
    else:
        *before, last = parted(blocks, MAX_BODY, size)
        messages += _texts(before)
        messages.append(_interactive(last, reply, buttons, language))
    return messages + [_request(button) for button in asking]


def template(name: str, language: str, document: Document) -> Message:
    """An approved template with one variable, for when only that may be sent: it takes the text, on one line."""
    line = " ".join(" ".join(map(block, document)).split())
    parameters = [{"type": "text", "text": cut(line, MAX_PARAMETER) or "…"}]
    components = [{"type": "body", "parameters": parameters}]
    return {"type": "template", "template": {"name": name, "language": {"code": language}, "components": components}}


def _texts(blocks: list[str]) -> list[Message]:
    return [{"type": "text", "text": {"body": text, "preview_url": False}} for text in parted(blocks, MAX_TEXT, size)]


def _titled(reply: Reply, blocks: list[str]) -> list[str]:
    return [f"*{_clean(reply.title)}*", *blocks] if reply.title else blocks


def _interactive(body: str, reply: Reply, buttons: list[Button], language: Language) -> Message:
    content: Message = {"body": {"text": body}}
    if reply.title:
        content["header"] = {"type": "text", "text": cut(reply.title, MAX_HEADER)}
    if reply.title and reply.style != "warning" and language.about["footer"] not in body:
        content["footer"] = {"text": cut(language.about["footer"], MAX_FOOTER)}
    if few := _few(buttons, page=bool(reply.title)):
        replies = [{"type": "reply", "reply": {"id": button.id, "title": button.label}} for button in few]
        content |= {"type": "button", "action": {"buttons": replies}}
        if len(few) < len(buttons):
            content["footer"] = {"text": cut(language.about["typed"], MAX_FOOTER)}
    else:
        action = {"button": cut(language.about["open_list"], MAX_BUTTON), "sections": _sections(buttons, reply, language)}
        content |= {"type": "list", "action": action}
    return {"type": "interactive", "interactive": content}


def _few(buttons: list[Button], *, page: bool) -> list[Button]:
    """The buttons, when they can all stand below the text; in a step of a request, those that matter."""
    matter = [button for button in buttons if not button.aside]
    plain = not page and not any(button.description for button in matter)  # a description helps to choose: only a list has room
    for some in (buttons, matter) if plain else (buttons,):
        labels = {button.label for button in some}
        if len(some) == len(labels) <= MAX_BUTTONS and all(size(label) <= MAX_BUTTON for label in labels):
            return some
    return []


def _sections(buttons: list[Button], reply: Reply, language: Language) -> list[Message]:
    """The choices, and apart from them the ways back."""
    choices = [button for button in reply.choices if button.kind == "press"]
    parts = ("list_choices", choices), ("list_more", buttons[len(choices) :])
    return [{"title": cut(language.about[title], MAX_ROW), "rows": [_row(b) for b in part]} for title, part in parts if part]


def _row(button: Button) -> Message:
    title = cut(button.label, MAX_ROW)
    description = button.description or (button.label if title != button.label else "")
    return {"id": button.id, "title": title} | ({"description": cut(description, MAX_DESCRIPTION)} if description else {})


def _request(button: Button) -> Message:
    """WhatsApp's own button that shares the number; its label is WhatsApp's."""
    kind = "request_contact_info"
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": button.label}, "action": {"name": kind}}}


def _card(card: Card) -> Message:
    contact: Mapping[str, Any] = {
        "name": {"formatted_name": card.name, "first_name": card.name},
        "org": {"company": card.name},
        "phones": [{"phone": card.phone, "type": "WORK"}],
        "emails": [{"email": card.email, "type": "WORK"}],
    }
    return {"type": "contacts", "contacts": [contact]}


def _line(line: Line) -> str:
    """The runs one after another, each in its style where WhatsApp would see it: not within a word, nor across lines."""
    text = ""
    for number, run in enumerate(line):
        behind = line[number + 1].text if number + 1 < len(line) else ""
        inside = ((text[-1:] + run.text[:1]).isalnum() and text != "") or ((run.text[-1:] + behind[:1]).isalnum() and behind != "")
        target = _target(run)
        glued = target and re.match(r"[^\s.,;:!?]", behind)  # it would become a part of the address
        text += (_clean(run.text) if inside else _styled(run)) + target + " " * bool(glued)
    return text


def _styled(run: Run) -> str:
    return "\n".join(_marked(_clean(line), _MARKS[run.style]) for line in run.text.split("\n"))


def _marked(text: str, mark: str) -> str:
    """Spaces stay outside: WhatsApp takes a mark beside a space for a character."""
    bare = text.strip()
    return text.replace(bare, f"{mark}{bare}{mark}", 1) if bare else text


def _target(run: Run) -> str:
    """Where a link leads, if its words do not say it already; WhatsApp makes the link itself."""
    scheme, _, rest = run.href.partition(":")
    target = rest if scheme in ("tel", "mailto") else run.href
    said = "".join(run.text.split())
    bare = target.removeprefix("https://").removeprefix("http://").removesuffix("/")
    return f" {target}" if bare and bare not in said else ""


def _clean(text: str) -> str:
    return _LOOSE.sub(lambda mark: f"{_JOINER}{mark[0]}{_JOINER}", text)
