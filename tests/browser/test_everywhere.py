"""Every page that a person of the demo can reach by links: readable, accessible, quiet, from phone to wall."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import DESK, PHONE, Watch, axe, no_sideways_scrolling
from tests.flows.played import Demo, the_demo

IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)[0-9]+(?=/|$)|(?<=/)[0-9a-f]{64}(?=/|$)|(?<=/)[0-9A-Z]{18}")
# Not pages: files, machines' addresses, and what ends the visit.
ELSEWHERE = re.compile(
    r"^/(api|log|tsa|docs|assets|openapi|client\.json|sign-out)|\.(atom|pdf|json|csv|xlsx|zip|tar|tsr|pem|key)$"
)
ROLES = ("acceptance", "witness", "venue", "archivist", "supervisor", "purchaser", "agency", "bidder1", "expert",
         "sysadmin", "secadmin", "auditadmin")  # fmt: skip
KINDS_AT_MOST = 100  # more are a kind that is not told from another by its address
# What a page is made of, whatever it says: each element under its parent, with classes and names of attributes.
MADE_OF = """() => {
    const name = (one) => one && [one.tagName, one.getAttribute("class"), ...one.getAttributeNames()].join(" ");
    const all = [...document.querySelectorAll("*")].map((one) => `${name(one.parentElement)} > ${name(one)}`);
    return [...new Set(all)].sort().join("\\n");
}"""


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """`ggzy demo` as a visitor starts it, with its trades at each stage, while it serves."""
    one = the_demo()
    one.serve()
    yield one
    one.end()


@pytest.fixture(scope="module")
def logins(demo: Demo) -> list[dict[str, Any]]:
    """Who may sign in."""
    shown: list[dict[str, Any]] = json.loads(next(demo.home.glob("artefacts-*/logins.json")).read_text())
    return shown


@dataclass(frozen=True, slots=True)
class Walked:
    """What was walked before in this file: kinds of public pages, and what pages that axe looked at are made of."""

    public: set[str]
    made_of: set[str]


@pytest.fixture(scope="module")
def walked() -> Walked:
    """Nothing yet."""
    return Walked(set(), set())


@pytest.fixture
async def visitor(browser: Browser, demo: Demo, watch: Watch) -> AsyncIterator[Page]:
    """A page on the demo."""
    size = {"width": DESK[0], "height": DESK[1]}
    context = await browser.new_context(base_url=demo.url, locale="zh-CN", viewport=size)  # type: ignore[arg-type]
    watch.over(context)
    yield await context.new_page()
    await context.close()


async def test_the_public_pages(visitor: Page, walked: Walked) -> None:
    """Who is not signed in finds every public page in order."""
    seen = await _walk(visitor, "/", set(), walked.made_of)
    assert {"/", "/notices", "/verify", "/help", "/accessibility", "/sitemap", "/sign-in", "/register"} <= seen.keys()
    assert any(path.startswith("/tenders/") for path in seen)
    assert await visitor.context.cookies() == []
    walked.public.update(kind for kind, led_on in seen.items() if not led_on)


@pytest.mark.parametrize("role", ROLES)
async def test_the_pages_of_a_role(visitor: Page, logins: list[dict[str, Any]], walked: Walked, role: str) -> None:
    """Who signs in as this role finds every page that is linked for them in order; the first also the public ones."""
    one = next(one for one in logins if one["login"].startswith(role))
    await _sign_in(visitor, one["login"], one["password"])
    known = set() if role == ROLES[0] else walked.public
    seen = await _walk(visitor, "/desk", known, walked.made_of)
    assert len(seen) > 3, seen


async def _walk(page: Page, begin: str, known: set[str], made_of: set[str]) -> dict[str, bool]:
    """Visit one page of each kind that is linked and not known; return the kinds, and whether they led on elsewhere.

    `made_of` tells of pages that axe looked at before: it need not look at another page of just such parts.
    """
    waiting, seen = [begin], dict[str, bool]()
    while waiting:
        path = waiting.pop(0)
        kind = IDENTIFIER.sub("*", path)
        if kind in seen or kind in known:
            continue
        answer = await page.goto(path, wait_until="domcontentloaded")
        assert answer is not None
        seen[kind] = answer.request.redirected_from is not None
        assert len(seen) <= KINDS_AT_MOST, seen
        assert answer.status == 200, (path, answer.status)
        assert await page.locator("h1").count() == 1, path
        parts = await page.evaluate(MADE_OF)
        if parts not in made_of:
            made_of.add(parts)
            await axe(page)
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        await no_sideways_scrolling(page)
        await page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        waiting += await _links(page)

    return seen


async def _links(page: Page) -> list[str]:
    """Return the own addresses that a page leads to."""
    found: list[str] = await page.eval_on_selector_all(
        "a[href]:not([download])", "all => all.map((one) => one.getAttribute('href'))"
    )
    own = (href.split("#")[0].split("?")[0] for href in found if href.startswith("/") and not href.startswith("//"))
    return [href for href in own if href and not ELSEWHERE.search(href)]


async def _sign_in(page: Page, login: str, password: str) -> None:
    """Sign in as a visitor of the demo does; the page shows the code of the second factor."""
    await page.goto("/sign-in")
    await page.get_by_label("登录名").fill(login)
    await page.fill("input[name=password]", password)
    await page.get_by_role("main").get_by_role("button", name="继续").click()
    if await page.locator("input[name=code]").count():
        shown = re.search(r"\b\d{6}\b", await page.inner_text("main"))
        assert shown is not None
        await page.fill("input[name=code]", shown.group())
        await page.locator("main form button").first.click()
    await page.wait_for_url("**/desk")
