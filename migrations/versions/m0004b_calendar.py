"""The calendar of working days."""

from alembic import op

revision = "m0004b_calendar"
down_revision = "m0004a_entry"
branch_labels = None
depends_on = None

CALENDAR = """
CREATE TABLE calendar_day (
    day date CONSTRAINT pk_calendar_day PRIMARY KEY,
    working boolean NOT NULL,
    reason varchar NOT NULL,
    changed_by uuid,
    changed_at timestamptz
);
"""


def upgrade() -> None:
    op.execute(CALENDAR)
