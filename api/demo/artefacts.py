"""Acts: the trade is filed; what outsiders rely on is written into one folder, fetched as an outsider would."""

import asyncio
import json
import shutil
import tempfile
from pathlib import Path

from api.client import Client
from api.demo.cast import Cast
from api.demo.console import Stage
from api.demo.entry import Trade
from api.demo.experts import Panel
from api.demo.patience import patiently
from archive import tiles
from archive.package import tar

RECEIPT = ("receipt.json", "receipt.digest", "receipt.tsr", "receipt.proof")


async def file(stage: Stage, cast: Cast, trade: Trade) -> None:
    """Have the archivist file the trade as one bag."""
    with stage.act("archive"):
        client, path = cast["archivist"].client, f"/api/v1/tenders/{trade.tender['id']}/archive"
        filed = await patiently(lambda: client.post(path))
        trade.facts["archive"] = {"digest": filed["digest"], "files": filed["files"], "size": filed["size"]}
        stage.say("filed", files=filed["files"], size=f"{filed['size'] / 1e6:.1f}", digest=filed["digest"])


async def write(stage: Stage, cast: Cast, trade: Trade, panel: Panel, out: Path) -> None:
    """Write the artefacts of docs/architecture.md, "The demo", into a fresh folder."""
    with stage.act("artefacts"):
        await asyncio.to_thread(out.mkdir, parents=True)
        public, supervisor = Client(cast.url), cast["supervisor"].client
        async with public:
            about = await public.get("/api/v1/installation")
            _write(out / "tsa/chain.pem", about["tsa_chain"].encode())
            transcript = await public.content(f"/api/v1/transcripts/{trade.facts['transcript']}")
            _write(out / "opening-key/transcript.json", transcript)
            await asyncio.to_thread(_bids, trade, out / "bids")
            for lot in trade.lots:
                draw = await supervisor.content(f"/api/v1/draws/{panel.draws[lot['id']]}/transcript")
                name = "transcript.json" if lot["number"] == 1 else f"transcript-lot{lot['number']}.json"
                _write(out / "draw" / name, draw)
            await _package(cast["archivist"].client, trade.tender["id"], out / "archive")
            await _log(public, about["log_vkey"], out / "log")
        stage.say("written", count=await asyncio.to_thread(_count, out))


def summarise(stage: Stage, cast: Cast, trade: Trade, out: Path) -> None:
    """Write summary.json: ids, steps and their durations, who may sign in with what."""
    summary = {
        "format": "ggzy/demo-summary/v1",
        "sandbox": True,
        "tender": {"id": trade.tender["id"], "code": trade.tender["code"], "title": trade.tender["title"]},
        "lots": [{"id": lot["id"], "number": lot["number"], "title": lot["title"]} for lot in trade.lots],
        "bids": [
            {"number": number, "lot": bid.lot["number"], "bidder": bid.bidder, "price": str(bid.price)}
            for number, bid in enumerate(trade.handed_in, 1)
        ],
        "facts": trade.facts,
        "steps": stage.steps,
        "logins": cast.logins(),
    }
    _write(out / "summary.json", json.dumps(summary, ensure_ascii=False, indent=2, default=str).encode())


def _bids(trade: Trade, out: Path) -> None:
    for number, bid in enumerate(trade.handed_in, 1):
        folder = out / str(number)
        folder.mkdir(parents=True)
        for name in ("bid.sealed", *RECEIPT):
            shutil.copyfile(bid.folder / name, folder / name)


async def _package(client: Client, tender_id: str, out: Path) -> None:
    """Download the package and unpack it, never holding it in memory."""
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".package-") as scratch:
        packed = Path(scratch) / "package.tar"
        with packed.open("wb") as file:
            async with client.download(f"/api/v1/tenders/{tender_id}/archive/package.tar") as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(file.write, chunk)
        bag = await asyncio.to_thread(tar.unpack, packed, Path(scratch) / "bag")
        await asyncio.to_thread(bag.rename, out)


async def _log(public: Client, vkey: str, out: Path) -> None:
    """Mirror the log as any monitor does: the checkpoint, then the tiles of a tree of its size."""
    note = await public.content("/log/checkpoint")
    _write(out / "vkey", f"{vkey}\n".encode())
    _write(out / "checkpoint", note)
    for tile in tiles.tiles_of(int(note.split(b"\n")[1])):
        path = tiles.path(tile)
        _write(out / path, await public.content(f"/log/{path}"))


def _count(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
