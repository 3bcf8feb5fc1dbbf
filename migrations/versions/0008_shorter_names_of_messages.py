"""What WhatsApp's messages are called is half as long. Such names lie all over their indexes, and each message touches several.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The first half of the name that the message had: what comes again, or is reported, is still known.
    op.execute("UPDATE inbox SET update_id = substr(update_id, 1, 32) WHERE channel = 'whatsapp' AND length(update_id) = 64")
    op.execute("UPDATE outbox SET message = substr(message, 1, 32) WHERE channel = 'whatsapp' AND length(message) = 64")


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
