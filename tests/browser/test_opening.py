"""The opening room in a browser: the witness leads by clicks, bidders watch live, the display mends itself."""

import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from api.accounts import factors, totp
from api.wiring import Installation
from bidding import keyfile, pauses
from bidding.keyfile import DEVICE_SEED, KeyFile, Strength
from kernel import actor as actors
from kernel.actor import Grant, Role
from tests.bidding import scene as scenes
from tests.bidding import stage
from tests.bidding.scene import Scene
from tests.browser.conftest import DESK, PHONE, WALL, Site, Visit, Watch, axe, no_sideways_scrolling, shot
from tests.conftest import ASSURED, Someone

Maker = Callable[..., Awaitable[Someone]]
SITE = actors.site(stage.SITE)
BIDS = 4
PASSPHRASE = "correct horse battery staple"
SLOW = 20_000  # milliseconds: the server's jobs look every two seconds


@pytest.fixture
async def scene(installation: Installation, tmp_path: Path) -> Scene:
    """A lot with bids, its deadline passed."""
    made = await scenes.prepare(installation, tmp_path)
    for number in range(BIDS):
        await made.hand_in(number, f"98{number}000.50")
    await made.pass_deadline()
    return made


async def with_generator(installation: Installation, who: Someone) -> bytes:
    """Enrol a generator of one-time codes for somebody; return its secret. Its first code is of two steps ago."""
    async with installation.sessions.begin() as session:
        vault, entropy = installation.vault, installation.entropy
        begun = await factors.begin_totp(
            session, who.actor, "手机", assurance=ASSURED, issuer="t", shown=False, vault=vault, entropy=entropy
        )
        secret = base64.b32decode(begun.secret)
        at = datetime.fromtimestamp(datetime.now(UTC).timestamp() - 30, UTC)
        code = totp.code(secret, at)
        await factors.confirm_totp(session, who.actor, begun.id, code, assurance=ASSURED, vault=vault, entropy=entropy)
    return secret


async def test_a_whole_opening_by_clicks(visit: Visit, site: Site, scene: Scene, someone: Maker) -> None:
    """Begin, shares from two devices, pause by two people, prices, confirmations, an objection, close, the record."""
    witness = await someone(Grant(Role.WITNESS, SITE), name="见证甲")
    supervisor = await someone(Grant(Role.SUPERVISOR, SITE), name="监督乙")
    people = [await someone(Grant(Role.BIDDER, actors.party(stage.USCCS[n])), name=f"投标{n}") for n in range(BIDS)]
    secret = await with_generator(site.installation, supervisor)
    url = f"/openings/{scene.lot_id}/1"
    lead, first, second, wall = (
        await visit(witness),
        await visit(people[0]),
        await visit(people[1], size=PHONE),
        await visit(size=WALL),
    )
    await lead.goto(url)
    await lead.get_by_label("异议时间（分钟）").fill("10")
    await lead.get_by_role("button", name="开标").click()
    await expect(lead.get_by_text("已宣布开标。")).to_be_visible()
    for page in (first, second):
        await page.goto(url)
        await expect(page.get_by_text("待解密", exact=True)).to_have_count(2 * BIDS)
    await wall.goto(f"{url}/display")
    await shot(lead, "opening-list")
    await pause_and_resume(lead, await visit(supervisor), url, secret, first)
    stamped = await scene.request()
    await scene.give(scene.answer(stamped, 1), 1)
    await expect(first.get_by_text("已给出", exact=True)).to_have_count(1, timeout=SLOW)
    await scene.give(scene.answer(stamped, 3), 3)
    for page in (lead, first, second):
        await expect(page.get_by_text("已开启", exact=True)).to_have_count(2 * BIDS, timeout=SLOW)
        await expect(page.get_by_text("玖拾捌万元零伍角整")).to_be_visible()
    await expect(wall.get_by_text("983,000.50")).to_be_visible(timeout=SLOW)
    await shot(wall, "opening-display")
    await axe(wall)
    await prices_fit_a_phone(wall)
    await look(first, second)
    await speak(first, second, lead)
    await confirm_others(visit, url, people[2:])
    public = await visit(size=PHONE)
    await public.goto(url)
    await expect(public.get_by_text("按送达先后唱标")).to_be_visible()
    await expect(public.get_by_text("投标0")).to_have_count(0)
    await axe(public)
    await no_sideways_scrolling(public)
    await shot(public, "opening-public-320")
    await lead.get_by_role("button", name="宣布开标结束").click(timeout=SLOW)
    await expect(public.get_by_role("link", name="开标记录（JSON，核验以此为准）")).to_be_visible(timeout=SLOW)
    await expect(lead.get_by_text("开标结束，记录已生成。")).to_be_visible()
    await expect(first.get_by_role("link", name="开标记录（JSON，核验以此为准）")).to_be_visible(timeout=SLOW)
    await expect(wall.get_by_text("开标结束")).to_be_visible(timeout=SLOW)
    await expect(first.get_by_role("link", name="开标记录（PDF，已签章）")).to_be_visible(timeout=SLOW)
    await shot(first, "opening-record")
    record = await scene.record()
    assert [one["kind"] for one in record["orders"]] == ["pause", "resume"]
    assert {one["method"] for one in record["orders"]} == {"factor"}


async def look(first: Page, second: Page) -> None:
    """Nothing for axe, nothing wider than a phone, pictures for the guide."""
    for page, name in ((first, "opening-reading"), (second, "opening-reading-320")):
        await axe(page)
        await no_sideways_scrolling(page)
        await shot(page, name)


