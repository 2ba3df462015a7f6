"""`ggzy verify PATH…`: check receipts, draws, packages, logs, or folders of them, offline, against pinned keys."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from api import artefacts
from api.artefacts import Artefact, Sort
from api.cli import files, progress
from api.locale import words
from api.verifier import Verifier, is_incomplete
from archive.recipe import Pins, Step
from kernel.errors import GgzyError

PINS = "GGZY_PINS"


def command(
    paths: Annotated[list[Path], typer.Argument(help=words("cli.verify.path"))],
    *,
    vkey: Annotated[Path | None, typer.Option(help=words("cli.verify.vkey"))] = None,
    tsa_chain: Annotated[Path | None, typer.Option(help=words("cli.verify.tsa_chain"))] = None,
    as_json: Annotated[bool, typer.Option("--json", help=words("cli.verify.json"))] = False,
) -> None:
    """Find what there is, check each by its recipe, and leave with 1 at the first thing wrong."""
    report(artefacts.find(*paths), pinned(vkey, tsa_chain), as_json=as_json)


def pinned(vkey: Path | None, tsa_chain: Path | None) -> Pins:
    """Return the keys that were given, or those of the folder named by GGZY_PINS (``vkey``, ``chain.pem``)."""
    folder = os.environ.get(PINS)
    if folder is not None:
        vkey, tsa_chain = vkey or _existing(Path(folder, "vkey")), tsa_chain or _existing(Path(folder, "chain.pem"))
    return Pins(
        None if vkey is None else files.pin(vkey).decode("utf-8", "replace").strip(),
        None if tsa_chain is None else files.pin(tsa_chain),
    )


def report(found: list[Artefact], pins: Pins, *, as_json: bool) -> None:
    """Check artefacts one after another and print what held; exit 1 with the first thing wrong."""
    done: list[dict[str, object]] = []
    verifier = Verifier(pins)
    if not as_json and (pins.vkey is None or pins.chain_pem is None):
        print(words("cli.verify.not_pinned"))
    for artefact in found:
        if not as_json:
            print(words(f"cli.verify.{artefact.sort}", {"path": artefact.path}))
        try:
            steps = _watched(verifier, artefact, quiet=as_json)
        except GgzyError as error:
            _fail(artefact, error, done, as_json=as_json)
        done.append({"path": str(artefact.path), "sort": artefact.sort, "steps": [_step(step) for step in steps]})
        if not as_json:
            for step in steps:
                name = words(f"cli.verify.step.{step.name}")
                print(words("cli.verify.step", {"number": step.number, "name": name, "detail": _readable(step.detail)}))
    if as_json:
        print(json.dumps({"ok": True, "pinned": _pinned(pins), "verified": done}, ensure_ascii=False))
    else:
        print(words("cli.verify.done", {"count": len(done)}))


def _fail(artefact: Artefact, error: GgzyError, done: list[dict[str, object]], *, as_json: bool) -> None:
    text, incomplete = words(error.code, error.params), is_incomplete(artefact.sort, error)
    if as_json:
        wrong = {"path": str(artefact.path), "sort": artefact.sort, "code": error.code, "words": text}
        told = {"ok": False, "wrong": wrong | {"incomplete": incomplete}, "verified": done}
        print(json.dumps(told, ensure_ascii=False))
    else:
        verdict = "cli.verify.incomplete" if incomplete else "cli.verify.failed"
        print(words(verdict, {"path": artefact.path, "words": text, "code": error.code}), file=sys.stderr)
    sys.exit(1)


def _watched(verifier: Verifier, artefact: Artefact, *, quiet: bool) -> list[Step]:
    """Check with a progress bar on a terminal: a package may be many gigabytes."""
    if quiet or artefact.sort is not Sort.PACKAGE:
        return verifier.verify(artefact)
    total = sum(file.stat().st_size for file in artefact.path.rglob("*")) if artefact.path.is_dir() else None
    with progress.bar(total) as advance:
        return verifier.verify(artefact, advance)


def _readable(detail: str) -> str:
    """Return a figure as people read it: codes in words."""
    return re.sub(r"[a-z]+(?:\.[a-z]+)?", lambda found: _figure(found[0]), detail)


def _figure(word: str) -> str:
    code = f"cli.verify.figure.{word}"
    return word if (said := words(code)) == code else said


def _step(step: Step) -> dict[str, object]:
    return {"number": step.number, "name": step.name, "detail": step.detail}


def _pinned(pins: Pins) -> dict[str, bool]:
    return {"vkey": pins.vkey is not None, "tsa_chain": pins.chain_pem is not None}


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None
