"""Draws replayed by the browser's code: the same steps as Python's, and the same refusals of what was forged."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from archive.recipe import Pins
from experts import invitations, transcripts, verification
from kernel import canonical
from kernel.errors import GgzyError
from tests.experts import scene as scenes
from tests.experts.scene import PEOPLE, SIGNER, SUPERVISOR, Scene
from tests.js.browser import verdicts

PINS = Pins(vkey=SIGNER.vkey)


@pytest.fixture
async def scene(session: AsyncSession) -> Scene:
    """A lot and a pool of thirty."""
    return await scenes.build(session)


async def agree(folder: Path, cases: dict[str, bytes]) -> dict[str, str | None]:
    """Have both judge each transcript; return the code of the refusal by name, None for what replays."""
    paths, expected = [], []
    for name, data in cases.items():
        path = folder / name / "draw" / "transcript.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        paths.append(path.parent.parent)
        try:
            steps = verification.verify_draw(data, SIGNER.key)
            expected.append((None, [(step.number, step.name, step.detail) for step in steps]))
        except GgzyError as error:
            expected.append((error.code, []))
    told = [found[0] for found in await verdicts(PINS, *paths)]
    shown = [
        (one["code"], [] if one["code"] else [(step["number"], step["name"], step["detail"]) for step in one["steps"]])
        for one in told
    ]
    assert dict(zip(cases, shown, strict=True)) == dict(zip(cases, expected, strict=True))
    return {name: code for name, (code, _) in zip(cases, shown, strict=True)}


async def test_the_browser_replays_a_draw_and_finds_every_lie(scene: Scene, tmp_path: Path) -> None:
    """One declines and is replaced; the transcript replays. Left out, exchanged, added or flipped: the same refusal."""
    draw = await scene.drawn()
    first = (await scene.called(draw))[0]
    await invitations.answer(scene.session, first, draw.id, accept=False, reason="出差", entropy=scene.entropy)
    await scene.accept_all(draw)
    await scene.sequence()
    data = await transcripts.write(scene.session, SUPERVISOR, draw.id)
    honest = canonical.decode(data)
    entries = honest["entries"]
    lies = {
        "roster": {"roster": honest["roster"][1:]},
        "members": {"members": honest["members"][::-1]},
        "call": {"entries": entries[:9] + entries[10:]},
        "commitment": {"entries": entries[:1] + entries[2:]},
        "twice": {"entries": [*entries[:3], entries[2], *entries[4:]]},
        "path": {"entries": [*entries[:-1], entries[-1] | {"path": entries[-1]["path"][1:]}]},
        "surplus": {"surplus": 1},
        "key": {"key": {}},
        "names": {"names": []},
        "seed": {"seed": honest["head"]},
        "consistency": {"consistency": honest["consistency"][:-1]},
    }
    cases = {"honest": data} | {name: canonical.encode(honest | change) for name, change in lies.items()}
    for at in range(0, len(data), 997):
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        cases[f"byte-{at}"] = bytes(flipped)
    found = await agree(tmp_path, cases)
    assert [name for name, code in found.items() if code is None] == ["honest"]


@pytest.mark.parametrize("withheld", [(), ("supervisor",)], ids=["revealed", "recovered"])
async def test_the_browser_refuses_a_seed_chosen_again(scene: Scene, tmp_path: Path, withheld: tuple[str, ...]) -> None:
    """Nonces that a quorum recovered are replayed as well; a later seed with known nonces is refused."""
    draw = await scene.fixed(release_minutes=1)
    await scene.reveal(draw, *(role for role in PEOPLE if role not in withheld))
    await scenes.recover(scene, draw)
    await scene.sequence()
    honest = canonical.decode(await transcripts.write(scene.session, SUPERVISOR, draw.id))
    cases = {"honest": canonical.encode(honest), "ground": await scenes.grind(scene, draw, honest)}
    if withheld:
        cases["no key"] = canonical.encode(honest | {"key": None})
    found = await agree(tmp_path, cases)
    assert (found.pop("honest"), found.pop("ground")) == (None, "draw.other_seed")
    assert set(found.values()) <= {"transcript.malformed"}
