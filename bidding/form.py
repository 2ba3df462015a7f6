"""The structured form at the head of a payload (``ggzy/form/v1``): read at the opening without touching the files.

docs/spec/sealing.md, section 5. Amounts are decimal strings of yuan with two places.
"""

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Annotated

import msgspec

from bidding.wire import read
from kernel import canonical
from kernel.errors import GgzyError, Kind
from trading.lot import EnvelopeKind

FORMAT = "ggzy/form/v1"
MAX_FORM = 1 << 20
MAX_FILES = 1000
MAX_FILE_SIZE = 1 << 40
MAX_NAME_BYTES = 255

_PRICE = re.compile(r"(0|[1-9][0-9]{0,14})\.[0-9]{2}\Z")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\Z")
_FORBIDDEN = frozenset('/\\:*?"<>|')

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of the payload: its plain name, its size in bytes, its media type."""

    name: str
    size: Annotated[int, msgspec.Meta(ge=0, le=MAX_FILE_SIZE)]
    media_type: str


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What is read out at the opening. `price` in yuan stands in the price envelope and nowhere else."""

    kind: EnvelopeKind
    price: Decimal | None = None
    term_days: int | None = None
    quality: str | None = None
    leader: str | None = None
    particulars: dict[str, str] = msgspec.field(default_factory=dict)
    files: tuple[FileEntry, ...] = ()

    def encode(self) -> bytes:
        """Return the canonical JSON; GgzyError ``bid.bad_form`` and the others of `parse` if unfit."""
        _check(self)
        data = canonical.encode(
            {
                "format": FORMAT,
                "kind": self.kind.value,
                "price": None if self.price is None else f"{self.price:.2f}",
                "term_days": self.term_days,
                "quality": self.quality,
                "leader": self.leader,
                "particulars": self.particulars,
                "files": [{"name": f.name, "size": f.size, "media_type": f.media_type} for f in self.files],
            }
        )
        if len(data) > MAX_FORM:
            raise _bad("size")
        _parse_wire(data)
        return data


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    kind: EnvelopeKind
    price: str | None
    term_days: Annotated[int, msgspec.Meta(ge=1, le=36500)] | None
    quality: Line | None
    leader: Line | None
    particulars: Annotated[dict[Label, Line], msgspec.Meta(max_length=64)]
    files: Annotated[list[FileEntry], msgspec.Meta(max_length=MAX_FILES)]


def parse(data: bytes) -> Form:
    """Read a form strictly: canonical, complete, nothing unknown, every limit kept.

    Raises GgzyError ``bid.bad_form``, ``bid.bad_price``, ``bid.price_misplaced``, ``bid.bad_file_name``,
    ``bid.bad_media_type``, ``bid.repeated_file``.
    """
    if len(data) > MAX_FORM:
        raise _bad("size")
    wire = _parse_wire(data)
    if wire.price is not None and not _PRICE.match(wire.price):
        raise GgzyError("bid.bad_price", Kind.INVALID)
    form = Form(
        kind=wire.kind,
        price=None if wire.price is None else Decimal(wire.price),
        term_days=wire.term_days,
        quality=wire.quality,
        leader=wire.leader,
        particulars=wire.particulars,
        files=tuple(wire.files),
    )
    _check(form)
    return form


def read_price(text: str) -> Decimal:
    """Read an amount of yuan with at most two places as a person writes it; GgzyError ``bid.bad_price``."""
    try:
        price = Decimal(text).quantize(Decimal("0.01"))
        exact = price == Decimal(text)
    except InvalidOperation as error:
        raise GgzyError("bid.bad_price", Kind.INVALID) from error
    if not exact or not _PRICE.match(f"{price:.2f}"):
        raise GgzyError("bid.bad_price", Kind.INVALID)
    return price


def _parse_wire(data: bytes) -> _Wire:
    try:
        return read(data, _Wire, FORMAT)
    except GgzyError as error:
        raise _bad("structure") from error


def _check(form: Form) -> None:
    if (form.price is None) == (form.kind is EnvelopeKind.PRICE):
        raise GgzyError("bid.price_misplaced", Kind.INVALID, envelope=form.kind.value)
    if form.price is not None and read_price(str(form.price)) <= 0:
        raise GgzyError("bid.bad_price", Kind.INVALID)
    seen: set[str] = set()
    for entry in form.files:
        _check_name(entry.name)
        if not _MEDIA_TYPE.match(entry.media_type):
            raise GgzyError("bid.bad_media_type", Kind.INVALID, name=entry.name)
        folded = entry.name.casefold()
        if folded in seen:
            raise GgzyError("bid.repeated_file", Kind.INVALID, name=entry.name)
        seen.add(folded)


def _check_name(name: str) -> None:
    """Refuse names that some file system would read as a path, a device or nothing."""
    unsafe = (
        not name.strip(". ")
        or name != name.strip()
        or name.endswith(".")
        or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES
        or unicodedata.normalize("NFC", name) != name
        or any(c in _FORBIDDEN or unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in name)
    )
    if unsafe:
        raise GgzyError("bid.bad_file_name", Kind.INVALID)


def _bad(what: str) -> GgzyError:
    return GgzyError("bid.bad_form", Kind.INVALID, what=what)
