"""The handling of a case on its page: forms for whose step it is, refusals at the form, dates explained."""

from __future__ import annotations

from tests.factories import make_petition
from tests.web.conftest import House

KEEPER, HANDLER = "chengguan.receptionist", "housing.handler"


async def test_a_case_is_forwarded_and_answered_on_its_page(house: House) -> None:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
    keeper, handler, above = [await house.official(key) for key in (KEEPER, HANDLER, "city.receptionist")]
    case = f"/cases/{petition.id}"
    assert (await handler.get(case)).status == 404
    page = await (await keeper.get(case)).text()
    assert "登记并转送、交办" in page and "2026年8月6日前" in page
    assert "2026年8月6日到期：收到的日子是2026年7月22日，加 15 日（《信访工作条例》第二十二条）。" in page
    assert f'action="{case}/steps/classify"' in page and "/steps/forward" not in page
    assert "/steps/" not in await (await above.get(case)).text()
    refused = await keeper.send(
        case, f"{case}/steps/classify", **{"class": "claim", "way": "discipline"}, words="修 <b>屋顶</b>"
    )
    assert refused.headers["Location"] == f"{case}#handling"
    page = await (await keeper.get(case)).text()
    assert "申诉求决不能按「转纪检监察机关」办理。" in page and "修 &lt;b&gt;屋顶&lt;/b&gt;" in page
    assert "不能按" not in await (await keeper.get(case)).text(), "told once"
    await keeper.send(case, f"{case}/steps/classify", **{"class": "claim", "way": "handle"}, words="修屋顶")
    unit = house.world.housing.id
    await keeper.send(case, f"{case}/steps/assign", unit=unit, days="45", words="请依法办理。")
    page = await (await keeper.get(case)).text()
    assert 'lines">45 日</span>' in page, "a bare figure says what it is"
    assert "请依法办理。" in page and "已交办" in page and "城关区住建局" in page and "/steps/" not in page
    answer = await (await handler.get(case)).text()
    assert "提出异议" in answer and "2026年7月29日前" in answer
    await handler.send(case, f"{case}/steps/accept", on="2026-07-22", words="决定受理。")
    assert "2026年9月20日到期：受理的日子是2026年7月22日，加 60 日" in await (await above.get(case)).text()
    assert (await keeper.send(case, f"{case}/steps/conclude", conclusion="support", words="好")).status == 403
    assert (await handler.send(case, f"{case}/steps/burn", words="好")).status == 303
    assert "这一步现在不能进行" in await (await handler.get(case)).text()
