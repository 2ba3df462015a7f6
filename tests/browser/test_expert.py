"""An expert's whole work by clicks: call, declaration, desk with the network lost in the middle, report."""

from pathlib import Path
from uuid import UUID

from playwright.async_api import Page, expect
from sqlalchemy import text

from api.wiring import Installation
from bidding import keyfile
from bidding.keyfile import DEVICE_SEED, KeyFile, Strength
from experts import evaluations, reports
from experts.rounds import Draw
from kernel.actor import Actor
from kernel.entropy import SystemEntropy
from tests.browser.conftest import DESK, PHONE, Visit, Watch, axe, no_sideways_scrolling, pdf, shot
from tests.experts import opened, people
from tests.experts.opened import Panel
from tests.experts.scene import Scene, device_of

PASSPHRASE = "草原上的第五个口令"
ITEMS = {
    "weights": {"price": "40", "technical": "60"},
    "parameters": {"technical_plan": "30", "technical_safety": "10", "technical_team": "20"},
}
SCORES = (("27.5", "9", "18"), ("25", "8", "16.5"), ("24", "8.5", "5"))


async def test_an_experts_whole_work(
    site: object, installation: Installation, visit: Visit, watch: Watch, tmp_path: Path
) -> None:
    """Accept, declare, lead, score three bids over a lost network and a reload, close, read and sign the report."""
    made, draw = await people.drawn(installation)
    async with installation.sessions.begin() as session:
        made.session = session
        me = (await made.called(draw))[0]
    page = await visit(people.someone(me))
    await accept(page, draw)
    panel = await seated(installation, made, draw)
    file = key_file(tmp_path, me)
    base = f"/expert/lots/{panel.lot}"
    await declare(page, base, file)
    await lead_and_begin(installation, page, panel, me)
    await page.goto(f"{base}/desk")
    await read_a_document(page)
    await score(page, watch, panel)
    await axe(page)
    await hand_in(page, file)
    await others(installation, panel, me)
    await page.goto(base)
    await page.get_by_role("button", name="结束评分").click()
    await page.goto(f"{base}/report")
    await page.get_by_role("button", name="起草评标报告").click()
    await dissent(page, file)
    await finished(installation, panel, me)
    await page.goto(f"{base}/report")
    await page.get_by_role("button", name="完成评标").click()
    await page.get_by_text("报告已定稿").first.wait_for()
    assert await page.get_by_text("对评分办法的理解不同").count() == 1
    await shot(page, "expert-report")


async def test_the_desk_on_a_phone(site: object, installation: Installation, visit: Visit) -> None:
    """Reader and sheet become two views; nothing is wider than the screen; every page passes axe at both sizes."""
    panel = await people.panel(installation, **ITEMS)
    await with_documents(installation, panel)
    base = f"/expert/lots/{panel.lot}"
    for size in (PHONE, DESK):
        page = await visit(people.someone(panel.members[0]), size)
        for path in ("/expert", base, f"{base}/declaration", f"{base}/desk", f"{base}/comparison", f"{base}/report"):
            await page.goto(path)
            await no_sideways_scrolling(page)
            await axe(page)
            await shot(page, f"expert{path.replace(str(panel.lot), '').replace('/', '-')}-{size[0]}")
    page = await visit(people.someone(panel.members[0]), PHONE)
    await page.goto(f"{base}/desk")
    field = page.locator("input[data-code]").first
    assert not await field.is_visible()
    await page.get_by_role("button", name="评分", exact=True).click()
    assert await field.is_visible()
    await no_sideways_scrolling(page)
    await shot(page, "expert-sheet-320")


async def accept(page: Page, draw: Draw) -> None:
    """Find the call on the desk and accept it."""
    await page.goto("/desk")
    await page.get_by_role("link", name="答复抽取通知").click()
    await page.get_by_label("接受，按时到场").check()
    await shot(page, "expert-call")
    await page.get_by_role("button", name="提交答复").click()
    await page.get_by_text("已接受。请按时到场。").wait_for()
    assert str(draw.id) in page.url


