"""The centre's calendar of halls by clicks."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import DESK, PHONE, Site, Visit, axe, no_sideways_scrolling, shot
from tests.pages import entry
from tests.pages.conftest import Maker
from tests.pages.entry import People


@pytest.fixture
async def people(site: Site, someone: Maker) -> People:
    """The parties are registered and the staff employed."""
    return await entry.people(site.installation, someone)


async def test_a_hall_is_booked_and_given_back(site: Site, visit: Visit, people: People) -> None:
    """From the trade's page to the form with its code, the day's picture, and back with a reason."""
    await entry.announced(site.installation, people)
    clerk = await visit(people.acceptance)
    await clerk.goto("/centre?group=bidding")
    await axe(clerk)
    await shot(clerk, "centre-desk")
    await clerk.get_by_role("link", name="锡林浩特市道路工程").click(timeout=5000)
    await clerk.get_by_role("link", name="为该标段预约场地").click()
    await axe(clerk)
    await shot(clerk, "centre-booking")
    await clerk.get_by_role("button", name="预约场地").click()
    await expect(clerk.locator(".done")).to_contain_text("场地已预约")
    await axe(clerk)
    await shot(clerk, "centre-venues")
    await clerk.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await no_sideways_scrolling(clerk)
    await shot(clerk, "centre-venues-phone")
    await clerk.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    await clerk.get_by_role("link", name="取消预约").click()
    await clerk.fill("#reason", "开标改期")
    await clerk.get_by_role("button", name="取消预约").click()
    await expect(clerk.locator(".done")).to_contain_text("预约已取消")
