"""The program put together: settings become engine, store, authority, signer. Only here are clock and entropy made."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from api import sandbox
from api.accounts import vault
from api.accounts.passwords import Passwords
from api.accounts.vault import Vault
from api.settings import Settings
from archive.note import Signer, new_signer
from archive.signature import Seal, new_seal_keys
from archive.store import FolderStore, ObjectStore, S3Store
from archive.timestamp import Authority, LocalAuthority, RemoteAuthority, new_authority_keys
from kernel import database
from kernel.actor import SYSTEM
from kernel.clock import Clock, SystemClock
from kernel.database import Sessions
from kernel.entropy import Entropy, SystemEntropy
from kernel.errors import GgzyError, Kind
from trading import calendar, halls, sites

PEPPER_SIZE = 32


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything that requests, jobs and commands are served with."""

    settings: Settings
    engine: AsyncEngine
    sessions: Sessions
    store: ObjectStore
    authority: Authority
    chain_pem: bytes
    """The time authority's certificates, to be pinned by others."""
    seal: Seal
    """Signs what the installation issues on paper."""
    signer: Signer
    pepper: bytes
    """The key of the hashes of 身份证号 in the pool of experts; every server of an installation needs the same."""
    entropy: Entropy
    passwords: Passwords
    vault: Vault
    """Seals the seeds of one-time codes; every server of an installation needs the same key."""
    clock: Clock
    """What pages show; what is decided is decided by the database's clock."""


@contextlib.asynccontextmanager
async def installed(settings: Settings) -> AsyncIterator[Installation]:
    """Open an installation on a migrated database, making at first start what belongs to it; close it at the end.

    Raises GgzyError ``database.no_url``.
    """
    if settings.database_url is None:
        raise GgzyError("database.no_url", Kind.UNAVAILABLE)
    url = settings.database_url.get_secret_value()
    clock: Clock = sandbox.SandboxClock() if settings.sandbox else SystemClock()
    entropy = SystemEntropy()
    async with contextlib.AsyncExitStack() as stack:
        engine = await _engine(stack, url, settings.pool_size)
        sessions = database.sessions(engine)
        await _first_start(sessions, settings, clock, entropy)
        authority, chain_pem = await _authority(stack, settings, clock, entropy)
        if isinstance(clock, sandbox.SandboxClock):
            aside = database.sessions(await _engine(stack, url, 2))
            authority = sandbox.SandboxAuthority(authority, clock, aside)
        yield Installation(
            settings=settings,
            engine=engine,
            sessions=sessions,
            store=await _store(settings, clock),
            authority=authority,
            chain_pem=chain_pem,
            seal=Seal.load(settings.data_dir / "seal", authority),
            signer=_signer(settings, entropy),
            pepper=_secret(settings.data_dir, "pool/pepper", lambda: entropy.token(PEPPER_SIZE)),
            entropy=entropy,
            passwords=Passwords(settings.password_memory),
            vault=Vault(_secret(settings.data_dir, "accounts/vault", lambda: entropy.token(vault.KEY_SIZE))),
            clock=clock,
        )


async def _first_start(sessions: Sessions, settings: Settings, clock: Clock, entropy: Entropy) -> None:
    """Say what this database is, make the authority's keys, set up the sites; every later start changes nothing."""
    async with sessions.begin() as session:
        await sandbox.declare(session, sandbox=settings.sandbox)
        if isinstance(clock, sandbox.SandboxClock):
            await clock.follow(session)
        await sites.seed(session, SYSTEM, sites.shipped(), entropy=entropy)
        await calendar.seed(session, SYSTEM, entropy=entropy)
        await halls.seed(session, SYSTEM, halls.shipped(), entropy=entropy)
    with _alone(settings.data_dir):
        new_authority_keys(settings.data_dir / "tsa", clock=clock, entropy=entropy, sandbox=settings.sandbox)
        new_seal_keys(settings.data_dir / "seal", clock=clock, entropy=entropy, sandbox=settings.sandbox)


async def _engine(stack: contextlib.AsyncExitStack, url: str, pool_size: int) -> AsyncEngine:
    engine = database.connect(url, pool_size=pool_size)
    stack.push_async_callback(engine.dispose)
    return engine


async def _authority(
    stack: contextlib.AsyncExitStack, settings: Settings, clock: Clock, entropy: Entropy
) -> tuple[Authority, bytes]:
    if settings.tsa_url is None:
        local = LocalAuthority.load(settings.data_dir / "tsa", clock=clock, entropy=entropy)
        return local, local.chain_pem
    if settings.tsa_chain is None or settings.sandbox:  # an outside clock cannot be moved
        raise GgzyError("timestamp.bad_settings", Kind.UNAVAILABLE)
    client = await stack.enter_async_context(httpx.AsyncClient(timeout=10))
    read = await asyncio.to_thread(settings.tsa_chain.read_bytes)
    chain_pem = read.strip() + b"\n"  # as pages hash it for people to compare, and as everybody downloads it
    return RemoteAuthority(settings.tsa_url, chain_pem, entropy=entropy, client=client), chain_pem


async def _store(settings: Settings, clock: Clock) -> ObjectStore:
    if settings.s3_endpoint is None:
        return FolderStore(settings.data_dir / "store", clock=clock)
    secret = settings.s3_secret_key.get_secret_value()
    store = S3Store.connect(
        settings.s3_endpoint,
        settings.s3_access_key,
        secret,
        settings.s3_bucket,
        region=settings.s3_region,
        secure=settings.s3_secure,
    )
    await store.prepare()
    return store


def _signer(settings: Settings, entropy: Entropy) -> Signer:
    """Return the log's signer; its seed is made at first start."""
    seed = _secret(settings.data_dir, "log/seed", lambda: new_signer(settings.log_origin, entropy)[1])
    return Signer(settings.log_origin, seed)


def _secret(data_dir: Path, name: str, make: Callable[[], bytes]) -> bytes:
    """Return a secret of the data folder, made at first start and readable by us alone."""
    path = data_dir / name
    with _alone(data_dir):
        if path.exists():
            return path.read_bytes()
        made = make()
        path.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
            handle.write(made)
            handle.flush()
            os.fsync(handle.fileno())
        unfinished.rename(path)
        return made


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Let one process at a time make keys in the data folder."""
    data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (data_dir / "keys.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
