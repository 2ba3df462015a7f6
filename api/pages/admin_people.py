"""People: accounts (system administrator), roles and lost factors (security administrator)."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import factors, passwords, policy, scopes, services
from api.web import PAGE, Form, Page, page, see
from api.wiring import Installation
from kernel.actor import EVERYWHERE, PARTY_ROLES, STAFF, Actor, Role, party, site
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit
from trading import sites

PEOPLE = "/admin/people"


class PeoplePages(Controller):
    """The list of people and each of them."""

    path = PEOPLE
    include_in_schema = False
    opt = PAGE

    @get("/")
    async def listed(self, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """List people, or those who were looked for."""
        permit(policy.must_be_person(actor))
        return await _list(request, session, actor)

    @post("/")
    async def make(
        self, request: Page, session: AsyncSession, actor: Actor, installation: Installation
    ) -> Response[bytes]:
        """Make an account and show its first password this once."""
        permit(policy.must_be_person(actor))
        permit(policy.may_make_user(actor))
        form = await Form.read(request)
        password = passwords.invent(installation.entropy)
        digest = await installation.passwords.digest(password)
        with form.trying("login"):
            made = await services.make_user(
                session, actor, form["login"], form["name"], digest, entropy=installation.entropy
            )
            return page(request, "admin/welcome.html", user=made, password=password)
        return await _list(request, session, actor, form=form)

    @get("/{user_id:uuid}")
    async def show(self, request: Page, session: AsyncSession, actor: Actor, user_id: UUID) -> Response[bytes]:
        """Show a person's roles, now and before."""
        permit(policy.must_be_person(actor))
        return await _person(request, session, actor, user_id)

    @post("/{user_id:uuid}/grants")
    async def grant(
        self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy, user_id: UUID
    ) -> Response[Any]:
        """Give a role."""
        permit(policy.must_be_person(actor))
        form = await Form.read(request)
        with form.trying("role"):
            role = _role(form["role"])
            await services.grant(session, actor, user_id, role, _scope(role, form), entropy=entropy)
            return see(f"{PEOPLE}/{user_id}", done="grant_given")
        return await _person(request, session, actor, user_id, form=form)

    @post("/{user_id:uuid}/grants/{grant_id:uuid}/end")
    async def revoke(
        self,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        entropy: Entropy,
        *,
        user_id: UUID,
        grant_id: UUID,
    ) -> Response[Any]:
        """Take a role again."""
        permit(policy.must_be_person(actor))
        await Form.read(request)
        await services.revoke(session, actor, grant_id, entropy=entropy)
        return see(f"{PEOPLE}/{user_id}", done="grant_taken")

    @post("/{user_id:uuid}/factors/end")
    async def reset(
        self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy, user_id: UUID
    ) -> Response[Any]:
        """End the second factors of a person who lost them."""
        permit(policy.must_be_person(actor))
        await Form.read(request)
        await factors.reset(session, actor, user_id, entropy=entropy)
        return see(f"{PEOPLE}/{user_id}", done="factors_reset")

    @post("/{user_id:uuid}/end")
    async def close(
        self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy, user_id: UUID
    ) -> Response[Any]:
        """Close an account for ever."""
        permit(policy.must_be_person(actor))
        await Form.read(request)
        await services.close(session, actor, user_id, entropy=entropy)
        return see(f"{PEOPLE}/{user_id}", done="account_closed")


def _role(chosen: str) -> Role:
    try:
        return Role(chosen)
    except ValueError as error:
        raise GgzyError("grant.bad_scope", role=chosen, scope="") from error


def _scope(role: Role, form: Form) -> str:
    """Return the scope that the form means for a role: a party, a site or everywhere."""
    if role in PARTY_ROLES:
        return party(form["uscc"].upper())
    if role in STAFF or role is Role.SUPERVISOR:
        return site(form["site"]) if form["site"] else EVERYWHERE
    return EVERYWHERE


async def _list(request: Page, session: AsyncSession, actor: Actor, *, form: Form | None = None) -> Response[bytes]:
    wanted, roleless = request.query_params.get("q", ""), bool(request.query_params.get("roleless"))
    found = await services.users(session, actor, wanted, roleless=roleless)
    return page(
        request,
        "admin/people.html",
        form=form,
        people=found,
        wanted=wanted,
        roleless=roleless,
        makes=policy.may_make_user(actor) is None,
    )


async def _person(
    request: Page, session: AsyncSession, actor: Actor, user_id: UUID, *, form: Form | None = None
) -> Response[bytes]:
    grants = await services.grants(session, actor, user_id)
    return page(
        request,
        "admin/person.html",
        form=form,
        user=await services.user(session, actor, user_id),
        grants=grants,
        scopes=await scopes.named(session, {one.scope for one in grants}),
        factors=await factors.held(session, user_id),
        sites=await sites.page(session),
        roles=[role.value for role in Role],
        grants_roles=policy.may_grant(actor, user_id) is None,
        closes=policy.may_make_user(actor) is None,
    )
