"""`ggzy submit`: send a sealed bid, going on where a broken upload stopped, and keep the checked receipt."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import bidder
from api.bidder import Pinned
from api.client import Client
from api.locale import words
from archive import receipt as receipts
from bidding import bidfile
from bidding.bidfile import BidFile
from kernel.clock import SystemClock, isoformat
from kernel.errors import GgzyError, Kind

MAX_PIN = 64 << 10


def command(
    bid: Annotated[Path, typer.Argument(help=words("cli.submit.bid"))],
    *,
    url: Annotated[str, typer.Option(envvar="GGZY_URL", help=words("cli.key.url"))],
    token: Annotated[str, typer.Option(envvar="GGZY_TOKEN", help=words("cli.key.token"))],
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
    files = asyncio.run(_submit(Client(url, token=token), sealed, chain, vkey, folder))
    said = receipts.decode(files.content).event
    print(words("cli.submit.done", {"at": isoformat(said.at), "deadline": said.data["deadline"]}))
    print(words("cli.submit.receipt", {"path": folder / "receipt.json", "digest": files.digest.decode().strip()}))


async def _submit(
    client: Client, sealed: BidFile, chain: Path | None, vkey: Path | None, folder: Path
) -> receipts.Files:
    async with client:
        keys = await pinned(client, chain, vkey)
        lot = await bidder.target(client, sealed.manifest.lot)
        total = sum(envelope.length for envelope in sealed.manifest.envelopes)
        with _watched(total, lot.deadline) as advance:
            return await bidder.submit(client, sealed, keys=keys, advance=advance, folder=folder)


async def pinned(client: Client, chain: Path | None, vkey: Path | None) -> Pinned:
    """Return the keys that the user has pinned; for what is left out, those that the platform names."""
    named = await bidder.pinned(client)
    return Pinned(
        named.chain_pem if chain is None else _read(chain),
        named.vkey if vkey is None else _read(vkey).decode("ascii", "replace"),
    )


@contextlib.contextmanager
def _watched(total: int, deadline: datetime) -> Iterator[Callable[[int], None]]:
    """Show progress, speed, time left for the upload, and time left before the deadline."""
    if not sys.stderr.isatty():
        yield lambda _size: None
        return
    from rich import progress  # noqa: PLC0415 - slow to import, needed for people only
    from rich.console import Console  # noqa: PLC0415 - slow to import, needed for people only

    columns = (
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.description}"),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(_left(deadline), total=total)
        yield lambda size: bars.update(task, advance=size, description=_left(deadline))


def _left(deadline: datetime) -> str:
    seconds = max(0, int((deadline - SystemClock().now()).total_seconds()))
    hours, minutes = divmod(seconds // 60, 60)
    return words("cli.submit.left", {"hours": hours, "minutes": minutes, "seconds": seconds % 60})


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_PIN)
    except OSError as error:
        raise GgzyError("custody.no_pin", Kind.NOT_FOUND, name=path.name) from error
