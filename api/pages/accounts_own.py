"""One's own account: who I am, my password, my sessions."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import credentials, devices, entrance, factors, login, policy, recovery, scopes
from api.accounts.authentication import Presented
from api.pages.accounts_visit import ACCOUNT
from api.web import PAGE, Form, page, see
from api.wiring import Installation
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit


class AccountPage(Controller):
    """The account as a whole, its password and its sessions."""

    path = ACCOUNT
    include_in_schema = False
    opt = PAGE

    @get("/")
    async def show(
        self, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor, presented: Presented | None
    ) -> Response[bytes]:
        """Show roles, factors, sessions and the device key."""
        permit(policy.must_be_person(actor))
        device = next((one for one in await devices.devices(session, actor) if one.revoked_at is None), None)
        return page(
            request,
            "accounts/account.html",
            roles=sorted(actor.grants, key=lambda grant: (grant.role, grant.scope)),
            scopes=await scopes.named(session, {grant.scope for grant in actor.grants}),
            factors=await factors.held(session, actor.user_id),
            codes=await recovery.left(session, actor.user_id),
            held=await credentials.held(session, actor),
            present=presented.credential_id if presented is not None else None,
            device=device,
        )

    @get("/password")
    async def ask_password(self, request: Request[Any, Any, Any], actor: Actor) -> Response[bytes]:
        """Ask for the present password and the new one."""
        permit(policy.must_be_person(actor))
        return page(request, "accounts/password.html")

    @post("/password")
    async def change_password(
        self, request: Request[Any, Any, Any], session: AsyncSession, actor: Actor, installation: Installation
    ) -> Response[Any]:
        """Change it; all sessions and tokens end, this one too."""
        permit(policy.must_be_person(actor))
        form = await Form.read(request)
        where = "old"
        try:
            await login.check_password(installation.sessions, installation.passwords, actor, form["old"])
            where = "new"
            digest = await installation.passwords.digest(form["new"])
            await login.change_password(session, actor, digest, entropy=installation.entropy)
        except GgzyError as error:
            form.refuse(error, where)
            return page(request, "accounts/password.html", form=form)
        answer = see("/sign-in", done="password_changed")
        answer.set_cookie(entrance.no_cookie(installation))
        return answer

    @post("/sessions/{credential_id:uuid}/end")
    async def end_session(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        actor: Actor,
        entropy: Entropy,
        credential_id: UUID,
    ) -> Response[Any]:
        """End one of one's sessions or tokens."""
        permit(policy.must_be_person(actor))
        await Form.read(request)
        await credentials.revoke(session, actor, credential_id, entropy=entropy)
        return see(ACCOUNT, done="session_ended")
