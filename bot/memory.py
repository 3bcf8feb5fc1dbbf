"""How memory is taken from the system and given back. Only glibc lets itself be told; elsewhere nothing of this happens."""

import ctypes
from contextlib import suppress

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
