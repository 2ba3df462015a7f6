"""Enrolling and ending one's own second factors; recovery codes are shown once."""

from typing import Any
from uuid import UUID

import segno
from litestar import Controller, Request, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import credentials, entrance, factors, passkeys, policy
from api.accounts.authentication import UNPROVEN, Presented
from api.accounts.factors import Enrolled
from api.pages.accounts import FACTOR, credential_in, own_path, passkeys_here
from api.pages.accounts_own import ACCOUNT
from api.web import PAGE, Form, page, see
from api.wiring import Installation
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit


class FactorPages(Controller):
    """Enrolling and ending second factors."""

    path = f"{ACCOUNT}/factors"
    include_in_schema = False
    opt = PAGE | UNPROVEN

    @get("/new")
    async def choose(
        self, request: Request[Any, Any, Any], actor: Actor, presented: Presented | None, installation: Installation
    ) -> Response[Any]:
        """Offer the kinds of factors; who has one already shows it first."""
        permit(policy.must_be_person(actor))
        if policy.may_enrol(enrolled=_enrolled(presented), proven=_proven(presented)) is not None:
            return see(FACTOR, next=request.url.path)
        return self._choice(request, presented, installation)

    @post("/totp")
    async def begin_totp(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        presented: Presented | None,
        installation: Installation,
    ) -> Response[Any]:
        """Make a generator's secret and lead to the page that shows it."""
        form = await Form.read(request)
        begun = await factors.begin_totp(
            session,
            actor,
            form["label"],
            proven=_proven(presented),
            issuer=installation.settings.name,
            shown=False,
            vault=installation.vault,
            entropy=installation.entropy,
        )
        return see(f"{ACCOUNT}/factors/{begun.id}", next=own_path(form["next"]))

    @get("/{factor_id:uuid}")
    async def show_totp(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        *,
        presented: Presented | None,
        installation: Installation,
        factor_id: UUID,
    ) -> Response[bytes]:
        """Show the secret as QR code and as text, and ask for the first code."""
        permit(policy.must_be_person(actor))
        permit(policy.may_enrol(enrolled=_enrolled(presented), proven=_proven(presented)))
        return await self._generator(request, session, actor, installation, factor_id)

    @post("/{factor_id:uuid}")
    async def confirm_totp(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        *,
        presented: Presented | None,
        installation: Installation,
        factor_id: UUID,
    ) -> Response[Any]:
        """Take the first code; the first factor's recovery codes are shown this once."""
        form = await Form.read(request)
        proven, vault, entropy = _proven(presented), installation.vault, installation.entropy
        try:
            made = await factors.confirm_totp(
                session, actor, factor_id, form["code"], proven=proven, vault=vault, entropy=entropy
            )
        except GgzyError as error:
            if error.code != "factor.wrong":
                raise
            form.refuse(error, "code")
            return await self._generator(request, session, actor, installation, factor_id, form=form)
        return await _counted(
            request,
            session,
            actor,
            presented=presented,
            installation=installation,
            made=made,
            wished=own_path(form["next"]),
        )

    @post("/passkey")
    async def confirm_passkey(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        presented: Presented | None,
        installation: Installation,
    ) -> Response[Any]:
        """Enrol the passkey that the page's script made."""
        form = await Form.read(request)
        party, proven, entropy = installation.settings.relying_party, _proven(presented), installation.entropy
        try:
            made = await passkeys.confirm(
                session, actor, credential_in(form), form["label"], party, proven=proven, entropy=entropy
            )
        except GgzyError as error:
            form.refuse(error)
            return self._choice(request, presented, installation, form=form)
        return await _counted(
            request,
            session,
            actor,
            presented=presented,
            installation=installation,
            made=made,
            wished=own_path(form["next"]),
        )

    @post("/{factor_id:uuid}/end")
    async def end(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        *,
        presented: Presented | None,
        entropy: Entropy,
        factor_id: UUID,
    ) -> Response[Any]:
        """End a factor."""
        await Form.read(request)
        await factors.end(session, actor, factor_id, proven=_proven(presented), entropy=entropy)
        return see(ACCOUNT, done="factor_ended")

    @post("/codes")
    async def new_codes(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        presented: Presented | None,
        entropy: Entropy,
    ) -> Response[bytes]:
        """Give new recovery codes, shown this once."""
        await Form.read(request)
        codes = await factors.new_codes(session, actor, proven=_proven(presented), entropy=entropy)
        return page(request, "accounts/codes.html", codes=codes, wished=ACCOUNT)

    def _choice(
        self,
        request: Request[Any, Any, Any],
        presented: Presented | None,
        installation: Installation,
        form: Form | None = None,
    ) -> Response[bytes]:
        wished = own_path(form["next"] if form else request.query_params.get("next", ACCOUNT))
        here = passkeys_here(request, installation)
        first = not _enrolled(presented)
        return page(request, "accounts/enrol.html", form=form, wished=wished, passkeys=here, first=first)

    async def _generator(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        installation: Installation,
        factor_id: UUID,
        *,
        form: Form | None = None,
    ) -> Response[bytes]:
        settings = installation.settings
        begun = await factors.begun(session, actor, factor_id, issuer=settings.name, vault=installation.vault)
        picture = segno.make(begun.uri, error="l").svg_data_uri(scale=5, border=3)
        wished = own_path(form["next"] if form else request.query_params.get("next", ACCOUNT))
        return page(request, "accounts/generator.html", form=form, begun=begun, picture=picture, wished=wished)


def _proven(presented: Presented | None) -> bool:
    return presented is not None and presented.proven


def _enrolled(presented: Presented | None) -> bool:
    return presented is not None and presented.enrolled


async def _counted(
    request: Request[Any, Any, Any],
    session: AsyncSession,
    actor: Actor,
    *,
    presented: Presented | None,
    installation: Installation,
    made: Enrolled,
    wished: str,
) -> Response[Any]:
    """Give the session its fresh secret, and show the recovery codes if the factor brought some."""
    assert presented is not None  # noqa: S101 - whoever enrols came with a credential
    fresh = await entrance.rise(session, actor, presented, made.factor.kind, entropy=installation.entropy)
    if not made.recovery_codes:
        answer: Response[Any] = see(ACCOUNT, done="factor_enrolled")
    else:
        token = credentials.csrf(fresh.secret) if fresh is not None else ""
        answer = page(request, "accounts/codes.html", codes=made.recovery_codes, wished=wished, csrf=token)
    if fresh is not None:
        answer.set_cookie(entrance.cookie(installation, fresh.secret))
    return answer
