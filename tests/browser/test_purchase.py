"""Registration to announcement by clicks, with a large document hashed and uploaded by the browser."""

import hashlib
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect
from sqlalchemy import select

from kernel.actor import Grant, Role, party
from tests.api.test_trading_routes import code
from tests.browser.conftest import DESK, PHONE, Site, Visit, Watch, axe, no_sideways_scrolling, shot
from tests.pages import entry
from tests.pages.conftest import Maker
from tests.pages.entry import AGENCY, People
from trading.tables import DocumentRow, FileRow

SIZE = 40 << 20
NEW = code(77)


@pytest.fixture
async def people(site: Site, someone: Maker) -> People:
    """The parties are registered and the staff employed."""
    return await entry.people(site.installation, someone)


async def looked_at(page: Page, name: str) -> None:
    """Nothing serious for axe, nothing wider than a phone; a picture at both sizes."""
    await axe(page)
    await shot(page, name)
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await no_sideways_scrolling(page)
    await shot(page, f"{name}-phone")
    await page.set_viewport_size({"width": DESK[0], "height": DESK[1]})


async def test_registration_by_clicks(site: Site, watched: Page, visit: Visit, watch: Watch, someone: Maker) -> None:
    """The code is checked while it is typed, a draft survives a reload but no password does, and the party is there."""
    page = watched
    watch.allowed.append("status of 422")  # the form is sent with something missing on purpose
    await page.goto("/register")
    await page.get_by_label("投标人", exact=False).first.check()
    await page.fill("#uscc", NEW[:-1])
    await expect(page.locator("#uscc-live")).to_contain_text("还差 1 位")
    await page.fill("#uscc", NEW[:2] + "X" + NEW[3:])
    await expect(page.locator("#uscc-live")).to_contain_text("第 3 位")
    await page.fill("#uscc", NEW)
    await expect(page.locator("#uscc-live")).to_contain_text("正确")
    for name, text in {
        "name": "锡盟草原建设有限公司",
        "legal_representative": "张三",
        "address": "锡林浩特市某街1号",
        "contact": "李四",
        "phone": "0479-8210000",
        "person": "王五",
        "login": "wang.wu",
        "password": "a long password",
    }.items():
        await page.fill(f"#{name}", text)
    await page.select_option("#region", "152502")
    await expect(page.locator(".draft")).to_contain_text("草稿已保存")
    await page.reload()
    await expect(page.locator("#name")).to_have_value("锡盟草原建设有限公司")
    await expect(page.locator("#password")).to_have_value("")
    await page.get_by_role("button", name="承诺并注册").click()
    await expect(page.locator(".summary")).to_be_focused()
    await looked_at(page, "register-problems")
    await page.fill("#password", "a long password")
    await page.fill("#again", "a long password")
    await page.locator("#commitment-1").check()
    await page.get_by_role("button", name="承诺并注册").click()
    await page.wait_for_url("**/sign-in?done=registered")
    own = await visit(await someone(Grant(Role.BIDDER, party(NEW))))
    await own.goto("/party")
    await expect(own.get_by_role("heading", level=1)).to_have_text("锡盟草原建设有限公司")
    await looked_at(own, "party")


async def test_from_registration_to_announcement_by_clicks(
    site: Site, visit: Visit, watch: Watch, people: People, tmp_path: Path
) -> None:
    """The agency writes, uploads 40 MiB over a line that breaks, enters; the centre accepts; the notice is public."""
    page = await visit(people.agency)
    watch.allowed.append("net::ERR_FAILED")  # the line, on purpose
    await _write(page)
    place = page.url.partition("?")[0]
    drawings = tmp_path / "施工图.pdf"
    drawings.write_bytes(b"%PDF-1.7\n" + hashlib.shake_256(b"drawings").digest(SIZE))
    await page.get_by_role("link", name="上传文件").click()
    await page.select_option("#kind", "tender_documents")
    await page.wait_for_load_state()  # before its script runs the button posts the file as one
    await page.set_input_files("#file", drawings)
    asked = await _break_once(page)
    await page.get_by_role("button", name="上传").click()
    await page.wait_for_url("**/documents?done=document_attached", timeout=60_000)
    assert len(asked) == 2
    await looked_at(page, "purchase-documents")
    async with site.installation.sessions() as session:
        stored = (await session.scalars(select(FileRow))).one()
        document = (await session.scalars(select(DocumentRow))).one()
    assert stored.sha256 == hashlib.sha256(drawings.read_bytes()).digest()
    assert (document.title, document.media_type, stored.size) == ("施工图.pdf", "application/pdf", SIZE + 9)
    await page.goto(place)
    await page.locator("#commitment-1").check()
    await page.get_by_role("button", name="承诺并提交受理").click()
    await expect(page.locator(".done")).to_contain_text("已提交受理")

    clerk = await visit(people.acceptance)
    await clerk.goto("/desk")
    await clerk.get_by_role("link", name="核对材料并受理").click()
    await looked_at(clerk, "centre-tender")
    await clerk.get_by_role("button", name="材料齐全，受理").click()
    await entry.free_keys(site.installation)
    await clerk.get_by_role("button", name="分配开标密钥").click()
    await expect(clerk.locator(".done")).to_contain_text("密钥已分配")

    await page.goto("/desk")
    await page.get_by_role("link", name="发布招标公告").click()
    await page.fill("#text", "锡林浩特市道路工程招标公告。\n\n一、项目概况……")
    await looked_at(page, "purchase-announcement")
    await page.get_by_role("button", name="发布").click()
    await expect(page.locator(".done")).to_contain_text("公告已发布")
    await looked_at(page, "purchase-tender")
    await page.goto("/purchase")
    await looked_at(page, "purchase")
    await page.get_by_role("link", name="登记新项目").click()
    await expect(page.locator("#title")).to_have_value("")  # what was taken is no draft any more


