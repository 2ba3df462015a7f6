"""Tenders from registration to announcement, and who sees them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, select

from archive.tables import EventRow
from kernel import canonical, database
from kernel.actor import ANONYMOUS
from kernel.clock import isoformat
from kernel.errors import GgzyError, Kind
from tests.trading.conftest import AGENCY, BIDDERS, PEOPLE, Stage, lot_draft, tender_draft
from trading import lots, notices, registration, tenders
from trading.lot import State


async def test_codes_count_up_by_site_and_year(stage: Stage) -> None:
    """The code names site, trade type and year, and counts without gaps."""
    first, second = await stage.register(), await stage.register()
    year = first.code.split("-")[2]
    assert [first.code, second.code] == [f"152502-GC-{year}-0001", f"152502-GC-{year}-0002"]
    other = await stage.register(site="152527")
    assert other.code == f"152527-GC-{year}-0001"


async def test_lots_carry_their_facts(stage: Stage) -> None:
    """What was stated of a lot is what the other packages read."""
    tender = await stage.register()
    lot = await lots.facts(stage.session, tender.lots[1].id)
    assert lot == tender.lots[1]
    assert (lot.number, lot.state, lot.agency, lot.bond) == (2, State.DRAFT, AGENCY, Decimal("200000.00"))
    assert [(rule.kind, rule.stage) for rule in lot.envelopes] == [("technical", 1), ("price", 2)]
    assert (lot.threshold, lot.custodians, lot.opening_policy) == (2, 3, "quorum")
    assert lot.evaluation["weights"] == {"technical": "60", "price": "40"}


async def test_only_the_tenderer_registers(stage: Stage) -> None:
    """Nobody brings in a tender for a purchaser they do not act for."""
    with pytest.raises(GgzyError, match=r"tender\.not_the_tenderer"):
        await registration.register(stage.session, PEOPLE.stranger, tender_draft(), entropy=stage.entropy)


async def test_an_unknown_party_is_named(stage: Stage) -> None:
    """A tender names registered parties only."""
    with pytest.raises(GgzyError) as caught:
        await stage.register(agency=None, purchaser=AGENCY[:-1] + "!")
    assert caught.value.code == "tender.not_the_tenderer"
    with pytest.raises(GgzyError, match=r"party\.unknown"):
        await stage.register(method="invited", invitees=(*BIDDERS[:2], "911525020000000000"))


async def test_a_draft_does_not_exist_for_others(stage: Stage) -> None:
    """Before the announcement strangers and the public get 404, insiders see it; afterwards everybody does."""
    tender = await stage.register()
    for actor in (ANONYMOUS, PEOPLE.stranger, PEOPLE.elsewhere, PEOPLE.expert, PEOPLE.bidders[0]):
        with pytest.raises(GgzyError) as caught:
            await tenders.get(stage.session, actor, tender.id)
        assert caught.value.kind is Kind.NOT_FOUND
        with pytest.raises(GgzyError) as caught:
            await stage.step(actor, tender, "enter")
        assert caught.value.kind is Kind.NOT_FOUND
        assert tender.id not in {seen.id for seen in await tenders.page(stage.session, actor)}
    for actor in (PEOPLE.agency, PEOPLE.purchaser, PEOPLE.acceptance, PEOPLE.supervisor):
        assert await tenders.get(stage.session, actor, tender.id) == tender
        assert tender.id in {seen.id for seen in await tenders.page(stage.session, actor)}


@pytest.mark.parametrize("invited", [False, True])
async def test_lists_and_single_reads_agree(stage: Stage, invited: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The list shows somebody exactly the tenders that they may read one by one."""
    changes = {"method": "invited", "invitees": tuple(BIDDERS[:3])} if invited else {}
    made = [await stage.register(**changes), await stage.announce(**changes)]
    people = [value for value in vars(PEOPLE).values() if not isinstance(value, list)]
    for actor in (ANONYMOUS, *people, *PEOPLE.bidders):
        listed = {tender.id for tender in await tenders.page(stage.session, actor)}
        for tender in made:
            try:
                await tenders.get(stage.session, actor, tender.id)
                assert tender.id in listed, actor
            except GgzyError:
                assert tender.id not in listed, actor


