"""Lots moved along their life on the real database, and what the database itself refuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive.tables import EventRow
from kernel import database
from kernel.actor import ANONYMOUS, SYSTEM
from kernel.errors import GgzyError
from tests.trading.conftest import BIDDERS, PEOPLE, Stage
from trading import amendments, awards, lots, notices, tenders
from trading.lot import State


async def past_deadline(stage: Stage, lot_id: UUID) -> None:
    """Put a lot's deadline into the past, as time would."""
    past = await database.now(stage.session) - timedelta(seconds=1)
    await stage.session.execute(text("UPDATE lot SET deadline = :at WHERE id = :id"), {"at": past, "id": lot_id})


async def evaluated(stage: Stage) -> lots.LotFacts:
    """Lead the first lot of a tender to the end of its evaluation."""
    tender = await stage.announce()
    lot_id = tender.lots[0].id
    await past_deadline(stage, lot_id)
    await stage.move(PEOPLE.witness, lot_id, "begin_opening", bids=3)
    for step in ("finish_opening", "begin_evaluation", "finish_evaluation"):
        lot = await stage.move(SYSTEM, lot_id, step)
    return lot


def ranked(*codes: str) -> tuple[awards.Candidate, ...]:
    """Return candidates in this order."""
    return tuple(awards.Candidate(rank, one, Decimal(9000000)) for rank, one in enumerate(codes, 1))


async def publicize(stage: Stage, lot_id: UUID, *codes: str) -> notices.Notice:
    """Publish candidates for three days and a minute."""
    ends = await database.now(stage.session) + timedelta(days=3, minutes=1)
    return await awards.publicize(
        stage.session, PEOPLE.agency, lot_id, ranked(*codes), text="公示", ends_at=ends, entropy=stage.entropy
    )


async def test_a_lot_goes_to_its_contract_and_archive(stage: Stage) -> None:
    """The whole life on the database: opening, evaluation, publicity, award, contract, archive, each an event."""
    lot = await evaluated(stage)
    told = await publicize(stage, lot.id, *BIDDERS[:3])
    assert [one["rank"] for one in told.data["candidates"]] == [1, 2, 3]
    with pytest.raises(GgzyError, match=r"publicity\.not_ended"):
        await awards.award(stage.session, PEOPLE.agency, lot.id, BIDDERS[0], text="中标", entropy=stage.entropy)
    await _end_publicity(stage.session)
    award = await awards.award(stage.session, PEOPLE.agency, lot.id, BIDDERS[0], text="中标", entropy=stage.entropy)
    assert award.data["winner"]["bidder"] == BIDDERS[0]
    assert await awards.winner(stage.session, lot) == BIDDERS[0]
    with pytest.raises(GgzyError, match=r"lot\.no_contract"):
        await stage.move(PEOPLE.agency, lot.id, "contract")
    await stage.attach(await tenders.get(stage.session, PEOPLE.agency, lot.tender_id), "contract", lot=1)
    await stage.move(PEOPLE.agency, lot.id, "contract")
    assert (await stage.move(PEOPLE.archivist, lot.id, "archive")).state == State.ARCHIVED
    query = select(EventRow.kind).where(EventRow.trade == lot.tender_id).order_by(EventRow.at)
    kinds = (await stage.session.scalars(query)).all()
    moved = [kind for kind in kinds if kind.startswith("lot.")]
    assert moved == [
        f"lot.{event}"
        for event in (
            "opening_begun",
            "opening_finished",
            "evaluation_begun",
            "evaluation_finished",
            "publicized",
            "awarded",
            "contracted",
            "archived",
        )
    ]


async def test_the_second_candidate_wins_only_for_a_reason(stage: Stage) -> None:
    """Rank 1 wins; another needs a reason that stays in the notice (条例55)."""
    lot = await evaluated(stage)
    await publicize(stage, lot.id, *BIDDERS[:2])
    await _end_publicity(stage.session)
    with pytest.raises(GgzyError, match=r"award\.not_first_rank"):
        await awards.award(stage.session, PEOPLE.agency, lot.id, BIDDERS[1], text="中标", entropy=stage.entropy)
    given = "第一名放弃"
    award = await awards.award(
        stage.session, PEOPLE.agency, lot.id, BIDDERS[1], text="中标", reason=given, entropy=stage.entropy
    )
    assert award.data["reason"] == given


