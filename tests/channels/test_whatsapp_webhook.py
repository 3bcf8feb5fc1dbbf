"""WhatsApp's webhook: who may call, what is bounded, that 200 means committed, and that nothing personal is logged."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from graph_api import GraphApi, Person
from published import SHARED
from serving import served, settings
from sqlalchemy import func, select
from starlette.applications import Starlette
from whatsapp_side import meta, whatsapp

from bot.app import App, whatsapp_options
from bot.channels.base import Unavailable
from bot.channels.whatsapp import MAX_BODY, WEBHOOK, WhatsApp
from bot.core.library import Content
from bot.core.model import Inbound, Receipt
from bot.store.tables import contacts, inbox, outbox, set_aside

NUMBER, OTHER_NUMBER = "447700900123", "447700900777"
ID = "GB.13491208655302741918"
RIGHT = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}


@pytest.fixture
async def api() -> AsyncIterator[GraphApi]:
    async with meta() as server:
        yield server


@pytest.fixture
async def app(api: GraphApi, content: Content, tmp_path: Path, key: str) -> AsyncIterator[App]:
    async with whatsapp(api, content, tmp_path, key) as running:
        yield running


@pytest.fixture
async def client(app: App, api: GraphApi) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever knocks at the program's door."""
    async with httpx.AsyncClient(base_url=api.webhook.removesuffix(WEBHOOK), trust_env=False) as opened:
        yield opened


@pytest.fixture
def maria(api: GraphApi) -> Person:
    return api.person("Maria Fictional", phone=NUMBER, user_id=ID)


def signed(api: GraphApi, raw: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": api.signature(raw)}


def hello(api: GraphApi, *people: Person) -> bytes:
    """A body in which each of them says hello."""
    said = [api.message(person, "text", text={"body": "hello"}) for person in people]
    return json.dumps(api.envelope(api.value(*people, messages=said))).encode()


async def stored(app: App) -> list[int]:
    """How much there is of people, their messages and answers."""
    async with app.database.read() as connection:
        tables = (contacts, inbox, outbox, set_aside)
        return [await connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


# --- the challenge ---------------------------------------------------------------------------------------------


async def test_the_challenge_is_answered_with_itself(api: GraphApi, client: httpx.AsyncClient) -> None:
    """Who knows the verify token gets back what they sent, as plain text no browser takes for anything else."""
    answer = await client.get(WEBHOOK, params=RIGHT | {"hub.verify_token": api.verify_token})
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "change",
    [
        {"hub.verify_token": "wrong"},
        {"hub.verify_token": ""},
        {"hub.verify_token": "é"},
        {"hub.verify_token": None},
        {"hub.mode": "unsubscribe"},
        {"hub.mode": None},
        {"hub.challenge": None},
        {"hub.challenge": ""},
        {"hub.challenge": "1" * 201},
        {"hub.challenge": "<script>alert(1)</script>"},
        {"hub.challenge": "a b"},
        {"hub.challenge": "1\n"},
        {"hub.challenge": "١٢"},
        {"hub.challenge": "é"},
    ],
    ids=str,
)
async def test_a_wrong_challenge_is_refused(api: GraphApi, client: httpx.AsyncClient, change: dict[str, str | None]) -> None:
    """A wrong token or mode, no challenge, an overlong one or one that could be more than a word is 403."""
    params = RIGHT | {"hub.verify_token": api.verify_token} | change
    answer = await client.get(WEBHOOK, params={name: value for name, value in params.items() if value is not None})
    assert answer.status_code == 403


async def test_a_query_of_odd_bytes_is_refused(client: httpx.AsyncClient) -> None:
    """Bytes that are no text harm nothing."""
    assert (await client.get(f"{WEBHOOK}?hub.mode=subscribe&hub.verify_token=%ff%fe&hub.challenge=1")).status_code == 403


# --- the signature ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"sha256=",
        b"sha256=" + b"0" * 64,
        "sha256=é".encode(),
        "sha256=é".encode("latin-1"),
        b"sha256=\xff\xfe\x80",
        b"\xf0\x9f\x91\x8d",
        b"x" * 5000,
    ],
)
async def test_without_the_signature_nobody_is_heard(
    app: App, api: GraphApi, client: httpx.AsyncClient, maria: Person, header: bytes | None
) -> None:
    """A missing or wrong signature, of whatever bytes, is 401, and nothing is stored."""
    headers = [] if header is None else [(b"X-Hub-Signature-256", header)]
    answer = await client.post(WEBHOOK, content=hello(api, maria), headers=headers)
    assert answer.status_code == 401
    assert await stored(app) == [0, 0, 0, 0]


