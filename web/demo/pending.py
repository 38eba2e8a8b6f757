"""What waits for somebody on the demo day: a mediation by video, an order, a rule, another time."""

from __future__ import annotations

import contextlib
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.deadline_proposals import propose_rules
from cases.administration.deadline_rules import TypedDuty, TypedRules
from cases.administration.rule_proposal import RuleProposal
from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.documents.kind import DocumentKind
from cases.errors import Conflict
from cases.handling.clocks import today
from cases.mediation.matter import SITTING, Mediation
from cases.people import Official
from cases.policy import Actor
from cases.signin import actor_for
from cases.supervision.order import Reason, SupervisionOrder
from cases.supervision.ordering import NewOrder, issue_order
from cases.supervision.paper import issue_order_paper, sign_for_order_paper
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.booking.proposing_slots import ProposeSlot, propose_slot
from scheduling.booking.slots import list_free_slots
from scheduling.session import OVER, Session
from scheduling.sessions.mediation_video import ArrangeVideo, arrange_video
from web.demo.people import HANDLER, HOST, LEADERS, OTHERS
from web.letters.pdf import drawing

MEDIATED = "楼道堆放杂物"
BOOKED = "小区健身器材损坏"
SOON, SITTING_LONG = timedelta(minutes=20), timedelta(hours=1)
AHEAD = timedelta(days=8)
DAYS_TO_ANSWER = 5
SYSADMIN = "guanliyuan"
LAW = "《兰州市信访工作办法》（演示）"
# The city forwards within ten days instead of fifteen, from so many days on.
FORWARDED = {"forward_notice": TypedDuty("10", "calendar", "0", "第八条")}
RULES_AHEAD = 30


async def seed_pending(db: AsyncSession, clock: Clock) -> Session | None:
    """Once, after `seed_day`; only the mediation is arranged anew when its sitting is over.

    Returns that sitting, or None where the parties no longer want it.
    """
    names = HOST.username, HANDLER.username, SYSADMIN, *(leader.username for leader in LEADERS)
    found = (await db.scalars(select(Official).where(Official.username.in_(names)))).unique()
    officials = {each.username: each for each in found}
    host = actor_for(officials[HOST.username])
    await _order(db, clock, actor_for(officials[LEADERS[1].username]), officials[HANDLER.username])
    if await db.scalar(select(RuleProposal.id).limit(1)) is None:
        day = today(clock) + timedelta(days=RULES_AHEAD)
        typed = TypedRules("6201", day.isoformat(), LAW, True, FORWARDED)
        administrator = actor_for(officials[SYSADMIN])
        await propose_rules(db, clock, administrator, typed, "市里的新办法，转送要再快一些。")
    await _other_time(db, clock, host)
    return await _mediation(db, clock, host)


async def _order(db: AsyncSession, clock: Clock, leader: Actor, handler: Official) -> None:
    """The city asks the unit why a matter stands still, on paper; its answer is due within the week."""
    if await db.scalar(select(SupervisionOrder.id).limit(1)) is not None:
        return
    same = select(PetitionCase).where(PetitionCase.subject == OTHERS[0].subject)
    petition = (await db.scalars(same.order_by(PetitionCase.registered_at).limit(1))).unique().one()
    due_on = (today(clock) + timedelta(days=DAYS_TO_ANSWER)).isoformat()
    words = "供暖关系群众冷暖，请说明两周没有解决的原因，写明恢复供暖的具体时间。"
    command = NewOrder(handler.posts[0].organisation_id, Reason.NOT_EXECUTED, due_on, words)
    order = await issue_order(db, clock, leader, petition.id, command)
    paper = DocumentKind.SUPERVISION_ORDER
    issued = await issue_order_paper(db, clock, leader, order.id, paper, drawing(clock.now))
    await sign_for_order_paper(db, clock, actor_for(handler), order.id, issued.id)


async def _other_time(db: AsyncSession, clock: Clock, host: Actor) -> None:
    """Somebody has booked on the public page, and the office cannot come at that time."""
    if await db.scalar(select(PetitionCase.id).where(PetitionCase.subject == BOOKED).limit(1)) is not None:
        return
    office, now = host.posts[0].organisation_id, clock.now()
    free = await list_free_slots(db, clock, office, now, now + AHEAD, True)
    if len(free) < 2:
        return
    command = BookPublicly(free[0].id, "康秀梅", "13893100009", BOOKED, "单杠松动，孩子玩的时候很危险。")
    booked = await book_publicly(db, clock, command, "127.0.0.1")
    proposed = ProposeSlot(booked.booking.id, office, free[-1].id, "这个时间接访室检修设备，请您换一个时间。")
    await propose_slot(db, clock, host, proposed)


async def _mediation(db: AsyncSession, clock: Clock, host: Actor) -> Session | None:
    same = select(Mediation).where(Mediation.subject == MEDIATED, Mediation.petition_id.is_(None))
    mediation = (await db.scalars(same.order_by(Mediation.at).limit(1))).unique().first()
    if mediation is None or mediation.state not in SITTING:
        return None
    ahead = select(Session).where(
        Session.mediation_id == mediation.id,
        Session.state.not_in(sorted(OVER)),
        Session.ends_at > clock.now() + SOON,
    )
    arranged = (await db.scalars(ahead.order_by(Session.starts_at).limit(1))).unique().first()
    if arranged is not None:
        return arranged
    starts_at = clock.now() + SOON
    with contextlib.suppress(Conflict):  # Whoever tried it chose a mediator who is partial.
        return await arrange_video(
            db, clock, host, ArrangeVideo(mediation.id, starts_at, starts_at + SITTING_LONG)
        )
    return None
