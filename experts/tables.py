"""Tables of the pool, the draws, the committees and their evaluation. Constraints repeat what a race could break.

What is evidence (states, draw entries, nonces, sheets, opinions, reports) refuses change by trigger (m0006_experts).
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from kernel.database import Base

ACTIVE, SUSPENDED, CLEARED = "active", "suspended", "cleared"
PREPARED, FIXED, DRAWN = "prepared", "fixed", "drawn"
COMPLETED, EXHAUSTED, VOID = "completed", "exhausted", "void"
INVITED, ACCEPTED, DECLINED, TIMED_OUT, RECUSED = "invited", "accepted", "declined", "timed_out", "recused"
ROLES = ("centre", "purchaser", "supervisor")


class ExpertRow(Base):
    """An expert of the pool. The 身份证号 is kept only as a keyed hash; `phone` serves invitations alone."""

    __tablename__ = "expert"
    __table_args__ = (
        CheckConstraint("octet_length(number_hash) = 32", name="number"),
        CheckConstraint("state IN ('active', 'suspended', 'cleared')", name="state"),
        CheckConstraint("valid_from <= valid_until", name="validity"),
        CheckConstraint("cardinality(specialties) > 0 AND cardinality(sites) > 0", name="skills"),
        UniqueConstraint("number_hash"),
        UniqueConstraint("user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number_hash: Mapped[bytes]
    name: Mapped[str]
    specialties: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sites: Mapped[list[str]] = mapped_column(ARRAY(Text))
    employers: Mapped[list[Any]] = mapped_column(JSONB)
    interests: Mapped[list[str]] = mapped_column(ARRAY(Text))
    phone: Mapped[str]
    valid_from: Mapped[date]
    valid_until: Mapped[date]
    trained_until: Mapped[date | None]
    penalized: Mapped[bool]
    state: Mapped[str]
    user_id: Mapped[UUID | None]
    imported_at: Mapped[datetime]


class ExpertStateRow(Base):
    """One change of an expert's standing: training, suspension, penalty, clear-out, with its reason. Evidence."""

    __tablename__ = "expert_state"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    expert_id: Mapped[UUID] = mapped_column(ForeignKey("expert.id"), index=True)
    action: Mapped[str]
    reason: Mapped[str]
    until: Mapped[date | None]
    by: Mapped[UUID]
    at: Mapped[datetime]


