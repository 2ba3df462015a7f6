"""Acts: further trades, one at each stage, for whoever comes to look; the last opening begins three minutes from now.

Time only moves forward, so all are announced together and brought on side by side. Each has one lot and short papers.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from api.demo import award, bids, entry, evaluation, experts, keys, opening, papers
from api.demo.cast import Cast, Person
from api.demo.console import Stage
from api.demo.entry import Trade
from api.demo.experts import Panel
from api.demo.patience import patiently
from kernel.clock import isoformat

BIDS = 3
OPENED = ("opened", "evaluating", "publicized", "awarded")
ANNOUNCED = ("announced", "opening", "failed", *OPENED)
DAYS = {"announced": 60, "opening": 40}
SOON = timedelta(minutes=3)


async def play(stage: Stage, cast: Cast, panel: Panel, work: Path) -> list[Person]:
    """Bring every standing trade to its stage, and the clock to three minutes before the last opening.

    Returns the experts who are to score in the trade under evaluation.
    """
    with stage.act("stages"):
        quiet = Stage(Console(quiet=True))
        trades = {tale["until"]: await _entered(quiet, cast, tale, work) for tale in papers.story()["standing"]}
        await _announce(quiet, cast, trades)
        for until in ("opening", *OPENED):
            await _bid(cast, trades[until], BIDS)
        await _bid(cast, trades["failed"], BIDS - 1)
        await entry.advance(cast, trades["opened"].deadline)
        await _open(quiet, cast, panel, trades)
        await _conclude(quiet, cast, trades)
        begins = trades["opening"].deadline
        await entry.advance(cast, begins - SOON)
        for until, trade in trades.items():
            stage.say(f"stands.{until}", title=trade.tender["title"])
        stage.say("opens_soon", title=trades["opening"].tender["title"], at=isoformat(begins))
    return panel.seated[trades["evaluating"].lots[0]["id"]]


async def _entered(stage: Stage, cast: Cast, tale: dict[str, Any], work: Path) -> Trade:
    """Register a trade; enter it and have it accepted as far as its tale goes."""
    until, folder = tale["until"], work / tale["until"]
    folder.mkdir()
    lot = papers.story()["standing_lot"]
    now = await entry.platform_time(cast["agency"].client)
    deadline = entry.nine_o_clock(now + timedelta(days=DAYS.get(until, entry.NOTICE_DAYS)))
    trade = Trade(folder, BIDS, 0, {**tale, "lot": [lot]}, deadline=deadline)
    steps: list[Callable[[Stage, Cast, Trade], Awaitable[None]]] = [entry.register, entry.enter, entry.accept]
    for step in steps[: {"draft": 1, "entered": 2}.get(until, 3)]:
        await step(stage, cast, trade)
    return trade


async def _announce(stage: Stage, cast: Cast, trades: dict[str, Trade]) -> None:
    """Make the keys of all lots that are announced, a ceremony for each site, and announce them."""
    announced = [trades[until] for until in ANNOUNCED]
    for site in {trade.tender["site"] for trade in announced}:
        await keys.make(stage, cast, [lot for one in announced if one.tender["site"] == site for lot in one.lots], site)
    for trade in announced:
        await entry.announce(stage, cast, trade)


async def _bid(cast: Cast, trade: Trade, count: int) -> None:
    """Let so many bidders hand in."""
    date = f"{(await entry.platform_time(cast['agency'].client)):%Y年%m月%d日}"
    quiet = Stage(Console(quiet=True))
    trade.handed_in = bids.plan(replace(trade, bids=count))
    for bid in trade.handed_in:
        await bids.seal(cast, bid, bids.write(bid, trade, date))
        await bids.submit(quiet, cast, bid)


async def _open(stage: Stage, cast: Cast, panel: Panel, trades: dict[str, Trade]) -> None:
    """Open what is due, draw committees, let them begin, and finish two of them."""
    failed = trades["failed"].lots[0]["id"]
    await patiently(lambda: cast["witness"].client.post(f"/api/v1/lots/{failed}/openings/1"))
    for until in OPENED:
        await opening.open_lot(stage, cast, trades[until].lots[0], 1)
    for until in OPENED[1:]:
        lot = trades[until].lots[0]
        await experts.draw(stage, cast, lot, panel)
        if until == "evaluating":
            await evaluation.begin(stage, cast, lot, panel.seated[lot["id"]])
        else:
            await evaluation.evaluate_lot(stage, cast, lot, panel.seated[lot["id"]])


async def _conclude(stage: Stage, cast: Cast, trades: dict[str, Trade]) -> None:
    """Publish the candidates of two trades and award one of them."""
    awarded, publicized = trades["awarded"], trades["publicized"]
    await entry.advance(cast, await award.publicize(cast, awarded, award.PUBLICITY_DAYS))
    await award.award_lots(stage, cast, awarded)
    days = (trades["opening"].deadline - await entry.platform_time(cast["agency"].client)).days
    await award.publicize(cast, publicized, days + award.PUBLICITY_DAYS)
