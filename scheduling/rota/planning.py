"""Planning the rota: rules become reception days, days become slots, leaders are stood in for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import BEIJING, Clock, chinese_date
from cases.database import atomic, insert_if_absent, new_id
from cases.deadlines.in_force import calendar_of
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_text
from cases.handling.clocks import today
from cases.organisations import Organisation, covers, get_organisation
from cases.people import Official, get_official
from cases.policy import Action, Actor, require
from cases.roles import Role
from scheduling.booking.booking import HOLDING, Booking
from scheduling.booking.engagements import ResourceKind, refuse_engaged_on_day, take_turn
from scheduling.booking.slot import ReceptionRoom, Slot
from scheduling.booking.slots import MINUTES, OpenSlots, add_slots, drop_slots, scope_of_organisation
from scheduling.rota.reception_day import (
    DAY_STATE_NAMES,
    TRANSITIONS,
    DayState,
    ReceptionDay,
    ReceptionMode,
    RotaRule,
    asked_to_attend,
    received_by,
)
from scheduling.rota.recurrence import Recurrence
from scheduling.transitions import require_transition

# Queues notices to the units of a day, by template and reason (scheduling/notices/attendance.py).
Tell = Callable[[ReceptionDay, str, str], Awaitable[object]]
AHEAD = timedelta(days=92)  # Days are planned for a quarter: a city's leader receives once in it.
MAX_DAYS = 80
LONGEST = timedelta(hours=11)
MAX_REQUIRED = 16
MAX_YEARS = 3


@dataclass(frozen=True, slots=True)
class AddRule:
    """Command: a leader's standing reception day, civil times of Beijing."""

    organisation_id: str
    leader_id: str
    room_id: str
    mode: ReceptionMode
    recurrence: Recurrence
    begins: time
    ends: time
    first_on: date
    last_on: date | None = None
    substitute_id: str | None = None
    minutes: int = 30
    required_ids: tuple[str, ...] = ()
    duties: str = ""


@atomic
async def add_rule(db: AsyncSession, clock: Clock, actor: Actor, command: AddRule) -> RotaRule:
    """Enter the rule, plan its days for a quarter ahead, and commit.

    Raises Invalid at the field, NotFound, Conflict `leader_engaged` or `room_engaged` at `begins`.
    """
    organisation = await get_organisation(db, command.organisation_id)
    require(actor, Action.MANAGE_SLOTS, scope_of_organisation(organisation))
    _check_times(clock, command)
    command.recurrence.check()
    await _check_people(db, command, organisation)
    rule = RotaRule(
        id=new_id(), organisation_id=organisation.id, leader_id=command.leader_id,
        substitute_id=command.substitute_id, room_id=command.room_id, mode=command.mode,
        pattern=command.recurrence.pattern, month_day=command.recurrence.month_day,
        weekday=command.recurrence.weekday, weeks=",".join(str(w) for w in command.recurrence.weeks),
        begins=command.begins, ends=command.ends, minutes=command.minutes, first_on=command.first_on,
        last_on=command.last_on, required={"organisations": list(command.required_ids)},
        duties=clean_text(command.duties, "duties", "职务和分工", 100),
        created_at=clock.now(),
    )  # fmt: skip
    db.add(rule)
    await db.flush()
    if not await _plan(db, clock, rule):
        raise Invalid("no_days", "按这个规则，三个月内没有可以接访的日子，请核对日期。", "first_on")
    await add_audit(db, clock, actor, "rota.added", "rota_rule", rule.id)
    await db.commit()
    await db.refresh(rule)
    return rule


async def plan_days(db: AsyncSession, clock: Clock) -> int:
    """Plan what every live rule names a quarter ahead and commit; returns how many days are new.

    A day on which the leader or the room is taken already is left out; the office sees the gap in the rota.
    """
    rules = (await db.scalars(select(RotaRule).where(RotaRule.ended_at.is_(None)))).all()
    made = 0
    for rule in rules:
        made += await _plan(db, clock, rule, skip=True)
    await db.commit()
    return made


@atomic
async def end_rule(db: AsyncSession, clock: Clock, actor: Actor, rule_id: str) -> RotaRule:
    """Plan no more days by this rule and commit; days that are published stay. Twice is once."""
    rule = await db.get(RotaRule, rule_id)
    if rule is None:
        raise NotFound("rule_not_found", "没有找到这条接访日安排。")
    require(actor, Action.MANAGE_SLOTS, scope_of_organisation(rule.organisation))
    if rule.ended_at is None:
        rule.ended_at = clock.now()
        for day in await _days_of(db, rule.id):
            if day.state is DayState.PLANNED and day.starts_at > clock.now():
                _change(clock, day, DayState.CANCELLED)
        await add_audit(db, clock, actor, "rota.ended", "rota_rule", rule.id)
        await db.commit()
    return rule


