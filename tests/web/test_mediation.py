"""Mediation on pages: registered, consented, seated, agreed, turned into a case; places, register, guests."""

from __future__ import annotations

import re

from tests.factories import make_petition, make_session
from tests.mediations import make_mediation, make_place, make_ready, make_third_party
from tests.web.conftest import House

KEEPER = "chengguan.receptionist"
NEW = {
    "subject": "楼上漏水赔偿", "facts": "泡坏屋顶。", "applicant_name": "李德福",
    "applicant_phone": "13800001234", "respondent_name": "赵六", "respondent2_name": "钱七",
}  # fmt: skip
AGREED = {
    "facts": "楼上漏水。", "dispute": "赵六承担责任。", "content": "赔偿 3000 元。", "performance": "转账。",
    "due_on": "2026-08-22", "effective_on": "2026-07-22",
}  # fmt: skip


async def test_a_matter_goes_from_consent_to_agreement_to_a_case(house: House) -> None:
    async with house.database.session() as db:
        mediator = await make_third_party(db, house.clock, house.world)
        place = await make_place(db, house.clock, house.world)
    keeper, office = await house.official(KEEPER), house.world.chengguan.id
    new = NEW | {"organisation": office, "mediator_id": mediator.id}
    wrong = await keeper.send("/mediation/new", "/mediation/new", **(new | {"respondent_name": ""}))
    page = await wrong.text()
    assert wrong.status == 422 and 'id="respondent_name-error"' in page and "泡坏屋顶" in page
    answer = await keeper.send("/mediation/new", "/mediation/new", **new)
    path = answer.headers["Location"]
    sit = {"place_id": place.id, "day": "2026-07-23", "time": "09:00", "length": "60"}
    await keeper.send(path, f"{path}/sittings", **sit)
    page = await (await keeper.get(path)).text()
    assert "还没有安排调解" in page and page.index("基本情况") < page.index("当事人和他们的意见")
    parties = re.findall(rf'action="{path}/consents/(\w+)"', page)
    assert len(parties) == 3
    told = {"given": "yes", "way": "spoken", "words": "我愿意<b>调解</b>。"}
    await keeper.send(path, f"{path}/consents/{parties[0]}", **(told | {"words": ""}))
    assert "请填写当事人的原话" in await (await keeper.get(path)).text()
    for party in parties:
        assert (await keeper.send(path, f"{path}/consents/{party}", **told)).status == 303
    await keeper.send(path, f"{path}/sittings", **(sit | {"time": "07:00"}))
    page = await (await keeper.get(path)).text()
    assert "那个时间不开放" in page and "&lt;b&gt;调解&lt;/b&gt;" in page and 'value="07:00"' in page
    await keeper.send(path, f"{path}/sittings", **sit)
    assert "2026年7月23日 09:00" in await (await keeper.get(path)).text()
    form = f"{path}/agreement"
    wrong = await keeper.send(form, form, **(AGREED | {"content": ""}))
    assert wrong.status == 422 and 'id="content-error"' in await wrong.text()
    assert (await keeper.send(form, form, **AGREED)).status == 303
    page = await (await keeper.get(path)).text()
    assert "2026年8月21日" in page and "请提醒当事人" in page
    pdf = await keeper.get(f"{path}/agreement.pdf")
    assert (await pdf.read()).startswith(b"%PDF-") and pdf.content_type == "application/pdf"
    assert "司法确认：" in await (await keeper.get("/mediation?which=confirmable")).text()
    await keeper.send(path, f"{path}/steps/breach", words="没有付。")
    answer = await keeper.send(path, f"{path}/turn", channel="visit")
    case = await (await keeper.get(answer.headers["Location"])).text()
    code = re.search(r'查询码告诉信访人.*?class="code">(\w+)<', case)
    number = re.search(r'class="code">(LZ[\d-]+)<', case)
    assert code and number and "由调解事项转来" in case and "TJ2026-000001" in case
    await citizen_reads(house, number[1], code[1], path.rpartition("/")[2])


async def citizen_reads(house: House, number: str, code: str, mediation_id: str) -> None:
    citizen, asked = house.browser(), {"number": number, "query_code": code}
    page = await (await citizen.send("/progress", "/progress", **asked)).text()
    assert "您的调解协议" in page and "赔偿 3000 元。" in page
    own = f"/progress/agreements/{mediation_id}"
    pdf = await citizen.send("/progress", own, **asked)
    assert (await pdf.read()).startswith(b"%PDF-")
    for wrong in (asked | {"query_code": "x" * 10}, {}):
        assert (await citizen.send("/progress", own, **wrong)).status == 404
    assert (await citizen.send("/progress", f"/progress/agreements/{'0' * 32}", **asked)).status == 404


