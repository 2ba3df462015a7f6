"""Tables of the edge itself: the installation's one row, stored answers, counters."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base


class InstallationRow(Base):
    """Says once and for ever whether this database is a sandbox, and how far its clock was moved."""

    __tablename__ = "installation"
    __table_args__ = (
        CheckConstraint("id = 1", name="one"),
        CheckConstraint("sandbox OR clock_offset = '0'", name="earnest"),
    )

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="1", autoincrement=False)
    sandbox: Mapped[bool]
    clock_offset: Mapped[timedelta] = mapped_column(server_default=text("'0'"))
    made_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class StoredAnswer(Base):
    """The answer that was given under an ``Idempotency-Key``; written in the transaction that did the work.

    `name` is SHA-256 over user, method, path and key; `request` SHA-256 of the body.
    """

    __tablename__ = "stored_answer"
    __table_args__ = (
        CheckConstraint("octet_length(name) = 32", name="name"),
        CheckConstraint("octet_length(request) = 32", name="request"),
    )

    name: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    request: Mapped[bytes]
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[list[Any]] = mapped_column(JSONB)
    body: Mapped[bytes]
    made_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"), index=True)


class ClientRelease(Base):
    """What was served to browsers from some start on: the manifest's text, and the opening of its event in the log."""

    __tablename__ = "client_release"
    __table_args__ = (CheckConstraint("octet_length(digest) = 32", name="digest"),)

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    digest: Mapped[bytes]
    manifest: Mapped[str]
    event: Mapped[bytes]
    salt: Mapped[bytes]
    commitment: Mapped[bytes]


class Message(Base):
    """Something that a person or a party must not miss; `outcome` tells what became of the mail about it."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint("outcome IN ('sent', 'no_address', 'refused', 'given_up')", name="outcome"),
        CheckConstraint("(user_id IS NULL) <> (party IS NULL)", name="recipient"),
        Index("ix_message_user_id", "user_id", "posted_at"),
        Index("ix_message_party", "party", "posted_at"),
        Index("ix_message_unsettled", "next_try_at", postgresql_where=text("outcome IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    """Names what is told to whom, so that it is told once."""
    user_id: Mapped[UUID | None]
    party: Mapped[str | None]
    code: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    path: Mapped[str]
    posted_at: Mapped[datetime]
    made_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    """In real time, as everything about sending; `posted_at` is the platform's time."""
    outcome: Mapped[str | None]
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_try_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class MessageCursor(Base):
    """Up to which entry of the log messages were made; one row."""

    __tablename__ = "message_cursor"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="1", autoincrement=False)
    index: Mapped[int] = mapped_column(BigInteger)


class Counter(Base):
    """How often something happened in a slot of time, over all workers."""

    __tablename__ = "counter"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    name: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]