async def test_bad_candidates_are_refused(stage: Stage) -> None:
    """Ranks run from 1, nobody stands twice, everybody is registered, the publicity lasts its days."""
    lot = await evaluated(stage)
    ends = await database.now(stage.session) + timedelta(days=4)
    for candidates, refusal in (
        (ranked(BIDDERS[0])[:0], r"lot\.no_candidates"),
        ((replace(ranked(BIDDERS[0])[0], rank=2),), r"award\.bad_ranks"),
        (ranked(BIDDERS[0], BIDDERS[0]), r"award\.bad_ranks"),
        (ranked("911525020000000000"), r"party\.unknown"),
        (ranked(*BIDDERS[:4]), r"lot\.too_many_candidates"),
    ):
        with pytest.raises(GgzyError, match=refusal):
            async with stage.session.begin_nested():
                await awards.publicize(
                    stage.session, PEOPLE.agency, lot.id, candidates, text="x", ends_at=ends, entropy=stage.entropy
                )
    short = ends - timedelta(days=2)
    with pytest.raises(GgzyError, match=r"publicity\.too_short"):
        await awards.publicize(
            stage.session, PEOPLE.agency, lot.id, ranked(BIDDERS[0]), text="x", ends_at=short, entropy=stage.entropy
        )


async def test_too_few_bids_fail_the_lot_with_a_notice(stage: Stage) -> None:
    """Two bids are not opened; the lot fails, and the public reads why (法28)."""
    tender = await stage.announce()
    lot = tender.lots[0]
    await past_deadline(stage, lot.id)
    with pytest.raises(GgzyError, match=r"lot\.too_few_bids"):
        await stage.move(PEOPLE.witness, lot.id, "begin_opening", bids=2)
    assert (await stage.move(SYSTEM, lot.id, "fail", bids=2, reason="投标人不足三家")).state == State.FAILED
    told = await notices.newest(stage.session, lot, "failure")
    assert told is not None
    assert told.text == "投标人不足三家"
    assert (await lots.facts(stage.session, tender.lots[1].id)).state == State.ANNOUNCED


async def test_a_supervisors_order_is_lifted_by_a_supervisor(stage: Stage) -> None:
    """What a supervisor suspended its tenderer cannot resume; meanwhile nothing moves; both are public."""
    lot = (await stage.announce()).lots[0]
    assert (await stage.move(PEOPLE.supervisor, lot.id, "suspend", reason="投诉处理")).suspended
    with pytest.raises(GgzyError, match=r"lot\.suspended_by_order"):
        await stage.move(PEOPLE.agency, lot.id, "resume")
    await past_deadline(stage, lot.id)
    with pytest.raises(GgzyError, match=r"lot\.suspended"):
        await stage.move(PEOPLE.witness, lot.id, "begin_opening", bids=3)
    with pytest.raises(GgzyError, match=r"deadline\.passed_while_suspended"):
        await stage.move(PEOPLE.supervisor, lot.id, "resume")
    later = await database.now(stage.session) + timedelta(days=5)
    await amendments.move_deadline(stage.session, PEOPLE.agency, lot.id, later, "顺延", entropy=stage.entropy)
    resumed = await stage.move(PEOPLE.supervisor, lot.id, "resume", reason="处理完毕")
    assert (resumed.suspended, resumed.deadline) == (False, later)
    kinds = [notice.kind for notice in await notices.of_tender(stage.session, lot.tender_id)]
    assert kinds == ["tender", "suspension", "correction", "resumption"]
    await stage.move(PEOPLE.agency, lot.id, "suspend", reason="异议处理")
    assert not (await stage.move(PEOPLE.agency, lot.id, "resume")).suspended


async def test_a_draft_ends_without_a_notice(stage: Stage) -> None:
    """Terminating what nobody has seen tells nobody; a terminated lot can be archived."""
    lot = (await stage.register()).lots[0]
    await stage.move(PEOPLE.agency, lot.id, "terminate", reason="项目取消")
    assert await notices.of_tender(stage.session, lot.tender_id) == []
    assert (await stage.move(PEOPLE.archivist, lot.id, "archive")).state == State.ARCHIVED


