"""Refusals to people in a browser: a page with the words, or the way to sign in."""

from urllib.parse import quote, urlsplit

from litestar.types import HTTPScope, Scope

from api.answer import Answer
from api.web import rendering
from kernel.actor import ANONYMOUS
from kernel.errors import GgzyError, Kind

MACHINES = ("/api/", "/log/", "/tsa", "/assets/")
SIGN_IN = "/sign-in"


def wanted(scope: Scope) -> bool:
    """Tell whether a refusal goes to a person: on a page, or at an unknown address asked for by a browser."""
    handler = scope.get("route_handler")
    if handler is not None:
        return bool(handler.opt.get("page"))
    accepted = _header(scope, b"accept")
    return "text/html" in accepted and not str(scope["path"]).startswith(MACHINES)


def answer(scope: HTTPScope, refusal: GgzyError, status: int) -> Answer:
    """Return the page of a refusal; who has to sign in first is led there and back."""
    if refusal.kind is Kind.UNAUTHENTICATED and scope["state"].get("actor", ANONYMOUS) == ANONYMOUS:
        place = f"{SIGN_IN}?next={quote(_wished(scope), safe='')}"
        return Answer(303, [(b"location", place.encode()), (b"cache-control", b"no-store")], b"")
    body, headers = rendering.refused(scope, refusal, status)
    told = headers | headers_of(refusal)
    raw = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    return Answer(status, [(b"content-type", b"text/html; charset=utf-8"), *raw], body)


def headers_of(refusal: GgzyError) -> dict[str, str]:
    """Return what a refusal says in headers, to people and machines: when to come again (RFC 9110, 10.2.3)."""
    seconds = refusal.params.get("seconds") or 60 * int(str(refusal.params.get("minutes", 0)))
    return {"Retry-After": str(seconds)} if refusal.kind is Kind.TOO_MANY and seconds else {}


def _wished(scope: HTTPScope) -> str:
    """Return the own address that the person wanted: the page itself, or the page that a form stood on."""
    if scope["method"] in ("GET", "HEAD"):
        query = scope["query_string"].decode("latin-1")
        return str(scope["path"]) + (f"?{query}" if query else "")
    came = urlsplit(_header(scope, b"referer"))
    return came.path if came.path.startswith("/") and not came.path.startswith("//") else "/desk"


def _header(scope: Scope, wished: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wished), "")
