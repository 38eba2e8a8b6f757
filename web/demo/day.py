"""The demo day as rows: seeded once, refreshed at each start so that one session can always begin now."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionCase
from cases.clock import BEIJING, Clock
from cases.errors import Conflict
from cases.lanzhou import seed_lanzhou
from cases.organisations import Organisation, OrganisationKind, find_office, list_organisations
from cases.people import Appoint, CreateOfficial, Official, PersonDetails, appoint, create_official
from cases.petitions import RegisterPetition, register_petition
from cases.policy import SYSTEM
from cases.roles import INVITATION_ROLE_NAMES, InvitationRole
from recordings.recording import Recording, RecordingState
from scheduling.arrival.visiting_place import set_place
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.booking.slot import ReceptionRoom
from scheduling.booking.slots import OpenSlots, create_room, list_free_slots, open_slots
from scheduling.invitation import Invitation
from scheduling.links import find_link, issue_link
from scheduling.session import OVER, Session, SessionState
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import CreateSession, create_session, move_session
from web.demo.community import seed_community
from web.demo.handled import seed_handling
from web.demo.people import (
    CITY,
    FINISHED,
    HOST,
    OFFICIALS,
    OTHERS,
    PASSWORD,
    PLACES,
    PROVINCE,
    READY,
    DemoMatter,
    DemoOfficial,
)
from web.demo.rota import seed_rota

READY_FOR = timedelta(hours=8)
LEAST_LEFT = timedelta(minutes=30)
SLOT_DAYS = 7
PUBLIC_ROOM = "第一视频接访室"


@dataclass(frozen=True)
class PartyLink:
    """One printed link; `path` is `/j/{code}#{secret}`."""

    label: str
    name: str
    path: str = field(repr=False)


@dataclass(frozen=True)
class DemoDay:
    ready_session_id: str
    links: tuple[PartyLink, ...]
    reception_session_id: str | None  # To be held by synthetic peers, or None when its recording exists.
    sitting_links: tuple[PartyLink, ...] = ()  # Of the mediation by video; without the weeks before none.


async def seed_house(db: AsyncSession, clock: Clock) -> None:
    """Offices and accounts, which were there before anything happened."""
    await seed_lanzhou(db)
    officials = set(await db.scalars(select(Official.username)))
    for person in OFFICIALS:
        if person.username not in officials:
            made = await create_official(
                db, clock, SYSTEM, CreateOfficial(person.username, person.name, PASSWORD, demo=True)
            )
            office = await _unit(db, person) if person.unit else await _office(db, person.region_code)
            await appoint(db, clock, SYSTEM, Appoint(made.id, office.id, person.role, person.title))
    for place in PLACES:
        await set_place(db, *place)


async def seed_day(db: AsyncSession, clock: Clock) -> None:
    """Everything that is made once. Running it again changes nothing."""
    await seed_house(db, clock)
    for matter in (READY, FINISHED, *OTHERS):
        await _matter(db, clock, matter)
    await _open_week(db, clock)
    await _book_today(db, clock)
    await seed_rota(db, clock)
    await seed_handling(db, clock)
    await seed_community(db, clock)


async def find_ready_session(db: AsyncSession, clock: Clock) -> Session | None:
    """The session that can begin now, if there is one; changes nothing."""
    left = Session.ends_at > clock.now() + LEAST_LEFT
    return await db.scalar(_newest(Session.state.not_in(sorted(OVER)), left))


async def find_latest_session(db: AsyncSession) -> Session | None:
    """The last session of the demonstration, over or not; changes nothing."""
    return await db.scalar(_newest())


def _newest(*which: ColumnElement[bool]) -> Select[Session]:
    query = select(Session).join(PetitionCase, PetitionCase.id == Session.petition_id)
    query = query.where(PetitionCase.subject == READY.subject, *which)
    return query.order_by(Session.starts_at.desc()).limit(1)


async def ready_session(db: AsyncSession, clock: Clock) -> Session:
    """The session that can begin now; a new one when the last was closed or is nearly over."""
    ready = await find_ready_session(db, clock)
    if ready is not None:
        return ready
    petition = await _matter(db, clock, READY)
    query = select(Session).where(Session.petition_id == petition.id, Session.state.not_in(sorted(OVER)))
    for session in (
        (await db.scalars(query)).unique().all()
    ):  # Yesterday's, never begun: out of the way of today's board.
        with contextlib.suppress(Conflict):
            await move_session(db, clock, SYSTEM, session.id, SessionState.CANCELLED, "演示日更新")
    return await joint_session(db, clock, petition, READY_FOR)


async def party_links(db: AsyncSession, clock: Clock, session: Session) -> tuple[PartyLink, ...]:
    """A fresh link for each who is invited; the earlier ones stop working."""
    found = []
    for invitation in await invited(db, session.id):
        secret = await issue_link(db, clock, SYSTEM, invitation.id)
        organisation = invitation.organisation
        office = organisation.short_name if organisation else INVITATION_ROLE_NAMES[invitation.role]
        found.append(PartyLink(office, invitation.display_name, f"/j/{invitation.code}#{secret}"))
    return tuple(found)


async def links_still_good(db: AsyncSession, clock: Clock, session: Session) -> bool:
    """Has every party a link that is live and not yet taken by a device?"""
    links = [await find_link(db, invitation.id) for invitation in await invited(db, session.id)]
    return all(link and link.bound_at is None and link.valid_until > clock.now() for link in links)


async def pending_reception(db: AsyncSession, clock: Clock) -> Session | None:
    """The session that synthetic peers have still to hold; None when there is a recording already."""
    petition = await _matter(db, clock, FINISHED)
    done = select(Recording.id).where(
        Recording.petition_id == petition.id,
        Recording.stopped_at.is_not(None),
        Recording.state != RecordingState.FAILED,
    )
    if await db.scalar(done.limit(1)):
        return None
    query = select(Session).where(Session.petition_id == petition.id, Session.state.not_in(sorted(OVER)))
    for session in (await db.scalars(query)).unique().all():
        if session.ends_at > clock.now() + timedelta(minutes=5):
            return session
    return await joint_session(db, clock, petition, timedelta(hours=1), accounts=False)


async def invited(db: AsyncSession, session_id: str) -> list[Invitation]:
    """Citizen first, then district, city, province."""
    query = select(Invitation).where(Invitation.session_id == session_id, Invitation.revoked_at.is_(None))
    found = list((await db.scalars(query)).unique().all())
    found.sort(key=place_of)
    return found


def place_of(invitation: Invitation) -> tuple[bool, int]:
    code = invitation.organisation.region_code if invitation.organisation else ""
    return invitation.role is not InvitationRole.PETITIONER, -len(code)


async def joint_session(
    db: AsyncSession, clock: Clock, petition: PetitionCase, length: timedelta, accounts: bool = True
) -> Session:
    """Citizen with district (host), city and province, all invited by name.

    Without their accounts where synthetic peers sit in for them: nobody is engaged in two sessions at once.
    """
    joint = InvitationRole.JOINT_RECEPTIONIST
    roles = ((HOST, InvitationRole.HOST), (CITY, joint), (PROVINCE, joint))
    invitees = [Invitee(InvitationRole.PETITIONER)]
    offices = {}
    for person, role in roles:
        official = (await db.scalars(select(Official).where(Official.username == person.username))).one()
        office = offices[person.username] = await _office(db, person.region_code)
        account = official.id if accounts else None
        invitees.append(Invitee(role, person.name, official_id=account, organisation_id=office.id))
    now = clock.now()
    return await create_session(
        db,
        clock,
        SYSTEM,
        CreateSession(
            petition_id=petition.id,
            host_organisation_id=offices[HOST.username].id,
            starts_at=now,
            ends_at=now + min(length, timedelta(hours=4)),
            joint_organisation_ids=(offices[CITY.username].id, offices[PROVINCE.username].id),
            invitees=tuple(invitees),
        ),
    )


async def _matter(db: AsyncSession, clock: Clock, matter: DemoMatter) -> PetitionCase:
    query = select(PetitionCase).where(PetitionCase.subject == matter.subject)
    known = (await db.scalars(query)).unique().first()
    if known is not None:
        return known
    office = await _office(db, matter.region_code)
    details = PersonDetails(matter.name, matter.phone)
    command = RegisterPetition(Channel.VISIT, matter.subject, matter.description, details, office.id)
    petition, _ = await register_petition(db, clock, SYSTEM, command)
    return petition


async def _open_week(db: AsyncSession, clock: Clock) -> None:
    """Public slots of every district for the coming days, morning and afternoon."""
    offices = await list_organisations(db, OrganisationKind.PETITION_OFFICE)
    own = select(ReceptionRoom).where(ReceptionRoom.name == PUBLIC_ROOM)  # Not the leaders' room.
    rooms = {room.organisation_id: room for room in (await db.scalars(own)).unique()}
    today = clock.now().astimezone(BEIJING).date()
    for office in offices:
        if len(office.region_code) != 6:
            continue
        room = rooms.get(office.id) or await create_room(db, clock, SYSTEM, office.id, PUBLIC_ROOM)
        for ahead in range(1, SLOT_DAYS + 1):
            day = today + timedelta(days=ahead)
            if day.weekday() < 5:
                await _open(db, clock, room.id, datetime.combine(day, time(9), BEIJING), 3)
                await _open(db, clock, room.id, datetime.combine(day, time(14, 30), BEIJING), 2)


async def _open(db: AsyncSession, clock: Clock, room_id: str, start: datetime, hours: int) -> None:
    with contextlib.suppress(Conflict):  # Opened at an earlier start.
        await open_slots(db, clock, SYSTEM, OpenSlots(room_id, start, start + timedelta(hours=hours)))


async def _book_today(db: AsyncSession, clock: Clock) -> None:
    """Two more sessions later today, one for tomorrow, and one request from the public page."""
    host = await _office(db, HOST.region_code)
    city = await _office(db, CITY.region_code)
    now = clock.now()
    for number, matter in enumerate(OTHERS[:3]):
        petition = await _matter(db, clock, matter)
        if await db.scalar(select(Session.id).where(Session.petition_id == petition.id).limit(1)):
            continue
        hours = (1, 2, 24)[number]
        start = _half_hour(now + timedelta(hours=hours))
        await create_session(
            db,
            clock,
            SYSTEM,
            CreateSession(
                petition_id=petition.id,
                host_organisation_id=host.id,
                starts_at=start,
                ends_at=start + timedelta(minutes=30),
                joint_organisation_ids=(city.id,) if number else (),
            ),
        )
    await _ask_publicly(db, clock, host)


async def _ask_publicly(db: AsyncSession, clock: Clock, office: Organisation) -> None:
    subject = "公交站台离小区太远"
    if await db.scalar(select(PetitionCase.id).where(PetitionCase.subject == subject)):
        return
    now = clock.now()
    free = await list_free_slots(db, clock, office.id, now, now + timedelta(days=SLOT_DAYS + 1), True)
    if free:
        command = BookPublicly(
            free[0].id, "马小兰", "13893100008", subject, "老人走到站台要二十分钟，请求增设一站。"
        )
        await book_publicly(db, clock, command, "127.0.0.1")


async def _unit(db: AsyncSession, person: DemoOfficial) -> Organisation:
    return (await db.scalars(select(Organisation).where(Organisation.short_name == person.unit))).one()


async def _office(db: AsyncSession, region_code: str) -> Organisation:
    found = await find_office(db, region_code)
    assert found is not None, f"The tree lacks {region_code}"
    return found


def _half_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0 if moment.minute < 30 else 30, second=0, microsecond=0)
