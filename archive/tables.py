"""Tables of the trail. Everything here is evidence: rows are inserted and never changed (triggers in m0002_archive).

Tiles are not stored: a tile of level 0 is made from the entries, a higher one from `LogNode`, so a partial tile costs
nothing and nothing that was published can be rewritten.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base


class EventRow(Base):
    """An event with its salt. `number` is the order of arrival, which has gaps: never a cursor."""

    __tablename__ = "event"
    __table_args__ = (
        CheckConstraint("octet_length(commitment) = 32", name="commitment"),
        CheckConstraint("octet_length(salt) = 32", name="salt"),
        Index("ix_event_trade", "trade", postgresql_where="trade IS NOT NULL"),
        Index("ix_event_at", "at", postgresql_using="brin"),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[UUID]
    trade: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(Text)
    commitment: Mapped[bytes] = mapped_column(unique=True)
    salt: Mapped[bytes]
    body: Mapped[bytes]


class PendingRow(Base):
    """An event that waits for its index: put here by a trigger on `event`, taken out when it is in the log."""

    __tablename__ = "event_pending"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    commitment: Mapped[bytes]


class LogEntry(Base):
    """The place of an event in the log. A trigger keeps the indexes contiguous and the events existing."""

    __tablename__ = "log_entry"
    __table_args__ = (CheckConstraint('"index" >= 0', name="index"),)

    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event: Mapped[int] = mapped_column(BigInteger, unique=True)


class LogNode(Base):
    """The hash over the ``256**level`` leaves from leaf ``index * 256**level``; `level` is that of the tile, from 1."""

    __tablename__ = "log_node"
    __table_args__ = (
        CheckConstraint('level BETWEEN 1 AND 7 AND "index" >= 0', name="place"),
        CheckConstraint("octet_length(hash) = 32", name="hash"),
    )

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes]


class LogCheckpoint(Base):
    """A signed checkpoint. `peaks` is the right edge of the tree, 32 bytes for each complete subtree, largest first."""

    __tablename__ = "log_checkpoint"
    __table_args__ = (CheckConstraint("size > 0", name="size"),)

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    peaks: Mapped[bytes]
    note: Mapped[str] = mapped_column(Text)


class LogStamp(Base):
    """The RFC 3161 response over SHA-256 of a checkpoint's note."""

    __tablename__ = "log_stamp"

    size: Mapped[int] = mapped_column(ForeignKey("log_checkpoint.size"), primary_key=True, autoincrement=False)
    response: Mapped[bytes]


class LogCosignature(Base):
    """A witness's verified signature line under a checkpoint; `key` is the key name, a space and the key id in hex."""

    __tablename__ = "log_cosignature"

    size: Mapped[int] = mapped_column(ForeignKey("log_checkpoint.size"), primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    line: Mapped[str] = mapped_column(Text)


class PackageRow(Base):
    """The package of a trade: where its tar lies, SHA-256 of its payload manifest, and the receipt of its filing."""

    __tablename__ = "package"
    __table_args__ = (CheckConstraint("octet_length(digest) = 32", name="digest"),)

    trade: Mapped[UUID] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    digest: Mapped[bytes]
    key: Mapped[str] = mapped_column(Text, unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    files: Mapped[int]
    commitment: Mapped[bytes]
    receipt: Mapped[bytes]
    token: Mapped[bytes]
