"""Supervision (督办) in the life of a matter: the office above asks, sends back, strikes off, lists, ends."""

from __future__ import annotations

from datetime import date, timedelta

from playwright.async_api import Page

from tests.life.days import LAW, chinese
from tests.life.ledger import HANDLER, Life
from tests.life.papers import LOOKS, Paper
from tests.life.people import Desk, fill

ABOVE = "city.leader"
USUAL, AGAIN, LISTED = 15, 6, 30  # Days; the first is what the form proposes.


async def supervise(life: Life) -> None:
    """An order to the unit that handles the matter, answered twice, and a listing beside it.

    Each paper arrives at the other office: the order is signed for there, the answer comes by post. The
    citizen's page stays as it was.
    """
    above = await Desk.of(life.stage, ABOVE)
    page, case = above.page, life.it.case
    await above.open(f"/cases/{case}")
    await page.locator(f"a[href='/cases/{case}/supervision']").first.click()
    form = page.locator(f"form[action='/cases/{case}/supervision']")
    unit = life.stage.world.organisations["housing"].id
    await fill(form, {"unit_id": unit, "reason": "evaded", "words": "群众反映没有答复，请说明情况。"})
    due = life.today + timedelta(days=USUAL)
    assert await form.locator("[name=due_on]").input_value() == due.isoformat()
    await life.stage.look(page, "supervision-new")
    await form.get_by_role("button", name="发出督办单").click()
    await page.locator("h1", has_text="督办单 DB2026-").wait_for()
    order = page.url.removeprefix(life.stage.base)
    await explained(life, page, due, f"{chinese(life.today)}发出，督办单位定为 {USUAL} 日内反馈。")
    office, answering = "兰州市信访局", life.stage.world.organisations["housing"].name
    await collect(life, above, "supervision_order", order, office, answering)
    unit_desk = await Desk.of(life.stage, HANDLER)
    await arrived(unit_desk, order, "supervision_order")
    await report(life, order, "已经约见信访人。")
    life.wait(1)
    due = life.today + timedelta(days=AGAIN)
    await take(above, order, "send_back", words="没有写什么时候修好。", due_on=due.isoformat())
    await explained(life, page, due, f"{chinese(life.today)}退回重报，督办单位定为 {AGAIN} 日内反馈。")
    await report(life, order, "九月底前完成疏通。")
    answer = await collect(life, above, "supervision_feedback", order, answering, office)
    assert f"退回重报，请于{chinese(due)}前反馈。退回的原因：没有写什么时候修好。" in answer.text()
    await arrived(unit_desk, order, "supervision_feedback", "EMS 1090000009")
    await listed(life, above, unit)
    await take(above, order, "close", words="同意销号。")
    assert await page.locator(".head .badge").inner_text() == "已销号"
    await life.stage.look(page, "supervision-closed")
    life.stage.happened += 1
    await life.check("supervised")


async def arrived(desk: Desk, order: str, kind: str, post: str = "") -> None:
    """The unit signs for the newest paper of this kind, or notes under which number its own went out."""
    await desk.open(order)
    paper = desk.page.locator("#papers article", has_text=LOOKS[kind].title).last
    if post:
        await paper.locator("summary").click()
        await fill(paper, {"service": "post", "recipient": "收发室", "proof": post})
        await paper.get_by_role("button", name="登记送达").click()
    else:
        await paper.get_by_role("button", name="签收").click()
    await paper.get_by_text("已送达").wait_for()
    assert (post or "收文单位在系统里签收") in await paper.inner_text()
    await desk.stage.look(desk.page, f"arrived-{kind}")


async def collect(life: Life, desk: Desk, kind: str, order: str, office: str, recipient: str) -> Paper:
    """The newest paper of the order, as the office above opens it."""
    await desk.open(order)
    link = desk.page.locator("#papers article", has_text=LOOKS[kind].title).locator("a").last
    path = str(await link.get_attribute("href"))
    answer = await desk.page.request.get(life.stage.base + path)
    assert answer.status == 200, path
    paper = Paper(kind, path, await answer.body(), office, recipient, life.today)
    life.stage.keep(paper, life.it.number)
    life.issued.append(paper)
    found = paper.faults(life.it.number, life.it.subject)
    assert not found, found
    return paper


async def explained(life: Life, page: Page, due: date, why: str) -> None:
    """The page of the order says until when, and where that day comes from."""
    told = await page.locator("dl.facts dd", has_text="日内反馈").inner_text()
    said = [line.strip() for line in told.splitlines() if line.strip()]
    assert said[0].startswith(chinese(due)), (said, due)
    assert said[1:] == [why, f"{LAW}第四十条没有规定天数。"], (said, why)
    life.explain("督办单反馈", said[0], said[1:])


async def report(life: Life, order: str, words: str) -> None:
    """The unit answers on the page of the order, which it finds among those that wait for it."""
    desk = await Desk.of(life.stage, HANDLER)
    await desk.open("/supervision?which=waiting")
    await desk.page.locator(f"a[href='{order}']").first.click()
    await life.stage.look(desk.page, "supervision-report")
    await take(desk, order, "report", words=words, adoption="adopted")
    assert await desk.page.locator(".head .badge").inner_text() == "已反馈，待审核"


async def listed(life: Life, above: Desk, unit: str) -> None:
    """Listed supervision (挂牌督办), from the page of the case to the end in the list."""
    page, case, due = above.page, life.it.case, life.today + timedelta(days=LISTED)
    await above.open(f"/cases/{case}/supervision")
    form = page.locator(f"form[action='/cases/{case}/measures']")
    await page.locator("details", has=form).locator("summary").click()
    typed = {"m_kind": "listed", "m_unit_id": unit, "m_words": "积水多年没有解决，挂牌督办。"}
    await fill(form, typed | {"m_due_on": due.isoformat()})
    await life.stage.look(page, "supervision-measure")
    await form.get_by_role("button", name="记录").click()
    await page.wait_for_url("**#supervision")
    await above.open("/supervision/listed")
    row = page.locator("tbody tr", has_text=life.it.number)
    told = await row.locator("[data-label='解决期限']").inner_text()
    assert told.startswith(chinese(due)), told
    life.explain("挂牌督办解决", told, ["由督办单位在挂牌时确定。"])
    await life.stage.look(page, "supervision-listed")
    await row.locator("summary").click()
    await row.locator("[name=words]").fill("管道已经疏通，摘牌。")
    await row.get_by_role("button", name="结束").click()
    await page.wait_for_load_state()
    await above.open("/supervision/listed?over=yes")
    assert "管道已经疏通，摘牌。" in await page.inner_text("main")


async def take(desk: Desk, order: str, step: str, **typed: str) -> None:
    """A step of the order by its form."""
    await desk.open(order)
    form = desk.page.locator(f"form[action$='/moves/{step}']")
    if not await form.is_visible():
        await desk.page.locator("details", has=form).locator("summary").click()
    await fill(form, typed)
    await form.locator("button[type=submit]").click()
    await form.wait_for(state="detached")
