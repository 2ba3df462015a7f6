"""The map of sites holds for any one main site with any number of branches."""

from datetime import UTC, datetime
from itertools import combinations
from math import dist

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.pages.public_map import HEIGHT, MIDDLE_X, MIDDLE_Y, WIDTH, layout
from trading import sites
from trading.sites import Site

BEARINGS = st.lists(st.none() | st.integers(0, 359), max_size=12)


def _sites(bearings: list[int | None]) -> list[Site]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    main = Site("150000", "主", "main", at)
    return [main, *(Site(f"15{n:04d}", f"分{n}", "branch", at, bearing=b) for n, b in enumerate(bearings, 1))]


@given(BEARINGS)
@example([0, 359])
@example([350, 355, 358, 1, 2, 3])
@example([359] * 12)
def test_every_site_is_on_the_map_and_none_covers_another(bearings: list[int | None]) -> None:
    """Each site once, inside the picture, the main one in the middle, circles apart."""
    listed = _sites(bearings)
    places = layout(listed)
    assert {place.site.code for place in places} == {site.code for site in listed}
    assert [place.is_main for place in places] == [True] + [False] * len(bearings)
    assert (places[0].x, places[0].y) == (MIDDLE_X, MIDDLE_Y)
    assert all(40 <= place.x <= WIDTH - 40 and 30 <= place.y <= HEIGHT - 60 for place in places)
    assert all(dist((one.x, one.y), (two.x, two.y)) > 20 for one, two in combinations(places, 2))


@pytest.mark.parametrize(("bearing", "x", "y"), [(0, 0, -1), (90, 1, 0), (180, 0, 1), (270, -1, 0)])
def test_north_is_up(bearing: int, x: int, y: int) -> None:
    """A branch lies in the direction that it has in the country."""
    place = layout(_sites([bearing]))[1]
    assert (round(place.x - MIDDLE_X) > 1) == (x > 0)
    assert (round(place.y - MIDDLE_Y) < -1) == (y < 0)
    assert (round(place.x - MIDDLE_X) < -1) == (x < 0)
    assert (round(place.y - MIDDLE_Y) > 1) == (y > 0)


def test_the_shipped_sites_lie_where_they_lie() -> None:
    """South, west and north branches of the first installation."""
    bearings = {plan.name: plan.bearing for plan in sites.shipped() if plan.kind == "branch"}
    assert bearings == {"太仆寺旗": 180, "苏尼特右旗": 270, "东乌珠穆沁旗": 30}
