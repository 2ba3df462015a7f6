"""Draws over a real database and a real log: from preparation to a replayed transcript."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.cli import draw as command
from archive.note import Signer
from experts import application, committees, draws, invitations, nonce, reveals, transcripts, verification
from experts.quota import Quota
from experts.tables import DrawRow
from kernel import canonical
from kernel.actor import ANONYMOUS
from kernel.database import now
from kernel.errors import GgzyError
from tests.bidding import stage
from tests.experts import scene as scenes
from tests.experts.scene import PEOPLE, PURCHASER, SIGNER, SUPERVISOR, WITNESS, Scene
from trading.tables import LotRow


@pytest.fixture
async def scene(session: AsyncSession) -> Scene:
    """A lot and a pool of thirty."""
    return await scenes.build(session)


async def test_a_whole_draw_replays(scene: Scene) -> None:
    """Commit, fix, reveal, one declines and is replaced, all accept; the transcript replays offline."""
    draw = await scene.drawn()
    assert draw.state == "drawn"
    assert draw.calls == {"invited": 5}
    first = (await scene.called(draw))[0]
    await invitations.answer(scene.session, first, draw.id, accept=False, reason="出差", entropy=scene.entropy)
    accepted = await scene.accept_all(draw)
    assert len(accepted) == 5
    assert first not in accepted
    assert (await draws.find(scene.session, WITNESS, draw.id)).state == "completed"
    await scene.sequence()
    data = await transcripts.write(scene.session, SUPERVISOR, draw.id)
    steps = verification.verify_draw(data, SIGNER.key)
    assert [step.number for step in steps] == list(range(1, 13))
    assert "专家" not in data.decode()


async def test_the_committee_is_drawn_once(scene: Scene) -> None:
    """A second round needs the first to have failed; an open one excludes another."""
    draw = await scene.prepare()
    with pytest.raises(GgzyError, match=r"draw\.already_open"):
        await scene.prepare()
    await draws.abandon(scene.session, WITNESS, draw.id, "招标人变更名额", entropy=scene.entropy)
    with pytest.raises(GgzyError, match=r"draw\.no_reason"):
        await scene.prepare()
    again = await scene.prepare(reason="招标人变更名额")
    assert again.round == 2
    await scene.commit(again)
    await scene.sequence()
    await draws.fix(scene.session, WITNESS, again.id, entropy=scene.entropy)
    with pytest.raises(GgzyError, match=r"draw\.wrong_step"):
        await draws.abandon(scene.session, WITNESS, again.id, "不满意", entropy=scene.entropy)
    drawn = await scene.reveal(again)
    await scene.accept_all(drawn)
    with pytest.raises(GgzyError, match=r"draw\.already_drawn"):
        await scene.prepare(reason="再抽一次")


async def test_no_second_round_without_a_reason_in_the_database(scene: Scene) -> None:
    """The database itself refuses a later round without a reason, and changes to what a draw was made from."""
    draw = await scene.prepare()
    for change in ("reason = '', round = 2", "roster_digest = sha256('x')", "secret = sha256('x')"):
        with pytest.raises(IntegrityError):
            async with scene.session.begin_nested():
                await scene.session.execute(text(f"UPDATE draw SET {change} WHERE id = '{draw.id}'"))  # noqa: S608
    with pytest.raises(IntegrityError):
        async with scene.session.begin_nested():
            await scene.session.execute(text("DELETE FROM draw_entry"))


async def test_nothing_is_revealed_before_the_seed(scene: Scene) -> None:
    """Reveals wait for the checkpoint over all commitments."""
    draw = await scene.prepare()
    await scene.commit(draw, "centre", "purchaser")
    with pytest.raises(GgzyError, match=r"draw\.commitments_missing"):
        await draws.fix(scene.session, WITNESS, draw.id, entropy=scene.entropy)
    await scene.commit(draw, "supervisor")
    with pytest.raises(GgzyError, match=r"trail\.not_sequenced"):
        await draws.fix(scene.session, WITNESS, draw.id, entropy=scene.entropy)
    with pytest.raises(GgzyError, match=r"draw\.wrong_step"):
        await scene.reveal(draw, "centre")


async def test_a_nonce_must_be_the_one_committed_to(scene: Scene) -> None:
    """Another nonce, another's role, a second commitment: refused."""
    draw = await scene.fixed()
    other = nonce.reveal(draw.id, bytes(32), draw.seed(), PEOPLE["centre"][1])
    with pytest.raises(GgzyError, match=r"draw\.wrong_nonce"):
        await reveals.reveal(scene.session, WITNESS, draw.id, other, entropy=scene.entropy)
    await scene.reveal(draw, "centre")
    with pytest.raises(GgzyError, match=r"draw\.revealed"):
        await scene.reveal(draw, "centre")


