"""A rule of a district (两名管理员) before a matter comes in: proposed by one, confirmed by another."""

from __future__ import annotations

from tests.life import days
from tests.life.days import Duty
from tests.life.people import Desk, fill
from tests.life.stage import Stage

PROPOSER, SECOND = "city.sysadmin", "city.security_admin"
DISTRICT, CODE = "620102", "register_route"
OWN_LAW, OWN_ARTICLE, OWN_DAYS = "《城关区信访事项办理办法》", "第八条", 10


async def shorten_routing(stage: Stage) -> Duty:
    """From today on the district registers and forwards within ten days; the clock as it then stands."""
    one, other = await Desk.of(stage, PROPOSER), await Desk.of(stage, SECOND)
    page = one.page
    await one.open(f"/administration/deadlines?region={DISTRICT}")
    await page.get_by_role("link", name="起草新版本").click()
    await page.get_by_label("施行日期").fill(stage.today.isoformat())
    await page.get_by_label("文件名称").fill(OWN_LAW)
    await page.get_by_label("理由").fill("方便群众，区政府常务会议通过")
    typed = {f"days-{CODE}": str(OWN_DAYS), f"article-{CODE}": OWN_ARTICLE}
    await fill(page.locator("main form"), typed)
    await page.get_by_role("button", name="先看影响").click()
    await page.locator("#effect-title").wait_for()
    await stage.look(page, "rule-effect")
    await page.get_by_role("button", name="提出，等另一人确认").click()
    await page.get_by_role("status").get_by_text("已提出").wait_for()
    await other.open("/administration/rules")
    await stage.look(other.page, "rule-waiting")
    await other.page.get_by_role("button", name="确认生效").click()
    await other.page.get_by_role("status").get_by_text("已确认").wait_for()
    duty = days.routing(stage.today)
    duty.days, duty.law, duty.article = OWN_DAYS, OWN_LAW, OWN_ARTICLE
    return duty
