"""Ceremonies on PostgreSQL: rounds, refusals, faults, and keys that lots take once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from archive.tables import EventRow
from bidding import ceremony, complaint, keymaking, rounds, transcript
from bidding.keymaking_tables import CeremonyRow, MessageRow, OpeningKeyRow
from kernel import actor as actors
from kernel.actor import ANONYMOUS, Role
from kernel.errors import GgzyError
from tests.bidding.ceremonies import ENTROPY, Cast, begin, cast_people, deal_all, draft_lot, finish, kinds, terms
from tests.bidding.stage import SITE, person
from tests.bidding.table import Table
from tests.bidding.test_keymaking import lying_deal
from trading.tables import LotRow


async def refused(awaitable: Any) -> GgzyError:
    """Return the refusal that a call must end in."""
    with pytest.raises(GgzyError) as caught:
        await awaitable
    return caught.value


@pytest.fixture
async def cast(session: AsyncSession) -> AsyncIterator[Cast]:
    """A key making that has begun."""
    return await begin(session)


async def test_a_key_making_from_beginning_to_end(session: AsyncSession, cast: Cast) -> None:
    """Three custodians deal and certify; everybody can read the transcript, whose hash the trail holds."""
    certificates = await finish(session, cast)
    assert cast.ceremony.state == "finished"
    assert (cast.ceremony.dealt, cast.ceremony.certified) == ((1, 2, 3), (1, 2, 3))
    hashed = cast.ceremony.transcript_hash
    assert hashed is not None
    verified = transcript.verify_transcript(await ceremony.transcript(session, hashed))
    assert verified.hash == hashed
    assert await rounds.certificates(session, cast.people[1].actor, cast.ceremony.id) == certificates
    assert (await kinds(session))[-7:] == [
        "key_ceremony.begun",
        *["key_ceremony.dealt"] * 3,
        *["key_ceremony.certified"] * 2,
        "opening_key.made",
    ]
    made = (await session.scalars(select(EventRow.body).where(EventRow.kind == "opening_key.made"))).all()[-1]
    assert hashed.hex().encode() in made
    assert (await ceremony.find(session, ANONYMOUS, cast.ceremony.id)).state == "finished"


async def test_an_unfinished_key_making_is_seen_by_its_people_only(session: AsyncSession, cast: Cast) -> None:
    """To others it does not exist; they can neither look, nor post, nor end it."""
    other = person(Role.PURCHASER, actors.party("91110000000000000X"), "别人").actor
    identity = cast.ceremony.id
    assert (await refused(ceremony.find(session, other, identity))).code == "ceremony.not_found"
    assert (await refused(rounds.deals(session, other, identity))).code == "ceremony.not_found"
    assert (await refused(rounds.deal(session, other, identity, b"", entropy=ENTROPY))).code == "ceremony.not_found"
    assert (await refused(ceremony.abort(session, other, identity, "x", entropy=ENTROPY))).code == "ceremony.not_found"
    assert await ceremony.list_own(session, other) == []
    assert [one.id for one in await ceremony.list_own(session, cast.people[1].actor)] == [identity]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"threshold": 3}, "ceremony.bad_numbers"),
        ({"threshold": 1}, "ceremony.bad_numbers"),
        ({"count": 0}, "ceremony.bad_numbers"),
        ({"count": 257}, "ceremony.bad_numbers"),
        ({"hours": 0}, "ceremony.bad_hours"),
        ({"site": "152527"}, "ceremony.not_the_witness"),
        ({"purchaser": "91110000000000000X"}, "ceremony.wrong_role"),
    ],
)
async def test_terms_that_do_not_fit_are_refused(session: AsyncSession, changed: dict[str, Any], code: str) -> None:
    """Numbers, time, site and the custodians' roles are checked before anything is stored."""
    assert (await refused(begin(session, **changed))).code == code


async def test_sides_are_balanced(session: AsyncSession) -> None:
    """All three sides take part, nobody twice, and no side has a quorum of its own."""
    witness, purchaser, supervisor = cast_people()
    second = person(Role.WITNESS, actors.site(SITE), "见证二")
    bare = replace(supervisor.actor, device_key=None)
    w, p, s = Role.WITNESS, Role.PURCHASER, Role.SUPERVISOR
    for pairs, code in (
        (((witness.actor, w), (second.actor, w), (supervisor.actor, s)), "ceremony.side_missing"),
        (
            ((witness.actor, w), (second.actor, w), (purchaser.actor, p), (supervisor.actor, s)),
            "ceremony.one_side_could_open",
        ),
        (((witness.actor, w), (purchaser.actor, p), (bare, s)), "ceremony.no_device"),
        (((witness.actor, w), (witness.actor, w), (supervisor.actor, s)), "ceremony.same_person"),
        (
            (
                (witness.actor, w),
                (purchaser.actor, p),
                (replace(supervisor.actor, device_key=witness.actor.device_key), s),
            ),
            "ceremony.same_device",
        ),
        (((witness.actor, s), (purchaser.actor, p), (supervisor.actor, s)), "ceremony.wrong_role"),
    ):
        told = terms((witness, purchaser, supervisor), custodians=pairs)
        assert (await refused(ceremony.begin(session, witness.actor, told, entropy=ENTROPY))).code == code
    told = terms((witness, purchaser, supervisor))
    begun = ceremony.begin(session, purchaser.actor, told, entropy=ENTROPY)
    assert (await refused(begun)).code == "ceremony.not_the_witness"


