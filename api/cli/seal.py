"""`ggzy seal`: seal a bid on the bidder's own machine, offline."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from api.cli import files, progress
from api.cli.passphrase import ask
from api.locale import words
from archive import receipt as receipts
from bidding import keyfile, plan, sealing
from bidding import target as targets
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


def _report(sealed: Sealed) -> None:
    for envelope in sealed.manifest.envelopes:
        name = words(f"cli.seal.kind.{envelope.kind.value}")
        print(words("cli.seal.envelope", {"name": name, "size": f"{envelope.length:,}", "root": envelope.root.hex()}))
    print(words("cli.seal.done", {"path": sealed.path, "size": f"{sealed.size:,}"}))
    print(words("cli.seal.digest", {"digest": sealed.manifest.digest().hex()}))


def _digest(receipt: Path) -> bytes:
    """Return the SHA-256 of receipt.json, the digest that its token stamps."""
    return hashlib.sha256(files.read(receipt, receipts.MAX_SIZE, "seal.no_file")).digest()
