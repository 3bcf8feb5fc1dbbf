"""Every kind of update of the published description passes through `parse`: an event, or nothing, never an exception."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram_parse import parse
from bot.core.model import Addressed, Event, Left, Media, Press, Returned, SharedContact, Started, Text

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ME = {"id": 1, "is_bot": True, "first_name": "Bot", "username": "oms_info_bot"}
ADA = {"id": 7, "is_bot": False, "first_name": "Ada", "last_name": "Fictional", "language_code": "en"}
CHAT = {"id": 7, "type": "private", "first_name": "Ada"}
GROUP = {"id": -100, "type": "supergroup", "title": "Parents"}


def names(text: str) -> list[str]:
    return text.split()


# Names of the fields of Update and of Message in Telegram's description, Bot API 10.1.
UPDATE_FIELDS = names(
    """message edited_message channel_post edited_channel_post business_connection business_message edited_business_message
deleted_business_messages guest_message message_reaction message_reaction_count inline_query chosen_inline_result callback_query
shipping_query pre_checkout_query purchased_paid_media poll poll_answer my_chat_member chat_member chat_join_request chat_boost
removed_chat_boost managed_bot"""
)
MESSAGE_FIELDS = names(
    """message_thread_id direct_messages_topic sender_chat sender_boost_count sender_business_bot sender_tag guest_query_id
business_connection_id forward_origin is_topic_message is_automatic_forward reply_to_message external_reply quote reply_to_story
reply_to_checklist_task_id reply_to_poll_option_id via_bot guest_bot_caller_user guest_bot_caller_chat edit_date
has_protected_content is_from_offline is_paid_post media_group_id author_signature paid_star_count text entities
link_preview_options suggested_post_info effect_id rich_message animation audio document live_photo paid_media photo sticker story
video video_note voice caption caption_entities show_caption_above_media has_media_spoiler checklist contact dice game poll venue
location new_chat_members left_chat_member chat_owner_left chat_owner_changed new_chat_title new_chat_photo delete_chat_photo
group_chat_created supergroup_chat_created channel_chat_created message_auto_delete_timer_changed migrate_to_chat_id
migrate_from_chat_id pinned_message invoice successful_payment refunded_payment users_shared chat_shared gift unique_gift
gift_upgrade_sent connected_website write_access_allowed passport_data proximity_alert_triggered boost_added chat_background_set
checklist_tasks_done checklist_tasks_added direct_message_price_changed forum_topic_created forum_topic_edited forum_topic_closed
forum_topic_reopened general_forum_topic_hidden general_forum_topic_unhidden giveaway_created giveaway giveaway_winners
giveaway_completed managed_bot_created paid_message_price_changed poll_option_added poll_option_deleted suggested_post_approved
suggested_post_approval_failed suggested_post_declined suggested_post_paid suggested_post_refunded video_chat_scheduled
video_chat_started video_chat_ended video_chat_participants_invited web_app_data reply_markup"""
)
MEDIA = names(
    """rich_message animation audio document live_photo paid_media photo sticker story video video_note voice checklist dice game poll