async def test_commitments_are_bound_to_draw_and_role(scene: Scene) -> None:
    """A commitment for another role, roster or key does not fit."""
    draw = await scene.prepare()
    actor, device = PEOPLE["centre"]
    for_other = nonce.commit(draw.plan(), "supervisor", bytes(32), device, scene.entropy)
    with pytest.raises(GgzyError, match=r"draw\.not_your_role"):
        await draws.commit(scene.session, actor, draw.id, for_other, entropy=scene.entropy)
    stale = replace(draw.plan(), roster=bytes(32))
    message = nonce.commit(stale, "centre", bytes(32), device, scene.entropy)
    with pytest.raises(GgzyError, match=r"draw\.other_draw"):
        await draws.commit(scene.session, actor, draw.id, message, entropy=scene.entropy)
    await scene.commit(draw, "centre")
    with pytest.raises(GgzyError, match=r"draw\.committed"):
        await scene.commit(draw, "centre")


async def test_a_withheld_nonce_is_recovered_by_the_quorum(scene: Scene) -> None:
    """Who does not reveal is overruled: two of three custodians open the sealed nonce after its release time."""
    draw = await scene.fixed(release_minutes=1)
    await scene.reveal(draw, "centre", "purchaser")
    made = stage.custodians()
    custodian = made.people[0].actor
    with pytest.raises(GgzyError, match=r"draw\.not_released"):
        await reveals.sealed(scene.session, custodian, draw.id)
    await scenes.pass_time(scene.session, timedelta(minutes=2))
    withheld, *others = await reveals.sealed(scene.session, custodian, draw.id)
    assert not others
    commitment = nonce.read(withheld.message, withheld.device_key)
    seed = nonce.seed_digest(draw.id, withheld.checkpoint, withheld.beacon_signature)
    later = await now(scene.session)
    with pytest.raises(GgzyError, match=r"draw\.not_found"):
        await reveals.sealed(scene.session, WITNESS, draw.id)
    for number in (1, 3):
        person = made.people[number - 1]
        given = nonce.answer(
            commitment,
            made.key,
            number,
            made.shares[number],
            person.device,
            seed=seed,
            now=later,
            entropy=scene.entropy,
        )
        result = await reveals.share(scene.session, person.actor, draw.id, "supervisor", given, entropy=scene.entropy)
    assert result.state == "drawn"
    await scene.sequence()
    steps = verification.verify_draw(await transcripts.write(scene.session, SUPERVISOR, draw.id), SIGNER.key)
    assert "recovered" in next(step.detail for step in steps if step.name == "nonces")


