"""The bid as its author writes it down: a TOML or JSON file with the forms and the files of each envelope.

docs/spec/bid-file.md, section 5. Paths are relative to the plan's own folder.
"""

import json
import mimetypes
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec

from bidding.form import Form, read_price
from bidding.payload import FilePlan
from bidding.sealing import EnvelopePlan
from kernel import disk
from kernel.errors import GgzyError, Kind
from trading import party
from trading.lot import EnvelopeKind

MAX_SIZE = 1 << 20
_UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class BidPlan:
    """Who bids (统一社会信用代码) and what goes into each envelope."""

    bidder: str
    envelopes: tuple[EnvelopePlan, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    name: str | None = None
    media_type: str | None = None


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    price: str | int | None = None
    term_days: Annotated[int, msgspec.Meta(ge=1, le=36500)] | None = None
    quality: str | None = None
    leader: str | None = None
    particulars: dict[str, str] = {}
    files: list[str | _File] = []


class _Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bidder: str
    qualification: _Envelope | None = None
    technical: _Envelope | None = None
    price: _Envelope | None = None


def read(path: Path) -> BidPlan:
    """Read a plan; GgzyError ``plan.not_found``, ``plan.malformed``, ``bid.bad_price``, ``party.bad_uscc``."""
    missing = GgzyError("plan.not_found", Kind.NOT_FOUND, name=path.name)
    data = disk.read(path, MAX_SIZE, missing, GgzyError("plan.malformed", Kind.TOO_LARGE, where="1 MiB"))
    return parse(_load(data, path.suffix.lower()), path.parent)


def parse(value: Any, folder: Path) -> BidPlan:
    """Return the plan of an already loaded document whose paths are relative to `folder`.

    Raises GgzyError ``plan.malformed``.
    """
    try:
        plan = msgspec.convert(value, _Plan)
    except msgspec.ValidationError as error:
        raise GgzyError("plan.malformed", Kind.INVALID, where=str(error)) from error
    given = {kind: getattr(plan, kind.value) for kind in EnvelopeKind}
    envelopes = tuple(_envelope(kind, wire, folder) for kind, wire in given.items() if wire is not None)
    return BidPlan(party.check_code(plan.bidder), envelopes)


def _load(data: bytes, suffix: str) -> Mapping[str, Any]:
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, parse_float=str) if suffix == ".json" else tomllib.loads(text, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise GgzyError("plan.malformed", Kind.INVALID, where=str(error)[:200]) from error


def _envelope(kind: EnvelopeKind, wire: _Envelope, folder: Path) -> EnvelopePlan:
    form = Form(
        kind=kind,
        price=None if wire.price is None else read_price(str(wire.price)),
        term_days=wire.term_days,
        quality=wire.quality,
        leader=wire.leader,
        particulars=wire.particulars,
    )
    files = tuple(_file(one if isinstance(one, _File) else _File(one), folder) for one in wire.files)
    return EnvelopePlan(form, files)


def _file(wire: _File, folder: Path) -> FilePlan:
    name = unicodedata.normalize("NFC", wire.name or Path(wire.path).name)
    media_type = wire.media_type or mimetypes.guess_type(name)[0] or _UNKNOWN_TYPE
    return FilePlan(folder / wire.path, name, media_type)
