"""Strict checks of RFC 3161 responses, offline, against pinned certificates (docs/spec/timestamp.md).

Everything in a response is either covered by the signature, bound by the signing certificate's hash, or has one
permitted value: so no byte can be changed unseen. The numbers in comments are those of the spec's recipe.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from archive.timestamp import chain, der, token
from archive.timestamp.token import Token
from kernel.errors import GgzyError, Kind

MAX_RESPONSE = 65536
_SIGNED_DATA_PARTS = 4
_SIGNER_PARTS = 6
_HASHES: dict[bytes, hashes.HashAlgorithm] = {
    der.oid(token.SHA256): hashes.SHA256(),
    der.oid(token.SHA384): hashes.SHA384(),
    der.oid(token.SHA512): hashes.SHA512(),
}
_SIGNATURES: dict[bytes, tuple[str, hashes.HashAlgorithm | None]] = {
    der.oid(token.ECDSA_WITH_SHA256): ("ecdsa", hashes.SHA256()),
    der.oid("1.2.840.10045.4.3.3"): ("ecdsa", hashes.SHA384()),
    der.oid("1.2.840.10045.4.3.4"): ("ecdsa", hashes.SHA512()),
    der.oid("1.2.840.113549.1.1.11"): ("rsa", hashes.SHA256()),
    der.oid("1.2.840.113549.1.1.12"): ("rsa", hashes.SHA384()),
    der.oid("1.2.840.113549.1.1.13"): ("rsa", hashes.SHA512()),
    der.oid("1.2.840.113549.1.1.1"): ("rsa", None),  # the SignerInfo's digest algorithm says which
}


def verify(response: bytes, digest: bytes, chain_pem: bytes) -> datetime:
    """Return the time that a TimeStampResp proves for the SHA-256 `digest`, or raise what is wrong with it.

    `chain_pem` holds the pinned certificates: a self-signed root and whatever stands below it. Raises GgzyError
    ``timestamp.malformed``, ``timestamp.not_granted``, ``timestamp.wrong_digest``, ``timestamp.bad_signature``,
    ``timestamp.bad_certificate`` or ``timestamp.untrusted``.
    """
    return check(response, digest, chain_pem, sandbox=True)


def check(response: bytes, digest: bytes, chain_pem: bytes, *, sandbox: bool) -> datetime:
    """Return what `verify` does, for evidence that says of itself whether it is of a sandbox.

    A token issued under the sandbox's policy proves nothing about real time: ``timestamp.sandbox`` unless `sandbox`.
    Raises GgzyError ``timestamp.wrong_digest``.
    """
    told = read(response, chain_pem)
    if told.digest != digest:
        raise GgzyError("timestamp.wrong_digest", Kind.INTEGRITY)
    if told.sandbox and not sandbox:
        raise GgzyError("timestamp.sandbox", Kind.INTEGRITY)
    return told.gen_time


def read(response: bytes, chain_pem: bytes) -> Token:
    """Check everything but the digest and return what the token says; GgzyError ``timestamp.not_granted``."""
    if len(response) > MAX_RESPONSE:
        raise der.malformed()
    status, content_info = _granted(response)  # 1
    if status.raw != token.GRANTED:
        raise GgzyError("timestamp.not_granted", Kind.INTEGRITY)
    signed = _SignedData.parse(content_info)  # 2
    pinned = chain.load(chain_pem)
    certificate = _signing_certificate(signed, pinned)  # 3
    _check_signature(signed, certificate)  # 4
    told = _info(signed.info)  # 5
    chain.check(certificate, pinned, told.gen_time)  # 6
    return told


@dataclass(frozen=True, slots=True)
class _SignedData:
    """The parts of CMS SignedData that matter, every other part having been compared with its one permitted value."""

    info: bytes
    certificates: tuple[bytes, ...]
    issuer: bytes
    serial: int
    algorithm: hashes.HashAlgorithm
    attributes: bytes
    certificate_hash: bytes
    signature_algorithm: bytes
    signature: bytes

    @classmethod
    def parse(cls, content_info: der.Node) -> "_SignedData":
        name, wrapped = der.children(content_info, der.OID, der.CONTEXT_0)
        parts = der.children(der.element(wrapped.content, der.SEQUENCE))
        certificates: tuple[bytes, ...] = ()
        if len(parts) == _SIGNED_DATA_PARTS + 1 and parts[3].tag == der.CONTEXT_0:
            certificates = tuple(node.raw for node in der.children(parts.pop(3), of=der.CONTEXT_0))
        if name.raw != token.SIGNED_DATA or len(parts) != _SIGNED_DATA_PARTS or parts[0].raw != der.integer(3):
            raise der.malformed()
        _, algorithms, encapsulated, signers = parts
        (signer,) = _exactly(1, der.children(signers, of=der.SET))
        parts = _exactly(_SIGNER_PARTS, der.children(signer))
        version, identifier, digest_algorithm, attributes, signature_algorithm, signature = parts
        issuer, serial = der.children(identifier, der.SEQUENCE, der.INTEGER)
        if version.raw != der.integer(1) or [a.raw for a in der.children(algorithms, of=der.SET)] != [
            digest_algorithm.raw
        ]:
            raise der.malformed()
        algorithm = _HASHES.get(_algorithm(digest_algorithm))
        if algorithm is None or signature.tag != der.OCTET_STRING:
            raise der.malformed()
        info = _content(encapsulated)
        return cls(
            info=info,
            certificates=certificates,
            issuer=issuer.raw,
            serial=der.read_integer(serial),
            algorithm=algorithm,
            attributes=der.tlv(der.SET, attributes.content),
            certificate_hash=_check_attributes(attributes, hashlib.new(algorithm.name, info).digest()),
            signature_algorithm=_algorithm(signature_algorithm),
            signature=signature.content,
        )


def _granted(response: bytes) -> tuple[der.Node, der.Node]:
    parts = der.children(der.element(response, der.SEQUENCE))
    if len(parts) == 1:
        raise GgzyError("timestamp.not_granted", Kind.INTEGRITY)
    status, content_info = _exactly(2, parts)
    return status, content_info


def _content(encapsulated: der.Node) -> bytes:
    name, wrapped = der.children(encapsulated, der.OID, der.CONTEXT_0)
    if name.raw != token.TST_INFO:
        raise der.malformed()
    return der.element(wrapped.content, der.OCTET_STRING).content


def _check_attributes(attributes: der.Node, info_digest: bytes) -> bytes:
    """Check content type and digest among the signed attributes; return the signing certificate's SHA-256."""
    values: dict[bytes, bytes] = {}
    for attribute in der.children(attributes, of=der.CONTEXT_0):
        name, held = der.children(attribute, der.OID, der.SET)
        if name.raw in values:
            raise der.malformed()
        values[name.raw] = der.element(held.content).raw
    if values.get(token.CONTENT_TYPE) != token.TST_INFO:
        raise der.malformed()
    if values.get(token.MESSAGE_DIGEST) != der.tlv(der.OCTET_STRING, info_digest):
        raise GgzyError("timestamp.bad_signature", Kind.INTEGRITY)
    if token.SIGNING_CERTIFICATE_V2 not in values:
        raise GgzyError("timestamp.bad_certificate", Kind.INTEGRITY)
    listed, *_ = der.at_least(1, der.children(der.element(values[token.SIGNING_CERTIFICATE_V2], der.SEQUENCE)))
    own, *_ = der.at_least(1, der.children(listed))
    named, *_ = der.at_least(1, der.children(own))
    if named.tag != der.OCTET_STRING:  # another algorithm than the default SHA-256 would stand first
        raise GgzyError("timestamp.bad_certificate", Kind.INTEGRITY)
    return named.content


