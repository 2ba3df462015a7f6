"""The archived trade in the hands of others' tools: bagit, sha256sum, pypdf."""

import re
import subprocess
from pathlib import Path

import bagit
import pypdf
import pytest

from tests.flows.played import Played

DRAWINGS = {"0002-drawings-v1.pdf", "technical-0001.pdf"}


def test_bagit_validates_the_bag(demo: Played) -> None:
    """The Library of Congress's program finds a complete and valid bag."""
    bag = bagit.Bag(str(demo.out / "archive"))
    assert bag.validate()
    assert bag.version_info == (1, 0)
    assert bag.info["External-Identifier"] == demo.summary()["tender"]["code"]


@pytest.mark.parametrize("manifest", ["manifest-sha256.txt", "tagmanifest-sha256.txt"])
def test_sha256sum_checks_the_manifests(demo: Played, manifest: str) -> None:
    """`sha256sum -c` finds every listed file with its digest, and no line that it cannot read."""
    command = ["sha256sum", "--strict", "--quiet", "-c", manifest]
    done = subprocess.run(command, cwd=demo.out / "archive", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def pdfs(demo: Played) -> list[Path]:
    """Return every PDF of the archived trade."""
    return sorted(demo.bag.rglob("*.pdf"))


def test_pypdf_opens_every_pdf(demo: Played) -> None:
    """None is encrypted, every page can be read, and written volumes have 10 to 40 pages."""
    for path in pdfs(demo):
        reader = pypdf.PdfReader(path, strict=True)
        assert not reader.is_encrypted
        assert len(reader.pages) >= 1
        if path.parent.name == "opened" and path.name not in DRAWINGS:
            assert 10 <= len(reader.pages) <= 40, path


def test_every_pdf_says_that_it_is_play(demo: Played) -> None:
    """Documents, volumes, reports and drawings of a sandbox carry its words on the first page."""
    for path in pdfs(demo):
        words = re.sub(r"\s", "", pypdf.PdfReader(path).pages[0].extract_text())
        assert re.search("(演示数据|演练环境)，不具法律效力|SANDBOX-NOLEGALEFFECT", words), path


def test_the_price_volume_adds_up_to_the_price_read_out(demo: Played) -> None:
    """The total on a price volume's last page is the price of the opening record: paper and form agree."""
    for number, stage in ((1, 1), (2, 2)):
        folder = demo.bag / "bidding" / f"lot-{number:02d}"
        record = demo.filed(f"bidding/lot-{number:02d}/openings/stage-{stage}/record.json")
        prices = {
            one["manifest"]: envelope["form"]["price"]
            for one in record["bids"]
            for envelope in one["envelopes"]
            if envelope["kind"] == "price"
        }
        for bid in folder.glob("bids/*/bid.sealed"):
            receipt = demo.filed(str((bid.parent / "receipt.json").relative_to(demo.bag)))
            price = prices[receipt["event"]["data"]["manifest"]]
            last = pypdf.PdfReader(bid.parent / "opened" / "price-0000.pdf").pages[-1].extract_text()
            assert price in last.replace(",", "")