venue location"""
)
VALUES: tuple[Any, ...] = ({}, [], {"id": 1}, "words", 7, True, None, [{"file_id": "a"}])


def event(update: dict[str, Any]) -> Event | None:
    inbound = parse({"update_id": 5, **update}, NOW, ME)
    return inbound.event if inbound else None


def message(**fields: Any) -> dict[str, Any]:
    return {"message_id": 3, "date": 1, "from": ADA, "chat": CHAT, **fields}


@pytest.mark.parametrize("field", UPDATE_FIELDS)
def test_every_kind_of_update_passes(field: str) -> None:
    """Each field of Update, with plausible and with absurd content, ends in an event or in nothing."""
    for content in (*VALUES, message(text="hi"), message(data="home", message=message()), message(new_chat_member={"status": "kicked"})):
        found = event({field: content})
        if field not in ("message", "callback_query", "my_chat_member"):
            assert found is None


@pytest.mark.parametrize("field", MESSAGE_FIELDS)
def test_every_field_of_a_message_passes(field: str) -> None:
    """Each field of Message, with plausible and with absurd content, ends in an event or in nothing; media in one kind answer."""
    found = [event({kind: message(**{field: value})}) for value in VALUES for kind in ("message", "edited_message")]
    if field in MEDIA:
        assert found[::2] == [Media()] * len(VALUES)
        assert found[1::2] == [None] * len(VALUES)
    elif field not in ("text", "contact"):
        assert found == [None] * len(found)


KEYS = st.sampled_from([*UPDATE_FIELDS, "update_id", "from", "chat", "id", "type", "text", "contact", "data"])
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner))


@given(JSON)
def test_no_json_breaks_it(update: object) -> None:
    """Whatever JSON comes, `parse` returns."""
    parse(update, NOW, ME)


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ({"message": message(text="sleep")}, Text("sleep")),
        ({"edited_message": message(text="sleep", edit_date=2)}, None),
        ({"message": message(photo=[{}], caption="help")}, Media("help")),
        ({"message": message(text="/help he is not breathing")}, Text("help he is not breathing")),
        ({"message": message(text="/start\ncallback")}, Started("callback")),
        ({"message": message(chat=GROUP, text="ask @oms_info_botanist or x@oms_info_bot.de")}, None),
        ({"message": message(text="/start")}, Started()),
        ({"message": message(text="/start callback")}, Started("callback")),
        ({"message": message(text="/start@oms_info_bot symptoms__eyes")}, Started("symptoms__eyes")),
        ({"message": message(text="/menu@oms_info_bot")}, Text("menu")),
        ({"message": message(contact={"phone_number": "4915155501234", "user_id": 7})}, SharedContact("4915155501234", own=True)),
        ({"message": message(contact={"phone_number": "4915155501234", "user_id": 8})}, SharedContact("4915155501234", own=False)),
        ({"message": message(contact={"phone_number": "4915155501234"})}, SharedContact("4915155501234", own=False)),
        ({"message": message(forward_origin={"type": "user"}, text="sleep")}, Text("sleep")),
        ({"callback_query": {"id": "1", "from": ADA, "message": message(), "data": "page:symptoms"}}, Press("page:symptoms")),
        (
            {"callback_query": {"id": "1", "from": ADA, "message": {"chat": CHAT, "message_id": 3, "date": 0}, "data": "home"}},
            Press("home"),
        ),
        ({"callback_query": {"id": "1", "from": ADA, "message": message(), "game_short_name": "x"}}, None),
        ({"my_chat_member": {"from": ADA, "chat": CHAT, "new_chat_member": {"status": "kicked"}}}, Left()),
        ({"my_chat_member": {"from": ADA, "chat": CHAT, "new_chat_member": {"status": "member"}}}, Returned()),
        ({"message": message(**{"from": {**ADA, "is_bot": True}}, text="hi")}, None),
        ({"message": message(chat=GROUP, text="hello everybody")}, None),
        ({"message": message(chat=GROUP, text="@OMS_info_bot what is OMS?")}, Addressed("https://t.me/oms_info_bot")),
        ({"message": message(chat=GROUP, text="/menu@oms_info_bot")}, Addressed("https://t.me/oms_info_bot")),
        ({"message": message(chat=GROUP, text="and you?", reply_to_message={"from": ME})}, Addressed("https://t.me/oms_info_bot")),
        ({"edited_message": message(chat=GROUP, text="@oms_info_bot")}, None),
        ({"channel_post": {"chat": {"id": -5, "type": "channel"}, "text": "@oms_info_bot"}}, None),
    ],
)
def test_what_an_update_means(update: dict[str, Any], expected: Event | None) -> None:
    """What people do on Telegram becomes the event it stands for."""
    assert event(update) == expected


def test_an_album_is_one_thing() -> None:
    """The pictures of an album carry one identity, so that they are answered once."""
    pictures = [parse({"update_id": n, "message": message(photo=[{}], media_group_id="g1")}, NOW, ME) for n in (5, 6, 7)]
    assert {picture.update_id for picture in pictures if picture} == {"album:g1"}
    alone = parse({"update_id": 8, "message": message(photo=[{}])}, NOW, ME)
    assert alone is not None
    assert alone.update_id == "8"


def test_the_sender_is_known_by_name_and_language() -> None:
    """The profile comes with each message and nothing else of the sender does."""
    inbound = parse({"update_id": 5, "message": message(text="hi")}, NOW, ME)
    assert inbound is not None
    assert (inbound.sender.name, inbound.sender.language, inbound.sender.phone) == ("Ada Fictional", "en", "")
    assert (inbound.address, inbound.update_id, inbound.origin) == ("7", "5", "")
