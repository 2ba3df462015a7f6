"""From the seed to the result: nonces revealed, or recovered by the custodians' quorum, and the draw made at once."""

import hashlib
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from archive import checkpoint, note
from bidding import ceremony
from experts import draw, nonce, policy, quota, roster, rounds
from experts.calls import Calls, seats
from experts.draw import Place
from experts.nonce import Commitment
from experts.rounds import Draw
from experts.tables import DRAWN, FIXED, INVITED, ROLES, VOID, CallRow, DrawRow, NonceRow, NonceShareRow, RevealRow
from kernel import canonical, database
from kernel.actor import Actor
from kernel.clock import isoformat
from kernel.entropy import Entropy
from kernel.errors import GgzyError, Kind, not_found, permit


@dataclass(frozen=True, slots=True)
class Withheld:
    """A withheld nonce's commitment message, the device key that signed it, and the seed it is needed for."""

    message: bytes
    device_key: bytes
    checkpoint: str
    beacon_signature: bytes | None


async def reveal(session: AsyncSession, actor: Actor, draw_id: UUID, message: bytes, *, entropy: Entropy) -> Draw:
    """Take a participant's signed nonce; with the third the draw is made in the same transaction.

    Raises ``draw.not_your_role``, ``draw.wrong_step`` before the seed is fixed, ``draw.revealed``, and those of
    `nonce.read_reveal`.
    """
    row, lot = await rounds.locked(session, draw_id)
    permit(policy.may_see_draw(actor, lot))
    rounds.require_state(row, FIXED)
    query = select(NonceRow).where(NonceRow.draw_id == draw_id, NonceRow.user_id == actor.user_id)
    kept = (await session.scalars(query)).one_or_none()
    if kept is None:
        raise GgzyError("draw.not_your_role", Kind.FORBIDDEN, role="")
    committed = nonce.read(kept.message, kept.device_key)
    value = nonce.read_reveal(message, committed, kept.device_key, _seed(row))
    await _take(session, actor, row, kept.role, value, how="revealed", messages=[message], entropy=entropy)
    return await rounds.view(session, row)


async def sealed(session: AsyncSession, actor: Actor, draw_id: UUID) -> list[Withheld]:
    """Return the withheld nonces, for the custodians' devices.

    Only after the release time and for a seed that is fixed: ``draw.not_released``, ``draw.wrong_step``.
    """
    row = await session.get(DrawRow, draw_id, populate_existing=True)
    if row is None or actor.device_key is None:
        raise not_found("draw")
    key = await ceremony.of_lot(session, row.lot_id)
    if actor.device_key.hex() not in {custodian.device_key for custodian in key.custodians}:
        raise not_found("draw")
    _require_released(row, await database.now(session))
    rounds.require_state(row, FIXED)
    revealed = select(RevealRow.role).where(RevealRow.draw_id == draw_id)
    query = select(NonceRow).where(NonceRow.draw_id == draw_id, NonceRow.role.not_in(revealed)).order_by(NonceRow.role)
    seed = row.checkpoint or "", row.beacon_signature
    return [Withheld(kept.message, kept.device_key, *seed) for kept in await session.scalars(query)]


async def share(
    session: AsyncSession, actor: Actor, draw_id: UUID, role: str, message: bytes, *, entropy: Entropy
) -> Draw:
    """Take a custodian's share of a withheld nonce; with the quorum's last one the nonce is known.

    A box that holds something else than was committed to voids the round, and the trail names whose it was.
    Raises ``draw.not_released``, ``draw.share_given``, ``draw.revealed``, and those of `nonce.check_share`.
    """
    row, _ = await rounds.locked(session, draw_id)
    key = await ceremony.of_lot(session, row.lot_id)
    if actor.device_key is None or actor.device_key.hex() not in {c.device_key for c in key.custodians}:
        raise not_found("draw")
    rounds.require_state(row, FIXED)
    now = await database.now(session)
    _require_released(row, now)
    commitment = await _commitment(session, draw_id, role)
    number, image = nonce.check_share(message, commitment, key, _seed(row))
    try:
        async with session.begin_nested():
            kept = NonceShareRow(draw_id=draw_id, role=role, custodian=number, partial=image, message=message, at=now)
            session.add(kept)
    except IntegrityError as error:
        raise GgzyError("draw.share_given", Kind.CONFLICT, custodian=number) from error
    query = select(NonceShareRow).where(NonceShareRow.draw_id == draw_id, NonceShareRow.role == role)
    given = (await session.scalars(query.order_by(NonceShareRow.custodian))).all()
    if len(given) >= key.threshold:
        try:
            value = nonce.recover(commitment, {one.custodian: one.partial for one in given}, key)
        except GgzyError:
            row.state = VOID
            await rounds.log(session, actor, row, "draw.spoiled", {"role": role}, entropy=entropy)
        else:
            messages = [one.message for one in given]
            await _take(session, actor, row, role, value, how="recovered", messages=messages, entropy=entropy)
    return await rounds.view(session, row)


