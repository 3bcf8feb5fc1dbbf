"""What only one instance may do at a time, or once in a while: whoever holds the name until it runs out."""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.inserts import upsert
from bot.store.tables import leases


async def take(connection: AsyncConnection, name: str, holder: str, now: datetime, length: timedelta) -> bool:
    """Takes or renews the lease; False while somebody else holds it."""
    row = upsert(connection.dialect.name, leases).values(name=name, holder=holder, until=now + length)
    # One that ends far later than any taken now would comes from a clock that was wrong. Instances that ask at the same
    # moment read the clock a little apart, hence "far".
    free = or_(leases.c.holder == holder, leases.c.until <= now, leases.c.until > now + 2 * length)
    taken = row.on_conflict_do_update(
        index_elements=[leases.c.name], set_={"holder": row.excluded.holder, "until": row.excluded.until}, where=free
    )
    return await connection.scalar(taken.returning(leases.c.name)) is not None


async def give_back(connection: AsyncConnection, name: str, holder: str) -> None:
    await connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
