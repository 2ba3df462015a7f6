"""What somebody takes out of the trail: CSV as it is read, XLSX and the signed bundle by way of a file on disk."""

import asyncio
import csv
import io
import tempfile
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import xlsxwriter
from sqlalchemy.ext.asyncio import AsyncSession

from api import trail_rows, trails
from api.locale import words
from api.wiring import Installation
from archive import bundle, export, sequencer
from archive.export import Export
from archive.package import entries
from archive.trail import Entry, Filter, Reading
from kernel.actor import Actor
from kernel.errors import GgzyError, Kind

CHUNK = 1 << 20
MAX_ROWS = 1_000_000  # a sheet of Excel holds 1,048,576
MAX_CELL = 32_767
BOM = "\ufeff"
# What Excel and others take for a formula at the beginning of a cell (OWASP, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r")
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "bundle": "application/zip",
}
SUFFIXES = {"csv": "csv", "xlsx": "xlsx", "bundle": "zip"}


@dataclass(frozen=True, slots=True)
class Taken:
    """Whose export of what, with the rights that its reader has now."""

    export: Export
    actor: Actor
    wanted: Filter
    reading: Reading

    @classmethod
    async def prepare(cls, session: AsyncSession, actor: Actor, found: Export) -> "Taken":
        """Look up what trading knows: the trades of a site that was asked for, the reader's own."""
        wanted, site = found.filter(), found.asked.get("site")
        if site is not None:
            wanted = replace(wanted, trades=await trails.of_site(session, site))
        return cls(found, actor, wanted, await trails.reading(session, actor))


async def content(taken: Taken, installation: Installation) -> AsyncIterator[bytes]:
    """Yield the bytes of an export in its form."""
    if taken.export.form == "csv":
        async for piece in _csv(taken, installation):
            yield piece
        return
    with tempfile.TemporaryDirectory(prefix="ggzy-") as folder:
        write = _xlsx if taken.export.form == "xlsx" else _bundle
        path = await write(taken, installation, Path(folder))
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, CHUNK):
                yield piece


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


async def _csv(taken: Taken, installation: Installation) -> AsyncIterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    text.write(BOM)  # by it Excel knows UTF-8
    writer.writerow([words(code) for code in trail_rows.COLUMNS])
    async for rows in _rows(taken, installation):
        writer.writerows([guarded(cell) for cell in row] for row in rows)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


async def _xlsx(taken: Taken, installation: Installation, folder: Path) -> Path:
    path = folder / "trail.xlsx"
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "tmpdir": str(folder)}
    book = xlsxwriter.Workbook(str(path), options)
    try:
        await _fill(book, taken, installation)
    finally:
        await asyncio.to_thread(book.close)  # packs the whole sheet, which takes seconds of a large one
    return path


async def _fill(book: xlsxwriter.Workbook, taken: Taken, installation: Installation) -> None:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    for column, code in enumerate(trail_rows.COLUMNS):
        sheet.write_string(0, column, words(code), bold)
    line = 0
    async for rows in _rows(taken, installation):
        if line + len(rows) > MAX_ROWS:
            raise GgzyError("export.too_many_rows", Kind.TOO_LARGE, limit=MAX_ROWS)
        for row in rows:
            line += 1
            for column, cell in enumerate(row):
                sheet.write_string(line, column, cell[:MAX_CELL])


async def _bundle(taken: Taken, installation: Installation, folder: Path) -> Path:
    """Write the files of docs/spec/trail-bundle.md and pack them unpacked, so that a browser reads them in place."""
    found, path = taken.export, folder / "bundle.zip"
    digest, count = sha256(), 0
    with (folder / bundle.ENTRIES).open("wb") as lines:
        async for session, page in export.pages(installation.sessions, taken.actor, taken.wanted, taken.reading):
            proven = await export.proven(session, page, found.size)
            block = entries.encode([entry for entry, _ in proven], [path for _, path in proven])
            digest.update(block)
            count += len(page)
            await asyncio.to_thread(lines.write, block)
    for name, data in (await _proofs(taken, installation, digest.hexdigest(), count)).items():
        (folder / name).write_bytes(data)
    await asyncio.to_thread(_pack, folder, path)
    return path


async def _proofs(taken: Taken, installation: Installation, digest: str, count: int) -> dict[str, bytes]:
    """Return the small files of a bundle: what the log and the time authority say of its lines."""
    found, signer = taken.export, installation.signer
    async with installation.sessions() as session:
        note, now = await export.checkpoint_of(session, found.size)
    token = await installation.authority.stamp(sequencer.stamped_digest(note), at=now)
    index = bundle.Index(
        export=found.id,
        at=now,
        by=found.by,
        log=signer.name,
        filter=found.asked,
        entries=count,
        sha256=digest,
        sandbox=found.sandbox,
    ).encode()
    return {
        bundle.INDEX: index,
        bundle.NOTE: signer.sign(bundle.statement(index, found.id)).encode(),
        bundle.CHAIN: installation.chain_pem,
        bundle.CHECKPOINT: note.encode(),
        bundle.STAMP: token,
        bundle.VKEY: f"{signer.vkey}\n".encode(),
    }


def _pack(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
        for name in bundle.NAMES:
            packed.write(folder / name, name)


async def _rows(taken: Taken, installation: Installation) -> AsyncIterator[list[list[str]]]:
    async for session, page in export.pages(installation.sessions, taken.actor, taken.wanted, taken.reading):
        yield await rows_of(session, page)


async def rows_of(session: AsyncSession, page: list[Entry]) -> list[list[str]]:
    """Return a page of entries as rows of text."""
    return [one.cells() for one in await trail_rows.read(session, page)]
