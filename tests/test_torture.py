"""A short storm over every channel; `make torture` makes longer ones."""

from random import SystemRandom

from torture.__main__ import storms
from torture.storm import CHANNELS
from torture.verdict import report, verdict


async def test_a_short_storm() -> None:
    """Killed six times among failing calls and repeated deliveries, the program loses nothing, does nothing twice, mixes nobody up."""
    seed = SystemRandom().randrange(10**6)
    outcomes = await storms(CHANNELS, kills=6, people=8, seed=seed)
    harm = [cases for outcome in outcomes for cases in verdict(outcome).values() if cases]
    assert not harm, "\n".join([f"seed {seed}", *report(outcomes)])
    assert sum(outcome.counts["kills"] for outcome in outcomes) == 6
    assert all(len(outcome.requests) > 8 for outcome in outcomes)