async def test_deals_are_given_out_together(session: AsyncSession, cast: Cast) -> None:
    """Until the last custodian has dealt nobody sees another's commitments, and nobody can certify."""
    deals = cast.table.deals()
    for one, data in list(zip(cast.people, deals, strict=True))[:2]:
        await rounds.deal(session, one.actor, cast.ceremony.id, data, entropy=ENTROPY)
    early = await refused(rounds.deals(session, cast.people[0].actor, cast.ceremony.id))
    assert (early.code, early.params) == ("ceremony.deals_missing", {"given": 2, "needed": 3})
    posting = rounds.certify(session, cast.people[0].actor, cast.ceremony.id, b"", entropy=ENTROPY)
    assert (await refused(posting)).code == "ceremony.wrong_state"


async def test_a_custodian_posts_once(session: AsyncSession, cast: Cast) -> None:
    """The same bytes again change nothing, whenever they come; other bytes are refused."""
    one, identity = cast.people[0], cast.ceremony.id
    first, second = (keymaking.deal(cast.table.setup, one.device, ENTROPY) for _ in range(2))
    await rounds.deal(session, one.actor, identity, first, entropy=ENTROPY)
    again = await rounds.deal(session, one.actor, identity, first, entropy=ENTROPY)
    assert again.dealt == (1,)
    posting = rounds.deal(session, one.actor, identity, second, entropy=ENTROPY)
    assert (await refused(posting)).code == "ceremony.already_posted"


async def test_a_custodian_posts_its_own_messages_only(session: AsyncSession, cast: Cast) -> None:
    """A well signed message of another custodian is not taken from this one."""
    deals = cast.table.deals()
    posting = rounds.deal(session, cast.people[0].actor, cast.ceremony.id, deals[1], entropy=ENTROPY)
    assert (await refused(posting)).code == "ceremony.not_yours"
    given = await deal_all(session, cast)
    setup, other = cast.table.setup, cast.people[1]
    certificate = transcript.certify(setup, keymaking.receive(setup, other.device, given), other.device)
    posting = rounds.certify(session, cast.people[0].actor, cast.ceremony.id, certificate, entropy=ENTROPY)
    assert (await refused(posting)).code == "ceremony.not_yours"


async def test_a_replaced_device_takes_no_part(session: AsyncSession, cast: Cast) -> None:
    """Who lost the device that was appointed cannot post with it, nor with a new one; a new key making is needed."""
    deal = cast.table.deals()[0]
    for device_key in (None, bytes(cast.people[1].device.verify_key)):
        actor = replace(cast.people[0].actor, device_key=device_key)
        posting = rounds.deal(session, actor, cast.ceremony.id, deal, entropy=ENTROPY)
        assert (await refused(posting)).code == "ceremony.other_device"


async def test_a_deal_that_anybody_can_refuse_is_not_stored(session: AsyncSession, cast: Cast) -> None:
    """A bad proof is refused at the door with the dealer's number."""
    wrong = Table(msgspec.structs.replace(cast.table.setup, ceremony=uuid4()), cast.table.devices, ENTROPY).deals()[0]
    posting = rounds.deal(session, cast.people[0].actor, cast.ceremony.id, wrong, entropy=ENTROPY)
    assert (await refused(posting)).code == "keymaking.wrong_setup"
    assert (await ceremony.find(session, cast.people[0].actor, cast.ceremony.id)).dealt == ()


async def test_a_true_complaint_ends_the_key_making(session: AsyncSession, cast: Cast) -> None:
    """The dealer is named in the ceremony and in the trail; nothing half-made is used."""
    table, identity = cast.table, cast.ceremony.id
    deals = table.deals()
    deals[1] = lying_deal(table, 2, victim=3, lie="share")
    for one, data in zip(cast.people, deals, strict=True):
        await rounds.deal(session, one.actor, identity, data, entropy=ENTROPY)
    said = complaint.write(table.setup, cast.people[2].device, deals[1], ENTROPY)
    not_mine = rounds.complain(session, cast.people[0].actor, identity, said, entropy=ENTROPY)
    assert (await refused(not_mine)).code == "ceremony.not_yours"
    ended = await rounds.complain(session, cast.people[2].actor, identity, said, entropy=ENTROPY)
    assert (ended.state, ended.reason, ended.blamed) == ("aborted", "bad_share", 2)
    honest = keymaking.receive(table.setup, cast.people[0].device, deals)
    certificate = transcript.certify(table.setup, honest, cast.people[0].device)
    posting = rounds.certify(session, cast.people[0].actor, identity, certificate, entropy=ENTROPY)
    assert (await refused(posting)).code == "ceremony.wrong_state"
    assert (await kinds(session))[-1] == "key_ceremony.complained"


