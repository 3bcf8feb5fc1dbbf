"""Every kind of webhook body passes through `parse`: events and receipts, or nothing, never an exception."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import SHARED

from bot.channels.whatsapp_parse import ALBUM_SECONDS, DELIVERED_FOR, MAX_ID, MAX_TEXT, Parsed, hashed, parse
from bot.core.model import Event, Inbound, Media, Moved, Press, Profile, Receipt, SharedContact, Started, Text

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
US = "106540352242922"
KEY = b"a key of the tests"
NUMBER, OTHER_NUMBER = "447700900123", "447700900777"
ID, OTHER_ID = "GB.13491208655302741918", "GB.9999999999999"
NAMED = {"name": "Ada Fictional"}
ADA = {"profile": NAMED, "wa_id": NUMBER, "user_id": ID}
SECOND = timedelta(seconds=1)
STAMPS: tuple[Any, ...] = ("", "0", "1700000000", "now", "-5", "1e9", "1.5", "٣", "9" * 10, "9" * 400, 1700000000, None, [])
ODD: tuple[Any, ...] = (None, [], 7, "x", True, {})
PHONE = {"phone": "+44 7700 900777", "wa_id": OTHER_NUMBER, "type": "MOBILE"}


def stamp_of(at: datetime) -> str:
    return str(int(at.timestamp()))


def message(kind: str, content: Any = None, **fields: Any) -> dict[str, Any]:
    """From a number, unless the fields say otherwise; `None` leaves one out."""
    said = {"from": NUMBER, "id": "wamid.A", "timestamp": stamp_of(NOW - 5 * SECOND), "type": kind, kind: content, **fields}
    return {name: value for name, value in said.items() if value is not None}


def body(*messages: Any, contacts: Any = None, statuses: Any = (), us: str = US, field: str = "messages") -> dict[str, Any]:
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": us}, "contacts": [ADA] if contacts is None else contacts}
    value |= {"messages": list(messages), "statuses": list(statuses)}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]}


def read(given_: object, us: str = US) -> Parsed:
    return parse(given_, NOW, us, KEY)


def heard(*messages: Any, contacts: Any = None) -> list[Inbound]:
    return [inbound for inbound, _ in read(body(*messages, contacts=contacts)).heard]


def one(said: dict[str, Any], contacts: Any = None) -> Inbound:
    [inbound] = heard(said, contacts=contacts)
    return inbound


def pressed(kind: str, **choice: str) -> dict[str, Any]:
    return message("interactive", {"type": kind, kind: choice})


def card(*phones: dict[str, str], **more: str) -> list[dict[str, Any]]:
    return [{"name": {"formatted_name": "Bob Fictional"}, "phones": list(phones), **more}]


MESSAGES: dict[str, tuple[dict[str, Any], Event]] = {
    "text": (message("text", {"body": "hello"}), Text("hello")),
    "text in Arabic": (message("text", {"body": "مرحبا"}), Text("مرحبا")),
    "a quick reply button": (pressed("button_reply", id="callback", title="Call me"), Press("callback")),
    "a row of a list": (pressed("list_reply", id="page:symptoms", title="S", description="d"), Press("page:symptoms")),
    "a form of Meta's": (message("interactive", {"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}}), Media()),
    "an interactive message with an error": (message("interactive", errors=[{"code": 131051}]), Media()),
    "a template's button": (message("button", {"text": "Stop", "payload": "p"}), Text("Stop")),
    "a template's button without words": (message("button", {"payload": "menu"}), Text("menu")),
    "the chat was opened": (message("request_welcome"), Started()),
    "own number, asked for": (message("contacts", card(PHONE, origin="contact_request")), SharedContact(PHONE["phone"], True)),
    "own number, said beside": (
        message("contacts", card(PHONE), origin="contact_request"),
        SharedContact(PHONE["phone"], True),
    ),
    "own card by number": (
        message("contacts", card({"phone": "+44 7700 900123", "wa_id": NUMBER}, origin="other")),
        SharedContact("+44 7700 900123", True),
    ),
    "somebody else's card": (message("contacts", card(PHONE, origin="other")), SharedContact(PHONE["phone"], False)),
    "a card without WhatsApp": (message("contacts", card({"phone": "+447700900777"})), SharedContact("+447700900777", False)),
    "a card with the id alone": (message("contacts", card({"wa_id": OTHER_NUMBER})), SharedContact(OTHER_NUMBER, False)),
    "a card without a number": (message("contacts", card()), Media()),
    "no card at all": (message("contacts", []), Media()),
    "a picture": (message("image", {"id": "1"}), Media()),
    "a picture with words": (message("image", {"id": "1", "caption": "help"}), Media("help")),
    "a document with words": (message("document", {"id": "1", "filename": "x.pdf", "caption": "help"}), Media("help")),
    "a voice message": (message("audio", {"id": "1", "voice": True}), Media()),
    "a place": (message("location", {"latitude": 1, "longitude": 2}), Media()),
    "a sticker": (message("sticker", {"id": "1", "animated": False}), Media()),
    "an order": (message("order", {"catalog_id": "1", "product_items": []}), Media()),
    "a film that is not shown": (message("unsupported", errors=[{"code": 131051}]), Media()),
}


@pytest.mark.parametrize(("said", "expected"), MESSAGES.values(), ids=MESSAGES)
def test_what_a_message_means(said: dict[str, Any], expected: Event) -> None:
    """What people do on WhatsApp becomes the event it stands for."""
    assert one(said).event == expected


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (message("reaction", {"message_id": "wamid.X", "emoji": "👍"}), "reaction"),
        (message("a type of next year", {"body": "x"}), "message"),
        (message("text", {"body": "hello"}, group_id="G1"), "message"),
        (message("text", {"body": ""}), "message"),
        (message("text", {}), "message"),
        (message("text", "hello"), "message"),
        (message("text", {"body": "hello"}, id=None), "message"),
        (message("text", {"body": "hello"}, id="x" * (MAX_ID + 1)), "message"),
        (message("text", {"body": "hello"}, type=None), "message"),
        (message("system", {"type": "customer_identity_changed", "body": "x"}), "system"),
        (message("system", {"type": "user_changed_number", "body": "nothing else"}), "system"),
        (message("system", {"type": "user_changed_number", "wa_id": NUMBER}), "system"),
    ],
)
def test_what_is_passed_over(said: dict[str, Any], kind: str) -> None:
    """Reactions, groups, types nobody knows and messages without a name are ignored, and counted by kind."""
    parsed = read(body(said))
    assert (parsed.heard, parsed.receipts, parsed.ignored) == ([], [], [kind])


SENDERS: dict[str, tuple[dict[str, Any], list[Any], str, str | None]] = {
    "both": ({"from": NUMBER, "from_user_id": ID}, [ADA], NUMBER, ID),
    "both, the id in the contact": ({"from": NUMBER}, [ADA], NUMBER, ID),
    "both, the number in the contact": ({"from": None, "from_user_id": ID}, [ADA], NUMBER, ID),
    "number only": ({"from": NUMBER}, [{"profile": NAMED, "wa_id": NUMBER}], NUMBER, ""),
    "number only, no contacts": ({"from": NUMBER}, [], NUMBER, ""),
    "id only": ({"from": None, "from_user_id": ID}, [{"profile": NAMED, "user_id": ID}], ID, ID),
    "id only, no contacts": ({"from": None, "from_user_id": ID}, [], ID, ID),
    "the id in `from`": ({"from": ID}, [{"profile": NAMED, "user_id": ID}], ID, ID),
    "nothing but a contact": ({"from": None}, [ADA], NUMBER, ID),
    "a contact of somebody else": ({"from": OTHER_NUMBER}, [ADA], OTHER_NUMBER, ""),
    "several contacts": ({"from": OTHER_NUMBER}, [ADA, {"wa_id": OTHER_NUMBER, "user_id": OTHER_ID}], OTHER_NUMBER, OTHER_ID),
    "an id of a company": ({"from": None, "from_user_id": "GB.ENT.11815799212886844830"}, [], "GB.ENT.11815799212886844830", None),
}


@pytest.mark.parametrize(("said", "contacts", "address", "user_id"), SENDERS.values(), ids=SENDERS)
def test_who_the_sender_is(said: dict[str, Any], contacts: list[Any], address: str, user_id: str | None) -> None:
    """Number and id are found wherever they stand; answers go to the number if there is one, and nobody gets a stranger's names."""
    inbound = one(message("text", {"body": "hello"}, **said), contacts)
    assert (inbound.address, inbound.user_id) == (address, address if user_id is None else user_id)


