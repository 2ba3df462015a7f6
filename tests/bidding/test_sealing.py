"""The promises of bidding.sealing and bidding.unsealing: whole bids, there and back."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bidding import bidfile, encapsulation, sealing, unsealing
from bidding import header as headers
from bidding.bidfile import BidFile
from bidding.form import FileEntry, Form
from bidding.header import Suite
from bidding.payload import FilePlan
from bidding.sealing import EnvelopePlan
from bidding.unsealing import EnvelopeReader
from kernel.errors import GgzyError
from tests.bidding import sample_bid
from tests.bidding.sample_bid import BIDDER, ENTROPY, PRICE, TARGET
from trading.lot import EnvelopeKind, OpeningPolicy

TECHNICAL = EnvelopePlan(Form(kind=EnvelopeKind.TECHNICAL))
LARGE = random.Random(3).randbytes((5 << 20) + 12345)  # noqa: S311 - test data


def body(file: BidFile, kind: EnvelopeKind) -> bytes:
    """Return one body's ciphertext."""
    return b"".join(bytes(chunk) for chunk in bidfile.chunks(file, kind))


async def stream(data: bytes, step: int, taken: list[int] | None = None) -> AsyncIterator[bytes]:
    """Give data as an object store does."""
    for place in range(0, len(data), step):
        if taken is not None:
            taken.append(place)
        yield data[place : place + step]


@pytest.mark.parametrize("policy", OpeningPolicy)
@pytest.mark.parametrize("suite", Suite)
def test_round_trip(tmp_path: Path, suite: Suite, policy: OpeningPolicy) -> None:
    """Both suites under all policies: forms and files come back byte for byte."""
    sample = sample_bid.seal(tmp_path, target=sample_bid.with_policy(policy), suite=suite)
    bidfile.verify(sample.file)
    for kind, form in ((EnvelopeKind.PRICE, PRICE), (EnvelopeKind.TECHNICAL, None)):
        envelope = sample.file.manifest.envelope(kind)
        encapsulation.verify(envelope.header, envelope.preamble)
        folder = tmp_path / kind
        folder.mkdir()
        key = sample_bid.payload_key(sample.file, kind)
        opened = unsealing.extract(envelope.header, key, bidfile.chunks(sample.file, kind), folder)
        assert form is None or opened == form
    for name, data in sample.contents.items():
        assert (tmp_path / "technical" / name).read_bytes() == data


def test_the_bidder_opens_alone_where_it_is_allowed(tmp_path: Path) -> None:
    """Under quorum_or_bidder, the bidder's secret gives the payload without the custodians."""
    file = sample_bid.seal(tmp_path, target=sample_bid.with_policy(OpeningPolicy.QUORUM_OR_BIDDER)).file
    envelope = file.manifest.envelope(EnvelopeKind.PRICE)
    secret = sample_bid.secret(file, EnvelopeKind.PRICE)
    key = encapsulation.unlock_alone(envelope.header, envelope.preamble, secret)
    assert next(iter(unsealing.read(envelope.header, key, bidfile.chunks(file, EnvelopeKind.PRICE)))) == PRICE


@pytest.mark.parametrize("step", [1000, 65552, 1 << 20])
async def test_reading_from_a_store(tmp_path: Path, step: int) -> None:
    """Form, then files, from chunks of any size; skipping a file loses nothing of the next."""
    contents = {"a.bin": LARGE, "empty": b"", "c.bin": b"c" * 70000}
    file = sample_bid.seal(tmp_path, contents=contents).file
    envelope = file.manifest.envelope(EnvelopeKind.TECHNICAL)
    shared = sample_bid.shared(file, EnvelopeKind.TECHNICAL)
    source = stream(body(file, EnvelopeKind.TECHNICAL), step)
    reader = unsealing.open_envelope(envelope.header, envelope.preamble, shared, source)
    assert [entry.name for entry in (await reader.form()).files] == list(contents)
    read = {}
    async for opened in reader.files():
        if opened.entry.name != "empty":
            read[opened.entry.name] = b"".join([piece async for piece in opened.chunks])
    assert read == {"a.bin": LARGE, "c.bin": contents["c.bin"]}
    skipped = EnvelopeReader(envelope.header, sample_bid.payload_key(file, EnvelopeKind.TECHNICAL),
                             stream(body(file, EnvelopeKind.TECHNICAL), step))  # fmt: skip
    await skipped.form()
    assert [opened.entry.name async for opened in skipped.files()] == list(contents)


async def test_the_form_is_read_without_the_files(tmp_path: Path) -> None:
    """The price is read from the first records: the drawings behind it are never fetched."""
    file = sample_bid.seal(tmp_path, contents={"a.bin": LARGE}).file
    envelope = file.manifest.envelope(EnvelopeKind.TECHNICAL)
    taken: list[int] = []
    reader = EnvelopeReader(envelope.header, sample_bid.payload_key(file, EnvelopeKind.TECHNICAL),
                            stream(body(file, EnvelopeKind.TECHNICAL), 65552, taken))  # fmt: skip
    form = await reader.form()
    await reader.aclose()
    assert form.files == (FileEntry("a.bin", len(LARGE), "application/octet-stream"),)
    assert taken == [0]


