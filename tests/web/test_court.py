"""The court's door in real browsers: given on the page of a mediation, walked through by somebody unknown."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from cases.mediation.agreement import conclude_agreement
from cases.mediation.court_door import issue_court_link
from tests.axe import violations
from tests.cases.mediation.test_mediating import GIVEN, render, sit
from tests.mediations import KEEPER, make_ready
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import TOKEN, House
from tests.web.test_axe import WIDER
from tests.web.test_officials_pages import enter

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def database_system() -> str:
    """What the databases do is tested beneath the pages (tests/cases/mediation)."""
    return "sqlite"


async def agreed(house: House) -> str:
    """A mediation with an agreement in writing."""
    async with house.database.session() as db:
        made = await make_ready(db, house.clock, house.world)
        await sit(db, house.clock, house.world, made)
        await conclude_agreement(db, house.clock, house.world.actor(KEEPER), made.id, GIVEN, render)
        return made.id


async def test_a_stranger_learns_nothing_and_a_wrong_form_keeps_its_words(house: House) -> None:
    mediation_id, keeper, stranger = await agreed(house), await house.official(KEEPER), house.browser()
    page = f"/mediation/{mediation_id}"
    sent = await keeper.send(page, f"{page}/court", court="城关区人民法院", days="7")
    assert sent.status == 303
    text = await (await keeper.get(page)).text()
    assert "司法确认要双方共同申请" in text and 'value="城关区人民法院"' in text
    code = "0" * 32
    assert (await stranger.get(f"/court/{code}")).status == 200
    for to in (f"/court/{code}", f"/court/{code}/agreement.pdf"):
        answer = await stranger.send(f"/court/{code}", to, secret="x" * 43)
        assert answer.status == 404 and "请联系出具链接的单位" in await answer.text()
    assert (await stranger.post(f"/court/{code}", {"secret": "x"})).status == 403, "without its form token"


async def test_a_court_with_an_english_browser_reads_english(house: House) -> None:
    """The secret does not survive the switch of the page, so that the door follows the browser by itself."""
    mediation_id, stranger = await agreed(house), house.browser()
    async with house.database.session() as db:
        given = {"court": "城关区人民法院", "days": "7", "asked": "yes"}
        actor = house.world.actor(KEEPER)
        link, secret = await issue_court_link(db, house.clock, actor, mediation_id, given)
    path, english = f"/court/{link.id}", {"Accept-Language": "en-GB,en;q=0.9"}
    door = await (await stranger.get(path, headers=english)).text()
    token = TOKEN.search(door)
    assert token is not None and not HAN.search(main_of(door))
    form = {"csrf_token": token.group(1), "secret": secret}
    page = await (await stranger.post(path, form, headers=english)).text()
    words = re.sub(r"<dd.*?</dd>", "", main_of(page), flags=re.S)
    for name in ("城关区人民法院", house.world.chengguan.name):
        words = words.replace(name, "")
    assert "Agreement" in words and not HAN.search(words), HAN.findall(words)
    wrong = await stranger.post(path, form | {"secret": "x"}, headers=english)
    assert wrong.status == 404 and not HAN.search(main_of(await wrong.text()))
    chinese = await (await stranger.get(path, headers={"Accept-Language": "zh-CN,en"})).text()
    assert "调解协议查阅" in chinese


def main_of(page: str) -> str:
    """What is read, without navigation and foot."""
    return page.partition("<main")[2].partition("</main>")[0]


async def test_secrets_are_not_tried_in_heaps(house: House) -> None:
    stranger, code = house.browser(), "0" * 32
    ways = (f"/court/{code}", f"/court/{code}/agreement.pdf")
    found = [(await stranger.send(ways[0], ways[n % 2], secret="x" * 43)).status for n in range(22)]
    assert found[:20] == [404] * 20 and found[20:] == [429] * 2


@pytest.mark.browser
@needs_chromium
async def test_a_court_opens_its_link_and_reads_until_it_is_stopped(house: House, chrome: Browser) -> None:
    base, mediation_id = f"http://127.0.0.1:{house.server.port}", await agreed(house)
    page = await (await chrome.new_context(locale="zh-CN")).new_page()
    await enter(page, house, KEEPER)
    await page.goto(f"{base}/mediation/{mediation_id}")
    await page.get_by_text("给法院开查阅链接").click()
    await page.get_by_label("法院名称").fill("城关区人民法院")
    await page.get_by_label("双方都同意共同申请司法确认，并同意法院查阅").check()
    await page.get_by_role("button", name="生成链接").click()
    address = await page.locator("#agreement .code.wrap").inner_text()
    assert "/court/" in address and "#" in address and "?" not in address
    phone = await chrome.new_context(locale="zh-CN", viewport={"width": 360, "height": 800})
    court = await phone.new_page()
    await court.goto(address)
    await expect(court.get_by_label("查阅码")).to_have_value(address.partition("#")[2])
    assert "#" not in court.url
    assert not await violations(court) and not await court.evaluate(WIDER)
    await court.get_by_role("button", name="查阅").click()
    await expect(court.locator("main")).to_contain_text("赵六赔偿 3000 元")
    shown = await court.locator("body").inner_text()
    assert "李德福" in shown and "13800001234" not in shown and "我愿意调解" not in shown
    assert not await violations(court) and not await court.evaluate(WIDER)
    async with court.expect_download() as waited:
        await court.get_by_role("button", name="下载协议书（PDF）").click()
    assert (await waited.value).suggested_filename == "mediation-agreement.pdf"
    await page.reload()
    await expect(page.locator("#agreement")).to_contain_text("查阅 2 次")
    await page.get_by_role("button", name="停用").click()
    await expect(page.locator("#agreement")).to_contain_text("已停用")
    await court.goto("about:blank")
    await court.goto(address)
    await court.get_by_role("button", name="查阅").click()
    await expect(court.get_by_role("alert")).to_contain_text("请联系出具链接的单位")
    await page.context.close()
    await court.context.close()