class DrawRow(Base):
    """One round of drawing for a lot. No second round without a reason, never two at once."""

    __tablename__ = "draw"
    __table_args__ = (
        UniqueConstraint("lot_id", "round"),
        CheckConstraint("round >= 1 AND (round = 1 OR length(trim(reason)) > 0)", name="reason"),
        CheckConstraint("state IN ('prepared', 'fixed', 'drawn', 'completed', 'exhausted', 'void')", name="state"),
        CheckConstraint("octet_length(secret) = 32 AND octet_length(roster_digest) = 32", name="sizes"),
        CheckConstraint("checkpoint IS NOT NULL OR state IN ('prepared', 'void')", name="checkpoint"),
        CheckConstraint("(prk IS NOT NULL) = (state IN ('drawn', 'completed', 'exhausted'))", name="drawn"),
        Index(
            "uq_draw_one_open",
            "lot_id",
            unique=True,
            postgresql_where=text("state IN ('prepared', 'fixed', 'drawn')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"))
    tender_id: Mapped[UUID] = mapped_column(ForeignKey("tender.id"))
    round: Mapped[int]
    reason: Mapped[str]
    state: Mapped[str]
    quotas: Mapped[list[Any]] = mapped_column(JSONB)
    representatives: Mapped[int]
    secret: Mapped[bytes]
    roster: Mapped[bytes] = mapped_column(LargeBinary)
    roster_experts: Mapped[bytes] = mapped_column(LargeBinary)
    roster_digest: Mapped[bytes]
    beacon: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    beacon_signature: Mapped[bytes | None]
    release_at: Mapped[datetime]
    answer_minutes: Mapped[int]
    checkpoint: Mapped[str | None]
    prk: Mapped[bytes | None]
    prepared_by: Mapped[UUID]
    prepared_at: Mapped[datetime]
    drawn_at: Mapped[datetime | None]


class DrawEntryRow(Base):
    """The opening of one of the draw's trail entries, in the order in which the transcript shows them. Evidence."""

    __tablename__ = "draw_entry"

    draw_id: Mapped[UUID] = mapped_column(ForeignKey("draw.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[bytes]
    salt: Mapped[bytes]
    commitment: Mapped[bytes] = mapped_column(unique=True)


class NonceRow(Base):
    """A participant's signed commitment message, once for each role."""

    __tablename__ = "draw_nonce"
    __table_args__ = (
        CheckConstraint("role IN ('centre', 'purchaser', 'supervisor')", name="role"),
        CheckConstraint("octet_length(commitment) = 32 AND octet_length(device_key) = 32", name="sizes"),
        UniqueConstraint("draw_id", "user_id"),
    )

    draw_id: Mapped[UUID] = mapped_column(ForeignKey("draw.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    device_key: Mapped[bytes]
    commitment: Mapped[bytes]
    message: Mapped[bytes]


class RevealRow(Base):
    """A nonce made known, by its participant or by the quorum of custodians. At most one for ever. Evidence."""

    __tablename__ = "draw_reveal"
    __table_args__ = (
        CheckConstraint("octet_length(nonce) = 32", name="nonce"),
        CheckConstraint("how IN ('revealed', 'recovered')", name="how"),
    )

    draw_id: Mapped[UUID] = mapped_column(ForeignKey("draw.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    nonce: Mapped[bytes]
    how: Mapped[str]
    at: Mapped[datetime]


class NonceShareRow(Base):
    """A custodian's checked partial decryption of a withheld nonce. Evidence."""

    __tablename__ = "draw_nonce_share"
    __table_args__ = (CheckConstraint("custodian BETWEEN 1 AND 7", name="custodian"),)

    draw_id: Mapped[UUID] = mapped_column(ForeignKey("draw.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    custodian: Mapped[int] = mapped_column(primary_key=True)
    partial: Mapped[bytes]
    message: Mapped[bytes]
    at: Mapped[datetime]


class CallRow(Base):
    """A drawn expert who was called, and the answer. An answer is final, but who accepted may recuse themselves."""

    __tablename__ = "draw_call"
    __table_args__ = (
        CheckConstraint("state IN ('invited', 'accepted', 'declined', 'timed_out', 'recused')", name="state"),
        CheckConstraint("octet_length(code) = 32 AND octet_length(ticket) = 32", name="sizes"),
        UniqueConstraint("draw_id", "expert_id"),
        UniqueConstraint("draw_id", "position"),
        Index("ix_draw_call_expert", "expert_id", "invited_at"),
    )

    draw_id: Mapped[UUID] = mapped_column(ForeignKey("draw.id"), primary_key=True)
    code: Mapped[bytes] = mapped_column(primary_key=True)
    expert_id: Mapped[UUID] = mapped_column(ForeignKey("expert.id"))
    position: Mapped[int]
    ticket: Mapped[bytes]
    state: Mapped[str]
    reason: Mapped[str]
    invited_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class CommitteeRow(Base):
    """The committee (评标委员会) of a lot."""

    __tablename__ = "committee"
    __table_args__ = (UniqueConstraint("lot_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"))
    tender_id: Mapped[UUID] = mapped_column(ForeignKey("tender.id"))
    made_at: Mapped[datetime]
    technical_finished_at: Mapped[datetime | None]


class MemberRow(Base):
    """A member: a drawn or directly appointed expert, or a representative of the purchaser."""

    __tablename__ = "committee_member"
    __table_args__ = (
        CheckConstraint("source IN ('draw', 'appointed', 'representative')", name="source"),
        CheckConstraint("(source = 'draw') = (expert_id IS NOT NULL)", name="expert"),
        CheckConstraint("(replaced_at IS NULL) = (replaced_because = '')", name="replaced"),
        UniqueConstraint("committee_id", "user_id"),
        UniqueConstraint("committee_id", "expert_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    committee_id: Mapped[UUID] = mapped_column(ForeignKey("committee.id"))
    source: Mapped[str]
    expert_id: Mapped[UUID | None] = mapped_column(ForeignKey("expert.id"))
    user_id: Mapped[UUID]
    name: Mapped[str]
    reason: Mapped[str]
    joined_at: Mapped[datetime]
    declared_at: Mapped[datetime | None]
    declaration: Mapped[bytes | None]
    leader_vote: Mapped[UUID | None]
    replaced_at: Mapped[datetime | None]
    replaced_because: Mapped[str]


class SheetRow(Base):
    """A member's signed sheet for one bid. Void once the member is replaced."""

    __tablename__ = "score_sheet"
    __table_args__ = (
        Index("uq_score_sheet_valid", "member_id", "bid_id", unique=True, postgresql_where=text("NOT void")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    committee_id: Mapped[UUID] = mapped_column(ForeignKey("committee.id"), index=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("committee_member.id"))
    bid_id: Mapped[UUID] = mapped_column(ForeignKey("bid.id"))
    message: Mapped[bytes]
    device_key: Mapped[bytes]
    void: Mapped[bool]
    at: Mapped[datetime]


class DraftRow(Base):
    """What a member has written on a sheet and not handed in yet. Not evidence: it changes, and goes with the sheet."""

    __tablename__ = "score_draft"
    __table_args__ = (CheckConstraint("version >= 1", name="version"),)

    member_id: Mapped[UUID] = mapped_column(ForeignKey("committee_member.id"), primary_key=True)
    bid_id: Mapped[UUID] = mapped_column(ForeignKey("bid.id"), primary_key=True)
    version: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    saved_at: Mapped[datetime]


class RejectionRow(Base):
    """A member's signed vote to reject a bid (条例 51) or to keep it. Void once they are replaced."""

    __tablename__ = "rejection_vote"
    __table_args__ = (
        Index("uq_rejection_vote_valid", "member_id", "bid_id", unique=True, postgresql_where=text("NOT void")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    committee_id: Mapped[UUID] = mapped_column(ForeignKey("committee.id"), index=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("committee_member.id"))
    bid_id: Mapped[UUID] = mapped_column(ForeignKey("bid.id"))
    reject: Mapped[bool]
    ground: Mapped[str]
    reason: Mapped[str]
    message: Mapped[bytes]
    device_key: Mapped[bytes]
    void: Mapped[bool]
    at: Mapped[datetime]


class ReportRow(Base):
    """An evaluation report as drafted from the sheets; finished once every member has signed, dissented or refused."""

    __tablename__ = "evaluation_report"
    __table_args__ = (
        Index("uq_evaluation_report_live", "committee_id", unique=True, postgresql_where=text("NOT void")),
        CheckConstraint("octet_length(digest) = 32", name="digest"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    committee_id: Mapped[UUID] = mapped_column(ForeignKey("committee.id"))
    result: Mapped[bytes]
    digest: Mapped[bytes]
    report: Mapped[bytes | None]
    void: Mapped[bool]
    drafted_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class OpinionRow(Base):
    """What a member signed under the report: consent or dissent; a refusal is noted by the witness. Evidence."""

    __tablename__ = "report_opinion"
    __table_args__ = (
        CheckConstraint("kind IN ('consent', 'dissent', 'refusal')", name="kind"),
        CheckConstraint("kind <> 'dissent' OR length(trim(reason)) > 0", name="reason"),
    )

    report_id: Mapped[UUID] = mapped_column(ForeignKey("evaluation_report.id"), primary_key=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("committee_member.id"), primary_key=True)
    kind: Mapped[str]
    reason: Mapped[str]
    message: Mapped[bytes]
    device_key: Mapped[bytes | None]
    at: Mapped[datetime]
