"""Taking a step: load, ask the policy, decide by the table, save it with history, clocks and audit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import (
    Part,
    PetitionCase,
    PetitionClass,
    PetitionEvent,
    PetitionOrganisation,
    PetitionState,
    scope_of,
)
from cases.clock import Clock
from cases.database import atomic
from cases.errors import Conflict, Forbidden
from cases.handling.clocks import (
    PetitionClock,
    extend_clock,
    find_running,
    list_clocks,
    meet_clock,
    pause_clock,
    resume_clock,
    start_clock,
    today,
)
from cases.handling.procedure import RULES, Result, Rule, Step, Taker, Way, steps_from
from cases.handling.told import Told, read_told
from cases.petitions import add_petition_event, add_petition_organisation, give_petition, load_petition
from cases.policy import Action, Actor, allowed, require

ACTIONS = {
    Taker.KEEPER: Action.HANDLE_PETITION,
    Taker.UNIT: Action.ANSWER_PETITION,
    Taker.UNIT_HEAD: Action.EXTEND_PETITION,
    Taker.REVIEWER: Action.REVIEW_PETITION,
}
# The event after which a case was at the unit, told apart when the office does not agree to a return.
ARRIVALS = {"petition.forwarded": PetitionState.FORWARDED, "petition.assigned": PetitionState.ASSIGNED}
# A paper has to have reached the petitioner before the next step: the clock that its delivery starts.
AFTER_DELIVERY = {
    (Step.CLOSE, PetitionState.CONCLUDED): "review_apply",
    (Step.TERMINATE, PetitionState.CONCLUDED): "review_apply",
    (Step.REQUEST_REVIEW, PetitionState.CONCLUDED): "review_apply",
    (Step.TERMINATE, PetitionState.REVIEWED): "recheck_apply",
    (Step.REQUEST_RECHECK, PetitionState.REVIEWED): "recheck_apply",
}
# What may be done only while its clock has not run out, and how that is told.
IN_TIME = {
    Step.OBJECT: ("forward_objection", "objection_late", "提出异议"),
    Step.REQUEST_REVIEW: ("review_apply", "review_late", "请求复查"),
    Step.REQUEST_RECHECK: ("recheck_apply", "recheck_late", "请求复核"),
}


def offered(petition: PetitionCase) -> tuple[Step, ...]:
    """What the table offers for a case as it stands."""
    return steps_from(petition.state, Way(petition.way) if petition.way else None)


def steps_for(actor: Actor, petition: PetitionCase) -> list[Step]:
    """The steps that this official may take now, in the order of the table."""
    return [step for step in offered(petition) if _may(actor, petition, RULES[step])]


@atomic
async def take_step(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, step: str, given: Mapping[str, str]
) -> PetitionCase:
    """Take one step and commit.

    `given`: what was typed, by the names of `Ask`. Raises NotFound, Forbidden, Invalid at the field,
    Conflict `bad_step` where the table offers no such step now, `petition_moved` when somebody was quicker.
    """
    petition = await load_petition(db, petition_id)
    rule = RULES.get(step) if step in set(Step) else None  # type: ignore[call-overload]
    require(actor, ACTIONS[rule.taker] if rule else Action.SEE_PETITION, scope_of(petition))
    if rule is None or step not in offered(petition):
        raise Conflict("bad_step", "这一步现在不能进行，请刷新页面看看现在办到哪一步。")
    if not _may(actor, petition, rule):
        raise Forbidden(message="这一步由责任单位办理。")
    told = await read_told(db, clock, petition, rule, given)
    await _decide(db, clock, petition, Step(step), told)
    state = await _state_after(db, petition, Step(step), rule, told)
    await _move(db, petition, state)
    await _save(db, clock, actor, petition, Step(step), rule, told)
    await add_petition_event(db, clock, actor, petition.id, rule.event, told.data())
    await add_audit(db, clock, actor, rule.event, "petition", petition.id)
    await db.commit()
    return await load_petition(db, petition_id)


def _may(actor: Actor, petition: PetitionCase, rule: Rule) -> bool:
    if not allowed(actor, ACTIONS[rule.taker], scope_of(petition)):
        return False
    if rule.taker is Taker.REVIEWER:
        return petition.reviewer_id in actor.organisation_ids
    return rule.taker is Taker.KEEPER or petition.handler_id in actor.organisation_ids


async def _decide(db: AsyncSession, clock: Clock, petition: PetitionCase, step: Step, told: Told) -> None:
    """What the table cannot say. Raises Conflict."""
    wanted = AFTER_DELIVERY.get((step, petition.state))
    if wanted is not None:
        clocks = await list_clocks(db, petition.id)
        if not any(row.duty == wanted and row.met_on is None for row in clocks):
            raise Conflict("not_delivered", "意见书还没有送达信访人，送达后才能进行这一步。")
    if step in IN_TIME:
        duty, code, act = IN_TIME[step]
        row = await find_running(db, petition.id, duty)
        if row is not None and row.rolled_on is not None and (told.on or today(clock)) > row.rolled_on:
            raise Conflict(code, f"{act}的期限到 {row.rolled_on} 为止，已经过了。")


async def _state_after(
    db: AsyncSession, petition: PetitionCase, step: Step, rule: Rule, told: Told
) -> PetitionState:
    if step is Step.DECIDE_REVIEW and told.result is Result.REDO:
        return PetitionState.ACCEPTED
    if step is not Step.DECLINE_RETURN:
        return rule.to or petition.state
    query = select(PetitionEvent.kind).where(
        PetitionEvent.petition_id == petition.id, PetitionEvent.kind.in_(sorted(ARRIVALS))
    )
    kind = (await db.scalars(query.order_by(PetitionEvent.sequence.desc()).limit(1))).one()
    return ARRIVALS[kind]


async def _move(db: AsyncSession, petition: PetitionCase, state: PetitionState) -> None:
    """Whoever is second finds that the history went on meanwhile."""
    seen = PetitionCase.event_count == petition.event_count
    query = update(PetitionCase).where(PetitionCase.id == petition.id, seen).values(state=state)
    if await db.scalar(query.returning(PetitionCase.id)) is None:
        raise Conflict("petition_moved", "别人刚刚办理了这件事，请刷新页面再看。")


async def _save(
    db: AsyncSession, clock: Clock, actor: Actor, petition: PetitionCase, step: Step, rule: Rule, told: Told
) -> None:
    day = told.on or today(clock)
    values = await _kept(db, clock, actor, petition, step, told)
    if values:
        await db.execute(update(PetitionCase).where(PetitionCase.id == petition.id).values(**values))
    for duty in rule.meets:
        await meet_clock(db, petition, duty, day)
    bearer = (told.unit and told.unit.id) or (told.reviewer and told.reviewer.id) or petition.handler_id
    for duty in rule.starts:
        days = told.days if duty == "assigned_feedback" else 0
        await start_clock(db, clock, petition, duty, day, bearer, days)
    await _turn(db, clock, petition, step, told)


async def _turn(db: AsyncSession, clock: Clock, petition: PetitionCase, step: Step, told: Told) -> None:
    """The clocks that a step moves without starting or meeting them by the table."""
    day = told.on or today(clock)
    if step is Step.EXTEND:
        await extend_clock(db, await _running(db, petition, "handle"), told.days)
    if step is Step.BEGIN_HEARING:
        await pause_clock(db, await _running(db, petition, "recheck_decide"), day)
    if step is Step.END_HEARING:
        await resume_clock(db, await _running(db, petition, "recheck_decide"), day)
    if step is Step.DECIDE_REVIEW and told.result is Result.REDO:
        await start_clock(db, clock, petition, "handle", day, petition.handler_id)


async def _running(db: AsyncSession, petition: PetitionCase, duty: str) -> PetitionClock:
    row = await find_running(db, petition.id, duty)
    if row is None:
        raise Conflict("no_clock", "没有正在计算的期限，不能进行这一步。")
    return row


async def _kept(
    db: AsyncSession, clock: Clock, actor: Actor, petition: PetitionCase, step: Step, told: Told
) -> dict[str, Any]:
    """What the case itself remembers of a step; who takes part is noted on the way."""
    day = told.on or today(clock)
    if step is Step.CLASSIFY:
        secret = petition.confidential or told.class_ is PetitionClass.ACCUSATION
        if secret and not petition.confidential:  # Or nobody could see it any more.
            await give_petition(db, clock, actor, petition.id)
        return {"class_": told.class_, "way": told.way, "confidential": secret}
    if told.unit is not None:
        await add_petition_organisation(db, petition.id, told.unit.id, Part.HANDLER)
        return {"handler_id": told.unit.id}
    if step is Step.AGREE_RETURN:
        await _let_go(db, petition, day)
        return {"handler_id": None}
    if told.reviewer is not None:
        await add_petition_organisation(db, petition.id, told.reviewer.id, Part.REVIEWER)
        return {"reviewer_id": told.reviewer.id}
    if step is Step.ACCEPT:
        return {"accepted_on": day}
    return {"concluded_on": day, "conclusion": told.conclusion} if step is Step.CONCLUDE else {}


async def _let_go(db: AsyncSession, petition: PetitionCase, day: date) -> None:
    """A unit that is not responsible sees the case no more, and its clocks end."""
    parts = PetitionOrganisation.petition_id == petition.id, PetitionOrganisation.part == Part.HANDLER
    await db.execute(delete(PetitionOrganisation).where(*parts))
    for duty in ("forward_notice", "assigned_feedback"):
        await meet_clock(db, petition, duty, day)
