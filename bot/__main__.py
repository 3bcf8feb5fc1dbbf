"""`python -m bot` is `oms-bot`."""

import gc
import signal
import sys

# Until the server takes over: as the first process of a container we would otherwise not be stopped while starting.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

gc.disable()  # nothing that is made here is garbage, and looking for it again and again takes a tenth of the time
from bot.cli import main  # noqa: E402 the imports take longest

gc.enable()

if __name__ == "__main__":
    main()
