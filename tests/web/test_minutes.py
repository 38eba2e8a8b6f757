"""The minutes on their own page: written after the sitting, versions kept, decisions become tasks."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cases.database import new_id
from scheduling.minutes.history import differences
from scheduling.minutes.record import begin_minutes
from scheduling.session import Session
from tests.factories import make_petition, make_session
from tests.web.conftest import Browser, House

WRITER = "chengguan.receptionist"


@pytest.fixture
def database_system() -> str:
    """One system is enough: the use cases are tested on both in tests/scheduling."""
    return "sqlite"


async def arrange(house: House, **more: Any) -> Session:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
        session = await make_session(db, house.clock, house.world, petition, **more)
        await begin_minutes(db, house.clock, house.world.actor(WRITER), session.id)
        return session


async def token(browser: Browser, page: str) -> str:
    boot = re.search(r'id="boot">(.*?)</script>', await (await browser.get(page)).text(), re.S)
    assert boot is not None
    return str(json.loads(boot[1])["csrf_token"])


def fields(act: str, paragraph_id: str, **more: Any) -> dict[str, Any]:
    empty = {"base": None, "after_id": None, "kind": None, "speaker_id": None, "text": "", "ago_ms": 0}
    return {"edit_id": new_id(), "act": act, "paragraph_id": paragraph_id} | empty | more


async def test_two_officials_write_on_the_page_and_every_version_is_told(house: House) -> None:
    session = await arrange(house)
    base = f"/sessions/{session.id}/minutes"
    one, two = await house.official(WRITER), await house.official("chengguan.recorder")
    keys = {browser: await token(browser, base) for browser in (one, two)}

    async def send(browser: Browser, status: int, **change: Any) -> dict[str, Any]:
        headers = {"X-CSRF-Token": keys[browser]}
        answer = await browser.post(f"{base}/changes", json=change, headers=headers)
        assert answer.status == status, await answer.text()
        return dict(await answer.json())

    paragraph = new_id()
    await send(one, 200, **fields("insert", paragraph, kind="statement", text="七日内答复"))
    await send(one, 200, **fields("edit", paragraph, base=1, text="三日内答复"))
    told = await send(two, 200, **fields("edit", paragraph, base=1, text="十五日内<b>答复"))
    assert told["paragraph"]["text"] == "三〔另记：十五〕日内<b>答复" and told["overlaps"]
    sheet = await (await two.get(f"{base}/sheet")).json()
    assert told["paragraph"]["id"] in {each["id"] for each in sheet["paragraphs"]}
    assert await (await two.get(f"{base}/sheet?after={sheet['known']}")).json() == {}
    page = await (await one.get(f"{base}/versions")).text()
    assert "<ins>〔另记：十五〕</ins>" in page and "<ins>&lt;b&gt;</ins>" in page
    assert all(house.world.officials[key].name in page for key in (WRITER, "chengguan.recorder"))
    assert (await send(one, 422, **fields("edit", paragraph, text="没有 base")))["error"]["code"]
    answer = await one.post(f"{base}/changes", data="[1", headers={"X-CSRF-Token": keys[one]})
    assert answer.status == 422
    for state in ("read_back", "drafting", "read_back"):
        assert (await one.send(base, f"{base}/state", state=state)).status == 303
    assert (await one.send(base, f"{base}/state", state="locked")).status == 422
    reader = await house.official("city.receptionist")
    keys[reader] = await token(reader, base)
    refused = await send(reader, 403, **fields("remove", paragraph, base=3))
    assert refused["error"]["code"] == "forbidden"


async def test_a_decision_becomes_a_task_that_the_department_ends(house: House) -> None:
    session = await arrange(house, joint_organisation_ids=(house.world.housing.id,))
    base, case = f"/sessions/{session.id}/minutes", f"/cases/{session.petition_id}"
    writer = await house.official(WRITER)
    task = {
        "words": "查清漏水原因并维修", "organisation_id": house.world.housing.id, "person": "赵工",
        "due_on": "2026-07-29", "source_id": "",
    }  # fmt: skip
    to = f"/sessions/{session.id}/outcomes"
    wrong = (
        {"due_on": "2026-07-01"},
        {"person": ""},
        {"organisation_id": house.world.xigu.id},
        {"words": "x"},
    )
    for change in wrong:
        assert (await writer.send(base, to, **task | change)).status == 303
        page = await (await writer.get(base)).text()
        assert 'role="alert"' in page and ("查清漏水原因" in page or "words" in change)
    assert (await writer.send(base, to, **task | {"source_id": "0" * 32})).status == 404
    assert (await writer.send(base, to, **task)).status == 303
    assert "约下一次接访" in await (await writer.get(base)).text()
    handler = await house.official("housing.handler")
    assert (await handler.send(case, to, **task)).status == 403
    page = await (await handler.get(case)).text()
    assert "2026年7月29日（星期三）前，还有 7 天" in page and "城关区住建局 · 赵工" in page
    end = re.search(rf'action="({case}/tasks/\w+)"', page)
    assert end is not None
    assert (await handler.send(case, end[1], state="withdrawn", words="不归我们")).status == 403
    house.clock.advance(days=9)
    handler, writer = await house.official("housing.handler"), await house.official(WRITER)
    assert "已超期 2 天" in await (await handler.get(case)).text()
    assert (await handler.send(case, end[1], state="done", words="")).status == 422
    assert (await handler.send(case, end[1], state="done", words="已经修好，住户验收")).status == 303
    assert (await handler.send(case, end[1], state="done", words="再报一次")).status == 409
    page = await (await writer.get(case)).text()
    assert "已办结" in page and "已经修好，住户验收" in page and "交办事项办结" in page


async def test_the_next_date_takes_over_who_sat_together(house: House) -> None:
    session = await arrange(house, joint_organisation_ids=(house.world.city.id, house.world.housing.id))
    writer = await house.official(WRITER)
    page = await (await writer.get(f"/cases/{session.petition_id}/book?after={session.id}")).text()
    chosen = re.findall(r'name="joint" value="(\w+)" checked', page)
    assert set(chosen) == {house.world.city.id, house.world.housing.id}
    other = await arrange(house)
    strange = await writer.get(f"/cases/{other.petition_id}/book?after={session.id}")
    assert re.findall(r'name="joint" value="(\w+)" checked', await strange.text()) == []
    assert (await writer.get(f"/cases/{other.petition_id}/book?after=nothing")).status == 404


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("三日内", "十五日内", ["taken三", "added十五", "kept日内"]),
        ("", "新的", ["added新的"]),
        ("一样", "一样", ["kept一样"]),
    ],
)
def test_differences_are_told_by_words(old: str, new: str, wanted: list[str]) -> None:
    assert [piece.kind + piece.text for piece in differences(old, new)] == wanted
