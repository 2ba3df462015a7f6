"""The title block of papers: names of the trade's people and place, the booked halls of the paper's own kind."""

from tests.trading.conftest import AGENCY, PURCHASER, Stage
from tests.trading.test_venues import book, draft, hall, noon
from trading import heading


async def test_a_paper_says_whose_trade_it_is_and_where_it_is_held(stage: Stage) -> None:
    """Parties and site stand by their names; of the halls those that are booked for the lot, and no other."""
    tender = await stage.announce()
    lot = tender.lots[0]
    before = await heading.of_lot(stage.session, lot.id)
    assert (before.project, before.code, before.number) == (tender.title, tender.code, 1)
    assert (before.purchaser, before.agency) == (f"单位{PURCHASER[-4:]}", f"单位{AGENCY[-4:]}")
    assert (before.site, before.place) == ("锡林浩特市", "")
    room = await hall(stage)
    await book(stage, draft(room, lot.id, await noon(stage)))
    assert (await heading.of_lot(stage.session, lot.id)).place == room.name
    assert (await heading.of_lot(stage.session, lot.id, "evaluation")).place == ""
    assert (await heading.of_lot(stage.session, tender.lots[1].id)).place == ""
