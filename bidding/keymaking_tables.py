"""Tables of key making. Messages and complaints are evidence; a key is given to one lot once and for ever."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base

DEALING, CERTIFYING, FINISHED, ABORTED = "dealing", "certifying", "finished", "aborted"
DEAL, CERTIFICATE = "deal", "certificate"


class CeremonyRow(Base):
    """One key making. `purchaser` is the party whose lots may take its keys, at `site` (division code)."""

    __tablename__ = "key_ceremony"
    __table_args__ = (
        CheckConstraint("state IN ('dealing', 'certifying', 'finished', 'aborted')", name="state"),
        CheckConstraint("threshold BETWEEN 2 AND size - 1 AND size <= 7", name="quorum"),
        CheckConstraint("count BETWEEN 1 AND 256", name="count"),
        CheckConstraint("(state = 'finished') = (transcript IS NOT NULL)", name="finished"),
        CheckConstraint("(transcript IS NULL) = (transcript_hash IS NULL)", name="hash"),
        CheckConstraint("(state = 'aborted') = (reason IS NOT NULL)", name="aborted"),
        CheckConstraint("(state IN ('finished', 'aborted')) = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("expires_at > made_at", name="expiry"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("site.code"), index=True)
    purchaser: Mapped[str] = mapped_column(ForeignKey("party.uscc"))
    setup: Mapped[bytes]
    threshold: Mapped[int]
    size: Mapped[int]
    count: Mapped[int]
    state: Mapped[str]
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    blamed: Mapped[int | None]
    transcript: Mapped[bytes | None]
    transcript_hash: Mapped[bytes | None] = mapped_column(unique=True)


class CustodianRow(Base):
    """A custodian of one key making, as named in its setup."""

    __tablename__ = "key_custodian"
    __table_args__ = (
        UniqueConstraint("ceremony_id", "user_id"),
        UniqueConstraint("ceremony_id", "device_key"),
        CheckConstraint("number BETWEEN 1 AND 7", name="number"),
        CheckConstraint("octet_length(device_key) = 32", name="device_key"),
        CheckConstraint("role IN ('witness', 'purchaser', 'supervisor')", name="role"),
        Index("ix_key_custodian_user_id", "user_id"),
    )

    ceremony_id: Mapped[UUID] = mapped_column(ForeignKey("key_ceremony.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    device_key: Mapped[bytes]
    role: Mapped[str]


class MessageRow(Base):
    """A custodian's one message of a round, as it was signed. Evidence."""

    __tablename__ = "key_message"
    __table_args__ = (
        ForeignKeyConstraint(["ceremony_id", "number"], ["key_custodian.ceremony_id", "key_custodian.number"]),
        CheckConstraint("round IN ('deal', 'certificate')", name="round"),
    )

    ceremony_id: Mapped[UUID] = mapped_column(primary_key=True)
    round: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes]
    received_at: Mapped[datetime]


class ComplaintRow(Base):
    """The complaint, found true, that ended a key making. Evidence."""

    __tablename__ = "key_complaint"
    __table_args__ = (
        ForeignKeyConstraint(["ceremony_id", "number"], ["key_custodian.ceremony_id", "key_custodian.number"]),
    )

    ceremony_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int]
    dealer: Mapped[int]
    content: Mapped[bytes]
    made_at: Mapped[datetime]


class OpeningKeyRow(Base):
    """One key of a finished batch; `lot_id` is set once. `verification_shares` are X_1 … X_n, 32 bytes each."""

    __tablename__ = "opening_key"
    __table_args__ = (
        UniqueConstraint("ceremony_id", "number"),
        UniqueConstraint("lot_id"),
        CheckConstraint("octet_length(key_hash) = 32 AND octet_length(public_key) = 32", name="sizes"),
        CheckConstraint("(lot_id IS NULL) = (assigned_at IS NULL)", name="assigned"),
    )

    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    ceremony_id: Mapped[UUID] = mapped_column(ForeignKey("key_ceremony.id"))
    number: Mapped[int]
    public_key: Mapped[bytes]
    verification_shares: Mapped[bytes]
    lot_id: Mapped[UUID | None] = mapped_column(ForeignKey("lot.id"))
    assigned_at: Mapped[datetime | None]
