"""How often somebody failed to sign in, by name and by where they came from, so that guessing gets slow.

It is in the database: another instance, or a restart, is no fresh start for somebody who guesses.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.inserts import upsert
from bot.store.staff_tables import sign_ins

FREE = 5  # failures before anybody has to wait
_SHORTEST, _LONGEST = timedelta(seconds=30), timedelta(minutes=15)
FORGOTTEN = timedelta(days=1)  # after the last failure


async def waits(connection: AsyncConnection, keys: Collection[str], now: datetime) -> timedelta:
    """How long one of these keys keeps the next attempt waiting; nothing when it may be made."""
    rows = await connection.execute(select(sign_ins).where(sign_ins.c.key.in_(keys), sign_ins.c.at > now - FORGOTTEN))
    left: list[timedelta] = [row.at + pause(row.failures) - now for row in rows]
    return max([timedelta(0), *left])


def pause(failures: int) -> timedelta:
    """How long to wait after so many failures."""
    if failures < FREE:
        return timedelta(0)
    return min(_SHORTEST * (1 << min(failures - FREE, 10)), _LONGEST)


async def failed(connection: AsyncConnection, keys: Collection[str], now: datetime) -> int:
    """Counts a failure; how many there are now of the key that has most."""
    row = upsert(connection.dialect.name, sign_ins)
    counted = row.on_conflict_do_update(
        index_elements=[sign_ins.c.key], set_={"failures": sign_ins.c.failures + 1, "at": row.excluded.at}
    ).returning(sign_ins.c.failures)
    # One after the other, in a fixed order: of two that fail at once neither waits for the other's second row.
    return max([await connection.scalar(counted.values(key=key, failures=1, at=now)) or 0 for key in sorted(keys)])


async def succeeded(connection: AsyncConnection, key: str) -> None:
    """Forgets the failures under this key."""
    await connection.execute(delete(sign_ins).where(sign_ins.c.key == key))


async def forget(connection: AsyncConnection, now: datetime) -> int:
    """Removes what counts no more."""
    return (await connection.execute(delete(sign_ins).where(sign_ins.c.at <= now - FORGOTTEN))).rowcount
