"""The review of a recording: every item answered, seen again by somebody else, findings until remedied."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from cases.append_only import APPEND_ONLY
from cases.audit import AuditEntry
from cases.audit_check import check_audit
from recordings.review import finding as review_finding
from recordings.review import review
from recordings.review.checklist import CHECKLISTS, CURRENT
from recordings.review.finding import FindingState, FindingStep, ReviewFinding, list_findings
from recordings.review.review import (
    ANSWERABLE,
    ReviewAnswer,
    ReviewState,
    ReviewStep,
    answer_item,
    load_review,
)
from scheduling.reach import load_session
from scheduling.sessions.invitations import list_invitations
from scheduling.transitions import reachable_from
from tests.web.conftest import Browser, House
from tests.web.test_desk import INSPECTOR, ONE_SYSTEM, REVIEWER, SECOND, playable

ITEMS = [item.code for item in CHECKLISTS[CURRENT]]


async def answer(browser: Browser, address: str, item: str, outcome: str = "met", **more: str) -> int:
    fields = {"item": item, "outcome": outcome, "since": "1:05", "words": "", **more}
    return (await browser.send("/", f"{address}/answers", **fields)).status


async def answer_all(house: House, key: str, recording_id: str, items: list[str]) -> None:
    """As the page's form does, without the page."""
    async with house.database.session() as db:
        for item in items:
            who = house.world.actor(key)
            await answer_item(db, house.clock, who, recording_id, item, "met", 65_000, "", None)


async def move(browser: Browser, address: str, state: str, words: str = "意见在此") -> int:
    return (await browser.send("/", f"{address}/review", state=state, words=words)).status


async def code_of(browser: Browser, address: str, **fields: str) -> str:
    """What a program is told when it is refused."""
    page = await (await browser.get("/")).text()
    found = page.split('name="csrf_token" value="')[1].split('"')[0]
    answer = await browser.post(
        address, {"csrf_token": found, **fields}, headers={"Accept": "application/json"}
    )
    return str((await answer.json())["error"]["code"])


async def test_a_review_is_complete_and_agreed_by_somebody_else(house: House) -> None:
    recording_id = await playable(house)
    first, second = await house.official(REVIEWER), await house.official(SECOND)
    address = f"/recordings/{recording_id}"
    assert await answer(first, address, "nothing") == 422
    assert await answer(first, address, "identity", "perhaps") == 422
    assert await answer(first, address, "identity", "not_met") == 422  # Needs words.
    assert await answer(first, address, ITEMS[0]) == 303
    await answer_all(house, REVIEWER, recording_id, ITEMS[1:-1])
    assert await code_of(first, f"{address}/review", state="submitted", words="程序规范") == "not_answered"
    assert await answer(first, address, ITEMS[-1], "not_met", words="没有告知<b>复查") == 303
    assert await answer(first, address, "identity", "not_applicable", words="由接访点核对") == 303
    assert await code_of(first, f"{address}/review", state="agreed", words="同意") == "bad_transition"
    assert await move(first, address, "submitted", " ") == 422
    assert await move(first, address, "submitted") == 303
    assert await answer(first, address, "identity") == 409  # It stands still while it is read.
    assert await code_of(first, f"{address}/review", state="agreed", words="同意") == "own_review"
    assert await move(second, address, "disagreed", "第三项再看一遍") == 303
    assert await answer(first, address, ITEMS[2], "not_met", words="纪律没有宣读") == 303
    assert await move(first, address, "submitted", "已按意见更正") == 303
    assert await code_of(second, f"{address}/review", state="open", words="打开") == "bad_transition"
    assert await move(second, address, "agreed") == 303
    assert await move(second, address, "disagreed") == 409
    page = await (await second.get(f"{address}/desk")).text()
    for words in ("复核同意", "第三项再看一遍", "没有告知&lt;b&gt;复查", "由接访点核对", "都已检查"):
        assert words in page, words
    async with house.database.session() as db:
        found = await load_review(db, recording_id)
        assert found.state is ReviewState.AGREED and not found.unanswered
        assert [len(each.answers) for each in found.items][:4] == [2, 1, 2, 1]
        acts = (await db.scalars(select(AuditEntry.action).where(AuditEntry.action.like("review.%")))).all()
        assert acts.count("review.answered") == len(ITEMS) + 2 and "review.disagreed" in acts
        assert (await check_audit(db)).intact
        for table in ("review_answers", "review_steps"):
            with pytest.raises(DatabaseError, match="append-only"):
                await db.execute(text(f"UPDATE {table} SET words = 'x'"))
            await db.rollback()


@ONE_SYSTEM
async def test_who_answered_anything_does_not_do_the_second_review(house: House) -> None:
    recording_id = await playable(house)
    first, inspector = await house.official(REVIEWER), await house.official(INSPECTOR)
    address = f"/recordings/{recording_id}"
    await answer_all(house, REVIEWER, recording_id, ITEMS[1:])
    await answer_all(house, INSPECTOR, recording_id, ITEMS[:1])
    assert await move(first, address, "submitted") == 303
    assert await move(inspector, address, "agreed") == 403
    assert "等待没有参加过这次评阅的人复核" in await (await inspector.get(f"{address}/desk")).text()
    assert await move(await house.official(SECOND), address, "agreed") == 303


