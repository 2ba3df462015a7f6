"""The tables of this package. Constraints repeat what a race could break; evidence refuses change by trigger."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base

Money = Numeric(18, 2)


class SiteRow(Base):
    """A site of the platform: one main, any number of branches."""

    __tablename__ = "site"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9]{6}$'", name="code"),
        CheckConstraint("kind IN ('main', 'branch')", name="kind"),
        CheckConstraint("bearing BETWEEN 0 AND 359", name="bearing"),
        Index("ix_site_one_main", "kind", unique=True, postgresql_where=text("kind = 'main'")),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    bearing: Mapped[int | None]
    address: Mapped[str]
    phone: Mapped[str] = mapped_column(server_default="")
    established_at: Mapped[datetime]


class PartyRow(Base):
    """An enterprise or institution as it is now; `party_revision` keeps what it was."""

    __tablename__ = "party"
    __table_args__ = (
        CheckConstraint("uscc ~ '^[0-9A-Z]{18}$'", name="uscc"),
        CheckConstraint("revision >= 1", name="revision"),
    )

    uscc: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    revision: Mapped[int]
    profile: Mapped[dict[str, Any]] = mapped_column(JSONB)
    registered_at: Mapped[datetime]


class PartyRevisionRow(Base):
    """One revision of a party with the commitment under which it was given. Evidence."""

    __tablename__ = "party_revision"

    uscc: Mapped[str] = mapped_column(ForeignKey("party.uscc"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    profile: Mapped[dict[str, Any]] = mapped_column(JSONB)
    commitment: Mapped[dict[str, Any]] = mapped_column(JSONB)
    by: Mapped[UUID]
    at: Mapped[datetime]


class TenderCounterRow(Base):
    """The last number given to a tender of one site, trade prefix and year."""

    __tablename__ = "tender_counter"
    __table_args__ = (CheckConstraint("last >= 1", name="last"),)

    site: Mapped[str] = mapped_column(ForeignKey("site.code"), primary_key=True)
    prefix: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class TenderRow(Base):
    """A project brought to the platform, with one lot or more."""

    __tablename__ = "tender"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("method IN ('public', 'invited')", name="method"),
        CheckConstraint("agency <> purchaser", name="agency"),
        CheckConstraint("(method = 'invited') = (jsonb_array_length(invitees) >= 3)", name="invitees"),
        Index("ix_tender_made", "made_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    title: Mapped[str]
    site: Mapped[str] = mapped_column(ForeignKey("site.code"))
    purchaser: Mapped[str] = mapped_column(ForeignKey("party.uscc"))
    agency: Mapped[str | None] = mapped_column(ForeignKey("party.uscc"))
    region: Mapped[str]
    trade_type: Mapped[str]
    method: Mapped[str]
    funding: Mapped[str]
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
    announced_at: Mapped[datetime | None]
    invitees: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    missing: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))


class LotRow(Base):
    """A lot (标段), the unit that is bid for; its row lock orders everything that happens to it."""

    __tablename__ = "lot"
    __table_args__ = (
        UniqueConstraint("tender_id", "number"),
        UniqueConstraint("tender_id", "id"),
        UniqueConstraint("opening_key_hash"),
        CheckConstraint(
            "state IN ('draft', 'entered', 'accepted', 'announced', 'opening', 'opened', 'evaluating', 'evaluated', "
            "'publicized', 'awarded', 'contracted', 'archived', 'terminated', 'failed')",
            name="state",
        ),
        CheckConstraint("number BETWEEN 1 AND 99", name="number"),
        CheckConstraint("threshold >= 2 AND threshold < custodians AND custodians BETWEEN 3 AND 7", name="quorum"),
        CheckConstraint("opening_policy IN ('quorum', 'quorum_and_bidder', 'quorum_or_bidder')", name="policy"),
        CheckConstraint("estimate > 0 AND bond >= 0 AND ceiling > 0", name="amounts"),
        CheckConstraint("octet_length(opening_key_hash) = 32", name="key"),
        CheckConstraint("suspended OR NOT by_order", name="by_order"),
        CheckConstraint(
            "state IN ('draft', 'entered', 'accepted', 'terminated', 'archived') "
            "OR (opening_key_hash IS NOT NULL AND deadline IS NOT NULL)",
            name="announced",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tender_id: Mapped[UUID] = mapped_column(ForeignKey("tender.id"))
    number: Mapped[int]
    title: Mapped[str]
    state: Mapped[str]
    suspended: Mapped[bool] = mapped_column(server_default=text("false"))
    by_order: Mapped[bool] = mapped_column(server_default=text("false"))
    moved_at: Mapped[datetime]
    deadline: Mapped[datetime | None]
    estimate: Mapped[Decimal] = mapped_column(Money)
    ceiling: Mapped[Decimal | None] = mapped_column(Money)
    bond: Mapped[Decimal] = mapped_column(Money)
    envelopes: Mapped[list[Any]] = mapped_column(JSONB)
    opening_policy: Mapped[str]
    threshold: Mapped[int]
    custodians: Mapped[int]
    evaluation: Mapped[dict[str, Any]] = mapped_column(JSONB)
    opening_key_hash: Mapped[bytes | None]


class FileRow(Base):
    """A file whose bytes lie in the object store under `sha256/ab/<hex>`. Evidence."""

    __tablename__ = "file"
    __table_args__ = (
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        CheckConstraint("size > 0", name="size"),
    )

    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[UUID]
    at: Mapped[datetime]


class IncomingRow(Base):
    """Somebody is bringing a file in parts, the last of them since `at`. Work in progress, no evidence."""

    __tablename__ = "incoming_file"
    __table_args__ = (CheckConstraint("octet_length(sha256) = 32", name="sha256"),)

    by: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class DocumentRow(Base):
    """A version of a document of a tender or of one of its lots. Evidence."""

    __tablename__ = "document"
    __table_args__ = (
        ForeignKeyConstraint(["tender_id", "lot_id"], ["lot.tender_id", "lot.id"]),
        UniqueConstraint("tender_id", "lot_id", "kind", "title", "version", postgresql_nulls_not_distinct=True),
        CheckConstraint("version >= 1", name="version"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tender_id: Mapped[UUID] = mapped_column(ForeignKey("tender.id"))
    lot_id: Mapped[UUID | None]
    kind: Mapped[str]
    title: Mapped[str]
    version: Mapped[int]
    media_type: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(ForeignKey("file.sha256"))
    by: Mapped[UUID]
    at: Mapped[datetime]


class IssueRow(Base):
    """Who took the documents of a lot. Secret (招标投标法 第二十二条). Evidence."""

    __tablename__ = "document_issue"

    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"), primary_key=True)
    bidder: Mapped[str] = mapped_column(ForeignKey("party.uscc"), primary_key=True)
    by: Mapped[UUID]
    at: Mapped[datetime]


class NoticeRow(Base):
    """A published notice; numbers run without gaps within a tender. Evidence."""

    __tablename__ = "notice"
    __table_args__ = (
        ForeignKeyConstraint(["tender_id", "lot_id"], ["lot.tender_id", "lot.id"]),
        UniqueConstraint("tender_id", "number"),
        CheckConstraint("ends_at > published_at", name="ends"),
        Index("ix_notice_published", "published_at", "id"),
        Index("ix_notice_lot", "lot_id", "kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tender_id: Mapped[UUID] = mapped_column(ForeignKey("tender.id"))
    lot_id: Mapped[UUID | None]
    number: Mapped[int]
    kind: Mapped[str]
    title: Mapped[str]
    text: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    by: Mapped[UUID]
    published_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]


class NoticeWordsRow(Base):
    """The terms of a notice (`trading.bigrams`) for the search; derived from it, so it may be made anew."""

    __tablename__ = "notice_words"
    # Without fastupdate: a search would read all that was published since the last cleaning one by one.
    __table_args__ = (Index("ix_notice_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),)

    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notice.id"), primary_key=True)
    title: Mapped[str] = mapped_column(TSVECTOR)
    words: Mapped[str] = mapped_column(TSVECTOR)
