"""A matter is rated with number and code, changed with every earlier answer kept, and never told by name."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cases.append_only import AppendOnlyError
from cases.audit import AuditEntry
from cases.casefile import PetitionCase
from cases.errors import Conflict, NotFound
from cases.handling.taking import take_step
from cases.people import PersonDetails
from cases.petition_rating import PetitionRatingChange, RatePetition, list_given, rate_petition
from cases.petitions import Channel, RegisterPetition, list_petition_events, register_petition
from cases.policy import SYSTEM
from tests.web.conftest import House

STEPS = (
    ("chengguan.receptionist", "classify", {"class": "claim", "way": "handle", "words": "修屋顶"}),
    ("chengguan.receptionist", "forward", {"words": "请办理"}),
    ("housing.handler", "accept", {"words": "受理"}),
    ("housing.handler", "conclude", {"conclusion": "explain", "words": "已修好"}),
)


async def concluded(house: House, upto: int = len(STEPS)) -> tuple[PetitionCase, str]:
    async with house.database.session() as db:
        details = PersonDetails("李德福", "13800001234")
        command = RegisterPetition(Channel.WEB, "屋顶漏水", "漏。", details, house.world.chengguan.id)
        petition, code = await register_petition(db, house.clock, SYSTEM, command)
        for who, step, given in STEPS[:upto]:
            given = given | {"unit": house.world.housing.id}
            await take_step(db, house.clock, house.world.actor(who), petition.id, step, given)
    return petition, code


async def test_a_rating_is_given_changed_and_seen_with_its_history(house: House) -> None:
    petition, code = await concluded(house)
    citizen = house.browser()
    key = {"number": petition.number, "query_code": code}
    page = await (await citizen.send("/progress", "/progress", **key)).text()
    assert "对责任单位的办理满意吗？" in page and 'action="/progress/rating#rating-unit"' in page
    refused = await citizen.send("/progress", "/progress/rating", **key, rated="unit", words="<b>慢</b>")
    text = await refused.text()
    assert refused.status == 422 and "请选一项。" in text and "&lt;b&gt;慢" in text, "what was typed is kept"
    first = await citizen.send("/progress", "/progress/rating", **key, rated="unit", score="2", words="太慢")
    assert first.status == 200 and "已经记下" in await first.text()
    house.clock.advance(days=2)
    page = await (await citizen.send("/progress", "/progress/rating", **key, rated="unit", score="4")).text()
    assert "不满意" in page and "太慢" in page and "修改评价" in page, "the earlier answer stays"
    wrong = await citizen.send("/progress", "/progress/rating", number=petition.number, query_code="x",
                               rated="unit", score="1")  # fmt: skip
    assert wrong.status == 422 and "查询码不对" in await wrong.text()
    house.clock.advance(days=30)
    late = await citizen.send("/progress", "/progress/rating", **key, rated="unit", score="1")
    assert late.status == 422
    assert "评价的时间已过" in await (await citizen.send("/progress", "/progress", **key)).text()
    async with house.database.session() as db:
        (given,) = await list_given(db, petition.id)
        assert [change.score for change in given.changes] == [2, 4]
        change = await db.get_one(PetitionRatingChange, given.changes[0].id)
        change.score = 5
        with pytest.raises(AppendOnlyError):
            await db.flush()
        await db.rollback()
        # Officials of the case learn neither that it was rated nor how; the audit keeps that it was.
        keeper = house.world.actor("chengguan.receptionist")
        assert not [e for e in await list_petition_events(db, keeper, petition.id) if "rated" in e.kind]
        noted = await db.scalars(select(AuditEntry).where(AuditEntry.action == "petition.rated"))
        assert [entry.detail for entry in noted] == [{"number": 1}, {"number": 2}]


async def test_what_cannot_be_rated_is_refused(house: House) -> None:
    petition, code = await concluded(house, 3)
    async with house.database.session() as db:
        with pytest.raises(Conflict, match="办结以后"):
            await rate_petition(db, house.clock, RatePetition(petition.number, code, "unit", "5"))
        with pytest.raises(NotFound):
            await rate_petition(db, house.clock, RatePetition(petition.number, "abc", "unit", "5"))
    petition, code = await concluded(house)
    async with house.database.session() as db:
        for _ in range(10):
            await rate_petition(db, house.clock, RatePetition(petition.number, code, "office", "3"))
        with pytest.raises(Conflict, match="最多"):
            await rate_petition(db, house.clock, RatePetition(petition.number, code, "office", "3"))


async def test_few_ratings_are_no_figure_and_none_counts_on_its_day(house: House) -> None:
    async def figures() -> str:
        leader = await house.official("city.leader")  # Anew: a day ends every sign-in.
        return await (await leader.get("/figures/satisfaction")).text()

    changed = ("", "")
    for number in range(6):
        petition, code = await concluded(house)
        changed = changed if number else (petition.number, code)
        async with house.database.session() as db:
            given = RatePetition(petition.number, code, "unit", "1" if number else "5")
            await rate_petition(db, house.clock, given)
        if number == 3:
            house.clock.advance(days=1)
            page = await figures()
            assert "件数太少" in page and ">3<" not in page, "four are too few, and no number tells them"
    assert "16.67%" not in await figures(), "not before tomorrow"
    house.clock.advance(days=1)
    page = await figures()
    assert ">1<" in page and "16.67%" in page
    async with house.database.session() as db:  # The first of them changes his mind.
        await rate_petition(db, house.clock, RatePetition(*changed, "unit", "1"))
    await concluded(house)  # The month is counted again the same day.
    house.clock.advance(minutes=10)
    assert "16.67%" in await figures(), "nobody sees within the day that one was changed"
    house.clock.advance(days=1)
    assert "0.00%" in await figures()
