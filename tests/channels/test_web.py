"""The web chat's API, over a real port: what a hostile or unlucky client can do, and what it gets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from serving import queued, served, settings
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from bot.app import App
from bot.channels.base import Unavailable
from bot.channels.shape import Hook
from bot.channels.web import MAX_BODY, MAX_STREAMS_EACH, Web
from bot.core.library import Content
from bot.core.model import Inbound
from bot.entrance import Entrance
from bot.shelf import Shelf


@pytest.fixture
async def app(content: Content, tmp_path: Path, key: str) -> AsyncIterator[App]:
    async with App.running(settings(tmp_path, key), content=content) as running:
        yield running


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with served(app.web) as address, httpx.AsyncClient(base_url=address) as connected:
        yield connected
        app.close_streams()


class Visitor:
    """Someone with the chat page open."""

    def __init__(self, client: httpx.AsyncClient, session: dict[str, Any]) -> None:
        self.client = client
        self.seen: list[dict[str, Any]] = session["messages"]
        self.headers = {"Authorization": f"Bearer {session['token']}"}

    @classmethod
    async def arrives(cls, client: httpx.AsyncClient, timezone: str = "Europe/Madrid") -> "Visitor":
        answer = await client.post("/chat/api/session", json={"language": "en-GB", "timezone": timezone})
        assert answer.status_code == 201
        return cls(client, answer.json())

    async def send(self, **event: Any) -> httpx.Response:
        event = {"id": str(uuid4()), "after": self.seen[-1]["id"], **event}
        answer = await self.client.post("/chat/api/events", json=event, headers=self.headers)
        if answer.status_code == 200:
            self.seen += answer.json()["messages"]
        return answer

    async def press(self, button: str) -> str:
        await self.send(type="press", button=button)
        return self.html

    async def say(self, text: str) -> str:
        await self.send(type="text", text=text)
        return self.html

    @property
    def html(self) -> str:
        return str(self.seen[-1]["html"])

    def button(self, label: str) -> str:
        return next(str(b["id"]) for b in self.seen[-1]["choices"] + self.seen[-1]["navigation"] if b["label"] == label)


async def test_a_request_needs_nothing_typed_but_a_number(app: App, client: httpx.AsyncClient) -> None:
    """From the first visit to the queue by presses, and one typed number."""
    visitor = await Visitor.arrives(client)
    for label in ("Symptoms", "Eye movements", "Back", "Main menu", "Free consultation", "Request a callback", "I agree"):
        await visitor.press(visitor.button(label))
    assert visitor.seen[-1]["expects"] == "phone"
    assert "612 34 56 78" in await visitor.say("612 345 678")
    assert "has reached us" in await visitor.press(visitor.button("Send"))
    [request] = await queued(app)
    assert request.answers["phone"] == "+34612345678"  # the browser's time zone told the country
    assert request.answers["zone"] == "Europe/Madrid"
    assert request.reference in visitor.html


async def test_a_reload_shows_the_conversation(client: httpx.AsyncClient) -> None:
    """The messages are kept, and each press is repeated in them as `echo`."""
    visitor = await Visitor.arrives(client)
    await visitor.press("page:symptoms")
    answer = await client.get("/chat/api/messages?after=", headers=visitor.headers)
    assert [message["echo"] for message in answer.json()["messages"]] == ["", "Symptoms"]
    assert answer.headers["cache-control"] == "no-store"


async def test_a_repeated_event_is_handled_once(app: App, client: httpx.AsyncClient) -> None:
    """The same event id, sent again because the answer was lost, changes nothing and returns what was missed."""
    visitor = await Visitor.arrives(client)
    event = {"id": str(uuid4()), "type": "press", "button": "page:symptoms", "after": visitor.seen[-1]["id"]}
    first, second = [await client.post("/chat/api/events", json=event, headers=visitor.headers) for _ in range(2)]
    assert first.json() == second.json()
    everything = await client.get("/chat/api/messages", headers=visitor.headers)
    assert len(everything.json()["messages"]) == 2


async def test_one_visitors_event_ids_do_not_hide_anothers(client: httpx.AsyncClient) -> None:
    """Two people whose browsers made the same event id are both answered."""
    event = {"id": str(uuid4()), "type": "press", "button": "page:symptoms"}
    for visitor in [await Visitor.arrives(client), await Visitor.arrives(client)]:
        answer = await client.post("/chat/api/events", json=event, headers=visitor.headers)
        assert len(answer.json()["messages"]) == 1


async def test_the_stream_brings_what_comes_later(client: httpx.AsyncClient) -> None:
    """A message caused elsewhere (another tab) arrives on the open stream."""
    visitor = await Visitor.arrives(client)
    async with client.stream("GET", f"/chat/api/stream?after={visitor.seen[-1]['id']}", headers=visitor.headers) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == ": welcome"
        await visitor.press("page:symptoms")
        async with asyncio.timeout(5):
            data = [line async for line in _until_data(lines)][-1]
    assert json.loads(data.removeprefix("data: "))["html"] == visitor.html


async def _until_data(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith("data:"):
            return


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", "Bearer x.y", "Basic eA==", "Bearer é.ü"])
async def test_a_forged_token_opens_nothing(client: httpx.AsyncClient, token: str) -> None:
    """Without a token the server has signed there is neither reading nor writing."""
    headers = {b"Authorization": token.encode()}
    for answer in (
        await client.get("/chat/api/messages", headers=headers),
        await client.get("/chat/api/stream", headers=headers),
        await client.post("/chat/api/events", headers=headers, json={"id": str(uuid4()), "type": "start"}),
    ):
        assert answer.status_code == 401


async def test_a_token_reads_only_its_own_conversation(client: httpx.AsyncClient) -> None:
    """Changing the address inside a token breaks its signature."""
    visitor = await Visitor.arrives(client)
    claims, _, mac = visitor.headers["Authorization"].removeprefix("Bearer ").partition(".")
    other = claims[:-8] + ("A" if claims[-8] != "A" else "B") + claims[-7:]
    answer = await client.get("/chat/api/messages", headers={"Authorization": f"Bearer {other}.{mac}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"not json", 422),
        (b"[]", 422),
        (b'{"id": "no uuid!", "type": "start"}', 422),
        (b'{"id": "12345678-1234", "type": "shout"}', 422),
        (b'{"id": "12345678-1234", "type": "text", "text": 7}', 422),
        (b'{"id": "12345678-1234", "type": "text", "text": "' + b"x" * 1001 + b'"}', 422),
        (b'{"id": "12345678-1234", "type": "text", "text": "\xff"}', 422),
        (b'{"id": "12345678-1234", "type": "text", "text": "' + b"x" * MAX_BODY + b'"}', 413),
        (b"[" * 5000, 422),
    ],
)
async def test_odd_bodies_are_refused(client: httpx.AsyncClient, body: bytes, status: int) -> None:
    """What is no event of ours is refused, whatever its shape, and nothing breaks."""
    visitor = await Visitor.arrives(client)
    answer = await client.post("/chat/api/events", content=body, headers=visitor.headers)
    assert answer.status_code == status
    assert answer.json() == {"error": status}


async def test_too_many_events_are_slowed_down(client: httpx.AsyncClient) -> None:
    """A flood is answered with 429 and a time to wait; others are not touched."""
    visitor, neighbour = await Visitor.arrives(client), await Visitor.arrives(client)
    answers = [await visitor.send(type="press", button="home") for _ in range(40)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1
    assert (await neighbour.send(type="press", button="home")).status_code == 200


async def test_what_is_typed_is_never_taken_for_html(client: httpx.AsyncClient) -> None:
    """A name full of markup comes back as text."""
    visitor = await Visitor.arrives(client)
    for button in ("callback", "consent:yes:2026-11b"):
        await visitor.press(button)
    await visitor.say("+34 612 345 678")
    await visitor.press("ask:name")
    html = await visitor.say('<img src=x onerror="alert(1)"> *bold* {phone}')
    assert "<img" not in html
    assert "&lt;img" in html
    assert "{phone}" in html


async def test_the_page_allows_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    """The page's policy forbids foreign and inline code, and the page keeps to it."""
    answer = await client.get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "<script>" not in answer.text
    assert " style=" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text


