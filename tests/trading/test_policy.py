"""Who may do and see what: pure decisions on an actor and facts."""

from types import SimpleNamespace

import pytest

from kernel.actor import ANONYMOUS, SYSTEM, Actor, Role, site
from tests.trading.conftest import AGENCY, BIDDERS, MAIN, PEOPLE, PURCHASER, person
from trading import policy
from trading.lifecycle import By

HELD = SimpleNamespace(site=MAIN, purchaser=PURCHASER, agency=AGENCY)
ALONE = SimpleNamespace(site=MAIN, purchaser=PURCHASER, agency=None)


@pytest.mark.parametrize(
    ("actor", "found"),
    [
        (PEOPLE.purchaser, {By.TENDERER}),
        (PEOPLE.agency, {By.TENDERER}),
        (PEOPLE.acceptance, {By.ACCEPTANCE}),
        (PEOPLE.witness, {By.WITNESS}),
        (PEOPLE.supervisor, {By.SUPERVISOR}),
        (PEOPLE.archivist, {By.ARCHIVIST}),
        (PEOPLE.expert, {By.EXPERT}),
        (PEOPLE.stranger, set()),
        (PEOPLE.elsewhere, set()),
        (PEOPLE.bidders[0], set()),
        (ANONYMOUS, set()),
        (SYSTEM, {By.SYSTEM}),
        (person(70, (Role.SUPERVISOR, "*")), {By.SUPERVISOR}),
        (person(71, (Role.VENUE, site(MAIN))), set()),
        (person(72, (Role.SYSTEM_ADMIN, "*"), (Role.SECURITY_ADMIN, "*"), (Role.AUDIT_ADMIN, "*")), set()),
    ],
)
def test_qualities_come_from_roles_at_this_site_and_for_these_parties(actor: Actor, found: set[By]) -> None:
    """A role elsewhere or for another party gives nothing here; administrators of any kind have no part in a trade."""
    assert policy.qualities(actor, HELD) == found


def test_without_an_agency_nobody_is_the_agency() -> None:
    """A tender without an agency has no agency's people, not even of all agencies."""
    assert not policy.is_tenderer(PEOPLE.agency, ALONE)
    assert not policy.is_tenderer(person(73, (Role.AGENCY, "*")), ALONE)
    assert policy.is_tenderer(PEOPLE.purchaser, ALONE)


@pytest.mark.parametrize("announced", [False, True])
@pytest.mark.parametrize("invitees", [(), tuple(BIDDERS[:3])])
def test_who_sees_a_tender(*, announced: bool, invitees: tuple[str, ...]) -> None:
    """Insiders always; the public what is announced in public; the invited their invitation; nobody else anything."""
    seen = {
        name: policy.may_see(actor, HELD, announced=announced, invitees=invitees) is None
        for name, actor in {
            "agency": PEOPLE.agency,
            "supervisor": PEOPLE.supervisor,
            "public": ANONYMOUS,
            "invited": PEOPLE.bidders[0],
            "uninvited": PEOPLE.bidders[4],
        }.items()
    }
    public = announced and not invitees
    assert seen == {
        "agency": True,
        "supervisor": True,
        "public": public,
        "invited": announced,
        "uninvited": public,
    }


def test_only_who_runs_trades_brings_files() -> None:
    """The public, bidders, experts and administrators store nothing."""
    for actor in (PEOPLE.agency, PEOPLE.purchaser, PEOPLE.witness, PEOPLE.supervisor):
        assert policy.may_store_file(actor) is None
    for actor in (ANONYMOUS, PEOPLE.bidders[0], PEOPLE.expert, person(74, (Role.SYSTEM_ADMIN, "*"))):
        assert policy.may_store_file(actor) is not None
