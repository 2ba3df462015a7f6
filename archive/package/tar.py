"""A bag as one uncompressed tar (RFC 8493 section 4: one folder at the top), the same bytes for the same bag."""

import asyncio
import re
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from kernel.errors import GgzyError, Kind

CHUNK = 1 << 20
PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
_MODE = 0o444
_NAME = re.compile(r"[A-Za-z0-9-]+(/[a-z0-9][a-z0-9._-]*)+", re.ASCII)


def size(folder: Path, top: str) -> int:
    """Return the length in bytes of what `stream` gives."""
    lengths = (len(_header(path, name)) + _padded(path.stat().st_size) for name, path in _files(folder, top))
    return sum(lengths) + 2 * tarfile.BLOCKSIZE


async def stream(folder: Path, top: str) -> AsyncIterator[bytes]:
    """Stream a bag's folder as a tar whose files lie under the folder `top`."""
    for name, path in await asyncio.to_thread(lambda: list(_files(folder, top))):
        yield await asyncio.to_thread(_header, path, name)
        length = 0
        with path.open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                length += len(chunk)
                yield chunk
        if gap := _padded(length) - length:
            yield bytes(gap)
    yield bytes(2 * tarfile.BLOCKSIZE)


def unpack(source: Path, out: Path) -> Path:
    """Unpack a package's tar into the new folder `out` and return the bag's folder in it.

    Anything but regular files under one top folder is refused: GgzyError ``package.bad_tar``.
    """
    try:
        with tarfile.open(source, "r:") as archive:
            archive.extractall(out, filter="data", members=_checked(archive))
    except (tarfile.TarError, OSError, ValueError) as error:
        raise GgzyError("package.bad_tar", Kind.INTEGRITY) from error
    tops = list(out.iterdir()) if out.exists() else []
    if len(tops) != 1:
        raise GgzyError("package.bad_tar", Kind.INTEGRITY)
    return tops[0]


def _checked(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    seen = set()
    for member in archive:
        # Sparse members would unpack to more than the tar's own size.
        if member.type not in PLAIN or member.issparse() or member.name in seen or not _NAME.fullmatch(member.name):
            raise GgzyError("package.bad_tar", Kind.INTEGRITY)
        seen.add(member.name)
        yield member


def _files(folder: Path, top: str) -> Iterator[tuple[str, Path]]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    yield from sorted((f"{top}/{path.relative_to(folder).as_posix()}", path) for path in paths)


def _header(path: Path, name: str) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = path.stat().st_size, _MODE
    return info.tobuf(tarfile.PAX_FORMAT)


def _padded(length: int) -> int:
    return -(-length // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
