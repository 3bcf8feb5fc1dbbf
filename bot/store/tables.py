"""The tables. What cannot happen is said here, as constraints; `migrations/` builds exactly this (a test compares).

"sealed" columns hold personal data encrypted with a key that is not in the database (`crypto.py`).
"""

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

OPEN_STATES = ("new", "claimed")
REQUEST_STATES = (*OPEN_STATES, "closed", "withdrawn")
# ready: to be sent; held: kept for a channel whose people fetch their messages; sent: the platform has it and will
# say what becomes of it; dead: given up.
OUTBOX_STATES = ("ready", "held", "sent", "dead")
STATUSES = ("", "sent", "delivered", "read", "failed")  # what the platform has said of a sent message

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """An aware moment, in UTC. SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


contacts = Table(
    "contacts",
    metadata,
    _id(),
    Column("session", LargeBinary, nullable=False),  # sealed
    Column("draft_at", Moment, index=True),  # when the unfinished request in the session was begun
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False, index=True),
    sqlite_autoincrement=True,  # a number is never given twice: references are made from it
)

contact_addresses = Table(
    "contact_addresses",
    metadata,
    _id(),
    Column("contact_id", ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("channel", String(20), nullable=False),
    Column("chat", String(64), nullable=False),  # keyed hash of the address, to find it by
    Column("address", LargeBinary, nullable=False),  # sealed
    Column("lasting", Boolean, nullable=False, server_default=false()),  # the platform's own id of the person; numbers change hands
    UniqueConstraint("channel", "chat"),
)

Index(
    "uq_contact_addresses_lasting",
    contact_addresses.c.contact_id,
    contact_addresses.c.channel,
    unique=True,
    sqlite_where=text("lasting"),
    postgresql_where=text("lasting"),
)

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
    _id(),
    Column("reference", String(20), nullable=False, unique=True),
    Column("contact_id", ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("topic", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("language", String(12), nullable=False),
    Column("details", LargeBinary, nullable=False),  # sealed: the answers, JSON
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("claimed_by", String(60)),
    Column("ended_at", Moment),  # closed or withdrawn
    CheckConstraint(_one_of("state", REQUEST_STATES), name="state"),
    CheckConstraint("state <> 'claimed' OR claimed_by IS NOT NULL", name="claimed_by_somebody"),
    CheckConstraint("(ended_at IS NULL) = (state IN ('new', 'claimed'))", name="ended"),
    Index("ix_requests_state", "state", "due_at"),
)
Index(
    "uq_requests_open",
    requests.c.contact_id,
    requests.c.topic,
    unique=True,
    sqlite_where=text("state IN ('new', 'claimed')"),
    postgresql_where=text("state IN ('new', 'claimed')"),
)

request_events = Table(
    "request_events",
    metadata,
    _id(),
    Column("request_id", ForeignKey("requests.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("who", String(60), nullable=False),  # "caller" or the name of a staff member
    Column("what", String(30), nullable=False),
    Column("note", Text, nullable=False, server_default=""),  # never about the person
)

consents = Table(
    "consents",
    metadata,
    _id(),
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
    _id(),
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
    Column("message", String(64), index=True),  # what the platform calls it, hashed: its id may hold the number
    Column("status", String(10), nullable=False, server_default=""),
    Column("status_at", Moment),
    CheckConstraint(_one_of("state", OUTBOX_STATES), name="state"),
    CheckConstraint(_one_of("status", STATUSES), name="status"),
    Index("ix_outbox_chat", "channel", "chat", "id"),
    sqlite_autoincrement=True,  # people fetch "everything after number n"
)
Index("ix_outbox_ready", outbox.c.id, sqlite_where=text("state = 'ready'"), postgresql_where=text("state = 'ready'"))

set_aside = Table(
    "set_aside",
    metadata,
    _id(),
    Column("channel", String(20), nullable=False),
    Column("update_id", String(100), nullable=False),
    Column("chat", String(64), nullable=False, index=True),
    Column("event", LargeBinary, nullable=False),  # sealed
    Column("error", String(200), nullable=False),  # kind and place, no values
    Column("at", Moment, nullable=False),
)

staff = Table(
    "staff",
    metadata,
    _id(),
    Column("name", String(60), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("totp", LargeBinary),  # sealed
    Column("created_at", Moment, nullable=False),
    Column("disabled_at", Moment),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
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
    _id(),
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
