"""Signing in by clicks: a passkey of the browser itself, the QR code's page, phone and desk; axe on every page."""

import base64
import re
from datetime import UTC, datetime

from playwright.async_api import Page
from sqlalchemy import text

from api import mail
from api.accounts import resets, totp
from api.mail_rules import Post
from kernel.actor import Grant, Role, site
from kernel.clock import SystemClock
from kernel.database import now
from tests.api.test_factors import PASSWORD, person
from tests.browser.conftest import DESK, PHONE, Site, Visit, Watch, axe, no_sideways_scrolling, shot
from tests.pages.test_accounts import age

WITNESS = Grant(Role.WITNESS, site("152502"))
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True,
    "automaticPresenceSimulation": True,
}  # fmt: skip


async def test_a_passkey_of_the_browser(site: Site, visit: Visit) -> None:
    """Staff enrol a passkey at their first sign-in, use it at the next one and to show who they are, by clicks."""
    await person(site.installation, "wang", WITNESS)
    page = await visit(size=PHONE)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    home = site.url.replace("127.0.0.1", "localhost")
    await sign_in(page, f"{home}/sign-in?next=/account")
    await page.get_by_role("button", name="用通行密钥").click()
    await page.get_by_role("heading", name="请保存恢复码").wait_for()
    assert await page.locator(".codes li").count() == 10
    await page.get_by_role("link", name="已保存，继续").click()
    await page.get_by_role("heading", name="我的账户").wait_for()
    await page.get_by_role("button", name="退出").click()
    await page.get_by_text("您已退出").wait_for()
    await sign_in(page, f"{home}/sign-in?next=/account")
    await page.get_by_role("button", name="使用通行密钥").click()
    await page.get_by_role("heading", name="我的账户").wait_for()
    assert "见证" in await page.locator("main").inner_text()
    await age(site.installation)
    await page.get_by_role("link", name="登记验证方式").click()
    await page.get_by_label("密码").fill(PASSWORD)
    await look(page, "confirm")
    await page.get_by_role("button", name="使用通行密钥").click()
    await page.get_by_role("heading", name="登记验证方式", exact=True).wait_for()


async def test_a_phones_codes(site: Site, visit: Visit, watch: Watch) -> None:
    """At 320 px and on a desk: QR code, first code, recovery codes, the second step; nothing serious for axe."""
    await person(site.installation, "wang", WITNESS)
    watch.allowed = ["422"]  # the wrong code
    page = await visit(size=PHONE)
    await page.goto("/sign-in?next=/account")
    await look(page, "sign-in")
    await page.get_by_role("link", name="忘记了密码？").click()
    await look(page, "forgotten")
    await page.goto("/sign-in/forgotten/sent")
    await look(page, "forgotten-sent")
    async with site.installation.sessions.begin() as session:
        user = await session.scalar(text("SELECT id FROM account"))
        secret = await resets.make(session, user, entropy=site.installation.entropy)
    await page.goto(f"/sign-in/reset/{secret}")
    await look(page, "reset")
    await sign_in(page, "/sign-in?next=/account")
    await look(page, "enrol")
    await page.get_by_role("button", name="用手机验证码").click()
    await page.get_by_text("不能扫描？").click()
    secret = base64.b32decode(re.sub(r"\s", "", await page.locator("details code").inner_text()))
    await look(page, "generator")
    await page.get_by_label("验证码").fill("000000")
    await page.get_by_role("button", name="完成登记").click()
    await page.get_by_role("alert").wait_for()
    await look(page, "generator-wrong")
    now = SystemClock().now()
    await page.get_by_label("验证码").fill(totp.code(secret, now))
    await page.get_by_role("button", name="完成登记").click()
    await page.get_by_role("heading", name="请保存恢复码").wait_for()
    await look(page, "recovery-codes")
    await page.get_by_role("link", name="已保存，继续").click()
    await tell(site)
    await look(page, "account")
    await page.goto("/account/password")
    await look(page, "password")
    await page.goto("/account/messages")
    await look(page, "messages")
    await page.get_by_role("button", name="退出").click()
    await sign_in(page, "/sign-in?next=/account")
    await look(page, "second-step")
    step = totp.step(secret, totp.code(secret, now), now) or 0
    await page.get_by_label("验证码或恢复码").fill(totp.code(secret, datetime.fromtimestamp((step + 1) * 30, UTC)))
    await page.get_by_role("button", name="继续").click()
    await page.get_by_role("heading", name="我的账户").wait_for()


async def tell(site: Site) -> None:
    """Have three messages for whoever signs in."""
    async with site.installation.sessions.begin() as session:
        user, at = await session.scalar(text("SELECT id FROM account")), await now(session)
        lot = {"tender": "南环路改造工程", "number": 1, "title": "施工"}
        for post in (
            Post("shares_wanted", "/custody", lot, user_id=user),
            Post("key_wanted", "/custody", user_id=user),
            Post("password_reset", "/account", user_id=user),
        ):
            await mail.post(session, post.code, post, at=at, entropy=site.installation.entropy)


async def sign_in(page: Page, address: str) -> None:
    """Fill in the form of the sign-in page."""
    await page.goto(address)
    await page.get_by_label("登录名").fill("wang")
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="继续").click()


async def look(page: Page, name: str) -> None:
    """Check the page and keep its picture at both widths."""
    await axe(page)
    await no_sideways_scrolling(page)
    await shot(page, f"account-{name}-phone")
    await page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    await shot(page, f"account-{name}")
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