@atomic
async def publish_day(
    db: AsyncSession, clock: Clock, actor: Actor, day_id: str, tell: Tell | None = None
) -> Sequence[Slot]:
    """Open the day's slots to the public and commit; `tell` queues the notices to units that must attend.

    Raises Conflict `bad_transition`, `slots_overlap`.
    """
    day = await owned_day(db, actor, day_id)
    _move(clock, day, DayState.PUBLISHED)
    slots = await cut_slots(db, clock, day)
    await add_audit(db, clock, actor, "reception_day.published", "reception_day", day.id)
    if tell is not None:
        await tell(day, "attendance_asked", "")
    await db.commit()
    return slots


@atomic
async def cancel_day(
    db: AsyncSession, clock: Clock, actor: Actor, day_id: str, reason: str, tell: Tell | None = None
) -> ReceptionDay:
    """Call the day off and commit; its free slots are gone. Of a day that was published units are told.

    Raises Invalid at `reason`, Conflict `booked`.
    """
    day = await owned_day(db, actor, day_id)
    words = clean_text(reason, "reason", "原因", 200)
    if not words:
        raise Invalid("required", "请写明取消的原因。", "reason")
    known = day.state is DayState.PUBLISHED
    _move(clock, day, DayState.CANCELLED)
    day.reason = words
    slots = await slots_of(db, day)
    await _refuse_booked(db, slots)
    await drop_slots(db, slots)
    await add_audit(db, clock, actor, "reception_day.cancelled", "reception_day", day.id)
    if tell is not None and known:
        await tell(day, "attendance_cancelled", words)
    await db.commit()
    return day


@atomic
async def stand_in(
    db: AsyncSession, clock: Clock, actor: Actor, day_id: str, substitute_id: str, tell: Tell | None = None
) -> ReceptionDay:
    """Let a substitute receive that day (the leader's own id: the leader again) and commit.

    Raises Invalid at `substitute`, Conflict `leader_engaged`, `day_over`, `engaged` at `substitute`.
    """
    day = await owned_day(db, actor, day_id)
    if day.ends_at <= clock.now() or day.state is DayState.CANCELLED:
        raise Conflict("day_over", "这个接访日已经结束或取消，不能再换人。", "substitute")
    own = substitute_id == day.leader_id
    who = day.leader if own else await _official_of(db, substitute_id, day.organisation, "substitute")
    await take_turn(db, {who.id: ResourceKind.PERSON})
    await refuse_double_day(db, day, [who.id], None)
    await refuse_engaged_on_day(db, day, who.id)
    if not own:
        day.substitute_id, day.substitute = who.id, who
    day.stands_in = not own
    touch(clock, day)
    data = {"substitute_id": substitute_id}
    await add_audit(db, clock, actor, "reception_day.substituted", "reception_day", day.id, detail=data)
    if tell is not None and day.state is DayState.PUBLISHED:
        await tell(day, "attendance_changed", "")
    await db.commit()
    return day


async def get_day(db: AsyncSession, actor: Actor, day_id: str) -> ReceptionDay:
    """Return the day; every office's rota is public anyway (Art. 18). Raises NotFound."""
    require(actor, Action.SEE_BOARD)
    day = await db.get(ReceptionDay, day_id)
    if day is None:
        raise NotFound("day_not_found", "没有找到这个接访日。")
    return day


async def list_days(
    db: AsyncSession, actor: Actor, first: datetime, before: datetime, organisation_ids: Sequence[str] = ()
) -> Sequence[ReceptionDay]:
    """Days of these organisations and those they must attend (none given: all), by time; aware."""
    require(actor, Action.SEE_BOARD)
    query = select(ReceptionDay).where(ReceptionDay.starts_at >= first, ReceptionDay.starts_at < before)
    if organisation_ids:
        own = ReceptionDay.organisation_id.in_(organisation_ids)
        query = query.where(or_(own, asked_to_attend(organisation_ids)))
    return (await db.scalars(query.order_by(ReceptionDay.starts_at, ReceptionDay.id).limit(500))).all()


