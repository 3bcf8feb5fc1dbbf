"""The browser's fixtures. They live in `browser.py` and `office.py`, since mypy knows only one module called conftest."""

from browser import chromium, phone, server
from office import office, window

__all__ = ["chromium", "office", "phone", "server", "window"]
