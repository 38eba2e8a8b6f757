"""Who is told that a duty comes near or is late: found from the clocks, once for each reminder and last day.

A reminder of the profile says how many days before or after, and to whom. A notice stands on the board of
those people until its duty is done; that somebody read it is noted beside it. When the last day moves, by
an extension or a hearing, the reminders of the new day are told anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Date, Exists, ForeignKey, Index, String, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from cases.append_only import append_only
from cases.casefile import PetitionCase, scope_of
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, insert_if_absent, new_id
from cases.deadlines.in_force import profiles
from cases.deadlines.profile import Profile
from cases.deadlines.reminders import Audience, Reminder
from cases.errors import NotFound
from cases.handling.clocks import RIGHTS, PetitionClock, profile_of, today
from cases.organisations import Organisation, OrganisationKind
from cases.petitions import add_petition_event
from cases.policy import SYSTEM, Action, Actor, require
from cases.roles import Role
from cases.supervision.order import WAITING, SupervisionOrder
from cases.visibility import visible_petitions
from cases.vocabulary import names

AUDIENCE_NAMES = names("audience", Audience)
AUDIENCES = {
    Audience.HANDLER: frozenset({Role.HANDLER, Role.RECEPTIONIST, Role.STATION_CLERK, Role.REVIEWER}),
    Audience.UNIT_HEAD: frozenset({Role.UNIT_HEAD, Role.LEADER}),
    Audience.SUPERVISOR: frozenset({Role.INSPECTOR, Role.JOINT_CONF_OFFICE, Role.LEADER}),
    Audience.SUPERIOR: frozenset({Role.INSPECTOR, Role.JOINT_CONF_OFFICE, Role.LEADER}),
}
AT_ONCE = 20  # Of one reminder in one round: SQLite lets nobody else write meanwhile.


@append_only
class DutyNotice(Base):
    """One notice: of a clock or of an order, to people of one organisation, about one last day."""

    __tablename__ = "duty_notices"
    __table_args__ = (
        Index("uq_duty_notices_clock", "clock_id", "reminder", "due_on", unique=True),
        Index("uq_duty_notices_order", "order_id", "reminder", "due_on", unique=True),
        Index("ix_duty_notices_reader", "organisation_id", "audience"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)
    clock_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("petition_clocks.id"))
    order_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("supervision_orders.id"))
    reminder: Mapped[str] = mapped_column(String(32))
    audience: Mapped[Audience]
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    due_on: Mapped[date] = mapped_column(Date)
    at: Mapped[datetime]
    petition: Mapped[PetitionCase] = relationship(lazy="joined")
    clock: Mapped[PetitionClock | None] = relationship(lazy="joined")
    order: Mapped[SupervisionOrder | None] = relationship(lazy="joined")
    organisation: Mapped[Organisation] = relationship(lazy="joined")


@append_only
class NoticeReceipt(Base):
    """That one official read a notice."""

    __tablename__ = "duty_notice_receipts"

    notice_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("duty_notices.id"), primary_key=True)
    official_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"), primary_key=True)
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Told:
    """A notice with whether this official has read it."""

    notice: DutyNotice
    read: bool


async def tell_reminders(db: AsyncSession, clock: Clock) -> int:
    """Tell every reminder that has been reached and not told; commits. Returns how many notices arose.

    Several processes may do so at once: each notice arises once.
    """
    now, told = today(clock), 0
    for profile in profiles().values():
        for reminder in profile.reminders:
            for row, petition in await _reached_clocks(db, profile, reminder, now):
                assert row.rolled_on is not None
                unit_id = row.organisation_id or petition.custodian_id
                to = await _addressee(db, reminder.to, unit_id, petition.custodian)
                told += await _tell(db, clock, petition, reminder, to, row.rolled_on, clock_row=row)
            for order in await _reached_orders(db, reminder, now):
                if profile_of(order.petition).code == profile.code:
                    to = await _addressee(db, reminder.to, order.unit_id, order.issuer)
                    told += await _tell(db, clock, order.petition, reminder, to, order.due_on, order=order)
    await db.commit()
    return told


async def list_notices(
    db: AsyncSession, actor: Actor, everybody: bool = False, limit: int = 50, offset: int = 0
) -> list[Told]:
    """Notices whose duty is still open, the earliest last day first: mine, or everybody's that I may see."""
    require(actor, Action.SEE_PETITION)
    read = _read_by(actor)
    query = select(DutyNotice, read).join(PetitionCase, DutyNotice.petition_id == PetitionCase.id)
    # A line of the list names the case and the order, and nobody who has to do with them.
    bare = (DutyNotice.petition, DutyNotice.order)
    query = query.options(*(joinedload(each).raiseload("*") for each in bare))
    query = query.where(visible_petitions(actor), _still_open())
    if not everybody:
        query = query.where(_addressed_to(actor))
    query = query.order_by(read, DutyNotice.due_on, DutyNotice.at, DutyNotice.id).limit(limit).offset(offset)
    return [Told(notice, bool(seen)) for notice, seen in (await db.execute(query)).unique()]


async def count_unread(db: AsyncSession, actor: Actor, most: int = 50) -> int:
    """How many of mine nobody has told that I read, up to `most`."""
    require(actor, Action.SEE_PETITION)
    query = select(DutyNotice.id).join(PetitionCase, DutyNotice.petition_id == PetitionCase.id)
    query = query.where(visible_petitions(actor), _still_open(), _addressed_to(actor), ~_read_by(actor))
    return await db.scalar(select(func.count()).select_from(query.limit(most).subquery())) or 0