async def list_rules(db: AsyncSession, actor: Actor, organisation_ids: Sequence[str]) -> Sequence[RotaRule]:
    """Live rules of these organisations, oldest first."""
    require(actor, Action.SEE_BOARD)
    query = select(RotaRule).where(
        RotaRule.organisation_id.in_(organisation_ids), RotaRule.ended_at.is_(None)
    )
    return (await db.scalars(query.order_by(RotaRule.created_at, RotaRule.id))).all()


async def may_plan(db: AsyncSession, organisation_id: str) -> Sequence[Official]:
    """The leaders and receptionists of an organisation, by name: who can stand on its rota."""
    query = select(Official).where(
        Official.disabled_at.is_(None),
        Official.posts.any(organisation_id=organisation_id, ended_at=None, role=Role.LEADER)
        | Official.posts.any(organisation_id=organisation_id, ended_at=None, role=Role.RECEPTIONIST),
    )
    return (await db.scalars(query.order_by(Official.name, Official.id))).all()


async def _plan(db: AsyncSession, clock: Clock, rule: RotaRule, skip: bool = False) -> int:
    first = max(rule.first_on, today(clock))
    last = min(rule.last_on or date.max, today(clock) + AHEAD)
    known = {day.named_on for day in await _days_of(db, rule.id)}
    taken = {rule.leader_id: ResourceKind.PERSON, rule.room_id: ResourceKind.ROOM}
    await take_turn(db, taken)
    made, calendar = 0, calendar_of(rule.organisation.region_code)
    for named, falls in rule.recurrence.days(calendar, first, last):
        begin = datetime.combine(falls, rule.begins, BEIJING)
        if named in known or made >= MAX_DAYS or begin <= clock.now():
            continue
        day = {
            "id": new_id(), "rule_id": rule.id, "organisation_id": rule.organisation_id,
            "leader_id": rule.leader_id, "substitute_id": rule.substitute_id, "stands_in": False,
            "room_id": rule.room_id, "named_on": named, "starts_at": begin,
            "ends_at": datetime.combine(falls, rule.ends, BEIJING), "state": DayState.PLANNED,
            "reason": "", "revision": 0, "changed_at": clock.now(),
        }  # fmt: skip
        try:
            await refuse_double_day(db, ReceptionDay(**day), [rule.leader_id], rule.room_id)
        except Conflict:
            if skip:
                continue
            raise
        await insert_if_absent(db, ReceptionDay, **day)
        made += 1
    return made


async def refuse_double_day(
    db: AsyncSession, day: ReceptionDay, people: Sequence[str], room_id: str | None
) -> None:
    """Nobody receives in two places at once, and no room is two leaders'. The caller took the turn."""
    receives = received_by(people)
    query = select(ReceptionDay).where(
        ReceptionDay.state != DayState.CANCELLED,
        ReceptionDay.id != day.id,
        ReceptionDay.starts_at < day.ends_at,
        ReceptionDay.ends_at > day.starts_at,
        or_(receives, ReceptionDay.room_id == room_id) if room_id else receives,
    )
    with db.no_autoflush:
        other = await db.scalar(query.order_by(ReceptionDay.starts_at).limit(1))
    if other is None:
        return
    begin = other.starts_at.astimezone(BEIJING)
    when = f"{chinese_date(begin)} {begin:%H:%M}"
    if other.receives.id in people:
        message = f"{other.receives.name}在 {when} 已有接访日。"
        raise Conflict("leader_engaged", message, "begins")
    raise Conflict("room_engaged", f"{other.room.name}在 {when} 已有接访日。", "begins")


async def _refuse_booked(db: AsyncSession, slots: Sequence[Slot]) -> None:
    ids = [slot.id for slot in slots]
    held = select(Booking.id).where(Booking.slot_id.in_(ids), Booking.state.in_(sorted(HOLDING)))
    if await db.scalar(held.limit(1)) is not None:
        message = "这个接访日已有群众预约。请先给他们改期或取消，或者把接访日改期、换别的领导接访。"
        raise Conflict("booked", message, "reason")


async def cut_slots(db: AsyncSession, clock: Clock, day: ReceptionDay) -> Sequence[Slot]:
    """Cut the day into its slots inside the caller's transaction. Raises Conflict `slots_overlap`."""
    public = day.rule.mode is ReceptionMode.FIXED_PLACE
    command = OpenSlots(day.room_id, day.starts_at, day.ends_at, day.rule.minutes, public)
    slots = await add_slots(db, clock, day.room, command)
    for slot in slots:
        slot.reception_day_id = day.id
    return slots


