"""Issuing a supervision order and what follows: load, ask the policy, decide by the table, save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload

from cases.actions import ROLE_ACTIONS
from cases.audit import add_audit
from cases.casefile import PetitionCase, scope_of
from cases.clock import BEIJING, Clock
from cases.database import atomic, insert_if_absent, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.handling.clocks import today
from cases.organisations import Organisation, OrganisationKind, covers
from cases.petitions import add_petition_event, load_petition
from cases.policy import Action, Actor, allowed, require
from cases.supervision.order import (
    ADOPTION_NAMES,
    BY_UNIT,
    MOST_OPEN,
    NUMBER_PREFIX,
    OPEN,
    REASON_NAMES,
    TRANSITIONS,
    Adoption,
    OrderState,
    OrderStep,
    Reason,
    SupervisionCounter,
    SupervisionOrder,
    SupervisionStep,
)
from cases.supervision.reading import read_choice, read_due, read_words

EVENTS: Mapping[OrderStep, str] = {
    OrderStep.REPORT: "supervision.reported",
    OrderStep.SEND_BACK: "supervision.sent_back",
    OrderStep.CLOSE: "supervision.closed",
    OrderStep.WITHDRAW: "supervision.withdrawn",
}
LABELS: Mapping[OrderStep, str] = {
    OrderStep.REPORT: "反馈的内容",
    OrderStep.SEND_BACK: "退回的原因",
    OrderStep.CLOSE: "审核意见",
    OrderStep.WITHDRAW: "撤销的原因",
}


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What is filled in; `due_on` as `2026-07-29`."""

    unit_id: str
    reason: str
    due_on: str
    words: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What is told with a step: `adoption` by the unit, `due_on` when it is sent back."""

    words: str
    adoption: str = ""
    due_on: str = ""


def issuer_of(actor: Actor, petition: PetitionCase, action: Action = Action.SUPERVISE_PETITION) -> str | None:
    """For which petition office, at or above the one that keeps the case, the actor supervises it."""
    if not allowed(actor, action, scope_of(petition)):
        return None
    code = petition.custodian.region_code
    held = [
        post
        for post in actor.posts
        if action in ROLE_ACTIONS[post.role]
        and post.kind is OrganisationKind.PETITION_OFFICE
        and covers(post.region_code, code)
    ]
    nearest = max(held, key=lambda post: len(post.region_code), default=None)
    return nearest.organisation_id if nearest else None


async def list_supervised(db: AsyncSession, petition: PetitionCase, issuer_id: str) -> Sequence[Organisation]:
    """Whom that office can supervise in a case: whoever handles, keeps or reviews it and stands below."""
    issuer = await db.get_one(Organisation, issuer_id)
    found: dict[str, Organisation] = {}
    for each in (petition.handler, petition.custodian, petition.reviewer):
        if each is not None and each.id != issuer.id and covers(issuer.region_code, each.region_code):
            found[each.id] = each
    return list(found.values())


@atomic
async def issue_order(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, command: NewOrder
) -> SupervisionOrder:
    """Issue an order and commit.

    Raises NotFound, Forbidden, Invalid at the field, Conflict `too_many_orders`.
    """
    petition = await load_petition(db, petition_id)
    require(actor, Action.SUPERVISE_PETITION, scope_of(petition))
    issuer_id = issuer_of(actor, petition)
    if issuer_id is None:
        raise Forbidden(message="督办由登记单位或者上级信访部门决定。")
    reason = read_choice(Reason, command.reason, "reason")
    units = {unit.id: unit for unit in await list_supervised(db, petition, issuer_id)}
    if command.unit_id not in units:
        raise Invalid("unit_unknown", "请从列表里选择单位。", "unit_id")
    due_on = read_due(command.due_on, today(clock))
    words = read_words(command.words, "督办要求")
    await _refuse_many(db, petition_id)
    order = SupervisionOrder(
        id=new_id(), number=await _next_number(db, clock), petition_id=petition_id, unit_id=command.unit_id,
        issuer_id=issuer_id, reason=reason, words=words, state=OrderState.ISSUED, due_on=due_on, step_count=0,
        at=clock.now(), by_id=actor.official_id, by=actor.name,
    )  # fmt: skip
    db.add(order)
    await db.flush()
    told = {
        "number": order.number, "unit": units[command.unit_id].name, "reason": REASON_NAMES[reason],
        "words": words, "due_on": due_on.isoformat(),
    }  # fmt: skip
    await _note(db, clock, actor, order, "supervision.ordered", told)
    await db.commit()
    return await load_order(db, order.id)


@atomic
async def take_order_step(
    db: AsyncSession, clock: Clock, actor: Actor, order_id: str, step: str, taken: Taken
) -> SupervisionOrder:
    """Report, send back, close or withdraw; commits.

    Raises NotFound, Forbidden, Invalid at the field, Conflict `bad_order_step` where the table has no such
    move, `order_moved` when somebody was quicker.
    """
    order = await load_order(db, order_id)
    known = OrderStep(step) if step in set(OrderStep) else None
    require(actor, _action(known), scope_of(order.petition))
    if known is None:
        raise TRANSITIONS.conflict()
    state = TRANSITIONS.after(order.state, known)
    if not may_take(actor, order, known):
        raise Forbidden(message="反馈由被督办单位报告，其余由发出督办单的单位决定。")
    row = _row(clock, actor, order, known, state, taken)
    values: dict[str, Any] = {"state": state, "step_count": row.number, "due_on": row.due_on or order.due_on}
    if known is OrderStep.REPORT:
        values |= {"adoption": row.adoption, "reported_on": today(clock)}
    seen = SupervisionOrder.id == order.id, SupervisionOrder.step_count == order.step_count
    move = update(SupervisionOrder).where(*seen).values(**values).returning(SupervisionOrder.id)
    if await db.scalar(move) is None:
        raise Conflict("order_moved", "别人刚刚办理了这张督办单，请刷新页面再看。")
    db.add(row)
    await db.flush()
    told = {"number": order.number, "unit": order.unit.name, "words": row.words}
    if row.adoption:
        told["adoption"] = ADOPTION_NAMES[row.adoption]
    if row.due_on:
        told["due_on"] = row.due_on.isoformat()
    await _note(db, clock, actor, order, EVENTS[known], told)
    await db.commit()
    return await load_order(db, order_id)


def may_take(actor: Actor, order: SupervisionOrder, step: OrderStep) -> bool:
    """Whose step it is: the unit's own people report, the issuing office decides."""
    return acts_for(actor, order, step in BY_UNIT)


