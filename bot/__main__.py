"""`python -m bot` is `oms-bot`."""

import signal
import sys

# Until the server takes over: as the first process of a container we would otherwise not be stopped while starting.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

from bot.cli import main  # noqa: E402 the imports take longest

if __name__ == "__main__":
    main()
