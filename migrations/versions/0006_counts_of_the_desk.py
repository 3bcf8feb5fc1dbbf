"""The counts on every page of the desk, and "mine", from an index alone; the language of the call, to filter by.

Answers are sealed, and no migration opens them: existing requests get the language of the chat, until answers are next written.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_requests_desk", "requests", ["state", "claimed_by", "next_at"])
    op.add_column("requests", sa.Column("call_language", sa.String(length=12), server_default="", nullable=False))
    op.execute("UPDATE requests SET call_language = language")


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
