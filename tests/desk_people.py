"""Made-up staff with accounts, and hashing that is quick and counted."""

from typing import Literal

from argon2 import PasswordHasher, extract_parameters
from people import NOW

from bot.staff.accounts import Accounts
from bot.staff.passwords import Passwords
from bot.store.database import Database
from bot.store.staff import Member

PASSWORD = "four wild horses"


class Counting(PasswordHasher):
    """Cheap, and it counts how often it had to hash: what is no hash is refused without work."""

    def __init__(self, memory_cost: int = 8) -> None:
        super().__init__(time_cost=1, memory_cost=memory_cost, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 the library's name
        extract_parameters(str(hash))  # raises InvalidHashError
        self.verified += 1
        return super().verify(hash, password)


async def hire(database: Database, name: str, *, role: str = "staff", password: str = PASSWORD) -> Member:
    return await Accounts(database, Passwords(Counting())).add("test", name, password, role, "en", NOW)
