"""What goes wrong by chance: faults of a platform's API, and the moment of the next kill."""

from collections import Counter
from collections.abc import Callable
from random import Random

BAD = 0.10  # of all calls go wrong
SLOW = 0.10  # are answered late, so that a kill finds them on their way
LATE = 0.3  # seconds at most; longer than what was delivered waits to be written down
KINDS = ("error 500", "gateway 502", "too fast 429", "dropped before", "dropped after")


class Weather:
    """The same seed makes the same choices; when they are asked for is up to the machine."""

    def __init__(self, random: Random) -> None:
        self.counts: Counter[str] = Counter()
        self.calm = False
        self._random = random
        self._left = 0
        self._strike: Callable[[], object] = lambda: None

    def fault(self) -> str:
        """What happens to this call: one of KINDS, "slow", or "" for nothing."""
        self.moment()
        self.counts["API calls"] += 1
        drawn = self._random.random()
        if self.calm or drawn > BAD + SLOW:
            return ""
        kind = self._random.choice(KINDS) if drawn < BAD else "slow"
        self.counts[kind] += 1
        return kind

    def delay(self) -> float:
        return self._random.uniform(0.01, LATE)

    def strike_after(self, moments: int, strike: Callable[[], object]) -> None:
        """Calls `strike` at that moment from now, in the middle of whatever happens then."""
        self._left, self._strike = moments, strike

    def moment(self) -> None:
        """Something begins: a call of the program, or a delivery to it."""
        self._left -= 1
        if self._left == 0:
            self._strike()
