"""The map of the sites (一主三分) as a schematic: the main site in the middle, branches where they lie. Pure.

Coordinates are those of an SVG of `WIDTH` × `HEIGHT`; names stand under the circles and need room at the edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin

from trading.sites import Site

WIDTH, HEIGHT = 640, 420
REACH_X, REACH_Y = 235, 135
MIDDLE_X, MIDDLE_Y = WIDTH / 2, HEIGHT / 2 - 10
APART = 20  # degrees between two branches, at least, where there is room


@dataclass(frozen=True, slots=True)
class Place:
    """A site and the centre of its circle."""

    site: Site
    x: float
    y: float

    @property
    def is_main(self) -> bool:
        """Tell whether it is the main site."""
        return self.site.kind == "main"


def layout(sites: Sequence[Site]) -> list[Place]:
    """Return the places of one main and any number of branches, the main one first."""
    main = [Place(site, MIDDLE_X, MIDDLE_Y) for site in sites if site.kind == "main"]
    branches = [site for site in sites if site.kind != "main"]
    return main + [_at(site, angle) for site, angle in zip(*_spread(branches), strict=True)]


def _spread(branches: Sequence[Site]) -> tuple[list[Site], list[float]]:
    """Return the branches in the order of their bearings, and angles that keep them apart.

    Who has no bearing comes last and shares what room is left.
    """
    known = sorted((site for site in branches if site.bearing is not None), key=lambda site: site.bearing or 0)
    unknown = [site for site in branches if site.bearing is None]
    angles = _kept_apart([float(site.bearing or 0) for site in known], min(APART, 360 / max(1, len(branches))))
    begin, room = _widest(angles)
    step = room / (len(unknown) + 1)
    return [*known, *unknown], [*angles, *(begin + step * (at + 1) for at in range(len(unknown)))]


def _kept_apart(bearings: list[float], apart: float) -> list[float]:
    """Return sorted bearings turned on where they are too close, and back where that leads around to the first."""
    angles = list(bearings)
    for at in range(1, len(angles)):
        angles[at] = max(angles[at], angles[at - 1] + apart)
    limit = angles[0] + 360 if angles else 0.0
    for at in reversed(range(1, len(angles))):
        limit = angles[at] = min(angles[at], limit - apart)
    return angles


def _widest(angles: list[float]) -> tuple[float, float]:
    """Return where the widest gap between angles begins and how wide it is."""
    if not angles:
        return 0.0, 360.0
    following = [*angles[1:], angles[0] + 360]
    gaps = [(after - before, before) for before, after in zip(angles, following, strict=True)]
    width, begin = max(gaps)
    return begin, width


def _at(site: Site, angle: float) -> Place:
    turned = radians(angle)
    return Place(site, round(MIDDLE_X + REACH_X * sin(turned), 1), round(MIDDLE_Y - REACH_Y * cos(turned), 1))
