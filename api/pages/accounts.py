"""Signing in and out: password, then the second factor where there is one, or its enrolment where there must be one."""

from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import authentication, credentials, entrance, factors, passkeys, policy, proof
from api.accounts.authentication import UNPROVEN, Presented
from api.transaction import SIGN_IN
from api.web import PAGE, Form, page, see
from api.wiring import Installation
from kernel.actor import ANONYMOUS, Actor
from kernel.errors import GgzyError, Kind, permit

DESK = "/desk"
FACTOR = "/sign-in/factor"
ENROL = "/account/factors/new"
ANSWER = msgspec.json.Decoder(dict[str, Any])


def own_path(wished: str) -> str:
    """Return the path where a person wanted to go, if it is one of ours, else the desk."""
    parts = urlsplit(wished)
    plain = wished.isprintable() and "\\" not in wished and wished.startswith("/") and not wished.startswith("//")
    return wished if plain and not parts.scheme and not parts.netloc else DESK


def passkeys_here(request: Request[Any, Any, Any], installation: Installation) -> bool:
    """Tell whether this is the address that passkeys are bound to; elsewhere the browser would refuse."""
    return request.url.hostname == installation.settings.relying_party.host


def credential_in(form: Form) -> dict[str, Any]:
    """Return the passkey's answer that a script put into the form; ``factor.wrong`` for what is none."""
    try:
        return ANSWER.decode(form["credential"])
    except (msgspec.DecodeError, RecursionError) as error:
        raise GgzyError("factor.wrong") from error


class SignInPage(Controller):
    """The way in and out."""

    include_in_schema = False

    @get("/sign-in", opt=PAGE | UNPROVEN)
    async def show(
        self, request: Request[Any, Any, Any], actor: Actor, presented: Presented | None
    ) -> Response[bytes] | Redirect:
        """Ask for login and password; who is half in goes on from there."""
        wished = own_path(request.query_params.get("next", DESK))
        if presented is not None and actor != ANONYMOUS:
            return _onward(presented.pending, presented.enrolled, wished)
        return page(request, "accounts/sign_in.html", wished=wished)

    @post("/sign-in", opt=PAGE | SIGN_IN)
    async def sign_in(
        self, request: Request[Any, Any, Any], session: AsyncSession, installation: Installation, whence: str
    ) -> Response[Any]:
        """Check the password, open a session with a fresh secret and go on."""
        form = await Form.read(request)
        wished = own_path(form["next"])
        try:
            entered = await entrance.enter(installation, form["login"], form["password"], "", whence)
        except GgzyError as error:
            _refuse_floods(error)
            form.refuse(error)
            return page(request, "accounts/sign_in.html", form=form, wished=wished)
        former = authentication.session_secret(request.scope)
        if former is not None:
            await credentials.forget(session, former)
        label = browser(request)
        made = await credentials.issue(session, entered.actor, "session", label, entropy=installation.entropy)
        answer = _onward(entered.pending, entered.enrolled, wished)
        answer.set_cookie(entrance.cookie(installation, made.secret))
        return answer

    @get(FACTOR, opt=PAGE | UNPROVEN)
    async def ask(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        presented: Presented | None,
        installation: Installation,
    ) -> Response[bytes] | Redirect:
        """Ask for the second factor."""
        permit(policy.must_be_person(actor))
        wished = own_path(request.query_params.get("next", DESK))
        if presented is None or not (presented.pending and presented.enrolled):
            return see(wished)
        return await _step(request, session, actor, installation, wished=wished)

    @post(FACTOR, opt=PAGE | UNPROVEN)
    async def prove(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        presented: Presented | None,
        installation: Installation,
    ) -> Response[Any]:
        """Take a code, a recovery code or a passkey's answer; the session gets a fresh secret and its roles."""
        permit(policy.must_be_person(actor))
        form = await Form.read(request)
        wished = own_path(form["next"])
        assert presented is not None  # noqa: S101 - whoever is a person came with a credential
        try:
            shown = await _shown(installation, actor, form)
        except GgzyError as error:
            _refuse_floods(error)
            form.refuse(error, "" if form["credential"] else "code")
            return await _step(request, session, actor, installation, wished=wished, form=form)
        made = await entrance.rise(session, actor, presented, shown, entropy=installation.entropy)
        answer = see(wished)
        if made is not None:
            answer.set_cookie(entrance.cookie(installation, made.secret))
        return answer

    @post("/sign-out", opt=PAGE | UNPROVEN)
    async def sign_out(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        presented: Presented | None,
        installation: Installation,
    ) -> Response[Any]:
        """End the session."""
        await Form.read(request)
        if presented is not None:
            await credentials.revoke(session, actor, presented.credential_id, entropy=installation.entropy)
        answer = see("/sign-in", done="signed_out")
        answer.set_cookie(entrance.no_cookie(installation))
        return answer


def browser(request: Request[Any, Any, Any]) -> str:
    """Return what the browser says of itself, cut to what tells sessions apart."""
    told = request.headers.get("user-agent", "")
    systems = ("Windows", "Android", "iPhone", "iPad", "Mac OS X", "Linux")
    names = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
    return " · ".join(next((one for one in group if one in told), "?") for group in (names, systems))


def _refuse_floods(error: GgzyError) -> None:
    """Raise what is no fault of the form: too many tries answer 429 as a page of its own."""
    if error.kind is Kind.TOO_MANY:
        raise error


def _onward(pending: bool, enrolled: bool, wished: str) -> Redirect:  # noqa: FBT001 - two states of one person
    if not pending:
        return see(wished)
    return see(FACTOR if enrolled else ENROL, next=wished)


async def _shown(installation: Installation, actor: Actor, form: Form) -> str:
    if form["credential"]:
        party = installation.settings.relying_party
        return await passkeys.prove(installation.sessions, actor.user_id, credential_in(form), party)
    return await proof.by_code(installation.sessions, installation.vault, actor.user_id, form["code"])


async def _step(
    request: Request[Any, Any, Any],
    session: AsyncSession,
    actor: Actor,
    installation: Installation,
    *,
    wished: str,
    form: Form | None = None,
) -> Response[bytes]:
    kinds = {one.kind for one in await factors.held(session, actor.user_id)}
    return page(
        request,
        "accounts/factor.html",
        form=form,
        wished=wished,
        kinds=kinds,
        passkeys="passkey" in kinds and passkeys_here(request, installation),
        shown=await factors.shown_code(session, actor.user_id, vault=installation.vault),
    )