@pytest.mark.parametrize("said", [{"from": None}, {"from": "not a number"}, {"from": "٤٤٧٧٠٠٩٠٠١٢٣"}, {"from": 447700900123}])
def test_who_cannot_be_answered_is_not_heard(said: dict[str, Any]) -> None:
    """Of two contacts none is guessed, and what is neither number nor id is no address."""
    assert heard(message("text", {"body": "hello"}, **said), contacts=[ADA, {"wa_id": OTHER_NUMBER}]) == []


@pytest.mark.parametrize(
    ("said", "contacts", "profile"),
    [
        ({}, [ADA], Profile("Ada Fictional", f"+{NUMBER}")),
        ({}, [], Profile(phone=f"+{NUMBER}")),
        ({"from": None, "from_user_id": ID}, [{"profile": NAMED, "user_id": ID}], Profile("Ada Fictional", shares_contact="message")),
        ({}, [{"wa_id": NUMBER, "profile": {"name": "x" * 999}}], Profile("x" * 200, f"+{NUMBER}")),
        ({}, [{"wa_id": NUMBER, "profile": ["odd"]}], Profile(phone=f"+{NUMBER}")),
    ],
)
def test_what_is_known_of_the_sender(said: dict[str, Any], contacts: list[Any], profile: Profile) -> None:
    """A name of bounded length, a number WhatsApp vouches for, or that one has to be asked for."""
    assert one(message("text", {"body": "hello"}, **said), contacts).sender == profile


