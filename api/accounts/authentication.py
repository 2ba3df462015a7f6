"""Who sends this request: a bearer token, a browser's session cookie (with CSRF token on writes), or nobody."""

import hmac
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit
from uuid import UUID

from litestar.types import HTTPScope

from api.accounts import credentials, services
from api.accounts.policy import Assurance
from api.settings import Settings
from kernel.actor import ANONYMOUS, Actor
from kernel.database import Sessions
from kernel.errors import GgzyError, Kind

COOKIE = "ggzy_session"
"""The bare name of the session's cookie; `cookie_name` says what it is called where."""
CSRF_HEADER = b"x-csrf-token"
FORMS = (b"application/x-www-form-urlencoded", b"multipart/form-data")
UNPROVEN = {"unproven": True}
"""``opt`` of a route that serves people whose second factor is awaited: to show it, to enrol one, to go away."""
READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Presented:
    """The valid credential of a request: what was shown for it, and whether a second factor is awaited (`pending`)."""

    credential_id: UUID
    assurance: Assurance
    pending: bool
    enrolled: bool


async def identify(sessions: Sessions, scope: HTTPScope) -> Actor:
    """Return the actor of a request, in a short transaction of its own; ``credential.invalid`` when it is not valid.

    Whose second factor is awaited reads as nobody and writes nothing (``factor.required``), but on routes that are
    declared ``opt=UNPROVEN``; there they come without any role. The state's ``presented`` says how they stand.
    """
    headers = {name.lower(): value for name, value in scope["headers"]}
    token, cookie = _bearer(headers), session_secret(scope)
    if token is None and cookie is None:
        return ANONYMOUS
    if token is None and cookie is not None and scope["method"] not in READS:
        _check_csrf(headers, cookie)
    async with sessions() as session:
        secret, kind = (token, "token") if token is not None else (cookie or "", "session")
        owner = await credentials.owner(session, secret, kind)
        if owner is None:
            if token is None and scope["method"] in READS:
                return ANONYMOUS  # an old cookie reads what everybody may read
            raise GgzyError("credential.invalid", Kind.UNAUTHENTICATED)
        standing = await services.standing(session, owner.user_id, proven=owner.assurance.factor)
    if standing.pending and not scope["route_handler"].opt.get("unproven"):
        if token is None and scope["method"] in READS:
            return ANONYMOUS
        raise GgzyError("factor.required", Kind.UNAUTHENTICATED)
    shown = Presented(owner.credential_id, owner.assurance, standing.pending, standing.enrolled)
    scope["state"]["presented"] = shown
    return standing.actor


def from_here(headers: dict[bytes, bytes]) -> bool:
    """Tell whether a form was sent by a page of this very host: Fetch Metadata, or RFC 6454 where that is missing."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    return urlsplit(headers.get(b"origin", b"")).netloc == headers.get(b"host", b"\0")


def cookie_name(settings: Settings) -> str:
    """Return the name of the session's cookie; over HTTPS no other host and no plain page can set it (RFC 6265bis)."""
    return f"__Host-{COOKIE}" if settings.cookies_over_https_only else COOKIE


def session_secret(scope: HTTPScope) -> str | None:
    """Return the secret in the request's session cookie."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    try:
        jar = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return None
    name = cookie_name(scope["litestar_app"].state.installation.settings)
    return jar[name].value if name in jar else None


def _bearer(headers: dict[bytes, bytes]) -> str | None:
    value = headers.get(b"authorization")
    if value is None:
        return None
    scheme, _, token = value.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise GgzyError("credential.invalid", Kind.UNAUTHENTICATED)
    return token.strip()


def _check_csrf(headers: dict[bytes, bytes], cookie: str) -> None:
    """Ask for the session's token in the header; a form of ours shows it in a field (`api.web.forms`)."""
    shown = headers.get(CSRF_HEADER, b"")
    if not shown and headers.get(b"content-type", b"").split(b";")[0] in FORMS and from_here(headers):
        return
    if not hmac.compare_digest(shown, credentials.csrf(cookie).encode()):
        raise GgzyError("csrf.missing", Kind.FORBIDDEN)
