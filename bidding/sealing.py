"""Sealing a bid: from forms and files on disk to one signed file, in one pass and in flat memory.

docs/spec/sealing.md and docs/spec/bid-file.md. Reading, encrypting and writing run in the caller's thread, hashing in a
second one. The head of the file has a size known beforehand, so the bodies are written first and the head last.
"""

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from io import FileIO
from pathlib import Path

from nacl.signing import SigningKey

from bidding import bidfile, encapsulation
from bidding import manifest as manifests
from bidding.form import Form
from bidding.header import Header, Suite
from bidding.manifest import Envelope, Manifest
from bidding.payload import FilePlan, PayloadSource
from bidding.segments import BodyHasher
from bidding.stream import BLOCK_SIZE, SEALED_BLOCK_SIZE, StreamSealer, cipher, sealed_length
from bidding.target import SealTarget
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind
from trading.lot import EnvelopeKind

_BUFFERS = 4
_NO_SIGNATURE = bytes(manifests.SIGNATURE_SIZE)

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class EnvelopePlan:
    """One envelope to be sealed: its form (whose list of files is made here) and its files."""

    form: Form
    files: tuple[FilePlan, ...] = ()


@dataclass(frozen=True, slots=True)
class Bidder:
    """Who seals: 统一社会信用代码, the device's signing key, and the 32-byte secret that two of the policies need."""

    uscc: str
    key: SigningKey = field(repr=False)
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was sealed; `size` is that of the file in bytes."""

    path: Path
    manifest: Manifest
    signature: bytes
    size: int


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An envelope complete but for its root, its plaintext and its payload key."""

    envelope: Envelope
    source: PayloadSource
    key: bytes = field(repr=False)


def seal_bid(
    target: SealTarget,
    plans: Sequence[EnvelopePlan],
    bidder: Bidder,
    suite: Suite = Suite.AES_256_GCM,
    *,
    entropy: Entropy,
    out: Path,
    previous: bytes | None = None,
    progress: Progress | None = None,
) -> Sealed:
    """Seal one bid into `out`, which appears only when it is whole.

    `previous` is the digest of the receipt that this bid replaces; `progress` is told the bytes of each block.
    Raises GgzyError ``seal.missing_envelope``, ``seal.unexpected_envelope``, ``seal.no_file``, ``seal.file_changed``,
    ``seal.no_space`` and those of `form` and `encapsulation`.
    """
    ordered = _order(plans, target.kinds)
    partial = out.with_name(out.name + ".partial")
    with ExitStack() as stack:
        sources = [stack.enter_context(PayloadSource(plan.form, plan.files)) for plan in ordered]
        prepared = [_prepare(target, source, bidder, suite, entropy) for source in sources]
        draft = Manifest(
            tender=target.tender,
            lot=target.lot,
            bidder=bidder.uscc,
            deadline=target.deadline,
            previous=previous,
            signer=bytes(bidder.key.verify_key),
            envelopes=tuple(one.envelope for one in prepared),
        )
        stack.callback(partial.unlink, missing_ok=True)
        try:
            manifest, signature, size = _write(partial, draft, prepared, bidder.key, progress)
            partial.replace(out)
        except OSError as error:
            raise GgzyError("seal.no_space", Kind.UNAVAILABLE, reason=os.strerror(error.errno or 0)) from error
    return Sealed(out, manifest, signature, size)


def plaintext_length(plans: Sequence[EnvelopePlan]) -> int:
    """Return how many bytes sealing these plans will report as progress."""
    return sum(PayloadSource(plan.form, plan.files).length for plan in plans)


def _order(plans: Sequence[EnvelopePlan], kinds: tuple[EnvelopeKind, ...]) -> list[EnvelopePlan]:
    given: dict[EnvelopeKind, EnvelopePlan] = {}
    for plan in plans:
        if plan.form.kind not in kinds or plan.form.kind in given:
            raise GgzyError("seal.unexpected_envelope", Kind.INVALID, envelope=plan.form.kind.value)
        given[plan.form.kind] = plan
    for kind in kinds:
        if kind not in given:
            raise GgzyError("seal.missing_envelope", Kind.INVALID, envelope=kind.value)
    return [given[kind] for kind in kinds]


def _prepare(target: SealTarget, source: PayloadSource, bidder: Bidder, suite: Suite, entropy: Entropy) -> _Prepared:
    fresh = encapsulation.encapsulate(target.opening_key, entropy)
    header = Header(
        suite=suite,
        policy=target.policy,
        kind=source.form.kind,
        tender=target.tender,
        lot=target.lot,
        bidder=bidder.uscc,
        deadline=target.deadline,
        key=target.key,
        point=fresh.point,
        padded_length=source.length,
    )
    secret = encapsulation.bidder_secret(bidder.secret, header)
    key, preamble = encapsulation.bind(header, fresh, secret, entropy)
    return _Prepared(Envelope(header, preamble, sealed_length(source.length), bytes(32)), source, key)


def _write(
    path: Path, draft: Manifest, prepared: list[_Prepared], key: SigningKey, progress: Progress | None
) -> tuple[Manifest, bytes, int]:
    """Write bodies, then the head; return the manifest with its roots, its signature and the file's size."""
    start = len(bidfile.head(draft, _NO_SIGNATURE))
    size = start + sum(envelope.length for envelope in draft.envelopes)
    with FileIO(path, "wb") as file, ThreadPoolExecutor(1) as hashing:
        os.posix_fallocate(file.fileno(), 0, size)
        file.seek(start)
        envelopes = [replace(one.envelope, root=_write_body(file, one, hashing, progress)) for one in prepared]
        manifest = replace(draft, envelopes=tuple(envelopes))
        signature = manifests.sign(manifest, key)
        file.seek(0)
        _write_all(file, memoryview(bidfile.head(manifest, signature)))
    return manifest, signature, size


def _write_body(file: FileIO, one: _Prepared, hashing: ThreadPoolExecutor, progress: Progress | None) -> bytes:
    """Seal one payload behind what is written; a block's buffer is used again when its hash is done."""
    sealer = StreamSealer(cipher(one.envelope.header.suite, one.key), one.source.length)
    tree = BodyHasher()
    plain = memoryview(bytearray(BLOCK_SIZE))
    buffers = [memoryview(bytearray(SEALED_BLOCK_SIZE)) for _ in range(_BUFFERS)]
    hashed: deque[Future[None]] = deque()
    block = 0
    while size := one.source.read_into(plain):
        if len(hashed) == _BUFFERS:
            hashed.popleft().result()
        sealed = sealer.seal(plain[:size], buffers[block % _BUFFERS])
        hashed.append(hashing.submit(tree.update, sealed))
        _write_all(file, sealed)
        if progress is not None:
            progress(size)
        block += 1
    for future in hashed:
        future.result()
    return tree.root()


def _write_all(file: FileIO, view: memoryview) -> None:
    while view:
        view = view[file.write(view) or 0 :]
