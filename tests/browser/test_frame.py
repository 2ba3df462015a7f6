"""What every page has, seen in a browser."""

from playwright.async_api import expect

from api.accounts.authentication import COOKIE
from kernel.actor import Grant, Role, party
from tests.browser.conftest import (
    DESK,
    PHONE,
    WALL,
    Site,
    Visit,
    Watch,
    axe,
    no_sideways_scrolling,
    session_of,
)
from tests.pages.conftest import Maker

PURCHASER = Grant(Role.PURCHASER, party("91152502MA0N1A2B3C"))
FRAMED = """async () => {
    const frame = document.createElement("iframe");
    frame.src = "/desk";
    document.body.append(frame);
    await new Promise((done) => frame.addEventListener("load", done));
    return frame.contentDocument?.querySelector("main") !== null && frame.contentDocument !== null;
}"""


async def test_a_refusal_is_a_page_like_others(visit: Visit, watch: Watch) -> None:
    """An unknown address is told in words from phone to wall; the clock at its foot runs; nobody frames a page."""
    watch.allowed.extend(["404", "frame"])
    for size in (PHONE, DESK, WALL):
        page = await visit(size=size)
        answer = await page.goto("/nowhere")
        assert answer is not None
        assert answer.status == 404
        await no_sideways_scrolling(page)
        await axe(page)
    before = await page.locator("time[data-clock]").text_content()
    await page.wait_for_function(
        "before => document.querySelector('time[data-clock]').textContent !== before", arg=before
    )
    assert await page.evaluate(FRAMED) is False


async def test_a_draft_is_its_writers_at_a_shared_machine(visit: Visit, site: Site, someone: Maker) -> None:
    """Who signs in after another in the same browser finds nothing of what that person typed; the writer does."""
    writer, next_one = await someone(PURCHASER), await someone(PURCHASER)
    page = await visit(writer)
    await page.goto("/purchase/new")
    await page.fill("#title", "锡林浩特市道路工程")
    await expect(page.locator(".draft")).to_contain_text("草稿已保存")
    for person, found in ((next_one, ""), (writer, "锡林浩特市道路工程")):
        await page.context.add_cookies([{"name": COOKIE, "value": await session_of(site, person), "url": site.url}])
        await page.goto("/purchase/new")
        await expect(page.locator("#title")).to_have_value(found)
