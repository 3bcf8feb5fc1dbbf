"""The tables of the desk: what staff find requests by, their accounts, what they were told."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from bot.store.columns import Moment, identity, metadata, one_of

ROLES = ("staff", "admin")

request_keys = Table(  # what a request is found by: keyed hashes of words of the name, of the number, of the address
    "request_keys",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("request_id", ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True, index=True),
)

cards = Table(  # the message in the staff group about a request
    "cards",
    metadata,
    Column("request_id", ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    Column("message", String(64), nullable=False),  # what Telegram calls it; "" while it is being sent for the first time
    Column("shown", String(64), nullable=False, server_default=""),  # digest of what it says
    Column("at", Moment, nullable=False),
)

reminders = Table(  # staff were reminded, once, of something that was to be done by a moment
    "reminders",
    metadata,
    Column("request_id", ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("about", Moment, primary_key=True),
    Column("at", Moment, nullable=False),
)

staff = Table(
    "staff",
    metadata,
    identity(),
    Column("name", String(60), nullable=False, unique=True),
    Column("role", String(10), nullable=False),
    Column("language", String(12), nullable=False),  # of the console
    Column("password_hash", Text, nullable=False),
    Column("totp", LargeBinary),  # sealed
    Column("totp_step", Integer),  # of the last one-time code that counted: none counts twice
    Column("telegram", String(64), unique=True),  # keyed hash of their id there
    Column("link_code", String(64)),  # hash of the code that links their Telegram
    Column("link_until", Moment),
    Column("created_at", Moment, nullable=False),
    Column("disabled_at", Moment),
    CheckConstraint(one_of("role", ROLES), name="role"),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

sign_ins = Table(  # that failed, by keyed hash of the name or of where they came from
    "sign_ins",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("at", Moment, nullable=False, index=True),  # of the last one
)

staff_events = Table(  # what staff did that concerns no single request
    "staff_events",
    metadata,
    identity(),
    Column("at", Moment, nullable=False, index=True),
    Column("who", String(60), nullable=False),
    Column("what", String(30), nullable=False),
    Column("about", String(200), nullable=False, server_default=""),  # never about a caller
)
