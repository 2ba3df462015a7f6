"""A bidder at work in a browser: key, rehearsal, a bid by clicks, the network cut, the browser closed."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from playwright.async_api import Page, Route, expect
from sqlalchemy import update

from api.accounts import login
from api.locale import words
from archive.store import ObjectStore
from bidding import group, keyfile, keysetup, opening, unsealing, uploads
from bidding import manifest as manifests
from bidding.form import Form
from bidding.tables import BidRow
from kernel import canonical
from kernel.actor import Grant, Role, party
from kernel.database import now
from kernel.entropy import SystemEntropy
from tests.api.test_factors import PASSWORD
from tests.bidding import scene, stage
from tests.bidding.scene import Scene
from tests.browser.conftest import PHONE, Site, Visit, Watch, axe, no_sideways_scrolling, shot
from tests.conftest import Someone
from tests.pages.conftest import Maker
from tests.pages.test_accounts import age
from trading import lots
from trading.tables import LotRow

USCC = stage.USCCS[0]
PASSPHRASE = "敕勒川阴山下天似穹庐"


@pytest.fixture
async def lot(site: Site, tmp_path: Path) -> Scene:
    """An announced lot that takes bids for an hour."""
    return await scene.prepare(site.installation, tmp_path)


@pytest.fixture
async def bidder(someone: Maker) -> Someone:
    """Somebody of a bidder."""
    return await someone(Grant(Role.BIDDER, party(USCC)))


async def make_key(page: Page, folder: Path) -> Path:
    """Make a device key by clicks, save it, prove the backup, enrol it; return the key file."""
    await page.goto("/bid/device")
    path = await back_up_key(page, folder)
    await page.click("text=登记这把密钥")
    await expect(page.locator(".done")).to_contain_text("已登记")
    return path


async def back_up_key(page: Page, folder: Path) -> Path:
    """Make a device key on its page, save it, prove the backup; return the key file."""
    await begin_key(page)
    async with page.expect_download() as saving:
        await page.click("#download")
    path = folder / "me.key"
    await (await saving.value).save_as(path)
    await page.set_input_files("#backup-file", path)
    await page.fill("#backup-passphrase", PASSPHRASE)
    await page.click("text=核对备份")
    return path


async def begin_key(page: Page) -> None:
    """Choose the passphrase of a new key."""
    await page.fill("#new-passphrase", PASSPHRASE)
    await page.fill("#new-again", PASSPHRASE)
    await page.click("text=制作密钥 >> visible=true")


async def test_a_device_key_is_made_backed_up_and_enrolled(
    site: Site, visit: Visit, watch: Watch, bidder: Someone, tmp_path: Path
) -> None:
    """Enrolled only after the saved file was selected again and opened; Python opens the same file.

    Who one is is asked for before a key is made; when that is too long ago at the end, no key that was made is lost.
    """
    watch.allowed = ["401"]
    await give_password(site, bidder)
    page = await visit(bidder)
    await page.goto("/bid/device")
    await age(site.installation)
    await begin_key(page)
    await confirm(page)
    await page.wait_for_url("**/bid/device")
    path = await back_up_key(page, tmp_path)
    await age(site.installation)
    await page.click("text=登记这把密钥")
    async with page.expect_popup() as opening_aside:
        await page.click("text=在新标签页确认身份")
    aside = await opening_aside.value
    await confirm(aside)
    await aside.get_by_role("heading", name="我的账户").wait_for()
    await page.click("text=登记这把密钥")
    await expect(page.locator(".done")).to_contain_text("已登记")
    key = keyfile.load(path, PASSPHRASE).signing_key()
    await expect(page.locator("dl.rows").first).to_contain_text(keysetup.fingerprint(bytes(key.verify_key)))
    await axe(page)
    await no_sideways_scrolling(page)
    await shot(page, "bid-device")


async def give_password(site: Site, someone: Someone) -> None:
    """Let a person know a password of theirs."""
    digest = await site.installation.passwords.digest(PASSWORD)
    async with site.installation.sessions.begin() as session:
        await login.replace_password(session, someone.actor.user_id, digest)


async def confirm(page: Page) -> None:
    """Show by the password who one is, as the page asks."""
    await page.get_by_role("heading", name="请再次确认是您本人").wait_for()
    await axe(page)
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="继续").click()


async def unlock(page: Page) -> None:
    """Open the key that this browser keeps."""
    await page.fill("#key-passphrase", PASSPHRASE)
    await page.click("text=打开密钥，开始填写")


async def write_bid(page: Page, files: list[Path], price: str = "9876543.21") -> None:
    """Fill in both envelopes of the lot and come to the check of the answers."""
    await expect(page.locator("h2:visible")).to_contain_text("技术标")
    await page.fill("#technical-leader", "李雷")
    await page.fill("#technical-particulars", "文件制作机器码：A1B2")
    await page.set_input_files("#technical-files", files)
    await page.click("text=继续 >> visible=true")
    await expect(page.locator("h2:visible")).to_contain_text("报价")
    await page.fill("#price-price", price)
    await page.fill("#price-term_days", "180")
    await page.click("text=继续 >> visible=true")
    await expect(page.locator("h2:visible")).to_contain_text("核对内容")


async def opened(played: Scene, bid_id: UUID) -> dict[str, tuple[Form, dict[str, str]]]:
    """Open a bid in Python from two custodians' shares: each envelope's form, and SHA-256 of its files by name."""
    store = played.installation.store
    found = {}
    async with played.installation.sessions.begin() as session:
        row = await session.get_one(BidRow, bid_id)
        for envelope in manifests.parse(row.manifest).envelopes:
            images = {n: group.mult(played.made.shares[n], envelope.header.point) for n in (1, 3)}
            keys = await uploads.keys(session, row.upload_id, envelope.kind.value)
            body = joined(store, keys)
            reader = unsealing.open_envelope(envelope.header, envelope.preamble, opening.combine(images, 2), body)
            form, files = await reader.form(), {}
            async for file in reader.files():
                digest = hashlib.sha256()
                async for piece in file.chunks:
                    digest.update(piece)
                files[file.entry.name] = digest.hexdigest()
            found[envelope.kind.value] = (form, files)
    return found


async def joined(store: ObjectStore, keys: tuple[str, ...]) -> AsyncIterator[bytes]:
    """Yield the ciphertext of a body from its parts."""
    for key in keys:
        async for chunk in store.get(key):
            yield chunk


def bid_of(page: Page) -> UUID:
    """Return the bid that a page is about."""
    return UUID(urlsplit(page.url).path.split("/")[3])


async def test_a_bid_by_clicks(visit: Visit, lot: Scene, bidder: Someone, tmp_path: Path) -> None:
    """Two envelopes with files are sealed and handed in by clicks; the receipt checks in the page; Python opens it."""
    page = await visit(bidder)
    await make_key(page, tmp_path)
    plan, drawing = tmp_path / "施工组织设计.pdf", tmp_path / "总平面图.dwg"
    plan.write_bytes(b"%PDF-1.7 " + bytes(range(256)) * 5000)
    drawing.write_bytes(b"")
    await page.goto(f"/bid/lots/{lot.lot_id}")
    await shot(page, "bid-key")
    await axe(page)
    await unlock(page)
    await write_bid(page, [plan, drawing])
    await expect(page.locator("#answers")).to_contain_text("玖佰捌拾柒万陆仟伍佰肆拾叁元贰角壹分")
    await expect(page.locator("#who-opens")).to_contain_text("任意 2 人")
    await expect(page.locator("#answers")).to_contain_text("9,876,543.21 元")
    await expect(page.locator("#aware-field")).to_be_hidden()
    await axe(page)
    await shot(page, "bid-check")
    await page.click("#seal")
    await expect(page.locator("h1")).to_contain_text("投标已送达", timeout=30_000)
    await expect(page.locator("#receipt-check")).to_contain_text("7 已列入", timeout=20_000)
    assert await page.locator("#receipt-check .tag.bad").count() == 0
    await axe(page)
    await shot(page, "bid-receipt")
    found = await opened(lot, bid_of(page))
    form, files = found["technical"]
    assert (form.leader, form.particulars) == ("李雷", {"文件制作机器码": "A1B2"})
    assert files == {plan.name: sha256(plan), drawing.name: sha256(drawing)}
    assert found["price"][0].price == Decimal("9876543.21")
    assert found["price"][0].term_days == 180


def sha256(path: Path) -> str:
    """Return the hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def test_a_rehearsal_tells_whether_the_browser_is_fit(visit: Visit, bidder: Someone) -> None:
    """Every check comes out, a practice bid is sealed and opened; the result is there when the page is opened again."""
    page = await visit(bidder, PHONE)
    await page.goto("/bid/rehearsal")
    await page.click("#begin")
    await expect(page.locator("#verdict")).to_contain_text("可以用这个浏览器投标", timeout=60_000)
    assert await page.locator("#checks .tag.bad").count() == 0
    await no_sideways_scrolling(page)
    await axe(page)
    await shot(page, "bid-rehearsal")
    await page.reload()
    await expect(page.locator("#last")).to_contain_text("通过")


