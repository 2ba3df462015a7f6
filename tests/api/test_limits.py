"""Limits that hold over all workers, whose address counts behind proxies, and headers that every answer carries."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from litestar import Litestar
from pydantic import ValidationError

from api import address
from api.app import build
from api.settings import Settings
from api.wiring import Installation
from tests.api.test_factors import PASSWORD, person

Make = Callable[..., Awaitable[Any]]
PROXIES = "10.0.0.0/8, 2001:db8:1::/48"


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6", "198.51.100.1, 10.2.3.4"], "198.51.100.1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6, nonsense, 10.2.3.4"], "10.2.3.4"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("2001:db8:1::7", ["2001:db8:2:3:4:5:6:7"], "2001:db8:2:3::/64"),
        ("::ffff:10.0.0.1", ["[2001:db8:2:3::1]"], "2001:db8:2:3::/64"),
    ],
)
def test_whose_address_counts(peer: str, forwarded: list[str], counted: str) -> None:
    """Only what our own proxies appended is believed, from the right; an IPv6 household is one address."""
    headers = [(b"X-Forwarded-For", value.encode()) for value in forwarded]
    scope: Any = {"client": (peer, 1), "headers": headers}
    assert address.of(scope, PROXIES) == counted


def test_an_unknown_peer_is_one_address() -> None:
    """What names no address (a socket of this machine) is counted as one, not refused."""
    scope: Any = {"client": None, "headers": []}
    assert address.of(scope, PROXIES) == ""


def test_a_bad_list_of_proxies_stops_the_start() -> None:
    """Settings that would believe nobody or everybody by mistake are refused."""
    with pytest.raises(ValidationError):
        Settings(trusted_proxies="10.0.0.0/8, my-proxy")


async def test_writes_are_limited(app: Litestar, client: httpx.AsyncClient, someone: Make) -> None:
    """Beyond the minute's bucket a person's writes are 429 with the time to wait; others go on, and reads always."""
    _limit(app, writes_per_minute=3)
    flooding, other = await someone(), await someone()
    answers = [await client.post("/api/v1/me/device/challenge", headers=flooding.headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert (answers[-1].json()["code"], answers[-1].headers["retry-after"]) == ("request.too_many", "60")
    assert (await client.post("/api/v1/me/device/challenge", headers=other.headers)).status_code == 201
    assert (await client.get("/api/v1/me", headers=flooding.headers)).status_code == 200


async def test_anonymous_writes_are_limited_by_address(app: Litestar, client: httpx.AsyncClient) -> None:
    """Behind a trusted proxy each address has its bucket; the proxy's own is not everybody's. Pages say it in words."""
    _limit(app, writes_per_minute=2, trusted_proxies="127.0.0.1")
    body = {"login": "nobody", "password": "x"}
    mine, other = {"X-Forwarded-For": "198.51.100.1"}, {"X-Forwarded-For": "198.51.100.2"}
    statuses = [(await client.post("/api/v1/tokens", json=body, headers=mine)).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
    assert (await client.post("/api/v1/tokens", json=body, headers=other)).status_code == 401
    page = await client.post("/sign-in", data={"csrf": ""}, headers=mine | {"Origin": "http://ggzy.test"})
    assert (page.status_code, page.headers["retry-after"]) == (429, "60")
    assert "操作过于频繁" in page.text


async def test_sign_in_tells_when_to_come_again(client: httpx.AsyncClient) -> None:
    """The limit on tries is 429 with Retry-After to programs and to people."""
    body = {"login": "nobody", "password": "a wrong one"}
    for _ in range(20):
        await client.post("/api/v1/tokens", json=body)
    answer = await client.post("/api/v1/tokens", json=body)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")
    page = await client.post("/sign-in", data={"csrf": "", **body}, headers={"Origin": "http://ggzy.test"})
    assert (page.status_code, page.headers["retry-after"]) == (429, "900")


@pytest.mark.parametrize("path", ["/api/v1/installation", "/sign-in", "/log/vkey", "/healthz", "/api/v1/nothing"])
async def test_every_answer_is_guarded(client: httpx.AsyncClient, path: str) -> None:
    """No answer is sniffed, none of the API is a document or kept; over plain HTTP nothing is promised about HTTPS."""
    answer = await client.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers.get("content-security-policy", "frame-ancestors 'none'")
    assert not path.startswith("/api") or answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert not path.startswith("/api") or answer.headers["cache-control"] == "private, no-cache"
    assert "strict-transport-security" not in answer.headers


async def test_https_is_promised_where_it_is_the_address(installation: Installation, settings: Settings) -> None:
    """With a public address of HTTPS every answer says so for two years, and cookies are secure."""
    served = settings.model_copy(update={"public_url": "https://ggzy.example"})
    assert served.cookies_over_https_only
    app = build(served)
    app.state.installation = installation
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://ggzy.example") as client:
        for path in ("/healthz", "/sign-in", "/api/v1/installation"):
            assert (await client.get(path)).headers["strict-transport-security"] == "max-age=63072000"


async def test_the_sessions_cookie_over_https(app: Litestar, installation: Installation) -> None:
    """Over HTTPS the cookie is one that no other host can set (``__Host-``), and the bare name opens nothing."""
    _limit(app, public_url="https://ggzy.test")
    await person(installation, "zhao")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://ggzy.test") as client:
        signed = await client.post("/api/v1/sessions", json={"login": "zhao", "password": PASSWORD})
        name, _, rest = signed.headers["set-cookie"].partition("=")
        assert name == "__Host-ggzy_session"
        told = {part.strip().lower() for part in rest.split(";")}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= told
        assert not any(part.startswith("domain") for part in told)
        assert (await client.get("/api/v1/me")).status_code == 200
        secret = client.cookies.pop(name)
        client.cookies.set("ggzy_session", secret)
        assert (await client.get("/api/v1/me")).status_code == 401


def _limit(app: Litestar, **changed: object) -> None:
    installation: Installation = app.state.installation
    app.state.installation = replace(installation, settings=installation.settings.model_copy(update=changed))