def _signing_certificate(signed: _SignedData, pinned: list[x509.Certificate]) -> x509.Certificate:
    """Return the certificate that the signed hash names; every other one inside must be pinned, byte for byte."""
    by_hash = {c.fingerprint(hashes.SHA256()): c for c in pinned}
    certificate = by_hash.get(signed.certificate_hash)
    for encoded in signed.certificates:
        fingerprint = hashlib.sha256(encoded).digest()
        if fingerprint == signed.certificate_hash:
            certificate = certificate or _load_der(encoded)
        elif fingerprint not in by_hash:
            raise GgzyError("timestamp.untrusted", Kind.INTEGRITY)
    if certificate is None:
        raise GgzyError("timestamp.bad_certificate", Kind.INTEGRITY)
    if certificate.issuer.public_bytes() != signed.issuer or certificate.serial_number != signed.serial:
        raise GgzyError("timestamp.bad_certificate", Kind.INTEGRITY)
    return certificate


def _check_signature(signed: _SignedData, certificate: x509.Certificate) -> None:
    family, hashed = _SIGNATURES.get(signed.signature_algorithm, (None, None))
    if hashed is not None and hashed.name != signed.algorithm.name:
        raise der.malformed()
    key = certificate.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and family == "ecdsa":
            return key.verify(signed.signature, signed.attributes, ec.ECDSA(signed.algorithm))
        if isinstance(key, rsa.RSAPublicKey) and family == "rsa":
            return key.verify(signed.signature, signed.attributes, padding.PKCS1v15(), signed.algorithm)
    except InvalidSignature:
        pass
    raise GgzyError("timestamp.bad_signature", Kind.INTEGRITY)


def _info(encoded: bytes) -> Token:
    version, policy, message, serial, gen_time, *rest = der.at_least(
        5, der.children(der.element(encoded, der.SEQUENCE))
    )
    algorithm, digest = der.children(message, der.SEQUENCE, der.OCTET_STRING)
    if version.raw != der.integer(1) or _algorithm(algorithm) != der.oid(token.SHA256):
        raise der.malformed()
    nonce = next((der.read_integer(node) for node in rest if node.tag == der.INTEGER), None)
    return Token(digest.content, der.read_time(gen_time), der.read_oid(policy), der.read_integer(serial), nonce)


def _load_der(encoded: bytes) -> x509.Certificate:
    try:
        certificate = chain.whole(x509.load_der_x509_certificate(encoded))
    except chain.UNREADABLE as error:
        raise der.malformed() from error
    if certificate.public_bytes(serialization.Encoding.DER) != encoded:
        raise der.malformed()
    return certificate


def _algorithm(node: der.Node) -> bytes:
    """Return the OID element of an AlgorithmIdentifier whose parameters are absent or NULL."""
    name, *parameters = der.at_least(1, der.children(node))
    if [p.raw for p in parameters] not in ([], [token.NULL]):
        raise der.malformed()
    return name.raw


def _exactly(count: int, nodes: list[der.Node]) -> list[der.Node]:
    if len(nodes) != count:
        raise der.malformed()
    return nodes
