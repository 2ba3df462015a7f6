"""Refusals are problem documents (RFC 9457) with a stable code and words; nothing of our inside is told."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from api import problems
from api.client import refusal
from kernel.errors import GgzyError, Kind


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nowhere", b"", 404, "request.unknown_path"),
        ("GET", "/api/v1/nowhere/at/all", b"", 404, "request.unknown_path"),
        ("DELETE", "/api/v1/tokens", b"", 405, "request.method_not_allowed"),
        ("POST", "/api/v1/tokens", b"{", 400, "request.malformed"),
        ("POST", "/api/v1/tokens", b'{"login": "\xff"}', 400, "request.malformed"),
        ("POST", "/api/v1/tokens", b"[" * 10_000, 400, "request.malformed"),
        ("POST", "/api/v1/tokens", b'{"a":' * 10_000, 400, "request.malformed"),
        ("POST", "/api/v1/tokens", b'{"login": "\\ud800", "password": "x"}', 400, "request.malformed"),
        ("POST", "/api/v1/tokens", b'{"login": "\\u0000", "password": "x"}', 400, "request.invalid"),
        ("GET", f"/api/v1/lots/{UUID(int=9)}/openings/{2**70}/record.json", b"", 404, "opening.not_found"),
        ("GET", f"/api/v1/trail/{2**70}", b"", 400, "request.invalid"),
        ("POST", "/api/v1/tokens", b"{}", 400, "request.invalid"),
        ("POST", "/api/v1/tokens", b'{"login": 1, "password": "x"}', 400, "request.invalid"),
        ("POST", "/api/v1/tokens", b'{"login": "a", "password": "b", "c": 1}', 400, "request.invalid"),
        ("GET", "/api/v1/users/not-a-uuid/grants", b"", 404, "request.unknown_path"),
    ],
)
async def test_whatever_is_wrong_is_a_problem(  # noqa: PLR0917 - a row of the table above
    client: httpx.AsyncClient, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    """Routing, parsing and validation fail in one form."""
    headers = {"Content-Type": "application/json"}
    answer = await client.request(method, path, content=body, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:ggzy:problem:{code}"
    assert problem["title"]
    assert problem["detail"] != code


async def test_complaints_name_the_place_and_not_the_value(client: httpx.AsyncClient) -> None:
    """A validation error says where and what was expected; the value, which may be secret, is not repeated."""
    body = {"login": "x" * 100, "password": ["hunter2"]}
    answer = await client.post("/api/v1/tokens", json=body)
    assert answer.json()["code"] == "request.invalid"
    assert "hunter2" not in answer.text
    assert answer.json()["params"]["errors"]


async def test_headers_are_limited(client: httpx.AsyncClient) -> None:
    """More than 32 KiB of headers are refused."""
    answer = await client.get("/api/v1/installation", headers={"X-Long": "x" * 40_000})
    assert answer.json()["code"] == "request.headers_too_large"


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_status(kind: Kind) -> None:
    """A new kind cannot be forgotten at the edge."""
    assert 400 <= problems.status_of(GgzyError("some.code", kind)) < 600


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.INTEGRITY])
def test_our_client_gets_back_what_was_raised(kind: Kind) -> None:
    """Code, params and kind survive the way over HTTP."""
    raised = GgzyError("some.code", kind, count=3, name="甲", rows=["1"])
    answer = httpx.Response(problems.status_of(raised), content=problems.document(raised, "zh_CN"))
    got = refusal(answer)
    assert (got.code, got.kind, got.params) == (raised.code, kind, raised.params)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code": "x"}', b'{"code": "x", "params": 3}'])
def test_our_client_knows_a_bad_answer(body: bytes) -> None:
    """What is no problem document (a proxy's page, say) becomes ``client.bad_answer``."""
    assert refusal(httpx.Response(502, content=body)).code == "client.bad_answer"


@pytest.mark.parametrize("value", [object(), {"a": object()}, None, 1.5])
def test_any_param_can_be_told(value: Any) -> None:
    """A param that is not JSON never breaks the refusal itself."""
    assert problems.document(GgzyError("some.code", what=value), "zh_CN")
