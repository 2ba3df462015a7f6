"""The device key of whoever needs one, and a bidder's rehearsal: what is done there is done by the browser itself."""

from litestar import Controller, Response, get, post
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import devices, policy
from api.accounts.policy import Assurance
from api.transaction import STREAMED
from api.web import PAGE, Page, page
from kernel.actor import Actor
from kernel.errors import permit

MAX_PROBE = 8 << 20


class Device(Controller):
    """Making a key, proving its backup, enrolling it; checking the browser."""

    path = "/bid"
    include_in_schema = False
    opt = PAGE

    @get("/device")
    async def device(self, request: Page, session: AsyncSession, actor: Actor, assurance: Assurance) -> Response[bytes]:
        """Show the enrolled key and the way to another one, for who has just shown who they are."""
        permit(policy.must_be_person(actor))
        held = await devices.devices(session, actor)
        active = next((one for one in held if one.revoked_at is None), None)
        return page(request, "bid/device.html", held=held, active=active, fresh=assurance.fresh)

    @get("/rehearsal")
    async def rehearsal(self, request: Page, actor: Actor) -> Response[bytes]:
        """Show the checks of this browser and the practice bid."""
        permit(policy.must_be_person(actor))
        return page(request, "bid/rehearsal.html")


@post(
    "/bid/rehearsal/probe",
    opt=STREAMED,
    request_max_body_size=MAX_PROBE,
    include_in_schema=False,
    status_code=204,
)
async def probe(request: Page, actor: Actor) -> None:
    """Take bytes and throw them away, so that a browser can measure how fast it sends; at most 8 MiB."""
    permit(policy.must_be_person(actor))
    async for _ in request.stream():
        pass


HANDLERS = (probe,)