async def test_only_the_very_signature_is_one(app: App, api: GraphApi, client: httpx.AsyncClient, maria: Person) -> None:
    """In upper case, without its algorithm, with another, of another secret or another body, it is none."""
    raw = hello(api, maria)
    right = api.signature(raw)
    digest = right.removeprefix("sha256=")
    sha1 = hmac.digest(api.app_secret.encode(), raw, "sha1").hex()
    others = [
        right.upper(),
        f"sha256={digest.upper()}",
        digest,
        f"sha1={sha1}",
        f"sha256={sha1}",
        f"sha512={digest}",
        right[:-1],
        right + "0",
    ]
    others += [
        right[:-1],
        right + "0",
        f"sha256={hmac.digest(b'another', raw, 'sha256').hex()}",
        api.signature(raw + b" "),
        f"{right},{right}",
    ]
    for other in others:
        assert (await client.post(WEBHOOK, content=raw, headers={"X-Hub-Signature-256": other})).status_code == 401, other
    assert await stored(app) == [0, 0, 0, 0]
    assert (await client.post(WEBHOOK, content=raw, headers={"X-Hub-Signature-256": right})).status_code == 200
    await maria.wait_for("Choose a topic")


async def test_a_body_meta_has_really_signed(api: GraphApi, content: Content, tmp_path: Path, key: str) -> None:
    """The published body is taken with its own secret, and refused when any one byte is another."""
    path = SHARED / "specs" / "wa_signature_vector.json"
    if not path.exists():
        pytest.skip(f"META'S SIGNATURE IS NOT CHECKED: no {path} (a folder `shared` beside the checkout, or in $SHARED)")
    vector = json.loads(path.read_text(encoding="utf-8"))
    raw, headers = vector["body"].encode(), {"X-Hub-Signature-256": vector["x_hub_signature_256"]}
    api.phone_number_id, api.app_secret = "277321005464405", vector["app_secret"]
    api.person("PyWa Tests", phone="972544401243").last_said = api.clock()
    async with whatsapp(api, content, tmp_path, key) as app, httpx.AsyncClient(trust_env=False) as client:
        for place in (0, len(raw) // 2, len(raw) - 1):
            broken = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
            assert (await client.post(api.webhook, content=broken, headers=headers)).status_code == 401
        assert await stored(app) == [0, 0, 0, 0]
        assert (await client.post(api.webhook, content=raw, headers=headers)).status_code == 200
        assert (await stored(app))[:2] == [1, 1]


# --- the body --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"x" * (MAX_BODY + 1), b"[" * (MAX_BODY + 1)])
async def test_a_body_too_big_is_refused(app: App, api: GraphApi, client: httpx.AsyncClient, body: bytes) -> None:
    """More than Meta ever sends is 413, whether the signature is right or not."""
    wrong = {"X-Hub-Signature-256": "sha256=" + "0" * 64}
    assert (await client.post(WEBHOOK, content=body, headers=signed(api, body))).status_code == 413
    assert (await client.post(WEBHOOK, content=body, headers=wrong)).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"[]",
        b"7",
        b"null",
        b"true",
        b'"text"',
        b"{}",
        b"NaN",
        b"9" * 5000,
        b'{"object": "whatsapp_business_account"}',
        b'{"object": "whatsapp_business_account", "entry": [[], 7, {"changes": [null, {"field": "messages", "value": []}]}]}',
    ],
    ids=lambda body: body[:20],
)
async def test_odd_bodies_harm_nothing(app: App, api: GraphApi, client: httpx.AsyncClient, maria: Person, body: bytes) -> None:
    """Whatever was signed and is nothing for us is taken, so that it does not come again, and leaves nothing behind."""
    assert (await client.post(WEBHOOK, content=body, headers=signed(api, body))).status_code == 200
    assert await stored(app) == [0, 0, 0, 0]
    await maria.say("hello")
    await maria.wait_for("Choose a topic")


async def test_what_is_for_another_number_is_not_ours(app: App, api: GraphApi, client: httpx.AsyncClient, maria: Person) -> None:
    """A message to another number of the same account is taken and not answered; the next one to ours is."""
    ours, api.phone_number_id = api.phone_number_id, "999999999999999"
    await maria.say("symptoms")
    api.phone_number_id = ours
    assert await stored(app) == [0, 0, 0, 0]
    await maria.say("hello")
    await maria.wait_for("Choose a topic")
    assert len(maria.received) == 1


