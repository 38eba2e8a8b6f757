"""Campaigns on pages: opened, a case entered, followed, struck off by a file and two people; the sheet."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import aiohttp

from tests.factories import make_petition
from tests.web.conftest import TOKEN, Browser, House

KEEPER, ABOVE = "chengguan.receptionist", "city.leader"
PDF = b"%PDF-1.7 signed"


async def make_campaign(house: House) -> str:
    """A campaign of the city; its path."""
    leader = await house.official(ABOVE)
    given = {
        "organisation": house.world.city.id, "kind": "leaders", "name": "十百千包案",
        "begins_on": "2026-07-22", "ends_on": "2026-12-31", "target_city": "10", "target_county": "100",
    }  # fmt: skip
    wrong = await leader.send("/campaigns", "/campaigns", **(given | {"ends_on": "2026-01-01"}))
    assert wrong.status == 422 and 'id="ends_on-error"' in await wrong.text()
    wrong = await leader.send("/campaigns", "/campaigns", **(given | {"target_city": "ten"}))
    assert wrong.status == 422 and 'id="target_city-error"' in await wrong.text()
    answer = await leader.send("/campaigns", "/campaigns", **given)
    assert answer.status == 303, await answer.text()
    return str(answer.headers["Location"])


async def make_matter(house: House) -> tuple[str, str, str]:
    """A case under the leader of the city: the campaign's path, the matter's, and the case's."""
    campaign = await make_campaign(house)
    async with house.database.session() as db:
        petition_id = (await make_petition(db, house.clock, house.world.chengguan)).id
    keeper, path = await house.official(KEEPER), f"/cases/{petition_id}/campaigns"
    given = {
        "campaign_id": campaign.rpartition("/")[2], "rank": "city", "plan": "每周听汇报。",
        "due_on": "2026-09-01", "leader_id": house.world.officials[ABOVE].id,
    }  # fmt: skip
    wrong = await keeper.send(path, path, **(given | {"plan": ""}))
    assert wrong.status == 422 and 'id="plan-error"' in await wrong.text()
    answer = await keeper.send(path, path, **given)
    assert answer.status == 303, await answer.text()
    return campaign, str(answer.headers["Location"]), f"/cases/{petition_id}"


async def propose(browser: Browser, path: str, content: bytes) -> aiohttp.ClientResponse:
    """The form with a file, as a browser sends it."""
    token = TOKEN.search(await (await browser.get(path)).text())
    form = aiohttp.FormData({"csrf_token": token.group(1) if token else "", "words": "已经履行。"})
    form.add_field("file", content, filename="../<b>.pdf", content_type="text/html")
    return await browser.post(f"{path}/steps/proposed", form)


async def test_a_case_is_taken_in_charge_and_struck_off_by_two(house: House) -> None:
    campaign, path, case = await make_matter(house)
    keeper, leader = await house.official(KEEPER), await house.official(ABOVE)
    assert "每周听汇报" in await (await keeper.get(case)).text()
    mine = await (await leader.get("/campaigns/mine")).text()
    assert "楼道漏水" in mine and "还有 41 天" in mine
    assert "楼道漏水" not in await (await keeper.get("/campaigns/mine")).text()
    steps = {"words": "见了本人。", "about": "situation"}
    assert (await leader.send(path, f"{path}/steps/duty", **steps)).status == 303
    assert "已落实" in await (await keeper.get(path)).text()
    answer = await keeper.send(path, f"{path}/steps/proposed", words="已经解决。")
    page = await (await keeper.get(path)).text()
    assert answer.status == 303 and "销号要有依据" in page and "已经解决。" in page
    await propose(keeper, path, b"<html>")
    assert "凭证请用" in await (await keeper.get(path)).text()
    assert (await propose(keeper, path, PDF)).status == 303
    page = await (await keeper.get(path)).text()
    assert "待确认销号" in page and "/steps/struck_off" not in page
    proof = page.partition(f'href="{path}/evidence/')[2].partition('"')[0]
    file = await leader.get(f"{path}/evidence/{proof}")
    assert (await file.read(), file.content_type) == (PDF, "application/pdf")
    assert "等待确认销号：" in page, "who waits is told of whom"
    other = await house.official("city.inspector")
    for begin in ("/campaigns", "/board"):  # Where a leader begins the day.
        assert "等您核对和确认" in await (await other.get(begin)).text(), begin
    assert "楼道漏水" in await (await other.get("/campaigns/mine")).text()
    for begin in ("/campaigns", "/board"):
        assert "等您核对和确认" not in await (await leader.get(begin)).text(), begin
    for browser in (keeper, leader):
        assert (await browser.send(path, f"{path}/steps/struck_off", words="属实。")).status == 403
    assert (await other.send(path, f"{path}/steps/struck_off", words="属实。")).status == 303
    board = await (await other.get(f"{campaign}?which=struck_off")).text()
    assert "楼道漏水" in board and "100.0%" in board and "市信访局" in board
    for page in (board, await (await other.get("/campaigns")).text()):
        found = set(re.findall(rf'href="({campaign}\?[^"]*rank=[^"]*)">(\d+)</a>', page))
        assert {re.sub(r".*which=(\w+).*", r"\1", each) for each, _ in found} >= {"all", "struck_off"}
        for address, number in found:
            listed = await (await other.get(address.replace("&amp;", "&"))).text()
            assert number == "1" and listed.count("楼道漏水") == 1 and "只看" in listed, address
    none = await (await other.get(f"{campaign}?rank=county&which=all")).text()
    assert "楼道漏水" not in none and "没有这样的信访件" in none
    assert "凭证据销号" in await (await keeper.get(case)).text()


async def test_the_board_as_a_workbook_holds_what_its_reader_sees(house: House) -> None:
    campaign, path, case = await make_matter(house)

    async def sheets(key: str) -> str:
        answer = await (await house.official(key)).get(f"{campaign}/board.xlsx")
        assert answer.status == 200 and answer.content_type.endswith("sheet")
        book = zipfile.ZipFile(io.BytesIO(await answer.read()))
        return "".join(book.read(name).decode() for name in book.namelist())

    assert "楼道漏水" in await sheets(ABOVE) and "楼道漏水" not in await sheets("xigu.leader")
    other = await house.official("xigu.leader")
    for hidden in (path, f"{case}/campaigns", f"{path}/evidence/{'0' * 32}"):
        assert (await other.get(hidden)).status == 404
    strange: dict[str, Any] = {"words": "x" * 3000, "about": "'--"}
    keeper = await house.official(KEEPER)
    assert (await keeper.send(path, f"{path}/steps/entered", **strange)).status == 404
    assert (await keeper.send(path, f"{path}/steps/duty", **strange)).status == 303
    assert (await keeper.get(f"{campaign}?which=x&offset=-1")).status == 200
