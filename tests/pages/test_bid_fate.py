"""What a bidder's page says became of a bid: the same that the public can know, when it can know it."""

from pathlib import Path

from api.wiring import Installation
from kernel.actor import Grant, Role, party
from tests.bidding import stage
from tests.pages import scenery
from tests.pages.conftest import Maker, SignIn, Visitor, text_of


async def state(visitor: Visitor) -> str:
    """Return what the page of own bids says from the table on."""
    return text_of(await visitor.get("/bid")).partition("我递交过的投标")[2]


async def test_a_bid_is_followed_to_the_award(
    installation: Installation, tmp_path: Path, someone: Maker, signed_in: SignIn
) -> None:
    """Each step of the trade is told with the way to where it is written; nobody reads handed in after the award."""
    scene = await scenery.prepared(installation, tmp_path)
    first, second = [
        await signed_in(await someone(Grant(Role.BIDDER, party(stage.USCCS[number])))) for number in (1, 2)
    ]
    assert "已递交" in await state(first)
    await scene.pass_deadline()
    assert "已截止，待开标" in await state(first)
    await scene.begin()
    assert "正在开标" in await state(first)
    await scene.quorum()
    await scene.proceed()
    assert "已开标" in await state(first)
    page = (await first.get("/bid")).text
    assert f"/openings/{scene.lot_id}/1/record.pdf" in page
    assert f"/tenders/{await scenery.tender_of(installation, scene.lot_id)}" in page
    await scenery.publicized(scene)
    assert "候选人第 1 名" in await state(first)
    assert "候选人第 2 名" in await state(second)
    await scenery.awarded(scene)
    assert " 中标 " in await state(first)
    assert "未中标" in await state(second)
    assert "已递交" not in await state(second)


async def test_a_lot_leads_its_purchaser_to_what_came_of_it(
    installation: Installation, tmp_path: Path, someone: Maker, signed_in: SignIn
) -> None:
    """Room and record stay on the lot's page after the evaluation, beside the candidates."""
    scene = await scenery.prepared(installation, tmp_path)
    await scenery.open_bids(scene)
    await scenery.publicized(scene)
    purchaser = await signed_in(await someone(Grant(Role.PURCHASER, party(stage.PURCHASER))))
    page = (await purchaser.get(f"/purchase/lots/{scene.lot_id}")).text
    work = page.partition("接下来")[2].partition("标段信息")[0] or page
    assert f'"/openings/{scene.lot_id}/1"' in work
    assert f"/openings/{scene.lot_id}/1/record.pdf" in work
    assert "中标候选人公示" in work
    assert f"/openings/{scene.lot_id}/1/record.pdf" in (await purchaser.get("/openings")).text


async def test_a_bid_of_a_failed_lot_says_so(
    installation: Installation, tmp_path: Path, someone: Maker, signed_in: SignIn
) -> None:
    """With too few bids the one that was handed in has failed with its lot, here and on its own page."""
    scene = await scenery.prepared(installation, tmp_path)
    bid = await scene.hand_in(4)
    async with installation.sessions.begin() as session:
        await scenery.fail(session, scene.lot_id)
    visitor = await signed_in(await someone(Grant(Role.BIDDER, party(stage.USCCS[4]))))
    assert "流标" in await state(visitor)
    assert "流标" in text_of(await visitor.get(f"/bid/bids/{bid}"))
