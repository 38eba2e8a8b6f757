"""Alarms: raised once, seen by whom the policy lets see them, answered with words, never taken back."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from cases.append_only import AppendOnlyError
from cases.audit import AuditEntry
from cases.errors import Conflict, Forbidden, Invalid, NotFound, SignInRequired
from cases.policy import ANONYMOUS, SYSTEM, Action, Actor, allowed
from recordings.alarms import (
    LONGEST_REMARK,
    TRANSITIONS,
    Alarm,
    AlarmKind,
    AlarmRemark,
    AlarmState,
    Trouble,
    acknowledge_alarm,
    count_alarms,
    get_alarm,
    list_alarms,
    may_acknowledge,
    raise_alarm,
)
from scheduling.reach import scope_of_session
from scheduling.transitions import reachable_from
from tests.recordings.sitting import Sitting


async def raised(sitting: Sitting, text: str = "缺少分段。", of_session: bool = True) -> Alarm:
    session_id = sitting.session.id if of_session else None
    trouble = Trouble(AlarmKind.FILES_MISSING, "folder", ({"text": text},), session_id=session_id)
    async with sitting.database.session() as db:
        await raise_alarm(db, sitting.clock, trouble)
        await db.commit()
        alarm = await db.scalar(select(Alarm).where(Alarm.key == trouble.key))
        assert alarm is not None
        return alarm


def test_every_state_can_be_reached_and_none_left_again() -> None:
    assert reachable_from(TRANSITIONS, AlarmState.OPEN) == set(AlarmState)
    assert TRANSITIONS[AlarmState.ACKNOWLEDGED] == frozenset()


async def test_the_same_trouble_is_one_alarm_and_another_is_another(sitting: Sitting) -> None:
    first = await raised(sitting)
    sitting.clock.advance(days=1)
    assert (await raised(sitting)).id == first.id
    other = await raised(sitting, "缺少另一个分段。")
    async with sitting.database.session() as db:
        found = await list_alarms(db, SYSTEM, AlarmState.OPEN)
        assert [alarm.id for alarm in found] == [other.id, first.id]
        assert found[1].at == first.at


async def test_the_list_holds_what_the_policy_permits_one_by_one(sitting: Sitting) -> None:
    """Every official of the world: the condition in SQL and the policy give the same answer."""
    alarm, nobodys = await raised(sitting), await raised(sitting, of_session=False)
    seen = 0
    for key in sitting.world.officials:
        actor = sitting.world.actor(key)
        async with sitting.database.session() as db:
            session = (await get_alarm(db, SYSTEM, alarm.id)).session
            assert session is not None
            scope = await scope_of_session(db, session)
            if not allowed(actor, Action.SEE_ALARMS):
                with pytest.raises(Forbidden):
                    await list_alarms(db, actor, AlarmState.OPEN)
                continue
            listed = {row.id for row in await list_alarms(db, actor, AlarmState.OPEN)}
            may = allowed(actor, Action.SEE_ALARMS, scope)
            assert listed == ({alarm.id, nobodys.id} if may else {nobodys.id}), key
            assert await count_alarms(db, actor) == len(listed)
            seen += may
            if not may:
                with pytest.raises(NotFound):
                    await get_alarm(db, actor, alarm.id)
    assert 0 < seen < len(sitting.world.officials)


async def acknowledge(sitting: Sitting, actor: Actor, alarm: Alarm, remark: str) -> AlarmRemark:
    async with sitting.database.session() as db:
        return await acknowledge_alarm(db, sitting.clock, actor, alarm.id, remark, "192.0.2.7")


async def test_only_the_host_office_acknowledges_and_says_what_it_did(sitting: Sitting) -> None:
    alarm, leader = await raised(sitting), sitting.world.actor("chengguan.leader")
    with pytest.raises(SignInRequired):
        await acknowledge(sitting, ANONYMOUS, alarm, "看过了")
    with pytest.raises(NotFound):
        await acknowledge(sitting, sitting.world.actor("xigu.receptionist"), alarm, "看过了")
    for key in ("city.leader", "chengguan.receptionist"):  # They see it, and it is not theirs to settle.
        with pytest.raises(Forbidden):
            await acknowledge(sitting, sitting.world.actor(key), alarm, "看过了")
    for empty in ("", " \n\t "):
        with pytest.raises(Invalid, match="请写明"):
            await acknowledge(sitting, leader, alarm, empty)
    with pytest.raises(Invalid):
        await acknowledge(sitting, leader, alarm, "长" * (LONGEST_REMARK + 1))
    async with sitting.database.session() as db:
        assert await may_acknowledge(db, leader, await get_alarm(db, leader, alarm.id))
    sitting.clock.advance(hours=1)
    await acknowledge(sitting, leader, alarm, "已从备份恢复。")
    async with sitting.database.session() as db:
        found = await get_alarm(db, leader, alarm.id)
        assert found.state is AlarmState.ACKNOWLEDGED and found.acknowledgement is not None
        assert found.acknowledgement.remark == "已从备份恢复。"
        assert found.acknowledgement.official_name == leader.name
        assert await count_alarms(db, leader) == 0
        assert not await may_acknowledge(db, leader, found)
        query = select(AuditEntry).where(AuditEntry.action == "alarm.acknowledged")
        (entry,) = (await db.scalars(query)).all()
        assert (entry.object_id, entry.address) == (alarm.id, "192.0.2.7")


async def test_two_remarks_at_once_leave_the_first(sitting: Sitting) -> None:
    alarm, leader = await raised(sitting), sitting.world.actor("chengguan.leader")
    tried = [acknowledge(sitting, leader, alarm, f"第 {n} 次") for n in range(4)]
    answers = await asyncio.gather(*tried, return_exceptions=True)
    assert sum(isinstance(answer, AlarmRemark) for answer in answers) == 1
    refused = [answer for answer in answers if not isinstance(answer, AlarmRemark)]
    assert all(isinstance(answer, Conflict) and answer.code == "bad_transition" for answer in refused)


async def test_alarms_and_remarks_cannot_be_changed(sitting: Sitting) -> None:
    alarm = await raised(sitting)
    remark = await acknowledge(sitting, sitting.world.actor("chengguan.leader"), alarm, "看过了")
    for row in (alarm, remark):
        async with sitting.database.session() as db:
            await db.delete(await db.merge(row))
            with pytest.raises(AppendOnlyError):
                await db.flush()
