"""Time-stamp requests and refusals (RFC 3161 2.4.1, 2.4.2)."""

from dataclasses import dataclass
from enum import IntEnum

from archive.timestamp import der
from archive.timestamp.token import SHA256, imprint

MAX_REQUEST = 4096
_DIGEST_SIZE = 32
_MAX_NONCE = 1 << 256
_TRUE = b"\xff"
_REJECTION = 2


class Failure(IntEnum):
    """Bits of PKIFailureInfo that we answer with."""

    BAD_ALGORITHM = 0
    BAD_REQUEST = 2
    BAD_FORMAT = 5
    TIME_NOT_AVAILABLE = 14
    UNACCEPTED_POLICY = 15
    UNACCEPTED_EXTENSION = 16


class Rejected(Exception):  # noqa: N818 - it is an answer of the protocol, not an error of ours
    """The request gets this failure as its answer."""

    def __init__(self, failure: Failure) -> None:
        """Keep the failure bit."""
        super().__init__(failure.name)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a token over a SHA-256 digest; `policy` is the raw OID element."""

    digest: bytes
    nonce: int | None = None
    cert_req: bool = False
    policy: bytes | None = None


def encode(request: Request) -> bytes:
    """Return the DER of a TimeStampReq."""
    parts = [der.integer(1), imprint(request.digest)]
    if request.policy is not None:
        parts.append(request.policy)
    if request.nonce is not None:
        parts.append(der.integer(request.nonce))
    if request.cert_req:
        parts.append(der.tlv(der.BOOLEAN, _TRUE))
    return der.tlv(der.SEQUENCE, *parts)


def decode(data: bytes) -> Request:
    """Read a TimeStampReq strictly; raises Rejected, or GgzyError ``timestamp.malformed``."""
    if len(data) > MAX_REQUEST:
        raise Rejected(Failure.BAD_REQUEST)
    version, message, *rest = der.at_least(2, der.children(der.element(data, der.SEQUENCE)))
    if der.read_integer(version) != 1 or message.tag != der.SEQUENCE:
        raise Rejected(Failure.BAD_REQUEST)
    policy = rest.pop(0).raw if rest and rest[0].tag == der.OID else None
    nonce = der.read_integer(rest.pop(0)) if rest and rest[0].tag == der.INTEGER else None
    cert_req = bool(rest) and rest[0].tag == der.BOOLEAN and rest.pop(0).content == _TRUE
    if rest:
        raise Rejected(Failure.UNACCEPTED_EXTENSION if rest[0].tag == der.CONTEXT_0 else Failure.BAD_FORMAT)
    if nonce is not None and nonce >= _MAX_NONCE:
        raise Rejected(Failure.BAD_REQUEST)
    return Request(_digest(message), nonce, cert_req, policy)


def refuse(failure: Failure) -> bytes:
    """Return the TimeStampResp that rejects with this failure bit."""
    unused = 7 - failure % 8
    bits = bytes(failure // 8) + bytes((1 << unused,))
    info = der.tlv(der.BIT_STRING, bytes((unused,)), bits)
    return der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, der.integer(_REJECTION), info))


def _digest(message: der.Node) -> bytes:
    algorithm, hashed = der.children(message, der.SEQUENCE, der.OCTET_STRING)
    name, *parameters = der.at_least(1, der.children(algorithm))
    if name.raw != der.oid(SHA256) or len(hashed.content) != _DIGEST_SIZE:
        raise Rejected(Failure.BAD_ALGORITHM)
    if [p.raw for p in parameters] not in ([], [der.tlv(der.NULL)]):
        raise Rejected(Failure.BAD_FORMAT)
    return hashed.content
