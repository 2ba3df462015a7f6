"""Bodies that several controllers take."""

from typing import Annotated

import msgspec

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Message = Annotated[str, msgspec.Meta(min_length=2, max_length=65536)]


class SignedDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed canonical JSON message, as text."""

    message: Message


class ReasonDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reason."""

    reason: Reason
