"""Custodians make keys in the browser: by clicks on three devices, with the command line, with a liar among them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from api import custody
from api.client import Client
from bidding import keyfile
from tests.bidding.ceremonies import place
from tests.bidding.stage import PURCHASER
from tests.bidding.table import Table
from tests.bidding.test_keymaking import lying_deal
from tests.browser.conftest import DESK, PHONE, Site, Visit, axe, no_sideways_scrolling, shot
from tests.browser.custodians import (
    ENTROPY,
    LONG,
    NAMES,
    PASSPHRASE,
    SIDES,
    Custodian,
    key_file,
)
from tests.conftest import Someone


@pytest.fixture
async def custodians(
    site: Site, visit: Visit, someone: Callable[..., Awaitable[Someone]], tmp_path: Path
) -> tuple[Custodian, ...]:
    """One custodian of each side, each in a browser of their own."""
    async with site.installation.sessions.begin() as session:
        await place(session)
    made = []
    for number, (side, name) in enumerate(zip(SIDES, NAMES, strict=True), start=1):
        who = await someone(side, name=name)
        size = PHONE if number == len(SIDES) else DESK
        made.append(Custodian(who, key_file(tmp_path, number, who), await visit(who, size)))
    return tuple(made)


async def begin(witness: Page, count: int = 2) -> str:
    """Begin a key making by clicks, and return its id."""
    await witness.goto("/custody")
    await witness.click("text=发起密钥制作")
    await witness.fill("#purchaser", PURCHASER)
    await witness.click("main form button")
    await axe(witness)
    await shot(witness, "custody-begin")
    for box in await witness.locator("input[name=people]").all():
        await box.check()
    await witness.fill("#count", str(count))
    await witness.click("main form button")
    await expect(witness.locator("h1")).to_contain_text(f"{count} 把")
    return witness.url.split("/")[-1].split("?")[0]


async def test_three_browsers_make_keys(custodians: tuple[Custodian, ...], site: Site) -> None:
    """A batch of keys by clicks: fingerprints compared, deals, backups proven, and every device holds its shares."""
    ceremony = await begin(custodians[0].page)
    for one in custodians:
        await one.take_part(ceremony)
    for one in custodians:
        await expect(one.page.locator("#backup")).to_be_visible(timeout=LONG)
        await axe(one.page)
        await no_sideways_scrolling(one.page)
    await shot(custodians[2].page, "custody-backup")
    for one in custodians:
        await one.back_up()
    for one in custodians:
        await expect(one.page.locator("#finished")).to_be_visible(timeout=LONG)
    hashed = await custodians[2].page.locator("#hash").text_content()
    for number, one in enumerate(custodians, start=1):
        kept = keyfile.load(one.file, PASSPHRASE)
        assert custody.share_of(kept, bytes.fromhex(hashed or ""), 1)[0] == number
    await shot(custodians[0].page, "custody-made")
    page = custodians[2].page
    for path, name in (("/custody", "custody-home"), ("/custody/about", "custody-about")):
        await page.goto(path)
        await axe(page)
        await no_sideways_scrolling(page)
        await shot(page, name)


async def test_a_browser_and_the_command_line_make_keys_together(custodians: tuple[Custodian, ...], site: Site) -> None:
    """Two custodians in browsers, the third by what `ggzy key make` runs: one transcript."""
    ceremony = await begin(custodians[0].page, count=1)
    third = custodians[2]
    held = keyfile.load(third.file, PASSPHRASE)

    def keep(name: str, value: bytes) -> None:
        keyfile.add(third.file, PASSPHRASE, name, value, entropy=ENTROPY)

    token = third.who.headers["Authorization"].removeprefix("Bearer ")
    async with Client(site.url, token=token) as client:
        setup = await custody.setup_of(client, UUID(ceremony))
        making = asyncio.create_task(custody.make_keys(client, held, setup, keep=keep, entropy=ENTROPY, pause=0.3))
        for one in custodians[:2]:
            await one.take_part(ceremony)
        for one in custodians[:2]:
            await one.back_up()
        made = await making
    for one in custodians[:2]:
        await expect(one.page.locator("#hash")).to_have_text(made.hash.hex(), timeout=LONG)


async def test_a_liar_is_found_out_in_the_browser(custodians: tuple[Custodian, ...], site: Site) -> None:
    """Who gets a share that does not fit complains with evidence by itself; everybody is told who lied."""
    ceremony = await begin(custodians[0].page, count=1)
    token = custodians[1].who.headers["Authorization"].removeprefix("Bearer ")
    async with Client(site.url, token=token) as client:
        setup = await custody.setup_of(client, UUID(ceremony))
        table = Table(setup, tuple(one.who.device for one in custodians), ENTROPY)
        lie = lying_deal(table, 2, victim=3, lie="share")
        await client.post(f"/api/v1/ceremonies/{ceremony}/deal", {"message": lie.decode()})
    await custodians[2].take_part(ceremony)
    await custodians[0].take_part(ceremony)
    await expect(custodians[2].page.locator("#trouble")).to_contain_text("第 2 位保管人", timeout=LONG)
    await expect(custodians[0].page.locator("#progress")).to_contain_text("第 2 位保管人的设备出了问题", timeout=LONG)


async def test_a_custodian_comes_back(custodians: tuple[Custodian, ...]) -> None:
    """Closed after the deal, opened again: the device goes on; an old copy of the file proves no backup."""
    ceremony = await begin(custodians[0].page, count=1)
    first = custodians[0]
    await first.take_part(ceremony)
    await expect(first.page.locator("#doing")).to_contain_text("等待其他保管人")
    old = first.file
    for one in custodians[1:]:
        await one.take_part(ceremony)
    await first.page.reload()
    await first.unlock(kept=True)
    await expect(first.page.locator("#backup")).to_be_visible(timeout=LONG)
    await first.page.set_input_files("#saved", old)
    await expect(first.page.locator("#trouble")).to_contain_text("custody.bad_backup")
    for one in custodians:
        await one.back_up()
    await expect(first.page.locator("#finished")).to_be_visible(timeout=LONG)
