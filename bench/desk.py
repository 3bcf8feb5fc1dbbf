"""What a page of the desk's queue takes on the server, with many requests in the database. Runs in the project's environment.

.venv/bin/python -m bench.desk [REQUESTS]
"""

import asyncio
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import httpx

from bench.seed import ASKS, seed
from bot.config import Settings, sealer
from bot.content_rules import load
from bot.entrance import Entrance
from bot.shelf import Shelf
from bot.staff.accounts import Accounts
from bot.staff.console import Console
from bot.staff.desk import Desk
from bot.staff.passwords import generated
from bot.store.crypto import new_key
from bot.store.database import open_database

URL = "http://desk.test"
TIMES = 40
VIEWS = ("/staff/?view=all", "/staff/?view=due", "/staff/?view=mine", "/staff/?view=closed", "/staff/?view=all&language=en&page=20")


async def measure(requests: int) -> str:
    """Each view again and again, from the request as it comes in to the page as it goes out."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, database_url=f"sqlite+aiosqlite:///{folder}/desk.db", data_keys=new_key())  # type: ignore[call-arg, arg-type]
        await seed(settings, 1, requests * ASKS)
        database = await open_database(settings.database_url, sealer(settings))
        shelf = Shelf(load(settings.content_dir))
        password = generated()
        await Accounts(database).add("bench", "Bea", password, "admin", "en", datetime.now(UTC))
        console = Console(Desk(database, shelf), lambda letters: None, ("telegram",))
        transport = httpx.ASGITransport(Entrance(console.routes()))
        async with httpx.AsyncClient(transport=transport, base_url=URL, headers={"Origin": URL}) as browser:
            await browser.post("/staff/sign-in", data={"name": "Bea", "password": password})
            rows = [await _view(browser, path) for path in VIEWS]
        size = (settings.database_file or Path()).stat().st_size / 1e6
        await database.close()
    return f"{requests:,} requests, {size:.0f} MB\n" + "\n".join(rows)


async def _view(browser: httpx.AsyncClient, path: str) -> str:
    taken, answer = [], await browser.get(path)
    assert answer.status_code == 200
    for _ in range(TIMES):
        began = time.perf_counter()
        await browser.get(path)
        taken.append((time.perf_counter() - began) * 1000)
    worst = quantiles(taken, n=20)[-1]
    return f"{path:40} {median(taken):6.1f} ms median, {worst:6.1f} ms p95, {len(answer.content) / 1000:.0f} kB"


if __name__ == "__main__":
    print(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))
