"""Public pages from memory: what is kept, for whom, how long, and what a herd costs."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import event

from api import live
from api.answer import Answer
from api.web import cache as caches
from api.web.cache import Cache
from api.wiring import Installation
from kernel import database
from kernel.actor import Grant, Role, party
from tests.pages import scenery
from tests.pages.conftest import Maker, SignIn, Visitor
from tests.trading.conftest import BIDDERS
from trading.notices import CHANGED

PAGES = ("/", "/notices", "/help", "/notices.atom")


class Statements:
    """How many statements reached the database."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.count = 0

    def __call__(self, *_: object) -> None:
        """Count one."""
        self.count += 1


@pytest.fixture
async def statements(installation: Installation) -> AsyncIterator[Statements]:
    """Count the statements of the application's own engine."""
    counter, engine = Statements(), installation.engine.sync_engine
    event.listen(engine, "before_cursor_execute", counter)
    yield counter
    event.remove(engine, "before_cursor_execute", counter)


@pytest.mark.parametrize("path", PAGES)
async def test_a_kept_page_touches_no_database(visitor: Visitor, statements: Statements, path: str) -> None:
    """The second visitor gets the same bytes without a statement; nobody is given a cookie."""
    first = await visitor.get(path)
    before = statements.count
    second = await visitor.get(path)
    assert statements.count == before
    assert second.content == first.content
    assert second.headers["cache-control"] == "public, max-age=3"
    assert "set-cookie" not in second.headers
    assert {"Cookie", "Accept-Encoding", "Accept-Language"} <= set(second.headers["vary"].split(", "))


async def test_a_herd_renders_once(app: Litestar, statements: Statements) -> None:
    """Many who ask for a cold page at once cost one rendering."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ggzy.test") as client:
        await client.get("/notices?q=one")
        alone = statements.count
        answers = await asyncio.gather(*(client.get("/notices?q=two") for _ in range(100)))
    assert statements.count - alone <= alone
    assert len({answer.content for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {200}


async def test_who_leaves_does_not_take_the_page_away(app: Litestar) -> None:
    """When the first of a herd leaves in the middle of the rendering, the others still get the page."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ggzy.test") as client:
        first = asyncio.create_task(client.get("/"))
        others = [asyncio.create_task(client.get("/")) for _ in range(5)]
        await asyncio.sleep(0.001)
        first.cancel()
        answers = await asyncio.gather(*others)
    assert {answer.status_code for answer in answers} == {200}


async def test_signed_in_people_are_never_served_from_memory(
    visitor: Visitor, installation: Installation, someone: Maker, signed_in: SignIn
) -> None:
    """A person sees their own page, before and after others saw theirs, and it is kept nowhere."""
    person = await signed_in(await someone(Grant(Role.BIDDER, party(BIDDERS[0])), name="某某某"))
    own = await person.get("/")
    assert "某某某" in own.text
    assert own.headers["cache-control"] == "no-store"
    public = await visitor.get("/")
    assert "某某某" not in public.text
    assert "某某某" in (await person.get("/")).text
    token = await someone(Grant(Role.BIDDER, party(BIDDERS[0])), name="令牌人")
    assert "令牌人" in (await visitor.get("/", headers=token.headers)).text
    assert "令牌人" not in (await visitor.get("/")).text


async def test_a_stale_cookie_neither_reads_nor_fills_the_memory(visitor: Visitor, app: Litestar) -> None:
    """Whoever sends any cookie is looked at anew."""
    answer = await visitor.get("/help", headers={"Cookie": "ggzy_session=stale"})
    assert answer.headers["cache-control"] == "no-store"
    assert (await visitor.get("/help")).headers["cache-control"].startswith("public")


