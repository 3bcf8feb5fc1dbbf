"""Lasting ids beside addresses; rows of the outbox that stay until the platform has said what became of them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OLD = (
    "id", "channel", "chat", "contact_id", "address", "body", "origin", "state", "attempts", "leased_until", "leased_by",
    "created_at", "error",
)  # fmt: skip
_INDEXES = ("ix_outbox_chat", "ix_outbox_contact_id", "ix_outbox_ready")


def upgrade() -> None:
    op.add_column("contact_addresses", sa.Column("lasting", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "uq_contact_addresses_lasting",
        "contact_addresses",
        ["contact_id", "channel"],
        unique=True,
        sqlite_where=sa.text("lasting"),
        postgresql_where=sa.text("lasting"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
    else:
        op.drop_constraint(op.f("ck_outbox_state"), "outbox", type_="check")
        op.create_check_constraint(op.f("ck_outbox_state"), "outbox", "state IN ('ready', 'held', 'sent', 'dead')")
        for column in _new_columns():
            op.add_column("outbox", column)
        op.create_check_constraint(op.f("ck_outbox_status"), "outbox", "status IN ('', 'sent', 'delivered', 'read', 'failed')")
    op.create_index(op.f("ix_outbox_message"), "outbox", ["message"], unique=False)


def _new_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("message", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=10), server_default="", nullable=False),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=True),
    ]


def _rebuild() -> None:
    """SQLite cannot change a CHECK. Nothing refers to this table, so it can be made anew; its numbers go on where they were."""
    for index in _INDEXES:
        op.drop_index(index, "outbox")
    op.execute("ALTER TABLE outbox RENAME TO outbox_before")
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("chat", sa.String(length=64), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("origin", sa.String(length=64), server_default="", nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_by", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.String(length=200), server_default="", nullable=False),
        *_new_columns(),
        sa.CheckConstraint("state IN ('ready', 'held', 'sent', 'dead')", name=op.f("ck_outbox_state")),
        sa.CheckConstraint("status IN ('', 'sent', 'delivered', 'read', 'failed')", name=op.f("ck_outbox_status")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_outbox_contact_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    columns = ", ".join(_OLD)
    op.execute(f"INSERT INTO outbox ({columns}) SELECT {columns} FROM outbox_before ORDER BY id")  # noqa: S608 our own names
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
    op.execute("UPDATE sqlite_sequence SET name = 'outbox' WHERE name = 'outbox_before'")
    op.execute("DROP TABLE outbox_before")
    op.create_index("ix_outbox_chat", "outbox", ["channel", "chat", "id"], unique=False)
    op.create_index(op.f("ix_outbox_contact_id"), "outbox", ["contact_id"], unique=False)
    op.create_index("ix_outbox_ready", "outbox", ["id"], unique=False, sqlite_where=sa.text("state = 'ready'"))
