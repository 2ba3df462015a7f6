"""A large bid on a bad day: the network is cut in the middle, the browser closed and started again, the bid resumed."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import CDPSession, Page, async_playwright, expect

from api.accounts.authentication import COOKIE
from kernel.actor import Grant, Role, party
from tests.bidding import scene, stage
from tests.bidding.scene import Scene
from tests.browser.conftest import (
    CHROMIUM,
    DESK,
    PHONE,
    Site,
    Watch,
    axe,
    no_sideways_scrolling,
    session_of,
    shot,
)
from tests.browser.test_bid import bid_of, make_key, opened, sha256, unlock, write_bid
from tests.conftest import Someone
from tests.pages.conftest import Maker
from tests.pages.test_bid import take_documents
from tests.soak import results

MEBIBYTE = 1 << 20
LEFT = """async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("sealed-bids");
    return (await Array.fromAsync(folder.keys())).length;
}"""
STORED = """async () => {
    const found = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), JSON.stringify(history.state)];
    const asked = indexedDB.open("ggzy");
    const database = await new Promise((resolve) => (asked.onsuccess = () => resolve(asked.result)));
    for (const name of database.objectStoreNames) {
        const all = database.transaction(name).objectStore(name).getAll();
        for (const one of await new Promise((resolve) => (all.onsuccess = () => resolve(all.result)))) {
            for (const value of [one, ...Object.values(one)]) {
                const bytes = value instanceof Uint8Array;
                found.push(bytes ? new TextDecoder("latin1").decode(value) : JSON.stringify(value));
            }
        }
    }
    database.close();
    return found.join();
}"""
OLD = """async () => {
    const asked = indexedDB.open("ggzy");
    const database = await new Promise((resolve) => (asked.onsuccess = () => resolve(asked.result)));
    const old = { user: "somebody", lot: "a lot", uscc: "a bidder", deadline: "2026-01-01T00:00:00Z" };
    const put = database.transaction("drafts", "readwrite").objectStore("drafts").put(old);
    await new Promise((resolve) => (put.onsuccess = resolve));
    database.close();
}"""
PRICE = "9876543.21"
Start = Callable[[Someone], AbstractAsyncContextManager[Page]]


@pytest.fixture
async def start(site: Site, watch: Watch, tmp_path: Path) -> AsyncIterator[Start]:
    """Give a starter of Chromium on one profile on disk, as a bidder's own; the person signs in each time."""
    watch.allowed.extend(["ERR_INTERNET_DISCONNECTED", "ERR_NETWORK"])
    async with async_playwright() as playwright:

        @asynccontextmanager
        async def open_browser(who: Someone) -> AsyncIterator[Page]:
            context = await playwright.chromium.launch_persistent_context(
                tmp_path / "profile", executable_path=CHROMIUM, args=["--no-sandbox"], base_url=site.url, locale="zh-CN"
            )
            watch.over(context)
            cookie = {"name": COOKIE, "value": await session_of(site, who), "url": site.url}
            await context.add_cookies([cookie])  # type: ignore[list-item] # a dict of strings
            yield await context.new_page()
            await context.close()

        yield open_browser


@pytest.fixture
async def played(site: Site, tmp_path: Path) -> Scene:
    """An announced lot that takes bids for an hour."""
    return await scene.prepare(site.installation, tmp_path)


async def throttle(network: CDPSession, speed: int) -> None:
    """Let the page send `speed` bytes a second; 0 cuts the network."""
    conditions = {"offline": speed == 0, "latency": 0, "downloadThroughput": -1, "uploadThroughput": speed or -1}
    await network.send("Network.emulateNetworkConditions", conditions)


