"""A supervisor at work in a browser: finds an entry, sends the search, takes out a bundle and checks it on /verify."""

from pathlib import Path

import pytest

from api import jobs
from archive import trail
from kernel.actor import SYSTEM, Grant, Role
from kernel.actor import site as at
from tests.bidding import stage
from tests.browser.conftest import Site, Visit, axe, shot
from tests.browser.test_verify import ended
from tests.pages.conftest import Maker
from tests.pages.test_supervision import file
from trading.lot import LotFacts
from trading.lots import facts


@pytest.fixture
async def lot(site: Site) -> LotFacts:
    """A lot that is opened within the hour, with events in the log."""
    installation = site.installation
    async with installation.sessions.begin() as session:
        lot = await facts(session, await stage.lot(session))
        await stage.announce(session, lot)
        for step in ("suspended", "resumed"):
            data = {"lot": str(lot.id), "step": step, "reason": "核查投诉"}
            await trail.record(session, SYSTEM, f"lot.{step}", data, trade=lot.tender_id, entropy=installation.entropy)
    await jobs.sequence(installation)
    await jobs.stamp(installation)
    return lot


async def test_a_supervisor_finds_takes_out_and_proves(
    visit: Visit, someone: Maker, site: Site, lot: LotFacts, tmp_path: Path
) -> None:
    """From the overview to a narrowed search, an entry's proof and a bundle that holds on /verify.

    The page of a package that lacks an entry says so.
    """
    person = await someone(Grant(Role.SUPERVISOR, at("152502")), name="监督员")
    page = await visit(person)
    await page.goto("/supervision")
    await axe(page)
    await shot(page, "supervision-overview")
    await page.click("nav.actions >> text=全程留痕")
    await page.click("main summary >> nth=0")
    await page.fill("#trade", lot.tender_code)
    await page.select_option("#kind", "lot")
    await page.click(".narrow button")
    assert f"trade={lot.tender_code}" in page.url
    assert "kind=lot" in page.url
    assert await page.locator(".timeline > li").count() == 2
    await axe(page)
    await shot(page, "supervision-trail")
    async with page.expect_download() as download:
        await page.click("text=导出证据包")
    packed = tmp_path / "trail.zip"
    await (await download.value).save_as(packed)
    await page.click(".timeline .when a >> nth=0")
    await page.locator("h1").filter(has_text="留痕条目").wait_for()
    await axe(page)
    await shot(page, "supervision-entry")
    await page.goto("/verify")
    await page.set_input_files("#files", packed)
    assert "核验通过，共 1 项" in await ended(page)
    assert await page.locator(".artefact li .good").count() == 7
    await shot(page, "supervision-verified")
    await file(site.installation, lot.tender_id, tmp_path, leaving_out=b"lot.resumed")
    await jobs.sequence(site.installation)
    await page.goto(f"/supervision/trail?trade={lot.tender_id}")
    await page.click("text=核对归档包是否完整")
    await page.locator("h1").filter(has_text="归档包是否完整").wait_for()
    assert await page.locator("main .tag.bad").count() == 1
    await axe(page)
    await shot(page, "supervision-package")
