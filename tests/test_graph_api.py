"""The test server keeps the Cloud API's promises, as an app sees them that calls it and takes its deliveries."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from graph_api import GraphApi, Json, Person
from serving import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

NUMBER, USER_ID = "447700900123", "GB.13491208655302741918"
REQUEST = {"type": "request_contact_info", "body": {"text": "Your number?"}, "action": {"name": "request_contact_info"}}


class Receiver:
    """A webhook that notes what it gets and answers as it is told to, then 200."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.raw: list[tuple[bytes, str]] = []  # body and signature
        self.answers: list[int] = []
        self.web = Starlette(routes=[Route("/hook", self.take, methods=["GET", "POST"])])

    async def take(self, request: Request) -> Response:
        if request.method == "GET":
            known = request.query_params["hub.verify_token"] == self.token
            return PlainTextResponse(request.query_params["hub.challenge"], 200 if known else 403)
        self.raw.append((await request.body(), request.headers["X-Hub-Signature-256"]))
        return Response(status_code=self.answers.pop(0) if self.answers else 200)

    @property
    def values(self) -> list[Json]:
        bodies = [json.loads(raw) for raw, _ in self.raw]
        return [change["value"] for body in bodies for entry in body["entry"] for change in entry["changes"]]


@pytest.fixture
async def api() -> AsyncIterator[GraphApi]:
    async with GraphApi() as server:
        yield server


@pytest.fixture
async def client(api: GraphApi) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {api.token}"}
    async with httpx.AsyncClient(base_url=api.url, headers=headers, trust_env=False) as opened:
        yield opened


@pytest.fixture
async def receiver(api: GraphApi) -> AsyncIterator[Receiver]:
    made = Receiver(api.verify_token)
    async with served(made.web) as address:
        api.webhook = f"{address}/hook"
        yield made


@pytest.fixture
def maria(api: GraphApi) -> Person:
    """She wrote a moment ago, before anybody listened."""
    person = api.person("Maria", phone=NUMBER, user_id=USER_ID)
    person.last_said = api.clock()
    return person


async def post(client: httpx.AsyncClient, api: GraphApi, **given: Any) -> httpx.Response:
    return await client.post(f"/{api.phone_number_id}/messages", json={"messaging_product": "whatsapp", **given})


async def write(client: httpx.AsyncClient, api: GraphApi, kind: str, content: Any, to: str = NUMBER) -> str:
    """The refusal's code and details, "" when the message was sent."""
    answer = await post(client, api, to=to, type=kind, **{kind: content})
    error = answer.json().get("error")
    return f"{answer.status_code} {error['code']} {error['error_data']['details']}" if error else ""


def buttons(*titles: str, **more: Any) -> Json:
    replies = [{"type": "reply", "reply": {"id": f"id:{place}", "title": title}} for place, title in enumerate(titles)]
    return {"type": "button", "body": {"text": "Choose"}, "action": {"buttons": replies}, **more}


def rows(*sections: int, title: str = "Section", **row: str) -> Json:
    """A list with sections of so many rows."""
    made = [
        {"title": f"{title} {at}", "rows": [{"id": f"id:{at}:{place}", "title": "Row", **row} for place in range(size)]}
        for at, size in enumerate(sections)
    ]
    return {"type": "list", "body": {"text": "Choose"}, "action": {"button": "Menu", "sections": made}}


