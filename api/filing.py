"""Filing a trade whole (一项一档): what each package contributes goes into one bag, then every lot is closed.

The bag is built and stored between two short transactions: everything is read from one snapshot, and nothing changes
before the package is durable. A filing that was killed is taken up where it was by whoever asks again.
"""

from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.wiring import Installation
from archive import package_policy
from archive.package import service
from archive.package.item import Item
from archive.package.service import Desk, Filed
from bidding import dossier as bids
from experts import dossier as experts
from kernel import database
from kernel.actor import Actor
from kernel.errors import GgzyError, Kind, not_found, permit, unless_missing
from trading import dossier as trading
from trading import lots
from trading.lot import LotFacts


async def file_trade(actor: Actor, tender_id: UUID, installation: Installation) -> Filed:
    """File a trade that has ended; filing it again returns what was filed.

    Raises ``package.not_found`` for those who may not, ``package.under_way`` while another does it,
    ``tender.not_ended``, ``dossier.not_extracted``, ``trail.not_sequenced`` a moment after the last event, and what
    `archive.package.service` raises.
    """
    async with installation.sessions() as session:
        found = (await lots.of_tenders(session, [tender_id]))[tender_id]
    if not found:
        raise not_found("package")
    permit(package_policy.may_archive(actor, found[0].site))  # first: to others neither trade nor its state is known
    async with database.alone(installation.engine, f"filing {tender_id}") as held:
        if not held:
            raise GgzyError("package.under_way", Kind.CONFLICT)
        return await _file(actor, found, installation)


async def _file(actor: Actor, found: list[LotFacts], installation: Installation) -> Filed:
    tender_id, sessions, settings = found[0].tender_id, installation.sessions, installation.settings
    desk = _desk(installation)
    async with database.snapshot(sessions) as session:
        done = await unless_missing(service.filed(session, actor, tender_id))
        if done is not None:
            await service.clear(tender_id, desk)
            return done
        trade = await trading.describe(session, tender_id, organization=settings.name, sandbox=settings.sandbox)
        required = trading.required(found, lots.rules(found[0], trade.closed_at))
        bag = await service.left(session, tender_id, desk)
        items = [] if bag else await service.gather(session, tender_id, _items(session, tender_id), desk)
    bag = bag or await service.pack(trade, items, required=required, desk=desk)
    packed = await service.stow(tender_id, bag, desk)
    async with sessions.begin() as session:
        await lots.lock_all(session, tender_id)
        filed = await service.complete(session, actor, trade, packed, desk)
        await trading.close(session, actor, tender_id, entropy=installation.entropy)
    await service.clear(tender_id, desk)
    return filed


def _desk(installation: Installation) -> Desk:
    return Desk(
        installation.store,
        installation.authority,
        installation.chain_pem,
        installation.signer,
        installation.entropy,
        installation.settings.data_dir / "packages",
    )


async def _items(session: AsyncSession, tender_id: UUID) -> AsyncIterator[Item]:
    for contribute in (trading.items, bids.items, experts.items):
        async for item in contribute(session, tender_id):
            yield item
