"""An entry left out when a trade is filed: found by whoever holds its receipt, and by whoever counts in the trail."""

import asyncio
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.artefacts import find
from api.verifier import Verifier
from archive import trail
from archive.package import completeness, service
from archive.package.item import Item
from archive.package.service import Desk, Filed
from archive.recipe import Pins
from archive.store import FolderStore
from archive.timestamp import LocalAuthority
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError
from tests.archive.filing import (
    ARCHIVIST,
    FACTS,
    REQUIRED,
    SIGNER,
    TRADE,
    file,
    give,
    pack,
    play,
    without,
)

BID = b"00000000-0000-4000-8000-000000000001"


@pytest.fixture
def desk(store: FolderStore, authority: LocalAuthority, tmp_path: Path) -> Desk:
    """What is filed with."""
    return Desk(store, authority, authority.chain_pem, SIGNER, SeededEntropy(b"desk"), tmp_path / "scratch")


@pytest.fixture
async def items(session: AsyncSession, store: FolderStore, authority: LocalAuthority) -> list[Item]:
    """What a trade with two bids contributes."""
    return await play(session, store, authority, SeededEntropy(b"filing"))


async def file_without(session: AsyncSession, items: list[Item], desk: Desk) -> Filed:
    """File the trade without its first bid, every manifest made to fit and signed by the log's own key."""
    kept = without(await service.gather(session, TRADE, give(items), desk), BID, "bids/1/")
    bag = await service.pack(FACTS, kept, required=REQUIRED, desk=desk)
    return await service.complete(session, ARCHIVIST, FACTS, await service.stow(TRADE, bag, desk), desk)


async def write(filed: Filed, items: list[Item], desk: Desk, out: Path) -> Path:
    """Write what outsiders have: the package's tar, the receipt of each bid, that of the filing."""
    packed = b"".join([chunk async for chunk in desk.store.get(filed.key)])
    given = {item.path: item.source for item in items if item.role == "receipt" and isinstance(item.source, bytes)}
    digest = f"{sha256(filed.receipt).hexdigest()}\n".encode()
    filing = {"json": filed.receipt, "digest": digest, "tsr": filed.token}
    given |= {f"filing/receipt.{suffix}": content for suffix, content in filing.items()}
    save(out, {**given, "package.tar": packed})
    return out


def save(folder: Path, files: dict[str, bytes]) -> None:
    """Write files below a new folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def verdict(pins: Pins, *paths: Path) -> str | None:
    """Do what `ggzy verify` does; return the first refusal, None when everything holds."""
    verifier = Verifier(pins)
    try:
        for artefact in find(*paths):
            verifier.verify(artefact)
    except GgzyError as error:
        return error.code
    return None


async def test_all_receipts_are_in_an_honest_package(
    session: AsyncSession, items: list[Item], desk: Desk, tmp_path: Path
) -> None:
    """Each receipt is named with the index of its entry, that of the filing with the number of entries."""
    out = await write(await file(session, items, desk), items, desk, tmp_path / "out")
    verifier = Verifier(Pins(SIGNER.vkey, desk.chain_pem))
    steps = {one.path.name: verifier.verify(one) for one in await asyncio.to_thread(find, out)}
    indexes = [entry.index async for entry in trail.openings(session, TRADE)]
    assert [steps[name][-1].detail for name in ("1", "2", "filing")] == [*map(str, indexes), "2"]
    assert {steps[name][-1].name for name in ("1", "2", "filing")} == {"filed"}


async def test_whoever_holds_the_receipt_finds_it_left_out(
    session: AsyncSession, items: list[Item], desk: Desk, tmp_path: Path
) -> None:
    """A package without one bid verifies alone and beside the other's receipt; beside the one left out it is found."""
    out = await write(await file_without(session, items, desk), items, desk, tmp_path / "out")
    pins, package = Pins(SIGNER.vkey, desk.chain_pem), out / "package.tar"
    assert verdict(pins, package, out / "bids/2", out / "filing") is None
    assert verdict(pins, out / "bids/1", package) == "receipt.not_filed"
    assert verdict(pins, out) == "receipt.not_filed"


async def test_another_package_is_not_what_was_filed(
    session: AsyncSession, items: list[Item], desk: Desk, tmp_path: Path
) -> None:
    """A package without one bid, shown in place of the one that was filed, is refused by the receipt of the filing."""
    kept = without(await service.gather(session, TRADE, give(items), desk), BID, "bids/1/")
    forged = await service.pack(FACTS, kept, required=REQUIRED, desk=replace(desk, folder=tmp_path / "forged"))
    out = await write(await file(session, items, desk), items, desk, tmp_path / "out")
    pins = Pins(SIGNER.vkey, desk.chain_pem)
    assert verdict(pins, out) is None
    assert verdict(pins, forged.path, out / "filing") == "package.not_as_filed"


async def test_the_trail_tells_who_counts(session: AsyncSession, items: list[Item], desk: Desk) -> None:
    """An honest filing agrees with the trail, whatever is read and recorded afterwards."""
    await file(session, items, desk)
    with pytest.raises(GgzyError, match=r"trail\.not_sequenced"):
        await completeness.compare(session, ARCHIVIST, TRADE)
    for kind in ("trail.exported", "lot.archived"):
        await trail.record(session, ARCHIVIST, kind, {}, trade=TRADE, entropy=desk.entropy)
    await trail.sequence(session, SIGNER, entropy=desk.entropy)
    compared = await completeness.compare(session, ARCHIVIST, TRADE)
    assert (compared.complete, compared.said.entries, compared.strays) == (True, 2, ())


async def test_the_trail_tells_of_an_entry_left_out(session: AsyncSession, items: list[Item], desk: Desk) -> None:
    """Number and root of the entries are others."""
    await file_without(session, items, desk)
    await trail.sequence(session, SIGNER, entropy=desk.entropy)
    compared = await completeness.compare(session, ARCHIVIST, TRADE)
    assert (compared.complete, compared.said.entries, compared.found.entries) == (False, 1, 2)


async def test_the_trail_tells_of_an_old_checkpoint(
    session: AsyncSession, items: list[Item], desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever files by a checkpoint from before the last entries is found by them; so is a second filing."""
    packed = await pack(session, items, desk)
    await trail.record(session, ARCHIVIST, "award.decided", {}, trade=TRADE, entropy=desk.entropy)

    async def never(*_: object) -> bool:
        return False

    monkeypatch.setattr(service, "outdated", never)
    await service.complete(session, ARCHIVIST, FACTS, packed, desk)
    await trail.record(session, ARCHIVIST, "trade.archived", {}, trade=TRADE, entropy=desk.entropy)
    await trail.sequence(session, SIGNER, entropy=desk.entropy)
    compared = await completeness.compare(session, ARCHIVIST, TRADE)
    assert compared.said == compared.found
    assert (compared.complete, len(compared.strays)) == (False, 2)
