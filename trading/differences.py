"""What changed from one text to another, in pieces that people can read. Pure.

Chinese has no spaces, so each character is a word of its own; letters and digits stay together, an amount or a date
changes as a whole. Lines are matched first, then the words within lines that changed. Islands of one or two words that
stayed between changes are taken into the change: a text in splinters cannot be read.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.,:/%-]*[A-Za-z0-9%]|\s+|.", re.DOTALL)
ISLAND = 2  # words that stayed, between two changes
COMPARED = 20_000  # words of a pair of passages; longer ones are shown as replaced
ALIKE = 0.5  # below this share of common lines and words two texts are different texts

Change = Literal["same", "out", "in"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text that stayed (``same``), is gone (``out``) or is new (``in``)."""

    change: Change
    text: str


def compare(old: str, new: str) -> list[Piece]:
    """Return the pieces in reading order: without ``in`` they are the old text, without ``out`` the new one."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    pieces: list[Piece] = []
    for kind, one, two, three, four in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        was, now = "".join(before[one:two]), "".join(after[three:four])
        pieces += [Piece("same", was)] if kind == "equal" else _within(was, now)
    return _joined(pieces)


def are_alike(old: str, new: str) -> bool:
    """Tell whether one text is a version of the other, so that their differences say something."""
    before, after = WORD.findall(old), WORD.findall(new)
    return SequenceMatcher(None, before, after, autojunk=False).quick_ratio() >= ALIKE


def _within(old: str, new: str) -> list[Piece]:
    before, after = WORD.findall(old), WORD.findall(new)
    if not before or not after or len(before) + len(after) > COMPARED:
        return [Piece("out", old), Piece("in", new)]
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    pieces = []
    for kind, one, two, three, four in _without_islands(steps):
        was, now = "".join(before[one:two]), "".join(after[three:four])
        pieces += [Piece("same", was)] if kind == "equal" else [Piece("out", was), Piece("in", now)]
    return pieces


Step = tuple[str, int, int, int, int]


def _without_islands(steps: Sequence[Step]) -> Iterator[Step]:
    """Turn what stayed for a moment only, between two changes, into a part of one change."""
    held: Step | None = None
    for at, step in enumerate(steps):
        kind, one, two, three, four = step
        between = 0 < at < len(steps) - 1
        if kind == "equal" and not (between and two - one <= ISLAND):
            if held is not None:
                yield held
            held = None
            yield step
        else:
            held = ("replace", held[1] if held else one, two, held[3] if held else three, four)
    if held is not None:
        yield held


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Join neighbours of the same kind, what is gone before what is new."""
    result: list[Piece] = []
    gone, come = "", ""
    for piece in [*pieces, Piece("same", "")]:
        if piece.change == "out":
            gone += piece.text
        elif piece.change == "in":
            come += piece.text
        else:
            result += [Piece("out", gone)] * bool(gone) + [Piece("in", come)] * bool(come)
            gone = come = ""
            if piece.text and result and result[-1].change == "same":
                piece = Piece("same", result.pop().text + piece.text)  # noqa: PLW2901 - grown
            result += [piece] * bool(piece.text)
    return result
