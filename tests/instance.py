"""One of several instances as a process of its own, whose leases are as short as a test wants: `python instance.py SECONDS`."""

import sys
from datetime import timedelta

from bot.config import load_settings
from bot.logs import configure
from bot.server import serve

if __name__ == "__main__":
    configure("INFO", "json")
    serve(load_settings(), timedelta(seconds=float(sys.argv[1])))
