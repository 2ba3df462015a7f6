"""`ggzy draw`: a participant's device commits and reveals, a custodian helps to recover, anybody replays offline."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import typer

from api.cli.passphrase import ask
from api.client import Client
from api.locale import words
from archive import note
from bidding import keyfile, transcript
from bidding.keyfile import KeyFile
from bidding.transcript import OpeningKey
from experts import nonce
from experts.draw import NONCE_SIZE
from experts.nonce import Plan
from experts.verification import verify_draw
from kernel import canonical
from kernel.clock import SystemClock
from kernel.entropy import Entropy, SystemEntropy
from kernel.errors import GgzyError, Kind

MAX_FILE = 512 << 20
MAX_PIN = 64 << 10

Url = Annotated[str, typer.Option(envvar="GGZY_URL", help=words("cli.key.url"))]
Token = Annotated[str, typer.Option(envvar="GGZY_TOKEN", help=words("cli.key.token"))]
KeyPath = Annotated[Path, typer.Option(help=words("cli.key.file"))]
Passphrase = Annotated[Path | None, typer.Option(help=words("cli.key.passphrase_file"))]
DrawId = Annotated[UUID, typer.Argument(help=words("cli.draw.id"))]
Role = Literal["centre", "purchaser", "supervisor"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=words("cli.draw.help"))


@app.command(help=words("cli.draw.replay"))
def replay(
    file: Annotated[Path, typer.Argument(help=words("cli.draw.replay.file"))],
    vkey: Annotated[Path, typer.Option(help=words("cli.draw.replay.vkey"))],
) -> None:
    """Replay a transcript against the pinned key of the log and print what held."""
    key = note.parse_key(_read(vkey, MAX_PIN).decode("utf-8", "replace").strip())
    steps = verify_draw(_read(file, MAX_FILE), key)
    for step in steps:
        name = words(f"cli.verify.step.{step.name}")
        print(words("cli.verify.step", {"number": step.number, "name": name, "detail": step.detail}))
    count = next(step.detail for step in steps if step.name == "result")
    print(words("cli.draw.replay.done", {"count": count}))


@app.command(help=words("cli.draw.commit"))
def commit(
    draw: DrawId,
    role: Annotated[Role, typer.Option(help=words("cli.draw.role"))],
    url: Url,
    token: Token,
    *,
    key: KeyPath = Path("device.key"),
    passphrase_file: Passphrase = None,
) -> None:
    """Make a nonce, keep it in the key file, then send the signed commitment."""
    asyncio.run(_commit(Client(url, token=token), draw, role, (key, ask(passphrase_file)), SystemEntropy()))
    print(words("cli.draw.committed"))


@app.command(help=words("cli.draw.reveal"))
def reveal(
    draw: DrawId,
    url: Url,
    token: Token,
    *,
    key: KeyPath = Path("device.key"),
    passphrase_file: Passphrase = None,
) -> None:
    """Reveal the nonce that the key file holds for this draw."""
    held = keyfile.load(key, ask(passphrase_file))
    answer = asyncio.run(_reveal(Client(url, token=token), draw, held))
    print(words("cli.draw.revealed", {"state": answer["state"]}))


@app.command(help=words("cli.draw.recover"))
def recover(
    draw: DrawId,
    url: Url,
    token: Token,
    *,
    key: KeyPath = Path("device.key"),
    passphrase_file: Passphrase = None,
) -> None:
    """Give this custodian's shares of the nonces that were withheld."""
    held = keyfile.load(key, ask(passphrase_file))
    count = asyncio.run(_recover(Client(url, token=token), draw, held, SystemClock().now(), SystemEntropy()))
    print(words("cli.draw.shares", {"count": count}))


async def _commit(client: Client, draw: UUID, role: str, file: tuple[Path, str], entropy: Entropy) -> None:
    path, passphrase = file
    async with client:
        told = await client.get(f"/api/v1/draws/{draw}")
        opening_key, _, _ = await _opening_key(client, told)
        held = keyfile.load(path, passphrase)
        if _name(draw) not in held.secrets:  # kept before it is sent: a lost answer must not lose the nonce
            held = keyfile.add(path, passphrase, _name(draw), entropy.token(NONCE_SIZE), entropy=entropy)
        message = nonce.commit(_plan(told, opening_key), role, held.secrets[_name(draw)], held.signing_key(), entropy)
        await client.post(f"/api/v1/draws/{draw}/commitments", {"message": message.decode()})


async def _reveal(client: Client, draw: UUID, held: KeyFile) -> Any:
    kept = held.secrets.get(_name(draw))
    if kept is None:
        raise GgzyError("draw.no_nonce", Kind.NOT_FOUND)
    async with client:
        return await client.post(f"/api/v1/draws/{draw}/reveals", {"nonce": kept.hex()})


async def _recover(client: Client, draw: UUID, held: KeyFile, now: datetime, entropy: Entropy) -> int:
    async with client:
        sealed = await client.get(f"/api/v1/draws/{draw}/sealed")
        for one in sealed:
            commitment = nonce.read(one["message"].encode(), bytes.fromhex(one["device_key"]))
            told = {"key_hash": commitment.key, "lot_id": commitment.lot}
            opening_key, hashed, number = await _opening_key(client, told)
            kept = held.secrets.get(f"shares:{hashed}")
            if kept is None or commitment.draw != str(draw):
                raise GgzyError("draw.no_share", Kind.NOT_FOUND)
            share = kept[1 + 32 * number : 33 + 32 * number]
            message = nonce.answer(
                commitment, opening_key, kept[0], share, held.signing_key(), now=now, entropy=entropy
            )
            body = {"message": message.decode(), "role": commitment.role}
            await client.post(f"/api/v1/draws/{draw}/shares", body)
        return len(sealed)


async def _opening_key(client: Client, told: dict[str, Any]) -> tuple[OpeningKey, str, int]:
    """Return the lot's opening key as its transcript proves it, not as the server says it; its hash and number."""
    view = await client.get(f"/api/v1/lots/{told['lot_id']}/opening-key")
    answer = await client.get(f"/api/v1/transcripts/{view['transcript']}")
    made = transcript.verify_transcript(answer if isinstance(answer, bytes) else canonical.encode(answer))
    for found in made.keys:
        if found.key_hash.hex() == told["key_hash"] and made.hash.hex() == view["transcript"]:
            return found, view["transcript"], found.index
    raise GgzyError("draw.untrusted_key", Kind.INTEGRITY)


def _plan(told: dict[str, Any], key: OpeningKey) -> Plan:
    return Plan(
        draw=UUID(told["id"]),
        tender=UUID(told["tender_id"]),
        lot=UUID(told["lot_id"]),
        round=told["round"],
        roster=bytes.fromhex(told["roster"]),
        release=datetime.fromisoformat(told["release_at"]),
        key_hash=key.key_hash,
        public_key=key.public_key,
    )


def _name(draw: UUID) -> str:
    return f"draw-nonce:{draw}"


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise GgzyError("draw.unreadable", Kind.NOT_FOUND, path=path.name) from error