async def test_a_false_complaint_changes_nothing(session: AsyncSession, cast: Cast) -> None:
    """Nobody can stop a key making by accusing an honest dealer."""
    deals = await deal_all(session, cast)
    said = complaint.write(cast.table.setup, cast.people[2].device, deals[0], ENTROPY)
    posting = rounds.complain(session, cast.people[2].actor, cast.ceremony.id, said, entropy=ENTROPY)
    assert (await refused(posting)).code == "complaint.false"
    assert (await ceremony.find(session, cast.people[0].actor, cast.ceremony.id)).state == "certifying"


async def test_a_custodian_who_leaves_lets_it_expire(session: AsyncSession, cast: Cast) -> None:
    """Past its time a key making takes nothing more and shows as expired; a new one is begun under a new id."""
    deals = cast.table.deals()
    await rounds.deal(session, cast.people[0].actor, cast.ceremony.id, deals[0], entropy=ENTROPY)
    await session.execute(text("UPDATE key_ceremony SET expires_at = made_at + interval '1 microsecond'"))
    session.expire_all()
    posting = rounds.deal(session, cast.people[1].actor, cast.ceremony.id, deals[1], entropy=ENTROPY)
    assert (await refused(posting)).code == "ceremony.expired"
    assert (await ceremony.find(session, cast.people[0].actor, cast.ceremony.id)).state == "expired"
    assert await ceremony.list_own(session, cast.people[1].actor) == []
    assert (await begin(session)).ceremony.id != cast.ceremony.id


async def test_an_abort_needs_a_reason_and_is_final(session: AsyncSession, cast: Cast) -> None:
    """Witness staff or a custodian may end it; a finished or ended one stays as it is."""
    actor, identity = cast.people[1].actor, cast.ceremony.id
    assert (await refused(ceremony.abort(session, actor, identity, " ", entropy=ENTROPY))).code == "ceremony.no_reason"
    ended = await ceremony.abort(session, actor, identity, "设备丢失", entropy=ENTROPY)
    assert (ended.state, ended.reason) == ("aborted", "设备丢失")
    again = ceremony.abort(session, actor, identity, "再次", entropy=ENTROPY)
    assert (await refused(again)).code == "ceremony.wrong_state"
    posting = rounds.deal(session, actor, identity, cast.table.deals()[1], entropy=ENTROPY)
    assert (await refused(posting)).code == "ceremony.wrong_state"


async def test_each_key_goes_to_one_lot(session: AsyncSession, cast: Cast) -> None:
    """Lots take the keys of a batch in order; the lot keeps the key's hash; when none is left it is said."""
    await finish(session, cast)
    staff = cast.people[0].actor
    first, second, third = [await draft_lot(session) for _ in range(3)]
    one = await ceremony.assign(session, staff, first, entropy=ENTROPY)
    two = await ceremony.assign(session, staff, second, entropy=ENTROPY)
    assert (one.index, two.index) == (0, 1)
    assert one == await ceremony.of_lot(session, first)
    verified = transcript.verify_transcript(await ceremony.transcript(session, one.transcript))
    assert verified.keys == (one, two)
    assert (await session.get_one(LotRow, first, populate_existing=True)).opening_key_hash == one.key_hash
    none = ceremony.assign(session, staff, third, entropy=ENTROPY)
    assert (await refused(none)).code == "opening_key.none_free"
    again = ceremony.assign(session, staff, first, entropy=ENTROPY)
    assert (await refused(again)).code == "lot.has_key"
    assert (await refused(ceremony.of_lot(session, third))).code == "opening_key.not_found"


async def test_a_lot_takes_keys_of_its_own_quorum_only(session: AsyncSession, cast: Cast) -> None:
    """A lot that asks for 3 of 5 does not get a 2-of-3 key, and strangers assign nothing."""
    await finish(session, cast)
    other = await draft_lot(session, threshold=3, custodians=5)
    none = ceremony.assign(session, cast.people[0].actor, other, entropy=ENTROPY)
    assert (await refused(none)).code == "opening_key.none_free"
    stranger = ceremony.assign(session, cast.people[1].actor, other, entropy=ENTROPY)
    assert (await refused(stranger)).code == "lot.not_found"


async def test_the_database_keeps_the_evidence(session: AsyncSession, cast: Cast) -> None:
    """Messages are never changed, a finished key making neither, and a key never changes its lot."""
    await finish(session, cast)
    lot = await draft_lot(session)
    other = await draft_lot(session)
    await ceremony.assign(session, cast.people[0].actor, lot, entropy=ENTROPY)
    for statement in (
        update(MessageRow).values(content=b""),
        update(CeremonyRow).values(state="aborted"),
        update(OpeningKeyRow).where(OpeningKeyRow.lot_id == lot).values(lot_id=other),
        update(OpeningKeyRow).values(public_key=bytes(32)),
        text("DELETE FROM key_message"),
        text("DELETE FROM opening_key"),
        text("TRUNCATE key_complaint"),
    ):
        with pytest.raises(DBAPIError, match=r"evidence|forward only|one lot, once"):
            async with session.begin_nested():
                await session.execute(statement)
