"""Strict reading of the JSON formats of sealing: canonical bytes, exact fields, the format's own name, short types."""

from typing import Annotated, TypeVar

import msgspec

from kernel import canonical
from kernel.errors import GgzyError, Kind

Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Pair = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{128}\Z")]
Identifier = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")]
Moment = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z\Z")]

Struct = TypeVar("Struct", bound=msgspec.Struct)


def read(data: bytes, shape: type[Struct], name: str) -> Struct:
    """Return canonical JSON as `shape`, whose field `format` must be `name`; GgzyError ``canonical.malformed``."""
    try:
        value = msgspec.convert(canonical.decode(data), shape)
    except msgspec.ValidationError as error:
        raise GgzyError("canonical.malformed", Kind.INTEGRITY) from error
    if getattr(value, "format", None) != name:
        raise GgzyError("canonical.malformed", Kind.INTEGRITY)
    return value
