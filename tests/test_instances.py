"""Several instances on one PostgreSQL: one polls, jobs run once, and what a dead one has left undone another does."""

import asyncio
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from bot_api import BotApi
from bot_api import Person as Chatting
from people import ADA, BOB, NOW, PATIENCE
from post import Post, sending, stored, write
from program import Program, Served
from sqlalchemy import select

from bot import upkeep
from bot.app import App
from bot.channels.base import NotSent
from bot.config import Settings
from bot.core.library import Content
from bot.shelf import Shelf
from bot.sole import Sole
from bot.store import leases
from bot.store.database import Database
from bot.store.tables import job_runs

on_postgresql = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
SHORT, SECOND = timedelta(milliseconds=400), timedelta(seconds=1)
SECRET = "a-secret-of-telegram"
SENT = "has reached us"
STEPS = (("/start", "Choose a topic"), ("Request a callback", "Do you agree?"), ("I agree", "Which number"))


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_lease_has_one_holder(database: Database) -> None:
    """A lease is refused to others until it runs out or is given back, can be renewed, and one from a wrong clock does not last."""

    async def take(holder: str, at: datetime = NOW, name: str = "poll") -> bool:
        async with database.write() as connection:
            return await leases.take(connection, name, holder, at, SECOND)

    assert [await take("one"), await take("two"), await take("one"), await take("two", name="other")] == [True, False, True, True]
    assert [await take("two", NOW + SECOND), await take("one", NOW + SECOND)] == [True, False]
    async with database.write() as connection:
        await leases.give_back(connection, "poll", "one")
        assert not await leases.take(connection, "poll", "one", NOW + SECOND, SECOND)
        await leases.give_back(connection, "poll", "two")
        assert await leases.take(connection, "poll", "one", NOW + SECOND, SECOND)
    assert await take("two", NOW - timedelta(days=900))


async def test_the_next_one_takes_its_turn(database: Database) -> None:
    """Who waits has its turn when the one before stops, or dies without a word."""
    async with database.write() as connection:
        await leases.take(connection, "poll", "dead", now(), SHORT)
    one, two = Sole(database, "poll", "one", SHORT), Sole(database, "poll", "two", SHORT)
    first = asyncio.create_task(one.run())
    async with asyncio.timeout(PATIENCE):
        await one.turn()
        second = asyncio.create_task(two.run())
        waiting = asyncio.create_task(two.turn())
        await asyncio.wait([waiting], timeout=2 * SHORT.total_seconds())
        assert not waiting.done()
        first.cancel()
        await waiting
    second.cancel()
    await asyncio.wait([first, second])


async def test_what_a_dead_instance_left_is_sent(database: Database) -> None:
    """A running instance sends the letters of one that died, in order, once its lease has run out."""
    post = Post()
    await write(database, ADA, "one", "two", owner="dead", at=now() - timedelta(minutes=1, seconds=59))
    await write(database, BOB, "leased", owner="other", at=now())
    async with sending(database, post, clock=now, lease=SHORT) as out:
        sharing = asyncio.create_task(out.share())
        async with asyncio.timeout(PATIENCE):
            while post.words(ADA) != ["one", "two"] or len(await stored(database)) > 1:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        sharing.cancel()
    assert post.words(BOB) == []


async def test_who_tries_for_long_keeps_its_letter(database: Database) -> None:
    """A letter in a pause longer than the lease stays with its instance: nobody else sends it, and it goes out once."""
    first, second = Post(), Post()
    first.faults[ADA.address].append(NotSent("slow down", retry_after=5 * SHORT.total_seconds()))
    async with sending(database, first, "first", now, lease=SHORT) as one, sending(database, second, "second", now, lease=SHORT) as two:
        tasks = [asyncio.create_task(out.share()) for out in (one, two)]
        one.deliver(await write(database, ADA, "hello", owner="first", at=now() - timedelta(minutes=2) + SHORT))
        async with asyncio.timeout(PATIENCE):
            await one.drained()
        for task in tasks:
            task.cancel()
    assert (first.words(ADA), second.tries) == (["hello"], [])


async def test_a_letter_taken_over_is_let_go(database: Database) -> None:
    """An instance that was cut off while others took its letter over does not send it as well."""
    first, second = Post(), Post()
    first.faults[ADA.address].append(NotSent("slow down", retry_after=0.3))
    async with sending(database, first, "first", now) as one, sending(database, second, "second", now) as two:
        one.deliver(await write(database, ADA, "hello", owner="first", at=now() - timedelta(minutes=3)))
        assert await two.adopt(alone=False) == 1
        await two.drained()
        await one.drained()
    assert (first.words(ADA), second.words(ADA)) == ([], ["hello"])


@on_postgresql
async def test_jobs_run_once(database: Database, content: Content) -> None:
    """Of three instances that want to do the upkeep at the same time one does, each job once."""
    tasks = [asyncio.create_task(upkeep.run(database, Shelf(content), holder)) for holder in ("one", "two", "three")]
    names = sorted(upkeep.jobs(database.sealer, content.structure, NOW))

    async def runs() -> list[str]:
        async with database.read() as connection:
            return sorted(await connection.scalars(select(job_runs.c.job)))

    async with asyncio.timeout(PATIENCE):
        while len(await runs()) < len(names):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert await runs() == names


