"""The desk: what staff do next and have tried, what requests are found by, accounts with roles, cards, reminders."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _requests()
    _accounts()
    op.create_table(
        "cards",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("message", sa.String(length=64), nullable=False),
        sa.Column("shown", sa.String(length=64), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_cards_request_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_cards")),
    )
    op.create_table(
        "reminders",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("about", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_reminders_request_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("request_id", "kind", "about", name=op.f("pk_reminders")),
    )


def _requests() -> None:
    op.add_column("requests", sa.Column("next_at", sa.DateTime(timezone=True)))
    op.add_column("requests", sa.Column("attempts", sa.Integer(), server_default="0", nullable=False))
    op.add_column("requests", sa.Column("first_attempt_at", sa.DateTime(timezone=True)))
    op.add_column("requests", sa.Column("outcome", sa.String(length=20), server_default="", nullable=False))
    op.execute("UPDATE requests SET next_at = due_at")
    op.drop_index("ix_requests_state", "requests")
    op.create_index("ix_requests_state", "requests", ["state", "next_at"])
    op.create_index("ix_requests_outcome", "requests", ["state", "outcome", "created_at"])
    op.create_index(op.f("ix_requests_ended_at"), "requests", ["ended_at"])
    op.add_column("request_events", sa.Column("words", sa.LargeBinary()))
    op.create_table(
        "request_keys",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_request_keys_request_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", "request_id", name=op.f("pk_request_keys")),
    )
    op.create_index(op.f("ix_request_keys_request_id"), "request_keys", ["request_id"])


def _accounts() -> None:
    # Nobody could have an account before.
    op.drop_table("staff_sessions")
    op.drop_table("staff")
    op.create_table(
        "staff",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=True),
        sa.Column("telegram", sa.String(length=64), nullable=True),
        sa.Column("link_code", sa.String(length=64), nullable=True),
        sa.Column("link_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('staff', 'admin')", name=op.f("ck_staff_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("name", name=op.f("uq_staff_name")),
        sa.UniqueConstraint("telegram", name=op.f("uq_staff_telegram")),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_sessions_staff_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_sessions")),
    )
    op.create_index(op.f("ix_staff_sessions_staff_id"), "staff_sessions", ["staff_id"])
    op.create_table(
        "sign_ins",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_ins")),
    )
    op.create_index(op.f("ix_sign_ins_at"), "sign_ins", ["at"])
    op.create_table(
        "staff_events",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=60), nullable=False),
        sa.Column("what", sa.String(length=30), nullable=False),
        sa.Column("about", sa.String(length=200), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_events")),
    )
    op.create_index(op.f("ix_staff_events_at"), "staff_events", ["at"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