async def test_a_bid_is_replaced_confirmed_and_withdrawn(
    visit: Visit, lot: Scene, bidder: Someone, tmp_path: Path
) -> None:
    """A second bid takes the first one's place; under a moved deadline it is confirmed by signature; then withdrawn.

    What may lead to a rejection (no files, more than the ceiling) is told, and goes in once its writer says to know it.
    """
    page = await visit(bidder)
    await make_key(page, tmp_path)
    async with lot.installation.sessions.begin() as session:
        await session.execute(update(LotRow).where(LotRow.id == lot.lot_id).values(ceiling=Decimal("99.80")))
    for price, concerns in (("100.00", 2), ("99.50", 1)):
        await page.goto(f"/bid/lots/{lot.lot_id}")
        await unlock(page)
        await write_bid(page, [], price)
        await expect(page.locator("#answers .warning")).to_have_count(concerns)
        await page.click("#seal")
        await expect(page.locator("#problems a")).to_have_attribute("href", "#aware")
        await page.check("#aware")
        await shot(page, "bid-concerns")
        await page.click("#seal")
        await expect(page.locator("h1")).to_contain_text("投标已送达", timeout=30_000)
    second = bid_of(page)
    assert (await opened(lot, second))["price"][0].price == Decimal("99.50")
    async with lot.installation.sessions.begin() as session:
        await stage.set_deadline(session, lot.lot_id, await now(session) + timedelta(hours=5))
    await page.goto("/bid")
    await expect(page.locator("table")).to_contain_text("已被替换")
    await axe(page)
    await page.goto(f"/bid/bids/{second}/confirmation")
    await axe(page)
    for path, done in (("confirmation", "投标已送达"), ("withdrawal", "这份投标已撤回")):
        await page.goto(f"/bid/bids/{second}/{path}")
        await page.fill("#key-passphrase", PASSPHRASE)
        await page.click("#statement button:not([type=button])")
        await expect(page.locator("h1")).to_contain_text(done)
        await expect(page.locator(".done")).to_be_visible()


