"""Which days are working days."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base


class CalendarDay(Base):
    """One day of a year whose holidays are known, or that somebody decided upon."""

    __tablename__ = "calendar_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    reason: Mapped[str]
    """Why somebody changed it; empty as seeded."""
    changed_by: Mapped[UUID | None]
    changed_at: Mapped[datetime | None]
