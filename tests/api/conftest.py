"""A small application of the real parts, for what the middleware promises about any handler."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from sqlalchemy import text

from api import problems
from api.dependencies import DEPENDENCIES
from api.transaction import MAX_BODY, Transaction
from api.wiring import Installation


@pytest.fixture
def small(installation: Installation) -> Callable[..., httpx.AsyncClient]:
    """Return a client of an application with these handlers, around the real installation."""

    def make(*handlers: HTTPRouteHandler) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(assemble(installation, *handlers)), base_url="http://t")

    return make


def assemble(installation: Installation, *handlers: HTTPRouteHandler) -> Litestar:
    """Return an application put together like the real one."""
    built = Litestar(
        list(handlers),
        dependencies=DEPENDENCIES,
        middleware=[Transaction],
        exception_handlers={Exception: problems.handle},
        request_max_body_size=MAX_BODY,
        logging_config=None,
        openapi_config=None,
    )
    built.state.installation = installation
    return built


@pytest.fixture
def stored(installation: Installation) -> Callable[[str], Awaitable[int]]:
    """Tell how often a counter was stored, seen from a connection of its own."""

    async def count(name: str) -> int:
        async with installation.sessions() as session:
            query = text("SELECT coalesce(sum(count), 0) FROM counter WHERE name = :name")
            return int((await session.execute(query, {"name": name})).scalar_one())

    return count


@pytest.fixture
def events(installation: Installation) -> Callable[[str], Awaitable[list[bytes]]]:
    """Return the bodies of the recorded events of a kind, in order."""

    async def read(kind: str) -> list[bytes]:
        async with installation.sessions() as session:
            query = text("SELECT body FROM event WHERE kind = :kind ORDER BY number")
            return [bytes(body) for body in (await session.execute(query, {"kind": kind})).scalars()]

    return read
