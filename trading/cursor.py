"""Where a page of a list begins: the moment and the id of the last thing before it, as text in addresses."""

from datetime import datetime
from uuid import UUID

from kernel.clock import isoformat, parse
from kernel.errors import GgzyError

Place = tuple[datetime, UUID]


def write(at: datetime, key: UUID) -> str:
    """Return a place as text."""
    return f"{isoformat(at)}_{key}"


def read(text: str | None) -> Place | None:
    """Read what `write` wrote; None for none. Raises GgzyError ``page.bad_cursor``."""
    if text is None:
        return None
    at, _, key = text.partition("_")
    try:
        return parse(at), UUID(key)
    except ValueError as error:
        raise GgzyError("page.bad_cursor") from error
