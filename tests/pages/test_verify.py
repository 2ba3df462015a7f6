"""The page /verify and its saved copy, as the server gives them out."""

import gzip
import hashlib
import json
import re

from api import offline
from api.web import assets
from api.wiring import Installation
from tests.pages.conftest import Visitor

LIMIT = 60 * 1024  # bytes, compressed: what a first view of a public page may weigh


async def test_the_page_names_the_keys_and_asks_for_nothing(visitor: Visitor, installation: Installation) -> None:
    """Open to everybody, without a cookie; keys with fingerprints; the way without JavaScript is named."""
    page = await visitor.get("/verify")
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    assert installation.signer.vkey in page.text
    assert hashlib.sha256((await visitor.get("/tsa/chain.pem")).content).digest().hex(" ", 4) in page.text
    assert "ggzy verify PATH" in page.text
    assert "<noscript>" in page.text
    (pins,) = re.findall(r'id="pins">(.*?)</script>', page.text)
    assert json.loads(pins) == {"vkey": installation.signer.vkey, "chain": installation.chain_pem.decode()}


async def test_the_first_view_is_light(visitor: Visitor, installation: Installation) -> None:
    """Page, style sheets and the scripts that it starts with are small; the checks themselves come when asked for."""
    page = await visitor.get("/verify")
    files = assets.load(installation.settings.node_modules, installation.settings.seal_colour)
    started = ["site.css", "theme.css", "verify.css", "js/page.js", "js/words.js", "js/clock.js", "js/draft.js"]
    started += [f"js/verify/{name}.js" for name in ("page", "chosen", "engine", "pins", "report")]
    assert len(gzip.compress(page.content)) + sum(len(files.files[path].packed) for path in started) < LIMIT


async def test_every_refusal_of_the_checks_has_words_in_the_page(visitor: Visitor) -> None:
    """Whatever code the library throws, the page can say it."""
    page = (await visitor.get("/verify")).text
    known: dict[str, str] = {}
    for words in re.findall(r'class="words">(.*?)</script>', page):
        known |= json.loads(words)
    folder = assets.STATIC / "js" / "lib" / "verify"
    thrown = {
        code
        for path in folder.rglob("*.js")
        for code in re.findall(r'(?:new Refusal|reading)\("([a-z_]+\.[a-z_]+)"', path.read_text())
    }
    assert len(thrown) > 40
    assert thrown - set(known) == set()


async def test_the_saved_copy_stands_alone(visitor: Visitor, installation: Installation) -> None:
    """It has the keys, and every module that its modules import; no address but those inside itself."""
    answer = await visitor.get("/verify/offline.html")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert installation.signer.vkey in answer.text
    assert re.findall(r'(?:src|href)="(?!#|data:)', answer.text) == []
    files = assets.load(installation.settings.node_modules, installation.settings.seal_colour)
    modules = json.loads(offline.import_map(files))["imports"]
    assert offline.NAMED + "js/lib/verify/verifier.js" in modules
    assert offline.NAMED + offline.LIBSODIUM in modules
    assert not [name for name in modules if "worker" in name]
