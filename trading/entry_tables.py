"""Tables of the way to a bid: sketches of tenders, questions and answers, halls and their bookings.

That bookings of a hall never overlap in seats and time is the exclusion constraint's promise, which no race breaks.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import INT4RANGE, JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base


class SketchRow(Base):
    """A tender being written, by one person, before it is registered or amended. Work in progress, no evidence."""

    __tablename__ = "tender_sketch"
    __table_args__ = (UniqueConstraint("by", "tender_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    by: Mapped[UUID]
    tender_id: Mapped[UUID | None] = mapped_column(ForeignKey("tender.id"))
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_at: Mapped[datetime]


class QuestionRow(Base):
    """A question of somebody who took the documents. Who asked is secret until the opening (法22). Evidence."""

    __tablename__ = "question"
    __table_args__ = (
        ForeignKeyConstraint(["lot_id", "bidder"], ["document_issue.lot_id", "document_issue.bidder"]),
        Index("ix_question_lot", "lot_id", "at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID]
    bidder: Mapped[str]
    text: Mapped[str]
    by: Mapped[UUID]
    at: Mapped[datetime]


class AnswerRow(Base):
    """The answer to a question as published with a notice, under the wording in which it was published. Evidence."""

    __tablename__ = "question_answer"

    question_id: Mapped[UUID] = mapped_column(ForeignKey("question.id"), primary_key=True)
    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notice.id"))
    wording: Mapped[str]
    text: Mapped[str]


class JudgeRow(Base):
    """A seat on the committee of a lot, as `experts.committees` tells it; that package holds its history."""

    __tablename__ = "lot_judge"

    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)


class HallRow(Base):
    """A hall of a site with its numbered seats. Evidence."""

    __tablename__ = "hall"
    __table_args__ = (
        UniqueConstraint("site", "name"),
        CheckConstraint("kind IN ('opening', 'evaluation')", name="kind"),
        CheckConstraint("seats BETWEEN 1 AND 500", name="seats"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("site.code"))
    name: Mapped[str]
    kind: Mapped[str]
    seats: Mapped[int]
    established_at: Mapped[datetime]


class BookingRow(Base):
    """Seats of a hall, kept for a lot during a time; cancelled with a reason, never changed."""

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("lower(seats) >= 1 AND NOT upper_inf(seats)", name="seats"),
        CheckConstraint("NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)", name="during"),
        CheckConstraint(
            "(cancelled_at IS NULL) = (cancelled_by IS NULL) AND (cancelled_at IS NULL) = (reason = '')",
            name="cancelled",
        ),
        ExcludeConstraint(
            ("hall_id", "="),
            ("seats", "&&"),
            ("during", "&&"),
            name="ex_booking_clash",
            using="gist",
            where=text("cancelled_at IS NULL"),
        ),
        Index("ix_booking_lot", "lot_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    hall_id: Mapped[UUID] = mapped_column(ForeignKey("hall.id"))
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"))
    seats: Mapped[Range[int]] = mapped_column(INT4RANGE)
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    by: Mapped[UUID]
    at: Mapped[datetime]
    cancelled_by: Mapped[UUID | None]
    cancelled_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(server_default=text("''"))
