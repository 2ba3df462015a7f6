"""The promises of bidding.bidfile."""

from pathlib import Path

import pytest

from bidding import bidfile
from bidding import manifest as manifests
from bidding.segments import PART_SIZE, body_root, part_root
from kernel.errors import GgzyError
from tests.bidding import sample_bid
from tests.bidding.sample_bid import Sample
from trading.lot import EnvelopeKind


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A bid whose technical envelope has three parts."""
    contents = {"图纸.pdf": bytes(range(256)) * (9 << 12), "b.bin": b"b" * (9 << 20)}
    return sample_bid.seal(tmp_path_factory.mktemp("bid"), contents=contents)


def changed(sample: Sample, folder: Path, data: bytes) -> Path:
    """Write a changed copy."""
    path = folder / "changed.sealed"
    path.write_bytes(data)
    return path


def refused(path: Path) -> str:
    """Return the code with which a file is refused, when read or when verified."""
    with pytest.raises(GgzyError) as raised:
        bidfile.verify(bidfile.read(path))
    return raised.value.code


def test_parts_make_up_the_bodies(sample: Sample) -> None:
    """The parts of each body lie one behind the other, carry their roots, and give the signed root."""
    end = sample.file.offset
    for envelope in sample.file.manifest.envelopes:
        parts = list(bidfile.parts(sample.file, envelope.kind))
        for number, part in enumerate(parts):
            data = sample.file.path.read_bytes()[part.offset : part.offset + part.size]
            assert (part.number, part.offset, part.root) == (number, end, part_root(data))
            end += part.size
        assert body_root((part.root, part.size) for part in parts) == envelope.root
    assert end == sample.file.path.stat().st_size


def test_parts_resume(sample: Sample) -> None:
    """An upload that broke goes on at any part."""
    whole = list(bidfile.parts(sample.file, EnvelopeKind.TECHNICAL))
    assert len(whole) == 3
    assert whole[0].size == PART_SIZE
    assert list(bidfile.parts(sample.file, EnvelopeKind.TECHNICAL, first=2)) == whole[2:]
    assert list(bidfile.parts(sample.file, EnvelopeKind.TECHNICAL, first=3)) == []


def test_a_good_file_verifies(sample: Sample) -> None:
    """Signature and roots hold, and the head is the manifest's own bytes."""
    bidfile.verify(sample.file)
    assert sample.file.encoded == sample.file.manifest.encode()


@pytest.mark.parametrize("data", [b"", b"ggzy", b"%PDF-1.7 plain", b"PK\x03\x04" * 100, b"ggzybid\x02" + bytes(100)])
def test_a_file_that_is_not_sealed_is_named_so(tmp_path: Path, sample: Sample, data: bytes) -> None:
    """A PDF, a zip, an empty file, another version."""
    assert refused(changed(sample, tmp_path, data)) == "bid.not_sealed"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """No file at the path."""
    assert refused(tmp_path / "none.sealed") == "bid.no_file"


def test_truncated_and_extended_files_are_refused(tmp_path: Path, sample: Sample) -> None:
    """One byte less, one byte more, the head alone, half a manifest."""
    data = sample.file.path.read_bytes()
    assert refused(changed(sample, tmp_path, data[:-1])) == "bid.truncated"
    assert refused(changed(sample, tmp_path, data + b"\0")) == "bid.extended"
    assert refused(changed(sample, tmp_path, data[: sample.file.offset])) == "bid.truncated"
    assert refused(changed(sample, tmp_path, data[:500])) == "bid.truncated"
    assert refused(changed(sample, tmp_path, data[:8] + b"\xff\xff\xff\xff" + data[12:])) == "bid.bad_manifest"


def test_every_flipped_byte_of_the_head_is_noticed(tmp_path: Path, sample: Sample) -> None:
    """Frame, manifest and signature: no byte can change unnoticed."""
    whole = sample.file.path.read_bytes()
    path = changed(sample, tmp_path, whole)
    head = whole[: sample.file.offset]
    with path.open("r+b") as file:
        for place in range(len(head)):
            file.seek(place)
            file.write(bytes([head[place] ^ 1]))
            file.flush()
            with pytest.raises(GgzyError):
                manifests.verify_signature(bidfile.read(path).manifest, bidfile.read(path).signature)
            file.seek(place)
            file.write(head[place : place + 1])


@pytest.mark.parametrize("place", [0, 65552, PART_SIZE, -1])
def test_a_flipped_bit_of_a_body_is_noticed(tmp_path: Path, sample: Sample, place: int) -> None:
    """The root covers every byte."""
    data = bytearray(sample.file.path.read_bytes())
    data[sample.file.offset + place if place >= 0 else place] ^= 1
    assert refused(changed(sample, tmp_path, bytes(data))) == "bid.bad_root"


def test_swapped_bodies_are_noticed(tmp_path: Path, sample: Sample) -> None:
    """The price's body in the technical one's place does not pass."""
    data = sample.file.path.read_bytes()
    start = sample.file.body_offset(EnvelopeKind.PRICE)
    bodies = data[start:] + data[sample.file.offset : start]
    assert refused(changed(sample, tmp_path, data[: sample.file.offset] + bodies)) == "bid.bad_root"
