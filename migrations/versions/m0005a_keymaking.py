"""Bidding: the making of opening keys by custodians, and the keys that lots take."""

revision = "m0005a_keymaking"
down_revision = "m0004_trading"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
