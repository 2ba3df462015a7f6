"""One middleware, one transaction per request: begin, handle, render, commit, then send.

A write's answer is held back until its transaction is committed: nobody is told of what was not stored. Answers of 400
and above roll back. Reads never commit and are passed through as they come.

The session takes a connection when it is first used, so a handler that needs none holds none. What routes declare:

- ``opt=STREAMED`` for a large raw body, or work too long for one transaction: no session is given, the handler opens
  short transactions of its own and is idempotent by content;
- ``opt=SECRET`` for an answer that holds a secret: it is not stored under an Idempotency-Key;
- ``opt=PUBLIC`` for what is the same for everybody: what is not there is no refusal of a person;
- ``opt=PAGE`` (`api.web`) for what a person reads: refusals are pages, a form's token must have been looked at;
- ``opt=SIGN_IN`` for a secret and for whoever asks: a stale cookie must not keep anybody from signing in.
"""

from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from sqlalchemy.ext.asyncio import AsyncSession

from api import idempotency, limits, problems, refusals
from api.accounts import authentication
from api.answer import Answer, again, capture, read
from api.web import refusals as page_refusals
from api.web.forms import CHECKED
from api.web.rendering import locale_of
from api.wiring import Installation
from kernel.actor import ANONYMOUS, Actor
from kernel.errors import GgzyError

STREAMED = {"streamed": True}
SECRET = {"secret": True}
PUBLIC = {"public": True}
SIGN_IN = {"secret": True, "anyone": True}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY = 1024 * 1024
MAX_HEADERS = 32 * 1024


class Transaction:
    """ASGI middleware around every route."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the next application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        state = scope["state"]
        state |= {"actor": ANONYMOUS, "presented": None, "refusal": None}
        installation: Installation = scope["litestar_app"].state.installation
        try:
            _check_headers(scope)
            if not scope["route_handler"].opt.get("anyone"):
                state["actor"] = await authentication.identify(installation.sessions, scope)
            if scope["method"] not in SAFE:
                await limits.admit(installation, scope, state["actor"])
            answer = await self._serve(installation, scope, receive, send)
        except Exception as error:
            if state.get("started"):  # half an answer is out: the server must cut the connection
                raise
            answer = _refused(scope, problems.as_refusal(error))
        if state["refusal"] is not None:
            await refusals.record(installation, scope)
        if answer is not None:
            await answer.send(send)

    async def _serve(self, installation: Installation, scope: HTTPScope, receive: Receive, send: Send) -> Answer | None:
        async with installation.sessions() as session:
            scope["state"]["session"] = session
            if scope["method"] in SAFE:
                await self._app(scope, receive, _noting(scope, send))
                return None
            answer = await self._write(session, scope, receive)
            if answer.status < 400 and scope["state"]["refusal"] is None:  # noqa: PLR2004 - success and redirection
                _check_form(scope)
                await session.commit()
            return answer

    async def _write(self, session: AsyncSession, scope: HTTPScope, receive: Receive) -> Answer:
        options: dict[str, Any] = scope["route_handler"].opt
        key = _header(scope, idempotency.HEADER)
        if key is None or options.get("streamed") or options.get("secret"):
            return await capture(self._app, scope, receive)
        body = await read(receive, MAX_BODY)
        actor: Actor = scope["state"]["actor"]
        claimed = idempotency.claim(actor.user_id, scope["method"], scope["path"], key, body)
        stored = await idempotency.settle(session, claimed)
        if stored is not None:
            return stored
        answer = await capture(self._app, scope, again(body, receive))
        if answer.status < 400:  # noqa: PLR2004 - success and redirection
            await idempotency.keep(session, claimed, answer)
        return answer


def _noting(scope: HTTPScope, send: Send) -> Send:
    async def note(message: Message) -> None:
        scope["state"]["started"] = True
        await send(message)

    return note


def _refused(scope: HTTPScope, refusal: GgzyError) -> Answer:
    scope["state"]["refusal"] = refusal
    if page_refusals.wanted(scope):
        return page_refusals.answer(scope, refusal, problems.status_of(refusal))
    body = problems.document(refusal, locale_of(scope))
    more = [(name.lower().encode(), value.encode()) for name, value in page_refusals.headers_of(refusal).items()]
    return Answer(problems.status_of(refusal), [(b"content-type", problems.MEDIA_TYPE.encode()), *more], body)


def _check_form(scope: HTTPScope) -> None:
    """Stop a page that stores something of a form whose token it has not looked at."""
    if scope["route_handler"].opt.get("page") and not scope["state"].get(CHECKED):
        raise RuntimeError("a page must read its form by Form.read")


def _check_headers(scope: HTTPScope) -> None:
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS:
        raise GgzyError("request.headers_too_large")


def _header(scope: HTTPScope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name.lower() == wanted), None)
