"""What may be the same case stands on the page with reasons, and is joined and undone there."""

from __future__ import annotations

from tests.factories import make_petition
from tests.web.conftest import House


async def test_joining_and_undoing_on_the_page(house: House) -> None:
    async with house.database.session() as db:
        one = await make_petition(db, house.clock, house.world.chengguan)
        two = await make_petition(db, house.clock, house.world.chengguan)
    browser = await house.official("chengguan.receptionist")
    page = await (await browser.get(f"/cases/{one.id}")).text()
    assert "可能是同一件事" in page and two.number in page and "同一个电话、事项的字词大多相同" in page
    base = f"/cases/{one.id}/joins"
    assert (await browser.send(f"/cases/{one.id}", base, other=two.id, reason="")).status == 303
    assert "请写明理由" in await (await browser.get(f"/cases/{one.id}")).text()
    assert (await browser.send(f"/cases/{one.id}", base, other=two.id, reason="同一处")).status == 303
    page = await (await browser.get(f"/cases/{two.id}")).text()
    assert "已合并" in page and one.number in page and "与另一件合并" in page
    assert (await browser.send(f"/cases/{one.id}", f"{base}/undo", other=two.id, reason="两处")).status == 303
    assert "撤销合并" in await (await browser.get(f"/cases/{two.id}")).text()
    onlooker = await house.official("city.receptionist")
    assert "合并历史" not in await (await onlooker.get(f"/cases/{one.id}")).text()
    assert (await onlooker.send("/cases", base, other=two.id, reason="同一处")).status == 403
