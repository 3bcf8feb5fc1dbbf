"""The one place that holds the content in use, so that it can be exchanged while the program runs."""

from dataclasses import dataclass

from bot.core.library import Content


@dataclass(slots=True)
class Shelf:
    """Whoever needs the content takes it from here, for one event or one message, and keeps it no longer."""

    content: Content
