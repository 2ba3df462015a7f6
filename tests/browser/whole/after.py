"""Acts from the opening to the archive: shares, prices, draw, committee, scores, report, publicity, award, package."""

import csv
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from playwright.async_api import Page, expect
from stdnum.cn import ric

from api import sandbox
from experts import application, pool
from kernel import database
from kernel.actor import EVERYWHERE, Actor, Grant, Role
from kernel.entropy import new_id
from tests.browser.whole.before import paper
from tests.browser.whole.people import EXPERTS, LONG, MAIN, PASSPHRASE, Play

SIDES = ("witness", "purchaser", "supervisor")


async def pass_time(play: Play, **by: float) -> None:
    """Move the sandbox's clock, the only thing that no click does."""
    installation = play.site.installation
    admin = Actor(new_id(installation.entropy), "系统", frozenset({Grant(Role.SYSTEM_ADMIN, EVERYWHERE)}))
    async with installation.sessions.begin() as session:
        to = await database.now(session) + timedelta(**by)
        await sandbox.advance(session, admin, to, entropy=installation.entropy)


async def open_stage(play: Play, number: int, envelopes: int) -> None:
    """The witness begins, two custodians give their shares, everybody sees the bids open, the witness ends it."""
    room = f"/openings/{play.lot}/{number}"
    witness = play["witness"]
    await witness.goto(room)
    await witness.get_by_role("button", name="开标").first.click()
    await expect(witness.get_by_text("已宣布开标。")).to_be_visible()
    for name in ("purchaser", "supervisor"):
        page = play[name]
        await page.goto(f"/custody/openings/{play.lot}/{number}")
        await play.players[name].unlock()
        await page.locator("#pinned:visible, #give:visible").first.wait_for(timeout=LONG)
        if await page.locator("#pinned").is_visible():
            await page.check("#pinned")
            await page.click("#pins button")
        await expect(page.locator("#give")).to_be_visible(timeout=LONG)
        await page.click("#give button")
        await expect(page.locator("#finished")).to_be_visible(timeout=LONG)
    await expect(witness.get_by_text("已开启", exact=True)).to_have_count(envelopes, timeout=LONG)
    for bidder in range(3):
        page = play[f"bidder{bidder}"]
        await page.goto(room)
        if await page.get_by_role("button", name="确认无异议").count():
            await page.get_by_role("button", name="确认无异议").click()
            await expect(page.get_by_text("已确认无异议。")).to_be_visible()
    await witness.get_by_role("button", name="宣布开标结束").click(timeout=LONG)
    await expect(witness.get_by_text("开标结束，记录已生成。")).to_be_visible()


async def draw(play: Play) -> None:
    """The pool is imported from a table, three sides commit and reveal, five experts are called and accept."""
    keeper = play["supervisor"]
    await keeper.goto("/centre/pool")
    await keeper.set_input_files("#file", table(play.folder / "pool.csv"))
    await keeper.locator("main form[action='/centre/pool/import'] button").click()
    await expect(keeper.locator(".done")).to_be_visible()
    await _link(play)
    witness = play["witness"]
    await witness.goto(f"/centre/draws/{play.lot}")
    await witness.locator("input[name=specialty_1]").fill("A04")
    await witness.locator("input[name=count_1]").fill(str(EXPERTS))
    await witness.locator("main form[data-draft] button").last.click()
    await expect(witness.locator(".done")).to_be_visible()
    place = await witness.locator("a[href^='/custody/draws/']").first.get_attribute("href")
    assert place is not None
    for name in SIDES:
        await _nonce(play, name, place, "commit")
    await witness.goto(f"/centre/draws/{play.lot}")
    await witness.locator("form[action$='/seed'] button").click()
    await expect(witness.locator(".done")).to_be_visible()
    for name in SIDES:
        await _nonce(play, name, place, "reveal")
    for number in range(EXPERTS):
        page = play[f"expert{number}"]
        await page.goto("/desk")
        await page.get_by_role("link", name="答复抽取通知").click()
        await page.get_by_label("接受，按时到场").check()
        await page.get_by_role("button", name="提交答复").click()
        await page.get_by_text("已接受。请按时到场。").wait_for()


