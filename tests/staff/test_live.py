"""Open pages hear of news: over a real port, from another instance too, and no longer than they may."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from desk_browser import SIGN_IN, Office, open_office
from desk_people import PASSWORD, hire
from people import ADA, PATIENCE
from serving import served

from bot.core.library import Content
from bot.entrance import Entrance
from bot.staff.live import MAX_STREAMS_EACH
from bot.store import staff
from bot.store.database import Database


@pytest.fixture
async def office(database: Database, content: Content) -> Office:
    await hire(database, "Bea")
    return open_office(database, content, public_url="")


@asynccontextmanager
async def on_port(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on a real port, in which Bea is signed in."""
    async with (
        served(Entrance(office.console.routes())) as address,
        httpx.AsyncClient(base_url=address, headers={"Origin": address}) as client,
    ):
        assert (await client.post(SIGN_IN, data={"name": "Bea", "password": PASSWORD})).status_code == 303
        try:
            yield client
        finally:
            office.console.close_streams()


async def hear(lines: AsyncIterator[str], unassigned: int) -> dict[str, int]:
    """What the stream tells once so many requests are unassigned."""
    async with asyncio.timeout(PATIENCE):
        async for line in lines:
            if line.startswith("data: ") and (news := json.loads(line.removeprefix("data: ")))["unassigned"] == unassigned:
                return dict(news)
    raise AssertionError("the stream has ended")


async def test_pages_hear_of_requests(office: Office, content: Content) -> None:
    """What another instance wrote is told, as numbers and nothing else."""
    other = open_office(office.database, content)
    async with on_port(office) as browser, browser.stream("GET", "/staff/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        request = await other.request(ADA)
        assert (await hear(lines, 1)).keys() == {"latest", "unassigned", "due"}
        async with other.browser("Bea") as elsewhere:
            await elsewhere.post(f"/staff/requests/{request.reference}/claim")
        await hear(lines, 0)


async def test_streams_end_with_the_session(office: Office) -> None:
    """Who is disabled hears nothing more, without having done anything."""
    async with on_port(office) as browser, browser.stream("GET", "/staff/events") as answer:
        async with office.database.write() as connection:
            await staff.disable(connection, 1, office.clock.now)
        async with asyncio.timeout(PATIENCE):
            async for _ in answer.aiter_lines():
                pass


async def test_streams_end_with_the_server(office: Office) -> None:
    """A stop does not wait for pages that listen, and opens no further stream."""
    async with on_port(office) as browser, browser.stream("GET", "/staff/events") as answer:
        office.console.close_streams()
        async with asyncio.timeout(PATIENCE):
            async for _ in answer.aiter_lines():
                pass
        assert (await browser.get("/staff/events")).status_code == 503


async def test_so_many_streams_and_no_more(office: Office) -> None:
    """A browser with many tabs keeps connections for its pages: one stream too many is told not to try again."""
    async with on_port(office) as browser, AsyncExitStack() as tabs, asyncio.timeout(PATIENCE):
        for _ in range(MAX_STREAMS_EACH):
            answer = await tabs.enter_async_context(browser.stream("GET", "/staff/events"))
            lines = answer.aiter_lines()
            assert await anext(lines) == "retry: 5000"
            tabs.push_async_callback(lines.aclose)  # type: ignore[attr-defined]
        assert (await browser.get("/staff/events")).status_code == 204
        assert (await browser.get("/staff/")).status_code == 200
