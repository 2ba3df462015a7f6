"""What handlers receive by name: `DEPENDENCIES` lists it."""

from typing import Any, runtime_checkable

from litestar import Request
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncSession

from api import address
from api.accounts.authentication import Presented
from api.accounts.policy import NO_ASSURANCE, Assurance
from api.broadcast import Boards
from api.wiring import Installation
from archive.store import ObjectStore
from archive.timestamp import Authority
from kernel.actor import Actor
from kernel.database import Sessions
from kernel.entropy import Entropy

for _protocol in (Entropy, ObjectStore, Authority):
    runtime_checkable(_protocol)  # Litestar checks injected values by isinstance


def provide_installation(request: Request[Any, Any, Any]) -> Installation:
    """Give the installation."""
    installation: Installation = request.app.state.installation
    return installation


def provide_session(request: Request[Any, Any, Any]) -> AsyncSession:
    """Give the request's session; its one transaction is committed after the answer was rendered."""
    if request.route_handler.opt.get("streamed"):
        raise RuntimeError("a streamed route holds no transaction: use `sessions`")
    session: AsyncSession = request.scope["state"]["session"]
    return session


def provide_sessions(request: Request[Any, Any, Any]) -> Sessions:
    """Give the session factory, for short transactions of a handler's own."""
    return provide_installation(request).sessions


def provide_actor(request: Request[Any, Any, Any]) -> Actor:
    """Give whoever sends the request; ANONYMOUS when nobody is signed in."""
    actor: Actor = request.scope["state"]["actor"]
    return actor


def provide_presented(request: Request[Any, Any, Any]) -> Presented | None:
    """Give the credential of the request; None when nobody is signed in."""
    presented: Presented | None = request.scope["state"]["presented"]
    return presented


def provide_assurance(request: Request[Any, Any, Any]) -> Assurance:
    """Give what was shown for the request's credential."""
    presented = provide_presented(request)
    return presented.assurance if presented is not None else NO_ASSURANCE


def provide_whence(request: Request[Any, Any, Any]) -> str:
    """Give the address that a request comes from, for counting."""
    return address.of(request.scope, provide_installation(request).settings.trusted_proxies)


def provide_store(request: Request[Any, Any, Any]) -> ObjectStore:
    """Give the object store."""
    return provide_installation(request).store


def provide_authority(request: Request[Any, Any, Any]) -> Authority:
    """Give the time-stamping authority."""
    return provide_installation(request).authority


def provide_entropy(request: Request[Any, Any, Any]) -> Entropy:
    """Give the source of randomness."""
    return provide_installation(request).entropy


def provide_boards(request: Request[Any, Any, Any]) -> Boards:
    """Give what this worker shows to many at once."""
    boards: Boards = request.app.state.boards
    return boards


DEPENDENCIES = {
    "installation": Provide(provide_installation, sync_to_thread=False),
    "session": Provide(provide_session, sync_to_thread=False),
    "sessions": Provide(provide_sessions, sync_to_thread=False),
    "actor": Provide(provide_actor, sync_to_thread=False),
    "presented": Provide(provide_presented, sync_to_thread=False),
    "assurance": Provide(provide_assurance, sync_to_thread=False),
    "whence": Provide(provide_whence, sync_to_thread=False),
    "store": Provide(provide_store, sync_to_thread=False),
    "authority": Provide(provide_authority, sync_to_thread=False),
    "entropy": Provide(provide_entropy, sync_to_thread=False),
    "boards": Provide(provide_boards, sync_to_thread=False),
}