async def test_a_bid_sealed_by_python_is_handed_in_by_the_browser(
    visit: Visit, lot: Scene, someone: Maker, tmp_path: Path
) -> None:
    """A file of `ggzy seal` is checked, copied and handed in like one of the browser's own."""
    who = await someone(Grant(Role.BIDDER, party(USCC)))
    async with lot.installation.sessions.begin() as session:
        where = stage.target(await lots.facts(session, lot.lot_id), lot.made.key)
    sealed = stage.seal(stage.Person(who.actor, who.device), where, tmp_path / "bid.sealed", price="123.45")
    page = await visit(who)
    await page.goto(f"/bid/lots/{lot.lot_id}")
    await page.click("summary >> text=在别的电脑上封装")
    await page.set_input_files("#adopt-file", sealed.path)
    await expect(page.locator("h1")).to_contain_text("投标已送达", timeout=30_000)
    assert (await opened(lot, bid_of(page)))["price"][0].price == Decimal("123.45")


async def test_what_is_wrong_is_told_at_its_field(visit: Visit, lot: Scene, bidder: Someone, tmp_path: Path) -> None:
    """A wrong passphrase, a foreign key, a price that is none: the summary leads to the field, nothing is sent."""
    page = await visit(bidder, PHONE)
    await make_key(page, tmp_path)
    await page.goto(f"/bid/lots/{lot.lot_id}")
    await page.fill("#key-passphrase", "another one altogether")
    await page.click("text=打开密钥，开始填写")
    await expect(page.locator("#problems a")).to_have_attribute("href", "#key-passphrase")
    await unlock(page)
    await page.click("text=继续 >> visible=true")
    await page.fill("#price-price", "12.345")
    await page.click("text=继续 >> visible=true")
    await expect(page.locator("#problems a")).to_have_attribute("href", "#price-price")
    await expect(page.locator("#problems")).to_be_focused()
    await axe(page)
    await no_sideways_scrolling(page)
    await shot(page, "bid-wrong-320")


async def test_a_platform_that_gives_a_key_of_its_own_is_refused(
    visit: Visit, lot: Scene, bidder: Someone, tmp_path: Path
) -> None:
    """A sealing key that no transcript of custodians proves is refused on the bidder's device; nothing is sealed."""
    page = await visit(bidder)
    await make_key(page, tmp_path)
    own = group.base_mult(group.random_scalar(SystemEntropy())).hex()

    async def swap(route: Route) -> None:
        told = canonical.decode(await (await route.fetch()).body())
        await route.fulfill(body=canonical.encode(told | {"opening_key": own}), content_type="application/json")

    await page.route("**/seal-target", swap)
    await page.goto(f"/bid/lots/{lot.lot_id}")
    await unlock(page)
    await expect(page.locator("#problems")).to_contain_text(words("seal.untrusted_key"))
    await expect(page.locator("[data-step=key]")).to_be_visible()
