"""A package checked offline by the recipe of docs/spec/package.md, section 6; the numbers are the same.

The files are hashed by two threads: SHA-256 leaves the interpreter free, so that two large files are read at once.
"""

import hmac
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest, sha256
from pathlib import Path

from archive import note as notes
from archive.note import Key
from archive.package import bag, entries, evidence
from archive.package.holding import Holding
from archive.package.index import INDEX, METADATA, Index, decode, read_metadata
from archive.recipe import Pins, Step, marked
from kernel.errors import GgzyError, Kind

THREADS = 2

Progress = Callable[[int], None]
Check = Callable[[bytes, Key], object]


def verify(
    folder: Path, pins: Pins, *, checks: Mapping[str, Check] | None = None, progress: Progress | None = None
) -> tuple[Holding, list[Step]]:
    """Check a bag against pinned keys, its own where none are pinned; return what it holds and the steps that held.

    `checks` are further checks by role, given a file's bytes and the log's key (draws, key transcripts), which packages
    above this one know. `progress` is told the bytes hashed. Raises GgzyError with the first thing wrong: ``package.*``
    and those of notes, checkpoints, Merkle proofs, tokens and receipts.
    """
    sizes = bag.list_files(folder)  # 1
    steps = [Step(1, "layout", str(len(sizes)))]
    manifest = _check_tags(folder, sizes)  # 2
    steps.append(Step(2, "tags", str(len(bag.TAGS))))
    listed = bag.read_manifest(manifest)  # 3
    _check_listed(sizes, listed)
    steps.append(Step(3, "manifest", str(len(listed))))
    _check_digests(folder, sizes, listed, progress)  # 4
    steps.append(Step(4, "digests", str(sum(sizes[path] for path in listed))))
    index = _check_index(folder, sizes, listed)  # 5
    steps.append(Step(5, "index", marked(str(index.trade), sandbox=index.sandbox)))
    proven = evidence.read(folder / "data", index, pins)  # 6
    steps.append(Step(6, "entries", f"{len(proven.opened)} / {proven.head.size}"))
    _check_signature(folder, manifest, index, proven.key)  # 7
    steps.append(Step(7, "signature", proven.key.name))
    receipts = evidence.check_receipts(folder / "data", index, proven)  # 8
    steps.append(Step(8, "receipts", str(len(receipts))))
    further = _check_further(folder / "data", index, checks or {}, proven.key)  # 9
    steps.append(Step(9, "transcripts", str(further)))
    return Holding.of(index.trade, sha256(manifest).digest(), proven.opened, proven.head.size), steps


def _check_tags(folder: Path, sizes: Mapping[str, int]) -> bytes:
    """2. The tag manifest lists the tag files, which have its digests; declaration and bag-info have their one form."""
    listed = bag.read_manifest(bag.read_tag(folder, bag.TAG_MANIFEST))
    contents = {name: bag.read_tag(folder, name) for name in bag.TAGS}
    if set(listed) != set(bag.TAGS):
        raise GgzyError("package.bad_manifest", Kind.INTEGRITY)
    for name, content in contents.items():
        _compare(name, sha256(content).hexdigest(), listed[name])
    if contents["bagit.txt"] != bag.DECLARATION:
        raise GgzyError("package.bad_declaration", Kind.INTEGRITY)
    payload = [size for path, size in sizes.items() if path.startswith("data/")]
    if bag.read_info(contents["bag-info.txt"])["Payload-Oxum"] != f"{sum(payload)}.{len(payload)}":
        raise GgzyError("package.bad_info", Kind.INTEGRITY)
    return contents[bag.MANIFEST]


def _check_listed(sizes: Mapping[str, int], listed: Mapping[str, str]) -> None:
    """3. The manifest lists exactly the files that are there."""
    there = {path for path in sizes if path.startswith("data/")}
    for path in sorted(set(listed) - there):
        raise GgzyError("package.missing_file", Kind.INTEGRITY, path=path[:200])
    for path in sorted(there - set(listed)):
        raise GgzyError("package.extra_file", Kind.INTEGRITY, path=path)


def _check_digests(
    folder: Path, sizes: Mapping[str, int], listed: Mapping[str, str], progress: Progress | None
) -> None:
    """4. Every file of the payload has its digest. The largest come first, so that the threads end together."""

    def hash_file(path: str) -> tuple[str, str]:
        with (folder / path).open("rb") as file:
            return path, file_digest(file, "sha256").hexdigest()

    order = sorted(listed, key=lambda path: (-sizes[path], path))
    with ThreadPoolExecutor(THREADS) as pool:
        for path, digest in pool.map(hash_file, order):
            _compare(path, digest, listed[path])
            if progress is not None:
                progress(sizes[path])


def _check_index(folder: Path, sizes: Mapping[str, int], listed: Mapping[str, str]) -> Index:
    """5. Index and metadata are well formed, and the index says of every other file what is so."""
    index = decode(evidence.small(folder / "data", INDEX, limit=bag.MAX_TAG_FILE))
    said = {f"data/{file.path}": (file.size, file.sha256) for file in index.files}
    found = {path: (sizes[path], digest) for path, digest in listed.items() if path != f"data/{INDEX}"}
    for path in sorted(set(said) ^ set(found)) or sorted(p for p in said if said[p] != found[p]):
        raise GgzyError("package.wrong_index", Kind.INTEGRITY, path=path)
    read_metadata(evidence.small(folder / "data", METADATA))
    return index


def _check_signature(folder: Path, manifest: bytes, index: Index, key: Key) -> None:
    """7. The log's key signed the manifest of this trade; what the package holds of keys is what was used."""
    note = notes.parse(bag.read_tag(folder, bag.SIGNED))
    notes.verify(note, [key])
    if note.text != bag.statement(index.trade, manifest) or len(note.signatures) != 1:
        raise GgzyError("package.wrong_signature", Kind.INTEGRITY)
    if evidence.small(folder / "data", entries.VKEY) != f"{key.vkey}\n".encode():
        raise GgzyError("package.wrong_key", Kind.INTEGRITY)


def _check_further(data: Path, index: Index, checks: Mapping[str, Check], key: Key) -> int:
    """9. Draws replay and key transcripts hold."""
    done = 0
    for role, check in checks.items():
        for file in index.having(role):
            check(evidence.small(data, file.path, limit=bag.MAX_TAG_FILE), key)
            done += 1
    return done


def _compare(path: str, found: str, expected: str) -> None:
    if not hmac.compare_digest(found, expected):
        raise GgzyError("package.wrong_digest", Kind.INTEGRITY, path=path)
