"""The centre's side of draws in a browser: a round by clicks; a supervisor replays a draw themselves."""

from pathlib import Path

from api.wiring import Installation
from experts import draws
from tests.browser.conftest import Site, Visit, Watch, axe, shot
from tests.experts import people, scene


async def test_a_supervisor_replays_the_draw(
    site: Site, installation: Installation, visit: Visit, watch: Watch, tmp_path: Path
) -> None:
    """From the draw's page the transcript is downloaded and checked on the supervisor's device, to the last step."""
    made, draw = await people.drawn(installation)
    page = await visit(people.someone(scene.SUPERVISOR))
    await page.goto("/centre/draws")
    await page.get_by_role("link", name="第 1 标段").click()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="下载抽取记录").click()
    file = tmp_path / "transcript.json"
    await (await downloading.value).save_as(file)
    await page.get_by_role("link", name="到核验页重演").first.click()
    await page.locator("#verify").wait_for()
    await page.set_input_files("#files", file)
    await page.locator("#status").filter(has_text="用时").wait_for()
    assert "核验通过" in await page.inner_text("#status")
    await shot(page, "expert-replay")
    assert made.lot_id == draw.lot_id


async def test_a_round_is_prepared_by_clicks(site: Site, installation: Installation, visit: Visit) -> None:
    """The witness fills in the quotas; the page follows the three sides' commitments by itself."""
    async with installation.sessions.begin() as session:
        made = await scene.build(session, signer=installation.signer)
        await people.enrol(session, installation, [actor for actor, _ in scene.PEOPLE.values()])
    page = await visit(people.someone(scene.WITNESS))
    await page.goto(f"/centre/draws/{made.lot_id}")
    for row, (specialty, count) in enumerate((("A01", "2"), ("A02", "2"), ("B01", "1")), 1):
        await page.get_by_label(f"第 {row} 行专业代码").fill(specialty)
        await page.get_by_label(f"第 {row} 行人数").fill(count)
    await axe(page)
    await page.get_by_role("button", name="准备抽取").click()
    await page.get_by_text("本轮抽取已准备好").wait_for()
    async with installation.sessions.begin() as session:
        made.session = session
        (draw,) = await draws.of_lot(session, scene.WITNESS, made.lot_id)
        await made.commit(draw)
    await page.locator("td .tag.good").nth(2).wait_for()
    await shot(page, "expert-draw-committed")
    await page.get_by_role("button", name="确定种子").click()
    await page.get_by_text("种子已确定").wait_for()
