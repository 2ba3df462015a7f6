"""Signed paper: strangers' programs find one whole signature with a time stamp, and any change breaks it."""

import asyncio
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from archive.paper import render
from archive.signature import Seal, new_seal_keys
from archive.timestamp import LocalAuthority
from kernel.clock import SystemClock
from kernel.entropy import SystemEntropy

TEMPLATE = '#set document(title: "开标记录")\n#set text(font: "Noto Sans SC", lang: "zh")\n= 开标记录'


@pytest.fixture
def seal(authority: LocalAuthority, tmp_path: Path) -> Seal:
    """A seal in earnest with keys of its own."""
    new_seal_keys(tmp_path / "seal", clock=SystemClock(), entropy=SystemEntropy(), sandbox=False)
    return Seal.load(tmp_path / "seal", authority)


async def signed(seal: Seal) -> bytes:
    """A signed page."""
    at = datetime.now(UTC)
    return await seal.sign(render(TEMPLATE, {}, created=at), reason="开标记录", at=at)


async def status(pdf: bytes, seal: Seal, authority: LocalAuthority) -> PdfSignatureStatus:
    """What pyhanko finds, trusting nothing but the two roots."""
    roots = [list(load_certs_from_pemder_data(chain))[-1] for chain in (seal.chain_pem, authority.chain_pem)]
    context = ValidationContext(trust_roots=roots, allow_fetching=False)
    embedded = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    assert len(embedded) == 1
    return await async_validate_pdf_signature(
        embedded[0], context, ts_validation_context=context, key_usage_settings=KeyUsageConstraints()
    )


async def test_a_strangers_validator_accepts_it(seal: Seal, authority: LocalAuthority) -> None:
    """A validator of others finds it whole, trusted by the published root, over the whole file, and stamped now."""
    found = await status(await signed(seal), seal, authority)
    assert found.bottom_line, found.summary()
    assert found.coverage is SignatureCoverageLevel.ENTIRE_FILE
    assert found.timestamp_validity is not None
    assert abs(found.timestamp_validity.timestamp - datetime.now(UTC)) < timedelta(minutes=1)


async def test_any_change_breaks_it(seal: Seal, authority: LocalAuthority) -> None:
    """One byte changed within the page, and the signature says so."""
    pdf = bytearray(await signed(seal))
    place = bytes(pdf).index(b"/Title") + 8
    pdf[place] ^= 1
    assert not (await status(bytes(pdf), seal, authority)).intact


async def test_another_installations_seal_is_not_ours(seal: Seal, authority: LocalAuthority, tmp_path: Path) -> None:
    """A signature by another key is whole, but not trusted."""
    new_seal_keys(tmp_path / "other", clock=SystemClock(), entropy=SystemEntropy(), sandbox=False)
    other = Seal.load(tmp_path / "other", authority)
    found = await status(await signed(other), seal, authority)
    assert (found.intact, found.trusted) == (True, False)


def test_keys_are_made_once(tmp_path: Path) -> None:
    """A second start keeps the keys, and the private one is its owner's alone."""
    for _ in range(2):
        new_seal_keys(tmp_path, clock=SystemClock(), entropy=SystemEntropy(), sandbox=True)
        chain = (tmp_path / "chain.pem").read_bytes()
    assert chain == (tmp_path / "chain.pem").read_bytes()
    assert (tmp_path / "seal-key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.debian("pdfsig")
async def test_poppler_accepts_it(seal: Seal, tmp_path: Path) -> None:
    """`pdfsig` finds one valid signature over the total document."""
    path = tmp_path / "signed.pdf"
    path.write_bytes(await signed(seal))
    process = await asyncio.create_subprocess_exec("pdfsig", "-nocert", str(path), stdout=asyncio.subprocess.PIPE)
    told = (await process.communicate())[0].decode()
    assert "Signature is Valid." in told
    assert "Total document signed" in told
    assert "ETSI.CAdES.detached" in told
