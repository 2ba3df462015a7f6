"""What runs in browsers, for whoever compares: the manifest, its place in the log, the proof."""

from typing import Any

from litestar import Controller, MediaType, Request, Response, get
from sqlalchemy.ext.asyncio import AsyncSession

from api import bundle
from api.transaction import PUBLIC
from api.wiring import Installation
from archive import trail


class ClientController(Controller):
    """The scripts and styles that this installation serves (docs/spec/client.md)."""

    tags = ("client",)
    opt = PUBLIC

    @get("/client.json", summary="The files served to browsers, their hashes, and the log entry that says so")
    async def newest(self, session: AsyncSession, installation: Installation) -> Response[bytes]:
        """Give the newest release in canonical JSON."""
        release = await bundle.published(session)
        return Response(bundle.document(release, installation.signer.name), media_type=MediaType.JSON)

    @get("/client.sha256", summary="The manifest as sha256sum writes it")
    async def manifest(self, request: Request[Any, Any, Any], session: AsyncSession) -> Response[str]:
        """Give the newest manifest's text, or an earlier one's by the beginning of its hash (`release`)."""
        release = await bundle.published(session, request.query_params.get("release"))
        return Response(release.manifest, media_type=MediaType.TEXT)

    @get("/client.proof", summary="The proof that the newest release is in the log")
    async def proof(self, session: AsyncSession) -> Response[str]:
        """Give the C2SP tlog-proof of its entry; 409 while it waits for its place."""
        release = await bundle.published(session)
        return Response(await trail.proof(session, release.opening.commitment), media_type=MediaType.TEXT)
