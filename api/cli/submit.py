"""`ggzy submit`: send a sealed bid, going on where a broken upload stopped, and keep the checked receipt."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import bidder
from api.bidder import Pinned
from api.cli import files, progress
from api.cli.options import Token, Url
from api.client import Client
from api.locale import words
from archive import receipt as receipts
from bidding import bidfile
from bidding.bidfile import BidFile
from kernel.clock import SystemClock, isoformat
from kernel.errors import GgzyError, Kind


def command(
    bid: Annotated[Path, typer.Argument(help=words("cli.submit.bid"))],
    *,
    url: Url,
    token: Token,
    lot: Annotated[UUID | None, typer.Option(help=words("cli.submit.lot"))] = None,
    chain: Annotated[Path | None, typer.Option(help=words("cli.submit.chain"))] = None,
    vkey: Annotated[Path | None, typer.Option(help=words("cli.submit.vkey"))] = None,
    out: Annotated[Path | None, typer.Option(help=words("cli.submit.out"))] = None,
) -> None:
    """Upload, hand in, check the receipt, write receipt.* beside the bid."""
    sealed = bidfile.read(bid)
    if lot is not None and sealed.manifest.lot != lot:
        raise GgzyError("bid.other_lot", Kind.INVALID, envelope="")
    folder = bid.parent if out is None else out
    kept = asyncio.run(_submit(Client(url, token=token), sealed, chain, vkey, folder))
    said = receipts.decode(kept.content).event
    print(words("cli.submit.done", {"at": isoformat(said.at), "deadline": said.data["deadline"]}))
    print(words("cli.submit.receipt", {"path": folder / "receipt.json", "digest": kept.digest.decode().strip()}))


async def _submit(
    client: Client, sealed: BidFile, chain: Path | None, vkey: Path | None, folder: Path
) -> receipts.Files:
    async with client:
        keys = await pinned(client, chain, vkey)
        lot = await bidder.target(client, sealed.manifest.lot)
        total = sum(envelope.length for envelope in sealed.manifest.envelopes)
        with progress.bar(total, lambda: _left(lot.deadline)) as advance:
            return await bidder.submit(client, sealed, keys=keys, advance=advance, folder=folder)


async def pinned(client: Client, chain: Path | None, vkey: Path | None) -> Pinned:
    """Return the keys that the user has pinned; for what is left out, those that the platform names."""
    named = await bidder.pinned(client)
    return Pinned(
        named.chain_pem if chain is None else files.pin(chain),
        named.vkey if vkey is None else files.pin(vkey).decode("ascii", "replace"),
    )


def _left(deadline: datetime) -> str:
    seconds = max(0, int((deadline - SystemClock().now()).total_seconds()))
    hours, minutes = divmod(seconds // 60, 60)
    return words("cli.submit.left", {"hours": hours, "minutes": minutes, "seconds": seconds % 60})
