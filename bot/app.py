"""The composition root: builds everything, connects it, serves it. Nothing imports this but the command line."""

import asyncio
import hmac
import secrets
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot import memory, metrics, upkeep
from bot.apart import Apart, OtherProgram
from bot.channels.base import alone
from bot.config import Settings, sealer
from bot.content_problems import ContentError
from bot.core.library import Content
from bot.core.model import Errand, Inbound, Receipt
from bot.entrance import Entrance
from bot.logs import place
from bot.outbox import Outbox
from bot.parts import CHANNELS, HELD, WINDOWS, Parts, alerts_of
from bot.shelf import Shelf
from bot.sole import Sole
from bot.staff.console import Console
from bot.staff.desk import Desk
from bot.staff.group import Group
from bot.staff.watch import Watch
from bot.store.backup import folder_beside
from bot.store.database import Database, open_database
from bot.store.outbox import LEASE
from bot.turnstile import Turnstile

FIRST_MISTAKES = 5  # of a refused content that are logged; `oms-bot check` shows them all
DRAIN = 2.0  # seconds the outbox gets to finish at a stop; what is left goes out at the next start

log = structlog.get_logger()


def nightly(settings: Settings) -> upkeep.Backups | None:
    """The backups the program makes by itself; PostgreSQL has means of its own."""
    file = settings.database_file
    return upkeep.Backups(file, folder_beside(file), settings.backups) if file and settings.backups else None


