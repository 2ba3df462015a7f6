"""Chinese full text without a dictionary: every two neighbouring characters are a term. Pure.

Terms go into a ``tsvector`` as they are, without PostgreSQL's parser, so that the database's locale changes nothing.
A run of Han characters gives its bigrams and its single characters; letters and digits give whole words, which are
found by their beginnings. Width and case of letters do not count (NFKC, casefold, character by character, so that what
was found can be marked where it stands).
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
RUN = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")
LONGEST_WORD = 60
INDEXED = 40_000  # characters of a text; a tsvector holds at most 1 MiB
ASKED = 60  # characters of a question


def vector(text: str) -> str:
    """Return the ``tsvector`` literal of a text: its terms without positions."""
    return " ".join(f"'{term}'" for term in sorted(set(_terms(text[:INDEXED]))))


def question(asked: str) -> str:
    """Return the ``tsquery`` literal that all runs of what was asked are in a text; empty if there is none."""
    terms = dict.fromkeys(term for run in runs(asked) for term in _asked(run))
    return " & ".join(f"'{term}'{':*' * prefix}" for term, prefix in terms)


def runs(text: str) -> list[str]:
    """Return the runs of Han characters and the words that somebody asks for, folded, at most `ASKED` characters."""
    return RUN.findall(_fold(text[:ASKED]))


def marked(text: str, wanted: list[str]) -> list[tuple[str, bool]]:
    """Split a text into pieces that were asked for (True) and those between them; joined, they are the text."""
    folded, origin = _folded(text)
    hit = bytearray(len(text) + 1)
    for run in wanted:
        at = folded.find(run)
        while at >= 0:
            for place in range(origin[at], origin[at + len(run) - 1] + 1):
                hit[place] = 1
            at = folded.find(run, at + 1)
    edges = [0, *(place for place in range(1, len(text)) if hit[place] != hit[place - 1]), len(text)]
    return [(text[begin:end], bool(hit[begin])) for begin, end in pairwise(edges) if begin < end]


def excerpt(text: str, wanted: list[str], length: int = 120) -> str:
    """Return about `length` characters of a text on one line, around the first place that was asked for."""
    line = " ".join(text.split())
    folded, origin = _folded(line)
    first = min((at for run in wanted if (at := folded.find(run)) >= 0), default=0)
    begin = max(0, (origin[first] if first else 0) - length // 4)
    cut = line[begin : begin + length]
    return ("…" if begin else "") + cut + ("…" if begin + length < len(line) else "")


def _terms(text: str) -> Iterator[str]:
    for run in RUN.findall(_fold(text)):
        if _is_han(run):
            yield from run
            yield from (run[at : at + 2] for at in range(len(run) - 1))
        else:
            yield run[:LONGEST_WORD]


def _asked(run: str) -> Iterator[tuple[str, bool]]:
    if not _is_han(run):
        yield run[:LONGEST_WORD], True
    elif len(run) == 1:
        yield run, False
    else:
        yield from ((run[at : at + 2], False) for at in range(len(run) - 1))


def _is_han(run: str) -> bool:
    return re.match(f"[{HAN}]", run) is not None


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold() if text.isascii() else _folded(text)[0]


def _folded(text: str) -> tuple[str, list[int]]:
    """Return the folded text, and for each of its characters the place in the text that it came from."""
    pieces, origin = [], []
    for place, character in enumerate(text):
        piece = unicodedata.normalize("NFKC", character).casefold()
        pieces.append(piece)
        origin.extend([place] * len(piece))
    return "".join(pieces), origin
