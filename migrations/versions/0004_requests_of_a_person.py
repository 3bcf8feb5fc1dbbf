"""An index: the requests of a person are looked up with each of their messages."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_requests_contact_id"), "requests", ["contact_id"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
