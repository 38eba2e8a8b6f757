"""领导接访日: the rota of the offices, its rules, and each day with its briefing pack."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.deadlines.in_force import calendar_of
from cases.errors import Conflict, Invalid
from cases.fields import clean_text
from cases.handling.clocks import today
from cases.organisations import Organisation, OrganisationKind, covers, list_organisations
from cases.policy import Action, Actor, allowed
from scheduling.booking.slots import list_rooms, scope_of_organisation
from scheduling.notices.attendance import attendance_of, phones_of, set_duty_phone
from scheduling.notices.day_reminders import tell_of_day
from scheduling.notices.texts import TEMPLATES
from scheduling.rota.briefing import brief
from scheduling.rota.planning import (
    AddRule,
    add_rule,
    cancel_day,
    end_rule,
    list_days,
    list_rules,
    may_plan,
    publish_day,
    stand_in,
)
from scheduling.rota.reception_day import MODE_NAMES, DayState, ReceptionDay, ReceptionMode
from scheduling.rota.recurrence import PATTERN_NAMES, Pattern, Recurrence, describe
from scheduling.sessions.moving_day import MoveDay, move_day
from web.briefing_pdf import briefing_pdf
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, REGISTRY
from web.language import say_error
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER
from web.tending.session_notices import telling_of

AHEAD = timedelta(days=92)
MODES = {str(mode): name for mode, name in MODE_NAMES.items()}
PATTERNS = {str(pattern): name for pattern, name in PATTERN_NAMES.items()}
WEEKDAYS = {str(number): f"星期{name}" for number, name in enumerate("一二三四五")}
WEEKS = {str(number): f"第 {number} 周" for number in range(1, 6)}
MINUTES = {str(number): f"每次 {number} 分钟" for number in (10, 15, 20, 30, 45, 60)}
INITIAL = {"pattern": "monthly_day", "mode": "fixed_place", "begins": "09:00", "ends": "12:00"}
INITIAL |= {"minutes": "30", "month_day": "15"}


async def show(request: web.Request) -> web.StreamResponse:
    """GET {}: the days of the next three months and the standing rules."""
    return await _page(request, Form(initial=INITIAL))


async def add(request: web.Request) -> web.StreamResponse:
    """POST {organisation, leader, substitute, room, mode, pattern …}: a rule with its days."""
    form = Form(await request.post())
    async with request.app[DATABASE].session() as db:
        office = (await _own_offices(db, request[ACTOR])).get(form.typed("organisation"))
        command = await _command(db, form, office) if office is not None else None
        if office is None:
            form.fail("organisation", "请选择单位")
        if command is not None and not form.errors:
            try:
                await add_rule(db, request.app[CLOCK], request[ACTOR], command)
            except (Invalid, Conflict) as error:
                form.refuse(error, "leader")
    if form.errors:
        return await _page(request, form, 422)
    return see_other("/rota")


async def end(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        await end_rule(db, request.app[CLOCK], request[ACTOR], request.match_info["rule_id"])
    return see_other("/rota")


async def show_day(request: web.Request) -> web.StreamResponse:
    """GET {day_id}: one day, its visitors with the history of their matters, and what can be changed."""
    return await _day_page(request, Form())


async def publish(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        clock, day_id = request.app[CLOCK], request.match_info["day_id"]
        tell = partial(tell_of_day, db, clock, telling_of(request))
        await publish_day(db, clock, request[ACTOR], day_id, tell)
    return see_other(f"/rota/{request.match_info['day_id']}")


async def substitute(request: web.Request) -> web.StreamResponse:
    """POST {substitute}: who receives that day."""
    form, day_id = Form(await request.post()), request.match_info["day_id"]
    async with request.app[DATABASE].session() as db:
        try:
            clock = request.app[CLOCK]
            tell = partial(tell_of_day, db, clock, telling_of(request))
            await stand_in(db, clock, request[ACTOR], day_id, form.typed("substitute")[:64], tell)
        except (Invalid, Conflict) as error:
            form.refuse(error, "substitute")
    return await _day_page(request, form, 422) if form.errors else see_other(f"/rota/{day_id}")


async def cancel(request: web.Request) -> web.StreamResponse:
    """POST {reason}: the day is called off."""
    form, day_id = Form(await request.post()), request.match_info["day_id"]
    form.values["reason"] = form.typed("reason")
    async with request.app[DATABASE].session() as db:
        try:
            clock = request.app[CLOCK]
            tell = partial(tell_of_day, db, clock, telling_of(request))
            await cancel_day(db, clock, request[ACTOR], day_id, form.typed("reason"), tell)
        except (Invalid, Conflict) as error:
            form.refuse(error, "reason")
    return await _day_page(request, form, 422) if form.errors else see_other(f"/rota/{day_id}")


async def move(request: web.Request) -> web.StreamResponse:
    """POST {moved_on, moved_at, why}: the day is held on another date; who is booked goes along."""
    form, day_id = Form(await request.post()), request.match_info["day_id"]
    on, at = form.typed_day("moved_on", "请填写改到哪一天"), form.typed_hour("moved_at")
    form.values["why"] = form.typed("why")[:1000]
    if on is None or at is None:
        return await _day_page(request, form, 422)
    async with request.app[DATABASE].session() as db:
        try:
            command = MoveDay(day_id, on, form.value("why"), at)
            moved = await move_day(db, request.app[CLOCK], request[ACTOR], command, telling_of(request))
        except (Invalid, Conflict) as error:
            field = {"reason": "why", "begins": "moved_at"}.get(error.field or "", "moved_on")
            form.fail(field, say_error(error.code, error.message))
    if form.errors:
        return await _day_page(request, form, 422)
    request.app[MESSENGER].ring()
    for session_id in moved.session_ids:
        await request.app[REGISTRY].session_moved(session_id)
    return see_other(f"/rota/{day_id}")


async def note_phone(request: web.Request) -> web.StreamResponse:
    """POST {unit, phone}: where a unit that must attend is told."""
    form, day_id = Form(await request.post()), request.match_info["day_id"]
    form.values |= {"unit": form.typed("unit")[:32], "phone": form.typed("phone")[:40]}
    async with request.app[DATABASE].session() as db:
        try:
            clock, actor = request.app[CLOCK], request[ACTOR]
            await set_duty_phone(db, clock, actor, day_id, form.value("unit"), form.value("phone"))
        except Invalid as error:
            form.refuse(error, "phone")
    return await _day_page(request, form, 422) if form.errors else see_other(f"/rota/{day_id}")


async def as_pdf(request: web.Request) -> web.StreamResponse:
    """GET {day_id}: the briefing pack as PDF."""
    async with request.app[DATABASE].session() as db:
        pack = await brief(db, request[ACTOR], request.match_info["day_id"])
    body = briefing_pdf(pack, request.app[CLOCK].now())
    name = f"briefing-{pack.day.starts_at.astimezone(BEIJING):%Y%m%d}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(body=body, content_type="application/pdf", headers=headers)


async def _command(db: AsyncSession, form: Form, office: Organisation) -> AddRule | None:
    people = {each.id: each.name for each in await may_plan(db, office.id)}
    rooms = {room.id: room.name for room in await list_rooms(db, office.id)}
    form.values["organisation"] = office.id
    leader = form.choice("leader", people, "请选择接访领导")
    stands = form.choice("substitute", people | {"": ""}, "请选择替补领导")
    room = form.choice("room", rooms, "请选择接访室")
    mode = form.choice("mode", MODES, "请选择接访形式")
    pattern = form.choice("pattern", PATTERNS, "请选择怎样重复")
    weekday = form.choice("weekday", WEEKDAYS | {"": ""}, "请选择星期几")
    weeks = form.choices("weeks", WEEKS)
    monthly = pattern == Pattern.MONTHLY_DAY
    month_day = form.number("month_day", "请填写每月几日，1 到 31") if monthly else None
    form.values.setdefault("month_day", form.typed("month_day")[:4])
    begins, ends = form.typed_hour("begins"), form.typed_hour("ends")
    minutes = form.choice("minutes", MINUTES, "请选择每个时段多长")
    first_on = form.typed_day("first_on", "请填写从哪一天开始")
    last_on = form.typed_day("last_on")
    required = form.choices("required", await _below(db, office))
    duties = form.take("duties", clean_text)
    if pattern == Pattern.ONCE:
        last_on = first_on
    if form.errors or begins is None or ends is None or first_on is None:
        return None
    rule = Recurrence(
        Pattern(pattern), month_day, int(weekday) if weekday else None, tuple(int(week) for week in weeks)
    )
    return AddRule(
        office.id, leader, room, ReceptionMode(mode), rule, begins, ends, first_on, last_on,
        stands or None, int(minutes), required, duties,
    )  # fmt: skip


async def _own_offices(db: AsyncSession, actor: Actor) -> dict[str, Organisation]:
    """Offices and stations whose rota the actor keeps."""
    return {
        each.id: each
        for each in await list_organisations(db)
        if each.id in actor.organisation_ids
        and each.kind is not OrganisationKind.DEPARTMENT
        and allowed(actor, Action.MANAGE_SLOTS, scope_of_organisation(each))
    }


async def _below(db: AsyncSession, office: Organisation) -> dict[str, str]:
    """Departments and townships whose heads can be told to attend; of a district, not of a province."""
    if len(office.region_code) < 6:
        return {}
    found = await list_organisations(db, prefix=office.region_code)
    return {o.id: o.name for o in found if o.id != office.id and covers(office.region_code, o.region_code)}


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor, now = request[ACTOR], today(request.app[CLOCK])
    begin = datetime.combine(now, time.min, BEIJING)
    async with request.app[DATABASE].session() as db:
        own = await _own_offices(db, actor)
        chosen = form.value("organisation") or request.query.get("organisation", "")
        office = own.get(chosen) or next(iter(own.values()), None)
        mine = [*own, *actor.organisation_ids]
        days = await list_days(db, actor, begin, begin + AHEAD, tuple(dict.fromkeys(mine)))
        rules = await list_rules(db, actor, tuple(dict.fromkeys(mine)))
        people = await may_plan(db, office.id) if office else ()
        rooms = await list_rooms(db, office.id) if office else ()
        below = await _below(db, office) if office else {}
    form.values.setdefault("organisation", office.id if office else "")
    form.values.setdefault("first_on", str(now))
    context = {
        "nav": "rota", "form": form,
        "offices": {key: each.name for key, each in own.items()},
        "days": [_day_row(day, now) | {"asked": day.organisation_id not in mine} for day in days],
        "rules": [{"rule": rule, "words": describe(rule.recurrence)} for rule in rules],
        "people": {each.id: each.name for each in people}, "rooms": {room.id: room.name for room in rooms},
        "modes": MODES, "patterns": PATTERNS, "weekdays": WEEKDAYS, "weeks": WEEKS, "lengths": MINUTES,
        "below": below, "may_plan": bool(own),
        "missing_year": now.year + 1 if (begin + AHEAD).year > calendar_of().newest_year else 0,
    }  # fmt: skip
    title = "错误：领导接访日" if form.errors else "领导接访日"
    return page(request, "rota.html", context, title=title, status=status)


def _day_row(day: ReceptionDay, now: Any) -> dict[str, Any]:
    falls = day.starts_at.astimezone(BEIJING).date()
    put_off = bool(day.reason) and day.state is not DayState.CANCELLED
    return {
        "day": day, "mode": MODE_NAMES[day.rule.mode], "put_off": put_off,
        "moved": falls != day.named_on and not put_off,
        "soon": day.state is not DayState.CANCELLED and 0 <= (falls - now).days <= 5,
        "tomorrow": day.state is DayState.PUBLISHED and 0 <= (falls - now).days <= 1,
    }  # fmt: skip


async def _day_page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor, clock = request[ACTOR], request.app[CLOCK]
    async with request.app[DATABASE].session() as db:
        pack = await brief(db, actor, request.match_info["day_id"])
        people = await may_plan(db, pack.day.organisation_id)
        attending = await attendance_of(db, pack.day)
        phones = await phones_of(db, pack.day)
    day = pack.day
    form.values.setdefault("moved_at", f"{day.starts_at.astimezone(BEIJING):%H:%M}")
    told = _told(day)
    manages = allowed(actor, Action.MANAGE_SLOTS, scope_of_organisation(day.organisation))
    context = {
        "nav": "rota", "form": form, "pack": pack, "movable": day.starts_at > clock.now(),
        **_day_row(day, today(clock)),
        "people": {each.id: each.name for each in people if each.id != day.receives.id},
        "manages": manages and day.ends_at > clock.now(), "attending": attending,
        "units": {key: name for key, name, _ in told}
        | {each.organisation.id: each.organisation.name for each in attending},
        "phones": phones, "told": told,
        "notices": {name: each.name for name, each in TEMPLATES.items()},
    }  # fmt: skip
    title = f"{day.receives.name}接访日"
    return page(request, "rota_day.html", context, title=title, status=status)


def _told(day: ReceptionDay) -> list[tuple[str, str, str]]:
    """Who is reminded beside the units, by id: who receives, who stands by, the office that prepares."""
    people = [(day.leader_id, day.leader.name, "值班领导")]
    if day.substitute is not None:
        people.append((day.substitute.id, day.substitute.name, "替补领导"))
    return [*people, (day.organisation_id, day.organisation.name, "准备接访材料")]