async def seated(installation: Installation, made: Scene, draw: Draw) -> Panel:
    """Form the committee over three bids with documents."""
    async with installation.sessions.begin() as session:
        made.session = session
        panel = await opened.seat(made, draw, **ITEMS)
    await with_documents(installation, panel)
    return panel


async def with_documents(installation: Installation, panel: Panel) -> None:
    """Put a PDF and a drawing into every bid."""
    for number, bid in enumerate(panel.bids):
        await people.attach(installation, bid, "技术方案.pdf", pdf(f"Bid {number}"), kind="technical", position=0)
        await people.attach(installation, bid, "总平面图.dwg", b"AC1032", kind="technical", position=1)


def key_file(folder: Path, who: Actor) -> Path:
    """Write a member's key file as key making does."""
    secrets = KeyFile({DEVICE_SEED: bytes(device_of(who.user_id))})
    path = folder / f"{who.user_id}.json"
    keyfile.save(path, secrets, PASSPHRASE, entropy=SystemEntropy(), strength=Strength(8 << 10, 1))
    return path


async def unlock(page: Page, file: Path, passphrase: str = PASSPHRASE) -> None:
    """Open the key file on the page."""
    await page.get_by_label("密钥文件").set_input_files(file)
    await page.get_by_label("口令").fill(passphrase)
    await page.get_by_role("button", name="解锁").click()


async def declare(page: Page, base: str, file: Path) -> None:
    """Declare that there is nothing to avoid; a wrong passphrase and a missing choice are told first."""
    await page.goto(base)
    await page.get_by_role("link", name="回避声明").click()
    assert await page.get_by_text("投标人2").count() == 1
    await page.get_by_role("button", name="签名并提交声明").click()
    await page.get_by_text("请选择一项").wait_for()
    await page.get_by_label("不需要回避").check()
    await page.get_by_role("button", name="签名并提交声明").click()
    await page.get_by_text("请先解锁设备密钥").wait_for()
    await unlock(page, file, "错误的口令")
    await page.locator("[data-signer-wrong]").get_by_text("口令").wait_for()
    await unlock(page, file)
    await page.get_by_text("密钥已解锁").wait_for()
    await shot(page, "expert-declaration")
    await page.get_by_role("button", name="签名并提交声明").click()
    await page.get_by_text("声明已签名提交").wait_for()


async def lead_and_begin(installation: Installation, page: Page, panel: Panel, me: Actor) -> None:
    """The others declare and vote by their devices; this expert votes and begins by clicks."""
    async with installation.sessions.begin() as session:
        panel.scene.session = session
        for member in panel.members:
            if member.user_id != me.user_id:
                await panel.declare(member)
    await page.reload()
    await page.get_by_role("radio").first.check()
    await page.get_by_role("button", name="提交推选").click()
    await page.get_by_text("推选已记录").wait_for()
    chosen = UUID(await page.get_by_role("radio", checked=True).get_attribute("value") or "")
    async with installation.sessions.begin() as session:
        rows = {"leader": chosen, "committee": panel.committee}
        await session.execute(
            text("UPDATE committee_member SET leader_vote = :leader WHERE committee_id = :committee"), rows
        )
    await page.reload()
    await shot(page, "expert-steps")
    await page.get_by_role("button", name="开始评标").click()
    await page.get_by_text("评标已开始").wait_for()


async def read_a_document(page: Page) -> None:
    """A PDF opens beside the sheet, and stays open while another bid is looked at."""
    article = page.locator("article[data-bid]").first
    await article.get_by_role("link", name="技术方案.pdf").click()
    frame = article.locator("iframe")
    await frame.wait_for()
    await page.wait_for_timeout(1500)
    await shot(page, "expert-desk", whole=False)
    await page.keyboard.press("Alt+PageDown")
    assert not await article.is_visible()
    await page.keyboard.press("Alt+PageUp")
    assert await frame.is_visible()