async def test_a_message_reaches_the_person(api: GraphApi, client: httpx.AsyncClient, maria: Person) -> None:
    """The answer has Meta's shape with a wamid like Meta's, "+" or not, and the person sees text and buttons."""
    answer = await post(client, api, to=f"+{NUMBER}", type="text", text={"body": "42"})
    wamid = answer.json()["messages"][0]["id"]
    assert answer.json()["contacts"] == [{"input": f"+{NUMBER}", "wa_id": NUMBER}]
    assert NUMBER.encode() in base64.b64decode(wamid.removeprefix("wamid."), validate=True)
    assert (maria.newest.kind, maria.newest.text, maria.newest.wamid, maria.newest.addressed) == ("text", "42", wamid, "to")
    shown = buttons("Yes", header={"type": "text", "text": "Head"}, footer={"text": "Foot"})
    answer = await post(client, api, recipient=USER_ID, type="interactive", interactive=shown)
    assert answer.json()["contacts"] == [{"input": USER_ID, "user_id": USER_ID}]
    assert (maria.newest.kind, maria.newest.text, maria.newest.body) == ("button", "Head\nChoose\nFoot", "Choose")
    assert (maria.newest.buttons, maria.newest.addressed) == ([("id:0", "Yes")], "recipient")
    assert len({message.wamid for message in maria.received}) == 2


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text", {"body": "😀" * 2048}),
        ("interactive", buttons("1", "2", "😀" * 10)),
        ("interactive", buttons("1", header={"type": "text", "text": "h" * 60}, footer={"text": "f" * 60})),
        ("interactive", rows(4, 6, title="S" * 22, description="d" * 72)),
        ("interactive", {**rows(1), "body": {"text": "b" * 1024}}),
        ("interactive", REQUEST),
        ("contacts", [{"name": {"formatted_name": "Clinic"}, "phones": [{"phone": "+49 30 123"}]}]),
    ],
)
async def test_what_just_fits(api: GraphApi, client: httpx.AsyncClient, maria: Person, kind: str, content: Any) -> None:
    """A message at its limits is sent."""
    assert await write(client, api, kind, content) == ""
    assert len(maria.received) == 1


@pytest.mark.parametrize(
    ("kind", "content", "complaint"),
    [
        ("text", {"body": ""}, "text.body"),
        ("text", {"body": "😀" * 2049}, "text.body must be at most 4096"),
        ("text", "hello", "TypeError"),
        ("interactive", {**REQUEST, "body": {"text": "b" * 1025}}, "body.text must be at most 1024"),
        ("interactive", {"type": "button", "action": {}}, "KeyError: 'body'"),
        ("interactive", {**REQUEST, "action": {"name": "ask"}}, "is not served"),
        ("interactive", buttons(), "button.reply.id: 0"),
        ("interactive", buttons("1", "2", "3", "4"), "button.reply.id: 4"),
        ("interactive", buttons("1", "1"), "title must be unique"),
        ("interactive", buttons("1" * 21), "title must be at most 20"),
        ("interactive", buttons("😀" * 11), "title must be at most 20"),
        ("interactive", buttons(" "), "not empty"),
        ("interactive", buttons("1", header={"type": "text", "text": "h" * 61}), "header.text must be at most 60"),
        ("interactive", buttons("1", footer={"text": "f" * 61}), "footer.text must be at most 60"),
        ("interactive", rows(5, 6), "row.id over all sections: 11"),
        ("interactive", rows(1, 0), "section.rows"),
        ("interactive", rows(2, id="same"), "row.id over all sections must be unique"),
        ("interactive", rows(1, id="i" * 201), "row.id must be at most 200"),
        ("interactive", rows(1, title="S" * 23), "section.title must be at most 24"),
        ("interactive", rows(1, description="d" * 73), "row.description must be at most 72"),
        ("interactive", {**rows(1), "action": {**rows(1)["action"], "button": "m" * 21}}, "action.button must be at most 20"),
        ("interactive", {**rows(1), "action": {"button": "Menu", "sections": [{"rows": [{"id": "1", "title": "t" * 25}]}]}}, "row.title"),
        (
            "interactive",
            {**rows(1), "action": {"button": "Menu", "sections": [{"rows": [{"id": str(n), "title": "t"}]} for n in (1, 2)]}},
            "'title'",
        ),
        ("contacts", [{"name": {"formatted_name": "Clinic"}}], "'phones'"),
        ("contacts", [{"name": {"first_name": "Clinic"}, "phones": [{"phone": "+4930"}]}], "'formatted_name'"),
        ("hologram", {}, "is not served"),
    ],
)
async def test_what_does_not_fit(api: GraphApi, client: httpx.AsyncClient, maria: Person, kind: str, content: Any, complaint: str) -> None:
    """What is too long, too many, doubled or missing fails the whole message with 131009 and says why."""
    refusal = await write(client, api, kind, content)
    assert refusal.startswith("400 131009 ")
    assert complaint in refusal
    assert not maria.received


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, 100),
        ({"to": NUMBER, "recipient": USER_ID}, 100),
        ({"to": USER_ID}, 131009),
        ({"recipient": NUMBER}, 131009),
        ({"to": "447700900999"}, 131026),
        ({"recipient": "GB.999"}, 131026),
        ({"to": NUMBER, "messaging_product": "sms"}, 100),
    ],
)
async def test_whom_it_is_for(api: GraphApi, client: httpx.AsyncClient, maria: Person, given: Json, code: int) -> None:
    """A message is for one known person, to their number or, as recipient, their user id."""
    answer = await post(client, api, type="text", text={"body": "Hello"}, **given)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_strangers_and_unknown_numbers(api: GraphApi, client: httpx.AsyncClient, maria: Person) -> None:
    """A wrong token is a 401 with code 190, another phone number id a 400, in Graph's shape; both are recorded as refused."""
    path = f"/{api.phone_number_id}/messages"
    wrong = await client.post(path, json={}, headers={"Authorization": "Bearer stolen"})
    elsewhere = await client.post("/1/messages", json={})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, 190)
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (400, 100)
    assert wrong.json()["error"].keys() == {"message", "type", "code", "error_data", "fbtrace_id"}
    assert [(call.method, call.path, call.name, call.ok) for call in api.calls] == [
        ("POST", f"/v23.0{path}", "messages", False),
        ("POST", "/v23.0/1/messages", "messages", False),
    ]