async def prices_fit_a_phone(wall: Page) -> None:
    """The hall's board on a phone cuts no price off, and nothing lies over it."""
    await wall.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    cut = "prices => prices.filter(one => one.getBoundingClientRect().right > innerWidth).length"
    assert await wall.locator(".price").evaluate_all(cut) == 0
    assert await wall.locator("footer").evaluate("one => getComputedStyle(one).position") == "static"
    await wall.set_viewport_size({"width": WALL[0], "height": WALL[1]})


async def pause_and_resume(lead: Page, other: Page, url: str, secret: bytes, watching: Page) -> None:
    """The witness orders, the supervisor consents by a one-time code, everybody sees it at once; and back again."""
    await other.goto(url)
    now = datetime.now(UTC).timestamp()
    for step, (order, consent) in enumerate((("暂停", "同意暂停"), ("恢复", "同意恢复"))):
        await lead.locator("summary", has_text=f"{order}开标").click()
        await lead.get_by_label("理由").fill("会场停电")
        await lead.get_by_role("button", name=f"提出{order}").click()
        await expect(other.get_by_role("button", name=consent)).to_be_visible(timeout=SLOW)
        await other.get_by_label("验证码").fill(totp.code(secret, datetime.fromtimestamp(now + 30 * step, UTC)))
        await other.get_by_role("button", name=consent).click()
        paused = watching.get_by_text("开标已暂停")
        await (
            expect(paused).to_be_visible(timeout=SLOW) if step == 0 else expect(paused).to_have_count(0, timeout=SLOW)
        )
        await lead.reload()
    await shot(other, "opening-consent")


async def speak(first: Page, second: Page, lead: Page) -> None:
    """Two bidders confirm, one objects, the witness answers, and the bidder sees the answer."""
    for page in (first, second):
        await page.get_by_role("button", name="确认无异议").click(timeout=SLOW)
        await expect(page.get_by_text("已确认无异议", exact=True).first).to_be_visible()
    await first.get_by_text("提出异议", exact=True).click()
    await first.get_by_label("异议内容").fill("唱标顺序有误")
    await first.get_by_role("button", name="提交异议").click()
    await expect(lead.get_by_text("唱标顺序有误").first).to_be_visible(timeout=SLOW)
    await lead.get_by_label("答复").fill("按送达先后唱标")
    await lead.get_by_role("button", name="提交答复").click()
    await expect(second.get_by_text("按送达先后唱标")).to_be_visible(timeout=SLOW)


async def confirm_others(visit: Visit, url: str, people: list[Someone]) -> None:
    """The rest confirm."""
    for one in people:
        page = await visit(one)
        await page.goto(url)
        await page.get_by_role("button", name="确认无异议").click()
        await expect(page.get_by_text("已确认无异议。")).to_be_visible()


async def test_the_display_mends_its_own_connection(visit: Visit, site: Site, scene: Scene, watch: Watch) -> None:
    """The server dies under the display: it says 断线 and since when; the server comes back: it goes on by itself.

    Where the server lives and no seat is free, it shows the state all the same and says that it is not live.
    """
    watch.allowed.extend(["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED", "Failed to load resource", "ERR_"])
    wall = await visit(size=WALL)
    await wall.route("**/display/events*", lambda route: route.fulfill(status=503))
    await wall.goto(f"/openings/{scene.lot_id}/1/display")
    await expect(wall.locator("[data-lost]")).to_contain_text("没有空闲的实时连接", timeout=SLOW)
    await shot(wall, "opening-display-polling")
    await wall.unroute("**/display/events*")
    await wall.reload()
    await expect(wall.locator("html")).to_have_attribute("data-connection", "live", timeout=SLOW)
    size = await wall.evaluate("parseFloat(getComputedStyle(document.querySelector('.now')).fontSize)")
    assert size >= 24, "legible from the back of a hall"
    site.server.kill()
    lost = wall.locator("[data-lost]")
    await expect(lost).to_contain_text("断线", timeout=SLOW)
    await shot(wall, "opening-display-lost")
    await scene.begin()
    site.server.start()
    await expect(lost).to_be_hidden(timeout=SLOW)
    await expect(wall.get_by_text("等待解密").first).to_be_visible(timeout=SLOW)
    await wall.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    await no_sideways_scrolling(wall)


async def test_the_second_person_signs_with_their_device(
    visit: Visit, scene: Scene, someone: Maker, tmp_path: Path
) -> None:
    """The order stands on a page of its own; the key is unlocked there, signs it, and the room is paused."""
    supervisor = await someone(Grant(Role.SUPERVISOR, SITE), name="监督乙")
    file, entropy = tmp_path / "device.key", scene.installation.entropy
    seed = KeyFile({DEVICE_SEED: bytes(supervisor.device)})
    keyfile.save(file, seed, PASSPHRASE, entropy=entropy, strength=Strength(8 << 10, 1))
    await scene.begin()
    async with scene.installation.sessions.begin() as session:
        who, lot = stage.witness().actor, scene.lot_id
        await pauses.order(session, who, lot, 1, kind="pause", reason="停电", entropy=entropy)
    page = await visit(supervisor)
    await page.goto(f"/openings/{scene.lot_id}/1")
    await page.get_by_role("link", name="改用设备密钥签名").click()
    await page.locator("#key-file").set_input_files(file)
    await page.locator("#key-passphrase").fill(PASSPHRASE)
    await page.locator("[data-signer-form] button").click()
    await expect(page.locator("[data-signer-open]")).to_be_visible(timeout=SLOW)
    await axe(page)
    await page.get_by_role("button", name="用设备密钥签名").click()
    await expect(page.get_by_text("开标已暂停")).to_be_visible(timeout=SLOW)
    await expect(page.get_by_text("以设备密钥签名同意")).to_be_visible()