async def test_gzip_and_not_modified(visitor: Visitor) -> None:
    """The packed page is the same page; a browser that has it is told so, and keeps its own policy with its nonce."""
    plain = await visitor.get("/help", headers={"Accept-Encoding": "identity"})
    async with visitor.stream("GET", "/help", headers={"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join([chunk async for chunk in packed.aiter_raw()])
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    refused = await visitor.get("/help", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    same = await visitor.get("/help", headers={"If-None-Match": plain.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert "content-security-policy" not in same.headers
    assert "content-length" not in same.headers
    assert same.headers["etag"] == plain.headers["etag"]


async def test_the_same_content_has_the_same_etag_in_every_rendering(visitor: Visitor, app: Litestar) -> None:
    """Nonce and clock differ from rendering to rendering, the ETag does not."""
    first = await visitor.get("/help")
    app.state.cache.drop()
    second = await visitor.get("/help")
    assert first.content != second.content
    assert first.headers["etag"] == second.headers["etag"]


async def test_languages_are_kept_apart(visitor: Visitor, app: Litestar) -> None:
    """A page is kept per locale, however the header is written; unknown ones share the installation's own."""
    await visitor.get("/help", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    await visitor.get("/help", headers={"Accept-Language": "fr"})
    assert len(app.state.cache) == 1


async def test_what_failed_is_not_kept(visitor: Visitor, app: Litestar) -> None:
    """A page that is not there, or a question that is wrong, is answered anew each time."""
    assert (await visitor.get("/notices/00000000-0000-0000-0000-000000000000")).status_code == 404
    assert (await visitor.get("/notices?since=x")).status_code == 422
    assert len(app.state.cache) == 0


@pytest.mark.parametrize("path", ["/", "/help", "/api/v1/notices", "/log/vkey", "/robots.txt", "/nowhere"])
async def test_head_is_get_without_a_body(visitor: Visitor, path: str) -> None:
    """HEAD of pages and of the API has the status and the headers of GET, cold and kept."""
    for _ in range(2):
        head, get = await visitor.head(path), await visitor.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers.get("content-type") == get.headers.get("content-type")


async def test_head_of_a_download_reads_no_byte(installation: Installation, visitor: Visitor) -> None:
    """HEAD of a large or endless body ends with its headers."""
    painted = await scenery.paint(installation)
    answer = await visitor.head(f"/openings/{painted.announced.lots[0].id}/1/display/events")
    assert answer.content == b""


async def test_pages_change_when_something_public_does(
    visitor: Visitor, installation: Installation, app: Litestar
) -> None:
    """What the services tell through the database empties the memory at once."""
    async with live.running(installation) as hub, caches.following(app.state.cache, hub):
        await hub.connected.wait()
        await visitor.get("/")
        async with installation.sessions.begin() as session:
            await database.notify(session, *CHANGED)
        for _ in range(200):
            if not len(app.state.cache):
                break
            await asyncio.sleep(0.05)
        assert len(app.state.cache) == 0


def test_what_was_begun_before_a_change_is_not_kept_after() -> None:
    """A rendering that read the old state is sent to whoever waits for it, and to nobody else."""
    cache, key = Cache("zh_CN"), ("/", b"", "zh_CN")
    begun = cache.drops
    cache.drop()
    cache.keep(key, _answer(b"old"), begun=begun)
    assert cache.find(key) is None


def test_pages_grow_old_and_the_least_used_go() -> None:
    """After its seconds a page is gone; beyond the capacity the least recently used goes first."""
    moment = 0.0
    cache = Cache("zh_CN", clock=lambda: moment, kept=3, capacity=600)
    for name in "abc":
        cache.keep((name, b"", ""), _answer(name.encode() * 200), begun=0)
        cache.find(("a", b"", ""))
    assert [name for name in "abc" if cache.find((name, b"", ""))] == ["a", "c"]
    moment = 3.0
    assert cache.find(("a", b"", "")) is None
    assert len(cache) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, [], b"x"),
        Answer(200, [(b"set-cookie", b"a=b")], b"x"),
        Answer(200, [], b"x" * (caches.LARGEST + 1)),
    ],
)
def test_what_is_never_kept(answer: Answer) -> None:
    """Refusals, answers with a cookie, and what is too large."""
    cache = Cache("zh_CN")
    cache.keep(("/", b"", ""), answer, begun=0)
    assert len(cache) == 0


def _answer(body: bytes) -> Answer:
    return Answer(200, [(b"date", datetime.now(UTC).isoformat().encode())], body)
