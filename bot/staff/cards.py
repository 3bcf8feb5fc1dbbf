"""The cards in the staff's group, as the channel that sends them asks for them."""

from datetime import UTC, datetime

from bot.core.model import Posted, Reply
from bot.staff.alerts import Alerts
from bot.store import cards, requests
from bot.store.database import uninterrupted


class Cards:
    """What every card should say now, and what was made of it."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts
        self._database = alerts.database

    async def now(self, reference: str) -> Posted | None:
        """The card of a request as it should be; None when the request is erased."""
        return await uninterrupted(self._now(reference))

    async def _now(self, reference: str) -> Posted | None:
        async with self._database.read() as connection:
            request = await requests.find(connection, self._database.sealer, reference)
            if request is None:
                return None
            placed = await cards.of_request(connection, request.id)
        reply = self._alerts.card(request)
        return Posted(request.id, reply, placed.message, placed.shown) if placed else Posted(request.id, reply)

    def blank(self, reference: str) -> Reply:
        """What it says when its request is no more."""
        return self._alerts.blank(reference)

    async def begin(self, request: int) -> bool:
        """Whether the card may be sent for the first time."""
        return await uninterrupted(self._begin(request))

    async def _begin(self, request: int) -> bool:
        async with self._database.write() as connection:
            return await cards.begin(connection, request, datetime.now(UTC), alone=not self._database.shared)

    async def abandon(self, request: int) -> None:
        """It could not be sent."""
        await uninterrupted(self._abandon(request))

    async def _abandon(self, request: int) -> None:
        async with self._database.write() as connection:
            await cards.abandon(connection, request)

    async def keep(self, request: int, message: str, shown: str) -> None:
        """It is this message, and says this."""
        await uninterrupted(self._keep(request, message, shown))

    async def _keep(self, request: int, message: str, shown: str) -> None:
        async with self._database.write() as connection:
            await cards.keep(connection, request, message, shown, datetime.now(UTC))