async def test_a_bad_share_names_its_custodian(scene: Scene) -> None:
    """A share made with another secret is refused with the custodian's number."""
    draw = await scene.fixed(release_minutes=1)
    await scenes.pass_time(scene.session, timedelta(minutes=2))
    made = stage.custodians()
    withheld = (await reveals.sealed(scene.session, made.people[1].actor, draw.id))[0]
    commitment = nonce.read(withheld.message, withheld.device_key)
    later = await now(scene.session)
    device = made.people[1].device
    given = nonce.answer(
        commitment, made.key, 2, made.shares[1], device, seed=draw.seed(), now=later, entropy=scene.entropy
    )
    with pytest.raises(GgzyError, match=r"draw\.bad_share") as caught:
        await reveals.share(scene.session, made.people[1].actor, draw.id, "centre", given, entropy=scene.entropy)
    assert caught.value.params == {"custodian": 2}


async def test_a_nonce_is_for_one_seed(scene: Scene) -> None:
    """A reveal or a share that names another seed than the logged one is refused."""
    draw = await scene.fixed(release_minutes=1)
    actor, device = PEOPLE["centre"]
    other = nonce.seed_digest(draw.id, "another checkpoint", None)
    message = nonce.reveal(draw.id, scene.nonces["centre"], other, device)
    with pytest.raises(GgzyError, match=r"draw\.other_seed"):
        await reveals.reveal(scene.session, actor, draw.id, message, entropy=scene.entropy)
    await scenes.pass_time(scene.session, timedelta(minutes=2))
    made = stage.custodians()
    withheld = (await reveals.sealed(scene.session, made.people[0].actor, draw.id))[0]
    commitment = nonce.read(withheld.message, withheld.device_key)
    later = await now(scene.session)
    device = made.people[0].device
    given = nonce.answer(commitment, made.key, 1, made.shares[1], device, seed=other, now=later, entropy=scene.entropy)
    with pytest.raises(GgzyError, match=r"draw\.other_seed"):
        await reveals.share(scene.session, made.people[0].actor, draw.id, "centre", given, entropy=scene.entropy)


@pytest.mark.parametrize("withheld", [(), ("supervisor",)])
async def test_the_operator_cannot_choose_the_seed_again(scene: Scene, withheld: tuple[str, ...]) -> None:
    """Who runs the log and knows all nonces logs a later seed with the same nonces: the replay refuses that result."""
    draw = await scene.fixed(release_minutes=1)
    await scene.reveal(draw, *(role for role in PEOPLE if role not in withheld))
    await scenes.recover(scene, draw)
    await scene.sequence()
    honest = canonical.decode(await transcripts.write(scene.session, SUPERVISOR, draw.id))
    verification.verify_draw(canonical.encode(honest), SIGNER.key)
    forged = await scenes.grind(scene, draw, honest)
    with pytest.MonkeyPatch.context() as blind:  # nothing but the named seed is wrong with it
        blind.setattr(nonce, "_same_seed", lambda _named, _seed: None)
        verification.verify_draw(forged, SIGNER.key)
    with pytest.raises(GgzyError, match=r"draw\.other_seed"):
        verification.verify_draw(forged, SIGNER.key)


async def test_an_exhausted_pool_names_the_quota_and_a_wider_round_follows(scene: Scene) -> None:
    """When nobody is left for a quota, the round ends there; the next one needs a reason and counts who accepted."""
    with pytest.raises(GgzyError, match=r"draw\.pool_exhausted") as caught:
        await scene.prepare((Quota("A01", 4), Quota("C99", 1)))
    assert caught.value.params == {"quota": "C99", "missing": 1}
    await scenes.fill(scene, 1, start=100, **{application.SPECIALTIES: "C99"})
    draw = await scene.drawn((Quota("A01", 4), Quota("C99", 1)))
    only = await scene.session.scalar(text("SELECT user_id FROM expert WHERE 'C99' = ANY(specialties)"))
    told = {"accept": False, "reason": "出差", "entropy": scene.entropy}
    await invitations.answer(scene.session, scenes.expert(only), draw.id, **told)
    assert (await draws.find(scene.session, WITNESS, draw.id)).state == "exhausted"
    with pytest.raises(GgzyError, match=r"draw\.already_open"):
        await scene.prepare((Quota("A02", 1),), reason="C99 无人，扩大到 A02")
    assert len(await scene.accept_all(draw)) == 4
    wider = await scene.drawn((Quota("A02", 1),), reason="C99 无人，扩大到 A02")
    assert wider.round == 2
    await scene.accept_all(wider)
    formed = await committees.assemble(scene.session, PURCHASER, scene.lot_id, entropy=scene.entropy)
    assert (formed.size, formed.members) == (5, ())
    await scene.sequence()
    for one in (draw, wider):
        data = await transcripts.write(scene.session, SUPERVISOR, one.id)
        assert verification.verify_draw(data, SIGNER.key)


