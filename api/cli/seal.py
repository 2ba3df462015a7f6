"""`ggzy seal`: seal a bid on the bidder's own machine, offline."""

import hashlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli import files, progress
from api.cli.passphrase import ask
from api.locale import words
from archive import receipt as receipts
from bidding import keyfile, keysetup, plan, sealing
from bidding import target as targets
from bidding import transcript as transcripts
from bidding.header import Suite
from bidding.sealing import Bidder, Sealed
from bidding.target import SealTarget
from kernel.clock import isoformat
from kernel.entropy import SystemEntropy


def command(
    *,
    target: Annotated[Path, typer.Option(help=words("cli.seal.target"))],
    bid: Annotated[Path, typer.Option(help=words("cli.seal.bid"))],
    key: Annotated[Path, typer.Option(help=words("cli.seal.key"))],
    transcript: Annotated[Path | None, typer.Option(help=words("cli.seal.transcript"))] = None,
    out: Annotated[Path, typer.Option(help=words("cli.seal.out"))] = Path("bid.sealed"),
    replaces: Annotated[Path | None, typer.Option(help=words("cli.seal.replaces"))] = None,
    passphrase_file: Annotated[Path | None, typer.Option(help=words("cli.seal.passphrase_file"))] = None,
    suite: Annotated[int, typer.Option(help=words("cli.seal.suite"), min=1, max=2)] = 1,
) -> None:
    """Read target, plan and key, seal into one file, and say what was sealed."""
    lot = targets.parse(files.read(target, targets.MAX_SIZE, "seal.no_file"))
    planned = plan.read(bid)
    previous = None if replaces is None else _digest(replaces)
    keys = keyfile.load(key, ask(passphrase_file))
    bidder = Bidder(planned.bidder, keys.signing_key(), keys.secret(keyfile.BIDDER_SECRET))
    _announce(lot)
    _check_key(lot, transcript)
    with progress.bar(sealing.plaintext_length(planned.envelopes)) as advance:
        sealed = sealing.seal_bid(
            lot,
            planned.envelopes,
            bidder,
            Suite(suite),
            entropy=SystemEntropy(),
            out=out,
            previous=previous,
            progress=advance,
        )
    _report(sealed)


def _announce(lot: SealTarget) -> None:
    print(words("cli.seal.lot", {"platform": lot.platform, "title": lot.title}))
    print(words("cli.seal.deadline", {"deadline": isoformat(lot.deadline)}))
    if lot.sandbox:
        print(words("cli.seal.sandbox"))


def _check_key(lot: SealTarget, transcript: Path | None) -> None:
    """Show who holds the key, by the transcript that they all signed; without it the platform's word is believed."""
    if transcript is None:
        print(words("cli.seal.unchecked"), file=sys.stderr)
        return
    key = targets.check_key(lot, files.read(transcript, transcripts.MAX_BYTES, "seal.no_file"))
    print(words("cli.seal.checked", {"threshold": key.threshold, "size": len(key.custodians)}))
    for one in key.custodians:
        fingerprint = keysetup.fingerprint(bytes.fromhex(one.device_key))
        role = words(f"cli.key.role.{one.role}")
        print(words("cli.key.make.custodian", {"index": one.index, "name": one.name, "role": role, "key": fingerprint}))


def _report(sealed: Sealed) -> None:
    for envelope in sealed.manifest.envelopes:
        name = words(f"cli.seal.kind.{envelope.kind.value}")
        print(words("cli.seal.envelope", {"name": name, "size": f"{envelope.length:,}", "root": envelope.root.hex()}))
    print(words("cli.seal.done", {"path": sealed.path, "size": f"{sealed.size:,}"}))
    print(words("cli.seal.digest", {"digest": sealed.manifest.digest().hex()}))


def _digest(receipt: Path) -> bytes:
    """Return the SHA-256 of receipt.json, the digest that its token stamps."""
    return hashlib.sha256(files.read(receipt, receipts.MAX_SIZE, "seal.no_file")).digest()