async def test_questions_by_clicks(site: Site, visit: Visit, people: People, signed_announced: str) -> None:
    """A bidder asks on a phone, the purchaser answers, the bidder reads the answer."""
    lot = signed_announced
    bidder = await visit(people.bidder, PHONE)
    await bidder.goto(f"/bid/lots/{lot}/questions")
    await bidder.fill("#text", "第 12 页的工期是否包含冬季停工？")
    await bidder.get_by_role("button", name="提交问题").click()
    await expect(bidder.locator(".done")).to_contain_text("问题已提交")
    await no_sideways_scrolling(bidder)
    await axe(bidder)
    page = await visit(people.agency)
    await page.goto("/desk")
    await page.get_by_role("link", name="答复 1 个问题").click()
    await page.locator("textarea[name^=answer-]").fill("不包含。")
    await looked_at(page, "purchase-questions")
    await page.get_by_role("button", name="公布答复").click()
    await expect(page.locator(".done")).to_contain_text("答复已公布")
    await bidder.reload()
    await expect(bidder.locator("main")).to_contain_text("不包含。")
    await shot(bidder, "questions-phone")


@pytest.fixture
async def signed_announced(site: Site, people: People) -> str:
    """A lot that is announced, whose documents the bidder took; its id."""
    return await entry.announced(site.installation, people)


async def _break_once(page: Page) -> list[str]:
    """Break the line when it is first asked which parts of the file are there; return what was asked."""
    asked: list[str] = []

    async def pass_on(route: Route) -> None:
        asked.append(route.request.url)
        await (route.abort() if len(asked) == 1 else route.continue_())

    await page.route("**/parts", pass_on)
    return asked


async def _itemize(page: Page) -> None:
    """Split the technical points into rows; the sum runs along, a row goes again, and a reload keeps the rest."""
    await page.get_by_text("技术部分的评分项").first.click()
    table = page.locator("#technical_item")
    for number, (item, points) in enumerate((("施工方案", "40"), ("项目班子", "20"), ("多写的", "7.5")), 1):
        await page.fill(f"#technical_item-{number}", item)
        await page.fill(f"#technical_points-{number}", points)
        await table.get_by_role("button", name="添加一行").click()
        await expect(page.locator(f"#technical_item-{number + 1}")).to_be_focused()
    await expect(table).to_contain_text("合计 67.50 分，应为 60 分")
    for number in (4, 3):
        await table.get_by_role("button", name=f"删除第 {number} 行").click()
    await expect(table).to_contain_text("合计 60.00 分，应为 60 分")
    await expect(page.locator(".draft")).to_contain_text("草稿已保存")
    await page.reload()
    await expect(page.locator("#technical_points-2")).to_have_value("20")
    await expect(page.locator("#technical_item tbody tr")).to_have_count(2)
    await expect(table).to_contain_text("合计 60.00 分")


async def _write(page: Page) -> None:
    """Write a tender of one lot by the steps and register it."""
    await page.goto("/purchase")
    await page.get_by_role("link", name="登记新项目").click()
    await page.fill("#title", "锡林浩特市道路工程")
    await page.fill("#purchaser", entry.PURCHASER)
    await expect(page.locator("#agency")).to_have_value(AGENCY)
    await looked_at(page, "purchase-project")
    await page.get_by_role("button", name="保存并继续").click()
    await page.fill("#title", "一标段")
    await page.fill("#estimate", "10,000,000.00")
    await page.fill("#ceiling", "9800000")
    await page.fill("#bond", "200000")
    await looked_at(page, "purchase-amounts")
    await page.get_by_role("button", name="保存并继续").click()
    await page.locator("details.rules summary").click()
    await _itemize(page)
    await looked_at(page, "purchase-terms")
    await page.get_by_role("button", name="保存并继续").click()
    await expect(page.locator("main")).to_contain_text("已填好")
    await looked_at(page, "purchase-check")
    await page.get_by_role("button", name="登记项目").click()
    await expect(page.locator(".done")).to_contain_text("项目已登记")
    await looked_at(page, "purchase-draft")
