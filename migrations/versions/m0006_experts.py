"""Experts: pool, draws, committees, score sheets."""

from alembic import op

revision = "m0006_experts"
down_revision = "m0005_bidding"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