def calls_of(row: DrawRow, kept: list[CallRow]) -> Calls:
    """Return the machine of a draw's calls as they stand."""
    entries, quotas, prk = roster.read(lines_of(row)), quota.read(row.quotas), row.prk or b""

    def redraw(gone: Any) -> tuple[Place, ...]:
        return draw.draw(entries, quotas, prk, row.tender_id, row.round, gone=gone)

    return Calls(redraw, {one.code: one.state for one in kept}, {one.code: one.ticket for one in kept})


def lines_of(row: DrawRow) -> list[str]:
    """Return the roster's lines."""
    return zlib.decompress(row.roster).decode().split("\n")


async def call(session: AsyncSession, row: DrawRow, places: tuple[Place, ...]) -> None:
    """Write down the calls of these places; the expert of a code is found by its line in the roster."""
    lines = [line[:64] for line in lines_of(row)]
    now = await database.now(session)
    known = (await session.scalars(select(CallRow.position).where(CallRow.draw_id == row.id))).all()
    for position, place in enumerate(places, len(known)):
        at = lines.index(place.code.hex())
        session.add(
            CallRow(
                draw_id=row.id,
                code=place.code,
                expert_id=UUID(bytes=row.roster_experts[16 * at : 16 * at + 16]),
                position=position,
                ticket=place.ticket,
                state=INVITED,
                reason="",
                invited_at=now,
                expires_at=now + timedelta(minutes=row.answer_minutes),
            )
        )
    await session.flush()


async def _take(
    session: AsyncSession,
    actor: Actor,
    row: DrawRow,
    role: str,
    value: bytes,
    *,
    how: str,
    messages: list[bytes],
    entropy: Entropy,
) -> None:
    """Write a nonce down with the signed messages that gave it for this seed."""
    try:
        async with session.begin_nested():
            session.add(RevealRow(draw_id=row.id, role=role, nonce=value, how=how, at=await database.now(session)))
    except IntegrityError as error:
        raise GgzyError("draw.revealed", Kind.CONFLICT, role=role) from error
    shown = [canonical.decode(message) for message in messages]
    told = {"how": how, "messages": shown, "nonce": value.hex(), "role": role}
    await rounds.log(session, actor, row, "draw.revealed", told, entropy=entropy)
    query = select(RevealRow.role, RevealRow.nonce).where(RevealRow.draw_id == row.id)
    nonces = dict((await session.execute(query)).all())
    if set(nonces) == set(ROLES):
        await _conclude(session, actor, row, nonces, entropy)


async def _conclude(
    session: AsyncSession, actor: Actor, row: DrawRow, nonces: dict[str, bytes], entropy: Entropy
) -> None:
    beacon = b"" if row.beacon_signature is None else hashlib.sha256(row.beacon_signature).digest()
    root = checkpoint.parse(note.parse(row.checkpoint or "").text).root
    row.prk = draw.extract(nonces.values(), beacon, root)
    row.state = DRAWN
    row.drawn_at = await database.now(session)
    places = calls_of(row, []).begin()
    await call(session, row, places)
    await rounds.log(session, actor, row, "draw.drawn", {"members": seats(places)}, entropy=entropy)


async def _commitment(session: AsyncSession, draw_id: UUID, role: str) -> Commitment:
    kept = await session.get(NonceRow, (draw_id, role))
    if kept is None:
        raise not_found("draw")
    if await session.get(RevealRow, (draw_id, role)) is not None:
        raise GgzyError("draw.revealed", Kind.CONFLICT, role=role)
    return nonce.read(kept.message, kept.device_key)


def _seed(row: DrawRow) -> bytes:
    return nonce.seed_digest(row.id, row.checkpoint or "", row.beacon_signature)


def _require_released(row: DrawRow, now: Any) -> None:
    if now < row.release_at:
        raise GgzyError("draw.not_released", Kind.CONFLICT, release=isoformat(row.release_at))
