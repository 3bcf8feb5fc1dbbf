"""When to act next, as staff choose it with one tap or to the minute."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from bot.core.schedule import Hours, zone_of

SOON = timedelta(hours=2)
MORNING = time(9)
CHOICES = ("usual", "soon", "morning", "opening", "exact")


class Unclear(Exception):
    """No moment can be read from what was given."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The moments behind the choices, for a reader in `zone`."""

    hours: Hours
    zone: str
    now: datetime

    @property
    def moments(self) -> dict[str, datetime]:
        """The quick choices."""
        local = self.now.astimezone(zone_of(self.zone))
        morning = datetime.combine(local.date() + timedelta(days=1), MORNING, zone_of(self.zone)).astimezone(UTC)
        return {
            "usual": self.hours.due(self.now),
            "soon": self.now + SOON,
            "morning": morning,
            "opening": self.hours.next_opening(self.now),
        }

    def moment(self, choice: str, exact: str) -> datetime | None:
        """What was chosen; None leaves it to the house's rule. Raises Unclear."""
        if choice in ("", "usual"):
            return None
        if choice != "exact":
            return self.moments.get(choice)
        try:
            typed = datetime.fromisoformat(exact[:30])
            return (typed if typed.tzinfo else typed.replace(tzinfo=zone_of(self.zone))).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Unclear from None