async def test_the_centre_returns_one_list_of_what_is_missing(stage: Stage) -> None:
    """A return names all that is missing at once; the draft is amended and enters again."""
    tender = await stage.register()
    await stage.step(PEOPLE.agency, tender, "enter")
    with pytest.raises(GgzyError, match=r"tender\.missing_not_listed"):
        await stage.step(PEOPLE.acceptance, tender, "return")
    with pytest.raises(GgzyError, match=r"tender\.documents_missing"):
        await stage.step(PEOPLE.acceptance, tender, "accept")
    returned = await stage.step(PEOPLE.acceptance, tender, "return", missing=["招标文件", "立项批复"])
    assert returned.missing == ("招标文件", "立项批复")
    assert {lot.state for lot in returned.lots} == {State.DRAFT}
    await stage.attach(tender)
    await stage.step(PEOPLE.agency, tender, "enter")
    accepted = await stage.step(PEOPLE.acceptance, tender, "accept")
    assert accepted.missing == ()
    assert {lot.state for lot in accepted.lots} == {State.ACCEPTED}


async def test_staff_of_another_site_do_not_accept(stage: Stage) -> None:
    """Acceptance belongs to the site; the tenderer does not accept itself."""
    tender = await stage.register()
    await stage.step(PEOPLE.agency, tender, "enter")
    for actor, wrong in ((PEOPLE.elsewhere, "tender.not_found"), (PEOPLE.agency, "step.not_yours")):
        with pytest.raises(GgzyError) as caught:
            await stage.step(actor, tender, "accept")
        assert caught.value.code == wrong


async def test_amending_matches_lots_by_number(stage: Stage) -> None:
    """An amended draft keeps the ids of its lots, adds new ones and drops those left out."""
    tender = await stage.register()
    draft = tender_draft(lots=(lot_draft(2, title="改"), lot_draft(3)))
    amended = await registration.amend(stage.session, PEOPLE.agency, tender.id, draft, entropy=stage.entropy)
    assert [(lot.number, lot.title) for lot in amended.lots] == [(2, "改"), (3, "标段3")]
    assert amended.lots[0].id == tender.lots[1].id
    await stage.step(PEOPLE.agency, tender, "enter")
    with pytest.raises(GgzyError, match=r"tender\.not_a_draft"):
        await registration.amend(stage.session, PEOPLE.agency, tender.id, draft, entropy=stage.entropy)


async def test_a_key_fixes_the_quorum(stage: Stage) -> None:
    """A lot whose key is made keeps its quorum; another number of custodians needs another key."""
    tender = await stage.register()
    await lots.assign_key(stage.session, tender.lots[0].id, b"k" * 32)
    changed = tender_draft(lots=(lot_draft(1, custodians=5), lot_draft(2)))
    with pytest.raises(GgzyError, match=r"lot\.key_assigned"):
        await registration.amend(stage.session, PEOPLE.agency, tender.id, changed, entropy=stage.entropy)


async def test_two_lots_never_share_a_key(stage: Stage) -> None:
    """One opening key opens one lot."""
    tender = await stage.register()
    await lots.assign_key(stage.session, tender.lots[0].id, b"k" * 32)
    with pytest.raises(GgzyError, match=r"lot\.key_taken"):
        await lots.assign_key(stage.session, tender.lots[1].id, b"k" * 32)


async def test_announcing_needs_keys_time_and_words(stage: Stage) -> None:
    """No notice goes out before every lot has its key, 20 days (法24) and a text; then it is public with its number."""
    tender = await stage.accept()
    with pytest.raises(GgzyError, match=r"lot\.no_opening_key"):
        await stage.step(PEOPLE.agency, tender, "announce", text="公告")
    for lot in tender.lots:
        await lots.assign_key(stage.session, lot.id, stage.entropy.token(32))
    with pytest.raises(GgzyError, match=r"notice\.no_text"):
        async with stage.session.begin_nested():
            await stage.step(PEOPLE.agency, tender, "announce")
    announced = await stage.step(PEOPLE.agency, tender, "announce", text="公告")
    assert announced.announced_at is not None
    assert {lot.state for lot in announced.lots} == {State.ANNOUNCED}
    assert (await tenders.get(stage.session, ANONYMOUS, tender.id)).lots == announced.lots
    told = await notices.page(stage.session, tender_id=tender.id)
    assert [(notice.number, notice.kind, notice.lot_id) for notice in told] == [(1, "tender", None)]
    with pytest.raises(GgzyError, match=r"lot\.key_fixed"):
        await lots.assign_key(stage.session, tender.lots[0].id, b"k" * 32)