async def test_names_stay_sealed_until_the_result(scene: Scene) -> None:
    """Staff sees codes, strangers nothing, and only the supervisor has the transcript before the result."""
    draw = await scene.drawn()
    calls = await invitations.of_draw(scene.session, WITNESS, draw.id)
    assert [len(call.code) for call in calls] == [32] * 5
    for actor in (ANONYMOUS, WITNESS, PURCHASER):
        with pytest.raises(GgzyError, match=r"draw\.not_found"):
            await transcripts.write(scene.session, actor, draw.id)
    for expert in await scene.called(draw):
        with pytest.raises(GgzyError, match=r"draw\.not_found"):
            await draws.find(scene.session, expert, draw.id)
        assert [one.draw_id for one in await invitations.mine(scene.session, expert)] == [draw.id]
    with pytest.raises(GgzyError, match=r"invitation\.not_found"):
        await invitations.answer(scene.session, WITNESS, draw.id, accept=True, entropy=scene.entropy)


async def test_a_draw_tells_nobody_who_bids(scene: Scene) -> None:
    """While bids are taken not even the supervisor sees the roster, on which a bidder's people are excluded."""
    announced = update(LotRow).where(LotRow.id == scene.lot_id).values(state="announced")
    await scene.session.execute(announced)
    draw = await scene.drawn()
    await scene.sequence()
    with pytest.raises(GgzyError, match=r"draw\.not_found"):
        await transcripts.write(scene.session, SUPERVISOR, draw.id)


async def test_a_call_times_out_and_the_next_is_called(scene: Scene) -> None:
    """After the hour nobody can accept; the job lets the calls time out one by one."""
    draw = await scene.drawn(answer_minutes=1)
    late = (await scene.called(draw))[0]
    await scenes.pass_time(scene.session, timedelta(minutes=2))
    with pytest.raises(GgzyError, match=r"invitation\.expired"):
        await invitations.answer(scene.session, late, draw.id, accept=True, entropy=scene.entropy)
    assert draw.id in await invitations.overdue(scene.session)
    assert await invitations.expire(scene.session, draw.id, entropy=scene.entropy) == 5
    assert (await draws.find(scene.session, WITNESS, draw.id)).calls == {"timed_out": 5, "invited": 5}


async def test_who_must_avoid_is_never_drawn(scene: Scene) -> None:
    """Employees of the purchaser stand on the roster with their reason and are not drawn."""
    await scene.session.execute(
        text(
            "UPDATE expert SET employers = jsonb_set(employers, '{0,name}', '\"甲\"') WHERE name IN ('专家0', '专家3')"
        )
    )
    scene.session.expire_all()
    draw = await scene.prepare()
    row = await scene.session.get_one(DrawRow, draw.id)
    excluded = [line for line in reveals.lines_of(row) if line.endswith(" employer_purchaser")]
    assert len(excluded) == 2


async def test_the_roster_hides_who_is_at_a_branch(scene: Scene) -> None:
    """A site quota with hardly any candidates is refused: its expert could be guessed."""
    await scene.session.execute(text("UPDATE expert SET sites = '{152527}' WHERE name = '专家0'"))
    scene.session.expire_all()
    with pytest.raises(GgzyError, match=r"draw\.site_identifiable"):
        await scene.prepare((Quota("A01", 1, "152527"), Quota("A02", 4)))


