"""Starts serving: the content is read in a process of its own while this one imports what it serves with."""

from bot import memory
from bot.apart import Apart
from bot.config import load_settings
from bot.logs import configure


def serve() -> None:
    """Serve the web chat and every configured messenger until stopped."""
    memory.spare()
    settings = load_settings()
    configure(settings.log_level, settings.log_format)
    with Apart.forked(settings.content_dir) as reading:
        memory.import_without("watchfiles", "uvicorn")  # which would watch its source with it
        from bot import server

        server.serve(settings, reading=reading)
