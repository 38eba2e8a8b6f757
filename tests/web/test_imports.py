"""A sheet is handed in on the page, its report read, and its rows entered by the service."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from cases.casefile import PetitionCase
from cases.intake import spreadsheet
from cases.intake.spreadsheet import LARGEST
from tests.web.conftest import TOKEN, Browser, House
from tests.web.imported import settled

SHEET = "姓名,事项,电话\n李德福,楼道漏水三个月无人修,13800001234\n=cmd|x,路灯不亮,12"


async def hand_in(browser: Browser, house: House, content: bytes) -> tuple[int, dict[str, object]]:
    token = TOKEN.search(await (await browser.get("/imports")).text())
    headers = {
        "X-CSRF-Token": token.group(1) if token else "", "X-File-Name": "%E6%97%A7.csv",
        "X-Office": house.world.chengguan.id, "Content-Type": "application/octet-stream",
        "Accept": "application/json",
    }  # fmt: skip
    answer = await browser.post("/imports", content, headers=headers)
    return answer.status, await answer.json()


async def test_a_sheet_is_checked_started_and_reported(house: House) -> None:
    browser = await house.official("chengguan.receptionist")
    status, told = await hand_in(browser, house, SHEET.encode())
    assert status == 200
    where = str(told["address"])
    await settled(house, where.rpartition("/")[2], "chengguan.receptionist")
    page = await (await browser.get(where)).text()
    assert "旧.csv" in page and "导入 1 行" in page and "电话：请填写正确的手机号" in page
    assert (await browser.send(where, f"{where}/start")).status == 303
    async with asyncio.timeout(20):
        while "已导入" not in (page := await (await browser.get(where)).text()):
            continue
    async with house.database.session() as db:
        [number] = await db.scalars(select(PetitionCase.number))
    assert f">{number}</a>" in page, "the clerk writes it on the letter"
    assert (await browser.send(where, f"{where}/start")).status == 303
    report = await (await browser.get(f"{where}/report.csv")).text()
    assert "2,已登记,," in report and "3,没有导入,电话," in report
    assert "没有导入" in await (await browser.get(f"{where}?fate=refused")).text()
    assert "旧.csv" in await (await browser.get("/imports")).text()


async def test_what_cannot_be_read_is_refused_in_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 3)
    browser = await house.official("chengguan.receptionist")
    long = "姓名,事项\n".encode() + "李,楼道漏水\n".encode() * 4  # Told before any of its rows is checked.
    for content, code in (
        (b"", "empty_file"), (b"PK\x03\x04", "bad_file"), (b"a,b\n1,2", "missing_columns"),
        (long, "too_many_rows"),
    ):  # fmt: skip
        status, told = await hand_in(browser, house, content)
        assert status == 422 and told["error"]["code"] == code  # type: ignore[index]
    status, _ = await hand_in(browser, house, b"x" * (LARGEST + 1))
    assert status == 422
