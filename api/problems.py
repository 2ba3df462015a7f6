"""Refusals as RFC 9457 problem documents, with a stable ``code`` and words of the reader's language."""

from typing import Any

import msgspec
import psycopg
import structlog
from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import (
    ClientException,
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE
from sqlalchemy.exc import DBAPIError

from api.locale import words
from api.web import refusals
from api.web.rendering import locale_of
from kernel.errors import GgzyError, Kind

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
STATUS = {
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.TOO_MANY: 429,
    Kind.INTEGRITY: 422,
    Kind.UNAVAILABLE: 503,
}
OWN_STATUS = {
    "request.malformed": 400,
    "request.invalid": 400,
    "request.unknown_path": 404,
    "request.method_not_allowed": 405,
    "server.failed": 500,
}
ERRORS_SHOWN = 20
CUT_OFF = "client disconnected prematurely"  # Litestar's only word for a body that ends early


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer an exception; the middleware finds the refusal in the request's state and records it."""
    refusal = as_refusal(error)
    request.scope["state"]["refusal"] = refusal
    if request.scope["type"] == ScopeType.HTTP and refusals.wanted(request.scope):
        told = refusals.answer(request.scope, refusal, status_of(refusal))
        headers = {name.decode(): value.decode() for name, value in told.headers}
        return Response(told.body, status_code=told.status, headers=headers, media_type="text/html")
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else refusals.headers_of(refusal)
    body = document(refusal, locale_of(request.scope))
    return Response(body, status_code=status_of(refusal), headers=headers, media_type=MEDIA_TYPE)


def status_of(refusal: GgzyError) -> int:
    """Return the HTTP status of a refusal."""
    return OWN_STATUS.get(refusal.code, STATUS[refusal.kind])


def document(refusal: GgzyError, locale: str) -> bytes:
    """Return the problem document: type, title, status, detail, code and the params as they were given."""
    params = {name: value if isinstance(value, list | int) else str(value) for name, value in refusal.params.items()}
    return msgspec.json.encode(
        {
            "type": f"urn:ggzy:problem:{refusal.code}",
            "title": words(f"problem.{refusal.kind}", locale=locale),
            "status": status_of(refusal),
            "detail": words(refusal.code, params, locale),
            "code": refusal.code,
            "params": params,
        }
    )


def as_refusal(error: Exception) -> GgzyError:  # noqa: PLR0911 - one return per kind of exception
    """Return any exception as a refusal; what nobody foresaw is logged and told without its inside."""
    match error:
        case GgzyError():
            return error
        case DBAPIError():
            return _of_database(error)
        case NotFoundException():
            return GgzyError("request.unknown_path", Kind.NOT_FOUND)
        case MethodNotAllowedException():
            return GgzyError("request.method_not_allowed")
        case ValidationException():
            return GgzyError("request.invalid", errors=_complaints(error))
        case HTTPException() if error.status_code == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
            return GgzyError("request.too_large", Kind.TOO_LARGE)
        case ClientException() | UnicodeDecodeError() | RecursionError():
            # Litestar lets the latter two through: a body that is not UTF-8, or nested beyond all measure.
            return GgzyError("request.malformed")
        case InternalServerException() if error.detail == CUT_OFF:
            log.info("client.left")
            return GgzyError("request.cut_off")
    log.error("server.failed", exc_info=error)
    return GgzyError("server.failed", Kind.UNAVAILABLE)


def _of_database(error: DBAPIError) -> GgzyError:
    state = getattr(error.orig, "sqlstate", None) or ""
    if isinstance(error.orig, psycopg.DataError):  # a NUL in a text, a number beyond the column: what was sent is unfit
        log.warning("database.unfit_value", state=state)
        return GgzyError("request.invalid", errors=["value out of range"])
    if error.connection_invalidated or state[:2] in ("08", "57", "53") or (not state and error.orig is not None):
        log.warning("database.unavailable", state=state)
        return GgzyError("database.unavailable", Kind.UNAVAILABLE)
    if state[:2] in ("23", "40"):  # integrity, serialization: a race that a constraint decided
        log.warning("database.conflict", state=state, constraint=_constraint(error))
        return GgzyError("database.conflict", Kind.CONFLICT)
    log.error("server.failed", exc_info=error)
    return GgzyError("server.failed", Kind.UNAVAILABLE)


def _constraint(error: DBAPIError) -> str | None:
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "constraint_name", None)


def _complaints(error: ValidationException) -> list[str]:
    """Return where the request is wrong and what was expected; never the values themselves."""
    extra = error.extra if isinstance(error.extra, list) else []
    lines = [
        f"{item.get('key', '')}: {item.get('message', '')}".strip(": ") for item in extra if isinstance(item, dict)
    ]
    return lines[:ERRORS_SHOWN]