async def _nonce(play: Play, name: str, place: str, step: str) -> None:
    page = play[name]
    await page.goto(place)
    await play.players[name].unlock()
    await page.click(f"#{step} button")
    await expect(page.locator("#backup")).to_be_visible(timeout=LONG)
    if step == "commit":
        await play.players[name].save()


async def _link(play: Play) -> None:
    """Give each expert of the pool their account by clicks."""
    keeper = play["supervisor"]
    installation = play.site.installation
    async with installation.sessions() as session:
        actor = Actor(new_id(installation.entropy), "监督", frozenset({Grant(Role.SUPERVISOR, EVERYWHERE)}))
        experts = await pool.page(session, actor)
    for number, expert in enumerate(experts):
        await keeper.goto(f"/centre/pool/{expert.id}")
        form = keeper.locator("form[action$='/account']")
        await form.locator("input:not([type=hidden])").first.fill(play.players[f"expert{number}"].login)
        await form.locator("button").click()
        await expect(keeper.locator(".done")).to_be_visible()


async def evaluate(play: Play) -> None:
    """The purchaser forms the committee; it declares, leads, scores, signs its report; prices open in between."""
    await play["purchaser"].goto(f"/purchase/committees/{play.lot}")
    await play["purchaser"].get_by_role("button", name="组建委员会").click()
    await expect(play["purchaser"].locator(".done")).to_be_visible()
    base = f"/expert/lots/{play.lot}"
    for number in range(EXPERTS):
        page = play[f"expert{number}"]
        await page.goto(f"{base}/declaration")
        await page.get_by_label("不需要回避").check()
        await _unlock(play, number)
        await page.get_by_role("button", name="签名并提交声明").click()
        await page.get_by_text("声明已签名提交").wait_for()
    for number in range(EXPERTS):
        page = play[f"expert{number}"]
        await page.goto(base)
        await page.get_by_role("radio").first.check()
        await page.get_by_role("button", name="提交推选").click()
        await page.get_by_text("推选已记录").wait_for()
    leader = await _leader(play, base)
    await leader.get_by_role("button", name="开始评标").click()
    await leader.get_by_text("评标已开始").wait_for()
    for number in range(EXPERTS):
        await _score(play, number, base)
    await leader.goto(base)
    await leader.get_by_role("button", name="结束评分").click()
    await expect(leader.locator(".done")).to_be_visible()


async def _leader(play: Play, base: str) -> Page:
    """Return the browser of whom they elected: the one who is offered to begin."""
    for number in range(EXPERTS):
        page = play[f"expert{number}"]
        await page.goto(base)
        if await page.get_by_role("button", name="开始评标").count():
            return page
    raise AssertionError("nobody may begin")


async def _score(play: Play, number: int, base: str) -> None:
    page = play[f"expert{number}"]
    await page.goto(f"{base}/desk")
    links = page.locator("a[data-bid-link]")
    for place in range(await links.count()):
        await links.nth(place).click()
        fields = page.locator("article[data-bid]").nth(place).locator("input[data-code]")
        for item in range(await fields.count()):
            most = Decimal(await fields.nth(item).get_attribute("data-maximum") or "0")
            await fields.nth(item).fill(f"{most * (84 + place) / 100:.2f}")
    await page.get_by_text("已填完 3 家").wait_for()
    await _unlock(play, number)
    await page.get_by_role("button", name="签名并提交填完的评分表").click()
    await page.get_by_text("评分表已签名提交").wait_for()


