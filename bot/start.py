"""Starts serving: the content is read in a process of its own while this one imports what it serves with."""

import asyncio
from importlib import import_module

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
        from bot.server import serve_forever

        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(serve_forever(settings, reading=reading))


def _loop() -> asyncio.AbstractEventLoop:
    """The fastest there is on this platform."""
    try:
        uvloop = import_module("uvloop")
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
