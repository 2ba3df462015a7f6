"""Filing a trade whole (一项一档): what each package contributes goes into one bag, then every lot is closed."""

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
from kernel.errors import not_found, permit
from trading import dossier as trading
from trading import lots


async def file_trade(session: AsyncSession, actor: Actor, tender_id: UUID, installation: Installation) -> Filed:
    """File a trade that has ended; filing it again returns what was filed.

    Raises ``package.not_found`` for those who may not, ``tender.not_ended``, ``dossier.not_extracted``,
    ``trail.not_sequenced`` a moment after the last event, and what `archive.package.service.archive_trade` raises.
    """
    settings = installation.settings
    found = (await lots.of_tenders(session, [tender_id]))[tender_id]
    if not found:
        raise not_found("package")
    permit(package_policy.may_archive(actor, found[0].site))  # first: to others neither trade nor its state is known
    trade = await trading.describe(session, tender_id, organization=settings.name, sandbox=settings.sandbox)
    pack = lots.rules(found[0], await database.now(session))
    desk = Desk(
        installation.store,
        installation.authority,
        installation.chain_pem,
        installation.signer,
        installation.entropy,
        settings.data_dir / "packages",
    )
    required = trading.required(found, pack)
    filed = await service.archive_trade(session, actor, trade, _items(session, tender_id), required=required, desk=desk)
    await trading.close(session, actor, tender_id, entropy=installation.entropy)
    return filed


async def _items(session: AsyncSession, tender_id: UUID) -> AsyncIterator[Item]:
    for contribute in (trading.items, bids.items, experts.items):
        async for item in contribute(session, tender_id):
            yield item
