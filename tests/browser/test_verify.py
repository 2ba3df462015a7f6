"""The page /verify in a browser: what people hold is checked on their own device, and nothing leaves it."""

import shutil
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Request
from sqlalchemy.ext.asyncio import AsyncSession

from archive import receipt as receipts
from archive import receipt_code, trail
from archive.feed import export_log
from archive.package import tar
from archive.store import FolderStore
from archive.timestamp import LocalAuthority
from tests.archive.filing import SIGNER, TRADE, make
from tests.browser.conftest import PHONE, Visit, axe, no_sideways_scrolling, shot


@pytest.fixture
async def held(session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path) -> Path:
    """What people hold: a package as folder and tar, a receipt with its bid, the log, the keys got elsewhere."""
    out = tmp_path / "held"
    out.mkdir()
    bag = (await make(session, store, authority, out / "archive")).path
    shutil.copytree(bag / "data/bids/1", out / "bid")
    told = receipts.decode((out / "bid/receipt.json").read_bytes())
    (out / "bid/receipt.proof").write_text(await trail.proof(session, told.commitment))
    (out / "package.tar").write_bytes(b"".join([chunk async for chunk in tar.stream(bag, str(TRADE))]))
    await export_log(session, out / "log", SIGNER.vkey)
    (tmp_path / "chain.pem").write_bytes(authority.chain_pem)
    return out


async def with_own_keys(page: Page, chain: Path) -> None:
    """Go to the page and give the keys that were got elsewhere."""
    await page.goto("/verify")
    await page.check("#pins-own")
    await page.click("#own summary")
    await page.fill("#vkey", SIGNER.vkey)
    await page.set_input_files("#chain-file", chain)


async def ended(page: Page) -> str:
    """Wait until everything chosen was judged, and return the line that says so."""
    await page.locator("#status").filter(has_text="用时").wait_for()
    return await page.inner_text("#status")


async def test_a_package_a_receipt_and_a_log_hold(visit: Visit, held: Path, tmp_path: Path) -> None:
    """Tar, loose files, a folder and a pasted code are checked by the keys given, and the browser sends nothing.

    A receipt beside the package of its trade is held against it; one without its other files is incomplete, not wrong.
    """
    page = await visit()
    await with_own_keys(page, tmp_path / "chain.pem")
    await axe(page)
    await shot(page, "verify")
    sent: list[Request] = []
    page.on("request", lambda request: request.method != "GET" and sent.append(request))
    await page.set_input_files("#files", [held / "package.tar", *sorted((held / "bid").iterdir())])
    assert "核验通过，共 2 项" in await ended(page)
    assert await page.locator(".artefact").nth(0).locator("li .good").count() == 10
    assert await page.locator(".artefact").nth(1).locator("li .good").count() == 8
    assert "与手边的归档包一致" in await page.locator(".artefact").nth(1).inner_text()
    await axe(page)
    await shot(page, "verify-sound")
    await page.click("summary >> text=只有纸质回执")
    given = receipts.Files.read(held / "bid")
    await page.fill("#code", receipt_code.write(given.content, given.token))
    await page.click("#code-check")
    assert "共 1 项" in await ended(page)
    assert await page.locator(".artefact li .good").count() == 5
    await axe(page)
    await shot(page, "verify-code")
    await page.fill("#code", "")
    await page.set_input_files("#files", held / "bid/receipt.json")
    assert "1 项文件不全" in await ended(page)
    assert "receipt.digest, receipt.tsr" in await page.inner_text(".artefact .warning")
    assert await page.locator(".artefact .bad").count() == 0
    await axe(page)
    await shot(page, "verify-incomplete")
    await page.set_input_files("#folder", held / "log")
    assert "共 1 项" in await ended(page)
    assert sent == []


async def test_the_first_thing_wrong_is_named(visit: Visit, held: Path, tmp_path: Path) -> None:
    """In a package one document of which was changed the fourth step fails by name, and later ones are not claimed."""
    (held / "archive/data/documents/quantities.csv").write_text("项,量\n土方,999\n")
    page = await visit(size=PHONE)
    await with_own_keys(page, tmp_path / "chain.pem")
    await page.set_input_files("#folder", held / "archive")
    assert "核验不通过" in await ended(page)
    steps = page.locator(".artefact li")
    assert await steps.nth(2).locator(".good").count() == 1
    assert "documents/quantities.csv" in await steps.nth(3).inner_text()
    assert await steps.nth(3).locator(".bad").count() == 1
    assert await steps.nth(4).locator(".off").count() == 1
    await no_sideways_scrolling(page)
    await axe(page)
    await shot(page, "verify-wrong-phone")


async def test_keys_that_came_along_prove_little(visit: Visit, held: Path) -> None:
    """With no key pinned the report says so; with this platform's keys a stranger's log is refused."""
    page = await visit()
    await page.goto("/verify")
    await page.check("#pins-none")
    await page.set_input_files("#files", held / "package.tar")
    assert "核验通过" in await ended(page)
    assert "只能证明其前后一致" in await page.inner_text(".artefact .warning")
    await page.check("#pins-site")
    await page.set_input_files("#files", held / "package.tar")
    assert "核验不通过" in await ended(page)
    assert "note.wrong_signature" in await page.inner_text(".artefact")


async def test_the_saved_page_works_without_a_network(
    visit: Visit, browser: Browser, held: Path, tmp_path: Path
) -> None:
    """Kept as one file and opened from a disk, with no network at all, it checks the same; no address is in it."""
    page = await visit()
    await page.goto("/verify")
    async with page.expect_download() as download:
        await page.click("text=保存离线核验页")
    saved = tmp_path / "ggzy-verify.html"
    await (await download.value).save_as(saved)
    assert "src=" not in saved.read_text()
    context = await browser.new_context(offline=True)
    alone = await context.new_page()
    heard: list[str] = []
    alone.on("console", lambda message: message.type == "error" and heard.append(message.text))
    alone.on("pageerror", lambda error: heard.append(str(error)))
    await alone.goto(saved.as_uri())
    await alone.check("#pins-own")
    await alone.click("#own summary")
    await alone.fill("#vkey", SIGNER.vkey)
    await alone.set_input_files("#chain-file", tmp_path / "chain.pem")
    await alone.set_input_files("#files", held / "package.tar")
    assert "核验通过，共 1 项" in await ended(alone)
    await context.close()
    assert heard == []
