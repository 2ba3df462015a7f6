"""What goes into the file of one trade: items with a path, a role and a source, and the trade that they belong to.

Paths are ASCII, so that a bag survives every file system and every archive's tools; titles, which are Chinese, stand in
the index. Roles are the names that a rule pack lists under ``archive.required``.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kernel.errors import GgzyError, Kind

MAX_PATH = 180
MAX_TITLE = 200
_PATH = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*){0,7}", re.ASCII)
_ROLE = re.compile(r"[a-z_]{1,40}", re.ASCII)
RESERVED = ("index.json", "metadata.json", "report/")
# Names that Windows takes for devices, whatever their extension.
_DEVICES = re.compile(r"(^|/)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|/|$)")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file put together from pieces in order: bytes as they are, a string for a key of the object store.

    `size` (bytes) and `sha256` (hexadecimal), where the contributor knows them, are checked on the way.
    """

    pieces: tuple[str | bytes, ...]
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One file of the package: its path below ``data/``, its role, its title for people, and where it comes from."""

    path: str
    role: str
    title: str
    source: bytes | Stored


@dataclass(frozen=True, slots=True)
class Trade:
    """What the package says about its trade: `site` is the code of the centre's site, `organization` the centre's name.

    `closed_at` is the moment that the package is made for: no other time goes in.
    """

    id: UUID
    code: str
    title: str
    trade_type: str
    region: str
    site: str
    organization: str
    purchaser: str
    closed_at: datetime
    retention_years: int
    sandbox: bool


def check(item: Item) -> Item:
    """Return the item if path, role and title have their form; GgzyError ``package.bad_item``."""
    reserved = any(item.path == name or (name.endswith("/") and item.path.startswith(name)) for name in RESERVED)
    if reserved or not is_path(item.path) or not is_role(item.role):
        raise GgzyError("package.bad_item", Kind.INVALID, path=item.path[:MAX_PATH])
    if not 0 < len(item.title) <= MAX_TITLE or not item.title.isprintable():
        raise GgzyError("package.bad_item", Kind.INVALID, path=item.path)
    return item


def is_role(role: str) -> bool:
    """Tell whether this may be a role."""
    return bool(_ROLE.fullmatch(role))


def is_path(path: str) -> bool:
    """Tell whether a path may stand in a bag: lower-case ASCII, no dots leading out, no device names."""
    return len(path) <= MAX_PATH and bool(_PATH.fullmatch(path)) and not _DEVICES.search(path)
