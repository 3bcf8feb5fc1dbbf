"""What staff must be reminded of, and when. Pure: the words are in `alerts.py`, who runs it is in `watch.py`.

A reminder is about a moment: the one by which somebody should have done something about the request. Each kind is sent once for
each such moment, so whoever plans anew (snoozes, tries again) is left alone until then.
"""

from datetime import datetime, timedelta
from typing import Literal

from bot.core.schedule import Hours
from bot.store.reminders import Open

Kind = Literal["unclaimed", "next", "idle", "escalation"]
IDLE = timedelta(hours=2)  # of office time that who has claimed a request may be late


def due(request: Open, now: datetime, hours: Hours) -> tuple[Kind, ...]:
    """The reminders about this request that should have been sent by now, the latest last.

    Outside opening hours there are none, but for a promise that would be broken before the office opens again.
    """
    if request.next_at > now or not (hours.is_open(now) or _pressing(request, now, hours)):
        return ()
    if request.state == "new":
        return ("unclaimed", "escalation") if hours.same_time_next_day(request.next_at) <= now else ("unclaimed",)
    if request.state == "claimed":
        return ("next", "idle") if hours.later(request.next_at, IDLE) <= now else ("next",)
    return ()


def _pressing(request: Open, now: datetime, hours: Hours) -> bool:
    return not request.attempted and request.due_at < hours.next_opening(now)