async def score(page: Page, watch: Watch, panel: Panel) -> None:
    """Fill in three sheets; the network goes in the middle, the page is loaded again, nothing is lost."""
    # no network, and then a draft that the server holds in a newer version than the page knew
    watch.allowed.extend(["ERR_INTERNET_DISCONNECTED", "409"])
    saved = page.locator("[data-saved]")
    await fill(page, 0)
    await page.get_by_text("已保存").wait_for()
    first = page.locator("article[data-bid]").nth(0)
    assert await first.locator("[data-sum]").text_content() == "54.50"
    await page.context.set_offline(offline=True)
    await fill(page, 1)
    await page.get_by_text("未连接，已存本机").wait_for()
    await shot(page, "expert-offline", whole=False)
    kept = await page.evaluate("Object.keys(localStorage).length")
    assert kept >= 1
    await page.context.set_offline(offline=False)
    await page.reload()
    await saved.get_by_text("已保存").wait_for()
    second = page.locator("article[data-bid]").nth(1)
    assert await second.locator("input[data-code]").nth(2).input_value() == SCORES[1][2]
    await fill(page, 2)
    await page.get_by_text("已填完 3 家").wait_for()
    wrong = page.locator("article[data-bid]").nth(2).locator("input[data-code]").nth(1)
    await wrong.fill("10.5")
    await page.reload()  # what is wrong is told again with what was typed
    await expect(wrong).to_have_attribute("aria-invalid", "")


async def fill(page: Page, number: int) -> None:
    """Bring a bid forward and type its points."""
    await page.locator("a[data-bid-link]").nth(number).click()
    fields = page.locator("article[data-bid]").nth(number).locator("input[data-code]")
    for place, points in enumerate(SCORES[number]):
        await fields.nth(place).fill(points)


async def hand_in(page: Page, file: Path) -> None:
    """Points too high and an outlier without a note are told with the way there; then all sheets are signed."""
    third = page.locator("article[data-bid]").nth(2)
    await third.locator("input[data-code]").nth(1).fill("10.5")
    await page.get_by_role("button", name="签名并提交填完的评分表").click()
    problems = page.locator("[data-problems]")
    await problems.get_by_text("不能超过满分 10").wait_for()
    await shot(page, "expert-problems")
    await problems.get_by_role("link").first.click()
    await third.locator("input[data-code]").nth(1).fill("8.5")
    await page.get_by_role("button", name="签名并提交填完的评分表").click()
    await problems.get_by_text("请写明说明").wait_for()
    await problems.get_by_role("link").first.click()
    await third.locator("[data-note]:visible textarea").fill("项目班子缺注册安全工程师")
    await unlock(page, file)
    await page.get_by_text("密钥已解锁").wait_for()
    await page.get_by_role("button", name="签名并提交填完的评分表").click()
    await page.get_by_text("评分表已签名提交").wait_for()
    left = await page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('sheet/'))")
    assert left == []


async def others(installation: Installation, panel: Panel, me: Actor) -> None:
    """The other members hand in their sheets by their devices; this one's carry the note."""
    async with installation.sessions.begin() as session:
        panel.scene.session = session
        mine = await evaluations.own_sheets(session, me, panel.lot)
        assert "注册安全工程师" in mine[panel.bids[2]].remark
        for member in panel.members:
            if member.user_id == me.user_id:
                continue
            for bid in range(3):
                scores = {"technical_plan": "26", "technical_safety": "9", "technical_team": "18"}
                message = panel.sheet(member, bid, "0", scores=scores)
                await evaluations.score(session, member, panel.lot, message, entropy=panel.entropy)


async def dissent(page: Page, file: Path) -> None:
    """Read the draft and sign a dissent with its reasons."""
    await page.get_by_text("中标候选人").first.wait_for()
    await axe(page)
    await page.get_by_label("不同意，并说明理由").check()
    await page.get_by_role("textbox", name="不同意见和理由").fill("对评分办法的理解不同")
    await unlock(page, file)
    await page.get_by_text("密钥已解锁").wait_for()
    await shot(page, "expert-opinion")
    await page.get_by_role("button", name="签名并提交意见").click()
    await page.get_by_text("您的意见已签名提交").wait_for()


async def finished(installation: Installation, panel: Panel, me: Actor) -> None:
    """The others consent."""
    async with installation.sessions.begin() as session:
        panel.scene.session = session
        for member in panel.members:
            if member.user_id != me.user_id:
                await panel.sign(member)
        assert (await reports.current(session, me, panel.lot)).answered == 5
