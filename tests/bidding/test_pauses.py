"""Pausing an opening: a reason and two people; while it lasts nothing is opened."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from api.wiring import Installation
from bidding import hearing, openings, outages, pauses, remarks, signed
from bidding.outages import Draft
from bidding.pauses import Order
from bidding.room_tables import ConsentRow, RemarkRow
from kernel import actor as actors
from kernel.actor import Role
from kernel.database import now
from kernel.entropy import SystemEntropy
from kernel.errors import GgzyError
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from trading.tables import LotRow

SITE = actors.site(stage.SITE)
WITNESS, SUPERVISOR = stage.witness(), stage.person(Role.SUPERVISOR, SITE, "supervisor")


@pytest.fixture
async def scene(installation: Installation, tmp_path: Path) -> Scene:
    """An opening that has begun, with a hearing of ten minutes."""
    made = await scenes.prepare(installation, tmp_path)
    for number in range(3):
        await made.hand_in(number)
    await made.pass_deadline()
    async with installation.sessions.begin() as session:
        await openings.begin(session, WITNESS.actor, made.lot_id, 1, entropy=SystemEntropy(), hearing_minutes=10)
    return made


async def order(scene: Scene, kind: str, who: stage.Person = WITNESS, reason: str = "停电") -> Order:
    """Somebody orders."""
    async with scene.installation.sessions.begin() as session:
        return await pauses.order(
            session, who.actor, scene.lot_id, 1, kind=kind, reason=reason, entropy=SystemEntropy()
        )


async def consent(scene: Scene, given: Order, who: stage.Person, **changes: Any) -> None:
    """Somebody consents with their device."""
    fields = pauses.fields(scene.lot_id, 1, given) | changes
    async with scene.installation.sessions.begin() as session:
        statement = signed.write(fields, who.device)
        await pauses.consent(session, who.actor, given.id, statement, entropy=SystemEntropy())


async def test_a_pause_takes_two_people(scene: Scene) -> None:
    """One person's order changes nothing, and nobody consents to his own; with a second one no share is taken."""
    asked = await order(scene, "pause")
    stamped = await scene.request()
    await scene.give(scene.answer(stamped, 1), 1)
    with pytest.raises(GgzyError, match=r"opening\.same_person"):
        await consent(scene, asked, replace(WITNESS, actor=WITNESS.actor))
    for stranger in (stage.bidder(0), stage.person(Role.SUPERVISOR, actors.site("152527"), "elsewhere")):
        with pytest.raises(GgzyError, match=r"opening\.not_found"):
            await consent(scene, asked, stranger)
    await consent(scene, asked, SUPERVISOR)
    with pytest.raises(GgzyError, match=r"opening\.paused"):
        await scene.give(scene.answer(stamped, 3), 3)
    await consent(scene, await order(scene, "resume", SUPERVISOR), WITNESS)
    await scene.give(scene.answer(stamped, 3), 3)
    assert (await scene.proceed()).decided == 6


async def test_a_pause_keeps_the_envelopes_shut(scene: Scene) -> None:
    """With all shares there, a pause still opens nothing; afterwards everything goes on where it was."""
    await scene.quorum()
    await consent(scene, await order(scene, "pause"), SUPERVISOR)
    assert (await scene.proceed()).decided == 0
    await consent(scene, await order(scene, "resume"), SUPERVISOR)
    assert (await scene.proceed()).decided == 6


async def test_nobody_closes_past_a_pause_that_was_asked_for(scene: Scene) -> None:
    """Everything is said, but a pause waits for its second person: the close is refused until it came and went."""
    await scene.quorum()
    await scene.proceed()
    asked = await order(scene, "pause")
    for number in range(3):
        async with scene.installation.sessions.begin() as session:
            said = {"bidder": stage.USCCS[number], "entropy": SystemEntropy()}
            await remarks.confirm(session, stage.bidder(number).actor, scene.lot_id, 1, **said)
    with pytest.raises(GgzyError, match=r"opening\.pause_asked"):
        await close(scene)
    await consent(scene, asked, SUPERVISOR)
    with pytest.raises(GgzyError, match=r"opening\.paused"):
        await close(scene)
    resumed = await order(scene, "resume", SUPERVISOR)
    await consent(scene, resumed, WITNESS)
    await close(scene)