class App:
    """The running program: `async with App.running(settings)`, then `web` is what to serve."""

    def __init__(self, settings: Settings, content: Content, database: Database, lease: timedelta = LEASE) -> None:
        self.settings = settings
        self.shelf = Shelf(content)
        self.database = database
        self.died: asyncio.Future[str] = asyncio.get_running_loop().create_future()  # the part that ended by itself
        self.owner = secrets.token_hex(8)
        self._poller = Sole(database, "poll", self.owner, lease / 8)
        alerts = alerts_of(settings, database, self.shelf)
        poll = self._poller.turn if database.shared else alone
        parts = Parts(settings, self.shelf, database, self._submit, self._report, poll, self._errand, alerts)
        built = ((name, build(parts)) for name, build in CHANNELS.items())
        self.channels = {name: channel for name, channel in built if channel is not None}
        self.desk = Desk(database, self.shelf, self.owner, HELD, WINDOWS, lease, alerts)
        self.outbox = Outbox(database, self.channels, self.owner, lease=lease)
        self.turnstile = Turnstile(
            database,
            self.shelf,
            self.outbox.deliver,
            owner=self.owner,
            held=HELD,
            lease=lease,
            unsent=self.outbox.unsent,
            noting=None if database.shared else self.outbox.noting,  # where transactions run side by side it would only hold up others
            alerts=alerts,
        )
        self.group = Group(self.desk, self.outbox.deliver)
        self.watch = Watch(self.desk, self.outbox.deliver)
        routes: list[BaseRoute] = [route for channel in self.channels.values() for route in channel.routes()]
        self.console = Console(self.desk, self.outbox.deliver, tuple(self.channels), settings.public_url)
        routes += self.console.routes()
        routes += [
            Route("/health/live", _live),
            Route("/health/ready", self._ready),
            Route("/metrics", self._metrics),
        ]
        self.web = Entrance(routes)

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        settings: Settings,
        *,
        serving: bool = True,
        content: Content | None = None,
        reading: Apart | None = None,
        lease: timedelta = LEASE,
    ) -> AsyncIterator["App"]:
        """Opens, starts, and at the end stops everything. Raises WrongSettings, ContentError, WrongKey.

        `content` spares reading it again, `reading` waiting for all of it. `serving`: receives from the platforms, sends what was left
        unsent, and does the upkeep. `lease`: after so long others take over what a dead instance was doing, where there can be others.
        """
        async with AsyncExitStack() as stack:
            apart = stack.enter_context(reading or Apart(settings.content_dir))  # what waits for it, in a thread, ends first
            if not reading:  # it is read here, and what is refused changes nothing
                content = content or apart.content()
            database = await open_database(settings.database_url, sealer(settings))
            stack.push_async_callback(database.close)
            content = content or apart.content()
            app = cls(settings, content, database, lease)
            for channel in app.channels.values():  # closed after the outbox has stopped using them
                stack.push_async_callback(channel.close)
            app._start(stack, "outbox", app.outbox.run())
            app._start(stack, "turnstile", app.turnstile.run())
            stack.push_async_callback(app._drain)
            if serving:
                await app.outbox.adopt(alone=not database.shared)
                app._start(stack, "sharing", app.outbox.share())
                if database.shared:
                    app._start(stack, "poller", app._poller.run())
                app._start(stack, "upkeep", upkeep.run(database, app.shelf, app.owner, nightly(settings)))
                app._start(stack, "watch", app.watch.run())
                for name, channel in app.channels.items():
                    app._start(stack, name, channel.run())
            app._start(stack, "learning", _learn(content, apart))  # last, so that nothing waits for it
            yield app

    async def _submit(self, inbound: Inbound) -> None:
        await self.turnstile.submit(inbound)

    async def _errand(self, errand: Errand) -> str:
        return await self.group.handle(errand)

    async def _report(self, receipts: Sequence[Receipt]) -> None:
        await self.outbox.report(receipts)

    def _start(self, stack: AsyncExitStack, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Runs a part in the background until the stack unwinds. A part that breaks is said, not lived with."""

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) and not self.died.done():
                log.critical("part_died", part=name, error=place(error))
                self.died.set_result(name)

        task = asyncio.create_task(work)
        task.add_done_callback(ended)
        stack.push_async_callback(_stop, task)

    async def reread(self) -> bool:
        """Reads the content folder anew; it counts from the next event on. One with a mistake is refused as a whole, and said."""
        with Apart.spawned(self.settings.content_dir) as reading:
            try:
                content = await asyncio.to_thread(reading.content)
            except ContentError as refused:
                first = [str(problem) for problem in refused.problems[:FIRST_MISTAKES]]
                log.error("content_refused", errors=len(refused.problems), first=first, advice="the old content stays: run `oms-bot check`")
                return False
            except OtherProgram:
                log.error("content_refused", error="the program was updated", advice="the old content stays: start the program again")
                return False
            except Exception as error:  # the folder cannot be read, or only half of it is there
                log.error("content_refused", error=place(error), advice="the old content stays: run `oms-bot check`")
                return False
            self.shelf.content = content
            log.info("content_read", languages=list(content.languages))
            await _learn(content, reading)
        return True

    def close_streams(self) -> None:
        """Ends what would keep a web server from stopping."""
        for channel in self.channels.values():
            channel.close_streams()
        self.console.close_streams()

    async def _drain(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.outbox.drained(), DRAIN)

    async def _ready(self, request: Request) -> Response:
        if trouble := await self.database.health.trouble():
            log.error("not_ready", database=trouble)
            return JSONResponse({"ready": False, "database": trouble}, status_code=503)
        troubles = {name: said for name, channel in self.channels.items() if (said := channel.trouble())}
        answer = {"ready": not troubles, "channels": sorted(self.channels), "troubles": troubles}
        return JSONResponse(answer, status_code=503 if troubles else 200)

    async def _metrics(self, request: Request) -> Response:
        """For this machine, and for whoever brings the token."""
        token = self.settings.metrics_token.get_secret_value()
        brought = request.headers.get("authorization", "").removeprefix("Bearer ")
        known = token != "" and hmac.compare_digest(brought.encode(), token.encode())
        if not known and (request.client is None or request.client.host not in ("127.0.0.1", "::1")):
            raise HTTPException(404)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


async def _learn(content: Content, reading: Apart) -> None:
    """Beside the event loop, which goes on serving people. A stop of the program does not wait for it."""
    with reading:
        learnt = await asyncio.to_thread(reading.learnt)
    if learnt:
        content.adopt(learnt)
        del learnt
        memory.give_back()
    else:
        threading.Thread(target=content.learn, daemon=True).start()


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def _live(request: Request) -> Response:
    return JSONResponse({"alive": True, "time": int(time.time())})
