"""Requests made from the API's own description: mostly what a schema asks for, here and there what none foresees."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
from hypothesis import strategies as st
from litestar import Litestar

WORDS = ("", "\0", "a\0b", "\n", "道路工程", "\u202e", "x" * 5000, "'; DROP TABLE event; --", "../../etc/passwd", "９")
NUMBERS = (-1, 0, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 2**200)
MOMENTS = ("2026-12-20T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-12-20T00:00:00")
LONGEST = 6


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: method, path template, its parameters, and the schema of its JSON body if it takes one."""

    method: str
    path: str
    parameters: tuple[dict[str, Any], ...]
    body: dict[str, Any] | None


class Description:
    """An application's OpenAPI document, as strategies of requests. `known` are ids by parameter."""

    def __init__(self, app: Litestar, known: dict[str, str]) -> None:
        """Read the document."""
        document = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))
        self.schemas = document["components"]["schemas"]
        self._known = st.sampled_from(sorted(known.values()))
        self._places = {name: st.just(value) for name, value in known.items()}
        self.operations = [
            Operation(method.upper(), path, tuple(operation.get("parameters", ())), _body(operation))
            for path, methods in sorted(document["paths"].items())
            for method, operation in sorted(methods.items())
        ]

    def request(self, operation: Operation) -> st.SearchStrategy[dict[str, Any]]:
        """Return a strategy of what `httpx` needs for one request of this operation."""
        placed = {one["name"]: self._place(one["name"], one["schema"]) for one in operation.parameters}
        return st.builds(self._build, st.just(operation), st.fixed_dictionaries(placed), self._content(operation))

    def _place(self, name: str, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        free = self.value(schema)
        known = self._places.get(name, free)
        return st.integers(0, 7).flatmap(lambda chance: free if chance == 0 else known)

    def value(self, schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
        """Return a strategy of values that fit a schema, one in eight of which do not."""
        fitting = self._fitting(schema, depth)
        return st.integers(0, 7).flatmap(lambda chance: HOSTILE if chance == 0 else fitting)

    def _fitting(self, schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one per type
        if "$ref" in schema:
            return self._fitting(self.schemas[schema["$ref"].rpartition("/")[2]], depth + 1)
        if "enum" in schema or "const" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        if "oneOf" in schema or "anyOf" in schema:
            return st.one_of([self._fitting(one, depth) for one in schema.get("oneOf") or schema["anyOf"]])
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                items = schema.get("items") or {"type": "string"}
                most = min(schema.get("maxItems", LONGEST), LONGEST)
                return st.lists(
                    self.value(items, depth + 1), min_size=min(schema.get("minItems", 0), most), max_size=most
                )
            case "integer":
                return st.integers(int(schema.get("minimum", -10)), int(min(schema.get("maximum", 2**64), 2**64)))
            case "boolean":
                return st.booleans()
            case "null":
                return st.none()
        return self._text(schema)

    def _object(self, schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
        members = {name: self.value(one, depth + 1) for name, one in schema.get("properties", {}).items()}
        wanted = {name: one for name, one in members.items() if name in schema.get("required", ())}
        if members:
            free = {name: one for name, one in members.items() if name not in wanted}
            return st.fixed_dictionaries(wanted, optional=free)
        more = schema.get("additionalProperties")
        return st.dictionaries(
            st.sampled_from(("technical", "price", *WORDS)),
            self.value(more, depth + 1) if isinstance(more, dict) else HOSTILE,
            max_size=3,
        )

    def _text(self, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
        if schema.get("format") in ("uuid", "date-time"):
            return self._known if schema["format"] == "uuid" else st.sampled_from(MOMENTS)
        if schema.get("format") == "date":
            return st.dates().map(str)
        if "pattern" in schema:
            return self._known | st.from_regex(schema["pattern"].replace(r"(?!\n)", ""), fullmatch=True)
        long = min(schema.get("maxLength", 40), 200)
        return (
            self._known
            | st.sampled_from(WORDS)
            | st.text(min_size=min(schema.get("minLength", 0), long), max_size=long)
        )

    def _content(self, operation: Operation) -> st.SearchStrategy[Any]:
        if operation.method == "GET":
            return st.none()
        if operation.body is None:
            return st.none() | st.binary(max_size=64)
        fitting = self.value(operation.body).map(msgspec.json.encode)
        return st.integers(0, 9).flatmap(lambda chance: RAW if chance == 0 else fitting)

    def _build(self, operation: Operation, placed: dict[str, Any], content: bytes | None) -> dict[str, Any]:
        path, query, headers = operation.path, {}, {"content-type": "application/json"}
        for one in operation.parameters:
            value = placed[one["name"]]
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", quote(_plain(value), safe="") or "-")
            elif one["in"] == "query" and value is not None:
                query[one["name"]] = _plain(value)
            elif one["in"] == "header":
                headers[one["name"]] = quote(_plain(value), safe="")
        return {"method": operation.method, "url": path, "params": query, "content": content, "headers": headers}


def _body(operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {})
    return next((one["schema"] for one in content.values()), None)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


HOSTILE: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(WORDS),
    st.sampled_from(NUMBERS),
    st.just([]),
    st.just({}),
    st.just([[{}]]),
)
RAW = st.sampled_from(
    (
        b"",
        b"null",
        b"{",
        b"\xff\xfe",
        b'{"a":"\\ud800"}',
        b'{"login":"\\ud800","password":"\\udfff"}',
        b"[" * 10_000,
        b'{"a":' * 5_000,
        b'{"a":1e999}',
        b'{"a":1,"a":2}',
        b"\x1f\x8b\x08\x00",
    )
)
