"""Signed paper: a PDF with the installation's own signature (PAdES, ETSI EN 319 142) and a time stamp (RFC 3161) in it.

The key is made at first start like the time authority's and says that the installation issued the document; it is no
person's. Any PDF reader and `pdfsig` check it against the chain that the installation publishes for pinning
(docs/spec/signed-paper.md).
"""

import io
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from asn1crypto import keys as asn1_keys
from asn1crypto import pem, tsp
from cryptography import x509
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from archive.timestamp import Authority
from archive.timestamp.certificates import CHAIN_FILE, Names, new_keys
from kernel.clock import Clock
from kernel.entropy import Entropy

KEY_FILE = "seal-key.pem"
FIELD = "ggzy"
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
RESERVED = 24 * 1024  # bytes for signature, certificates and token


def new_seal_keys(folder: Path, *, clock: Clock, entropy: Entropy, sandbox: bool) -> None:
    """Make root, signing key and certificate in `folder`; keys that are there already stay as they are."""
    usage = x509.ExtendedKeyUsage([DOCUMENT_SIGNING])
    names = Names("seal root", "seal", KEY_FILE)
    new_keys(folder, names, [(usage, False)], clock=clock, entropy=entropy, sandbox=sandbox)


class Seal:
    """Signs PDFs with a key of this machine."""

    def __init__(self, key_pem: bytes, chain_pem: bytes, authority: Authority) -> None:
        """Prepare; `chain_pem` begins with the seal's own certificate."""
        self.chain_pem = chain_pem
        certificates = list(load_certs_from_pemder_data(chain_pem))
        registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # pyhanko's own lack
        registry.register_multiple(certificates)
        self._signer = SimpleSigner(certificates[0], _private(key_pem), registry)
        self._authority = authority

    @classmethod
    def load(cls, folder: Path, authority: Authority) -> Self:
        """Read the keys that `new_seal_keys` made in `folder`."""
        return cls((folder / KEY_FILE).read_bytes(), (folder / CHAIN_FILE).read_bytes(), authority)

    async def sign(self, pdf: bytes, *, reason: str, at: datetime) -> bytes:
        """Return the PDF with a signature over all of it, stamped with the time; `at` is the database's time.

        Raises what the authority raises.
        """
        metadata = PdfSignatureMetadata(
            field_name=FIELD,
            md_algorithm="sha256",
            reason=reason,
            subfilter=fields.SigSeedSubFilter.PADES,
        )
        signing = _AtMoment(metadata, self._signer, timestamper=_Stamper(self._authority, at))
        signing.at = at
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        out = io.BytesIO()
        await signing.async_sign_pdf(writer, output=out, bytes_reserved=RESERVED)
        return out.getvalue()


class _AtMoment(PdfSigner):
    """Signs at the database's time, not the machine's."""

    at: datetime

    def init_signing_session(self, *args: Any, **options: Any) -> PdfSigningSession:
        session = super().init_signing_session(*args, **options)
        session.system_time = self.at
        return session


class _Stamper(TimeStamper):
    """Has the installation's authority stamp."""

    def __init__(self, authority: Authority, at: datetime) -> None:
        super().__init__(include_nonce=False)  # type: ignore[no-untyped-call]  # pyhanko's own lack
        self._authority, self._at = authority, at

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        digest = req["message_imprint"]["hashed_message"].native
        return tsp.TimeStampResp.load(await self._authority.stamp(digest, at=self._at))


def _private(key_pem: bytes) -> asn1_keys.PrivateKeyInfo:
    _, _, der = pem.unarmor(key_pem)
    return asn1_keys.PrivateKeyInfo.load(der)
