"""Tables of uploads, bids and openings. Evidence is never updated or deleted; the migration's triggers hold that."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base

OPEN, USED, SWEPT = "open", "used", "swept"
LIVE, REPLACED, WITHDRAWN = "live", "replaced", "withdrawn"
BEGAN, FINISHED = "began", "finished"
WITHDRAWAL, CONFIRMATION = "withdrawal", "confirmation"
OPENED, REJECTED = "opened", "rejected"


class UploadRow(Base):
    """One upload session: the bodies that a bidder announced, by envelope kind and length in bytes."""

    __tablename__ = "upload"
    __table_args__ = (CheckConstraint("state IN ('open', 'used', 'swept')", name="state"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"), index=True)
    party: Mapped[str]
    user_id: Mapped[UUID]
    bodies: Mapped[list[Any]] = mapped_column(JSONB)
    state: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class PartRow(Base):
    """A part that lies durably in the store; the row is written after the object."""

    __tablename__ = "upload_part"
    __table_args__ = (CheckConstraint("length > 0 AND number >= 0", name="sane"),)

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("upload.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    length: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes]


class BidRow(Base):
    """A received bid: the signed manifest and the receipt that its bidder holds. Only its state ever changes."""

    __tablename__ = "bid"
    __table_args__ = (
        CheckConstraint("state IN ('live', 'replaced', 'withdrawn')", name="state"),
        CheckConstraint("received_at < deadline", name="in_time"),
        Index("uq_bid_live", "lot_id", "party", unique=True, postgresql_where=text("state = 'live'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"), index=True)
    party: Mapped[str]
    user_id: Mapped[UUID]
    upload_id: Mapped[UUID] = mapped_column(ForeignKey("upload.id"), unique=True)
    state: Mapped[str]
    manifest: Mapped[bytes]
    signature: Mapped[bytes]
    deadline: Mapped[datetime]
    received_at: Mapped[datetime]
    receipt: Mapped[bytes]
    token: Mapped[bytes]
    digest: Mapped[bytes] = mapped_column(unique=True)
    commitment: Mapped[bytes]
    replaces: Mapped[UUID | None] = mapped_column(ForeignKey("bid.id"), unique=True)


class StatementRow(Base):
    """What a bidder signed about a bid after its receipt: its withdrawal, or that it stands under a moved deadline."""

    __tablename__ = "bid_statement"
    __table_args__ = (
        UniqueConstraint("bid_id", "kind", "deadline"),
        CheckConstraint("kind IN ('withdrawal', 'confirmation')", name="kind"),
        CheckConstraint("made_at < deadline", name="in_time"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    bid_id: Mapped[UUID] = mapped_column(ForeignKey("bid.id"))
    kind: Mapped[str]
    deadline: Mapped[datetime]
    content: Mapped[bytes]
    receipt: Mapped[bytes]
    token: Mapped[bytes]
    commitment: Mapped[bytes]
    made_at: Mapped[datetime]


class OpeningRow(Base):
    """One opening of a lot's envelopes of one stage; the signed-for list of bids is fixed when it begins."""

    __tablename__ = "opening"
    __table_args__ = (
        UniqueConstraint("lot_id", "stage"),
        CheckConstraint("state IN ('began', 'finished')", name="state"),
        CheckConstraint("(state = 'finished') = (record IS NOT NULL)", name="record"),
        CheckConstraint("hearing_minutes >= 0", name="hearing"),
        CheckConstraint("(request IS NULL) = (request_token IS NULL)", name="request"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"))
    stage: Mapped[int]
    state: Mapped[str]
    user_id: Mapped[UUID]
    key_hash: Mapped[bytes]
    request: Mapped[bytes | None]
    request_token: Mapped[bytes | None]
    began_at: Mapped[datetime]
    hearing_minutes: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]
    record: Mapped[bytes | None]
    token: Mapped[bytes | None]
    commitment: Mapped[bytes | None]


class EntryRow(Base):
    """One envelope in an opening's fixed list, in the order in which the bids arrived."""

    __tablename__ = "opening_entry"
    __table_args__ = (UniqueConstraint("opening_id", "position"), UniqueConstraint("bid_id", "kind"))

    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"), primary_key=True)
    bid_id: Mapped[UUID] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]


class ShareRow(Base):
    """One custodian's checked answer to an opening request, as it was signed."""

    __tablename__ = "opening_share"

    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id"), primary_key=True)
    custodian: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    answer: Mapped[bytes]
    received_at: Mapped[datetime]


class VerdictRow(Base):
    """What came of one envelope: opened with its form, or rejected with a code. At most one for ever."""

    __tablename__ = "verdict"
    __table_args__ = (
        ForeignKeyConstraint(
            ["opening_id", "bid_id", "kind"], ["opening_entry.opening_id", "opening_entry.bid_id", "opening_entry.kind"]
        ),
        UniqueConstraint("bid_id", "kind"),
        CheckConstraint("outcome IN ('opened', 'rejected')", name="outcome"),
        CheckConstraint("(outcome = 'opened') = (code IS NULL)", name="code"),
    )

    opening_id: Mapped[UUID] = mapped_column(primary_key=True)
    bid_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    code: Mapped[str | None]
    form: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    made_at: Mapped[datetime]


class ExtractionRow(Base):
    """The end of taking the files out of an opened envelope; its absence means that the work is still to be done."""

    __tablename__ = "extraction"

    bid_id: Mapped[UUID] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str | None]
    made_at: Mapped[datetime]


class OpenedFileRow(Base):
    """A file of an opened envelope, in the store under its SHA-256."""

    __tablename__ = "opened_file"
    __table_args__ = (
        ForeignKeyConstraint(["bid_id", "kind"], ["extraction.bid_id", "extraction.kind"]),
        CheckConstraint("size >= 0 AND position >= 0", name="sane"),
    )

    bid_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes]
