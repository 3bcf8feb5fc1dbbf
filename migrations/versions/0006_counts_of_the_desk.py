"""The counts on every page of the desk, and "mine", from an index alone.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_requests_desk", "requests", ["state", "claimed_by", "next_at"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
