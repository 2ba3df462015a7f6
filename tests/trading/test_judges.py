"""What exists for the members of a committee and for no other expert: invited tenders, documents under evaluation."""

import pytest
from sqlalchemy import update

from kernel.actor import EVERYWHERE, Role
from kernel.errors import GgzyError
from tests.trading.conftest import BIDDERS, PEOPLE, Stage, person
from trading import documents, judges, lots, tenders
from trading.lot import State
from trading.tables import LotRow

MEMBER, OTHER = PEOPLE.expert, person(91, (Role.EXPERT, EVERYWHERE))


async def test_an_invited_tender_exists_for_its_committee_alone(stage: Stage) -> None:
    """An expert of no committee learns of it neither by itself nor in the list; who left the committee neither."""
    tender = await stage.announce(method="invited", invitees=tuple(BIDDERS[:3]))
    await judges.seat(stage.session, tender.lots[1].id, [MEMBER.user_id])
    await judges.seat(stage.session, tender.lots[1].id, [MEMBER.user_id])
    assert (await tenders.get(stage.session, MEMBER, tender.id)).invitees == ()
    assert [one.id for one in await tenders.page(stage.session, MEMBER)] == [tender.id]
    assert await tenders.page(stage.session, OTHER) == []
    for lot in tender.lots:
        assert await lots.read(stage.session, MEMBER, lot.id)
        with pytest.raises(GgzyError, match=r"lot\.not_found"):
            await lots.read(stage.session, OTHER, lot.id)
    await judges.unseat(stage.session, tender.lots[1].id, MEMBER.user_id)
    with pytest.raises(GgzyError, match=r"tender\.not_found"):
        await tenders.get(stage.session, MEMBER, tender.id)


async def test_documents_are_read_by_the_committee_of_the_lot_while_it_works(stage: Stage) -> None:
    """Those of its own lot and of the whole tender, not those of another lot, and no other expert reads any."""
    tender = await stage.announce()
    first, second = tender.lots
    await stage.session.execute(update(LotRow).where(LotRow.id == first.id).values(state=str(State.EVALUATING)))
    await judges.seat(stage.session, first.id, [MEMBER.user_id])
    assert len(await documents.of_tender(stage.session, MEMBER, tender.id)) == 1
    assert await documents.of_tender(stage.session, OTHER, tender.id) == []
    await judges.unseat(stage.session, first.id, MEMBER.user_id)
    await judges.seat(stage.session, second.id, [MEMBER.user_id])
    assert await documents.of_tender(stage.session, MEMBER, tender.id) == []