async def test_when_nothing_can_be_stored_the_client_is_asked_to_come_again(content: Content) -> None:
    """An event the turnstile did not take is answered with 503, never as if it had been handled."""

    async def refuse(inbound: Inbound) -> None:
        raise Unavailable(7)

    async def nothing(chat: str, after: int) -> list[Any]:
        return []

    web = Web(Shelf(content), refuse, nothing, str, b"secret")
    transport = httpx.ASGITransport(Starlette(routes=list(web.routes())))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post("/chat/api/session", json={})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


async def test_health_and_metrics_name_nobody(app: App, client: httpx.AsyncClient) -> None:
    """Health answers, and the metrics hold numbers only."""
    visitor = await Visitor.arrives(client)
    await visitor.say("Maria Musterfrau +34 612 345 678")
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/health/ready")).json()["ready"] is True
    metrics = (await client.get("/metrics")).text
    assert 'omsbot_events_total{channel="web",outcome="handled"}' in metrics
    assert "Maria" not in metrics
    assert "612345678" not in metrics.replace(" ", "")


async def test_metrics_are_for_this_machine_or_by_token(content: Content, tmp_path: Path, key: str) -> None:
    """From elsewhere `/metrics` is not there, unless the token is brought; no token set lets nobody in."""
    for token, brought, status in (("", "", 404), ("", "Bearer ", 404), ("a-token", "Bearer b", 404), ("a-token", "Bearer a-token", 200)):
        async with App.running(settings(tmp_path, key, metrics_token=token), content=content, serving=False) as app:
            elsewhere = httpx.ASGITransport(app.web, client=("203.0.113.9", 4711))
            async with httpx.AsyncClient(transport=elsewhere, base_url="http://test", headers={"Authorization": brought}) as client:
                assert (await client.get("/metrics")).status_code == status


