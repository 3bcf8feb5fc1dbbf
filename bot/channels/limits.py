"""How much somebody may ask of us, or we of somebody, in memory: a bucket of tokens each, refilled steadily."""

import time
from collections import OrderedDict
from collections.abc import Callable

_MAX_SENDERS = 50_000  # remembered; the one heard from longest ago goes first


class RateLimit:
    """`burst` events at once, and one more every `every` seconds."""

    def __init__(self, burst: int, every: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._every = every
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when the sender's bucket is full again

    def wait(self, sender: str) -> float:
        """Seconds until the sender may come again; 0 lets this event through."""
        return self._take(sender, even_if_late=False)

    def reserve(self, sender: str) -> float:
        """Seconds to wait until it is this event's turn, which is kept for it."""
        return self._take(sender, even_if_late=True)

    def _take(self, sender: str, *, even_if_late: bool) -> float:
        now = self._clock()
        full_at = max(self._full_at.pop(sender, now), now)
        over = full_at + self._every - now - self._burst * self._every
        self._full_at[sender] = full_at + self._every if even_if_late or over <= 0 else full_at
        self._forget(now)
        return max(over, 0.0)

    def _forget(self, now: float) -> None:
        """Lets go of who was heard from longest ago, when their bucket is full again or there are too many; two for each who comes."""
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now and len(self._full_at) <= _MAX_SENDERS:
                return
            del self._full_at[oldest]
            if not self._full_at:
                return
