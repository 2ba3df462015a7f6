"""Enrolling and ending one's own second factors; recovery codes are shown once."""

from typing import Any
from uuid import UUID

import segno
from litestar import Controller, Response, get, post

from api.accounts import credentials, factors, passkeys, policy
from api.accounts.authentication import UNPROVEN
from api.accounts.factors import Enrolled
from api.pages.accounts import FACTOR
from api.pages.accounts_visit import ACCOUNT, VISIT, Visit, answer_in, own_path
from api.web import PAGE, Form, see
from kernel.errors import GgzyError, Kind, permit


class FactorPages(Controller):
    """Enrolling and ending second factors."""

    path = f"{ACCOUNT}/factors"
    include_in_schema = False
    opt = PAGE | UNPROVEN
    dependencies = VISIT

    @get("/new")
    async def choose(self, visit: Visit) -> Response[Any]:
        """Offer the kinds of factors; who has one already shows it first."""
        if visit.presented.pending and visit.presented.enrolled:
            return see(FACTOR, next=visit.request.url.path)
        permit(policy.must_confirm(visit.assurance))
        return _choice(visit)

    @post("/totp")
    async def begin_totp(self, visit: Visit) -> Response[Any]:
        """Make a generator's secret and lead to the page that shows it."""
        form = await Form.read(visit.request)
        begun = await factors.begin_totp(
            visit.session,
            visit.actor,
            form["label"],
            assurance=visit.assurance,
            issuer=visit.installation.settings.name,
            shown=False,
            vault=visit.installation.vault,
            entropy=visit.installation.entropy,
        )
        return see(f"{ACCOUNT}/factors/{begun.id}", next=own_path(form["next"]))

    @get("/{factor_id:uuid}")
    async def show_totp(self, visit: Visit, factor_id: UUID) -> Response[bytes]:
        """Show the secret as QR code and as text, and ask for the first code."""
        permit(policy.may_enrol(visit.assurance, enrolled=visit.presented.enrolled))
        return await _generator(visit, factor_id)

    @post("/{factor_id:uuid}")
    async def confirm_totp(self, visit: Visit, factor_id: UUID) -> Response[Any]:
        """Take the first code; the first factor's recovery codes are shown this once."""
        form, at = await Form.read(visit.request), visit.installation
        code, assurance = form["code"], visit.assurance
        try:
            made = await factors.confirm_totp(
                visit.session, visit.actor, factor_id, code, assurance=assurance, vault=at.vault, entropy=at.entropy
            )
        except GgzyError as error:
            if error.code != "factor.wrong":
                raise
            form.refuse(error, "code")
            return await _generator(visit, factor_id, form)
        return await _enrolled(visit, made, form)

    @post("/passkey")
    async def confirm_passkey(self, visit: Visit) -> Response[Any]:
        """Enrol the passkey that the page's script made."""
        form, at = await Form.read(visit.request), visit.installation
        party, assurance = at.settings.relying_party, visit.assurance
        try:
            answer, label = answer_in(form), form["label"]
            made = await passkeys.confirm(
                visit.session, visit.actor, answer, label, party, assurance=assurance, entropy=at.entropy
            )
        except GgzyError as error:
            if error.kind is Kind.UNAUTHENTICATED:  # something is to be shown first
                raise
            form.refuse(error)
            return _choice(visit, form)
        return await _enrolled(visit, made, form)

    @post("/{factor_id:uuid}/end")
    async def end(self, visit: Visit, factor_id: UUID) -> Response[Any]:
        """End a factor."""
        await Form.read(visit.request)
        entropy = visit.installation.entropy
        await factors.end(visit.session, visit.actor, factor_id, assurance=visit.assurance, entropy=entropy)
        return see(ACCOUNT, done="factor_ended")

    @post("/codes")
    async def new_codes(self, visit: Visit) -> Response[bytes]:
        """Give new recovery codes, shown this once."""
        await Form.read(visit.request)
        entropy = visit.installation.entropy
        codes = await factors.new_codes(visit.session, visit.actor, assurance=visit.assurance, entropy=entropy)
        return visit.page("accounts/codes.html", codes=codes, wished=ACCOUNT)


def _choice(visit: Visit, form: Form | None = None) -> Response[bytes]:
    first, wished = not visit.presented.enrolled, visit.wished(form, ACCOUNT)
    return visit.page("accounts/enrol.html", form=form, wished=wished, passkeys=visit.passkeys, first=first)


async def _generator(visit: Visit, factor_id: UUID, form: Form | None = None) -> Response[bytes]:
    issuer, vault = visit.installation.settings.name, visit.installation.vault
    begun = await factors.begun(visit.session, visit.actor, factor_id, issuer=issuer, vault=vault)
    picture = segno.make(begun.uri, error="l").svg_data_uri(scale=5, border=3)
    wished = visit.wished(form, ACCOUNT)
    return visit.page("accounts/generator.html", form=form, begun=begun, picture=picture, wished=wished)


async def _enrolled(visit: Visit, made: Enrolled, form: Form) -> Response[Any]:
    """Give the session its fresh secret, and show the recovery codes if the factor brought some."""
    kind, entropy = made.factor.kind, visit.installation.entropy
    fresh = await credentials.rise(visit.session, visit.actor, visit.presented.credential_id, kind, entropy=entropy)
    if not made.recovery_codes:
        return visit.carry(see(ACCOUNT, done="factor_enrolled"), fresh)
    token = credentials.csrf(fresh.secret) if fresh is not None else ""
    wished = visit.wished(form)
    shown = visit.page("accounts/codes.html", codes=made.recovery_codes, wished=wished, csrf=token)
    return visit.carry(shown, fresh)