CHANGES: dict[str, tuple[dict[str, str], dict[str, Any], str, str, Moved]] = {
    "number": ({"type": "user_changed_number", "wa_id": OTHER_NUMBER}, {}, NUMBER, "", Moved(OTHER_NUMBER)),
    "number, without a type": ({"wa_id": OTHER_NUMBER}, {}, NUMBER, "", Moved(OTHER_NUMBER)),
    "number of an old version": (
        {"type": "customer_changed_number", "customer": NUMBER, "new_wa_id": OTHER_NUMBER},
        {"from": None},
        NUMBER,
        "",
        Moved(OTHER_NUMBER),
    ),
    "old and new number": (
        {"type": "user_changed_number", "customer": NUMBER, "wa_id": OTHER_NUMBER},
        {"from": OTHER_NUMBER},
        NUMBER,
        "",
        Moved(OTHER_NUMBER),
    ),
    "id": ({"type": "user_changed_user_id", "previous_user_id": ID, "user_id": OTHER_ID}, {}, NUMBER, ID, Moved("", OTHER_ID)),
    "id alone": (
        {"type": "user_changed_user_id", "previous_user_id": ID, "user_id": OTHER_ID},
        {"from": None},
        ID,
        ID,
        Moved("", OTHER_ID),
    ),
    "id, new by name": (
        {"type": "user_changed_user_id", "user_id": ID, "new_user_id": OTHER_ID},
        {"from": None},
        ID,
        ID,
        Moved("", OTHER_ID),
    ),
    "id, old in the message": (
        {"type": "user_changed_user_id", "user_id": OTHER_ID},
        {"from": None, "from_user_id": ID},
        ID,
        ID,
        Moved("", OTHER_ID),
    ),
    "both": (
        {"type": "user_changed_number", "wa_id": OTHER_NUMBER, "previous_user_id": ID, "user_id": OTHER_ID},
        {},
        NUMBER,
        ID,
        Moved(OTHER_NUMBER, OTHER_ID),
    ),
    "both, the new id in the message": (
        {"type": "user_changed_number", "wa_id": OTHER_NUMBER, "user_id": OTHER_ID},
        {"from_user_id": OTHER_ID},
        NUMBER,
        "",
        Moved(OTHER_NUMBER, OTHER_ID),
    ),
    "number, the id stays": ({"type": "user_changed_number", "wa_id": OTHER_NUMBER}, {"from_user_id": ID}, NUMBER, ID, Moved(OTHER_NUMBER)),
}