async def slots_of(db: AsyncSession, day: ReceptionDay) -> Sequence[Slot]:
    """The slots of the day by time, without those that an earlier date left closed."""
    query = select(Slot).where(Slot.reception_day_id == day.id, Slot.closed.is_(False))
    return (await db.scalars(query.order_by(Slot.starts_at))).all()


async def owned_day(db: AsyncSession, actor: Actor, day_id: str) -> ReceptionDay:
    """The day for who changes it, held until the transaction ends. Raises NotFound, Forbidden."""
    day = await db.get(ReceptionDay, day_id, with_for_update={"of": ReceptionDay}, populate_existing=True)
    if day is None:
        raise NotFound("day_not_found", "没有找到这个接访日。")
    require(actor, Action.MANAGE_SLOTS, scope_of_organisation(day.organisation))
    return day


async def _days_of(db: AsyncSession, rule_id: str) -> Sequence[ReceptionDay]:
    return (await db.scalars(select(ReceptionDay).where(ReceptionDay.rule_id == rule_id))).all()


def _move(clock: Clock, day: ReceptionDay, state: DayState) -> None:
    old, new = DAY_STATE_NAMES[day.state], DAY_STATE_NAMES[state]
    require_transition(TRANSITIONS, day.state, state, f"这个接访日{old}，不能改为{new}。")
    _change(clock, day, state)


def _change(clock: Clock, day: ReceptionDay, state: DayState) -> None:
    day.state = state
    touch(clock, day)


def touch(clock: Clock, day: ReceptionDay) -> None:
    """Count the change, for calendars."""
    day.revision += 1
    day.changed_at = clock.now()


def _check_times(clock: Clock, command: AddRule) -> None:
    now = today(clock)
    if command.first_on < now:
        raise Invalid("in_the_past", "开始的日期已经过去，请选择今天以后的日期。", "first_on")
    if command.first_on.year > now.year + MAX_YEARS:
        raise Invalid("too_far_ahead", f"开始的日期太远，最多 {MAX_YEARS} 年以内。", "first_on")
    if command.last_on is not None and command.last_on < command.first_on:
        raise Invalid("ends_before_start", "结束的日期要在开始的日期之后。", "last_on")
    if command.last_on is not None and command.last_on.year > now.year + MAX_YEARS:
        raise Invalid("too_far_ahead", f"结束的日期太远，最多 {MAX_YEARS} 年以内。", "last_on")
    begin, end = (datetime.combine(now, each) for each in (command.begins, command.ends))
    if end <= begin:
        raise Invalid("ends_before_start", "结束时间要晚于开始时间。", "ends")
    if end - begin > LONGEST:
        raise Invalid("too_long", f"时间太长，最多 {LONGEST.total_seconds() / 3600:g} 小时。", "ends")
    shortest, longest = MINUTES
    if not shortest <= command.minutes <= longest:
        raise Invalid("bad_minutes", f"每个时段 {shortest} 到 {longest} 分钟。", "minutes")
    if end - begin < timedelta(minutes=command.minutes):
        raise Invalid("too_short", "这段时间放不下一个完整的时段。", "ends")


async def _check_people(db: AsyncSession, command: AddRule, organisation: Organisation) -> None:
    await _official_of(db, command.leader_id, organisation, "leader")
    if command.substitute_id:
        if command.substitute_id == command.leader_id:
            raise Invalid("same_person", "替补领导不能是同一个人。", "substitute")
        await _official_of(db, command.substitute_id, organisation, "substitute")
    room = await db.get(ReceptionRoom, command.room_id)
    if room is None or room.organisation_id != organisation.id:
        raise Invalid("bad_room", "请选择本单位的接访室。", "room")
    if len(command.required_ids) > MAX_REQUIRED:
        raise Invalid("too_many_organisations", f"必须到场的单位最多 {MAX_REQUIRED} 个。", "required")
    for each in command.required_ids:
        required = await db.get(Organisation, each)
        if required is None or not covers(organisation.region_code, required.region_code):
            raise Invalid("bad_organisation", "只能要求本辖区的单位到场。", "required")


async def _official_of(
    db: AsyncSession, official_id: str, organisation: Organisation, field: str
) -> Official:
    try:
        official = await get_official(db, official_id)
    except NotFound:
        raise Invalid("bad_official", "请选择本单位的领导。", field) from None
    held = {post.organisation_id for post in official.posts if post.ended_at is None}
    if organisation.id not in held or official.disabled_at is not None:
        raise Invalid("bad_official", "请选择本单位的领导。", field)
    return official