async def test_receipts_alone_are_taken(app: App, api: GraphApi, client: httpx.AsyncClient, maria: Person) -> None:
    """Receipts of our messages and of messages nobody knows are 200 and bring no answer."""
    await maria.say("hello")
    message = await maria.wait_for("Choose a topic")
    for status in ("sent", "delivered", "read", "played", "a status of next year"):
        await api.status(message, status)
    unknown = {"id": "wamid.unknown", "status": "read", "timestamp": "1", "recipient_id": NUMBER}
    assert await api.deliver(api.envelope(api.value(statuses=[unknown, {"id": 7}, "odd"]))) == 200  # type: ignore[list-item]
    assert (await stored(app))[:2] == [1, 1]
    assert len(maria.received) == 1


# --- committed or not ------------------------------------------------------------------------------------------


class Gate:
    """The turnstile with a door: people whose first message it refuses, and a catch that holds everything back."""

    def __init__(self, app: App, *refused: str) -> None:
        self.app, self.refused = app, list(refused)
        self.open = asyncio.Event()
        self.open.set()
        self.handed: list[str] = []
        self.reported: list[int] = []  # how many receipts at a time

    async def submit(self, inbound: Inbound) -> None:
        self.handed.append(inbound.address)
        await self.open.wait()
        if inbound.address in self.refused:
            self.refused.remove(inbound.address)
            raise Unavailable(7)
        await self.app.turnstile.submit(inbound)

    async def report(self, receipts: Sequence[Receipt]) -> None:
        self.reported.append(len(receipts))
        if "receipts" in self.refused:
            self.refused.remove("receipts")
            raise Unavailable(3)
        await self.app.outbox.report(receipts)


async def post(gate: Gate, api: GraphApi, *bodies: bytes) -> list[httpx.Response]:
    """The answers of a channel in front of this gate."""
    channel = WhatsApp(whatsapp_options(gate.app.settings), gate.submit, gate.report, gate.app.shelf)
    transport = httpx.ASGITransport(Starlette(routes=list(channel.routes())))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answers = [await client.post(WEBHOOK, content=raw, headers=signed(api, raw)) for raw in bodies]
    await channel.close()
    return answers


async def test_what_is_not_committed_is_not_acknowledged(app: App, api: GraphApi, maria: Person) -> None:
    """When the turnstile does not take an event Meta hears 503 and when to come again; then it is answered once."""
    raw = hello(api, maria)
    first, second, third = await post(Gate(app, NUMBER), api, raw, raw, raw)
    assert (first.status_code, first.headers["retry-after"]) == (503, "7")
    assert (second.status_code, third.status_code) == (200, 200)
    await maria.wait_for("Choose a topic")
    await maria.say("symptoms")
    await maria.wait_for("OMS can affect")
    assert len(maria.received) == 2


async def test_nothing_is_acknowledged_before_it_is_committed(app: App, api: GraphApi, maria: Person) -> None:
    """While an event is not through the turnstile there is no answer to Meta, and when there is one it is stored."""
    gate = Gate(app)
    gate.open.clear()
    posting = asyncio.create_task(post(gate, api, hello(api, maria)))
    async with asyncio.timeout(5):
        while not gate.handed:  # noqa: ASYNC110 the gate does not tell
            await asyncio.sleep(0)
    assert not posting.done()
    assert await stored(app) == [0, 0, 0, 0]
    gate.open.set()
    [answer] = await posting
    assert (answer.status_code, await stored(app)) == (200, [1, 1, 1, 0])
    await maria.wait_for("Choose a topic")


@pytest.mark.parametrize("refused", [0, 1, 2])
async def test_of_several_messages_only_the_missing_are_answered_again(app: App, api: GraphApi, refused: int) -> None:
    """One of three refused is 503 for the whole; the redelivery gives that one its answer, and the others no second one."""
    crowd = [api.person(f"Person {number}", phone=f"44770090012{number}") for number in range(3)]
    raw = hello(api, *crowd)
    first, second = await post(Gate(app, crowd[refused].phone), api, raw, raw)
    assert (first.status_code, second.status_code) == (503, 200)
    for person in crowd:
        await person.wait_for("Choose a topic")
    assert [len(person.received) for person in crowd] == [1, 1, 1]
    assert (await stored(app))[:2] == [3, 3]


