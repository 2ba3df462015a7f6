"""Acts: candidates are published, the award is announced, contracts are attached."""

from datetime import datetime, timedelta
from typing import Any

from api.demo import papers
from api.demo.cast import Cast, bidders, party_code
from api.demo.console import Stage
from api.demo.entry import Trade, advance, attach, platform_time
from api.demo.papers import Volume
from kernel.clock import isoformat

PUBLICITY_DAYS = 4


async def award(stage: Stage, cast: Cast, trade: Trade) -> None:
    """Publish the candidates, let the publicity pass, award each lot to rank 1, attach the contracts."""
    with stage.act("publicity"):
        ends = await publicize(cast, trade, PUBLICITY_DAYS)
        stage.say("publicity", ends=isoformat(ends.replace(microsecond=0)))
        await advance(cast, ends)
    with stage.act("award"):
        for lot, winner in zip(trade.lots, await award_lots(stage, cast, trade), strict=True):
            await _contract(stage, cast, trade, lot["number"], winner)
            await cast["agency"].client.post(f"/api/v1/lots/{lot['id']}/steps", {"step": "contract"})


async def publicize(cast: Cast, trade: Trade, days: int) -> datetime:
    """Publish the candidates of every lot for so many days; return when that ends."""
    client = cast["agency"].client
    ends = await platform_time(client) + timedelta(days=days)
    for lot in trade.lots:
        text = papers.notice("candidates", trade.tender, lot=lot["title"], ends=papers.civil(ends))
        draft = {"text": text, "ends_at": isoformat(ends)}
        await client.post(f"/api/v1/lots/{lot['id']}/publicity", draft)
    return ends


async def award_lots(stage: Stage, cast: Cast, trade: Trade) -> list[dict[str, Any]]:
    """Award every lot to rank 1; return the winners as the story has them."""
    client, winners = cast["agency"].client, []
    for lot in trade.lots:
        first = (await client.get(f"/api/v1/lots/{lot['id']}/candidates"))[0]
        winner = next(one for one in bidders(trade.bids) if party_code(one) == first["bidder"])
        told = {"lot": lot["title"], "winner": winner["name"], "price": papers.yuan(first["price"])}
        draft = {"winner": first["bidder"], "text": papers.notice("award", trade.tender, **told)}
        await client.post(f"/api/v1/lots/{lot['id']}/award", draft)
        winners.append(winner)
        stage.say("awarded", lot=lot["number"], name=winner["name"], price=first["price"])
    return winners


async def _contract(stage: Stage, cast: Cast, trade: Trade, number: int, winner: dict[str, Any]) -> None:
    """Attach the signed contract of a lot."""
    tale = trade.tale["lot"][number - 1]
    volume = Volume(
        trade.tender["title"], "施工合同", tale, winner["name"], party_code(winner), f"contract {number}", 2
    )
    now = await platform_time(cast["agency"].client)
    data = papers.bid_data(volume, trade.tender["code"], f"{now:%Y年%m月%d日}", sandbox=True)
    path = papers.render("bid.typ", data, trade.work / f"contract-{number}.pdf")
    title = f"第{number}标段施工合同.pdf"
    client, tender_id = cast["purchaser"].client, trade.tender["id"]
    await attach(stage, client, tender_id, path, kind="contract", title=title, lot=number)