async def test_the_window_closes_after_a_day(api: GraphApi, client: httpx.AsyncClient, maria: Person) -> None:
    """24 hours after the person's last word only an approved template gets through, until they do something again."""
    later = datetime.now(UTC) + timedelta(hours=25)
    api.clock, api.templates = lambda: later, {"callback_reminder"}
    template = {"name": "callback_reminder", "language": {"code": "en"}}
    assert (await write(client, api, "text", {"body": "Hello"})).startswith("400 131047 ")
    assert (await write(client, api, "template", {**template, "name": "unknown"})).startswith("404 132001 ")
    assert (await write(client, api, "template", {"name": "callback_reminder"})).startswith("400 131009 ")
    assert await write(client, api, "template", template) == ""
    assert (maria.newest.kind, maria.newest.text) == ("template", "callback_reminder")
    await maria.change_user_id("GB.2")
    assert (await write(client, api, "text", {"body": "Hello"})).startswith("400 131047 ")
    await maria.say("still here")
    assert await write(client, api, "text", {"body": "Hello"}) == ""


async def test_who_never_wrote_gets_no_message(api: GraphApi, client: httpx.AsyncClient) -> None:
    """Before a person's first word the window is closed."""
    api.person("Ada", phone="447700900777")
    assert (await write(client, api, "text", {"body": "Hello"}, to="447700900777")).startswith("400 131047 ")


async def test_read_receipts(api: GraphApi, client: httpx.AsyncClient, maria: Person) -> None:
    """What a person sent can be marked as read, with typing or without; anything else can't."""
    said = (await maria.say("hello"))["id"]
    assert (await post(client, api, status="read", message_id=said)).json() == {"success": True}
    await post(client, api, status="read", message_id=said, typing_indicator={"type": "text"})
    assert api.receipts == [(said, False), (said, True)]
    for odd in ({"message_id": "wamid.unknown"}, {"message_id": said, "typing_indicator": {"type": "song"}}, {}):
        assert (await post(client, api, status="read", **odd)).json()["error"]["code"] == 131009


