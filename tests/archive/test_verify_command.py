"""`ggzy verify` on real files in a real process: what it finds, what it says, how it exits."""

import asyncio
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.artefacts import Artefact, Sort
from api.verifier import Verifier
from archive import event as events
from archive import receipt as receipts
from archive import trail
from archive.feed import export_log
from archive.package import tar
from archive.package.builder import build
from archive.recipe import Pins
from archive.store import FolderStore
from archive.timestamp import LocalAuthority
from kernel.entropy import SeededEntropy
from kernel.errors import GgzyError
from tests.archive.filing import FACTS, REQUIRED, SIGNER, TRADE, give, make, play, whole


@pytest.fixture
async def output(session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path) -> Path:
    """A folder as the demo leaves it: a package, two receipts with proofs, the log, the keys."""
    out = tmp_path / "out"
    out.mkdir()
    built = await make(session, store, authority, out / "archive")
    for number in ("1", "2"):
        folder = out / "bids" / number
        folder.mkdir(parents=True)
        for name in ("receipt.json", "receipt.digest", "receipt.tsr"):
            (folder / name).write_bytes((built.path / "data/bids" / number / name).read_bytes())
        told = receipts.decode((folder / "receipt.json").read_bytes())
        (folder / "receipt.proof").write_text(await trail.proof(session, told.commitment))
    await export_log(session, out / "log", SIGNER.vkey)
    (out / "tsa").mkdir()
    (out / "tsa/chain.pem").write_bytes(authority.chain_pem)
    (out / "summary.json").write_text("{}")
    return out


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `ggzy` in a process of its own."""
    command = [sys.executable, "-m", "api.cli", *map(str, arguments)]
    env = {"PATH": "/usr/bin:/bin", "PYTHONUTF8": "1", **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


async def ggzy(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `ggzy` without holding up the loop."""
    return await asyncio.to_thread(run, *arguments, **environment)


async def test_a_whole_output_is_verified(output: Path) -> None:
    """Everything in the folder is found and holds; without pins it says that keys came with the files."""
    done = await ggzy("verify", output)
    assert done.returncode == 0, done.stderr
    assert "只能证明其前后一致" in done.stdout
    assert "核验通过，共 4 项" in done.stdout
    pinned = await ggzy("verify", output, "--vkey", output / "log/vkey", "--tsa-chain", output / "tsa/chain.pem")
    assert pinned.returncode == 0
    assert "只能证明其前后一致" not in pinned.stdout


async def test_json_repeats_the_recipes_numbers(output: Path) -> None:
    """`--json` gives the steps by number; pins are taken from the folder named by GGZY_PINS."""
    pins = output.parent / "pins"
    pins.mkdir()
    (pins / "vkey").write_bytes((output / "log/vkey").read_bytes())
    (pins / "chain.pem").write_bytes((output / "tsa/chain.pem").read_bytes())
    done = await ggzy("verify", output, "--json", GGZY_PINS=str(pins))
    told = json.loads(done.stdout)
    assert (told["ok"], told["pinned"]) == (True, {"vkey": True, "tsa_chain": True})
    numbers = {one["sort"]: [step["number"] for step in one["steps"]] for one in told["verified"]}
    assert numbers["receipt"] == [1, 2, 3, 4, 5, 7, 8]
    assert numbers["package"] == list(range(1, 11))


async def test_the_first_thing_wrong_is_told(output: Path) -> None:
    """A flipped byte: exit 1, the path, the words and the stable code."""
    token = output / "bids/2/receipt.tsr"
    token.write_bytes(token.read_bytes()[:-1] + bytes([token.read_bytes()[-1] ^ 1]))
    done = await ggzy("verify", output)
    assert done.returncode == 1
    assert "bids/2" in done.stderr
    assert "timestamp.bad_signature" in done.stderr
    told = json.loads((await ggzy("verify", output, "--json")).stdout)
    assert (told["ok"], told["wrong"]["code"]) == (False, "timestamp.bad_signature")


async def test_what_is_not_at_hand_is_not_wrong(output: Path) -> None:
    """A receipt without its other files is said to be incomplete, naming them; nothing is said of what is there."""
    for name in ("receipt.digest", "receipt.tsr"):
        (output / "bids/2" / name).unlink()
    done = await ggzy("verify", output / "bids/2/receipt.json")
    assert done.returncode == 1
    assert "文件不全" in done.stderr
    assert "receipt.digest, receipt.tsr" in done.stderr
    assert "不通过" not in done.stderr


