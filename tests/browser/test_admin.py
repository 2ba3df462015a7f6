"""The administrators' pages as they look: axe, no sideways scrolling, pictures at both widths."""

from collections.abc import Awaitable, Callable
from typing import Any

from kernel.actor import Grant, Role
from kernel.actor import site as at_site
from tests.browser.conftest import DESK, PHONE, Site, Visit, axe, no_sideways_scrolling, shot

SYSTEM, SECURITY = Grant(Role.SYSTEM_ADMIN, "*"), Grant(Role.SECURITY_ADMIN, "*")


async def test_the_administrators_pages(site: Site, visit: Visit, someone: Callable[..., Awaitable[Any]]) -> None:
    """An account is made and given its role by clicks; every page stands at 320 px and passes axe."""
    witness = await someone(Grant(Role.WITNESS, at_site("152502")), name="王某某")
    system, security = await visit(await someone(SYSTEM)), await visit(await someone(SECURITY))
    await system.goto("/admin/people")
    await system.get_by_label("登录名").fill("li.si")
    await system.get_by_label("姓名").last.fill("李四")
    await system.get_by_role("button", name="建立账户").click()
    await system.get_by_role("heading", name="账户已建立").wait_for()
    await axe(system)
    await system.get_by_role("link", name="继续").click()
    place = system.url.partition("/admin")[2]
    await security.goto(f"/admin{place}")
    await security.get_by_label("角色").select_option("见证")
    await security.get_by_label("站点").select_option("锡林浩特市")
    await security.get_by_role("button", name="授予角色").click()
    await security.get_by_text("角色已授予").wait_for()
    pages = {"admin": "/admin", "people": "/admin/people", "sites": "/admin/sites",
             "calendar": "/admin/calendar?month=2026-10",
             "person": f"/admin/people/{witness.actor.user_id}"}  # fmt: skip
    for name, path in pages.items():
        for page, who in ((system, "system"), (security, "security")):
            await page.goto(path)
            await axe(page)
            for size, suffix in ((PHONE, "-phone"), (DESK, "")):
                await page.set_viewport_size({"width": size[0], "height": size[1]})
                await no_sideways_scrolling(page)
                if who == "security" or name != "person":
                    await shot(page, f"admin-{name}-{who}{suffix}")
