"""Static files under addresses that name their content: ``/assets/<release>/<path>``, kept by browsers for ever.

The release is the SHA-256 over the manifest of all files, so that a page's scripts and what they import are of one
making. Served are our own files, a list of files from npm packages under ``vendor/<package>/``, and two files made from
the settings: the colours and the icon. The manifest is what `docs/spec/client.md` publishes.
"""

import gzip
import hashlib
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from kernel.errors import GgzyError, Kind

STATIC = Path(__file__).parent.parent / "static"
PREFIX = "/assets"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
VENDORED = (
    "htmx.org/dist/htmx.min.js",
    "libsodium-wrappers-sumo/dist/modules-sumo-esm/libsodium-wrappers.mjs",
    "libsodium-sumo/dist/modules-sumo-esm/libsodium-sumo.mjs",
)
# Browsers find no package by its name, and a Worker has no import map: the one such import becomes an address.
BARE = b'from"libsodium-sumo"'
ADDRESS = b'from"../../../libsodium-sumo/dist/modules-sumo-esm/libsodium-sumo.mjs"'
WORKER = ".worker.js"
# A Worker lives under the policy of its own file; libsodium compiles WebAssembly in it.
WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
THEME = ":root {{ --seal: {seal}; }}\n"
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="5" fill="{seal}"/>'
    '<path d="M9 9h14v14H9zM9 16h14M16 9v14" fill="none" stroke="#fff" stroke-width="3"/></svg>\n'
)


@dataclass(frozen=True)
class Asset:
    """One file as it is served."""

    body: bytes
    media_type: str
    policy: str | None

    @cached_property
    def packed(self) -> bytes:
        """The same, gzipped."""
        return gzip.compress(self.body, 9, mtime=0)

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 of the body."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class Assets:
    """All files of one release by path."""

    files: dict[str, Asset] = field(repr=False)

    @cached_property
    def manifest(self) -> dict[str, str]:
        """Hex SHA-256 of each file by path, in the order of the paths."""
        return {path: self.files[path].digest for path in sorted(self.files)}

    @cached_property
    def listing(self) -> str:
        """The manifest as text, one line for each file as ``sha256sum`` writes it."""
        return "".join(f"{digest}  {path}\n" for path, digest in self.manifest.items())

    @cached_property
    def release(self) -> str:
        """The name of this release: the first 16 hex digits of the hash over `listing`."""
        return hashlib.sha256(self.listing.encode()).hexdigest()[:16]

    def url(self, path: str) -> str:
        """Return the address of a file; KeyError for one that does not exist."""
        if path not in self.files:
            raise KeyError(path)
        return f"{PREFIX}/{self.release}/{path}"

    def find(self, path: str) -> Asset:
        """Return a file; ``request.unknown_path`` for one that does not exist."""
        asset = self.files.get(path.lstrip("/"))
        if asset is None:
            raise GgzyError("request.unknown_path", Kind.NOT_FOUND)
        return asset


@cache
def load(node_modules: Path, seal: str) -> Assets:
    """Return the files of this installation, read once."""
    own = {str(path.relative_to(STATIC)): path for path in STATIC.rglob("*") if path.suffix in TYPES}
    vendored = {f"vendor/{name}": node_modules / name for name in VENDORED}
    files = {path: _read(place) for path, place in (own | vendored).items()}
    files["theme.css"] = Asset(THEME.format(seal=seal).encode(), TYPES[".css"], None)
    files["icon.svg"] = Asset(ICON.format(seal=seal).encode(), TYPES[".svg"], None)
    return Assets(files)


def _read(place: Path) -> Asset:
    policy = WORKER_POLICY if place.name.endswith(WORKER) else None
    return Asset(place.read_bytes().replace(BARE, ADDRESS), TYPES[place.suffix], policy)
