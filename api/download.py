"""Files as answers: one place for how they are named, kept and fenced in, whoever gives them.

A file is never a document that may do anything: it runs, loads and frames nothing, and its type is the one that we say.
What is shown in the browser's own viewer (`INLINE`) may not be sandboxed, as Chromium then shows no PDF; downloads are.
What one person may have is kept nowhere; what everybody may have is named by its hash and asked for again (RFC 9111).
"""

import hashlib
from typing import Any
from urllib.parse import quote

from litestar import Request, Response

NOTHING = "default-src 'none'; frame-ancestors 'none'"
SANDBOX = f"{NOTHING}; sandbox"
# A viewer styles its own page and embeds what it shows; our pages frame bids beside the score sheet.
VIEWER = "default-src 'none'; object-src 'self'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
PRIVATE = "private, no-store"
PUBLIC = "public, no-cache"
UNCHANGED = 304


def headers(name: str, *, inline: bool = False, cache: str = PRIVATE, size: int | None = None) -> dict[str, str]:
    """Return the headers of a file of this name; `size` in bytes where the answer is a stream."""
    told = named(name, inline=inline) | {
        "Content-Security-Policy": VIEWER if inline else SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN" if inline else "DENY",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": cache,
    }
    return told if size is None else told | {"Content-Length": str(size)}


def named(name: str, *, inline: bool = False) -> dict[str, str]:
    """Return the header that names a file alone, for what brings a policy of its own."""
    return {"Content-Disposition": f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}"}


def private(content: bytes, media_type: str, name: str, *, inline: bool = False) -> Response[bytes]:
    """Answer with a file for one person, kept by no cache."""
    return Response(content, media_type=media_type, headers=headers(name, inline=inline))


def public(
    request: Request[Any, Any, Any], content: bytes, media_type: str, name: str, *, inline: bool = False
) -> Response[bytes]:
    """Answer with a file for everybody, or with 304 to whom has these very bytes."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    told = headers(name, inline=inline, cache=PUBLIC) | {"ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=UNCHANGED, media_type=media_type, headers=told)
    return Response(content, media_type=media_type, headers=told)