async def report(play: Play) -> None:
    """The report is drafted, signed by all, and made final."""
    base = f"/expert/lots/{play.lot}"
    first = play["expert0"]
    await first.goto(f"{base}/report")
    if not await first.get_by_role("button", name="起草评标报告").count():
        first = await _drafter(play, base)
    await first.get_by_role("button", name="起草评标报告").click()
    for number in range(EXPERTS):
        page = play[f"expert{number}"]
        await page.goto(f"{base}/report")
        await page.locator("input[name=kind][value=consent]").check()
        await _unlock(play, number)
        await page.get_by_role("button", name="签名并提交意见").click()
        await page.get_by_text("您的意见已签名提交").wait_for()
    await first.goto(f"{base}/report")
    await first.get_by_role("button", name="完成评标").click()
    await first.get_by_text("报告已定稿").first.wait_for()


async def _drafter(play: Play, base: str) -> Page:
    for number in range(EXPERTS):
        page = play[f"expert{number}"]
        await page.goto(f"{base}/report")
        if await page.get_by_role("button", name="起草评标报告").count():
            return page
    raise AssertionError("nobody may draft")


async def _unlock(play: Play, number: int) -> None:
    page = play[f"expert{number}"]
    await page.get_by_label("密钥文件").set_input_files(play.players[f"expert{number}"].file)
    await page.get_by_label("口令").fill(PASSPHRASE)
    await page.get_by_role("button", name="解锁").click()
    await page.get_by_text("密钥已解锁").wait_for()


async def conclude(play: Play) -> None:
    """Candidates are published, the lot is awarded when that is over, the contract is attached and registered."""
    page = play["purchaser"]
    lot = f"/purchase/lots/{play.lot}"
    await page.goto(f"{lot}/publicity")
    await page.fill("#text", "一标段中标候选人公示")
    await page.get_by_role("button", name="发布").click()
    await expect(page.locator(".done")).to_be_visible()
    await pass_time(play, days=10)
    await page.goto(f"{lot}/award")
    await page.fill("#text", "一标段中标结果公告")
    await page.locator("form[action$='/award'] button").click()
    await expect(page.locator(".done")).to_be_visible()
    await page.goto(f"/purchase/tenders/{play.tender}")
    await attach_contract(play, page)
    await page.goto(f"{lot}/contract")
    await page.locator("form[action$='/contract'] button").click()
    await expect(page.locator(".done")).to_be_visible()


async def attach_contract(play: Play, page: Page) -> None:
    """Upload the contract of the lot."""
    await page.goto(f"/purchase/tenders/{play.tender}/documents?kind=contract&lot=1")
    await page.set_input_files("#file", paper(play.folder / "contract.pdf", "Contract"))
    await page.get_by_role("button", name="上传").click()
    await page.wait_for_url("**/documents?done=document_attached**", timeout=LONG)


async def archive(play: Play) -> Path:
    """The archivist files the trade and downloads the package; return where it lies."""
    page = play["archivist"]
    await page.goto(f"/centre/tenders/{play.tender}")
    await page.locator("form[action$='/archive'] button").click()
    await expect(page.locator(".done")).to_be_visible(timeout=LONG)
    async with page.expect_download() as waiting:
        await page.locator("a[href$='package.tar']").click()
    path = play.folder / "package.tar"
    await (await waiting.value).save_as(path)
    return path


def table(path: Path) -> Path:
    """Write a pool of just the experts needed, as an expert office hands it over."""
    columns = (*application.REQUIRED, application.TRAINED)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, columns)
        rows.writeheader()
        for number in range(EXPERTS):
            body = f"{MAIN}1970010{number + 1}{100 + number:03d}"
            told = (f"专家{number}", body + ric.calc_check_digit(body + "0"), "A0401", MAIN, f"第{number}设计院")
            names = (
                application.NAME,
                application.NUMBER,
                application.SPECIALTIES,
                application.SITES,
                application.EMPLOYER,
            )
            dates = {application.FROM: "2026-01-01", application.UNTIL: "2029-12-31", application.TRAINED: "2028-12-31"}
            rows.writerow(dict(zip(names, told, strict=True)) | dates | {application.PHONE: f"1390000000{number}"})
    return path
