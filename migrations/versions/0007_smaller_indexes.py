"""Indexes of messages hold only the rows they are asked for: every message changed each of them twice, at places all over the file.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    held = sa.text("state = 'held' OR contact_id IS NULL")
    known = sa.text("message IS NOT NULL")
    op.drop_index("ix_outbox_chat", "outbox")
    op.create_index("ix_outbox_chat", "outbox", ["channel", "chat", "id"], sqlite_where=held, postgresql_where=held)
    op.drop_index("ix_outbox_message", "outbox")
    op.create_index("ix_outbox_message", "outbox", ["message"], sqlite_where=known, postgresql_where=known)


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
