"""Refusals to people in a browser: a page with the words, or the way to sign in."""

from urllib.parse import quote, urlsplit

from litestar.types import HTTPScope, Scope

from api.accounts import policy
from api.answer import Answer
from api.web import rendering
from kernel.actor import ANONYMOUS
from kernel.errors import GgzyError, Kind

MACHINES = ("/api/", "/log/", "/tsa", "/assets/")
SIGN_IN = "/sign-in"
CONFIRM = "/account/confirm"


def wanted(scope: Scope) -> bool:
    """Tell whether a refusal goes to a person: on a page, or at an unknown address asked for by a browser."""
    handler = scope.get("route_handler")
    if handler is not None:
        return bool(handler.opt.get("page"))
    accepted = _header(scope, b"accept")
    return "text/html" in accepted and not str(scope["path"]).startswith(MACHINES)


def answer(scope: HTTPScope, refusal: GgzyError, status: int) -> Answer:
    """Return the page of a refusal; who has to sign in first, or to show again who they are, is led there and back."""
    first = _first(scope, refusal)
    if first:
        place = f"{first}?next={quote(_wished(scope), safe='')}"
        return Answer(303, [(b"location", place.encode()), (b"cache-control", b"no-store")], b"")
    body, headers = rendering.refused(scope, refusal, status)
    told = headers | headers_of(refusal)
    raw = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    return Answer(status, [(b"content-type", b"text/html; charset=utf-8"), *raw], body)


def headers_of(refusal: GgzyError) -> dict[str, str]:
    """Return what a refusal says in headers, to people and machines: when to come again (RFC 9110, 10.2.3)."""
    seconds = refusal.params.get("seconds") or 60 * int(str(refusal.params.get("minutes", 0)))
    return {"Retry-After": str(seconds)} if refusal.kind in (Kind.TOO_MANY, Kind.UNAVAILABLE) and seconds else {}


def _first(scope: HTTPScope, refusal: GgzyError) -> str:
    """Return the page to which a refusal leads, "" for none."""
    if refusal.kind is Kind.UNAUTHENTICATED and scope["state"].get("actor", ANONYMOUS) == ANONYMOUS:
        return SIGN_IN
    return CONFIRM if refusal.code == policy.CONFIRM else ""


def _wished(scope: HTTPScope) -> str:
    """Return the own address that the person wanted: the page itself, or the page that a form stood on."""
    if scope["method"] in ("GET", "HEAD"):
        query = scope["query_string"].decode("latin-1")
        return str(scope["path"]) + (f"?{query}" if query else "")
    came = urlsplit(_header(scope, b"referer"))
    return came.path if came.path.startswith("/") and not came.path.startswith("//") else "/desk"


def _header(scope: Scope, wished: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wished), "")
