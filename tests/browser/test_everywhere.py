"""Every page that a person of the demo can reach by links: readable, accessible, quiet, from phone to wall."""

import json
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import DESK, PHONE, Watch, axe, no_sideways_scrolling
from tests.flows.played import environment, free_port, serving

PATIENCE = 600  # seconds until the demo serves; nothing is measured
IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)[0-9]+(?=/|$)|(?<=/)[0-9a-f]{64}(?=/|$)|(?<=/)[0-9A-Z]{18}")
# Not pages: files, machines' addresses, and what ends the visit.
ELSEWHERE = re.compile(
    r"^/(api|log|tsa|docs|assets|openapi|client\.json|sign-out)|\.(atom|pdf|json|csv|xlsx|zip|tar|tsr|pem|key)$"
)
ROLES = ("acceptance", "witness", "venue", "archivist", "supervisor", "purchaser", "agency", "bidder1", "expert",
         "sysadmin", "secadmin", "auditadmin")  # fmt: skip
PAGES_AT_MOST = 60


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that serves, and who may sign in."""

    url: str
    home: Path
    logins: list[dict[str, Any]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`ggzy demo` as a visitor starts it, with its trades at each stage."""
    home, port = tmp_path_factory.mktemp("everywhere") / "home", free_port()
    for folder in home.parents[:3]:
        folder.chmod(0o755)  # the demo's PostgreSQL runs as another user
    log = home.with_suffix(".log")
    with log.open("wb") as out:
        running = subprocess.Popen(serving(home, port, size=1), stdout=out, stderr=out, env=environment())
    try:
        _await(running, home, f"http://127.0.0.1:{port}", log)
        logins = json.loads(next(home.glob("artefacts-*/logins.json")).read_text())
        yield Demo(f"http://127.0.0.1:{port}", home, logins)
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(60)


@pytest.fixture
async def visitor(browser: Browser, demo: Demo, watch: Watch) -> AsyncIterator[Page]:
    """A page on the demo."""
    context = await browser.new_context(base_url=demo.url, locale="zh-CN")
    watch.over(context)
    yield await context.new_page()
    await context.close()


async def test_the_public_pages(visitor: Page) -> None:
    """Who is not signed in finds every public page in order."""
    seen = await _walk(visitor, ["/"])
    assert {"/", "/notices", "/verify", "/help", "/accessibility", "/sitemap", "/sign-in", "/register"} <= seen
    assert any(path.startswith("/tenders/") for path in seen)
    assert await visitor.context.cookies() == []


@pytest.mark.parametrize("role", ROLES)
async def test_the_pages_of_a_role(visitor: Page, demo: Demo, role: str) -> None:
    """Who signs in as this role finds every page that is linked for them in order."""
    one = next(one for one in demo.logins if one["login"].startswith(role))
    await _sign_in(visitor, one["login"], one["password"])
    seen = await _walk(visitor, ["/desk"])
    assert len(seen) > 3, seen


async def _walk(page: Page, begin: list[str]) -> set[str]:
    """Visit one page of each kind that is linked; return the kinds."""
    waiting, seen = list(begin), set[str]()
    while waiting and len(seen) < PAGES_AT_MOST:
        path = waiting.pop(0)
        kind = IDENTIFIER.sub("*", path)
        if kind in seen:
            continue
        seen.add(kind)
        await page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        answer = await page.goto(path, wait_until="domcontentloaded")
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        assert await page.locator("h1").count() == 1, path
        await axe(page)
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        await no_sideways_scrolling(page)
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
    await page.get_by_label("口令").fill(password)
    await page.get_by_role("main").get_by_role("button", name="继续").click()
    if await page.locator("input[name=code]").count():
        shown = re.search(r"\b\d{6}\b", await page.inner_text("main"))
        assert shown is not None
        await page.fill("input[name=code]", shown.group())
        await page.locator("main form button").first.click()
    await page.wait_for_url("**/desk")


def _await(running: subprocess.Popen[bytes], home: Path, url: str, log: Path) -> None:
    """Return when the demo has played and serves."""
    for _ in range(PATIENCE * 2):
        assert running.poll() is None, log.read_text()[-3000:]
        if any(home.glob("artefacts-*/logins.json")):
            assert httpx.get(f"{url}/readyz").is_success
            return
        time.sleep(0.5)
    raise AssertionError(log.read_text()[-3000:])