@pytest.mark.parametrize("size", [48 * MEBIBYTE, pytest.param(1024 * MEBIBYTE, marks=pytest.mark.soak)])
async def test_a_bid_outlives_network_and_browser(
    size: int, played: Scene, start: Start, someone: Maker, tmp_path: Path
) -> None:
    """What was typed outlives a reload, sealed; what was sealed is not sealed or sent again, and needs no key."""
    who = await someone(Grant(Role.BIDDER, party(stage.USCCS[0])))
    drawing = tmp_path / "总平面图.dwg"
    write_noise(drawing, size)
    await take_documents(played)
    async with start(who) as page:
        await make_key(page, tmp_path)
        await page.goto(f"/bid/lots/{played.lot_id}")
        await unlock(page)
        await write_bid(page, [drawing], PRICE)
        await outlive_a_reload(page, drawing)
        network = await page.context.new_cdp_session(page)
        await throttle(network, size // 8)
        await page.click("#seal")
        await expect(page.locator("#against")).to_contain_text("来得及", timeout=120_000)
        await expect(page.locator("#uploading-said")).to_contain_text(re.compile("（[3-7][0-9]%）"), timeout=120_000)
        await throttle(network, 0)
        await expect(page.locator("#standing")).to_contain_text("网络中断", timeout=30_000)
        await axe(page)
        await shot(page, "bid-cut")
    assert not lies_in_the_clear(PRICE, tmp_path / "profile")
    async with start(who) as page:
        await page.goto(f"/bid/lots/{played.lot_id}")
        await expect(page.locator("h2:visible")).to_contain_text("还没有递交")
        await axe(page)
        await shot(page, "bid-resume")
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
        await page.click("#resume-go")
        await expect(page.locator("h1")).to_contain_text("投标已送达", timeout=240_000)
        assert 0 < len(sent) < size // (8 * MEBIBYTE)
        found = await opened(played, bid_of(page))
        await page.goto(f"/bid/lots/{played.lot_id}")
        assert await page.evaluate(LEFT) == 0
        assert '"lot"' not in await page.evaluate(STORED)
    assert found["technical"][1] == {drawing.name: sha256(drawing)}
    if size > 1000 * MEBIBYTE:
        counts = {
            "bytes of the file": size,
            "parts of 8 MiB sent after the browser was started again": len(sent),
            "parts of the whole": size // (8 * MEBIBYTE),
            "bytes of the file that differ when the bid is opened": 0,
        }
        results.report("large-bid", "A bid of 1 GiB from Chromium: network cut, browser closed, upload resumed", counts)


async def outlive_a_reload(page: Page, drawing: Path) -> None:
    """Leave the page with the bid written: its draft is back once the key is open, the file asked for; old ones go."""
    await page.click("[data-back] >> visible=true")
    await expect(page.locator("#draft")).to_contain_text("已加密保存")
    stored = await page.evaluate(STORED)
    assert '"saved' in stored.lower()
    assert PRICE not in stored
    await page.evaluate(OLD)
    lot = page.url
    await page.goto("/bid")
    await expect(page.locator("[data-draft-of]")).to_be_visible()  # only once old ones are gone
    assert "somebody" not in await page.evaluate(STORED)
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await no_sideways_scrolling(page)
    await shot(page, "bid-list-320")
    await page.goto(lot)
    await unlock(page)
    await expect(page.locator("#draft")).to_contain_text("已恢复")
    await expect(page.locator("#price-price")).to_have_value(PRICE)
    await page.click("text=继续 >> visible=true")
    await expect(page.locator("#problems a")).to_have_attribute("href", "#technical-files")
    await expect(page.locator("#problems")).to_contain_text(drawing.name)
    await axe(page)
    await no_sideways_scrolling(page)
    await shot(page, "bid-draft-320")
    await page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    await shot(page, "bid-draft")
    await page.set_input_files("#technical-files", [drawing])
    await page.click("text=继续 >> visible=true")
    await page.click("text=继续 >> visible=true")
    await expect(page.locator("#answers")).to_contain_text("李雷")


def lies_in_the_clear(text: str, folder: Path) -> bool:
    """Tell whether a text stands in any file of a browser's profile, as Chromium writes texts."""
    spelled = [text.encode(), text.encode("utf-16-le")]
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return any(one in path.read_bytes() for path in files for one in spelled)


def write_noise(path: Path, size: int) -> None:
    """Write a file no two segments of which are alike."""
    block = bytes(range(256)) * 4092
    with path.open("wb") as file:
        for number in range(size // MEBIBYTE):
            file.write(number.to_bytes(1024, "big") + block)
