"""What the three administrators start from (三员分立): each sees the own duties; nothing sealed is visible to any."""

from litestar import Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy, services
from api.web import PAGE, Entry, Page, Task, page
from kernel.actor import ADMINS, Actor, Role
from kernel.errors import permit

NAVIGATION = (Entry("/admin", "admin.admin", ADMINS),)


@get("/admin", opt=PAGE, include_in_schema=False)
async def admin(request: Page, actor: Actor) -> Response[bytes]:
    """Show the administrator's duties."""
    permit(policy.must_be_person(actor))
    permit(policy.may_see_users(actor))
    return page(request, "admin/admin.html", role=next(role for role in sorted(ADMINS) if actor.holds(role)))


async def tasks(session: AsyncSession, actor: Actor) -> list[Task]:
    """Tell the security administrator of accounts that wait for a role."""
    if not actor.holds(Role.SECURITY_ADMIN):
        return []
    waiting = len(await services.users(session, actor, roleless=True))
    return [Task("admin.task_roleless", "/admin/people?roleless=1", {"count": waiting})] if waiting else []


HANDLERS = (admin,)
