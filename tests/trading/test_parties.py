"""Parties: registered once by commitment, read by whom they concern, amended with their history kept."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import ANONYMOUS, Role, party
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind
from tests.trading.conftest import COMMITMENT, PEOPLE, code, person, profile
from trading import parties
from trading.party import Commitment

OWN = code(500)
OWNER = person(500, (Role.BIDDER, party(OWN)))


async def test_a_party_is_registered_by_its_own_people(session: AsyncSession, entropy: Entropy) -> None:
    """Its own people or acceptance staff register a party; others may not, and a wrong commitment is refused."""
    for actor in (ANONYMOUS, PEOPLE.stranger, PEOPLE.witness):
        with pytest.raises(GgzyError, match=r"party\.not_yours"):
            await parties.register(session, actor, OWN, profile(), COMMITMENT, entropy=entropy)
    with pytest.raises(GgzyError, match=r"party\.commitment_outdated"):
        await parties.register(session, OWNER, OWN, profile(), Commitment("1999", "张三"), entropy=entropy)
    made = await parties.register(session, OWNER, OWN, profile(), COMMITMENT, entropy=entropy)
    assert (made.uscc, made.revision) == (OWN, 1)
    assert await parties.get(session, OWN) == made
    with pytest.raises(GgzyError, match=r"party\.known"):
        await parties.register(session, PEOPLE.acceptance, OWN, profile(), COMMITMENT, entropy=entropy)


async def test_amendments_keep_what_was(session: AsyncSession, entropy: Entropy) -> None:
    """Each revision stays with its commitment, who gave it and when."""
    await parties.register(session, OWNER, OWN, profile("甲"), COMMITMENT, entropy=entropy)
    changed = await parties.amend(session, OWNER, OWN, profile("乙"), COMMITMENT, entropy=entropy)
    assert (changed.name, changed.revision) == ("乙", 2)
    history = await parties.history(session, OWNER, OWN)
    assert [(one.revision, one.profile.name, one.by) for one in history] == [
        (1, "甲", OWNER.user_id),
        (2, "乙", OWNER.user_id),
    ]
    assert await parties.names(session, {OWN, code(501)}) == {OWN: "乙"}


async def test_contacts_are_for_those_concerned(session: AsyncSession, entropy: Entropy) -> None:
    """A party's data exist for itself, acceptance staff and supervisors; for others they do not."""
    await parties.register(session, OWNER, OWN, profile(), COMMITMENT, entropy=entropy)
    for actor in (OWNER, PEOPLE.acceptance, PEOPLE.supervisor):
        assert (await parties.read(session, actor, OWN)).uscc == OWN
    for actor in (ANONYMOUS, PEOPLE.stranger, PEOPLE.bidders[0]):
        for read in (parties.read, parties.history):
            with pytest.raises(GgzyError) as caught:
                await read(session, actor, OWN)
            assert caught.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize("wrong", ["", "x", "\x00", "9" * 18, code(600)])
async def test_what_is_no_party_is_not_found(session: AsyncSession, wrong: str) -> None:
    """Whatever is asked for, known or not, well formed or not, the answer is the same."""
    with pytest.raises(GgzyError, match=r"party\.not_found"):
        await parties.read(session, PEOPLE.supervisor, wrong)
    with pytest.raises(GgzyError, match=r"party\.not_found"):
        await parties.history(session, PEOPLE.supervisor, wrong)