@pytest.mark.parametrize(("system", "fields", "address", "user_id", "moved"), CHANGES.values(), ids=CHANGES)
def test_a_change_of_number_or_id(system: dict[str, str], fields: dict[str, Any], address: str, user_id: str, moved: Moved) -> None:
    """In every form the note has had: the person is found by the old names, the event tells the new ones and only those."""
    inbound = one(message("system", {"body": f"Ada changed from {NUMBER}", **system}, **fields), [])
    assert (inbound.address, inbound.user_id, inbound.event) == (address, user_id, moved)


def status(said: str, *errors: Any) -> dict[str, Any]:
    return {"id": "wamid.OUT", "status": said, "timestamp": "1", "recipient_id": NUMBER, **({"errors": list(errors)} if errors else {})}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        *((status(name), Receipt("whatsapp", hashed("wamid.OUT"), name)) for name in ("sent", "delivered", "read")),
        (status("failed", {"code": 131026}), ("WhatsApp cannot deliver to this person", False)),
        (status("failed", {"code": 131047}), ("more than 24 hours since the person last wrote", False)),
        (status("failed", {"code": 131016}), ("the platform is busy or away", True)),
        (status("failed", {"code": 131056}), ("too fast for this person", True)),
        (status("failed", {"code": 131042}), ("the WhatsApp account has a problem with its payment method: see WhatsApp Manager", True)),
        (status("failed", {"code": 130472, "title": f"{NUMBER} takes part in an experiment"}), ("refused, error 130472", False)),
        (status("failed", "odd", {"code": 131026}), ("WhatsApp cannot deliver to this person", False)),
    ],
)  # fmt: skip
def test_what_became_of_a_message(said: dict[str, Any], expected: Receipt | tuple[str, bool]) -> None:
    """Receipts name our message by its hash; a failure comes in our words, and whether it is worth another try."""
    [receipt] = read(body(statuses=[said])).receipts
    wanted = expected if isinstance(expected, Receipt) else Receipt("whatsapp", hashed("wamid.OUT"), "failed", *expected)
    fields = ("channel", "message", "status", "reason", "passing")
    assert [getattr(receipt, field) for field in fields] == [getattr(wanted, field) for field in fields]


@pytest.mark.parametrize(
    "said",
    [status("played"), status("deleted"), {"status": "sent"}, {"id": "wamid.OUT"}, {"id": "x" * (MAX_ID + 1), "status": "sent"}, {"id": 7}],
)
def test_odd_receipts_are_passed_over(said: dict[str, Any]) -> None:
    """Kinds we have no use for, and receipts of nothing, are counted as ignored."""
    parsed = read(body(statuses=[said]))
    assert (parsed.receipts, parsed.ignored) == ([], ["status"])


def test_a_failure_without_a_reason_is_a_failure() -> None:
    """A failed message that tells no error has failed all the same."""
    [receipt] = read(body(statuses=[status("failed")])).receipts
    assert (receipt.status, receipt.reason, receipt.passing) == ("failed", "WhatsApp gives no reason", False)


@pytest.mark.parametrize(
    ("given_", "kind"),
    [
        (body(message("text", {"body": "hello"}), us="999"), "other_number"),
        (body(message("text", {"body": "hello"}), us=US + "0"), "other_number"),
        (body(message("text", {"body": "hello"}), field="account_update"), "field"),
        (body(message("text", {"body": "hello"})) | {"object": "instagram"}, "object"),
        *((odd, "object") for odd in (*ODD, [body(message("text", {"body": "hello"}))])),
    ],
)
def test_what_is_not_for_us(given_: object, kind: str) -> None:
    """Another number, field or object, or no object at all, is ignored and counted."""
    parsed = read(given_)
    assert (parsed.heard, parsed.receipts, parsed.ignored) == ([], [], [kind])


