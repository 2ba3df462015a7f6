"""Draws over a real database and a real log: from preparation to a replayed transcript."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from experts import draws, invitations, nonce, reveals, transcripts, verification
from experts.draws import Conditions
from experts.quota import Quota
from experts.tables import CallRow, DrawRow
from kernel.actor import ANONYMOUS
from kernel.database import now
from kernel.errors import GgzyError
from tests.bidding import stage
from tests.experts import scene as scenes
from tests.experts.scene import PEOPLE, PURCHASER, SIGNER, SUPERVISOR, WITNESS, Scene


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
