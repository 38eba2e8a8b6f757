"""Pages that were left open, gone back to or sent again: told in words, nothing done twice, nothing kept."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Route, expect
from sqlalchemy import delete, func, select

from cases.casefile import PetitionCase
from cases.people import Post
from tests.factories import make_petition
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.supervised import supervise
from tests.web.test_links import make_link
from tests.web.test_petition_code import CODE, Pocket, intakes, pocket, step

__all__ = ["pocket"]
KEEPER, LEADER = "chengguan.receptionist", "city.leader"
FORM = "e" * 32
COLUMNS = """<link rel="stylesheet" href="{0}/static/x/css/layout.css"><div class="columns">
<div class="stack" id="one">1</div><div class="stack" id="two">2</div>{1}</div>"""
PLACES = """() => ["one", "two", "three"].map((id) => document.getElementById(id))
  .map((node) => node && [node.getBoundingClientRect().left > 400, node.getBoundingClientRect().top])"""


async def test_a_form_that_was_sent_is_no_second_matter_and_nobody_elses_receipt(
    house: House, pocket: Pocket
) -> None:
    first, other = house.browser(), house.browser()
    assert (await step(first, house, 3, form_id=FORM))[0] == 200
    assert (await step(first, house, 4, form_id=FORM, code=CODE))[0] == 303
    for browser, mine in ((first, True), (other, False)):
        status, _ = await step(browser, house, 4, form_id=FORM, code=CODE)
        assert status in (303, 422)
        page = await (await browser.get("/petition/done")).text()
        assert ("LZ2026-000001" in page) is mine and "12345" in page
    assert len(await intakes(house)) == 1


async def test_a_form_of_another_browser_is_refused_in_words(house: House) -> None:
    browser, other = house.browser(), house.browser()
    await other.get("/petition")
    page = await (await browser.get("/petition")).text()
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = await other.post("/petition", {"csrf_token": token, "step": "1"})
    told = await answer.text()
    assert answer.status == 403 and "页面已经过期" in told and "刷新后再" in told


async def test_a_right_that_lapsed_while_a_form_was_open_changes_nothing_and_is_told(house: House) -> None:
    browser = await house.official(KEEPER)
    official = house.world.officials[KEEPER].id
    fields = {"name": "李德福", "phone": "13800138000", "subject": "楼道漏水", "channel": "phone"}
    page = await (await browser.get("/cases/new")).text()
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    async with house.database.session() as db:
        await db.execute(delete(Post).where(Post.official_id == official))
        await db.commit()
    typed = fields | {"custodian": house.world.chengguan.id, "csrf_token": token}
    answer = await browser.post("/cases/new", typed)
    told = await answer.text()
    assert answer.status == 403 and "没有" in told and "楼道漏水" not in told
    async with house.database.session() as db:
        assert await db.scalar(select(func.count(PetitionCase.id))) == 0


async def test_the_day_of_an_order_says_where_it_comes_from(house: House) -> None:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
    order = f"/supervision/{await supervise(house, petition.id)}"
    above, below = await house.official(LEADER), await house.official(KEEPER)
    assert "2026年7月22日发出，督办单位定为 3 日内反馈。" in await (await above.get(order)).text()
    await below.send(order, f"{order}/moves/report", words="已经约见群众。", adoption="adopted")
    typed = {"words": "没有写何时修好。", "due_on": "2026-08-20"}
    assert (await above.send(order, f"{order}/moves/send_back", **typed)).status == 303
    told = await (await above.get(order)).text()
    assert "2026年7月22日退回重报，督办单位定为 29 日内反馈。" in told and "定为 3 日" not in told


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(120)
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_back_to_the_first_page_of_a_link_takes_a_tap_again(house: House, chrome: Browser) -> None:
    """Out of the browser's memory the button stands as it was left (HTML, "pageshow")."""
    given = await make_link(house)
    page = await (await chrome.new_context(locale="zh-CN")).new_page()
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        if held.is_set():
            await route.continue_()

    await page.route("**/exchange", hold)
    await page.goto(f"http://127.0.0.1:{house.server.port}/j/{given.code}#{given.secret}")
    start = page.locator("[data-action=start]")
    await start.click()
    await expect(start).to_have_text("正在打开…")
    held.set()
    async with page.expect_navigation():
        await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    await expect(start).to_have_text("开始")
    await start.click()
    await page.wait_for_url("**/notice")
    await page.context.close()


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_columns_keep_their_order(house: House, chrome: Browser) -> None:
    base = f"http://127.0.0.1:{house.server.port}"
    page = await chrome.new_page(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    await page.goto(f"{base}/signin")
    # Beside each other, the first one left; what else may be done stands below the first.
    await page.set_content(COLUMNS.format(base, ""), wait_until="load")
    one, two, _ = await page.evaluate(PLACES)
    assert (one[0], two[0], one[1] == two[1]) == (False, True, True)
    after = '<div class="stack after" id="three">3</div>'
    await page.set_content(COLUMNS.format(base, after), wait_until="load")
    one, two, three = await page.evaluate(PLACES)
    assert (one[0], two[0], three[0]) == (False, True, False) and three[1] > one[1] == two[1]
    await page.context.close()