async def test_one_conversation_holds_few_streams(app: App, client: httpx.AsyncClient) -> None:
    """More open streams than anybody has tabs are refused, so that one visitor cannot take them all."""
    visitor = await Visitor.arrives(client)
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(client.stream("GET", "/chat/api/stream", headers=visitor.headers))
            for _ in range(MAX_STREAMS_EACH)
        ]
        lines = [stream.aiter_lines() for stream in opened]  # a reader that is let go of closes its stream
        assert [await anext(each) for each in lines] == [": welcome"] * MAX_STREAMS_EACH
        assert (await client.get("/chat/api/stream", headers=visitor.headers)).status_code == 429


async def test_an_absurd_after_is_refused_before_anything_happens(client: httpx.AsyncClient) -> None:
    """A number no database can hold is no event of ours."""
    visitor = await Visitor.arrives(client)
    assert (await visitor.send(type="press", button="home", after=2**63)).status_code == 422
    assert (await client.get(f"/chat/api/messages?after={'9' * 400}", headers=visitor.headers)).status_code == 200


async def test_what_nobody_caught_is_answered_and_logged_without_values(capfd: Any) -> None:
    """An error inside a request is a plain 500, by either way in; its values reach neither the client nor the log."""

    async def broken(request: object) -> Response:
        raise ValueError("Maria +34 612 345 678")

    entrance = Entrance([Route("/page", broken), Route("/hook", Hook(broken), methods=["POST"])])
    async with served(entrance) as address, httpx.AsyncClient(base_url=address) as client:
        answers = [await client.get("/page"), await client.post("/hook")]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(500, {"error": 500})] * 2
    written = "".join(capfd.readouterr())
    assert written.count("request_failed") == 2
    assert "Maria" not in written
