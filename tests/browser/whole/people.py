"""Who plays: staff and experts with accounts, parties that register by the form, each in a browser of their own."""

import base64
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from playwright.async_api import Page, expect

from api.accounts import totp
from api.accounts.tables import Account
from bidding import keyfile
from bidding.keyfile import DEVICE_SEED, KeyFile, Strength
from kernel.actor import Grant, Role, site
from kernel.entropy import SystemEntropy
from tests.api.test_trading_routes import code
from tests.browser.conftest import Site, Visit
from tests.pages.conftest import Maker

MAIN = "152502"
PASSPHRASE = "风吹草低见牛羊四四方方"
PASSWORD = "a password long enough"
PURCHASER, BIDDERS = code(1), [code(number) for number in (10, 11, 12)]
EXPERTS = 5
LONG = 60_000  # milliseconds; a limit for what never ends
STAFF = {
    "acceptance": (Role.ACCEPTANCE, "其木格"),
    "witness": (Role.WITNESS, "陈立"),
    "supervisor": (Role.SUPERVISOR, "赵刚"),
    "archivist": (Role.ARCHIVIST, "刘芳"),
}


@dataclass(slots=True)
class Player:
    """A person, their browser and their key file."""

    name: str
    page: Page
    file: Path
    login: str = ""

    async def unlock(self) -> None:
        """Open the key file on a custodian's page."""
        await expect(self.page.locator("#unlock")).to_be_visible()
        await self.page.set_input_files("#keyfile", self.file)
        await self.page.fill("#passphrase", PASSPHRASE)
        await self.page.click("#unlock button")
        await expect(self.page.locator("#unlocked")).to_be_visible(timeout=LONG)

    async def back_up(self) -> None:
        """Save the key file with what is new in it, and select it again."""
        await expect(self.page.locator("#backup")).to_be_visible(timeout=LONG)
        await self.save()
        await self.page.set_input_files("#saved", self.file)

    async def save(self) -> None:
        """Save the key file with what is new in it."""
        async with self.page.expect_download() as waiting:
            await self.page.click("#save")
        await (await waiting.value).save_as(self.file)


@dataclass(slots=True)
class Play:
    """Everybody, and what the acts tell each other."""

    site: Site
    visit: Visit
    someone: Maker
    folder: Path
    players: dict[str, Player] = field(default_factory=dict)
    tender: str = ""
    lot: str = ""

    def __getitem__(self, name: str) -> Page:
        """Return somebody's browser."""
        return self.players[name].page


async def employ(play: Play) -> None:
    """Staff have accounts, second factors and device keys already (how they come by them is tested elsewhere)."""
    for login, (role, name) in STAFF.items():
        await _hired(play, login, name, Grant(role, site(MAIN)))
    for number in range(EXPERTS):
        await _hired(play, f"expert{number}", f"专家{number}", Grant(Role.EXPERT, "*"))


async def _hired(play: Play, login: str, name: str, grant: Grant) -> None:
    who = await play.someone(grant, name=name)
    path = play.folder / f"{login}.key"
    secrets = KeyFile({DEVICE_SEED: bytes(who.device)})
    keyfile.save(path, secrets, PASSPHRASE, entropy=SystemEntropy(), strength=Strength(8 << 10, 1))
    async with play.site.installation.sessions() as session:
        account = await session.get_one(Account, who.actor.user_id)
    play.players[login] = Player(name, await play.visit(who), path, account.login)


async def register(play: Play, login: str, uscc: str, role: str, *, factor: bool) -> None:
    """Register a party by the one form, sign in, enrol a second factor where it is asked for, make a device key."""
    page = await play.visit()
    play.players[login] = Player(login, page, play.folder / f"{login}.key")
    await page.goto("/register")
    await page.get_by_label(role, exact=False).first.check()
    for name, text in {
        "uscc": uscc,
        "name": f"锡盟{login}有限公司",
        "legal_representative": "张三",
        "address": "锡林浩特市某街1号",
        "contact": "李四",
        "phone": "0479-8210000",
        "person": f"{login}经办人",
        "login": login,
        "password": PASSWORD,
        "again": PASSWORD,
    }.items():
        await page.fill(f"#{name}", text)
    await page.select_option("#region", MAIN)
    await page.locator("#commitment-1").check()
    await page.get_by_role("button", name="承诺并注册").click()
    await page.wait_for_url("**/sign-in?done=registered")
    await page.get_by_label("登录名").fill(login)
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="继续").click()
    if factor:
        await _enrol_generator(page)
    await page.goto("/desk")
    await expect(page.locator("h1")).to_have_text("我的工作台")
    await _make_device_key(play.players[login])


async def _enrol_generator(page: Page) -> None:
    await page.get_by_role("button", name="用手机验证码").click()
    await page.get_by_text("不能扫描？").click()
    secret = base64.b32decode(re.sub(r"\s", "", await page.locator("details code").inner_text()))
    await page.get_by_label("验证码").fill(totp.code(secret, datetime.now(UTC)))
    await page.get_by_role("button", name="完成登记").click()
    await page.get_by_role("link", name="已保存，继续").click()


async def _make_device_key(player: Player) -> None:
    page = player.page
    await page.goto("/bid/device")
    await page.fill("#new-passphrase", PASSPHRASE)
    await page.fill("#new-again", PASSPHRASE)
    await page.click("text=制作密钥 >> visible=true")
    async with page.expect_download(timeout=LONG) as saving:
        await page.click("#download", timeout=LONG)
    await (await saving.value).save_as(player.file)
    await page.set_input_files("#backup-file", player.file)
    await page.fill("#backup-passphrase", PASSPHRASE)
    await page.click("text=核对备份")
    await page.click("text=登记这把密钥")
    await expect(page.locator(".done")).to_contain_text("已登记", timeout=LONG)