async def test_places_and_people_of_a_community(house: House) -> None:
    keeper, office = await house.official(KEEPER), house.world.chengguan.id
    place = {"organisation": office, "kind": "talk_room", "name": "畅家巷说事室", "address": "畅家巷 1 号"}
    hours = {"days": "2", "opens": "09:00", "closes": "08:00"}
    page = "/mediation/places"
    answer = await keeper.send(page, page, **(place | hours))
    assert answer.status == 422 and 'id="closes-error"' in await answer.text()
    hours["closes"] = "12:00"
    assert (await keeper.send(page, page, **(place | hours))).status == 303
    told = await (await keeper.get(page)).text()
    assert "畅家巷说事室" in told and "星期三 09:00–12:00" in told
    answer = await keeper.send(page, page, **(place | hours))
    assert answer.status == 422 and "已经有这个名称" in await answer.text()
    people = "/mediation/people"
    person = {"organisation": office, "kind": "lawyer", "name": "钱律师", "employer": "正大律师事务所"}
    answer = await keeper.send(people, people, **person, since="2026-08-01", until="2026-07-01")
    assert answer.status == 422 and 'id="until-error"' in await answer.text()
    assert (await keeper.send(people, people, **person, since="2026-07-01", until="")).status == 303
    told = await (await keeper.get(people)).text()
    match = re.search(r'action="(/mediation/people/\w+)/conflicts"', told)
    assert match
    answer = await keeper.send(people, f"{match[1]}/conflicts", conflict="赵六", reason="")
    assert answer.status == 422 and "请写明是什么利害关系" in await answer.text()
    assert (
        await keeper.send(people, f"{match[1]}/conflicts", conflict="赵六", reason="堂兄弟")
    ).status == 303
    assert "要回避：赵六（堂兄弟）" in await (await keeper.get(people)).text()
    assert (await keeper.send(people, f"{match[1]}/end")).status == 303
    other = await house.official("xigu.receptionist")
    for path in (f"{match[1]}/end", f"{match[1]}/conflicts"):
        assert (await other.send(people, path, conflict="x", reason="y")).status == 404
    for key in ("chengguan.reviewer", "city.inspector"):
        assert (await (await house.official(key)).get("/mediation")).status == 403


async def test_who_is_on_the_register_is_asked_into_a_session_unless_there_is_an_interest(
    house: House,
) -> None:
    async with house.database.session() as db:
        session_id = (await make_session(db, house.clock, house.world)).id
        lawyer = await make_third_party(db, house.clock, house.world, kind="lawyer", name="钱律师")
        same = await make_third_party(db, house.clock, house.world, kind="delegate", name="李德福")
    keeper, path = await house.official(KEEPER), f"/sessions/{session_id}/guests"
    assert "钱律师（律师，" in await (await keeper.get(path)).text()
    answer = await keeper.send(path, f"{path}/registered", third_party_id=same.id)
    assert answer.status == 422 and "要回避" in await answer.text()
    answer = await keeper.send(path, f"{path}/registered", third_party_id=lawyer.id)
    assert answer.status == 303 and "钱律师（律师，" in await (await keeper.get(path)).text()
    other = await house.official("city.receptionist")
    assert (await other.send(path, f"{path}/registered", third_party_id=lawyer.id)).status == 403


async def test_mediation_by_video_is_booked_on_the_case_only_with_consent(house: House) -> None:
    async with house.database.session() as db:
        petition_id = (await make_petition(db, house.clock, house.world.chengguan)).id
        await make_mediation(db, house.clock, house.world, petition_id)
    keeper, path = await house.official(KEEPER), f"/cases/{petition_id}/book"
    page = await (await keeper.get(f"{path}?kind=mediation")).text()
    assert re.search(r'value="mediation"[^>]*(checked|selected)', page)
    book = {"host": house.world.chengguan.id, "day": "2026-07-23", "time": "09:00", "kind": "mediation"}
    answer = await keeper.send(path, path, **book)
    assert answer.status == 422 and "各方都同意以后" in await answer.text()
    async with house.database.session() as db:
        await make_ready(db, house.clock, house.world, petition_id)
    assert (await keeper.send(path, path, **book)).status == 303
