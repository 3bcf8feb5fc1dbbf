"""`python -m bot` is `oms-bot`."""

import gc
import signal
import sys
from importlib import import_module

# Until the server takes over: as the first process of a container we would otherwise not be stopped while starting.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

gc.disable()  # nothing that is made here is garbage, and looking for it again and again takes a tenth of the time

from bot.refusals import in_words  # noqa: E402 the imports take longest


def main() -> None:
    """Runs a command."""
    with in_words():
        if sys.argv[1:] == ["serve"]:  # without what only the other commands need
            _import_structlog()
            from bot.start import serve

            serve()
        else:
            from bot.cli import app

            gc.enable()
            app()


def _import_structlog() -> None:
    """Without rich, with which it would draw tracebacks: we log none, and it takes as much room as a language of the content."""
    sys.modules["rich"] = None  # type: ignore[assignment]
    import_module("structlog")
    del sys.modules["rich"]


if __name__ == "__main__":
    main()