def test_everything_in_a_body_is_found_in_its_order() -> None:
    """Several entries, changes, messages and statuses, with something broken between them."""
    first = body(
        message("text", {"body": "1"}), 7, None, "x", message("text", {"body": "2"}), statuses=[status("sent"), [], status("read")]
    )
    second = body(message("text", {"body": "3"}))
    changes = [*first["entry"][0]["changes"], None, *second["entry"][0]["changes"]]
    parsed = read(first | {"entry": [{"changes": changes}, "odd", {"changes": {}}, *second["entry"]]})
    assert [inbound.event for inbound, _ in parsed.heard] == [Text("1"), Text("2"), Text("3"), Text("3")]
    assert [receipt.status for receipt in parsed.receipts] == ["sent", "read"]


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        *((stamp_of(NOW - ago), NOW - ago) for ago in (timedelta(0), timedelta(hours=25), DELIVERED_FOR)),
        *((odd, NOW) for odd in (*STAMPS, stamp_of(NOW + SECOND), stamp_of(NOW - DELIVERED_FOR - SECOND))),
    ],
)
def test_when_it_was_said(stamp: Any, at: datetime) -> None:
    """By WhatsApp's clock; now where that is unreadable, from the future, or from before anything is still delivered."""
    assert one(message("text", {"body": "hello"}, timestamp=stamp)).at == at


def test_lengths_are_bounded() -> None:
    """However long a text, a caption, a button's id or a number is, what goes on is not."""
    long = "x" * 100_000
    assert one(message("text", {"body": long})).event == Text(long[:MAX_TEXT])
    assert one(message("image", {"caption": long})).event == Media(long[:MAX_TEXT])
    assert one(message("button", {"text": long})).event == Text(long[:MAX_TEXT])
    assert one(pressed("list_reply", id=long)).event == Press(long[:MAX_ID])
    assert one(message("contacts", card({"phone": long}))).event == SharedContact(long[:100], False)


def test_names_tell_nothing() -> None:
    """Update ids and names of messages hold neither the number nor WhatsApp's id, which has the number in it."""
    wamid = "wamid." + b"447700900123".hex()
    inbounds = heard(message("text", {"body": "hello"}, id=wamid), message("image", {"id": "1"}, id=wamid), contacts=[ADA])
    [receipt] = read(body(statuses=[status("sent") | {"id": wamid}])).receipts
    for name in (*(inbound.update_id for inbound in inbounds), receipt.message):
        assert re.fullmatch(r"[0-9a-f]{32}|album:[0-9a-f]{64}", name)
    assert inbounds[0].update_id == receipt.message == hashed(wamid)


def test_pictures_of_an_album_are_one_thing() -> None:
    """Pictures of one moment share an identity; those with words, those of another moment and another person do not."""
    at = int(NOW.timestamp()) // ALBUM_SECONDS * ALBUM_SECONDS - 5 * ALBUM_SECONDS

    def picture(seconds: int = 0, caption: str = "", **fields: Any) -> str:
        return one(message("image", {"caption": caption}, timestamp=str(at + seconds), **fields), []).update_id

    album = picture(id="wamid.1")
    assert picture(ALBUM_SECONDS - 1, id="wamid.2") == album
    others = [picture(ALBUM_SECONDS), picture(caption="help", id="1"), picture(caption="help", id="2")]
    assert len({album, *others}) == 4
    # Without the key the identity could be guessed from number and time.
    [(inbound, _)] = parse(body(message("image", {}, timestamp=str(at)), contacts=[]), NOW, US, b"another key").heard
    assert inbound.update_id != album


_SENDERS = st.one_of(st.from_regex(r"[0-9]{5,20}", fullmatch=True), st.from_regex(r"[A-Z]{2}\.[0-9]{1,20}", fullmatch=True))


