"""What stands in an official's calendar: sessions and reception days, and those that were called off.

A calendar lies on telephones and with companies that are not ours, so an entry names place, time and the
number of the case, and never who petitions or what about.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.policy import Action, Actor, require
from cases.roles import Role
from scheduling.booking.booking import HOLDING, PENDING, Booking
from scheduling.booking.engagement import Engagement, Resource, ResourceKind
from scheduling.booking.slot import ReceptionRoom
from scheduling.booking.slot_proposal import SlotProposal
from scheduling.calendars.icalendar import CalendarEvent
from scheduling.invitation import Invitation
from scheduling.proposals import ProposalState
from scheduling.reach import visible_sessions
from scheduling.rota.reception_day import MODE_NAMES, DayState, ReceptionDay, asked_to_attend
from scheduling.session import Session, SessionKind, SessionState
from scheduling.session_events import SessionEvent

PAST = timedelta(days=90)  # So long what is over or called off still stands there.
MOST = 2000
OFF = frozenset({SessionState.CANCELLED, SessionState.RESCHEDULED, SessionState.REJECTED})
OFF |= {SessionState.REDIRECTED}
REMIND_SESSION = (timedelta(minutes=30),)
# The county practice: leaders are told five days before, and get the list the day before (domain.md 1.6).
HEADS = frozenset({Role.UNIT_HEAD, Role.LEADER})  # Who comes for a unit that must attend.
REMIND_DAY = (timedelta(days=5), timedelta(days=1))


async def calendar_of(
    db: AsyncSession, clock: Clock, actor: Actor, origin: str = ""
) -> Sequence[CalendarEvent]:
    """Entries of the last 90 days and the future: sessions the official is invited to, and reception days.

    `origin`: where the pages are, for links. Raises Forbidden for who sees no board.
    """
    require(actor, Action.SEE_BOARD)
    since = clock.now() - PAST
    return [*await _sessions(db, actor, since, origin), *await _days(db, actor, since, origin)]


async def entry_of(db: AsyncSession, session: Session, origin: str = "") -> CalendarEvent:
    """The entry of one session. The caller has asked the policy."""
    return (await _entries(db, [session], origin))[0]


async def entry_of_booking(db: AsyncSession, booking: Booking, origin: str = "") -> CalendarEvent:
    """The entry of a booking, for who asked for it: tentative until its sitting is arranged.

    The caller has made sure who asks. Each time that was agreed upon instead is one revision more.
    """
    query = select(func.count(), func.max(SlotProposal.answered_at)).where(
        SlotProposal.booking_id == booking.id, SlotProposal.state == ProposalState.ACCEPTED
    )
    revision, moved_at = (await db.execute(query)).one()
    slot = booking.slot
    return CalendarEvent(
        uid=f"booking-{booking.id}@lianxin", revision=revision, changed_at=moved_at or booking.created_at,
        starts_at=slot.starts_at, ends_at=slot.ends_at, summary=f"视频接访 {booking.petition.number}",
        location=f"{slot.room.organisation.short_name}{slot.room.name}", description="预约，等单位排定",
        url=f"{origin}/bookings/{booking.id}" if origin else "",
        cancelled=booking.state not in HOLDING, tentative=booking.state in PENDING, alarms=REMIND_SESSION,
    )  # fmt: skip


async def _sessions(db: AsyncSession, actor: Actor, since: datetime, origin: str) -> list[CalendarEvent]:
    own = select(Invitation.session_id).where(
        Invitation.official_id == actor.official_id, Invitation.revoked_at.is_(None)
    )
    query = select(Session).outerjoin(PetitionCase, PetitionCase.id == Session.petition_id)
    query = query.where(Session.id.in_(own), Session.ends_at >= since, visible_sessions(actor))
    found = (await db.scalars(query.order_by(Session.starts_at, Session.id).limit(MOST))).all()
    return await _entries(db, found, origin)


async def _entries(db: AsyncSession, sessions: Sequence[Session], origin: str) -> list[CalendarEvent]:
    ids = [session.id for session in sessions]
    changed = await _changed_at(db, ids)
    rooms = await _rooms(db, ids)
    return [
        CalendarEvent(
            uid=f"session-{session.id}@lianxin", revision=session.revision,
            changed_at=changed.get(session.id, session.created_at), starts_at=session.starts_at,
            ends_at=session.ends_at, summary=f"{_kind(session)} {session.number}",
            location="、".join(rooms.get(session.id, ())) or session.host.name,
            description="\n".join([f"主持：{session.host.name}", *_joint(session)]),
            url=f"{origin}/sessions/{session.id}" if origin else "",
            cancelled=session.state in OFF, alarms=REMIND_SESSION,
        )
        for session in sessions
    ]  # fmt: skip


def _kind(session: Session) -> str:
    return "视频调解" if session.kind is SessionKind.MEDIATION else "视频接访"


def _joint(session: Session) -> list[str]:
    names = [
        each.organisation.name
        for each in session.organisations
        if each.organisation_id != session.host_organisation_id
    ]
    words = "一起参加" if session.kind is SessionKind.MEDIATION else "联合接访"
    return [f"{words}：{'、'.join(names)}"] if names else []


async def _changed_at(db: AsyncSession, session_ids: Sequence[str]) -> dict[str, datetime]:
    query = select(SessionEvent.session_id, func.max(SessionEvent.at)).where(
        SessionEvent.session_id.in_(session_ids),
        SessionEvent.kind.in_(("session.created", "session.moved", "session.cancelled")),
    )
    rows = await db.execute(query.group_by(SessionEvent.session_id))
    return {session_id: at for session_id, at in rows if at is not None}


async def _rooms(db: AsyncSession, session_ids: Sequence[str]) -> dict[str, list[str]]:
    query = (
        select(Engagement.session_id, ReceptionRoom)
        .join(Resource, Resource.id == Engagement.resource_id)
        .join(ReceptionRoom, ReceptionRoom.id == Resource.id)
        .where(Engagement.session_id.in_(session_ids), Engagement.released_at.is_(None))
        .where(Resource.kind == ResourceKind.ROOM)
        .order_by(ReceptionRoom.name)
    )
    found: dict[str, list[str]] = {}
    for session_id, room in await db.execute(query):
        found.setdefault(session_id, []).append(f"{room.organisation.short_name}{room.name}")
    return found


async def _days(db: AsyncSession, actor: Actor, since: datetime, origin: str) -> list[CalendarEvent]:
    mine = or_(ReceptionDay.leader_id == actor.official_id, ReceptionDay.substitute_id == actor.official_id)
    headed = {post.organisation_id for post in actor.posts if post.role in HEADS}
    query = select(ReceptionDay).where(or_(mine, asked_to_attend(headed)), ReceptionDay.ends_at >= since)
    days = (await db.scalars(query.order_by(ReceptionDay.starts_at, ReceptionDay.id).limit(MOST))).all()
    return [_day(day, actor, origin) for day in days]


def _day(day: ReceptionDay, actor: Actor, origin: str) -> CalendarEvent:
    part = {day.leader_id: "：替补", day.substitute_id: "：替补", day.receives.id: ""}
    lines = [f"接访领导：{day.receives.name}"]
    why = "取消原因" if day.state is DayState.CANCELLED else "改期原因"
    lines += [f"{why}：{day.reason}"] if day.reason else []
    return CalendarEvent(
        uid=f"reception-day-{day.id}@lianxin", revision=day.revision, changed_at=day.changed_at,
        starts_at=day.starts_at, ends_at=day.ends_at,
        summary=f"领导接访日（{MODE_NAMES[day.rule.mode]}）" + part.get(actor.official_id, "：须到场"),
        location=f"{day.organisation.name}{day.room.name}", description="\n".join(lines),
        url=f"{origin}/rota/{day.id}" if origin else "",
        cancelled=day.state is DayState.CANCELLED, alarms=REMIND_DAY,
    )  # fmt: skip
