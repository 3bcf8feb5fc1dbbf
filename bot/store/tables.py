"""The tables. What cannot happen is said here, as constraints; `migrations/` builds exactly this (a test compares).

"sealed" columns hold personal data encrypted with a key that is not in the database (`crypto.py`).
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from bot.store import staff_tables  # noqa: F401 completes the metadata
from bot.store.columns import Moment, identity, one_of, partial
from bot.store.columns import metadata as metadata  # whole, with this module

OPEN_STATES = ("new", "claimed")
REQUEST_STATES = (*OPEN_STATES, "closed", "withdrawn")
# ready: to be sent; held: kept for a channel whose people fetch their messages; sent: the platform has it and will
# say what becomes of it; dead: given up.
OUTBOX_STATES = ("ready", "held", "sent", "dead")
STATUSES = ("", "sent", "delivered", "read", "failed")  # what the platform has said of a sent message

contacts = Table(
    "contacts",
    metadata,
    identity(),
    Column("session", LargeBinary, nullable=False),  # sealed
    Column("draft_at", Moment, index=True),  # when the unfinished request in the session was begun
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False, index=True),
    sqlite_autoincrement=True,  # a number is never given twice: references are made from it
)

contact_addresses = Table(
    "contact_addresses",
    metadata,
    identity(),
    Column("contact_id", ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("channel", String(20), nullable=False),
    Column("chat", String(64), nullable=False),  # keyed hash of the address, to find it by
    Column("address", LargeBinary, nullable=False),  # sealed
    Column("lasting", Boolean, nullable=False, server_default=false()),  # the platform's own id of the person; numbers change hands
    UniqueConstraint("channel", "chat"),
)

partial("uq_contact_addresses_lasting", contact_addresses.c.contact_id, contact_addresses.c.channel, where="lasting", unique=True)

inbox = Table(
    "inbox",
    metadata,
    Column("channel", String(20), primary_key=True),
    Column("update_id", String(100), primary_key=True),
    Column("at", Moment, nullable=False, index=True),
)

requests = Table(
    "requests",
    metadata,
    identity(),
    Column("reference", String(20), nullable=False, unique=True),
    Column("contact_id", ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("topic", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("language", String(12), nullable=False),  # of the chat
    Column("details", LargeBinary, nullable=False),  # sealed: the answers, JSON
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),  # what was promised
    Column("claimed_by", String(60)),
    Column("ended_at", Moment, index=True),  # closed or withdrawn
    Column("next_at", Moment),  # when staff must do something next: what was promised, then what they plan
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("first_attempt_at", Moment),
    Column("outcome", String(20), nullable=False, server_default=""),  # how it was closed
    Column("call_language", String(12), nullable=False, server_default=""),  # of the call, as the answers say it: staff filter by it
    CheckConstraint(one_of("state", REQUEST_STATES), name="state"),
    CheckConstraint("state <> 'claimed' OR claimed_by IS NOT NULL", name="claimed_by_somebody"),
    CheckConstraint("(ended_at IS NULL) = (state IN ('new', 'claimed'))", name="ended"),
    Index("ix_requests_state", "state", "next_at"),
    Index("ix_requests_desk", "state", "claimed_by", "next_at"),  # for the counts on every page
    Index("ix_requests_outcome", "state", "outcome", "created_at"),  # for statistics
)
partial("uq_requests_open", requests.c.contact_id, requests.c.topic, where="state IN ('new', 'claimed')", unique=True)

request_events = Table(
    "request_events",
    metadata,
    identity(),
    Column("request_id", ForeignKey("requests.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("who", String(60), nullable=False),  # "caller" or the name of a staff member
    Column("what", String(30), nullable=False),
    Column("note", Text, nullable=False, server_default=""),  # never about the person
    Column("words", LargeBinary),  # sealed: what staff wrote
)

consents = Table(
    "consents",
    metadata,
    identity(),
    Column("contact_id", ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("version", String(20), nullable=False),
    Column("language", String(12), nullable=False),
    Column("text", Text, nullable=False),
    Column("given_at", Moment, nullable=False),
    Column("withdrawn_at", Moment),
)

outbox = Table(
    "outbox",
    metadata,
    identity(),
    Column("channel", String(20), nullable=False),
    Column("chat", String(64), nullable=False),
    Column("contact_id", ForeignKey("contacts.id", ondelete="SET NULL"), index=True),
    Column("address", LargeBinary, nullable=False),  # sealed
    Column("body", LargeBinary, nullable=False),  # sealed: a Reply, JSON
    Column("origin", String(64), nullable=False, server_default=""),  # the message it may replace
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("leased_until", Moment),  # whose it is until then; afterwards any instance may send it
    Column("leased_by", String(40)),
    Column("created_at", Moment, nullable=False),
    Column("error", String(200), nullable=False, server_default=""),  # why it is dead; no personal data
    Column("message", String(64)),  # what the platform calls it, hashed: its id may hold the number
    Column("status", String(10), nullable=False, server_default=""),
    Column("status_at", Moment),
    CheckConstraint(one_of("state", OUTBOX_STATES), name="state"),
    CheckConstraint(one_of("status", STATUSES), name="status"),
    sqlite_autoincrement=True,  # people fetch "everything after number n"
)
partial("ix_outbox_ready", outbox.c.id, where="state = 'ready'")
# To fetch what is held, and to forget what is nobody's. All messages in it would cost a tenth of what a message costs.
partial("ix_outbox_chat", outbox.c.channel, outbox.c.chat, outbox.c.id, where="state = 'held' OR contact_id IS NULL")
partial("ix_outbox_message", outbox.c.message, where="message IS NOT NULL")

set_aside = Table(
    "set_aside",
    metadata,
    identity(),
    Column("channel", String(20), nullable=False),
    Column("update_id", String(100), nullable=False),
    Column("chat", String(64), nullable=False, index=True),
    Column("event", LargeBinary, nullable=False),  # sealed
    Column("error", String(200), nullable=False),  # kind and place, no values
    Column("at", Moment, nullable=False),
)

daily_counts = Table(
    "daily_counts",
    metadata,
    Column("day", Date, primary_key=True),
    Column("name", String(30), primary_key=True),
    Column("detail", String(100), primary_key=True),
    Column("count", Integer, nullable=False),
)

job_runs = Table(
    "job_runs",
    metadata,
    identity(),
    Column("job", String(30), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("affected", Integer, nullable=False),
)

leases = Table(  # what only one of several instances does at a time
    "leases",
    metadata,
    Column("name", String(30), primary_key=True),
    Column("holder", String(40), nullable=False),
    Column("until", Moment, nullable=False),
)

vault = Table(
    "vault",
    metadata,
    Column("name", String(30), primary_key=True),
    Column("secret", LargeBinary, nullable=False),  # sealed
)
