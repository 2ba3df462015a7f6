"""One whole trade from registration to an archive that proves itself, by clicks in a dozen browsers."""

from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import Site, Visit, shot
from tests.browser.whole import after, before
from tests.browser.whole.people import BIDDERS, LONG, PURCHASER, Play, employ, register
from tests.pages.conftest import Maker


async def test_a_whole_trade_by_clicks(site: Site, visit: Visit, someone: Maker, tmp_path: Path) -> None:
    """Nobody but people in browsers acts, and the package of it all is found in order by whoever drops it on a page."""
    play = Play(site, visit, someone, tmp_path)
    await employ(play)
    await register(play, "purchaser", PURCHASER, "招标人", factor=True)
    for number, uscc in enumerate(BIDDERS):
        await register(play, f"bidder{number}", uscc, "投标人", factor=False)
    await before.enter(play)
    await before.make_key(play)
    await before.announce(play)
    await before.bid(play)
    await after.pass_time(play, days=40)
    await after.open_stage(play, 1, envelopes=9)
    await after.draw(play)
    await after.evaluate(play)
    await after.report(play)
    await after.conclude(play)
    package = await after.archive(play)
    page = await visit()
    await page.goto("/verify")
    await page.set_input_files("#files", package)
    await expect(page.locator("#status")).to_contain_text("核验通过，共 1 项", timeout=LONG)
    await shot(page, "whole-trade-verified")