async def test_scripted_failures(api: GraphApi, client: httpx.AsyncClient, maria: Person) -> None:
    """Failures come in the order they were asked for and take no effect; a receipt does not use them up."""
    said = (await maria.say("hello"))["id"]
    api.fail_next("messages", status=500)
    api.fail_next("messages", status=429, code=130429)
    api.fail_next("messages", raw="<html>Bad Gateway</html>")
    assert (await post(client, api, status="read", message_id=said)).status_code == 200
    answers = [await post(client, api, to=NUMBER, type="text", text={"body": "Hello"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [500, 429, 502, 200]
    assert [answer.json()["error"]["code"] for answer in answers[:2]] == [1, 130429]
    assert "<html>" in answers[2].text
    assert len(maria.received) == 1
    api.fail_next("read", code=131000)
    api.fail_next("phone", status=401, code=190)
    assert (await post(client, api, status="read", message_id=said)).status_code == 400
    assert (await client.get(f"/{api.phone_number_id}")).json()["error"]["code"] == 190


async def test_a_dropped_call_took_effect_or_not(api: GraphApi, client: httpx.AsyncClient, maria: Person) -> None:
    """The app sees the same error whether the connection broke before or after the message was sent."""
    api.fail_next("messages", drop=True)
    api.fail_next("messages", drop_after=True)
    for words in ("lost", "sent"):
        with pytest.raises(httpx.TransportError):
            await write(client, api, "text", {"body": words})
    assert [message.text for message in maria.received] == ["sent"]
    assert [call.ok for call in api.calls] == [False, True]


async def test_a_late_answer(api: GraphApi, client: httpx.AsyncClient, maria: Person) -> None:
    """A slow call has taken effect though the app gave up on it; the server doesn't wait for it to the end."""
    api.fail_next("messages", delay=60)
    client.timeout = httpx.Timeout(5, read=0.05)
    with pytest.raises(httpx.ReadTimeout):
        await write(client, api, "text", {"body": "Hello"})
    assert maria.newest.text == "Hello"


async def test_a_delivery_is_signed(api: GraphApi, receiver: Receiver, maria: Person) -> None:
    """The body has Meta's shape, and the signature is the HMAC of its very bytes with the app secret."""
    said = await maria.say("Grüße")
    ((raw, signature),) = receiver.raw
    assert signature == "sha256=" + hmac.new(api.app_secret.encode(), raw, hashlib.sha256).hexdigest()
    assert said.items() >= {"from": NUMBER, "from_user_id": USER_ID, "type": "text", "text": {"body": "Grüße"}}.items()
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": api.display_number, "phone_number_id": api.phone_number_id},
        "contacts": [{"profile": {"name": "Maria"}, "wa_id": NUMBER, "user_id": USER_ID}],
        "messages": [said],
    }
    entry = {"id": api.account_id, "changes": [{"value": value, "field": "messages"}]}
    assert json.loads(raw) == {"object": "whatsapp_business_account", "entry": [entry]}


async def test_the_signature_is_metas(api: GraphApi) -> None:
    """A body and secret with a known HMAC, of RFC 4231, give it."""
    api.app_secret = "Jefe"
    expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert api.signature(b"what do ya want for nothing?") == expected


async def test_people_without_number_or_id(api: GraphApi, client: httpx.AsyncClient, receiver: Receiver) -> None:
    """Who hides the number is known by the user id alone, who has no user id by the number; each can be written to."""
    hidden, plain = api.person("Ada", user_id="US.1"), api.person("Ben", phone="4930123456")
    assert not (await hidden.say("hello")).keys() & {"from"}
    assert not (await plain.say("hello")).keys() & {"from_user_id"}
    assert [value["contacts"] for value in receiver.values] == [
        [{"profile": {"name": "Ada"}, "user_id": "US.1"}],
        [{"profile": {"name": "Ben"}, "wa_id": "4930123456"}],
    ]
    assert (await post(client, api, recipient="US.1", type="text", text={"body": "To Ada"})).status_code == 200
    assert (await post(client, api, to="4930123456", type="text", text={"body": "To Ben"})).status_code == 200
    assert (hidden.newest.text, plain.newest.text) == ("To Ada", "To Ben")


async def test_an_untaken_delivery_comes_again(api: GraphApi, receiver: Receiver, maria: Person) -> None:
    """The same body comes until it is answered with 200, and once more when that was forgotten."""
    receiver.answers = [500, 403]
    said = await maria.say("hello")
    assert [value["messages"] for value in receiver.values] == [[said]] * 3
    assert await api.redeliver() == 200
    assert (api.delivered, len({raw for raw, _ in receiver.raw})) == (4, 1)


async def test_a_webhook_that_never_takes_it(monkeypatch: pytest.MonkeyPatch, api: GraphApi, receiver: Receiver, maria: Person) -> None:
    """A test doesn't go on as if a message had been taken; the message itself is not gone."""
    monkeypatch.setattr("graph_api.AGAIN", (0, 0))
    receiver.answers = [503, 503]
    with pytest.raises(AssertionError, match="did not take a delivery in 2 tries, answered 503"):
        await maria.say("hello")
    assert await api.redeliver() == 200
    api.webhook = "http://127.0.0.1:1/hook"
    with pytest.raises(AssertionError, match="answered 0"):
        await maria.say("hello")


async def test_presses(api: GraphApi, client: httpx.AsyncClient, receiver: Receiver, maria: Person) -> None:
    """A press, by id or title, answers the newest message that has the button and names that message."""
    for interactive in (buttons("Yes", "No"), rows(1, 1, description="More about it")):
        assert await write(client, api, "interactive", interactive) == ""
    pressed = [await maria.press("No"), await maria.press("id:1:0")]
    assert [each["context"] for each in pressed] == [{"from": api.display_number, "id": message.wamid} for message in maria.received]
    assert [each["interactive"] for each in pressed] == [
        {"type": "button_reply", "button_reply": {"id": "id:1", "title": "No"}},
        {"type": "list_reply", "list_reply": {"id": "id:1:0", "title": "Row", "description": "More about it"}},
    ]
    assert [value["messages"] for value in receiver.values] == [[each] for each in pressed]
    with pytest.raises(AssertionError, match=r"no button or row 'Maybe'; seen:\n.*Yes"):
        await maria.press("Maybe")


async def test_sharing_a_number(api: GraphApi, client: httpx.AsyncClient, receiver: Receiver) -> None:
    """A number is shared when it was asked for and hidden no longer; somebody else's card says that it is one."""
    ada = api.person("Ada", user_id="US.1")
    await ada.say("hello")
    with pytest.raises(AssertionError, match="nothing asks for the number"):
        await ada.share_contact()
    await post(client, api, recipient="US.1", type="interactive", interactive=REQUEST)
    shared, other = await ada.share_contact(phone="447700900777"), await ada.share_contact(own=False, phone="447700900999")
    assert shared["contacts"] == [
        {
            "name": {"formatted_name": "Ada", "first_name": "Ada"},
            "phones": [{"phone": "+447700900777", "wa_id": "447700900777", "type": "MOBILE"}],
            "origin": "contact_request",
        }
    ]
    assert (other["contacts"][0]["origin"], other["contacts"][0]["phones"][0]["wa_id"]) == ("other", "447700900999")
    assert "447700900999" in other["contacts"][0]["vcard"]
    assert ["wa_id" in value["contacts"][0] for value in receiver.values] == [False, False, True]
    assert (shared.get("from"), other["from"]) == (None, "447700900777")


async def test_changed_ids(api: GraphApi, client: httpx.AsyncClient, receiver: Receiver, maria: Person) -> None:
    """The platform tells of a new number or user id from the old one, without a profile; then only the new one reaches them."""
    number, user_id = await maria.change_number("447700900777"), await maria.change_user_id("GB.2")
    assert not any("contacts" in value for value in receiver.values)
    assert (number["from"], user_id["from_user_id"]) == (NUMBER, USER_ID)
    assert number["system"].items() >= {"type": "user_changed_number", "wa_id": "447700900777"}.items()
    assert user_id["system"].items() >= {"type": "user_changed_user_id", "previous_user_id": USER_ID, "user_id": "GB.2"}.items()
    assert (await write(client, api, "text", {"body": "Hello"})).startswith("400 131026 ")
    assert await write(client, api, "text", {"body": "Hello"}, to="447700900777") == ""


async def test_statuses(api: GraphApi, client: httpx.AsyncClient, receiver: Receiver, maria: Person) -> None:
    """A status names the message and the person; a failed one its error, and only what was written to."""
    await post(client, api, recipient=USER_ID, type="text", text={"body": "Hello"})
    delivered = await api.status(maria.newest, "delivered")
    failed = await api.status(maria.newest, "failed", code=131026, title="Message undeliverable")
    assert delivered.items() >= {"id": maria.newest.wamid, "recipient_id": NUMBER, "recipient_user_id": USER_ID}.items()
    assert (failed["errors"][0]["code"], "recipient_id" in failed, failed["recipient_user_id"]) == (131026, False, USER_ID)
    assert [value["statuses"] for value in receiver.values] == [[delivered], [failed]]


async def test_bodies_by_hand(api: GraphApi, client: httpx.AsyncClient, receiver: Receiver, maria: Person) -> None:
    """A body can hold several entries, changes and messages, and what stands in it can be marked as read."""
    first, second = api.message(maria, "text", text={"body": "one"}), api.message(maria, "image", image={"id": "1"})
    body = api.envelope([api.value(maria, messages=[first, second]), api.value(statuses=[])], api.value(messages=[first]))
    assert await api.deliver(body) == 200
    assert [len(entry["changes"]) for entry in json.loads(receiver.raw[0][0])["entry"]] == [2, 1]
    assert [value.get("messages") for value in receiver.values] == [[first, second], None, [first]]
    assert (await post(client, api, status="read", message_id=second["id"])).status_code == 200


async def test_waiting_for_an_answer(monkeypatch: pytest.MonkeyPatch, api: GraphApi, client: httpx.AsyncClient, maria: Person) -> None:
    """What was there before the person did something is no answer to it; text of rows counts."""
    await write(client, api, "interactive", rows(1, description="all the symptoms"))
    assert (await maria.wait_for("the symptoms")).kind == "list"
    await maria.say("and?")
    monkeypatch.setattr("graph_api.PATIENCE", 0.01)
    with pytest.raises(AssertionError, match=r"in vain for 'the symptoms'.*\n.*Choose"):
        await maria.wait_for("the symptoms")


async def test_the_number_and_its_webhook(api: GraphApi, client: httpx.AsyncClient, receiver: Receiver) -> None:
    """The number tells what it is asked; an override has to answer the challenge if that is wanted."""
    path = f"/{api.phone_number_id}"
    api.number["quality_rating"] = "RED"
    about = (await client.get(path, params={"fields": "quality_rating,webhook_configuration"})).json()
    assert about == {"id": api.phone_number_id, "quality_rating": "RED", "webhook_configuration": {"application": api.webhook}}
    assert (await client.get(path, params={"fields": "mood"})).json()["error"]["code"] == 100
    api.challenges = True
    answers = []
    for token in ("wrong", api.verify_token):
        told = {"override_callback_uri": api.webhook, "verify_token": token}
        answers.append(await client.post(path, json={"webhook_configuration": told}))
    assert [answer.status_code for answer in answers] == [400, 200]
    about = (await client.get(path, params={"fields": "webhook_configuration"})).json()
    assert about["webhook_configuration"] == {"application": api.webhook, "phone_number": api.webhook}
    assert await api.challenge()
    assert not await api.challenge(verify_token="wrong")


async def test_setting_up(api: GraphApi, client: httpx.AsyncClient) -> None:
    """Ice breakers and commands are kept if they are within their limits; a subscription is remembered."""
    path = f"/{api.phone_number_id}/conversational_automation"
    good = {"enable_welcome_message": False, "prompts": ["p" * 80], "commands": [{"command_name": "help", "command_description": "Help"}]}
    assert (await client.post(path, json=good)).json() == {"success": True}
    odd: list[Json] = [
        {"prompts": ["p" * 81]},
        {"prompts": ["p"] * 5},
        {"commands": good["commands"] * 31},  # type: ignore[operator]
        {"commands": [{"command_name": "Help!", "command_description": "Help"}]},
        {"commands": [{"command_name": "help"}]},
    ]
    assert [(await client.post(path, json=each)).json()["error"]["code"] for each in odd] == [131009] * len(odd)
    assert api.automation == good
    apps = f"/{api.account_id}/subscribed_apps"
    assert (await client.get(apps)).json() == {"data": []}
    assert (await client.post(apps)).json() == {"success": True}
    assert len((await client.get(apps)).json()["data"]) == 1
