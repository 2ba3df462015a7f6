"""What goes on by itself with bids and openings, each step in a transaction of its own, so that a crash loses nothing.

The request that brings the last share needed opens at once (`proceed`); `resume` does the same for what a crash left,
and takes the files out of what was opened; `sweep` clears uploads that were never finalised.
"""

from uuid import UUID

import structlog

from api.locale import catalogue
from api.wiring import Installation
from bidding import extraction, openings, papers, quorum, record, uploads, verdict
from bidding.openings import Progress
from bidding.submissions import Desk
from bidding.tables import FINISHED
from bidding.verdict import Shares
from kernel import database
from kernel.actor import SYSTEM

log = structlog.get_logger(__name__)


async def proceed(installation: Installation, lot_id: UUID, stage: int) -> Progress:
    """Open every envelope whose shares are there, and finish the opening when all have their verdict."""
    given = await _shares(installation, lot_id, stage)
    if given is not None:
        await _decide(installation, given)
    desk = Desk(installation.authority, installation.settings.log_origin, installation.entropy)
    async with installation.sessions.begin() as session:
        progress = await record.finish(session, SYSTEM, lot_id, stage, desk=desk)
    if progress.state == FINISHED:
        try:
            await print_record(installation, lot_id, stage)
        except Exception:  # the record stands; `resume` prints it later
            log.exception("record.not_printed", lot=str(lot_id), stage=stage)
    return progress


async def print_record(installation: Installation, lot_id: UUID, stage: int) -> None:
    """Put the record on signed paper, unless it is there."""
    words = catalogue(installation.settings.locale)
    async with installation.sessions.begin() as session:
        await papers.make(session, lot_id, stage, words, seal=installation.seal, entropy=installation.entropy)


async def extract(installation: Installation, lot_id: UUID, stage: int) -> int:
    """Take the files out of all opened envelopes of an opening; return of how many."""
    given = await _shares(installation, lot_id, stage)
    done = 0
    while given is not None:
        async with installation.sessions.begin() as session:
            task = await extraction.next_task(session, given)
        if task is None:
            break
        out = await extraction.extract(installation.store, task)
        async with installation.sessions.begin() as session:
            await extraction.keep(session, SYSTEM, task, out, entropy=installation.entropy)
        done += 1
    return done


async def resume(installation: Installation) -> None:
    """Go on with every opening that has something left to do; one process at a time."""
    async with installation.sessions.begin() as session:
        if not await database.try_lock(session, "jobs/openings"):
            return
        for lot_id, stage in await openings.unfinished(session):
            await proceed(installation, lot_id, stage)
        for lot_id, stage in await papers.missing(session):
            await print_record(installation, lot_id, stage)
        for lot_id, stage in await openings.unextracted(session):
            await extract(installation, lot_id, stage)


async def sweep(installation: Installation) -> None:
    """Close uploads past their time, then delete their objects; what a crash leaves between the two is harmless."""
    async with installation.sessions.begin() as session:
        closed = await uploads.expire(session)
    for upload_id in closed:
        await uploads.sweep(installation.store, upload_id)


async def _shares(installation: Installation, lot_id: UUID, stage: int) -> Shares | None:
    async with installation.sessions.begin() as session:
        return await quorum.shares(session, await openings.begun(session, lot_id, stage))


async def _decide(installation: Installation, given: Shares) -> None:
    async with installation.sessions.begin() as session:
        positions = await verdict.undecided(session, given)
    for position in positions:
        async with installation.sessions.begin() as session:
            await verdict.decide(session, installation.store, given, position)
