"""Tables of the opening room: what was said, paused, noted and closed. All of it is evidence and final."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base

CONFIRMED, OBJECTED = "confirmed", "objected"
PAUSE, RESUME = "pause", "resume"
DEVICE, FACTOR = "device", "factor"
FAILED = ("platform", "network", "power", "decryption", "display", "other")
CAUSES = ("bidder", "other", "unknown")
DECISIONS = ("continue", "pause", "postpone", "remedy")


class RemarkRow(Base):
    """A bidder's word on what was read out: no objection, or an objection with its text."""

    __tablename__ = "opening_remark"
    __table_args__ = (
        CheckConstraint("kind IN ('confirmed', 'objected')", name="kind"),
        CheckConstraint("(kind = 'objected') = (content <> '')", name="content"),
        Index(
            "uq_opening_remark_confirmed",
            "opening_id",
            "party",
            unique=True,
            postgresql_where=text("kind = 'confirmed'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"), index=True)
    party: Mapped[str]
    user_id: Mapped[UUID]
    name: Mapped[str]
    kind: Mapped[str]
    content: Mapped[str]
    made_at: Mapped[datetime]


class AnswerRow(Base):
    """The answer to an objection, given on the spot (实施条例 第四十四条) for a party, or by the witness (None)."""

    __tablename__ = "opening_answer"

    remark_id: Mapped[UUID] = mapped_column(ForeignKey("opening_remark.id"), primary_key=True)
    party: Mapped[str | None]
    user_id: Mapped[UUID]
    name: Mapped[str]
    content: Mapped[str]
    made_at: Mapped[datetime]


class OrderRow(Base):
    """Somebody's order to pause or resume an opening; it counts once another person has consented."""

    __tablename__ = "opening_order"
    __table_args__ = (
        CheckConstraint("kind IN ('pause', 'resume')", name="kind"),
        CheckConstraint("reason <> ''", name="reason"),
        UniqueConstraint("id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"), index=True)
    kind: Mapped[str]
    reason: Mapped[str]
    user_id: Mapped[UUID]
    name: Mapped[str]
    made_at: Mapped[datetime]


class ConsentRow(Base):
    """The second person's consent to an order, by a device's signature or by a second factor shown at that moment."""

    __tablename__ = "opening_consent"
    __table_args__ = (
        ForeignKeyConstraint(["order_id", "ordered_by"], ["opening_order.id", "opening_order.user_id"]),
        CheckConstraint("user_id <> ordered_by", name="second"),
        CheckConstraint("method IN ('device', 'factor')", name="method"),
        CheckConstraint("(method = 'device') = (statement IS NOT NULL)", name="statement"),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    ordered_by: Mapped[UUID]
    user_id: Mapped[UUID]
    name: Mapped[str]
    method: Mapped[str]
    statement: Mapped[bytes | None]
    made_at: Mapped[datetime]


class OutageRow(Base):
    """What failed, since when, through whom, who was told, what was decided (电子招标投标办法 第三十一条)."""

    __tablename__ = "opening_outage"
    __table_args__ = (
        CheckConstraint("stage > 0 AND since <= made_at", name="sane"),
        CheckConstraint("told <> '' AND note <> ''", name="whole"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"), index=True)
    stage: Mapped[int]
    failed: Mapped[str]
    cause: Mapped[str]
    since: Mapped[datetime]
    told: Mapped[str]
    decision: Mapped[str]
    note: Mapped[str]
    user_id: Mapped[UUID]
    name: Mapped[str]
    made_at: Mapped[datetime]


class ClosingRow(Base):
    """The witness's word that the opening is over; the record follows."""

    __tablename__ = "opening_closing"

    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"), primary_key=True)
    user_id: Mapped[UUID]
    name: Mapped[str]
    made_at: Mapped[datetime]


class PaperRow(Base):
    """The opening record as a signed PDF."""

    __tablename__ = "opening_paper"

    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"), primary_key=True)
    content: Mapped[bytes]
    digest: Mapped[bytes]
    made_at: Mapped[datetime]