@atomic
async def read_notice(db: AsyncSession, clock: Clock, actor: Actor, notice_id: str) -> None:
    """Note that the actor read it, and commit; twice is the same as once. Raises NotFound."""
    query = select(DutyNotice).where(DutyNotice.id == notice_id, _addressed_to(actor))
    notice = await db.scalar(query)
    if notice is None:
        raise NotFound("notice_not_found", "没有找到这条提醒。")
    require(actor, Action.SEE_PETITION, scope_of(notice.petition))
    if actor.official_id:
        await insert_if_absent(
            db, NoticeReceipt, notice_id=notice_id, official_id=actor.official_id, at=clock.now()
        )
    await db.commit()


async def office_above(db: AsyncSession, organisation: Organisation) -> Organisation | None:
    """The petition office of the next region above; of a department, that of its own region."""
    own = organisation.kind is not OrganisationKind.PETITION_OFFICE
    code = organisation.region_code
    codes = [code[:length] for length in (2, 4, 6) if length < len(code) + own]
    query = select(Organisation).where(
        Organisation.kind == OrganisationKind.PETITION_OFFICE, Organisation.region_code.in_(codes)
    )
    return (await db.scalars(query.order_by(Organisation.region_code.desc()).limit(1))).first()


async def _addressee(
    db: AsyncSession, audience: Audience, unit_id: str, supervisor: Organisation
) -> Organisation:
    """Whoever supervises is not the one who is late; above the province there is nobody else to tell."""
    unit = await db.get_one(Organisation, unit_id)
    if audience in (Audience.HANDLER, Audience.UNIT_HEAD):
        return unit
    if supervisor.id == unit.id or supervisor.kind is not OrganisationKind.PETITION_OFFICE:
        supervisor = await office_above(db, supervisor) or supervisor
    if audience is Audience.SUPERIOR:
        return await office_above(db, supervisor) or supervisor
    return supervisor


async def _reached_clocks(
    db: AsyncSession, profile: Profile, reminder: Reminder, now: date
) -> Sequence[tuple[PetitionClock, PetitionCase]]:
    """People are warned by the raw date; only the rolled one makes late."""
    told = exists().where(
        DutyNotice.clock_id == PetitionClock.id,
        DutyNotice.reminder == reminder.code,
        DutyNotice.due_on == PetitionClock.rolled_on,
    )
    last = PetitionClock.raw_on if reminder.warns else PetitionClock.rolled_on
    query = select(PetitionClock, PetitionCase).join(PetitionCase)
    query = query.where(
        PetitionClock.met_on.is_(None),
        PetitionClock.rolled_on.is_not(None),
        PetitionClock.duty.not_in(RIGHTS),
        PetitionClock.profile == profile.code,
        last <= reminder.horizon(now),
        ~told,
    )
    rows = (await db.execute(query.order_by(PetitionClock.rolled_on).limit(AT_ONCE))).unique()
    return [(row, petition) for row, petition in rows]


async def _reached_orders(db: AsyncSession, reminder: Reminder, now: date) -> Sequence[SupervisionOrder]:
    told = exists().where(
        DutyNotice.order_id == SupervisionOrder.id,
        DutyNotice.reminder == reminder.code,
        DutyNotice.due_on == SupervisionOrder.due_on,
    )
    query = select(SupervisionOrder).where(
        SupervisionOrder.state.in_(WAITING), SupervisionOrder.due_on <= reminder.horizon(now), ~told
    )
    return (await db.scalars(query.order_by(SupervisionOrder.due_on).limit(AT_ONCE))).unique().all()


async def _tell(
    db: AsyncSession,
    clock: Clock,
    petition: PetitionCase,
    reminder: Reminder,
    to: Organisation,
    due_on: date,
    clock_row: PetitionClock | None = None,
    order: SupervisionOrder | None = None,
) -> int:
    notice_id = new_id()
    await insert_if_absent(
        db, DutyNotice, id=notice_id, petition_id=petition.id, clock_id=clock_row and clock_row.id,
        order_id=order and order.id, reminder=reminder.code, audience=reminder.to, organisation_id=to.id,
        due_on=due_on, at=clock.now(),
    )  # fmt: skip
    if await db.scalar(select(DutyNotice.id).where(DutyNotice.id == notice_id)) is None:
        return 0
    told = {
        "duty": clock_row.counted().duty.title if clock_row else f"督办单 {order.number}" if order else "",
        "to": to.name, "audience": AUDIENCE_NAMES[reminder.to], "due_on": due_on.isoformat(),
    }  # fmt: skip
    kind = "duty.warned" if reminder.warns else "duty.escalated"
    await add_petition_event(db, clock, SYSTEM, petition.id, kind, told)
    return 1


def _read_by(actor: Actor) -> Exists:
    own = NoticeReceipt.official_id == (actor.official_id or "")
    return exists().where(NoticeReceipt.notice_id == DutyNotice.id, own)


def _addressed_to(actor: Actor) -> ColumnElement[bool]:
    mine = [
        and_(DutyNotice.organisation_id == post.organisation_id, DutyNotice.audience == audience)
        for post in actor.posts
        for audience, roles in AUDIENCES.items()
        if post.role in roles
    ]
    return or_(*mine) if mine else DutyNotice.id.is_(None)


def _still_open() -> ColumnElement[bool]:
    clocks = exists().where(
        PetitionClock.id == DutyNotice.clock_id,
        PetitionClock.met_on.is_(None),
        PetitionClock.rolled_on == DutyNotice.due_on,
    )
    orders = exists().where(
        SupervisionOrder.id == DutyNotice.order_id,
        SupervisionOrder.state.in_(WAITING),
        SupervisionOrder.due_on == DutyNotice.due_on,
    )
    return or_(clocks, orders)