async def test_a_short_bid_period_is_refused_with_its_article(stage: Stage) -> None:
    """Nineteen days are not twenty."""
    soon = await database.now(stage.session) + timedelta(days=19)
    tender = await stage.accept(lots=(lot_draft(1, deadline=soon),))
    await lots.assign_key(stage.session, tender.lots[0].id, b"k" * 32)
    with pytest.raises(GgzyError) as caught:
        await stage.step(PEOPLE.agency, tender, "announce", text="公告")
    assert caught.value.code == "deadline.too_early"
    assert caught.value.params["article"] == "招标投标法 第二十四条"


async def test_a_step_of_all_lots_is_not_taken_by_one(stage: Stage) -> None:
    """Lots of one tender move together until announced, and alone afterwards."""
    tender = await stage.register()
    with pytest.raises(GgzyError, match=r"lot\.moves_with_tender"):
        await stage.move(PEOPLE.agency, tender.lots[0].id, "enter")
    with pytest.raises(GgzyError, match=r"step\.by_lot"):
        await stage.step(PEOPLE.agency, tender, "terminate")
    with pytest.raises(GgzyError, match=r"step\.unknown"):
        await stage.move(PEOPLE.agency, tender.lots[0].id, "fly")


async def test_pages_follow_one_another(stage: Stage) -> None:
    """Reading page by page gives every tender once, newest first."""
    made = [(await stage.register()).id for _ in range(5)]
    seen, before = [], None
    while part := await tenders.page(stage.session, PEOPLE.agency, before=before, limit=2):
        seen += [tender.id for tender in part]
        before = (part[-1].made_at, part[-1].id)
    assert seen == made[::-1]


async def test_a_list_costs_two_queries_however_long(stage: Stage) -> None:
    """Reading a page of tenders with all their lots takes no query per row."""
    for _ in range(4):
        await stage.register()
    statements: list[str] = []
    connection = (await stage.session.connection()).sync_connection
    event.listen(connection, "before_cursor_execute", lambda *told: statements.append(told[2]))
    found = await tenders.page(stage.session, PEOPLE.agency)
    assert sum(len(tender.lots) for tender in found) == 8
    assert len(statements) == 2
    await notices.page(stage.session)
    assert len(statements) == 3


async def test_the_invited_do_not_learn_who_else_is(stage: Stage) -> None:
    """Invitees and the centre's list of what is missing are for insiders (法22)."""
    tender = await stage.announce(method="invited", invitees=tuple(BIDDERS[:3]))
    assert (await tenders.get(stage.session, PEOPLE.agency, tender.id)).invitees == tuple(BIDDERS[:3])
    assert (await tenders.get(stage.session, PEOPLE.bidders[0], tender.id)).invitees == ()
    assert [one.invitees for one in await tenders.page(stage.session, PEOPLE.bidders[0])] == [()]


async def test_the_announcement_lays_down_its_terms_in_the_trail(stage: Stage) -> None:
    """The event names each lot's deadline, envelopes and key, by which custodians' devices open."""
    tender = await stage.announce()
    query = select(EventRow.body).where(EventRow.kind == "tender.announced", EventRow.trade == tender.id)
    terms = canonical.decode((await stage.session.scalars(query)).one())["data"]["terms"]
    for lot, stated in zip(tender.lots, terms, strict=True):
        assert lot.deadline is not None
        assert lot.opening_key_hash is not None
        assert stated["lot"] == str(lot.id)
        assert stated["deadline"] == isoformat(lot.deadline)
        assert stated["key"] == lot.opening_key_hash.hex()
        assert stated["envelopes"] == [{"kind": "technical", "stage": 1}, {"kind": "price", "stage": 2}]
