"""An outside time-stamping authority over HTTP (RFC 3161 3.4), trusted no further than its pinned certificates."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from archive.timestamp import der, token, verification
from archive.timestamp.request import Request, encode
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind

if TYPE_CHECKING:
    import httpx

QUERY_TYPE = "application/timestamp-query"
REPLY_TYPE = "application/timestamp-reply"
_NONCE_SIZE = 8


class RemoteAuthority:
    """Asks `url` for tokens; each answer is verified against `chain_pem` before anybody sees it."""

    def __init__(
        self,
        url: str,
        chain_pem: bytes,
        *,
        entropy: Entropy,
        client: "httpx.AsyncClient",
        tolerance: timedelta = token.TOLERANCE,
    ) -> None:
        """Keep the address, the pinned certificates and an HTTP client (with its own timeout)."""
        self.chain_pem = chain_pem
        self._url, self._entropy, self._client, self._tolerance = url, entropy, client, tolerance

    async def stamp(self, digest: bytes, *, at: datetime) -> bytes:
        """Return a verified TimeStampResp; its time must agree with `at` (see `check_drift`).

        Raises GgzyError ``timestamp.wrong_digest``.
        """
        nonce = int.from_bytes(self._entropy.token(_NONCE_SIZE), "big")
        response = _bare(await self._ask(encode(Request(digest, nonce, cert_req=True))))
        told = verification.read(response, self.chain_pem)
        if told.digest != digest or told.nonce != nonce:
            raise GgzyError("timestamp.wrong_digest", Kind.INTEGRITY)
        token.check_drift(told.gen_time, at, self._tolerance)
        return response

    async def _ask(self, query: bytes) -> bytes:
        import httpx  # noqa: PLC0415 - slow to import, and offline verification does without it

        try:
            async with self._client.stream(
                "POST", self._url, content=query, headers={"Content-Type": QUERY_TYPE}
            ) as answer:
                answer.raise_for_status()
                if answer.headers.get("content-type", "").partition(";")[0].strip() != REPLY_TYPE:
                    raise GgzyError("timestamp.unavailable", Kind.UNAVAILABLE)
                return await _limited(answer)
        except httpx.HTTPError as error:
            raise GgzyError("timestamp.unavailable", Kind.UNAVAILABLE) from error


async def _limited(answer: "httpx.Response") -> bytes:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > verification.MAX_RESPONSE:
            raise GgzyError("timestamp.unavailable", Kind.UNAVAILABLE)
    return body


def _bare(response: bytes) -> bytes:
    """Drop the free text beside a granted status: it is not signed, and what is kept must not be changeable."""
    parts = der.children(der.element(response, der.SEQUENCE))
    status = der.children(parts[0]) if parts else []
    if len(parts) != 2 or not status or status[0].raw != der.integer(0):  # noqa: PLR2004 - status and token
        raise GgzyError("timestamp.not_granted", Kind.INTEGRITY)
    return der.tlv(der.SEQUENCE, token.GRANTED, parts[1].raw)