async def test_a_committee_must_be_lawful(scene: Scene) -> None:
    """Too small, even, too few experts: each refused with its article."""
    for quotas, representatives, code in (
        ((Quota("A01", 3),), 0, "committee.too_small"),
        ((Quota("A01", 6),), 0, "committee.even"),
        ((Quota("A01", 4),), 3, "committee.too_few_experts"),
    ):
        with pytest.raises(GgzyError, match=code) as caught:
            await scene.prepare(quotas, representatives=representatives)
        assert "三十七" in str(caught.value.params["article"])


async def test_not_more_than_a_day_before_the_opening(scene: Scene) -> None:
    """The draw begins within 24 hours before the deadline."""
    deadline = await now(scene.session) + timedelta(days=3)
    await stage.set_deadline(scene.session, scene.lot_id, deadline)
    with pytest.raises(GgzyError, match=r"draw\.too_early"):
        await scene.prepare()


async def test_any_flipped_byte_is_found(scene: Scene) -> None:
    """No byte of a transcript can be changed without the replay saying so, whatever it is changed to."""
    draw = await scene.drawn()
    first = (await scene.called(draw))[0]
    await invitations.answer(scene.session, first, draw.id, accept=False, reason="出差", entropy=scene.entropy)
    await scene.accept_all(draw)
    await scene.sequence()
    data = await transcripts.write(scene.session, SUPERVISOR, draw.id)
    verification.verify_draw(data, SIGNER.key)
    for at in range(0, len(data), 61):
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        with pytest.raises(GgzyError):
            verification.verify_draw(bytes(flipped), SIGNER.key)
    for length in (0, 1, len(data) // 2, len(data) - 1):
        with pytest.raises(GgzyError):
            verification.verify_draw(data[:length], SIGNER.key)


async def test_a_well_formed_lie_is_found(scene: Scene) -> None:
    """Canonical transcripts with something left out, exchanged or added fail with their step's code."""
    draw = await scene.drawn()
    await scene.accept_all(draw)
    await scene.sequence()
    honest = canonical.decode(await transcripts.write(scene.session, SUPERVISOR, draw.id))
    lies = {
        "draw.wrong_roster": {"roster": honest["roster"][1:]},
        "draw.wrong_result": {"members": honest["members"][::-1]},
        "draw.wrong_calls": {"entries": honest["entries"][:9] + honest["entries"][10:]},
        "draw.wrong_events": {"entries": honest["entries"][:1] + honest["entries"][2:]},
        "draw.bad_transcript": {"surplus": 1},
    }
    for code, change in lies.items():
        with pytest.raises(GgzyError) as caught:
            verification.verify_draw(canonical.encode(honest | change), SIGNER.key)
        assert caught.value.code == code
    stranger = Signer(SIGNER.name, b"x" * 32).key
    with pytest.raises(GgzyError, match=r"note\.wrong_signature"):
        verification.verify_draw(canonical.encode(honest), stranger)


async def test_the_command_replays_a_file(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ggzy draw replay` prints twelve steps for an honest transcript, and refuses one of another log."""
    draw = await scene.drawn()
    await scene.accept_all(draw)
    await scene.sequence()
    file, vkey, other = tmp_path / "transcript.json", tmp_path / "vkey", tmp_path / "other"
    file.write_bytes(await transcripts.write(scene.session, SUPERVISOR, draw.id))
    vkey.write_text(f"{SIGNER.vkey}\n")
    other.write_text(Signer(SIGNER.name, b"x" * 32).vkey)
    command.replay(file, vkey)
    out = capsys.readouterr().out
    assert "12." in out
    assert "抽取成立：5 名" in out
    with pytest.raises(GgzyError, match=r"note\.wrong_signature"):
        command.replay(file, other)
    with pytest.raises(GgzyError, match=r"verify\.unreadable"):
        command.replay(tmp_path / "none", vkey)