@given(st.sets(_SENDERS, min_size=2, max_size=6), st.integers(0, 60))
def test_two_people_share_no_album(senders: set[str], seconds: int) -> None:
    """Pictures of different senders at the same moment are different things, whatever their names."""
    stamp = stamp_of(NOW - seconds * SECOND)
    ids = [one(message("image", {}, timestamp=stamp, **{"from": sender}), []).update_id for sender in senders]
    assert len(set(ids)) == len(senders)


def sound(inbound: Inbound) -> None:
    """Fails unless the turnstile can take it and an answer can be addressed."""
    assert re.fullmatch(r"[0-9]{5,20}|[A-Za-z]{2}\.[A-Za-z0-9_.-]{1,150}", inbound.address)
    assert inbound.user_id == "" or inbound.user_id == inbound.address or inbound.address.isdecimal()
    assert re.fullmatch(r"[0-9a-f]{32}|album:[0-9a-f]{64}", inbound.update_id)
    assert inbound.at.tzinfo is not None
    assert inbound.at <= NOW
    assert inbound.channel == "whatsapp"
    match inbound.event:
        case Text(text) | Media(text):
            assert len(text) <= MAX_TEXT
            assert text or isinstance(inbound.event, Media)
        case Press(button):
            assert 0 < len(button) <= MAX_ID
        case SharedContact(phone):
            assert 0 < len(phone) <= 100
        case Moved():
            assert inbound.event != Moved()
        case event:
            assert event == Started()


def check(given_: object) -> None:
    parsed = read(given_)
    for inbound, name in parsed.heard:
        sound(inbound)
        assert 0 < len(name) <= MAX_ID
    for receipt in parsed.receipts:
        assert re.fullmatch(r"[0-9a-f]{32}", receipt.message)
        assert len(receipt.reason) <= 200
    for kind in parsed.ignored:  # a label of our metrics: never what somebody sent
        assert kind in ("object", "field", "other_number", "reaction", "system", "message", "status")


