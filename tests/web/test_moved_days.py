"""What was seen when pages of calendar and register were used: days that move, long lists, second clerks."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cases.intake.import_check import hand_in_import
from cases.organisations import Organisation, OrganisationKind, Tier
from scheduling.booking.booking import Booking
from scheduling.notices.notice import Notice
from tests.web.conftest import House
from tests.web.rota import arrange_rota
from tests.web.ruled import SYSADMIN
from web.pages.booking import MANY

pytestmark = pytest.mark.parametrize("database_system", ["sqlite"])


async def test_a_day_is_moved_on_its_page_and_bad_dates_are_told_at_the_field(house: House) -> None:
    async with house.database.session() as db:
        day_id, booking_id = await arrange_rota(db, house)
    desk, address = await house.official("chengguan.receptionist"), f"/rota/{day_id}"
    shown = await (await desk.get(address)).text()
    assert 'value="09:00"' in shown and "已经预约的 1 批" in shown
    good = {"moved_on": "2026-07-28", "moved_at": "10:00", "why": "上级<开会>"}
    for field, value in (
        ("moved_on", ""), ("moved_on", "2026-02-30"), ("moved_on", "2026-07-25"), ("moved_on", "9999-12-31"),
        ("moved_at", "25:00"), ("moved_at", "23:30"), ("why", ""),
    ):  # fmt: skip
        answer = await desk.send(address, f"{address}/date", **(good | {field: value}))
        assert answer.status == 422 and f'href="#{field}"' in await answer.text(), (field, value)
    assert (await desk.send(address, f"{address}/date", **good)).status == 303
    page = await (await desk.get(address)).text()
    assert "2026年7月28日" in page and "上级&lt;开会&gt;" in page and "取消的原因</dt>" not in page
    assert "已改期" in await (await desk.get("/rota")).text()
    async with house.database.session() as db:
        booking = await db.get_one(Booking, booking_id)
        assert f"{booking.slot.starts_at:%m-%d %H:%M}" == "07-28 02:00"
        text = await db.scalar(select(Notice.text).where(Notice.template == "booking_day_moved"))
        # Read a day later, 明天 would be another day.
        was = "2026年7月23日 星期四 上午 9:00"
        assert text is not None and f"您约的 {was} 改到 2026年7月28日 星期二 上午 10:00。" in text
        history = await (await desk.get(f"/cases/{booking.petition_id}")).text()
    assert "预约随接访日改期" in history


def make(name: str, code: str, tier: Tier, kind: OrganisationKind, parent_id: str) -> Organisation:
    return Organisation(
        name=name, short_name=name[:4], region_code=code, tier=tier, kind=kind, parent_id=parent_id
    )


async def test_many_offices_are_found_by_a_word(house: House) -> None:
    assert "查找区县" not in await (await house.browser().get("/book")).text()
    async with house.database.session() as db:
        city = house.world.city.id
        for number in range(20, 20 + MANY):
            db.add(
                make(
                    f"第{number}区信访局",
                    f"6201{number}",
                    Tier.DISTRICT,
                    OrganisationKind.PETITION_OFFICE,
                    city,
                )
            )
        for number in range(100, 200):
            code, own = f"620102{number}", house.world.chengguan.id
            db.add(make(f"第{number}街道接访点", code, Tier.TOWNSHIP, OrganisationKind.STATION, own))
        await db.commit()
    citizen = house.browser()
    assert "查找区县" in await (await citizen.get("/book")).text()
    found = await (await citizen.get("/book?words=第25")).text()
    assert "第25区" in found and "第26区" not in found
    assert "没有找到" in await (await citizen.get("/book?words=%3Cb%3E")).text()
    assert (await citizen.get("/book?words=%00%ED")).status == 200
    tree, admin = "/administration/organisations", await house.official(SYSADMIN)
    first = await (await admin.get(tree)).text()
    row = f'<td><a href="{tree}/'
    assert "第25区" in first and "街道接访点</a>" not in first
    assert f'href="{tree}?under=620102"' in first
    streets = await (await admin.get(f"{tree}?under=620102")).text()
    assert streets.count(row) == 50 and "下一页" in streets and "第100街道接访点</a>" in streets
    assert "第25区信访局</a>" not in streets and f'href="{tree}?under=6201"' in streets
    assert f'value="{house.world.chengguan.id}" selected' in streets, "whoever adds one adds it here"
    further = await (await admin.get(f"{tree}?under=620102&offset=100")).text()
    assert "第199街道接访点</a>" in further and "第100街道接访点</a>" not in further
    one = await (await admin.get(f"{tree}?words=第25")).text()
    assert one.count(row) == 1 and "找到 1 个单位" in one
    for nowhere in ("62", "620199999", "%00"):
        assert "第25区" in await (await admin.get(f"{tree}?under={nowhere}")).text(), nowhere
    assert "没有符合条件的单位" in await (await admin.get(f"{tree}?words=zzz")).text()


async def test_a_second_clerk_is_led_to_what_the_first_one_did(house: House) -> None:
    """Reloading would send the form again; an address that has no page leads to the one above it."""
    async with house.database.session() as db:
        day_id, booking_id = await arrange_rota(db, house)
    clerk, address = await house.official("chengguan.receptionist"), f"/bookings/{booking_id}"
    given = {"decision": "rejected", "reason": "材料不全"}
    assert (await clerk.send(address, address, **given)).status == 303
    late = await clerk.send(address, address, **given)
    page = await late.text()
    assert late.status == 409 and "这个预约已经处理过了，现在是「未通过」。" in page
    assert f'href="{address}">打开最新的内容' in page
    again = await (await clerk.send(f"/rota/{day_id}", f"/rota/{day_id}/publish")).text()
    assert f'href="/rota/{day_id}">打开最新的内容' in again


async def test_a_sheet_that_is_being_checked_shows_no_empty_report(house: House) -> None:
    async def keep(import_id: str, content: bytes) -> None:
        """The sheet is of no matter here."""

    own = house.world.actor("chengguan.receptionist")
    async with house.database.session() as db:
        office = house.world.chengguan.id
        key = await hand_in_import(db, house.clock, own, office, "x.csv", b"x", ("姓名", "事项"), keep)
    page = await (await (await house.official("chengguan.receptionist")).get(f"/imports/{key}")).text()
    assert "正在检查每一行" in page and "没有这样的行" not in page and "共 0 行" not in page
