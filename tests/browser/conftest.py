"""Browser tests: a real server on a database of the test's own, Debian's Chromium, and a watch over its console."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from api.accounts import credentials
from api.accounts.authentication import COOKIE
from api.settings import Settings
from api.wiring import Installation
from tests.conftest import Someone
from tests.faults.process import Server

CHROMIUM = "/usr/bin/chromium"
ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "build" / "pictures"
SERIOUS = ("serious", "critical")
PHONE, DESK, WALL = (320, 640), (1280, 900), (1920, 1080)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs Chromium."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.debian("chromium"))


@dataclass(frozen=True, slots=True)
class Site:
    """A running platform: its address, and what stands behind it for tests to prepare things with."""

    url: str
    server: Server
    installation: Installation


@pytest.fixture
def site(settings: Settings, installation: Installation, tmp_path: Path) -> Iterator[Site]:
    """`ggzy serve` in earnest on the database of `installation`."""
    server = Server(settings, tmp_path / "server.log")
    try:
        server.start()
        yield Site(server.url, server, installation)
    finally:
        server.kill()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for the run."""
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield launched
        await launched.close()


class Watch:
    """What went wrong in the pages of a context: console errors, uncaught exceptions, broken content policies."""

    def __init__(self) -> None:
        """Nothing yet; `allowed` are texts of errors that a test means to cause."""
        self.complaints: list[str] = []
        self.allowed: list[str] = []

    def over(self, context: BrowserContext) -> None:
        """Listen to every page of a context."""
        context.on("page", self._listen)

    def _listen(self, page: Page) -> None:
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def check(self) -> None:
        """Fail when anything was heard that was not allowed."""
        left = [one for one in self.complaints if not any(text in one for text in self.allowed)]
        assert left == []


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Listens to all that `visit` opens; fails the test at its end."""
    listening = Watch()
    yield listening
    listening.check()


Visit = Callable[..., Awaitable[Page]]


@pytest.fixture
async def visit(site: Site, browser: Browser, watch: Watch) -> AsyncIterator[Visit]:
    """Give an opener of pages, each in a context of its own: pass it a person, a size, and options of the context.

    A person comes in by their session's cookie; how people sign in is tested where that is the matter.
    """
    opened: list[BrowserContext] = []

    async def open_page(someone: Someone | None = None, size: tuple[int, int] = DESK, **options: object) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        context = await browser.new_context(base_url=site.url, locale="zh-CN", viewport=viewport, **options)  # type: ignore[arg-type]
        opened.append(context)
        watch.over(context)
        if someone is not None:
            await context.add_cookies([{"name": COOKIE, "value": await session_of(site, someone), "url": site.url}])
        return await context.new_page()

    yield open_page
    for context in opened:
        await context.close()


@pytest.fixture
async def watched(visit: Visit) -> Page:
    """A page of somebody who is not signed in."""
    return await visit()


async def session_of(site: Site, someone: Someone) -> str:
    """Return the secret of a fresh browser session of a person."""
    entropy = site.installation.entropy
    async with site.installation.sessions.begin() as session:
        made = await credentials.issue(session, someone.actor, "session", "", entropy=entropy, proof="test")
    return made.secret


async def axe(page: Page) -> None:
    """Fail when axe finds anything serious on the page as it stands."""
    # Through the debugger's world: the page's own policy forbids added scripts, as it should.
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("async () => (await axe.run()).violations")
    told = [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in SERIOUS]
    assert told == [], page.url


async def shot(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a picture for the guides under build/pictures (not committed)."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)


async def no_sideways_scrolling(page: Page) -> None:
    """Fail when the page is wider than the window."""
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


def pdf(words: str) -> bytes:
    """Return the smallest PDF that shows a line of text."""
    stream = f"BT /F1 24 Tf 72 720 Td ({words}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start
