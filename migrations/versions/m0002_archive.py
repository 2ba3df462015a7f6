"""Archive: the trail, tiles, checkpoints, objects."""

from alembic import op

revision = "m0002_archive"
down_revision = "m0001_kernel"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
