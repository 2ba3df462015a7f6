"""Trades that stand at every stage, with notices as people write them, for tests of what the public sees."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api import sandbox
from api.wiring import Installation
from kernel import database
from kernel.actor import EVERYWHERE, Actor, Role, party
from kernel.entropy import SystemEntropy
from tests.bidding import scene as scenes
from tests.bidding import stage as bidding
from tests.trading.conftest import PEOPLE, Stage, lot_draft
from trading import amendments, awards, files, lots
from trading.amendments import ClarificationDraft
from trading.awards import Candidate
from trading.documents import DocumentDraft
from trading.tables import LotRow, PartyRow
from trading.tenders import Tender

CALL = """一、招标条件
本工程已由锡林浩特市发展和改革局批准建设，资金来自财政，出资比例 100%，已具备招标条件，现对施工进行公开招标。

二、项目概况与招标范围
改造南环路给水管网 4.2 公里，新建阀门井 36 座，恢复路面 12,600 平方米。工期 210 日历天。

三、投标人资格要求
具备市政公用工程施工总承包二级及以上资质，具有安全生产许可证，近三年完成过同类工程一项以上。本次招标不接受联合体投标。

四、投标截止
投标截止时间见标段信息，逾期送达的投标文件不予受理。
"""
CHANGED = CALL.replace("36 座", "42 座").replace("210 日历天", "240 日历天").replace("二级及以上", "三级及以上")
KEYS = SystemEntropy()
BIDDERS = ("锡林浩特市草原建设有限公司", "内蒙古北疆路桥工程有限公司", "包头市鼎固建设集团有限公司")
PRICES = (Decimal("980000.00"), Decimal("965000.50"), Decimal("991234.00"))


@dataclass(frozen=True, slots=True)
class Scenery:
    """Tenders by what happened to them; `correction` is the notice that changes the call of `announced`."""

    installation: Installation
    announced: Tender
    suspended: Tender
    terminated: Tender
    failed: Tender
    unannounced: Tender
    correction: UUID


async def paint(installation: Installation) -> Scenery:
    """Lead tenders to their stages by the services, and commit."""
    async with installation.sessions.begin() as session:
        stage = Stage(session, KEYS)
        await stage.prepare()
        announced = await _announce(stage, "锡林浩特市南环路给水管网改造工程")
        suspended = await _announce(stage, "太仆寺旗宝昌镇集中供热二期工程", site="152527")
        await stage.move(
            bidding.person(Role.SUPERVISOR, "site:152527", "supervisor").actor,
            suspended.lots[0].id,
            "suspend",
            reason="接到投诉，暂停核实。",
        )
        terminated = await _announce(stage, "苏尼特右旗牧区道路养护工程", site="152524")
        await stage.move(PEOPLE.agency, terminated.lots[0].id, "terminate", reason="资金计划调整，项目取消。")
        failed = await _announce(stage, "东乌珠穆沁旗防洪堤加固工程", site="152525")
        await fail(session, failed.lots[0].id)
        unannounced = await stage.accept(title="尚未公告的工程")
        correction = await _clarify(session, announced)
    return Scenery(installation, announced, suspended, terminated, failed, unannounced, correction)


async def prepared(installation: Installation, folder: Path) -> scenes.Scene:
    """Announce a lot and hand in three sealed bids."""
    scene = await scenes.prepare(installation, folder)
    async with installation.sessions.begin() as session:
        await _know_bidders(session)
    for number, price in enumerate(PRICES, 1):
        await scene.hand_in(number, str(price))
    return scene


async def open_bids(scene: scenes.Scene) -> None:
    """Lead a prepared lot to its finished opening."""
    await scene.pass_deadline()
    await scene.begin()
    await scene.quorum()
    await scene.proceed()
    await scene.sequence()


async def publicized(scene: scenes.Scene) -> None:
    """Publish the candidates of an opened lot, as after its evaluation."""
    async with scene.installation.sessions.begin() as session:
        await _set(session, scene.lot_id, state="evaluated")
        ranked = tuple(Candidate(rank, bidding.USCCS[rank], price) for rank, price in enumerate(PRICES, 1))
        ends = await database.now(session) + timedelta(days=5)
        await awards.publicize(
            session, _purchaser(), scene.lot_id, ranked, text="中标候选人公示", ends_at=ends, entropy=KEYS
        )


async def awarded(scene: scenes.Scene) -> None:
    """Award a publicized lot to the first candidate after the publicity."""
    async with scene.installation.sessions.begin() as session:
        admin = bidding.person(Role.SYSTEM_ADMIN, EVERYWHERE, "admin").actor
        until = await database.now(session) + timedelta(days=6)
        await sandbox.advance(session, admin, until, entropy=KEYS)
        await awards.award(session, _purchaser(), scene.lot_id, bidding.USCCS[1], text="中标公告", entropy=KEYS)


async def tender_of(installation: Installation, lot_id: UUID) -> UUID:
    """Return the tender of a lot."""
    async with installation.sessions() as session:
        return (await lots.facts(session, lot_id)).tender_id


async def fail(session: AsyncSession, lot_id: UUID) -> None:
    """Let a lot fail at its deadline with one bid."""
    now = await database.now(session)
    await _set(session, lot_id, deadline=now - timedelta(hours=1))
    lot = await lots.facts(session, lot_id)
    witness = bidding.person(Role.WITNESS, f"site:{lot.site}", "witness").actor
    await lots.move(session, witness, lot_id, "fail", bids=1, reason="投标人不足三家，依法重新招标。", entropy=KEYS)


async def _announce(stage: Stage, title: str, *, site: str = "152502") -> Tender:
    now = await database.now(stage.session)
    drafts = (lot_draft(1, title=f"{title}施工", deadline=now + timedelta(days=21)),)
    tender = await stage.register(title=title, site=site, lots=drafts)
    await stage.attach(tender)
    await stage.step(PEOPLE.agency, tender, "enter")
    taker = bidding.person(Role.ACCEPTANCE, f"site:{site}", "taker").actor
    await stage.step(taker, tender, "accept")
    await lots.assign_key(stage.session, tender.lots[0].id, KEYS.token(32))
    return await stage.step(PEOPLE.agency, tender, "announce", text=CALL)


async def _clarify(session: AsyncSession, tender: Tender) -> UUID:
    lot = tender.lots[0]
    assert lot.deadline is not None
    stage = Stage(session, KEYS)
    digest = await _file(stage, b"newer tender documents")
    document = DocumentDraft("tender_documents", "招标文件", digest, "application/pdf")
    draft = ClarificationDraft("变更公告", CHANGED, (1,), (document,), lot.deadline + timedelta(days=7))
    (notice,) = await amendments.clarify(session, PEOPLE.agency, tender.id, draft, entropy=KEYS)
    return notice.id


async def _file(stage: Stage, content: bytes) -> str:
    digest = hashlib.sha256(content).digest()
    await files.keep(stage.session, PEOPLE.agency, digest, len(content), entropy=KEYS)
    return digest.hex()


async def _know_bidders(session: AsyncSession) -> None:
    now = await database.now(session)
    named = [
        {"uscc": bidding.USCCS[number], "name": name, "revision": 1, "profile": {}, "registered_at": now}
        for number, name in enumerate(BIDDERS, 1)
    ]
    await session.execute(insert(PartyRow).values(named).on_conflict_do_nothing())


async def _set(session: AsyncSession, lot_id: UUID, **values: object) -> None:
    await session.execute(update(LotRow).where(LotRow.id == lot_id).values(values))


def _purchaser() -> Actor:
    return bidding.person(Role.PURCHASER, party(bidding.PURCHASER), "purchaser").actor
