"""`python -m bot` is `oms-bot`."""

import gc
import signal
import sys

# Until the server takes over: as the first process of a container we would otherwise not be stopped while starting.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

gc.disable()  # nothing that is made here is garbage, and looking for it again and again takes a tenth of the time

from bot.memory import import_without  # noqa: E402 the imports take longest
from bot.refusals import in_words  # noqa: E402


def main() -> None:
    """Runs a command."""
    with in_words():
        if sys.argv[1:] == ["serve"]:  # without what only the other commands need
            import_without("rich", "structlog")  # which would draw tracebacks with it: we log none
            from bot.start import serve

            serve()
        else:
            from bot.cli import app

            gc.enable()
            app()


if __name__ == "__main__":
    main()
