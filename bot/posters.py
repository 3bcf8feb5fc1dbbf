"""Links that open a conversation at a page, and QR codes of them for posters and leaflets."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from bot.core.library import Content

MAX_TEXT = 140  # characters a wa.me link may bring along [PLATFORMS]
_MODULE, _BORDER = 12, 4  # pixels of a dot, and dots of white around: a poster is seen from afar


@dataclass(frozen=True, slots=True)
class Link:
    name: str  # of a file
    url: str


def whatsapp_links(digits: str, content: Content) -> list[Link]:
    """`digits`: our number in international form. The text is what the person sends with one tap."""
    language = content.language(content.structure.default_language)
    call = next(word for word, target in language.commands.items() if target == "callback")
    texts = {"home": "", "callback": call} | {page.replace("/", "-"): language.pages[page].title for page in language.pages[""].children}
    return [
        Link(f"whatsapp-{name}", f"https://wa.me/{digits}" + (f"?text={quote(text[:MAX_TEXT])}" if text else ""))
        for name, text in texts.items()
    ]


def telegram_links(username: str, content: Content) -> list[Link]:
    pages = content.language(content.structure.default_language).pages[""].children
    payloads = {"home": "", "callback": "callback"} | {page.replace("/", "-"): page.replace("/", "__") for page in pages}
    return [
        Link(f"telegram-{name}", f"https://t.me/{username}" + (f"?start={payload}" if payload else ""))
        for name, payload in payloads.items()
    ]


def draw(links: Iterable[Link], folder: Path, kind: Literal["png", "svg"]) -> None:
    """Writes a QR code of each link into `folder`. Raises OSError."""
    import segno

    folder.mkdir(parents=True, exist_ok=True)
    for link in links:
        segno.make_qr(link.url, error="m").save(str(folder / f"{link.name}.{kind}"), kind=kind, scale=_MODULE, border=_BORDER)
