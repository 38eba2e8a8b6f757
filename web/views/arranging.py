"""What can be chosen for a sitting: hosts, officials, rooms, equipment, offices, the host's free slots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.organisations import Organisation, OrganisationKind, covers, list_organisations
from cases.people import list_officials
from cases.policy import Actor
from cases.roles import Role
from scheduling.booking.booking import PENDING, Booking
from scheduling.booking.bookings import list_bookings
from scheduling.booking.common_time import FreeTime
from scheduling.booking.equipment import list_equipment
from scheduling.booking.joint_answers import declined_by
from scheduling.booking.slot import Slot
from scheduling.booking.slots import list_rooms
from scheduling.rota.receiver import receivers_of
from web.keys import ACTOR, CLOCK
from web.views.slots import free_slots, slot_words, slots_by_day
from web.words import clock_time, half_day

RECEIVE = (Role.RECEPTIONIST, Role.LEADER, Role.HANDLER, Role.UNIT_HEAD, Role.STATION_CLERK)


@dataclass
class Choices:
    """Each maps ids to words; `host` is the one that is chosen, `slots` has a heading for each day."""

    hosts: dict[str, str]
    host: str
    joint: dict[str, str]
    slot_words: dict[str, str]
    slots: dict[str, dict[str, str]]
    officials: dict[str, str] = field(default_factory=dict)
    rooms: dict[str, str] = field(default_factory=dict)
    equipment: dict[str, str] = field(default_factory=dict)


async def find_choices(
    db: AsyncSession, request: web.Request, petition: PetitionCase, booking: Booking | None, host: str
) -> Choices:
    """For this case, hosted by `host` where that is possible, else by the booking's or the actor's office."""
    organisations = [each for each in await list_organisations(db) if _innocent(each, petition)]
    hosts = _hosts(request[ACTOR], organisations, petition, booking)
    host = host if host in hosts else next(iter(hosts), "")
    absent = await declined_by(db, booking.id) if booking is not None else ()
    joint = [each for each in organisations if _may_join(each, petition) and each.id not in {host, *absent}]
    slots = await _own_slots(db, request, petition, host)
    slots += await free_slots(db, request, host) if host else []
    receivers = await receivers_of(db, slots)
    found = Choices(
        hosts, host, {each.id: each.name for each in joint}, slot_words(slots), slots_by_day(slots, receivers)
    )
    seated = [each for each in organisations if each.id == host] + joint
    await _add_people_and_things(db, found, seated)
    return found


def times_by_day(times: Sequence[FreeTime]) -> dict[str, dict[str, str]]:
    """Proposals for the macro `slots`: a heading to `begin/end` with the time of day."""
    days: dict[str, dict[str, str]] = {}
    for each in times:
        begin, end = each.starts_at.astimezone(BEIJING), each.ends_at.astimezone(BEIJING)
        day = half_day(begin) + ("（群众选的时间）" if each.wished else "")
        days.setdefault(day, {})[f"{begin.isoformat()}/{end.isoformat()}"] = clock_time(begin)
    return days


def _innocent(organisation: Organisation, petition: PetitionCase) -> bool:
    return organisation.id != petition.accused_organisation_id


def _hosts(
    actor: Actor, organisations: Iterable[Organisation], petition: PetitionCase, booking: Booking | None
) -> dict[str, str]:
    """Where it was booked or passed on to first, then the actor's own office, then the custodian's."""
    booked = None
    if booking is not None:
        booked = booking.slot.organisation_id if booking.state in PENDING else booking.redirected_to_id
    own = actor.organisation_ids
    found = [o for o in organisations if o.id in own or o.id in (petition.custodian_id, booked)]
    found.sort(key=lambda o: (o.id != booked, o.id not in own, o.region_code))
    return {o.id: o.name for o in found if o.kind is not OrganisationKind.DEPARTMENT}


def _may_join(organisation: Organisation, petition: PetitionCase) -> bool:
    """Offices on the case's line of the tree, the departments of its district, and whom the case names."""
    code = petition.custodian.region_code
    if any(part.organisation_id == organisation.id for part in petition.organisations):
        return True
    if organisation.kind is OrganisationKind.DEPARTMENT:
        return organisation.region_code == code[:6]
    return covers(organisation.region_code, code)


async def _own_slots(db: AsyncSession, request: web.Request, petition: PetitionCase, host: str) -> list[Slot]:
    """Slots this citizen already asked for: taking one confirms it and arranges the sitting."""
    found = await list_bookings(db, request[ACTOR], petition_id=petition.id)
    now = request.app[CLOCK].now()
    return [
        b.slot
        for b in found
        if b.state in PENDING and b.slot.organisation_id == host and b.slot.starts_at > now
    ]


async def _add_people_and_things(db: AsyncSession, found: Choices, offices: Sequence[Organisation]) -> None:
    """Named with their office, the nearest to the citizen first."""
    ordered = sorted(offices, key=lambda each: (-len(each.region_code), each.name))
    for office in ordered:
        for official in await list_officials(db, [office.id]):
            held = [p for p in official.posts if p.organisation_id == office.id and p.ended_at is None]
            if official.disabled_at is None and any(post.role in RECEIVE for post in held):
                found.officials.setdefault(official.id, f"{office.short_name} {official.name}")
        if office.kind is not OrganisationKind.DEPARTMENT:
            for room in await list_rooms(db, office.id):
                found.rooms[room.id] = f"{office.short_name} {room.name}"
    for each in await list_equipment(db, [office.id for office in ordered]):
        found.equipment[each.id] = f"{each.organisation.short_name} {each.name}"
