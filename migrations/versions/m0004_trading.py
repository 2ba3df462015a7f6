"""Trading: sites, parties, tenders, lots, documents, notices."""

from alembic import op

revision = "m0004_trading"
down_revision = "m0003_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
