"""The pages of rules: deadlines typed, looked at and proposed by one, confirmed by another, and compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from cases.deadlines.in_force import hold_profiles, profiles
from cases.handling.clocks import today
from recordings.archive.class_change import list_changes
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.ruled import SECURITY, SYSADMIN, make_rules
from tests.web.test_officials_pages import enter

HOME = "/administration"
EDIT, DEADLINES, RULES = f"{HOME}/deadlines/edit", f"{HOME}/deadlines", f"{HOME}/rules"
ACT = re.compile(r'action="(/administration/rules/\w+)"')


@pytest.fixture
def database_system() -> str:
    """What the databases do is tested beneath the pages (tests/cases/administration)."""
    return "sqlite"


@pytest.fixture(autouse=True)
def own_rules() -> Iterator[None]:
    """What a test lets take effect holds in its process, and no longer than the test."""
    yield
    hold_profiles({})


async def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(house: House) -> None:
    sysadmin = await house.official(SYSADMIN)
    day = today(house.clock)
    good = {
        "region": "620102", "effective_on": day.isoformat(), "law": "《城关区办法》", "roll": "yes",
        "reason": "试行", "days-handle": "45", "unit-handle": "calendar", "extension-handle": "30",
        "article-handle": "第九条",
    }  # fmt: skip
    for field, value, status in (
        ("days-handle", "0", 422),
        ("days-handle", "-5", 422),
        ("effective_on", (day - timedelta(days=1)).isoformat(), 422),
        ("unit-handle", "weeks", 422),
        ("law", "", 422),
    ):
        answer = await sysadmin.send(EDIT, EDIT, **(good | {field: value, "act": "preview"}))
        text = await answer.text()
        assert answer.status == status and f'id="{field}-error"' in text, field
        assert 'value="第九条"' in text
    assert (await sysadmin.send(EDIT, EDIT, **(good | {"region": "6202"}))).status == 404
    assert (await sysadmin.get(f"{DEADLINES}?region=6202")).status == 404
    assert (await sysadmin.get(f"{DEADLINES}?region=6201&old=0&new=7")).status == 404
    security = await house.official(SECURITY)
    assert (await security.get(EDIT)).status == 403


async def test_versions_are_compared_and_the_second_person_hears_who_was_first(house: House) -> None:
    await make_rules(house)
    sysadmin, security = await house.official(SYSADMIN), await house.official(SECURITY)
    page = await (await sysadmin.get(f"{DEADLINES}?region=6201&old=0&new=1")).text()
    for words in ("和随系统提供的规定的差别", "15 日", "10 日", "市里的新办法"):
        assert words in page
    assert house.world.officials[SECURITY].name in page
    assert EDIT not in page, "one change at a time"
    waiting = await (await security.get(RULES)).text()
    assert "办理期限 · 兰州市信访局" in waiting, "a region is told by name, not by its code alone"
    acts = ACT.findall(waiting)
    assert len(acts) == 2 and "放宽，便于核实" in waiting and "档案部门来函" in waiting
    assert (await sysadmin.send(RULES, acts[0], decision="confirmed")).status == 403
    refused = await security.send(RULES, acts[0], decision="refused")
    assert refused.status == 422 and "请写明不同意的理由" in await refused.text()
    for act in acts:
        assert (await security.send(RULES, act, decision="confirmed")).status == 303
    assert (await security.send(RULES, acts[0], decision="confirmed")).status == 409
    assert "6201@2" in profiles()
    async with house.database.session() as db:
        (change,) = await list_changes(db, house.world.actor(SYSADMIN))
    assert (change.code, change.years) == ("short", 15)
    short = {"code": "short", "years": "5", "reason": "省地方", "act": "propose"}
    answer = await sysadmin.send(f"{HOME}/retention", f"{HOME}/retention", **short)
    assert answer.status == 422 and 'id="years-error"' in await answer.text()


@pytest.mark.browser
@needs_chromium
async def test_a_new_version_from_the_table_to_its_confirmation(house: House, chrome: Browser) -> None:
    base, day = f"http://127.0.0.1:{house.server.port}", today(house.clock) + timedelta(days=3)
    page = await (await chrome.new_context(locale="zh-CN")).new_page()
    await enter(page, house, SYSADMIN)
    await page.goto(f"{base}{DEADLINES}?region=620102")
    await page.get_by_role("link", name="起草新版本").click()
    await page.get_by_label("施行日期").fill(day.isoformat())
    await page.get_by_label("文件名称").fill("《城关区信访事项办理办法》")
    await page.get_by_label("理由").fill("区政府常务会议通过")
    await page.get_by_label("书面告知接收情况和办理程序：天数").fill("7")
    await page.get_by_role("button", name="先看影响").click()
    await expect(page.locator("#effect-title")).to_be_visible()
    await expect(page.get_by_role("region", name="改动，表格")).to_contain_text("7 日")
    await page.get_by_role("button", name="提出，等另一人确认").click()
    await expect(page.get_by_role("status")).to_contain_text("已提出")
    other = await (await chrome.new_context(locale="zh-CN")).new_page()
    await enter(other, house, SECURITY)
    await other.goto(base + RULES)
    await expect(other.get_by_role("region", name="改动，表格")).to_contain_text("7 日")
    await other.get_by_role("button", name="确认生效").click()
    await expect(other.get_by_role("status")).to_contain_text("已确认")
    await page.goto(f"{base}{DEADLINES}?region=620102")
    await expect(page.locator("main")).to_contain_text("还没有施行")
    await expect(page.locator("main")).to_contain_text("区政府常务会议通过")
    await page.context.close()
    await other.context.close()