async def test_a_finding_goes_from_open_to_confirmed_by_two_hands(house: House) -> None:
    recording_id, office = await playable(house), house.world.chengguan.id
    address = f"/recordings/{recording_id}"
    reviewer, host = await house.official(REVIEWER), await house.official("chengguan.receptionist")
    good = {
        "kind": "minutes", "since": "2:00", "until": "2:30", "words": "笔录<i>没有宣读",
        "organisation_id": office, "due_on": "2026-08-01",
    }  # fmt: skip
    for wrong in (
        {"kind": "person"}, {"organisation_id": house.world.xigu.id}, {"due_on": "2026-07-01"},
        {"due_on": "soon"}, {"due_on": "2036-07-01"}, {"words": ""}, {"since": "x"},
    ):  # fmt: skip
        assert (await reviewer.send("/", f"{address}/findings", **good | wrong)).status == 422, wrong
    assert (await host.send("/", f"{address}/findings", **good)).status == 403
    assert (await reviewer.send("/", f"{address}/findings", **good)).status == 303
    page = await (await host.get(address)).text()
    assert "笔录&lt;i&gt;没有宣读" in page and "待整改" in page and "2026年8月1日前整改" in page
    finding = page.split(f"{address}/findings/")[1].split("/")[0]
    remedy, decide = f"{address}/findings/{finding}/remedy", f"{address}/findings/{finding}/decide"
    city = await house.official("city.leader")
    assert "没有宣读" not in await (await city.get(address)).text()
    assert (await city.send("/", remedy, words="代为整改")).status == 403
    assert (await reviewer.send("/", remedy, words="代为整改")).status == 403
    assert (await reviewer.send("/", decide, state="confirmed", words="好的")).status == 409
    assert (await host.send("/", remedy, words="已补宣读并签字")).status == 303
    assert (await host.send("/", remedy, words="再说一次")).status == 409
    assert (await reviewer.send("/", decide, state="open", words="缺签字页")).status == 303
    house.clock.advance(days=20)
    reviewer, host = await house.official(REVIEWER), await house.official("chengguan.receptionist")
    assert "已过期限" in await (await host.get(address)).text()
    assert (await host.send("/", remedy, words="签字页已补")).status == 303
    assert (await reviewer.send("/", decide, state="remedied", words="代办")).status == 422
    assert (await reviewer.send("/", decide, state="confirmed", words="属实")).status == 303
    assert (await reviewer.send("/", decide, state="withdrawn", words="撤销")).status == 409
    nobody = f"{address}/findings/{'0' * 32}/decide"
    assert (await reviewer.send("/", nobody, state="withdrawn", words="撤销")).status == 404
    async with house.database.session() as db:
        (tracked,) = await list_findings(db, recording_id)
        assert [str(step.state) for step in tracked.steps] == ["remedied", "open", "remedied", "confirmed"]
        for table in ("review_findings", "review_finding_steps"):
            with pytest.raises(DatabaseError, match="append-only"):
                await db.execute(text(f"DELETE FROM {table}"))
            await db.rollback()


@ONE_SYSTEM
async def test_who_sat_in_the_reception_does_not_judge_it(house: House) -> None:
    recording_id, official = await playable(house), house.world.officials[REVIEWER]
    async with house.database.session() as db:
        recording = await review.open_for_review(db, house.world.actor(SECOND), recording_id)
        session = await load_session(db, recording.session_id)
        (await list_invitations(db, session.id))[0].official_id = official.id
        await db.commit()
    browser, address = await house.official(REVIEWER), f"/recordings/{recording_id}"
    assert await code_of(browser, f"{address}/notes", words="自己的接访") == "own_reception"
    assert await answer(browser, address, "identity") == 403
    assert await answer(await house.official(SECOND), address, "identity") == 303


def test_every_state_is_reached_and_two_are_the_end() -> None:
    assert reachable_from(review.TRANSITIONS, ReviewState.OPEN) == set(ReviewState)
    assert {state for state, after in review.TRANSITIONS.items() if not after} == {ReviewState.AGREED}
    assert {s for s, after in review.TRANSITIONS.items() if ReviewState.SUBMITTED in after} == ANSWERABLE
    assert reachable_from(review_finding.TRANSITIONS, FindingState.OPEN) == set(FindingState)
    ends = {state for state, after in review_finding.TRANSITIONS.items() if not after}
    assert ends == {FindingState.CONFIRMED, FindingState.WITHDRAWN}
    assert {ReviewAnswer, ReviewStep, ReviewFinding, FindingStep} <= APPEND_ONLY


def test_the_checklist_has_distinct_items_with_a_basis() -> None:
    for version, items in CHECKLISTS.items():
        assert version <= CURRENT and len({item.code for item in items}) == len(items) >= 10
        assert all(len(item.code) <= 32 and item.title and item.basis for item in items)
