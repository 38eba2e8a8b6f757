"""Human tasks: raised once for each cause, taken by one, closed in words, ended when the cause is gone."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.append_only import AppendOnlyError
from cases.audit import AuditEntry
from cases.audit_check import check_audit
from cases.database import Base, Database
from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError, SignInRequired
from cases.policy import ANONYMOUS, SYSTEM, Actor, ActorKind
from cases.roles import InvitationRole
from scheduling.incidents.incident import (
    CAUSE_NAMES,
    INCIDENT_STATE_NAMES,
    MOST_STEPS,
    OUTCOME_NAMES,
    TRANSITIONS,
    Cause,
    Incident,
    IncidentOutcome,
    IncidentState,
    IncidentStep,
    TrackedIncident,
)
from scheduling.incidents.incidents import (
    Occurrence,
    close_incident,
    end_incident,
    get_incident,
    give_back_incident,
    list_incidents,
    list_open_incidents,
    raise_incident,
    take_incident,
)
from scheduling.session import Session, SessionState
from scheduling.sessions.sessions import move_session
from scheduling.transitions import reachable_from
from tests.clock import FixedClock
from tests.factories import World, make_session

GONE = Cause.DISCONNECTED
DISTRICT, CITY, OTHER = "chengguan.receptionist", "city.receptionist", "xigu.receptionist"


@pytest.fixture
async def session(db: AsyncSession, clock: FixedClock, world: World) -> Session:
    return await make_session(db, clock, world)


def gone(session: Session, subject: str = "seat", words: str = "页面断开") -> Occurrence:
    return Occurrence(session.id, GONE, subject, "李德福", words)


async def only(db: AsyncSession, session: Session) -> TrackedIncident:
    (found,) = await list_incidents(db, session.id)
    return found


async def raised(db: AsyncSession, clock: FixedClock, session: Session) -> str:
    await raise_incident(db, clock, gone(session))
    return (await only(db, session)).incident.id


def test_every_word_is_there_and_nothing_is_final() -> None:
    assert (set(CAUSE_NAMES), set(OUTCOME_NAMES)) == (set(Cause), set(IncidentOutcome))
    assert set(INCIDENT_STATE_NAMES) == set(TRANSITIONS) == set(IncidentState)
    assert all(reachable_from(TRANSITIONS, state) == set(IncidentState) for state in IncidentState)


async def test_one_cause_is_one_task_however_often_it_is_told(
    db: AsyncSession, clock: FixedClock, session: Session
) -> None:
    for _ in range(3):
        await raise_incident(db, clock, gone(session))
    await raise_incident(db, clock, gone(session, "another seat"))
    found = await list_incidents(db, session.id)
    assert [(len(each.steps), each.times, each.state) for each in found] == [(1, 1, "raised")] * 2
    clock.advance(seconds=9)
    await end_incident(db, clock, session.id, GONE, "seat", "李德福回来了")
    await end_incident(db, clock, session.id, GONE, "seat", "again")
    clock.advance(seconds=9)
    await raise_incident(db, clock, gone(session, words="又断开"))
    first = next(each for each in await list_incidents(db, session.id) if each.incident.subject == "seat")
    assert [step.state for step in first.steps] == ["raised", "ended", "raised"]
    assert (first.times, first.words, first.since) == (2, "又断开", clock.now())
    assert [step.number for step in first.steps] == [1, 2, 3] and first.steps[1].words == "李德福回来了"


async def test_taken_given_back_and_closed_and_each_step_is_in_the_audit(
    db: AsyncSession, clock: FixedClock, world: World, session: Session
) -> None:
    incident_id = await raised(db, clock, session)
    district, city = world.actor(DISTRICT), world.actor(CITY)
    await take_incident(db, clock, district, incident_id)
    await take_incident(db, clock, district, incident_id)  # A second click.
    with pytest.raises(Conflict, match=f"{district.name}已经在处置"):
        await take_incident(db, clock, city, incident_id)
    with pytest.raises(Conflict, match=f"{district.name}正在处置"):
        await close_incident(db, clock, city, incident_id, "solved", "已经联系")
    with pytest.raises(Conflict, match="正在处置"):
        await give_back_incident(db, clock, city, incident_id)
    await give_back_incident(db, clock, district, incident_id, "要去开会")
    await take_incident(db, clock, city, incident_id)
    for outcome, words, code in (
        ("", "打了电话", "outcome_unknown"), ("solved", " x ", "words_required"),
        ("solved", "字" * 501, "too_long"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            await close_incident(db, clock, city, incident_id, outcome, words)
        assert refused.value.code == code
    await close_incident(db, clock, city, incident_id, "by_phone", "打了电话，\u202e改用电话接访")
    found = await only(db, session)
    assert (found.state, found.times, found.last.outcome) == ("closed", 1, "by_phone")
    assert found.last.words == "打了电话，改用电话接访" and found.last.by == city.name
    for act in (
        take_incident(db, clock, city, incident_id),
        give_back_incident(db, clock, city, incident_id),
    ):
        with pytest.raises(Conflict, match="已经了结"):
            await act
    query = select(AuditEntry.action, AuditEntry.actor_name).where(AuditEntry.object_id == incident_id)
    log = (await db.execute(query.order_by(AuditEntry.sequence))).all()
    assert [tuple(row) for row in log] == [
        ("incident.raised", SYSTEM.name), ("incident.taken", district.name),
        ("incident.given_back", district.name), ("incident.taken", city.name),
        ("incident.closed", city.name),
    ]  # fmt: skip
    assert (await check_audit(db)).intact


async def test_two_who_take_at_once_one_wins_and_the_other_reads_by_whom(
    database: Database, db: AsyncSession, clock: FixedClock, world: World, session: Session
) -> None:
    incident_id = await raised(db, clock, session)

    async def take(key: str) -> str:
        async with database.session() as own:
            try:
                await take_incident(own, clock, world.actor(key), incident_id)
            except Conflict as error:
                return error.message
        return ""

    told = sorted(await asyncio.gather(take(DISTRICT), take(CITY)))
    found = await only(db, session)
    assert told == ["", f"{found.last.by}已经在处置，不用再接手。"] and len(found.steps) == 2


async def test_what_nobody_took_is_not_closed(
    db: AsyncSession, clock: FixedClock, world: World, session: Session
) -> None:
    incident_id = await raised(db, clock, session)
    with pytest.raises(Conflict, match="请先接手"):
        await close_incident(db, clock, world.actor(DISTRICT), incident_id, "solved", "已经联系")


async def test_a_taken_task_ends_too_when_the_cause_is_gone_and_a_closed_one_comes_again(
    db: AsyncSession, clock: FixedClock, world: World, session: Session
) -> None:
    incident_id = await raised(db, clock, session)
    district = world.actor(DISTRICT)
    await take_incident(db, clock, district, incident_id)
    await end_incident(db, clock, session.id, GONE, "seat", "李德福回来了")
    found = await only(db, session)
    assert (found.state, found.last.by, found.last.by_id) == ("ended", SYSTEM.name, None)
    await raise_incident(db, clock, gone(session))
    await take_incident(db, clock, district, incident_id)
    await close_incident(db, clock, district, incident_id, "solved", "已经联系")
    await raise_incident(db, clock, gone(session))
    found = await only(db, session)
    assert (found.state, found.times) == ("raised", 3)


async def test_a_cause_without_end_stays_for_a_human(
    db: AsyncSession, clock: FixedClock, world: World, session: Session
) -> None:
    incident_id = await raised(db, clock, session)
    for number in range(2, MOST_STEPS - 1):
        state = IncidentState.RAISED if number % 2 else IncidentState.ENDED
        db.add(IncidentStep(
            incident_id=incident_id, number=number, state=state, words="", at=clock.now(), by="系统"
        ))  # fmt: skip
    await db.commit()
    for _ in range(4):
        await raise_incident(db, clock, gone(session))
        await end_incident(db, clock, session.id, GONE, "seat")
    found = await only(db, session)
    assert found.open and len(found.steps) == MOST_STEPS - 1
    await take_incident(db, clock, world.actor(DISTRICT), incident_id)
    await close_incident(db, clock, world.actor(DISTRICT), incident_id, "solved", "换了网络")
    await raise_incident(db, clock, gone(session))
    assert (await only(db, session)).state == "closed"


async def test_the_end_of_the_session_ends_what_cannot_outlive_it(
    db: AsyncSession, clock: FixedClock, session: Session
) -> None:
    await raise_incident(db, clock, gone(session))
    await raise_incident(db, clock, Occurrence(session.id, Cause.HELP_ASKED, "i", "李德福", "请打电话给我"))
    await move_session(db, clock, SYSTEM, session.id, SessionState.LIVE)
    await move_session(db, clock, SYSTEM, session.id, SessionState.CLOSED)
    await raise_incident(db, clock, gone(session, "told late"))
    left = {str(each.incident.cause): (str(each.state), each.last.words) for each in
            await list_incidents(db, session.id)}  # fmt: skip
    assert left == {"disconnected": ("ended", "接访已经结束"), "help_asked": ("raised", "请打电话给我")}


async def test_who_takes_part_sees_and_tends_others_are_refused(
    db: AsyncSession, clock: FixedClock, world: World, session: Session
) -> None:
    incident_id = await raised(db, clock, session)
    for key in (DISTRICT, CITY, "province.receptionist", "city.inspector"):
        ((found, of),) = await list_open_incidents(db, clock, world.actor(key))
        assert (found.incident.id, of.id) == (incident_id, session.id)
    assert await list_open_incidents(db, clock, world.actor(OTHER)) == []
    citizen = Actor(
        ActorKind.INVITEE, "李德福", invitation_id="i", session_id=session.id,
        invitation_role=InvitationRole.PETITIONER,
    )  # fmt: skip
    refused: tuple[tuple[Actor, type[RuleError]], ...] = (
        (world.actor(OTHER), NotFound),
        (world.actor("city.inspector"), Forbidden),
        (world.actor("city.sysadmin"), NotFound),
        (citizen, Forbidden),
        (ANONYMOUS, Forbidden),
    )
    for actor, error in refused:
        with pytest.raises(error):
            await take_incident(db, clock, actor, incident_id)
    for actor in (world.actor(OTHER), citizen):
        with pytest.raises((NotFound, Forbidden)):
            await get_incident(db, actor, incident_id)
    with pytest.raises(SignInRequired):
        await list_open_incidents(db, clock, ANONYMOUS)
    with pytest.raises(NotFound):
        await take_incident(db, clock, world.actor(DISTRICT), "0" * 32)
    clock.advance(days=8)
    assert await list_open_incidents(db, clock, world.actor(DISTRICT)) == []


@pytest.mark.parametrize("model", [Incident, IncidentStep])
async def test_history_only_grows(
    db: AsyncSession, clock: FixedClock, session: Session, model: type[Base]
) -> None:
    await raised(db, clock, session)
    for statement in (update(model).values(id="other"), delete(model)):
        with pytest.raises(AppendOnlyError):
            await db.execute(statement)
