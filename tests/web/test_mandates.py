"""A clerk sends a proxy's mandate with a new matter and with a booking; it lies sealed in the case."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from cases.audit import AuditEntry
from cases.casefile import PetitionCase
from scheduling.booking.booking import Booking
from scheduling.intake.enclosure import Enclosure, Purpose
from tests.factories import make_petition, make_slots
from tests.scheduling.papers import digest, photo
from tests.web.conftest import TOKEN, Browser, House

CLERK = "chengguan.receptionist"
MATTER = {
    "channel": "visit", "name": "李德福", "phone": "13800001234", "subject": "楼道漏水",
    "description": "没人修。", "class": "claim", "reply_by": "phone",
    "proxy_name": "王律师", "proxy_phone": "13900002222",
}  # fmt: skip


@pytest.fixture
def database_system() -> str:
    """One system is enough: rows and rules have their tests in tests/scheduling."""
    return "sqlite"


async def send_mandate(browser: Browser, page: str) -> tuple[str, str]:
    """As js/intake/enclose.js does it; returns the form's id and that of the file."""
    text = await (await browser.get(page)).text()
    form_id = re.search(r'name="form_id" value="([0-9a-z]{32})"', text)
    token, content = TOKEN.search(text), photo()
    assert form_id is not None and token is not None and f"{form_id.group(1)}/mandate" in text
    address, headers = f"/petition/files/{form_id.group(1)}/mandate", {"X-CSRF-Token": token.group(1)}
    part = f"{address}/{digest(content)}/parts?size={len(content)}&offset=0"
    assert (await browser.post(part, content, headers=headers)).status == 200
    told = {"digest": digest(content), "size": len(content), "name": "委托书.jpg", "done": True}
    answer = await browser.http.post(
        browser.base + address, json=told, headers=headers | {"Origin": browser.base}
    )
    return form_id.group(1), str((await answer.json())["material"]["id"])


async def kept(house: House) -> Enclosure:
    async with house.database.session() as db:
        return (await db.scalars(select(Enclosure))).one()


async def test_with_a_new_matter(house: House) -> None:
    browser = await house.official(CLERK)
    form_id, file_id = await send_mandate(browser, "/cases/new")
    fields = MATTER | {"custodian": house.world.chengguan.id, "form_id": form_id}
    refused = await browser.send("/cases/new", "/cases/new", **fields | {"name": ""})
    assert refused.status == 422 and "委托书.jpg，共 1 页" in await refused.text()
    done = await browser.send("/cases/new", "/cases/new", **fields)  # Without a word on the mandate.
    assert done.status == 303, await done.text()
    case, row = done.headers["Location"], await kept(house)
    assert (row.id, row.purpose, f"/cases/{row.petition_id}") == (file_id, Purpose.MANDATE, case)
    assert "委托书.jpg" in await (await browser.get(case)).text()
    picture = f"{case}/enclosures/{row.id}/pages/1"
    assert (await browser.get(picture)).status == 200
    assert (await (await house.official("xigu.receptionist")).get(picture)).status == 404
    stored = [each for each in (house.settings.state / "enclosures").rglob("*") if each.is_file()]
    assert stored and all(not each.read_bytes().startswith(b"\xff\xd8") for each in stored)


async def test_a_file_is_taken_back_and_what_was_typed_stays(house: House) -> None:
    browser = await house.official(CLERK)
    form_id, file_id = await send_mandate(browser, "/cases/new")
    fields = MATTER | {"custodian": house.world.chengguan.id, "form_id": form_id, "act": f"drop:{file_id}"}
    answer = await browser.send("/cases/new", "/cases/new", **fields)
    text = await answer.text()
    assert answer.status == 200 and "委托书.jpg" not in text and "楼道漏水" in text
    async with house.database.session() as db:
        assert (await db.scalars(select(Enclosure))).all() == []
        assert (await db.scalars(select(PetitionCase))).all() == []


@pytest.mark.parametrize("who", ["station.station_clerk", CLERK])
async def test_with_a_request_for_a_reception(house: House, who: str) -> None:
    async with house.database.session() as db:
        petition = await make_petition(
            db, house.clock, house.world.station if "station" in who else house.world.chengguan
        )
        office = house.world.station if "station" in who else house.world.chengguan
        slot = (await make_slots(db, house.clock, office))[0]
    browser, page = await house.official(who), f"/cases/{petition.id}/request"
    form_id, _ = await send_mandate(browser, page)
    fields = {"slot": slot.id, "note": "腿脚不便，由代理人来", "form_id": form_id}
    refused = await browser.send(page, page, **fields)
    assert refused.status == 422 and "请填写代理人姓名" in await refused.text()
    done = await browser.send(page, page, **fields, proxy_name="王律师", proxy_phone="13900002222")
    assert done.status == 303, await done.text()
    assert (await kept(house)).petition_id == petition.id
    async with house.database.session() as db:
        booking = (await db.scalars(select(Booking))).one()
        assert booking.proxy is not None and booking.proxy.name == "王律师"
        query = select(AuditEntry).where(AuditEntry.action == "petition.mandate_filed")
        assert (await db.scalars(query)).one().object_id == petition.id
    case = await (await browser.get(f"/cases/{petition.id}")).text()
    assert "收到授权委托书" in case and "委托书.jpg" in case


async def test_with_a_sitting_that_is_arranged(house: House) -> None:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
    browser, page = await house.official(CLERK), f"/cases/{petition.id}/book"
    form_id, _ = await send_mandate(browser, page)
    fields = {"host": house.world.chengguan.id, "act": "now", "form_id": form_id, "guest_role": "proxy"}
    done = await browser.send(page, page, **fields, guest_name="王律师", guest_phone="13900002222")
    assert done.status == 303, await done.text()
    assert (await kept(house)).petition_id == petition.id
