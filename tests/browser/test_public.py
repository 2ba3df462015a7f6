"""What a citizen does with the public pages in a browser, on a phone and on a wall, with and without JavaScript."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import DESK, PHONE, WALL, Site, Visit, axe, no_sideways_scrolling, shot
from tests.pages import scenery
from tests.pages.scenery import Scenery

BUDGET = 60_000  # bytes over the network at a first view: page, styles and scripts
WEIGHT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""


@pytest.fixture
async def painted(site: Site) -> Scenery:
    """Trades at many stages, in the log."""
    return await scenery.paint(site.installation)


async def test_public_pages_on_a_wall(visit: Visit, painted: Scenery) -> None:
    """On a wall no page scrolls sideways and axe finds nothing serious; what the demo has none of on a phone as well.

    The other pages are walked in the demo. Pictures for the guide.
    """
    rare = {
        "nothing-found": "/notices?q=供暖锅炉&since=2026-01-01",
        "correction": f"/notices/{painted.correction}",
        "trade-suspended": f"/tenders/{painted.suspended.id}",
        "trade-failed": f"/tenders/{painted.failed.id}",
    }
    pages = {"home": "/", "notices": "/notices?q=给水管网", "trade": f"/tenders/{painted.announced.id}", **rare}
    wall, phone, desk = await visit(size=WALL), await visit(size=PHONE), await visit()
    for page, paths in ((wall, pages), (phone, rare)):
        for path in paths.values():
            await page.goto(path)
            await no_sideways_scrolling(page)
            await axe(page)
    for name in ("home", "notices", "correction", "trade"):
        await desk.goto(pages[name])
        await shot(desk, f"public-{name}-1280")


async def test_from_the_door_to_a_trade(visit: Visit, painted: Scenery) -> None:
    """By keyboard: a word at the door, a filter on the list, the notice, its trade; each address can be kept.

    A first view is light, and the time left stands beside a deadline, by the server's clock.
    """
    for path in ("/", "/notices", f"/tenders/{painted.announced.id}"):
        page = await visit()
        await page.goto(path, wait_until="networkidle")
        assert 2_000 < await page.evaluate(WEIGHT) <= BUDGET, path
    await expect(page.locator("time[data-countdown]").first).to_contain_text("还剩")
    await page.goto("/")
    await page.get_by_label("查公告和项目").fill("集中供热")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/notices?q=*")
    assert await page.locator("mark").first.text_content() == "集中供热"
    await page.get_by_label("公告类别").select_option("suspension")
    await page.get_by_role("button", name="查找").click()
    await page.wait_for_url("**kind=suspension*")
    assert await page.locator(".notice").count() == 1
    kept = page.url
    await page.locator(".notice a").click()
    await page.get_by_role("link", name=painted.suspended.code).first.click()
    await page.wait_for_url(f"**/tenders/{painted.suspended.id}")
    assert await page.get_by_text("暂停中").count() == 1
    await page.goto(kept)
    assert await page.get_by_label("公告类别").input_value() == "suspension"


async def test_reading_needs_no_javascript(visit: Visit, painted: Scenery) -> None:
    """Without JavaScript everything can be found and read, the filters behind their fold as well."""
    page = await visit(size=PHONE, java_script_enabled=False)
    await page.goto("/")
    await page.get_by_label("查公告和项目").fill("防洪堤")
    await page.get_by_role("button", name="查找").click()
    await page.get_by_text("更多条件").click()
    await page.get_by_label("公告类别").select_option("failure")
    await page.get_by_role("button", name="查找").click()
    await page.locator(".notice a").first.click()
    assert painted.failed.title in (await page.locator("h1").text_content() or "")
    await page.goto(f"/tenders/{painted.announced.id}")
    assert await page.get_by_text("接收投标", exact=True).count() == 1
    assert "2026" in (await page.locator("time[data-countdown]").first.text_content() or "")


async def test_a_trade_with_its_result(visit: Visit, site: Site, tmp_path: Path) -> None:
    """Opening record, candidates and award read well on a phone and on a desk, and print without navigation."""
    scene = await scenery.prepared(site.installation, tmp_path)
    await scenery.open_bids(scene)
    await scenery.publicized(scene)
    await scenery.awarded(scene)
    path = f"/tenders/{await scenery.tender_of(site.installation, scene.lot_id)}"
    for size in (PHONE, DESK):
        page = await visit(size=size)
        await page.goto(path)
        await page.locator("details.trust summary").click()
        await no_sideways_scrolling(page)
        await axe(page)
        await shot(page, f"public-trade-awarded-{size[0]}")
    await page.emulate_media(media="print")
    assert not await page.locator(".places").is_visible()
    assert await page.locator(".steps").first.is_visible()
    await shot(page, "public-trade-print")
