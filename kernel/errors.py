"""The one error tree: a stable code, its parameters and a kind. The edge translates; nothing here is a sentence."""

from collections.abc import Awaitable
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Kind(StrEnum):
    """What sort of refusal this is; the edge maps each to one HTTP status and one exit code."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    INTEGRITY = "integrity"
    UNAVAILABLE = "unavailable"


class GgzyError(Exception):
    """A refusal with a stable `code` (``noun.what_is_wrong``), JSON-able `params` and a `kind`.

    The code is the key of its words in api/locale; params fill the placeholders there.
    """

    def __init__(self, code: str, kind: Kind = Kind.INVALID, **params: object) -> None:
        """Keep code, kind and params; the string form is for logs only."""
        super().__init__(code, params)
        self.code = code
        self.kind = kind
        self.params = params

    def __str__(self) -> str:
        """Return the code with its parameters, for logs and tracebacks."""
        return f"{self.code} {self.params}" if self.params else self.code


def not_found(what: str) -> GgzyError:
    """Return the answer to everything a person may not see: as if it did not exist."""
    return GgzyError(f"{what}.not_found", Kind.NOT_FOUND)


def permit(refusal: GgzyError | None) -> None:
    """Raise the refusal that a policy returned; a policy returns None for yes."""
    if refusal is not None:
        raise refusal


async def unless_missing(work: Awaitable[T]) -> T | None:
    """Return what a service finds, None where it does not exist for who asks; every other refusal goes on."""
    try:
        return await work
    except GgzyError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return None
