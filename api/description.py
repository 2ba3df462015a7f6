"""The OpenAPI 3.1 description as it is served: in the reader's language, with refusals as RFC 9457 problem documents.

What the routes say is English; its Chinese words stand in the catalogue under ``docs.`` and the English text, names of
parameters under ``docs.param.``, tags under ``docs.tag.``. A text without words stays as it is.
"""

from collections.abc import Mapping
from typing import Any

from api.locale import catalogue
from api.problems import MEDIA_TYPE

SOURCE = "en"
"""The language of the routes' own texts."""
ABOUT = "Writes take an Idempotency-Key. Refusals are RFC 9457 problem documents with a stable code."
TAGS = (
    "installation",
    "accounts",
    "trading",
    "opening keys",
    "bids",
    "opening",
    "experts",
    "trail",
    "log",
    "time",
    "archive",
)
METHODS = ("get", "post", "put", "delete")
PROBLEM = {
    "type": ("string", "What kind of problem: urn:ggzy:problem: and the code"),
    "title": ("string", "What sort of problem, in a few words"),
    "status": ("integer", "The HTTP status"),
    "detail": ("string", "What is wrong and what to do"),
    "code": ("string", "The stable code, for programs"),
    "params": ("object", "The parameters of the detail"),
}

REFUSALS = {
    "4XX": ("Refused", "The request is refused"),
    "5XX": ("Failed", "The platform cannot serve this now"),
}

Json = dict[str, Any]
Words = Mapping[str, str]


def describe(schema: Json, locale: str) -> Json:
    """Return Litestar's description (which is not changed) in `locale`; `SOURCE` keeps the routes' own texts."""
    words = catalogue(locale) if locale != SOURCE else {}
    used = {tag for path in schema["paths"].values() for operation in path.values() for tag in operation["tags"]}
    return {
        **schema,
        "info": _described(schema["info"], words),
        "tags": [_tag(tag, words) for tag in sorted(used, key=_place)],
        "paths": {path: _path(operations, words) for path, operations in sorted(schema["paths"].items())},
        "components": _components(schema["components"], words),
    }


def _components(components: Json, words: Words) -> Json:
    schemas = {name: _described(one, words) for name, one in components["schemas"].items()}
    schemes = {name: _described(one, words) for name, one in components["securitySchemes"].items()}
    responses = {name: _refusal(_say(text, words)) for name, text in REFUSALS.values()}
    return {
        **components,
        "schemas": {**schemas, "Problem": _problem(words)},
        "responses": responses,
        "securitySchemes": schemes,
    }


def _path(operations: Json, words: Words) -> Json:
    return {method: _operation(operations[method], words) for method in METHODS if method in operations}


def _operation(operation: Json, words: Words) -> Json:
    """Return an operation in words; whatever it refuses is a problem document, not Litestar's own answer."""
    good = {status: _described(one, words) for status, one in operation["responses"].items() if status < "400"}
    refusals = {status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in REFUSALS.items()}
    told = {
        **operation,
        "tags": [words.get(f"docs.tag.{tag}", tag) for tag in operation["tags"]],
        "summary": _say(operation["summary"], words),
        "responses": good | refusals,
    }
    if "parameters" in operation:
        told["parameters"] = [_parameter(one, words) for one in operation["parameters"]]
    return _described(told, words)


def _parameter(parameter: Json, words: Words) -> Json:
    told = parameter.get("description") or words.get(f"docs.param.{parameter['name']}")
    return {**parameter, "description": told} if told else parameter


def _tag(tag: str, words: Words) -> Json:
    told = words.get(f"docs.tag.{tag}.description")
    return {"name": words.get(f"docs.tag.{tag}", tag)} | ({"description": told} if told else {})


def _place(tag: str) -> tuple[int, str]:
    return (TAGS.index(tag) if tag in TAGS else len(TAGS), tag)


def _problem(words: Words) -> Json:
    properties = {name: {"type": kind, "description": _say(text, words)} for name, (kind, text) in PROBLEM.items()}
    return {
        "type": "object",
        "description": _say("A problem document (RFC 9457): why the request was refused and what to do", words),
        "required": [*PROBLEM],
        "properties": properties,
    }


def _refusal(text: str) -> Json:
    return {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _described(thing: Json, words: Words) -> Json:
    return {**thing, "description": _say(thing["description"], words)} if thing.get("description") else thing


def _say(text: str, words: Words) -> str:
    return words.get(f"docs.{text}", text)