async def test_who_may_not_gets_no_further(stage: Stage) -> None:
    """An outsider is told that the step is not theirs once the lot is public, never before."""
    lot = (await stage.announce()).lots[0]
    for actor in (ANONYMOUS, PEOPLE.bidders[0], PEOPLE.stranger):
        with pytest.raises(GgzyError, match=r"step\.not_yours"):
            await stage.move(actor, lot.id, "terminate", reason="x")
    with pytest.raises(GgzyError, match=r"lot\.not_found"):
        await stage.move(PEOPLE.agency, stage.new_id(), "terminate", reason="x")


async def test_a_deadline_only_moves_later_and_says_so(stage: Stage) -> None:
    """The event and the notice carry the old time and the new one; an earlier time is refused."""
    lot = (await stage.announce()).lots[0]
    assert lot.deadline is not None
    later = lot.deadline + timedelta(days=1)
    moved = await amendments.move_deadline(
        stage.session, PEOPLE.agency, lot.id, later, "补充勘察", entropy=stage.entropy
    )
    assert moved.deadline == later == (await lots.facts(stage.session, lot.id)).deadline
    told = await notices.newest(stage.session, lot, "correction")
    assert told is not None
    assert told.data["old_deadline"] < told.data["new_deadline"]
    for wrong in (lot.deadline, later):
        with pytest.raises(GgzyError, match=r"deadline\.not_later"):
            await amendments.move_deadline(stage.session, PEOPLE.agency, lot.id, wrong, "x", entropy=stage.entropy)
    await past_deadline(stage, lot.id)
    with pytest.raises(GgzyError, match=r"clarification\.not_open"):
        await amendments.move_deadline(
            stage.session, PEOPLE.agency, lot.id, later + timedelta(days=9), "x", entropy=stage.entropy
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lot SET state = 'draft'",
        "UPDATE lot SET opening_key_hash = decode(repeat('00', 32), 'hex') WHERE number = 1",
        "UPDATE lot SET opening_key_hash = NULL",
        "UPDATE lot SET threshold = 3",
        "UPDATE lot SET envelopes = '[]'",
        "UPDATE lot SET evaluation = '{}'",
        "UPDATE lot SET state = 'unheard_of'",
        "UPDATE lot SET deadline = NULL",
        "UPDATE lot SET by_order = true",
        "UPDATE lot SET bond = -1",
        "DELETE FROM lot",
        "DELETE FROM tender",
        "UPDATE notice SET text = 'x'",
        "DELETE FROM notice",
        "TRUNCATE notice CASCADE",
        "UPDATE document SET title = 'x'",
        "DELETE FROM document",
        "UPDATE file SET size = 1",
        "UPDATE party_revision SET name = 'x'",
        "DELETE FROM document_issue",
        "INSERT INTO site (code, name, kind, address, established_at) VALUES ('110105', '朝阳', 'main', '', now())",
        "INSERT INTO site (code, name, kind, address, established_at) VALUES ('11010', '朝阳', 'branch', '', now())",
    ],
)
async def test_the_database_itself_refuses(stage: Stage, statement: str) -> None:
    """An announced lot keeps its rules and evidence stays as it is, whatever program writes."""
    tender = await stage.announce()
    await stage.session.execute(
        text("INSERT INTO document_issue VALUES (:lot, :bidder, :by, now())"),
        {"lot": tender.lots[0].id, "bidder": BIDDERS[0], "by": PEOPLE.agency.user_id},
    )
    async with refused(stage.session):
        await stage.session.execute(text(statement))


@asynccontextmanager
async def refused(session: AsyncSession) -> AsyncIterator[None]:
    """Expect an integrity error and go on in the same transaction."""
    with pytest.raises(IntegrityError):
        async with session.begin_nested():
            yield


async def _end_publicity(session: AsyncSession) -> None:
    # as time would; only the triggers' owner can, and only here
    await session.execute(text("ALTER TABLE notice DISABLE TRIGGER USER"))
    past = (
        "UPDATE notice SET published_at = published_at - interval '9 days', ends_at = now() - interval '1 second' "
        "WHERE kind = 'candidates'"
    )
    await session.execute(text(past))
    await session.execute(text("ALTER TABLE notice ENABLE TRIGGER USER"))
    session.expire_all()
