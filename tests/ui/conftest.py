"""The browser's fixtures. They live in `browser.py`, since mypy knows only one module called conftest."""

from browser import chromium, phone, server

__all__ = ["chromium", "phone", "server"]