async def test_a_truncated_body_is_refused_at_its_end(tmp_path: Path) -> None:
    """What was cut off while stored is found when the files are read, whatever else was read before."""
    file = sample_bid.seal(tmp_path, contents={"a.bin": LARGE}).file
    envelope = file.manifest.envelope(EnvelopeKind.TECHNICAL)
    key = sample_bid.payload_key(file, EnvelopeKind.TECHNICAL)
    reader = EnvelopeReader(envelope.header, key, stream(body(file, EnvelopeKind.TECHNICAL)[:-65552], 1 << 20))
    await reader.form()
    with pytest.raises(GgzyError, match=r"bid\.truncated"):
        [opened async for opened in reader.files()]
    nothing = EnvelopeReader(envelope.header, key, stream(b"", 1))
    with pytest.raises(GgzyError, match=r"bid\.truncated"):
        await nothing.form()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> BidFile:
    """One sealed bid for the tests that only read it."""
    return sample_bid.seal(tmp_path_factory.mktemp("one")).file


@pytest.mark.parametrize("place", range(146))
def test_every_flipped_header_byte_opens_nothing(file: BidFile, place: int) -> None:
    """With the right K in hand, a header changed anywhere is refused or derives a key that is not committed to."""
    envelope = file.manifest.envelope(EnvelopeKind.PRICE)
    data = bytearray(envelope.header.encode())
    data[place] ^= 1
    shared = sample_bid.shared(file, EnvelopeKind.PRICE)
    with pytest.raises(GgzyError) as raised:
        encapsulation.unlock(headers.parse(bytes(data)), envelope.preamble, shared, bytes(32))
    assert raised.value.code in {"bid.bad_header", "bid.bad_commitment"}


def test_a_body_under_anothers_key_opens_nothing(tmp_path: Path) -> None:
    """The technical body does not open as the price, although both are of this bid."""
    file = sample_bid.seal(tmp_path, contents={}).file
    price = file.manifest.envelope(EnvelopeKind.PRICE)
    key = sample_bid.payload_key(file, EnvelopeKind.PRICE)
    with pytest.raises(GgzyError, match=r"bid\.bad_record"):
        list(unsealing.read(price.header, key, bidfile.chunks(file, EnvelopeKind.TECHNICAL)))


def test_a_form_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A qualification form sealed under a technical header by a bidder of ill will."""
    target = replace(TARGET, envelopes=TARGET.envelopes[:1])
    out = tmp_path / "bid.sealed"
    sealing.seal_bid(target, [TECHNICAL], BIDDER, entropy=ENTROPY, out=out)
    file = bidfile.read(out)
    envelope = file.manifest.envelopes[0]
    key = sample_bid.payload_key(file, EnvelopeKind.TECHNICAL)
    lying = replace(envelope.header, kind=EnvelopeKind.QUALIFICATION)
    with pytest.raises(GgzyError, match=r"bid\.bad_form"):
        list(unsealing.read(lying, key, bidfile.chunks(file, EnvelopeKind.TECHNICAL)))


def test_envelopes_must_be_those_of_the_lot(tmp_path: Path) -> None:
    """A missing, a repeated and a foreign envelope are named."""
    price = EnvelopePlan(PRICE)
    foreign = EnvelopePlan(Form(kind=EnvelopeKind.QUALIFICATION))
    for plans, code in (
        ([price], "seal.missing_envelope"),
        ([price, TECHNICAL, price], "seal.unexpected_envelope"),
        ([price, TECHNICAL, foreign], "seal.unexpected_envelope"),
    ):
        with pytest.raises(GgzyError) as raised:
            sealing.seal_bid(TARGET, plans, BIDDER, entropy=ENTROPY, out=tmp_path / "bid.sealed")
        assert raised.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_a_failed_sealing_leaves_nothing(tmp_path: Path) -> None:
    """A file that changes while it is sealed: no half file stays, and an older bid is kept."""
    out, growing = tmp_path / "bid.sealed", tmp_path / "growing"
    out.write_bytes(b"older")
    growing.write_bytes(b"1" * 3_000_000)
    plan = EnvelopePlan(TECHNICAL.form, (FilePlan(growing, "a.bin", "application/pdf"),))

    def change(_: int) -> None:
        growing.write_bytes(b"2" * 3_000_001)

    with pytest.raises(GgzyError, match=r"seal\.file_changed"):
        sealing.seal_bid(TARGET, [plan, EnvelopePlan(PRICE)], BIDDER, entropy=ENTROPY, out=out, progress=change)
    assert out.read_bytes() == b"older"
    assert sorted(tmp_path.iterdir()) == [out, growing]


def test_no_room_is_named(tmp_path: Path) -> None:
    """A folder that cannot be written gives a code, not a traceback."""
    with pytest.raises(GgzyError, match=r"seal\.no_space"):
        sealing.seal_bid(
            TARGET, [EnvelopePlan(PRICE), TECHNICAL], BIDDER, entropy=ENTROPY, out=tmp_path / "missing" / "bid.sealed"
        )


def test_progress_adds_up(tmp_path: Path) -> None:
    """The bytes told to the progress bar are those announced."""
    (tmp_path / "a").write_bytes(LARGE)
    plans = [EnvelopePlan(PRICE), EnvelopePlan(TECHNICAL.form, (FilePlan(tmp_path / "a", "a", "application/pdf"),))]
    told: list[int] = []
    sealing.seal_bid(TARGET, plans, BIDDER, entropy=ENTROPY, out=tmp_path / "b", progress=told.append)
    assert sum(told) == sealing.plaintext_length(plans)


def test_price_envelopes_look_alike(tmp_path: Path) -> None:
    """A price of one yuan and one of a hundred million give files of one size."""
    sizes = set()
    for price in ("1.00", "100000000.00"):
        form = Form(kind=EnvelopeKind.PRICE, price=Decimal(price), quality="合格" * int(float(price) > 1) or None)
        sealed = sealing.seal_bid(
            TARGET, [EnvelopePlan(form), TECHNICAL], BIDDER, entropy=ENTROPY, out=tmp_path / "bid.sealed"
        )
        sizes.add(sealed.size)
    assert len(sizes) == 1
