"""What a page may do in the browser: its Content-Security-Policy and the headers beside it.

Scripts run by nonce alone, and what they import with them (``strict-dynamic``); no inline style or script is ever
allowed. A nonce belongs to one rendering (docs/decisions/nonce-per-rendering.md).
"""

POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'{wasm}; style-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; frame-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; report-uri /csp-reports"
)
WASM = " 'wasm-unsafe-eval'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def headers(nonce: str, *, wasm: bool) -> dict[str, str]:
    """Return the headers of a page; `wasm` where libsodium runs in the page itself."""
    return HEADERS | {"Content-Security-Policy": POLICY.format(nonce=nonce, wasm=WASM if wasm else "")}
