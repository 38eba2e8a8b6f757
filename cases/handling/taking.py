"""Taking a step: load, ask the policy, decide by the table, save it with history, clocks and audit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
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
from cases.clock import Clock, chinese_date
from cases.database import atomic
from cases.errors import Conflict, Forbidden, Invalid
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
from cases.handling.procedure import RULES, WAIVED, Ending, Keep, Move, Rule, Step, Taker, Way, steps_from
from cases.handling.told import Told, read_told
from cases.petitions import add_petition_event, add_petition_organisation, give_petition, load_petition
from cases.policy import Action, Actor, allowed, require

ACTIONS = {
    Taker.KEEPER: Action.HANDLE_PETITION,
    Taker.UNIT: Action.ANSWER_PETITION,
    Taker.UNIT_HEAD: Action.EXTEND_PETITION,
    Taker.REVIEWER: Action.REVIEW_PETITION,
    Taker.SUPERVISOR: Action.SUPERVISE_PETITION,
    Taker.SUPERVISED: Action.ANSWER_SUPERVISION,
}
# Whose office stands in an order and not in the case (cases/supervision/paper.py).
OF_ORDERS = frozenset({Taker.SUPERVISOR, Taker.SUPERVISED})
# The event after which a case was at the unit, told apart when the office does not agree to a return.
ARRIVALS = {"petition.forwarded": PetitionState.FORWARDED, "petition.assigned": PetitionState.ASSIGNED}


def offered(petition: PetitionCase) -> tuple[Step, ...]:
    """What the table offers for a case as it stands."""
    return steps_from(petition.state, Way(petition.way) if petition.way else None)


def steps_for(actor: Actor, petition: PetitionCase) -> list[Step]:
    """The steps that this official may take now, in the order of the table; no delivery of a paper."""
    mine = [step for step in offered(petition) if may_take(actor, petition, RULES[step].taker)]
    return [step for step in mine if RULES[step].delivers is None]


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
    if not may_take(actor, petition, rule.taker):
        raise Forbidden(message="这一步由责任单位办理。")
    if rule.delivers is not None:
        raise Conflict("deliver_by_paper", "请在「文书」里出具并送达，送达时这一步随之完成。")
    told = await read_told(db, clock, petition, rule, given)
    await apply_step(db, clock, actor, petition, rule, told)
    await db.commit()
    return await load_petition(db, petition_id)


async def apply_step(
    db: AsyncSession, clock: Clock, actor: Actor, petition: PetitionCase, rule: Rule, told: Told
) -> None:
    """Take a step inside the caller's transaction, which has asked the policy and the table.

    Raises Conflict `not_delivered`, `right_runs`, `petition_moved`, `no_clock` or the code of what is late;
    Invalid `ground_unfit`.
    """
    await _decide(db, clock, petition, rule, told)
    await _move(db, petition, await _state_after(db, petition, rule, told))
    await _save(db, clock, actor, petition, rule, told)
    await add_petition_event(db, clock, actor, petition.id, rule.event, told.data())
    await add_audit(db, clock, actor, rule.event, "petition", petition.id)


def may_take(actor: Actor, petition: PetitionCase, taker: Taker) -> bool:
    """Whether what is `taker`'s to do in this case is this official's."""
    if taker in OF_ORDERS or not allowed(actor, ACTIONS[taker], scope_of(petition)):
        return False
    if taker is Taker.REVIEWER:
        return petition.reviewer_id in actor.organisation_ids
    return taker is Taker.KEEPER or petition.handler_id in actor.organisation_ids


async def _decide(db: AsyncSession, clock: Clock, petition: PetitionCase, rule: Rule, told: Told) -> None:
    """What depends on the clocks. Raises Conflict."""
    wanted = rule.needs.get(petition.state)
    if wanted is not None:
        clocks = await list_clocks(db, petition.id)
        if not any(row.duty == wanted and row.met_on is None for row in clocks):
            raise Conflict("not_delivered", "意见书还没有送达信访人，送达后才能进行这一步。")
    if rule.in_time is not None:
        row = await find_running(db, petition.id, rule.in_time.duty)
        if row is not None and row.rolled_on is not None and (told.on or today(clock)) > row.rolled_on:
            late = f"{rule.in_time.act}的期限到{chinese_date(row.rolled_on)}为止，已经过了。"
            raise Conflict(rule.in_time.code, late)
    if (ending := rule.ends.get(petition.state)) is not None:
        await _refuse_early_end(db, clock, petition, ending, told)


async def _refuse_early_end(
    db: AsyncSession, clock: Clock, petition: PetitionCase, ending: Ending, told: Told
) -> None:
    """Raises Invalid `ground_unfit` at the ground, Conflict `not_delivered`, `right_runs`."""
    if told.ground is not None and told.ground not in ending.grounds:
        raise Invalid("ground_unfit", "这个原因与现在办到的一步不相符。", "ground")
    if ending.delivered:
        query = select(PetitionEvent.id).where(
            PetitionEvent.petition_id == petition.id, PetitionEvent.kind == ending.delivered
        )
        if (await db.scalars(query.limit(1))).first() is None:
            raise Conflict("not_delivered", "意见书还没有送达信访人，送达后才能进行这一步。")
    row = await find_running(db, petition.id, ending.right) if ending.right else None
    if row is None or row.rolled_on is None or told.ground in WAIVED:
        return
    if today(clock) <= row.rolled_on:
        raise Conflict(
            "right_runs",
            f"信访人到{chinese_date(row.rolled_on)}为止还可以请求复查或者复核，期满以后才能进行这一步。"
            "信访人书面表示没有异议的，以「与信访人达成一致」终结。",
        )


async def _state_after(db: AsyncSession, petition: PetitionCase, rule: Rule, told: Told) -> PetitionState:
    if told.result is not None and told.result in rule.otherwise:
        return rule.otherwise[told.result].to
    if not rule.back:
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
    db: AsyncSession, clock: Clock, actor: Actor, petition: PetitionCase, rule: Rule, told: Told
) -> None:
    day = told.on or today(clock)
    values = await _kept(db, clock, actor, petition, rule, told)
    if values:
        await db.execute(update(PetitionCase).where(PetitionCase.id == petition.id).values(**values))
    for duty in rule.meets:
        await meet_clock(db, petition, duty, day)
    bearer = (told.unit and told.unit.id) or (told.reviewer and told.reviewer.id) or petition.handler_id
    other = rule.otherwise.get(told.result) if told.result is not None else None
    for duty in rule.starts + (other.starts if other else ()):
        days = told.days if duty == "assigned_feedback" else 0
        await start_clock(db, clock, petition, duty, told.effective_on or day, bearer, days)
    if rule.moves is not None:
        move, duty = rule.moves
        row = await _running(db, petition, duty)
        await _MOVES[move](db, row, told.days if move is Move.EXTEND else day)


_MOVES: Mapping[Move, Callable[[AsyncSession, PetitionClock, Any], Awaitable[None]]] = {
    Move.EXTEND: extend_clock,
    Move.PAUSE: pause_clock,
    Move.RESUME: resume_clock,
}


async def _running(db: AsyncSession, petition: PetitionCase, duty: str) -> PetitionClock:
    row = await find_running(db, petition.id, duty)
    if row is None:
        raise Conflict("no_clock", "没有正在计算的期限，不能进行这一步。")
    return row


async def _kept(
    db: AsyncSession, clock: Clock, actor: Actor, petition: PetitionCase, rule: Rule, told: Told
) -> dict[str, Any]:
    """What the case itself remembers of a step; who takes part is noted on the way."""
    day = told.on or today(clock)
    match rule.keeps:
        case Keep.CLASS:
            secret = petition.confidential or told.class_ is PetitionClass.ACCUSATION
            if secret and not petition.confidential:  # Or nobody could see it any more.
                await give_petition(db, clock, actor, petition.id)
            return {"class_": told.class_, "way": told.way, "confidential": secret}
        case Keep.HANDLER if told.unit is not None:
            await add_petition_organisation(db, petition.id, told.unit.id, Part.HANDLER)
            return {"handler_id": told.unit.id}
        case Keep.NO_HANDLER:
            parts = PetitionOrganisation.petition_id == petition.id
            await db.execute(
                delete(PetitionOrganisation).where(parts, PetitionOrganisation.part == Part.HANDLER)
            )
            return {"handler_id": None}
        case Keep.REVIEWER if told.reviewer is not None:
            await add_petition_organisation(db, petition.id, told.reviewer.id, Part.REVIEWER)
            return {"reviewer_id": told.reviewer.id}
        case Keep.ACCEPTED_ON:
            return {"accepted_on": day}
        case Keep.CONCLUSION:
            return {"concluded_on": day, "conclusion": told.conclusion}
    return {}
