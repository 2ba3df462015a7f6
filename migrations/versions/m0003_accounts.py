"""Accounts: users, sessions, tokens, grants, device keys, idempotency."""

from alembic import op

revision = "m0003_accounts"
down_revision = "m0002_archive"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
