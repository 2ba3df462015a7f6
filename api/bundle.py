"""What runs in people's browsers, published: the hash of every script and style is in the log before it is served.

docs/spec/client.md. The manifest is text as ``sha256sum`` writes it, so that anybody compares it with what a browser
got; the release that stands in each file's address begins its hash.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.tables import ClientRelease
from api.web import assets
from api.wiring import Installation
from archive import trail
from archive.event import Opening
from kernel import canonical, database
from kernel.actor import SYSTEM
from kernel.errors import not_found, permit

_HEX = re.compile("[0-9a-f]{1,64}")
FORMAT = "ggzy/client/v1"
EVENT = "client.published"


@dataclass(frozen=True, slots=True)
class Release:
    """A published manifest and the event that published it."""

    manifest: str
    opening: Opening


async def publish(installation: Installation) -> None:
    """Publish what this program serves unless it is what was published last; records ``client.published``."""
    settings = installation.settings
    served = assets.load(settings.node_modules, settings.seal_colour).listing
    async with installation.sessions.begin() as session:
        await database.lock(session, "client")
        newest = await session.scalar(select(ClientRelease.manifest).order_by(ClientRelease.number.desc()).limit(1))
        if newest == served:
            return
        data = {"manifest": digest(served), "files": served.count("\n"), "version": version("ggzy")}
        opening = await trail.record(session, SYSTEM, EVENT, data, entropy=installation.entropy)
        row = {"digest": bytes.fromhex(digest(served)), "manifest": served}
        kept = {"event": opening.event, "salt": opening.salt, "commitment": opening.commitment}
        await session.execute(insert(ClientRelease).values(**row, **kept))


async def published(session: AsyncSession, wanted: str | None = None) -> Release:
    """Return the newest release, or the one whose manifest's hash begins so; ``client.not_found``."""
    query = select(ClientRelease).order_by(ClientRelease.number.desc()).limit(1)
    if wanted is not None:
        permit(None if _HEX.fullmatch(wanted) else not_found("client"))
        query = query.where(func.encode(ClientRelease.digest, "hex").startswith(wanted))
    row = await session.scalar(query)
    if row is None:
        raise not_found("client")
    return Release(row.manifest, Opening(row.event, row.salt, row.commitment))


def document(release: Release, log: str) -> bytes:
    """Return ``client.json``: canonical JSON of the files, the manifest's hash and the opening of its log entry."""
    lines = (line.split("  ", 1) for line in release.manifest.splitlines())
    told: dict[str, Any] = {
        "event": canonical.decode(release.opening.event),
        "files": {path: sha256 for sha256, path in lines},
        "format": FORMAT,
        "log": log,
        "manifest": digest(release.manifest),
        "salt": release.opening.salt.hex(),
    }
    return canonical.encode(told)


def digest(manifest: str) -> str:
    """Return the hex SHA-256 of a manifest's text."""
    return hashlib.sha256(manifest.encode()).hexdigest()