async def test_receipts_that_are_not_written_down_come_again(app: App, api: GraphApi, maria: Person) -> None:
    """When receipts cannot be noted the whole body comes again; the message beside them is answered once."""
    said = [api.message(maria, "text", text={"body": "hello"})]
    status = {"id": "wamid.unknown", "status": "read", "timestamp": "1"}
    raw = json.dumps(api.envelope(api.value(maria, messages=said, statuses=[status]))).encode()
    first, second = await post(Gate(app, "receipts"), api, raw, raw)
    assert (first.status_code, first.headers["retry-after"], second.status_code) == (503, "3", 200)
    await maria.wait_for("Choose a topic")
    await maria.say("symptoms")
    await maria.wait_for("OMS can affect")
    assert len(maria.received) == 2


async def test_a_stopped_program_acknowledges_nothing(api: GraphApi, content: Content, tmp_path: Path, key: str, maria: Person) -> None:
    """What arrives while the program stops is refused, and answered by the next start when it comes again."""
    raw = hello(api, maria)
    async with whatsapp(api, content, tmp_path, key) as app:
        gate = Gate(app)
    [answer] = await post(gate, api, raw)
    assert answer.status_code == 503
    async with whatsapp(api, content, tmp_path, key), httpx.AsyncClient(trust_env=False) as client:
        assert (await client.post(api.webhook, content=raw, headers=signed(api, raw))).status_code == 200
        await maria.wait_for("Choose a topic")
    assert len(maria.received) == 1


async def test_receipts_are_reported_at_once(app: App, api: GraphApi) -> None:
    """All receipts of a body are handed on together; where there are none, nothing is."""
    statuses = [{"id": f"wamid.{number}", "status": "read"} for number in range(2)]
    gate = Gate(app)
    bodies = [api.envelope(api.value()), api.envelope(api.value(statuses=statuses), api.value(statuses=statuses))]
    answers = await post(gate, api, *(json.dumps(body).encode() for body in bodies))
    assert ([answer.status_code for answer in answers], gate.reported) == ([200, 200], [4])


# --- without WhatsApp, and in the log ----------------------------------------------------------------------------


async def test_without_whatsapp_there_is_no_door(content: Content, tmp_path: Path, key: str) -> None:
    """A program without WhatsApp answers 404, whatever is asked there."""
    headers = {"X-Hub-Signature-256": "sha256=0"}
    async with App.running(settings(tmp_path, key), content=content) as app, served(app.web) as address, httpx.AsyncClient() as client:
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = await client.request(method, address + WEBHOOK, params=RIGHT, headers=headers)
            assert answer.status_code in (404, 405), method


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(client: httpx.AsyncClient, method: str) -> None:
    """The door has two ways in and no others."""
    assert (await client.request(method, WEBHOOK)).status_code == 405


async def test_nothing_personal_is_logged(app: App, api: GraphApi, client: httpx.AsyncClient, maria: Person, capfd: Any) -> None:
    """A whole conversation with every kind of trouble at the lowest level of the log: no number, id, name, word or secret in it."""
    api.fail_next("messages", status=500, code=131000, details=f"to {NUMBER}")
    api.fail_next("read", status=400, code=131009, details=f"of {NUMBER}")
    await maria.say("callback")
    await maria.wait_for("Do you agree?")
    for button, words in (("I agree", "Which number"), ("Use this number", "Is this right?"), ("Send", "has reached us")):
        await maria.press(button)
        await maria.wait_for(words)
    await api.status(maria.newest, "failed", code=131026, title=f"{NUMBER} is not on WhatsApp")
    await maria.send("image", image={"id": "1", "caption": "a secret caption"})
    await maria.say("half a smile \ud83d")
    await maria.change_number(OTHER_NUMBER)
    raw = hello(api, maria)
    await client.post(WEBHOOK, content=raw, headers={"X-Hub-Signature-256": "sha256=0"})
    await client.post(WEBHOOK, content=b'{"from": "' + NUMBER.encode(), headers=signed(api, b'{"from": "' + NUMBER.encode()))
    api.fail_next("messages", status=400, code=131026, details=f"to {OTHER_NUMBER}")
    await maria.say("symptoms")
    await api.until(lambda: sum(not call.ok for call in api.calls if call.name == "messages") == 2, "the refusals")
    await maria.say("menu")
    await maria.wait_for("Choose a topic")
    written = "".join(capfd.readouterr())
    assert "message_not_sent" in written
    secrets = (NUMBER, OTHER_NUMBER, ID, "447700", "Maria", "Fictional", "secret caption", "smile", "wamid", api.token, api.app_secret)
    assert [said for said in (*secrets, api.verify_token) if said in written] == []
