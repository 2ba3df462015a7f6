"""The promises of bidding.payload."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidding.form import FileEntry, Form
from bidding.padding import padded_length
from bidding.payload import FilePlan, PayloadParser, PayloadSource
from kernel.errors import GgzyError
from trading.lot import EnvelopeKind

FORM = Form(kind=EnvelopeKind.TECHNICAL, leader="李雷")


def plaintext(form: Form, *contents: bytes) -> bytes:
    """Lay out a payload by hand, as the specification says."""
    head = form.encode()
    bare = len(head).to_bytes(4, "big") + head + b"".join(contents)
    return bare.ljust(padded_length(len(bare)), b"\0")


def parse(plain: bytes, step: int = 65536) -> list[object]:
    """Feed a plaintext in steps; views become bytes."""
    parser = PayloadParser(len(plain))
    events = []
    for i in range(0, len(plain), step):
        events += [bytes(e) if isinstance(e, memoryview) else e for e in parser.feed(memoryview(plain)[i : i + step])]
    parser.finish()
    return events


def plans(folder: Path, **contents: bytes) -> tuple[FilePlan, ...]:
    """Write files and plan them."""
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return tuple(FilePlan(folder / name, name, "text/plain") for name in contents)


def drain(source: PayloadSource, step: int) -> bytes:
    """Read a source to its end in blocks of a size."""
    block, out = memoryview(bytearray(step)), b""
    while size := source.read_into(block):
        out += bytes(block[:size])
    return out


@pytest.mark.parametrize("step", [1000, 65536, 1 << 20])
def test_source_lays_out_form_files_and_zeros(tmp_path: Path, step: int) -> None:
    """Read in blocks of any size, the plaintext is the one that the specification describes."""
    files = plans(tmp_path, a=b"alpha" * 9000, empty=b"", z=b"z")
    with PayloadSource(FORM, files) as source:
        plain = drain(source, step)
        assert plain == plaintext(source.form, b"alpha" * 9000, b"", b"z")
        assert len(plain) == source.length


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=3000), max_size=5), st.integers(50, 5000))
def test_parser_gives_back_what_was_laid_out(contents: list[bytes], step: int) -> None:
    """However the plaintext arrives, form, entries and bytes come out in order."""
    entries = tuple(FileEntry(f"f{n}", len(data), "text/plain") for n, data in enumerate(contents))
    form = Form(kind=EnvelopeKind.TECHNICAL, files=entries)
    events = parse(plaintext(form, *contents), step)
    assert events[0] == form
    assert [e for e in events if isinstance(e, FileEntry)] == list(entries)
    assert b"".join(e for e in events if isinstance(e, bytes)) == b"".join(contents)


def test_padding_must_be_zero() -> None:
    """Nothing hides behind the files."""
    plain = bytearray(plaintext(FORM))
    plain[-1] = 1
    with pytest.raises(GgzyError, match=r"bid\.bad_padding"):
        parse(bytes(plain))


def test_padding_must_be_padme() -> None:
    """A payload longer than its files ask for is refused, so that its length says nothing on purpose."""
    with pytest.raises(GgzyError, match=r"bid\.bad_padding"):
        parse(plaintext(FORM).ljust(67584, b"\0"))


def test_files_beyond_the_payload_are_refused() -> None:
    """A form that lists more bytes than there are is refused at once."""
    form = Form(kind=EnvelopeKind.TECHNICAL, files=(FileEntry("a", 1 << 40, "text/plain"),))
    with pytest.raises(GgzyError, match=r"bid\.bad_padding"):
        parse((len(form.encode()).to_bytes(4, "big") + form.encode()).ljust(65536, b"\0"))


@pytest.mark.parametrize("prefix", [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\x10\0\1", b"\0\0\0\2{}"])
def test_a_wrong_form_length_is_refused(prefix: bytes) -> None:
    """A length of nothing, of too much, or of something that is no form."""
    with pytest.raises(GgzyError, match=r"bid\.bad_form"):
        parse(prefix.ljust(65536, b"\0"))


def test_a_payload_that_ends_in_its_form_is_refused() -> None:
    """A form cut off by the end of the payload is refused at the end."""
    parser = PayloadParser(65536)
    assert list(parser.feed(memoryview((60000).to_bytes(4, "big") + b"{"))) == []
    with pytest.raises(GgzyError, match=r"bid\.bad_form"):
        parser.finish()


@pytest.mark.parametrize("now", [b"short", b"much longer than before"])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, now: bytes) -> None:
    """A file that shrinks or grows after its size was listed stops the sealing."""
    files = plans(tmp_path, a=b"exactly this")
    with PayloadSource(FORM, files) as source:
        (tmp_path / "a").write_bytes(now)
        with pytest.raises(GgzyError, match=r"seal\.file_changed"):
            drain(source, 65536)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A missing file and a folder in place of one are named."""
    for path in (tmp_path / "missing.pdf", tmp_path):
        with pytest.raises(GgzyError) as refusal:
            PayloadSource(FORM, (FilePlan(path, "a", "text/plain"),))
        assert refusal.value.code == "seal.no_file"
        assert refusal.value.params == {"name": path.name}
