"""Pages over ASGI: a visitor with cookies who sends forms as a browser does."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import event

from api.accounts import credentials
from api.accounts.authentication import COOKIE
from api.wiring import Installation
from tests.conftest import Someone

HOST = "http://ggzy.test"
Maker = Callable[..., Awaitable[Someone]]


class Visitor(httpx.AsyncClient):
    """A browser without JavaScript: `send_form` posts fields with the token of the session."""

    secret: str | None = None

    async def send_form(self, path: str, **fields: object) -> httpx.Response:
        """POST a form to `path` as the page there would; a field may be a list of values."""
        token = credentials.csrf(self.secret) if self.secret else ""
        return await self.post(path, data={"csrf": token, **fields}, headers={"Origin": HOST})


SignIn = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def visitor(app: Litestar) -> AsyncIterator[Visitor]:
    """Somebody who is not signed in; redirects are shown, not followed."""
    async with Visitor(transport=httpx.ASGITransport(app), base_url=HOST) as opened:
        yield opened


@pytest.fixture
async def signed_in(app: Litestar, installation: Installation) -> AsyncIterator[SignIn]:
    """Give a maker of signed-in visitors: pass it whom `someone` made, and await; `proof` None: by password."""
    opened: list[Visitor] = []

    async def sign_in(someone: Someone, proof: str | None = "test") -> Visitor:
        async with installation.sessions.begin() as session:
            made = await credentials.issue(
                session, someone.actor, "session", "", entropy=installation.entropy, proof=proof
            )
        visitor = Visitor(transport=httpx.ASGITransport(app), base_url=HOST, cookies={COOKIE: made.secret})
        visitor.secret = made.secret
        opened.append(visitor)
        return visitor

    yield sign_in
    for visitor in opened:
        await visitor.aclose()


def text_of(answer: httpx.Response) -> str:
    """Return the words of a page, tags and scripts taken out."""
    body = re.sub(r"(?s)<(script|style).*?</\1>", " ", answer.text)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


@contextmanager
def counted(installation: Installation) -> Iterator[list[str]]:
    """Give a list that gets every statement which the application sends to its database meanwhile."""
    sent: list[str] = []

    def hear(*told: Any) -> None:
        sent.append(told[2])

    event.listen(installation.engine.sync_engine, "before_cursor_execute", hear)
    yield sent
    event.remove(installation.engine.sync_engine, "before_cursor_execute", hear)
