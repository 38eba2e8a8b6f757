"""The petitioner's page of a review: what it offers when, and the way to a human when it is too late."""

from __future__ import annotations

import os
import re

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import expect
from sqlalchemy import select

from cases.casefile import PetitionCase, PetitionState
from scheduling.notices.notice import Notice
from tests.axe import violations
from tests.cases.documents.papers import deliver_step
from tests.journey.measures import measure
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_progress import HANDLED, HANDLER, KEEPER, Matter

SHOTS = os.environ.get("LIANXIN_SHOTS")


@pytest.fixture
def database_system() -> str:
    """One system is enough: rows and rules have their tests in tests/scheduling."""
    return "sqlite"


@pytest.fixture
async def matter(house: House) -> Matter:
    """Concluded, and the opinion is there."""
    matter = Matter(house)
    await matter.register()
    await matter.take(KEEPER, "classify", **HANDLED)
    await matter.take(KEEPER, "forward", unit=house.world.housing.id, words="请办理")
    await matter.take(HANDLER, "accept", on="", words="受理。")
    await matter.take(HANDLER, "conclude", conclusion="not_support", words="不支持。")
    return matter


async def deliver(house: House, matter: Matter) -> None:
    async with house.database.session() as db:
        await deliver_step(db, house.clock, house.world.actor(HANDLER), matter.petition.id, "deliver")


async def ask(house: House, matter: Matter, **typed: str) -> tuple[int, str]:
    page = await matter.page()
    opinion = re.search(r'name="opinion" value="([0-9a-z]+)"', page)
    fields = {
        "number": matter.petition.number, "query_code": matter.code, "stage": "review",
        "opinion": opinion.group(1) if opinion else "", "reason": "没有看<b>现场。",
    }  # fmt: skip
    answer = await house.browser().send("/progress", "/progress/review", **fields | typed)
    return answer.status, await answer.text()


async def test_what_the_page_offers_and_says(house: House, matter: Matter) -> None:
    assert "30 天之内可以请求复查" in await matter.page()
    status, page = await ask(house, matter)
    assert status == 422 and "处理意见书还没有送达" in page and "就近的接访点" in page
    await deliver(house, matter)
    page = await matter.page()
    assert "您可以请城关区信访局复查，最迟2026年8月21日提出。" in page
    status, page = await ask(house, matter, reason=" ")
    assert status == 422 and "请写明您为什么请求复查" in page
    status, page = await ask(house, matter, query_code="aaaaaaaaaa")
    assert status == 422 and "编号或查询码不对" in page
    status, page = await ask(house, matter, stage="elsewhere")
    assert status == 422
    status, page = await ask(house, matter)
    assert status == 200 and "已经收到您的请求" in page and "已收到复查请求" in page
    status, page = await ask(house, matter)
    assert status == 422 and "您已经请求过复查" in page and "没有看&lt;b&gt;现场" not in page
    official = await (await house.official(KEEPER)).get(f"/cases/{matter.petition.id}")
    assert "没有看&lt;b&gt;现场。" in await official.text()
    board = await (await (await house.official("chengguan.reviewer")).get("/board")).text()
    assert f'data-says="收到复查请求：{matter.petition.number}"' in board and "新收到" in board
    assert "等待复查" not in await (await (await house.official(KEEPER)).get("/board")).text()


async def test_too_late_leads_to_a_human(house: House, matter: Matter) -> None:
    await deliver(house, matter)
    fresh = await matter.page()
    opinion = re.search(r'name="opinion" value="([0-9a-z]+)"', fresh)
    house.clock.advance(days=31)
    page = await matter.page()
    assert "请求复查的期限到2026年8月21日为止，已经过了" in page and 'name="reason"' not in page
    assert opinion is not None
    status, page = await ask(house, matter, opinion=opinion.group(1))  # From a page that lay open.
    assert status == 422 and "已经过了" in page and 'href="tel:12345"' in page


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(120)
async def test_a_petitioner_asks_on_a_small_phone_in_large_type(
    house: House, matter: Matter, chrome: Chromium
) -> None:
    await deliver(house, matter)
    context = await chrome.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    page, faults = await context.new_page(), list[str]()
    await page.goto(f"http://127.0.0.1:{house.server.port}/progress")
    await page.get_by_role("button", name="大字版").click()
    await page.locator("#number").fill(matter.petition.number)
    await page.locator("#query_code").fill(matter.code)
    await page.get_by_role("button", name="查询").click()
    await page.get_by_text("请求复查", exact=True).click()
    faults += [*await violations(page), *await measure(page)]
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/appeal.png", full_page=True)
    await page.get_by_role("button", name="提交请求").click()
    await expect(page.locator("#refused")).to_contain_text("请写明您为什么请求复查")
    faults += [*await violations(page), *await measure(page)]
    await page.locator("#reason").fill("没有到现场看，请再查一次。")
    await page.get_by_role("button", name="提交请求").click()
    await expect(page.locator("main")).to_contain_text("已经收到您的请求")
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/appeal-done.png", full_page=True)
    faults += [*await violations(page), *await measure(page)]
    await context.close()
    assert not faults, "\n".join(faults)
    async with house.database.session() as db:
        petition = (await db.scalars(select(PetitionCase))).one()
        assert petition.state is PetitionState.REVIEW_REQUESTED
        assert await db.scalar(select(Notice.template)) == "review_received"