async def test_who_asks_at_the_same_moment_gets_it_once(database: Database) -> None:
    """Clocks that are read a little apart do not make a lease that was just taken look like one of a wrong clock."""
    for later in (timedelta(), SECOND):
        async with database.write() as connection:
            name = f"job {later}"
            assert await leases.take(connection, name, "one", NOW + later, timedelta(hours=1))
            assert not await leases.take(connection, name, "two", NOW, timedelta(hours=1))
    async with database.write() as connection:  # one from next year is nobody's
        assert await leases.take(connection, "odd", "one", NOW + timedelta(days=365), timedelta(hours=1))
        assert await leases.take(connection, "odd", "two", NOW, timedelta(hours=1))


@on_postgresql
async def test_one_polls_and_another_takes_over(url: str, key: str, content: Content) -> None:
    """Of two instances one polls Telegram, nothing is wrong with the other, and it answers as soon as the first has stopped."""
    async with BotApi() as api:
        more: dict[str, Any] = {"telegram_token": api.token, "telegram_api_url": api.url}
        options = Settings(_env_file=None, database_url=url, data_keys=key, **more)  # type: ignore[arg-type, call-arg]
        maria = api.person(4711, "Maria")
        async with App.running(options, content=content, lease=8 * SECOND) as two:
            async with App.running(options, content=content, lease=8 * SECOND):
                await maria.say("/start")
                await maria.wait_for("Choose a topic")
                await api.until(lambda: api.polls >= 1, "a poll")
                assert [channel.trouble() for channel in two.channels.values()] == [""] * len(two.channels)
            seen = len(maria.received)
            await maria.say("sleep")
            async with asyncio.timeout(PATIENCE):
                while len(maria.received) == seen:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert api.polls < 20


class Farm:
    """Instances behind a balancer that asks the next one when one does not answer."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._stack = ExitStack()
        self.running: dict[int, Served | None] = {}

    def kill(self, number: int) -> None:
        running, self.running[number] = self.running[number], None
        assert running is not None
        running.kill()

    async def start(self, number: int) -> None:
        self.running[number] = await asyncio.to_thread(self._stack.enter_context, self._program.serving())

    def close(self) -> None:
        self._stack.close()

    async def deliver(self, client: httpx.AsyncClient, update: dict[str, Any]) -> None:
        """As Telegram does it: again and again until somebody has said 200, each time perhaps to another instance."""
        turn = int(update["update_id"])
        while True:
            turn += 1
            if running := self.running[turn % len(self.running)]:
                with suppress(httpx.TransportError):
                    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
                    answer = await client.post(f"{running.address}/telegram/webhook", json=update, headers=headers)
                    if answer.status_code == 200:
                        return
            await asyncio.sleep(0.02)


async def test_three_instances_killed_one_by_one(tmp_path: Path, postgresql_url: str) -> None:
    """While people ask for calls the three instances are killed and started one by one: one request each, every answer comes."""
    people = 16
    webhook = {"TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_SECRET": SECRET, "PUBLIC_URL": "https://bot.example.org"}
    async with BotApi() as api, httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        telegram = {"TELEGRAM_TOKEN": api.token, "TELEGRAM_API_URL": api.url, "TELEGRAM_RATE": "1000", "TELEGRAM_CHAT_RATE": "1000"}
        settings = {"DATABASE_URL": postgresql_url} | telegram | webhook
        program = Program(tmp_path, settings=settings, serve=(str(Path(__file__).with_name("instance.py")), "2"))
        await client.post(
            f"{api.url}/bot{api.token}/setWebhook", json={"url": "https://bot.example.org/telegram/webhook", "secret_token": SECRET}
        )
        farm = Farm(program)
        await asyncio.gather(*map(farm.start, range(3)))
        asked = 0

        async def ask(number: int) -> None:
            nonlocal asked
            person: Chatting = api.person(5000 + number, f"Person {number}")
            for step, words in (*STEPS, (f"+44 20 7946 00{number:02}", "Is this right?"), ("Send", SENT)):
                seen = len(person.received)
                await farm.deliver(client, await person.say(step))
                while not any(words in message.text for message in person.received[seen:]):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                asked += 1

        everybody = asyncio.gather(*map(ask, range(people)))
        try:
            async with asyncio.timeout(4 * PATIENCE):
                for number in range(3):
                    while asked < people * (number + 1):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                    farm.kill(number)
                    await farm.start(number)
                await everybody
        finally:
            everybody.cancel()
            await asyncio.to_thread(farm.close)
    rows = await asyncio.to_thread(program.queue)
    assert sorted(row.answers["phone"] for row in rows) == [f"+442079460{number:03}" for number in range(people)]
    assert {row.state for row in rows} == {"new"}
