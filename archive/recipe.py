"""Numbered recipes of offline verification: what is pinned, what each step found. Numbers are those of docs/spec."""

from dataclasses import dataclass

from archive import note as notes
from archive.note import Key


@dataclass(frozen=True, slots=True)
class Step:
    """A step that held: its number in the recipe, its name (a key of the words), and a figure to show."""

    number: int
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Pins:
    """What the verifier trusts beforehand: the log's key and the time authority's certificates (PEM).

    What is None is taken from the artefact itself: then it is only checked against itself, and that must be said.
    """

    vkey: str | None = None
    chain_pem: bytes | None = None

    def key(self) -> Key | None:
        """Return the log's key, if it is pinned; GgzyError ``note.malformed``."""
        return None if self.vkey is None else notes.parse_key(self.vkey.strip())


def marked(detail: str, *, sandbox: bool) -> str:
    """Return a step's figure, which says of play that it is play."""
    return f"{detail} · sandbox" if sandbox else detail