def acts_for(actor: Actor, order: SupervisionOrder, unit: bool) -> bool:
    """Whether this official answers for the unit of an order, or else decides for its issuer."""
    action = Action.ANSWER_SUPERVISION if unit else Action.SUPERVISE_PETITION
    if not allowed(actor, action, scope_of(order.petition)):
        return False
    wanted = order.unit_id if unit else order.issuer_id
    return wanted in {post.organisation_id for post in actor.posts if action in ROLE_ACTIONS[post.role]}


def steps_for(actor: Actor, order: SupervisionOrder) -> list[OrderStep]:
    """What this official may do with an order as it stands."""
    possible = (step for step in OrderStep if TRANSITIONS.permits(order.state, step))
    return [step for step in possible if may_take(actor, order, step)]


async def get_order(db: AsyncSession, actor: Actor, order_id: str) -> SupervisionOrder:
    """Return an order of a case that the actor sees. Raises NotFound."""
    order = await load_order(db, order_id)
    require(actor, Action.SEE_PETITION, scope_of(order.petition))
    return order


async def load_order(db: AsyncSession, order_id: str) -> SupervisionOrder:
    """Return the order without asking the policy; the caller asks on its next line. Raises NotFound."""
    query = select(SupervisionOrder).where(SupervisionOrder.id == order_id)
    order = await db.scalar(query.execution_options(populate_existing=True))
    if order is None:
        raise NotFound("order_not_found", "没有找到这张督办单。")
    return order


async def list_order_steps(db: AsyncSession, order_id: str) -> Sequence[SupervisionStep]:
    """The moves of an order, oldest first. The caller has asked the policy."""
    query = select(SupervisionStep).where(SupervisionStep.order_id == order_id)
    return (await db.scalars(query.order_by(SupervisionStep.number))).all()


async def list_orders_of(db: AsyncSession, petition_id: str) -> Sequence[SupervisionOrder]:
    """The orders of a case, newest first. The caller has asked the policy."""
    query = select(SupervisionOrder).where(SupervisionOrder.petition_id == petition_id)
    query = query.options(lazyload(SupervisionOrder.petition))  # Who asked the policy has it.
    return (
        await db.scalars(query.order_by(SupervisionOrder.at.desc(), SupervisionOrder.number.desc()))
    ).all()


def _action(step: OrderStep | None) -> Action:
    if step is None:
        return Action.SEE_PETITION
    return Action.ANSWER_SUPERVISION if step in BY_UNIT else Action.SUPERVISE_PETITION


def _row(
    clock: Clock, actor: Actor, order: SupervisionOrder, step: OrderStep, state: OrderState, taken: Taken
) -> SupervisionStep:
    adoption = read_choice(Adoption, taken.adoption, "adoption") if step is OrderStep.REPORT else None
    due_on = read_due(taken.due_on, today(clock)) if step is OrderStep.SEND_BACK else None
    return SupervisionStep(
        id=new_id(), order_id=order.id, number=order.step_count + 1, state=state, adoption=adoption,
        due_on=due_on, words=read_words(taken.words, LABELS[step]), at=clock.now(),
        by_id=actor.official_id, by=actor.name,
    )  # fmt: skip


async def _refuse_many(db: AsyncSession, petition_id: str) -> None:
    open_ = SupervisionOrder.petition_id == petition_id, SupervisionOrder.state.in_(OPEN)
    if (await db.scalar(select(func.count()).select_from(SupervisionOrder).where(*open_)) or 0) >= MOST_OPEN:
        raise Conflict("too_many_orders", f"一个信访件最多同时有 {MOST_OPEN} 张没有办结的督办单。")


async def _note(
    db: AsyncSession, clock: Clock, actor: Actor, order: SupervisionOrder, kind: str, told: dict[str, Any]
) -> None:
    await add_petition_event(db, clock, actor, order.petition_id, kind, told)
    await add_audit(db, clock, actor, kind, "petition", order.petition_id, detail={"order": order.number})


async def _next_number(db: AsyncSession, clock: Clock) -> str:
    year = clock.now().astimezone(BEIJING).year
    await insert_if_absent(db, SupervisionCounter, year=year, last=0)
    advance = update(SupervisionCounter).where(SupervisionCounter.year == year)
    advance = advance.values(last=SupervisionCounter.last + 1)
    return f"{NUMBER_PREFIX}{year}-{await db.scalar(advance.returning(SupervisionCounter.last)):06d}"
