"""Sites as data: any one main with any number of branches, established once."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import ANONYMOUS, SYSTEM, Role
from kernel.entropy import Entropy
from kernel.errors import GgzyError
from tests.trading.conftest import PEOPLE, person
from trading import sites


def text(*kinds: str) -> str:
    """Return a file of sites of these kinds."""
    return "".join(f'[[site]]\ncode = "{n:06d}"\nname = "场所{n}"\nkind = "{kind}"\n' for n, kind in enumerate(kinds))


def test_the_shipped_sites_are_one_main_and_three_branches() -> None:
    """一主三分: the main site 152502 and its three branches."""
    assert {plan.code: plan.kind for plan in sites.shipped()} == {
        "152502": "main",
        "152527": "branch",
        "152524": "branch",
        "152525": "branch",
    }


@pytest.mark.parametrize("branches", [0, 1, 3, 40])
async def test_any_number_of_branches_works(session: AsyncSession, entropy: Entropy, branches: int) -> None:
    """One main site alone, or with any number of branches; seeding again changes nothing."""
    plans = sites.parse(text("main", *["branch"] * branches))
    for _ in range(2):
        found = await sites.seed(session, SYSTEM, plans, entropy=entropy)
        assert [site.kind for site in found] == ["main"] + ["branch"] * branches


@pytest.mark.parametrize(
    "bad",
    [
        text("branch"),
        text("main", "main"),
        text("hall"),
        text("main") + text("main").replace("main", "branch"),
        text("main").replace("000000", "1525"),
        text("main") + "x = 1",
        "[[site]",
        "",
    ],
)
def test_bad_files_are_refused(bad: str) -> None:
    """No main, two mains, a code twice, another kind, anything unknown: refused with one code."""
    with pytest.raises(GgzyError, match=r"site\.bad_file"):
        sites.parse(bad)


async def test_only_the_system_administrator_adds_sites(session: AsyncSession, entropy: Entropy) -> None:
    """Nobody else sets up sites; a site is established once."""
    admin = person(50, (Role.SYSTEM_ADMIN, "*"))
    plan = sites.Plan("110105", "朝阳", "branch")
    for actor in (ANONYMOUS, PEOPLE.acceptance, PEOPLE.supervisor):
        with pytest.raises(GgzyError, match=r"site\.not_yours"):
            await sites.establish(session, actor, plan, entropy=entropy)
    await sites.establish(session, admin, plan, entropy=entropy)
    with pytest.raises(GgzyError, match=r"site\.known"):
        await sites.establish(session, admin, plan, entropy=entropy)