_TEXTS = st.text(st.characters(), max_size=12) | st.sampled_from(["\ud83d", "\x00", NUMBER, ID, "text", "image", "system", "contacts"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)
SAMPLES = [
    body(message("text", {"body": "hello"}), message("image", {"caption": "x"}), statuses=[status("failed", {"code": 131026})]),
    body(pressed("button_reply", id="callback", title="x"), message("contacts", card(PHONE, origin="contact_request"))),
    body(message("system", {"type": "user_changed_user_id", "previous_user_id": ID, "user_id": OTHER_ID, "wa_id": OTHER_NUMBER})),
    body(message("button", {"text": "x", "payload": "y"}), message("request_welcome"), message("unsupported"), contacts=[ADA, ADA]),
]


def places(whole: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything in it."""
    inner = whole.items() if isinstance(whole, dict) else enumerate(whole) if isinstance(whole, list) else ()
    for name, each in inner:
        yield (*here, name)
        yield from places(each, (*here, name))


def replaced(whole: Any, way: tuple[Any, ...], value: Any) -> Any:
    """A copy with something else at that place."""
    copy = json.loads(json.dumps(whole))
    inside = copy
    for name in way[:-1]:
        inside = inside[name]
    inside[way[-1]] = value
    return copy


@given(_JSON)
def test_any_json_is_read(given_: object) -> None:
    """Nothing that is JSON makes `parse` fail, on its own or as the whole of a change."""
    check(given_)
    for inside in ({"messages": given_, "statuses": given_, "contacts": given_}, given_):
        value = {"metadata": {"phone_number_id": US}, **inside} if isinstance(inside, dict) else inside
        check({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]})


@given(st.data())
def test_bodies_with_something_odd_in_them_are_read(data: st.DataObject) -> None:
    """A real body with anything at all in any place gives only what can be submitted."""
    whole = data.draw(st.sampled_from(SAMPLES))
    check(replaced(whole, data.draw(st.sampled_from(list(places(whole)))), data.draw(_JSON)))


def test_every_field_may_be_missing_or_of_any_type() -> None:
    """Each field of each sample, one after the other, replaced by each kind of value."""
    for whole in SAMPLES:
        for way in places(whole):
            for value in (*ODD, 0, -1, 1.5, "", [[]], [{}], {"x": 1}, "9" * 3000):
                check(replaced(whole, way, value))


# What Meta's examples and fixtures hold, by name: events and receipts.
EXAMPLES = dict.fromkeys(
    (
        "Text Message", "Text Message with Context (Product Inquiry)", "Text Message from Click to WhatsApp Ad", "Image Message",
        "Location Message", "Contact Sharing Message", "Unsupported Message", "Button Message", "Interactive List Reply Message",
        "Interactive Button Reply Message", "Order Message", "System Message",
    ),
    (1, 0),
) | dict.fromkeys(("Reaction Message", "Group Create Message", "Group Settings Update", "Group Remove Participants"), (0, 0))  # fmt: skip
FIXTURES = {
    "callback_button": dict.fromkeys(("button", "quick_reply", "quick_reply_without_context"), (1, 0)),
    "callback_selection": dict.fromkeys(("callback", "description"), (1, 0)),
    "message": dict.fromkeys(
        (
            "text", "image", "media_with_url", "video", "document", "audio", "voice", "static_sticker", "animated_sticker",
            "current_location", "chosen_location", "contacts", "order", "unsupported", "unsupported_with_type", "reply", "forwarded",
            "forwarded_many_times", "interactive_message_with_err", "referral",
        ),
        (1, 0),
    )
    | dict.fromkeys(("reaction", "unreaction_empty", "unreaction_no_emoji"), (0, 0)),
    "message_status": dict.fromkeys(("sent", "delivered", "read", "failed", "with_tracker", "group"), (0, 1)) | {"played": (0, 0)},
    "system": {"phone_number_change": (1, 0), "identity_change": (0, 0)},
}  # fmt: skip


def bodies(file: str) -> dict[str, Any]:
    path = SHARED / "specs" / file
    if not path.exists():
        pytest.skip(f"META'S EXAMPLES ARE NOT READ: no {path} (a folder `shared` beside the checkout, or in $SHARED)")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def their_number(whole: Any) -> str:
    found: str = whole["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"]
    return found


@pytest.mark.parametrize(
    ("file", "expected"),
    [("wa_webhook_examples.json", EXAMPLES), *((f"wa_webhook_fixtures/{name}.json", held) for name, held in FIXTURES.items())],
)
def test_metas_examples_are_read(file: str, expected: dict[str, tuple[int, int]]) -> None:
    """Every published example gives what its name says, all of it sound, and nothing to anybody else's number."""
    found = {}
    for name, whole in bodies(file).items():
        parsed = read(whole, their_number(whole))
        for inbound, _ in parsed.heard:
            assert inbound.address.isdecimal()
            sound(inbound)
        found[name] = (len(parsed.heard), len(parsed.receipts))
        assert read(whole).heard == [] or their_number(whole) == US
    assert found == expected


@pytest.mark.parametrize(
    ("file", "name", "expected"),
    [
        ("wa_webhook_examples.json", "Text Message", Text),
        ("wa_webhook_examples.json", "Button Message", Text),
        ("wa_webhook_examples.json", "Interactive List Reply Message", Press),
        ("wa_webhook_examples.json", "Interactive Button Reply Message", Press),
        ("wa_webhook_examples.json", "Contact Sharing Message", SharedContact),
        ("wa_webhook_examples.json", "Unsupported Message", Media),
        ("wa_webhook_examples.json", "System Message", Moved),
        ("wa_webhook_fixtures/system.json", "phone_number_change", Moved),
        ("wa_webhook_fixtures/message.json", "contacts", SharedContact),
        ("wa_webhook_fixtures/message.json", "interactive_message_with_err", Media),
        ("wa_webhook_fixtures/callback_selection.json", "description", Press),
    ],
)
def test_metas_examples_mean_what_they_say(file: str, name: str, expected: type) -> None:
    """Published texts, presses, cards and notes of a change become just these events."""
    whole = bodies(file)[name]
    [(inbound, _)] = read(whole, their_number(whole)).heard
    assert isinstance(inbound.event, expected)
