"""Supervision on pages: issued, answered, checked, closed; lists, notices, figures; in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.factories import make_petition
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.supervised import supervise

KEEPER, LEADER, ABOVE = "chengguan.receptionist", "chengguan.leader", "city.leader"


async def make_case(house: House) -> str:
    async with house.database.session() as db:
        return (await make_petition(db, house.clock, house.world.chengguan)).id


async def test_what_is_refused_is_told_at_its_field_and_nothing_typed_is_lost(house: House) -> None:
    petition_id = await make_case(house)
    leader, path = await house.official(ABOVE), f"/cases/{petition_id}/supervision"
    typed = {
        "unit_id": house.world.chengguan.id,
        "reason": "lazy",
        "due_on": "2026-02-30",
        "words": "<b>请</b>说明",
    }
    answer = await leader.send(path, path, **typed)
    page = await answer.text()
    assert answer.status == 422 and "错误：督办" in page and 'id="reason-error"' in page
    assert "&lt;b&gt;请&lt;/b&gt;说明" in page
    answer = await leader.send(path, path, **(typed | {"reason": "overdue"}))
    assert answer.status == 422 and 'id="due_on-error"' in await answer.text()
    measures = f"/cases/{petition_id}/measures"
    told = {"m_kind": "listed", "m_unit_id": typed["unit_id"], "m_due_on": "", "m_words": "长期没有解决"}
    answer = await leader.send(path, measures, **told)
    page = await answer.text()
    assert answer.status == 422 and 'id="m_due_on-error"' in page and "长期没有解决" in page
    answer = await leader.send(path, measures, **(told | {"m_due_on": "2026-09-30"}))
    assert answer.status == 303
    case = await (await leader.get(f"/cases/{petition_id}")).text()
    assert "挂牌督办" in case and "还有 70 天" in case and "督办措施" in case
    answer = await leader.send(path, measures, **(told | {"m_due_on": "2026-09-30"}))
    assert answer.status == 422 and "这件事已经在挂牌督办" in await answer.text()


async def test_who_sees_what_and_who_may_not(house: House) -> None:
    petition_id = await make_case(house)
    order_id = await supervise(house, petition_id)
    keeper, other = await house.official(KEEPER), await house.official("xigu.leader")
    for path in (f"/supervision/{order_id}", f"/cases/{petition_id}/supervision"):
        assert (await other.get(path)).status == 404
    assert (await keeper.get(f"/cases/{petition_id}/supervision")).status == 403
    for path in (
        "/supervision",
        "/supervision/notices?whose=all",
        "/supervision/listed",
        "/supervision/report",
    ):
        theirs, mine = await (await other.get(path)).text(), await (await keeper.get(path)).text()
        assert "楼道漏水" not in theirs and "DB2026" not in theirs, path
        assert ("楼道漏水" in mine) is ("report" not in path), path
    answer = await keeper.send(
        f"/supervision/{order_id}", f"/supervision/{order_id}/moves/close", words="好了"
    )
    assert answer.status == 403
    csv = await keeper.get("/supervision/report?form=csv")
    assert csv.content_type == "text/csv"
    assert "城关区信访局,2,1,0,0" in (await csv.read()).decode("utf-8-sig")
    assert (await keeper.get("/supervision/report?year=9999")).status == 422
    strange = await keeper.get("/supervision?which=x&reason='--&unit=1&offset=-3")
    assert strange.status == 200 and "DB2026" in await strange.text()


async def test_a_notice_is_read_once_and_stays_until_it_is_done(house: House) -> None:
    petition_id = await make_case(house)
    await supervise(house, petition_id)
    keeper = await house.official(KEEPER)
    page = await (await keeper.get("/supervision/notices")).text()
    action = page.partition('action="/supervision/notices/')[2].partition('"')[0]
    assert action.endswith("/read")
    answer = await keeper.send("/supervision/notices", f"/supervision/notices/{action}")
    assert answer.status == 303
    page = await (await keeper.get("/supervision/notices")).text()
    assert "已阅" in page and "/read" not in page
    other = await house.official("chengguan.recorder")
    assert (await other.send("/board", f"/supervision/notices/{action}")).status == 403


async def test_the_order_and_the_answer_are_papers_of_two_offices(house: House) -> None:
    petition_id, unit = await make_case(house), house.world.chengguan.id
    above, below = await house.official(ABOVE), await house.official(KEEPER)
    start = f"/cases/{petition_id}/supervision"
    typed = {"unit_id": unit, "reason": "evaded", "due_on": "2026-08-01", "words": "请说明情况。"}
    page = (await above.send(start, start, **typed)).headers["Location"]
    told = await (await above.get(page)).text()
    assert "兰州市信访局信督〔2026〕1号" in told and "待送达" in told
    [paper] = set(re.findall(rf'"({page}/papers/\w+)"', told))
    assert f'"{paper}"' in await (await below.get("/supervision")).text()
    case = await (await below.get(f"/cases/{petition_id}")).text()
    assert "2026年8月1日</span>" in case and "2026-08-01" not in case, "days are written as people read them"
    body = await (await below.get(paper)).read()
    assert body.startswith(b"%PDF-") and body == await (await above.get(paper)).read()
    third = await house.official("province.reviewer")
    seen = await (await third.get(page)).text()
    assert "请说明情况。" in seen and "信督" not in seen and "papers" not in seen
    assert (await third.get(paper)).status == 403
    assert paper not in await (await third.get("/supervision")).text()
    assert (await above.send(page, f"{paper}/delivery", service="post", recipient="办公室")).status == 303
    assert "请填写凭证" in await (await above.get(page)).text()
    assert (await below.send(page, f"{paper}/receipt")).status == 303
    assert "已送达" in await (await above.get(page)).text()
    await below.send(page, f"{page}/moves/report", words="已经约见群众。", adoption="adopted")
    assert "城关区信访局信督反〔2026〕1号" in await (await above.get(page)).text()
    assert (await above.send(page, f"{page}/papers", kind="handling_opinion")).status == 404


async def enter(page: Page, house: House, key: str) -> None:
    await house.seat(page.context, key)


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_an_order_from_its_issue_to_its_end_in_a_browser(house: House, chrome: Browser) -> None:
    petition_id, base = await make_case(house), f"http://127.0.0.1:{house.server.port}"
    above, below = [await (await chrome.new_context(locale="zh-CN")).new_page() for _ in range(2)]
    await enter(above, house, ABOVE)
    await enter(below, house, KEEPER)
    await above.goto(f"{base}/cases/{petition_id}")
    await above.get_by_role("link", name="督办", exact=True).last.click()
    await above.get_by_label("督办原因").select_option("evaded")
    await above.get_by_label("督办要求").fill("请三日内说明情况。")
    await above.get_by_role("button", name="发出督办单").click()
    await expect(above.get_by_role("heading", name="督办单 DB2026-000001")).to_be_visible()
    await below.goto(f"{base}/supervision?which=waiting")
    await below.get_by_role("link", name="DB2026-000001", exact=True).click()
    await below.get_by_role("button", name="签收").click()
    await expect(below.locator("#papers")).to_contain_text("已送达")
    await below.get_by_label("督办要求采纳情况").select_option("adopted")
    await below.get_by_label("反馈的内容").fill("已经约见群众。")
    await below.get_by_role("button", name="反馈办理情况").click()
    await expect(below.locator(".head .badge")).to_have_text("已反馈，待审核")
    await above.reload()
    await above.locator("summary", has_text="退回重报").click()
    await above.get_by_label("新的反馈期限").fill("2026-08-20")
    await above.get_by_label("退回的原因").fill("没有写何时修好。")
    await above.get_by_role("button", name="退回重报").click()
    await expect(above.locator(".head .badge")).to_have_text("退回重报")
    await expect(above.locator("dl.facts")).to_contain_text("2026年7月22日退回重报，督办单位定为")
    await below.reload()
    await below.get_by_label("督办要求采纳情况").select_option("adopted")
    await below.get_by_label("反馈的内容").fill("本月底修好。")
    await below.get_by_role("button", name="反馈办理情况").click()
    await above.reload()
    await above.locator("summary", has_text="认可并销号").click()
    await above.get_by_label("审核意见").fill("同意销号。")
    await above.get_by_role("button", name="认可并销号").click()
    await expect(above.locator(".head .badge")).to_have_text("已销号")
    await expect(above.get_by_text("现在没有要您办理的步骤。")).to_be_visible()
    await below.goto(f"{base}/cases/{petition_id}")
    history = below.locator("#history-title + .timeline")
    for words in ("下达督办单", "反馈督办单", "督办反馈退回", "督办单销号"):
        await expect(history.get_by_text(words).first).to_be_visible()
    for page in (above, below):
        await page.context.close()
