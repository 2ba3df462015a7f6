"""The API's description is Chinese first, valid OpenAPI 3.1, and tells how refusals look."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api import description

HAN = re.compile(r"[\u4e00-\u9fff]")

Json = dict[str, Any]


@pytest.fixture
async def chinese(client: httpx.AsyncClient) -> Json:
    """The description as it is served to whoever asks for nothing."""
    answer = await client.get("/openapi.json", headers={"Accept-Language": ""})
    assert answer.headers["content-language"] == "zh-CN"
    return dict(answer.json())


@pytest.fixture
async def english(client: httpx.AsyncClient) -> Json:
    """The description for a reader who prefers English."""
    answer = await client.get("/openapi.json", headers={"Accept-Language": "en-GB,en;q=0.9,zh;q=0.5"})
    assert answer.headers["content-language"] == "en"
    return dict(answer.json())


async def test_it_is_valid(chinese: Json, english: Json) -> None:
    """In both languages it is OpenAPI 3.1 by the standard's own schema, every reference leading somewhere."""
    for one in (chinese, english):
        assert one["openapi"].startswith("3.1")
        assert list(OpenAPIV31SpecValidator(one).iter_errors()) == []


async def test_every_operation_has_chinese_words(chinese: Json) -> None:
    """Nobody meets an operation or a group of them that is named in English only."""
    told = list(_operations(chinese))
    assert len(told) > 100
    assert [place for place, one in told if not HAN.search(one["summary"])] == []
    assert [place for place, one in told if not all(map(HAN.search, one["tags"]))] == []
    groups = {tag["name"]: tag["description"] for tag in chinese["tags"]}
    assert {tag for _, one in told for tag in one["tags"]} == set(groups)
    assert all(map(HAN.search, groups.values()))
    assert HAN.search(chinese["info"]["description"])


async def test_every_parameter_is_explained(chinese: Json) -> None:
    """Each parameter says in Chinese what it is."""
    named = [(place, one) for place, operation in _operations(chinese) for one in operation.get("parameters", [])]
    assert [(place, one["name"]) for place, one in named if not HAN.search(one.get("description", ""))] == []


async def test_english_for_who_asks(chinese: Json, english: Json) -> None:
    """The same operations with the routes' own words."""
    assert english["info"]["description"] == description.ABOUT
    assert [place for place, one in _operations(english) if HAN.search(one["summary"])] == []
    assert [place for place, _ in _operations(english)] == [place for place, _ in _operations(chinese)]


async def test_every_refusal_is_a_problem_document(client: httpx.AsyncClient, chinese: Json) -> None:
    """Each operation tells of 4XX and 5XX by one schema, and a real refusal has exactly its members."""
    for place, one in _operations(chinese):
        assert {status for status in one["responses"] if status >= "4"} == {"4XX", "5XX"}, place
    refused = chinese["components"]["responses"]["Refused"]["content"]["application/problem+json"]
    assert refused["schema"] == {"$ref": "#/components/schemas/Problem"}
    answer = await client.get("/api/v1/me")
    assert answer.status_code == 401
    assert list(answer.json()) == chinese["components"]["schemas"]["Problem"]["required"]


async def test_what_needs_nothing_answers_as_described(client: httpx.AsyncClient, chinese: Json) -> None:
    """Each read without parameters in its path gives an anonymous reader a status and a type that are described."""
    reads = [path for path, path_item in chinese["paths"].items() if "get" in path_item and "{" not in path]
    assert len(reads) > 10
    for path in reads:
        answer = await client.get(path)
        told = chinese["paths"][path]["get"]["responses"]
        assert str(answer.status_code) in told or f"{answer.status_code // 100}XX" in told, path
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", path
        else:
            assert answer.headers["content-type"].split(";")[0] in told["200"]["content"], path


def _operations(schema: Json) -> Iterator[tuple[str, Json]]:
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            yield f"{method} {path}", operation
