"""The page /verify: what people hold is checked in their own browser; the server gives out the program and the keys."""

import hashlib
import json
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from litestar import Controller, Request, Response, get
from markupsafe import Markup

from api import download, offline
from api.web import PUBLIC_PAGE, assets, page
from api.web.assets import Assets
from api.wiring import Installation

# Whose refusals the browser's checks may tell: the words under these stand in the page.
PREFIXES = (
    "page.aside", "pages.verify.", "verify.", "cli.verify.step.", "cli.verify.figure.", "receipt.",
    "timestamp.", "proof.", "note.", "checkpoint.", "merkle.", "event.", "log.", "tile.", "package.", "bundle.",
    "draw.", "keymaking.", "group.", "transcript.", "secret.", "signed.", "opening.too_few_shares", "bid.bad_",
    "bid.not_sealed", "bid.truncated", "bid.extended",
)  # fmt: skip


class Verify(Controller):
    """Verification in the browser; open to everybody."""

    path = "/verify"
    include_in_schema = False
    opt = PUBLIC_PAGE

    @get("/")
    async def show(self, request: Request[Any, Any, Any], installation: Installation) -> Response[bytes]:
        """Show the page with this installation's keys."""
        worker = _assets(installation).url("js/verify/verify.worker.js")
        return page(request, "verify/verify.html", **_keys(installation), worker=worker)

    @get("/offline.html")
    async def keep(self, request: Request[Any, Any, Any], installation: Installation) -> Response[bytes]:
        """Give the page as one file that needs no network."""
        files = _assets(installation)
        answer = page(
            request,
            "verify/offline.html",
            **_keys(installation),
            worker="",
            entry=offline.NAMED + offline.ENTRY,
            modules=Markup(offline.import_map(files)),  # noqa: S704 - JSON of base64 and of our own names
            styles=offline.styles(files),
        )
        answer.headers.update(download.named("ggzy-verify.html"))
        return answer


def _assets(installation: Installation) -> Assets:
    return assets.load(installation.settings.node_modules, installation.settings.seal_colour)


def _keys(installation: Installation) -> dict[str, Any]:
    chain = installation.chain_pem
    certificates = x509.load_pem_x509_certificates(chain)
    names = ["pages.verify.print_own"] * (len(certificates) - 1) + ["pages.verify.print_root"]
    prints = [one.fingerprint(hashes.SHA256()).hex(":") for one in certificates]
    whole = ("pages.verify.print_chain", hashlib.sha256(chain).digest().hex(" ", 4))  # as js/custody/pins.js writes it
    pins = json.dumps({"vkey": installation.signer.vkey, "chain": chain.decode()})
    return {
        "prefixes": PREFIXES,
        "vkey": installation.signer.vkey,
        "prints": [whole, *zip(names, prints, strict=True)],
        "pins": Markup(pins.replace("<", "\\u003c")),  # noqa: S704 - JSON whose every < is escaped
    }
