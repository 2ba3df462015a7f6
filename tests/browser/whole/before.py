"""Acts from the entry of a tender to its bids: papers, acceptance, opening key, notice, documents taken, bids."""

from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.conftest import pdf
from tests.browser.whole.people import BIDDERS, LONG, PASSPHRASE, PURCHASER, Play

CUSTODIANS = ("witness", "purchaser", "supervisor")


async def enter(play: Play) -> None:
    """The purchaser writes a tender by the steps, uploads the documents and enters it; the centre accepts."""
    page = play["purchaser"]
    await page.goto("/purchase")
    await page.get_by_role("link", name="登记新项目").click()
    await page.fill("#title", "锡林浩特市道路工程")
    await page.fill("#purchaser", PURCHASER)
    await page.get_by_role("button", name="保存并继续").click()
    for name, text in {"title": "一标段", "estimate": "10,000,000.00", "ceiling": "9800000", "bond": "200000"}.items():
        await page.fill(f"#{name}", text)
    await page.get_by_role("button", name="保存并继续").click()
    await page.get_by_role("button", name="保存并继续").click()
    await page.get_by_role("button", name="登记项目").click()
    await expect(page.locator(".done")).to_contain_text("项目已登记")
    play.tender = page.url.partition("?")[0].rpartition("/")[2]
    await attach(page, paper(play.folder / "招标文件.pdf", "Tender documents"), "tender_documents")
    await page.goto(f"/purchase/tenders/{play.tender}")
    await page.locator("#commitment-1").check()
    await page.get_by_role("button", name="承诺并提交受理").click()
    await expect(page.locator(".done")).to_contain_text("已提交受理")
    clerk = play["acceptance"]
    await clerk.goto("/desk")
    await clerk.get_by_role("link", name="核对材料并受理").click()
    await clerk.get_by_role("button", name="材料齐全，受理").click()
    await expect(clerk.locator(".done")).to_be_visible()


async def attach(page: Page, path: Path, kind: str) -> None:
    """Upload a file as a document of the tender that the page is about."""
    await page.get_by_role("link", name="上传文件").click()
    await page.select_option("#kind", kind)
    await page.set_input_files("#file", path)
    await page.get_by_role("button", name="上传").click()
    await page.wait_for_url("**/documents?done=document_attached**", timeout=LONG)


async def make_key(play: Play) -> None:
    """Three custodians make the opening key in their browsers; the centre gives it to the lot."""
    witness = play["witness"]
    await witness.goto("/custody")
    await witness.click("text=发起密钥制作")
    await witness.fill("#purchaser", PURCHASER)
    await witness.click("main form button")
    for box in await witness.locator("input[name=people]").all():
        await box.check()
    await witness.fill("#count", "1")
    await witness.click("main form button")
    await expect(witness.locator("h1")).to_contain_text("1 把")
    ceremony = witness.url.split("/")[-1].split("?")[0]
    for name in CUSTODIANS:
        await play[name].goto(f"/custody/ceremonies/{ceremony}")
        await play.players[name].unlock()
        await play[name].check("#compared")
        await play[name].click("#compare button")
    for name in CUSTODIANS:
        await play.players[name].back_up()
    for name in CUSTODIANS:
        await expect(play[name].locator("#finished")).to_be_visible(timeout=LONG)
    clerk = play["acceptance"]
    await clerk.goto(f"/centre/tenders/{play.tender}")
    await clerk.get_by_role("button", name="分配开标密钥").click()
    await expect(clerk.locator(".done")).to_contain_text("密钥已分配")


async def announce(play: Play) -> None:
    """The purchaser publishes the notice; everybody finds it by its words."""
    page = play["purchaser"]
    await page.goto("/desk")
    await page.get_by_role("link", name="发布招标公告").click()
    await page.fill("#text", "锡林浩特市道路工程招标公告。\n\n一、项目概况……")
    await page.get_by_role("button", name="发布").click()
    await expect(page.locator(".done")).to_contain_text("公告已发布")
    public = await play.visit()
    await public.goto("/")
    await public.locator("main input").first.fill("道路工程")
    await public.get_by_role("button", name="查找").click()
    await public.get_by_role("link", name="锡林浩特市道路工程").first.click()
    await expect(public.locator("h1")).to_contain_text("道路工程")


async def bid(play: Play) -> None:
    """Three bidders take the documents, seal and hand in; the first of them replaces their bid by a cheaper one."""
    for number in range(len(BIDDERS)):
        page = play[f"bidder{number}"]
        await page.goto(f"/tenders/{play.tender}/documents")
        await page.locator("input[name=lot]").first.check()
        await page.get_by_role("button", name="获取所选标段的文件").click()
        await expect(page.locator(".done")).to_be_visible()
        await page.goto("/bid")
        await page.get_by_role("link", name="第 1 标段").first.click()
        play.lot = page.url.partition("?")[0].rpartition("/")[2]
        await _write(play, page, number, f"9{4 + number}00000.00")
    page = play["bidder0"]
    await page.goto(f"/bid/lots/{play.lot}")
    await _write(play, page, 0, "9350000.00")


async def _write(play: Play, page: Page, number: int, price: str) -> None:
    await page.fill("#key-passphrase", PASSPHRASE)
    await page.click("text=打开密钥，开始填写")
    path = paper(play.folder / f"bid{number}.pdf", f"Bid {number}")
    kinds = await page.locator("section[data-envelope]").evaluate_all("all => all.map((one) => one.dataset.envelope)")
    for kind in kinds:
        await expect(page.locator(f"section[data-envelope={kind}]")).to_be_visible(timeout=LONG)
        if kind == "price":
            await page.fill("#price-price", price)
            await page.fill("#price-term_days", "180")
        else:
            await page.fill(f"#{kind}-leader", "李雷")
            await page.set_input_files(f"#{kind}-files", path)
        await page.click("text=继续 >> visible=true")
    await expect(page.locator("h2:visible").first).to_contain_text("核对内容")
    await page.click("#seal")
    await expect(page.locator("h1")).to_contain_text("投标已送达", timeout=LONG)
    await expect(page.locator("#receipt-check")).to_contain_text("7 已列入", timeout=LONG)


def paper(path: Path, words: str) -> Path:
    """Write a PDF of a line of text."""
    path.write_bytes(pdf(words))
    return path
