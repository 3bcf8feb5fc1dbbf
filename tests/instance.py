"""One of several instances as a process of its own, whose leases are as short as a test wants: `python instance.py SECONDS`."""

import asyncio
import sys
from datetime import timedelta

from bot.config import load_settings
from bot.logs import configure
from bot.server import serve_forever

if __name__ == "__main__":
    configure("INFO", "json")
    asyncio.run(serve_forever(load_settings(), timedelta(seconds=float(sys.argv[1]))))
