"""Bidding: opening keys, bids, parts, receipts, openings."""

from alembic import op

revision = "m0005_bidding"
down_revision = "m0005a_keymaking"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
