"""What trading puts into the archive of one trade: every document, every notice, who took the documents."""

import hashlib
import json

import pytest

from archive.package.item import Stored, check
from kernel.errors import GgzyError
from tests.trading.conftest import BIDDERS, PEOPLE, Stage
from trading import documents, dossier, lots, notices
from trading.lot import State


async def test_every_document_and_notice_is_in_the_file(stage: Stage) -> None:
    """Documents come by their digest, notices as the bytes whose hash the trail has, issues lot by lot."""
    tender = await stage.announce()
    await documents.take(stage.session, PEOPLE.bidders[0], tender.lots[0].id, BIDDERS[0], entropy=stage.entropy)
    found = [check(item) async for item in dossier.items(stage.session, tender.id)]
    assert [item.role for item in found] == ["tender_documents", "notice", "issue_record", "issue_record"]
    assert isinstance(found[0].source, Stored)
    stored = (await documents.every(stage.session, tender.id))[0]
    assert found[0].source.sha256 == stored.sha256.hex()
    notice = (await notices.of_tender(stage.session, tender.id))[0]
    assert isinstance(found[1].source, bytes)
    assert hashlib.sha256(found[1].source).digest() == notices.digest(notice)
    taken = [json.loads(item.source)["issues"] for item in found[2:] if isinstance(item.source, bytes)]
    assert [[one["bidder"] for one in lot] for lot in taken] == [[BIDDERS[0]], []]
    assert len({item.path for item in found}) == len(found)


async def test_a_trade_is_described_when_all_its_lots_have_ended(stage: Stage) -> None:
    """A lot under way keeps the trade open; ended in any way it can be filed and closed for good."""
    tender = await stage.announce()
    first, second = tender.lots
    await stage.move(PEOPLE.agency, first.id, "terminate", reason="取消")
    with pytest.raises(GgzyError) as caught:
        await dossier.describe(stage.session, tender.id, organization="中心", sandbox=True)
    assert (caught.value.code, caught.value.params["lots"]) == ("tender.not_ended", "2")
    await stage.move(PEOPLE.agency, second.id, "terminate", reason="取消")
    trade = await dossier.describe(stage.session, tender.id, organization="中心", sandbox=True)
    assert (trade.code, trade.site, trade.retention_years) == (tender.code, tender.site, 30)
    found = await lots.lock_all(stage.session, tender.id)
    assert dossier.required(found, lots.rules(first, trade.closed_at)) == ("tender_documents", "notice")
    for _ in range(2):
        await dossier.close(stage.session, PEOPLE.archivist, tender.id, entropy=stage.entropy)
    assert {lot.state for lot in await lots.lock_all(stage.session, tender.id)} == {State.ARCHIVED}