async def test_another_key_is_refused(output: Path, tmp_path: Path) -> None:
    """With another log's key pinned, receipt, package and log are all refused."""
    from archive.note import Signer  # noqa: PLC0415

    (tmp_path / "other").write_text(Signer(SIGNER.name, bytes(32)).vkey)
    for path in ("bids/1/receipt.json", "archive", "log"):
        done = await ggzy("verify", output / path, "--vkey", tmp_path / "other")
        assert done.returncode == 1, path


async def test_a_package_is_validated_as_folder_and_as_tar(output: Path, tmp_path: Path) -> None:
    """`ggzy archive validate` takes both forms."""
    packed = tmp_path / "package.tar"
    packed.write_bytes(b"".join([chunk async for chunk in tar.stream(output / "archive", str(TRADE))]))
    for bag in (output / "archive", packed):
        done = await ggzy("archive", "validate", bag, "--vkey", output / "log/vkey")
        assert done.returncode == 0, done.stderr
    (tmp_path / "bad.tar").write_bytes(packed.read_bytes()[:2000])
    assert (await ggzy("archive", "validate", tmp_path / "bad.tar")).returncode == 1


async def test_a_package_with_exchanged_bids_is_refused(
    session: AsyncSession, store: FolderStore, authority: LocalAuthority, tmp_path: Path
) -> None:
    """Who files a trade cannot put one bid where another's receipt lies, though the log's key signs the package."""
    items = await whole(session, await play(session, store, authority, SeededEntropy(b"swap")), authority)
    first, second = (n for n, item in enumerate(items) if item.role == "sealed_bid")
    items[first], items[second] = (
        replace(items[first], source=items[second].source),
        replace(items[second], source=items[first].source),
    )
    bag = await build(give(items), tmp_path / "bag", FACTS, store=store, signer=SIGNER, required=REQUIRED)
    pins = Pins(SIGNER.vkey, authority.chain_pem)
    with pytest.raises(GgzyError, match=r"receipt\.other_bid"):
        Verifier(pins).verify(Artefact(Sort.PACKAGE, bag.path))


async def test_nothing_to_verify_is_an_error(tmp_path: Path) -> None:
    """An empty folder does not pass for verified."""
    done = await ggzy("verify", tmp_path)
    assert done.returncode == 1
    assert "verify.nothing" in done.stderr


@pytest.mark.parametrize("name", ["receipt.json", "receipt.digest", "receipt.tsr", "receipt.proof"])
async def test_every_byte_of_a_receipt_counts(output: Path, authority: LocalAuthority, name: str) -> None:
    """Any flipped byte in any of a receipt's four files is refused (by GgzyError, never by another exception)."""
    path = output / "bids/1" / name
    content = path.read_bytes()
    for position in range(len(content)):
        for mask in (0x01, 0x20, 0x80):
            changed = bytearray(content)
            changed[position] ^= mask
            path.write_bytes(changed)
            with pytest.raises(GgzyError):
                receipts.verify(receipts.Files.read(path.parent), authority.chain_pem, SIGNER.key)
    path.write_bytes(content)
    _, steps = receipts.verify(receipts.Files.read(path.parent), authority.chain_pem, SIGNER.key)
    assert steps[-1].name == "inclusion"


def test_openssl_checks_a_receipt_alone(output: Path) -> None:
    """The command of docs/spec/receipt.md, with the digest file as it lies there."""
    folder = output / "bids/1"
    digest = (folder / "receipt.digest").read_text().strip()
    assert digest == hashlib.sha256((folder / "receipt.json").read_bytes()).hexdigest()
    chain = output / "tsa/chain.pem"
    command = ["openssl", "ts", "-verify", "-digest", digest, "-in", folder / "receipt.tsr", "-CAfile", chain]
    subprocess.run(command, check=True, capture_output=True)


def test_a_receipt_after_its_deadline_is_malformed() -> None:
    """A `bid.received` at or after the deadline that it names is refused by its form."""
    opening = events.Opening(b"{}", bytes(32), bytes(32))
    with pytest.raises(GgzyError, match=r"receipt\.malformed"):
        receipts.decode(receipts.encode(opening, "log"))
