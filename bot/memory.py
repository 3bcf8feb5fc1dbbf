"""What keeps the program small. Only glibc lets itself be told how to take and give back memory: elsewhere nothing of that happens."""

import ctypes
import sys
from contextlib import suppress
from importlib import import_module

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # malloc.h
_BIG = 1 << 18  # bytes from which a block is the system's again as soon as it is free


def spare() -> None:
    """Before there are threads: all of them share one heap. Only one runs at a time, and what each had freed was free for it alone."""
    with suppress(OSError, AttributeError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_ARENA_MAX, 1)
        libc.mallopt(_MMAP_THRESHOLD, _BIG)


def give_back() -> None:
    """After much was freed."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def import_without(needless: str, module: str) -> None:
    """Imports a module as if that other one, which takes megabytes, was not installed, unless it is there anyway."""
    if needless not in sys.modules:
        sys.modules[needless] = None  # type: ignore[assignment]
    try:
        import_module(module)
    finally:
        if sys.modules[needless] is None:
            del sys.modules[needless]