async def close(scene: Scene) -> None:
    """The witness closes."""
    async with scene.installation.sessions.begin() as session:
        await hearing.close(session, WITNESS.actor, scene.lot_id, 1, entropy=SystemEntropy())


async def test_what_is_signed_is_this_very_order(scene: Scene) -> None:
    """A signature over other words, an older order, or by another device consents to nothing."""
    first = await order(scene, "pause", reason="一")
    second = await order(scene, "pause", reason="二")
    with pytest.raises(GgzyError, match=r"opening\.order_stale"):
        await consent(scene, first, SUPERVISOR)
    with pytest.raises(GgzyError, match=r"opening\.order_stale"):
        await consent(scene, second, SUPERVISOR, reason="三")
    with pytest.raises(GgzyError, match=r"signed\.bad_signature"):
        await consent(scene, second, replace(SUPERVISOR, device=WITNESS.device))
    await consent(scene, second, SUPERVISOR)
    with pytest.raises(GgzyError, match=r"opening\.order_stale"):
        await consent(scene, second, SUPERVISOR)


async def test_the_database_repeats_that_there_are_two(scene: Scene) -> None:
    """Past the services too, nobody consents to his own order, and what was said is final."""
    asked = await order(scene, "pause")
    async with scene.installation.sessions() as session:
        row = {"order_id": asked.id, "ordered_by": asked.ordered_by, "name": "x", "method": "factor", "statement": None}
        session.add(ConsentRow(**row, user_id=asked.ordered_by, made_at=await now(session)))
        with pytest.raises(DBAPIError, match="ck_opening_consent_second"):
            await session.flush()
        await session.rollback()
        session.add(ConsentRow(**row | {"ordered_by": uuid4()}, user_id=uuid4(), made_at=await now(session)))
        with pytest.raises(DBAPIError, match="fk_opening_consent"):
            await session.flush()


async def test_words_are_final(scene: Scene) -> None:
    """A remark is neither changed nor taken back."""
    async with scene.installation.sessions.begin() as session:
        who = stage.bidder(0).actor
        said = {"bidder": stage.USCCS[0], "text": "有异议"}
        await remarks.complain(session, who, scene.lot_id, 1, **said, entropy=SystemEntropy())
    async with scene.installation.sessions() as session:
        with pytest.raises(DBAPIError, match="rows are final"):
            await session.execute(update(RemarkRow).values(content="无"))


async def test_an_outage_is_noted_whole(scene: Scene) -> None:
    """The witness alone notes, everything filled in and nothing in the future; it stands in the room and the record."""
    async with scene.installation.sessions.begin() as session:
        moment = await now(session)
        draft = Draft("power", "other", moment, "在场各方", "continue", "停电三分钟")
        for wrong, code in (
            (replace(draft, failed="x"), "outage.unknown"),
            (replace(draft, told=" "), "opening.no_text"),
            (replace(draft, since=moment.replace(year=2099)), "outage.in_future"),
        ):
            with pytest.raises(GgzyError, match=code):
                await outages.note(session, WITNESS.actor, scene.lot_id, 1, wrong, entropy=SystemEntropy())
        with pytest.raises(GgzyError, match=r"opening\.not_found"):
            await outages.note(session, SUPERVISOR.actor, scene.lot_id, 1, draft, entropy=SystemEntropy())
        await outages.note(session, WITNESS.actor, scene.lot_id, 1, draft, entropy=SystemEntropy())
    async with scene.installation.sessions() as session:
        seen = await hearing.read(session, stage.bidder(1).actor, scene.lot_id, 1)
        assert [one.draft.note for one in seen.outages] == ["停电三分钟"]


async def test_a_terminated_lot_is_opened_no_further(scene: Scene) -> None:
    """What its custodians give is refused, what they gave opens nothing, and the jobs go on past it."""
    stamped = await scene.request()
    await scene.give(scene.answer(stamped, 1), 1)
    async with scene.installation.sessions.begin() as session:
        await session.execute(update(LotRow).where(LotRow.id == scene.lot_id).values(state="terminated"))
    with pytest.raises(GgzyError, match=r"lot\.ended"):
        await scene.give(scene.answer(stamped, 3), 3)
    progress = await scene.proceed()
    assert (progress.state, progress.decided) == ("began", 0)
