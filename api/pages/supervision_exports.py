"""Taking entries out of the trail: each export is recorded first, then streamed by a request of its own."""

from collections.abc import AsyncIterator
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Redirect, Stream
from sqlalchemy.ext.asyncio import AsyncSession

from api import download, trail_files
from api.pages import supervision_query
from api.pages.supervision import enter
from api.trail_files import Taken
from api.web import PAGE, Form, Page, see
from api.wiring import Installation
from archive import export
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, not_found


class Exports(Controller):
    """Files of what somebody found in the trail."""

    path = "/supervision/exports"
    include_in_schema = False
    opt = PAGE

    @post("/")
    async def begin(self, request: Page, session: AsyncSession, actor: Actor, entropy: Entropy) -> Redirect:
        """Record the export of what a search finds, and lead to its file."""
        enter(actor)
        form = await Form.read(request)
        wanted = await supervision_query.read(session, actor, form)
        if form.problems:
            raise form.problems[0].error
        kind = next((one for one in export.FORMS if one == form["form"]), None)
        if kind is None:
            raise GgzyError("export.unknown_form")
        made = await export.begin(session, actor, wanted, kind, site=form["site"] or None, entropy=entropy)
        return see(f"/supervision/exports/{made.commitment.hex()}")

    @get("/{commitment:str}")
    async def file(
        self, commitment: str, session: AsyncSession, actor: Actor, installation: Installation
    ) -> Response[Any]:
        """Stream the file of an export to who began it."""
        enter(actor)
        found = await export.find(session, actor, _digest(commitment))
        taken = await Taken.prepare(session, actor, found)
        await session.close()  # the connection goes back: a file may take long
        pieces = trail_files.content(taken, installation)
        first = await anext(pieces)  # what is refused is refused before the answer begins
        name = f"trail-{found.at:%Y%m%d-%H%M%S}.{trail_files.SUFFIXES[found.form]}"
        return Stream(_all(first, pieces), media_type=trail_files.TYPES[found.form], headers=download.headers(name))


async def _all(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in pieces:
        yield piece


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise not_found("export") from error
