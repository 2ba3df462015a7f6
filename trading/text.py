"""Kinds of text that people type, with their limits; no control characters, which neither database nor paper holds."""

from typing import Annotated

import msgspec

_LINE = r"^[^\x00-\x1f\x7f]*$(?!\n)"
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$(?!\n)"

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern=_LINE)]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_LINE)]
Reason = Annotated[str, msgspec.Meta(max_length=2000, pattern=_LINES)]
Text = Annotated[str, msgspec.Meta(max_length=100_000, pattern=_LINES)]
