"""One byte changed anywhere in what the demo left behind: verification fails with the first thing wrong."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509

from api import artefacts
from api.artefacts import Artefact, Sort
from api.verifier import Verifier
from archive.recipe import Pins
from kernel.errors import GgzyError
from tests.flows.played import Played, environment

SAMPLE = 150  # places tried in each file that is larger than this


@pytest.fixture(scope="module")
def copy(demo: Played, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the artefacts that may be spoilt; every flip is undone."""
    return Path(shutil.copytree(demo.out, tmp_path_factory.mktemp("spoilt") / "out"))


@pytest.fixture(scope="module")
def pins(demo: Played) -> Pins:
    """The keys as somebody pinned them before."""
    return Pins((demo.out / "log" / "vkey").read_text().strip(), (demo.out / "tsa" / "chain.pem").read_bytes())


@contextmanager
def flipped(path: Path, place: int) -> Iterator[None]:
    """Change one bit of one byte of a file for the while."""
    with path.open("r+b") as file:
        file.seek(place)
        before = file.read(1)
        file.seek(place)
        file.write(bytes([before[0] ^ 1]))
        file.flush()
        yield
        file.seek(place)
        file.write(before)


def places(path: Path, count: int = SAMPLE) -> list[int]:
    """Return every place of a small file; of others the first, the last, and some that the file's name chooses."""
    size = path.stat().st_size
    if size <= count:
        return list(range(size))
    stream = hashlib.shake_128(path.name.encode()).digest(8 * (count - 2))
    chosen = {int.from_bytes(stream[n : n + 8], "big") % size for n in range(0, len(stream), 8)}
    return sorted({0, size - 1, *chosen})


def refusal(artefact: Artefact, pins: Pins) -> GgzyError | None:
    """Return with what an artefact is refused, or None if it is accepted."""
    try:
        Verifier(pins).verify(artefact)
    except GgzyError as error:
        return error
    return None


def test_every_file_of_the_bag_counts(copy: Path, pins: Pins) -> None:
    """A flip in any of its files spoils the bag; what is wrong is said with a code, and for payload with the path."""
    bag = Artefact(Sort.PACKAGE, copy / "archive")
    assert refusal(bag, pins) is None
    for path in sorted(path for path in bag.path.rglob("*") if path.is_file()):
        (place,) = places(path, 3)[1:2]
        with flipped(path, place):
            error = refusal(bag, pins)
        name = str(path.relative_to(bag.path))
        assert error is not None, name
        if name.startswith("data/"):
            assert (error.code, error.params["path"]) == ("package.wrong_digest", name)
    assert refusal(bag, pins) is None


@pytest.mark.parametrize("name", ["receipt.json", "receipt.digest", "receipt.tsr", "receipt.proof", "bid.sealed"])
def test_a_receipt_with_a_flipped_byte_is_refused(copy: Path, pins: Pins, name: str) -> None:
    """Any of a receipt's files, and the sealed bid beside it."""
    receipt = Artefact(Sort.RECEIPT, copy / "bids" / "1")
    for place in places(receipt.path / name):
        with flipped(receipt.path / name, place):
            assert refusal(receipt, pins) is not None, place
    assert refusal(receipt, pins) is None


@pytest.mark.parametrize("pinned", [True, False])
def test_a_log_with_a_flipped_byte_is_refused(copy: Path, pins: Pins, *, pinned: bool) -> None:
    """Key, checkpoint, and each tile and bundle; with the key pinned, and with the one that came along."""
    log = Artefact(Sort.LOG, copy / "log")
    for path in sorted(path for path in log.path.rglob("*") if path.is_file()):
        for place in places(path):
            with flipped(path, place):
                assert refusal(log, pins if pinned else Pins(None, None)) is not None, f"{path.name} {place}"
    assert refusal(log, pins) is None


@pytest.mark.parametrize(
    ("sort", "name"), [(Sort.DRAW, "draw/transcript.json"), (Sort.KEY, "opening-key/transcript.json")]
)
def test_a_transcript_with_a_flipped_byte_is_refused(copy: Path, pins: Pins, sort: Sort, name: str) -> None:
    """The draw, and the making of the opening keys; a spoilt one is still found and not passed over."""
    transcript = Artefact(sort, copy / name)
    for place in places(transcript.path):
        with flipped(transcript.path, place):
            assert artefacts.find(transcript.path) == [transcript]
            assert refusal(transcript, pins) is not None, place
    assert refusal(transcript, pins) is None


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_certificates_with_a_flipped_byte_vouch_for_nothing(copy: Path) -> None:
    """Unless the root's name and key can still be read, which alone decide, receipts checked by them are refused."""
    receipt, chain = Artefact(Sort.RECEIPT, copy / "bids" / "1"), copy / "tsa" / "chain.pem"
    _, root = x509.load_pem_x509_certificates(chain.read_bytes())
    harmless = 0
    for place in places(chain):
        with flipped(chain, place):
            if refusal(receipt, Pins(None, None)) is None:
                assert (root.subject, root.public_key()) in names(chain)
                harmless += 1
    assert harmless < SAMPLE // 2


def names(chain: Path) -> list[tuple[x509.Name, object]]:
    """Return name and key of each certificate."""
    found = x509.load_pem_x509_certificates(chain.read_bytes())
    return [(one.subject, one.public_key()) for one in found]


def test_the_command_names_the_first_thing_wrong(copy: Path) -> None:
    """`ggzy verify` ends with 1, the path and the code; what held before it is still told."""
    victim = copy / "bids" / "3" / "receipt.json"
    command = [sys.executable, "-m", "api.cli", "verify", "--json", str(copy)]
    with flipped(victim, 100):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"], told["wrong"]["path"]) == (1, False, str(victim.parent))
    assert told["wrong"]["code"].startswith("receipt.")
    assert [one["sort"] for one in told["verified"]] == ["package", "receipt", "receipt"]
