"""Mediation in the life of a matter: a mediator on the list, both sides asked, a sitting of its own kind."""

from __future__ import annotations

from tests.life.ledger import Life
from tests.life.people import Desk, fill


async def mediate(life: Life) -> None:
    """Both sides agree to a mediation, and a sitting of that kind is booked from its page."""
    desk, case = await Desk.of(life.stage, life.it.keeper), life.it.case
    page = desk.page
    await desk.open("/mediation/people")
    form = page.locator("form[action='/mediation/people']")
    person = {"kind": "mediator", "name": "赵调解", "employer": "城关区人民调解委员会", "since": "2026-07-01"}
    await fill(form, person)
    await form.locator("button[type=submit]").click()
    await page.get_by_text("城关区人民调解委员会").first.wait_for()
    await desk.open(f"/cases/{case}")
    await page.locator(f"a[href*='/mediation/new?petition={case}']").click()
    form = page.locator("form[action='/mediation/new']")
    await fill(form, {"respondent_name": "兰州某置业公司"})
    await form.locator("[name=mediator_id]").select_option(index=1)
    await life.stage.look(page, "mediation-new")
    await page.get_by_role("button", name="登记", exact=True).click()
    await page.locator("#consent").wait_for()
    for place in range(2):
        told = page.locator("#consent details").nth(place)
        await told.locator("summary").click()
        form = told.locator("form")
        await fill(form, {"given": "yes", "way": "spoken", "words": "我愿意调解。"})
        await form.get_by_role("button", name="记录").click()
        await page.locator("#consent .person").nth(place).get_by_text("我愿意调解。").wait_for()
    await life.stage.look(page, "mediation-agreed")
    await page.get_by_role("link", name="预约视频调解").click()
    await page.locator("[name=kind]").wait_for()
    await page.select_option("[name=kind]", "mediation")
    await page.fill("[name=day]", "2026-08-03")
    await page.fill("[name=time]", "15:00")
    await life.stage.look(page, "mediation")
    await page.get_by_role("button", name="排定并通知群众").click()
    await page.wait_for_url("**/sessions/*")
    assert "调解" in await page.inner_text("main")
    life.steps.append("安排视频调解")
    await life.check("mediation")
